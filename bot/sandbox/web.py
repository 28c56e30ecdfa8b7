"""The stand-ins' small view of HTTP: a call, an answer, a problem, and routes over undecoded paths."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, unquote, urlencode

Site = TypeVar("Site")


@dataclass
class Answer:
    """What goes back; `stream`, when given, is sent piece by piece instead of `body`."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stream: Iterator[bytes | None] | None = None
    """An endless answer; None means "nothing new, ask again in a moment"."""

    @classmethod
    def json(cls, payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> "Answer":
        """Answer with JSON."""
        return cls(status, json.dumps(payload).encode(), {"content-type": "application/json", **(headers or {})})

    @classmethod
    def text(cls, text: str | bytes, status: int = 200) -> "Answer":
        """Answer with plain text."""
        body = text.encode() if isinstance(text, str) else text
        return cls(status, body, {"content-type": "text/plain; charset=utf-8"})


class Problem(Exception):
    """Ends a handler with an error answer in the vendor's own form."""

    def __init__(self, status: int, payload: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {payload}")
        self.answer = Answer.json(payload, status, headers)


@dataclass
class Call:
    """One request as a handler sees it; path parameters are decoded, the query is not yet typed."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    base_url: str
    parameters: dict[str, str] = field(default_factory=dict)
    user: dict[str, Any] = field(default_factory=dict)
    _data: dict[str, Any] | None = None

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's values by name, `name[]` and `name` being the same."""
        values: dict[str, list[str]] = {}
        for name, found in parse_qs(self.query_string, keep_blank_values=True).items():
            values.setdefault(name.removesuffix("[]"), []).extend(found)
        return values

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        return self.query.get(name, [default])[-1]

    @property
    def data(self) -> dict[str, Any]:
        """The body (JSON or form) over the query: GitLab takes a parameter from either.

        Raises:
            Problem: 400, if the body is not what its type says.
        """
        if self._data is None:
            values: dict[str, Any] = {name: found[-1] for name, found in self.query.items()}
            if self.body and "urlencoded" in self.headers.get("content-type", ""):
                values.update({name: found[-1] for name, found in parse_qs(self.body.decode()).items()})
            elif self.body:
                try:
                    sent = json.loads(self.body)
                except ValueError:
                    raise Problem(400, {"error": "The request body is not valid JSON"}) from None
                if isinstance(sent, dict):
                    values.update(sent)
            self._data = values
        return self._data


Handler = Callable[[Site, Call], Answer]


class Routes(Generic[Site]):
    """A table of method, path and handler; `:name` stands for one path segment, in which `%2F` is a slash."""

    def __init__(self) -> None:
        self._table: list[tuple[str, re.Pattern[str], Handler[Site]]] = []

    def on(self, method: str, path: str) -> Callable[[Handler[Site]], Handler[Site]]:
        """Enter the decorated handler into the table."""
        pattern = re.compile(re.sub(r":(\w+)", r"(?P<\1>[^/]+)", path) + "$")

        def enter(handler: Handler[Site]) -> Handler[Site]:
            self._table.append((method, pattern, handler))
            return handler

        return enter

    def include(self, other: "Routes[Site]") -> None:
        """Take over all routes of another table."""
        self._table.extend(other._table)  # noqa: SLF001 - the same class

    def find(self, method: str, raw_path: str) -> tuple[Handler[Site], dict[str, str]] | None:
        """Return the handler of a path and its decoded parameters; HEAD is answered as GET."""
        wanted = "GET" if method == "HEAD" else method
        for known, pattern, handler in self._table:
            if known == wanted and (match := pattern.match(raw_path)):
                return handler, {name: unquote(value) for name, value in match.groupdict().items()}
        return None


def page(call: Call, items: list[Any]) -> Answer:
    """Answer with one page of a list, with GitLab's headers about the others.

    Raises:
        Problem: 400, if `page` or `per_page` is not a positive number.
    """
    try:
        number, size = int(call.one("page", "1")), min(int(call.one("per_page", "20")), 100)
    except ValueError:
        raise Problem(400, {"error": "page, per_page are invalid"}) from None
    if number < 1 or size < 1:
        raise Problem(
            400, {"error": "page does not have a valid value" if number < 1 else "per_page does not have a valid value"}
        )
    pages = max(1, -(-len(items) // size))
    links = {"first": 1, "last": pages}
    if number > 1:
        links["prev"] = number - 1
    if number < pages:
        links["next"] = number + 1
    others = {name: found[-1] for name, found in call.query.items() if name not in {"page", "per_page"}}
    headers = {
        "x-page": str(number),
        "x-per-page": str(size),
        "x-total": str(len(items)),
        "x-total-pages": str(pages),
        "x-prev-page": str(links.get("prev", "")),
        "x-next-page": str(links.get("next", "")),
        "link": ", ".join(
            f'<{call.base_url}{call.path}?{urlencode({**others, "page": target, "per_page": size})}>; rel="{name}"'
            for name, target in links.items()
        ),
    }
    return Answer.json(items[(number - 1) * size : number * size], headers=headers)
