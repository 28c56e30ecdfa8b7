"""What the web process asks of the house; sync, and always called from a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from actions.core.catalog import Catalog
from actions.core.organization import Organization
from actions.core.places import Place
from actions.core.ports.autonomy import PlaybookRecord
from actions.core.ports.messaging import Change
from actions.core.ports.usage import Spent
from actions.core.reply import Reply
from actions.core.request import Request
from bot.wire import Kind


class Heard(NamedTuple):
    """What came of something said, pressed or asked.

    Attributes:
        kind: what sort of answer it is; the wire's words.
        reply: the answer or card.
        offers: the offer behind each of the reply's buttons, in order.
        request: the request it made or is about.
        follow: a request of earlier whose card changes because of this one.
        draft: what is written already of an answer that is being written.
    """

    kind: Kind
    reply: Reply
    offers: tuple[str, ...] = ()
    request: Request | None = None
    follow: str | None = None
    draft: str = ""


class Desk(Protocol):
    """The house, as somebody with a token meets it.

    Every method raises `Refused` for what cannot be, and `Unreachable` where a store does not answer.
    """

    @property
    def catalog(self) -> Catalog:
        """Every verb."""

    @property
    def organization(self) -> Organization:
        """The configuration."""

    def person(self, token: str) -> str:
        """The person whose token this is; raises `UnknownToken`."""

    def hear(self, person: str, say: str, place: Place, cause: str) -> Heard:
        """A person says something; once for its cause."""

    def ask(self, person: str, action: str, parameters: dict[str, JsonValue], place: Place, cause: str) -> Heard:
        """A person, or their program, asks for an action; once for its cause."""

    def press(self, person: str, offer: str, fields: dict[str, JsonValue], place: Place, cause: str) -> Heard:
        """A person presses a button; once for its cause."""

    def look(self, person: str, request_id: str) -> Heard:
        """A request as it stands, for somebody who may see it; raises `UnknownRequest`."""

    def changes(self) -> AbstractContextManager[Callable[[float], Change | None]]:
        """Listen to changes of requests, as the bus tells them."""

    def checks(self) -> Mapping[str, Callable[[], object]]:
        """What has to be there before anything is accepted: its name, and a call that raises where it is gone."""

    def records(self) -> Sequence[PlaybookRecord]:
        """What each playbook has done, as far back as is remembered."""

    def usage(self) -> tuple[Spent, float | None]:
        """What language models were used for today, and the share of the budget that is used where there is one."""

    def new_id(self) -> str:
        """A fresh identifier that nobody can guess."""
