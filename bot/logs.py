"""Logs: one JSON object a line, with the request's id where there is one and secrets taken out."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from actions.core.redaction import MASK, redact
from bot.secret import Secret
from bot.settings import Settings

_REQUEST: ContextVar[str] = ContextVar("request", default="")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_SHORTEST_SECRET = 6
_NAMED = re.compile(r"\bR-\d{1,12}\b")


@contextmanager
def about(request_id: str) -> Iterator[None]:
    """Everything logged within names this request."""
    token = _REQUEST.set(request_id)
    try:
        yield
    finally:
        _REQUEST.reset(token)


def configure(settings: Settings, process: str, *, stream: TextIO | None = None) -> None:
    """Send every log line of this process to one place; called once, when the process starts.

    Args:
        settings: level, format, and the secrets that must not appear.
        process: the process's name, in every line.
        stream: where to; standard error by default.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    secrets = known_secrets(settings)
    handler.setFormatter(Json(process, secrets) if settings.log_format == "json" else Plain(process, secrets))
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    for chatty in ("alembic", "uvicorn.error", "rq"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))
    # These log whole requests, with what people said or with tokens in headers, at levels that are on by default.
    for noisy in ("slack_bolt.RequestVerification", "httpx", "httpcore", "urllib3", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def known_secrets(settings: Settings) -> tuple[str, ...]:
    """The values of all secret settings, longest first; they are masked wherever they appear."""
    values = vars(settings).values()
    secrets = {value.get_secret_value() for value in values if isinstance(value, Secret)}
    return tuple(sorted((s for s in secrets if len(s) >= _SHORTEST_SECRET), key=len, reverse=True))


def request_of(record: logging.LogRecord) -> str:
    """The request that a line is about: the one it carries, the one being worked on, or the first one it names."""
    carried = getattr(record, "request", "") or _REQUEST.get()
    if carried:
        return str(carried)
    named = _NAMED.search(record.getMessage())
    return named.group() if named else ""


class Json(logging.Formatter):
    """A log record as one line of JSON.

    Args:
        process: the process's name.
        secrets: values to mask beside those that `redact` knows by their form.
    """

    def __init__(self, process: str, secrets: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._process = process
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": self.clean(record.getMessage()),
        }
        if request := request_of(record):
            line["request"] = request
        for name, value in vars(record).items():
            if name not in _STANDARD and name not in line and value is not None:
                line[name] = value if isinstance(value, bool | int | float) else self.clean(str(value))
        if record.exc_info:
            line["exception"] = self.clean(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)

    def clean(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return redact(text)


class Plain(Json):
    """A log record as lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a stack trace below it where there is one."""
        request = request_of(record)
        at = datetime.fromtimestamp(record.created, UTC)
        line = f"{at:%H:%M:%S} {record.levelname:<7} {self._process} {request and f'{request} '}{record.getMessage()}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return self.clean(line)
