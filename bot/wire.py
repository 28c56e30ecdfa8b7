"""What the HTTP API says and hears: the models that its server and its clients share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from actions.core.reply import Reply
from actions.core.request import Request, State

MAX_SAY = 8_000
"""The longest sentence, in characters; beyond it there is a file, not a sentence."""

Thread = Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]{16,64})?$")]
"""A thread's id: unguessable, for whoever knows it takes part in it; empty opens a new one."""

Surface = Annotated[str, Field(pattern=r"^(api|terminal|web)$")]


Kind = Literal["request", "question", "unclear", "error"]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Say(_Message):
    """Something said in a thread."""

    say: Annotated[str, Field(min_length=1, max_length=MAX_SAY)]
    thread: Thread = ""
    surface: Surface = "api"


class Press(_Message):
    """A button pressed.

    Attributes:
        offer: the id behind the button.
        fields: what the person filled in, for the parameters that the button asks for.
    """

    offer: Annotated[str, Field(min_length=1, max_length=200)]
    fields: dict[str, JsonValue] = {}
    thread: Thread = ""
    surface: Surface = "api"


class Do(_Message):
    """An action with its parameters, by a program or a form."""

    parameters: dict[str, JsonValue] = {}
    thread: Thread = ""
    surface: Surface = "api"


class Standing(_Message):
    """Where a request stands.

    Attributes:
        id: "R-12".
        version: counts every change; wait for the next with `after_version`.
        settled: whether nothing more will happen by itself.
        outcome: in a word or three how it ended.
    """

    id: str
    action: str
    state: State
    version: int
    settled: bool
    outcome: str = ""

    @classmethod
    def of(cls, request: Request) -> Standing:
        """Where this request stands."""
        return cls(
            id=request.id,
            action=request.action,
            state=request.state,
            version=request.version,
            settled=request.state.is_settled,
            outcome=request.outcome,
        )


class Answer(_Message):
    """A reply, and the request that it is about where there is one.

    Attributes:
        kind: "request" where the ledger has it; "question" where something is asked back; "unclear" where nothing was
            done; "error" where it could not be taken in.
        offers: the offer behind each of the reply's buttons, in order.
        follow: a request of earlier whose card changes because of this one, such as the one just approved.
        draft: what is written already of an answer that is being written.
    """

    thread: str
    kind: Kind
    reply: Reply
    offers: tuple[str, ...] = ()
    request: Standing | None = None
    follow: str | None = None
    draft: str = ""

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.request is None or self.request.settled


class VerbWords(_Message):
    """A verb as one types it.

    Attributes:
        parameters: the kind of each parameter.
        choices: the values of those parameters that have few.
    """

    name: str
    description: str
    phrases: tuple[str, ...]
    parameters: dict[str, str]
    choices: dict[str, tuple[str, ...]] = {}


class Words(_Message):
    """What can be typed, for completion.

    Attributes:
        person: who asks.
        verbs: every verb with its phrases and the kind of each parameter.
        names: the known names of each kind.
    """

    person: str
    verbs: tuple[VerbWords, ...]
    names: dict[str, tuple[str, ...]]


class Trouble(_Message):
    """What went wrong, and what to do."""

    message: str
    remedy: str = ""


class Failed(_Message):
    """The body of every answer that is no success."""

    error: Trouble
