"""An action, defined once: its fields are the parameters, its class keywords the policy, its docstring the description.

From one such class come the grammar, the model's tool, the form, the endpoint, the permission and the reference page.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Generic, Literal, TypedDict, TypeVar, Unpack, cast

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.context import Context, Tools
from actions.core.kinds import Kind, Vocabulary
from actions.core.people import Role
from actions.core.plan import Plan
from actions.core.reply import Button, Reply, Step
from actions.core.request import Request

R = TypeVar("R", bound=BaseModel)
Queue = Literal["inline", "query", "deploy", "remediate"]


class Risk(StrEnum):
    """What an action can do."""

    READ = "read"
    """It changes nothing."""
    CHANGE = "change"
    """It changes something outside, or in the ledger."""


class Need(StrEnum):
    """Who may do it, where that is not simply a role and those above it."""

    BY_ENVIRONMENT = "by environment"
    """The environment's kind decides: developers in development, senior ones in staging, devops in production."""
    OWN_RULE = "own rule"
    """The action itself decides, by a rule that it names, such as: only an approver may approve."""


@dataclass(frozen=True)
class Policy:
    """What the class keywords of an action say.

    Attributes:
        name: the verb, as it is typed and stored.
        risk: whether it changes anything.
        needs: the lowest role that may do it, or by which rule.
        queue: where it runs: at once in the process that took it in ("inline"), or on the workers of a queue.
        timeout: how long one run of the work may take on a worker.
        phrases: the plain grammar, with `{parameter}` for values and `[…]` for what may be left out.
        examples: sentences that must be understood as this action, with the parameters they name.
        paraphrases: other ways to say it, without values, from which the local recogniser learns.
        lock: whether it is the only operation on its service and environment while under way.
        poller: for a long verb, the connector whose batch polls it.
        control: whether it steers requests and freezes themselves, and so works during a freeze.
        group: the heading under which `help` lists it.
        public: whether people may ask for it; steps that only playbooks take are not.
        for_playbooks: whether a playbook may do it without any role of its own.
        private: whether its answer is for the one who asked alone, wherever they asked; no model sees it either.
        playbooks_ask: whether a playbook that has no role for it may ask: somebody who may do it has to approve.
    """

    name: str
    phrases: tuple[str, ...]
    examples: tuple[str, ...]
    paraphrases: tuple[str, ...]
    group: str
    risk: Risk = Risk.READ
    needs: Role | Need = Role.VIEWER
    queue: Queue = "query"
    timeout: timedelta = timedelta(minutes=1)
    lock: bool = False
    poller: str = ""
    control: bool = False
    public: bool = True
    for_playbooks: bool = False
    playbooks_ask: bool = False
    private: bool = False

    @property
    def only_looks(self) -> bool:
        """Whether it only looks something up: it neither changes nor decides anything."""
        return self.risk is Risk.READ and not self.control


class Terms(TypedDict, total=False):
    """The part of a `Policy` that verbs of one kind share, as class keywords."""

    risk: Risk
    needs: Role | Need
    queue: Queue
    timeout: timedelta
    lock: bool
    poller: str
    control: bool
    public: bool
    for_playbooks: bool
    playbooks_ask: bool
    private: bool


class Action(BaseModel, ABC, Generic[R]):
    """Base of every verb. A quick one has `run`; a long one is an `Operation`.

    Class keywords: `name` (leave it out on a base class that is no verb itself) and the attributes of `Policy`. What a
    base class says holds for the verbs below it that do not say otherwise, but for the name, the words and the group.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: ClassVar[Terms] = {}
    policy: ClassVar[Policy]
    result_type: ClassVar[type[BaseModel]]

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        phrases: Sequence[str] = (),
        examples: Sequence[str] = (),
        paraphrases: Sequence[str] = (),
        group: str = "",
        **terms: Unpack[Terms],
    ) -> None:
        super().__init_subclass__()
        cls.terms = {**cls.terms, **terms}
        if name:
            cls.policy = Policy(
                name=name,
                phrases=tuple(phrases),
                examples=tuple(examples),
                paraphrases=tuple(paraphrases),
                group=group or cls.__module__.rpartition(".")[2],
                **cls.terms,
            )

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        for base in cls.__mro__:
            arguments = getattr(base, "__pydantic_generic_metadata__", {}).get("args", ())
            if arguments and isinstance(arguments[0], type):
                cls.result_type = arguments[0]
                return

    @classmethod
    def called(cls) -> str:
        """The verb's name."""
        return cls.policy.name

    @classmethod
    def description(cls) -> str:
        """The first sentence of the docstring."""
        return inspect.cleandoc(cls.__doc__ or "").split("\n", maxsplit=1)[0]

    @classmethod
    def parse(cls, parameters: dict[str, JsonValue], vocabulary: Vocabulary | None = None) -> Action[Any]:
        """Validate parameters; names are resolved to canonical ones where a vocabulary is given.

        Raises:
            pydantic.ValidationError: a parameter is missing, unknown or not what it should be.
        """
        return cls.model_validate(parameters, context={"vocabulary": vocabulary})

    @classmethod
    def required(cls) -> tuple[str, ...]:
        """The parameters that must be given, in order."""
        return tuple(name for name, field in cls.model_fields.items() if field.is_required())

    @classmethod
    def kind_of(cls, parameter: str) -> Kind:
        """What a parameter's value names; TEXT where the class does not say."""
        field = cls.model_fields[parameter]
        found = [item for item in field.metadata if isinstance(item, Kind)]
        found += [item for item in _kinds_within(field.annotation) if isinstance(item, Kind)]
        return found[0] if found else Kind.TEXT

    @classmethod
    def choices_of(cls, parameter: str) -> tuple[str, ...]:
        """The values that the class itself allows (an enumeration or literals); none where it does not list them."""
        return _choices_within(cls.model_fields[parameter].annotation)

    def parameters(self) -> dict[str, JsonValue]:
        """The parameters that are set, as JSON."""
        return cast("dict[str, JsonValue]", self.model_dump(mode="json", exclude_none=True))

    def sentence(self) -> str:
        """The action as one could type it: the first phrase that holds every parameter set, else name and values."""
        values = {key: str(value) for key, value in self.parameters().items()}
        return " ".join((self.policy.name.replace("_", " "), *(f"{k} {v}" for k, v in values.items())))

    def plan(self, context: Context) -> Plan:
        """What it would change. Only reads; runs before people are asked, and again just before the work.

        Raises:
            Refused: it cannot be done as asked, with the nearest thing that can.
            OutsideError: an outside system did not tell.
        """
        return Plan()

    def run(self, context: Context) -> R:
        """Do it, in a worker or at once, as the queue says.

        Raises:
            Refused: it cannot be done as asked; nothing was changed.
            OutsideError: an outside system failed.
        """
        raise NotImplementedError

    @abstractmethod
    def reply(self, result: R, context: Context) -> Reply:
        """Present a result: the most important thing first, and the next sensible buttons."""

    @classmethod
    @abstractmethod
    def sample(cls) -> Sample:
        """A finished example, from which tests, documentation and pictures are drawn."""


class Sample(BaseModel):
    """A finished example of an action and its result."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    action: Any
    result: Any


class Running(BaseModel):
    """An operation under way, as `poll` gets it."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    request: Request
    action: Any
    handle: dict[str, JsonValue]
    now: datetime


class Ongoing(BaseModel):
    """It goes on: what to remember, what to show, when to look again.

    Attributes:
        handle: the handle for the next poll. It is noted in the ledger before the next step is taken, so a step that
            writes outside is announced in the handle first and taken at the following poll.
        steps: the steps as the card shows them.
        poll_after: how long to wait, in seconds; None leaves it to how long the present step has taken already.
    """

    model_config = ConfigDict(frozen=True)

    handle: dict[str, JsonValue]
    steps: tuple[Step, ...] = ()
    poll_after: float | None = None


class Ended(BaseModel):
    """It has ended.

    Attributes:
        state: "done", "failed" or "cancelled".
        outcome: in a word or three, such as "deployed" or "rolled back".
        message: the sentence for the person, where it did not go well.
        remedy: what to do next.
        result: the verb's result; present also after a failure where there is something to show.
        steps: the steps as the card shows them.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    state: Literal["done", "failed", "cancelled"]
    outcome: str
    message: str = ""
    remedy: str = ""
    result: Any = None
    steps: tuple[Step, ...] = ()


Progress = Ongoing | Ended

OUTAGE_LIMIT = timedelta(hours=1)
"""How long an operation is still looked after while an outside system does not answer, before it is given up honestly."""


class Operation(Action[R], ABC):
    """Base of the long verbs: started in moments, then polled in batches; no worker is held while it waits."""

    @abstractmethod
    def start(self, context: Context, plan: Plan) -> Progress:
        """Ask the outside to begin, idempotently for the request's id, and return what `poll` needs."""

    @classmethod
    @abstractmethod
    def poll(cls, batch: Sequence[Running], tools: Tools) -> Sequence[Progress]:
        """How each of these is getting on, in the same order, with as few calls outside as can be."""

    @abstractmethod
    def cancel(self, running: Running, tools: Tools) -> Progress:
        """Begin to undo it, or end it where there is nothing to undo."""

    def meanwhile(self, request: Request) -> tuple[Button, ...]:
        """What people can press while it is under way, beside Cancel."""
        return ()

    @abstractmethod
    def find(self, context: Context) -> Progress | None:
        """Look the operation up outside by the request's id, after a crash between asking and noting.

        Returns:
            How it is getting on, or None where the outside was never asked.
        """

    def run(self, context: Context) -> R:
        """An operation is started and polled, not run."""
        raise NotImplementedError


def _kinds_within(annotation: Any) -> list[Any]:
    """The metadata of an annotation and of the members of a union in it."""
    metadata = list(getattr(annotation, "__metadata__", ()))
    for member in getattr(annotation, "__args__", ()):
        metadata += _kinds_within(member)
    return metadata


def _choices_within(annotation: Any) -> tuple[str, ...]:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(str(member) for member in annotation)
    if getattr(annotation, "__origin__", None) is Literal:
        return tuple(str(value) for value in annotation.__args__)
    return tuple(choice for member in getattr(annotation, "__args__", ()) for choice in _choices_within(member))


Sample.model_rebuild()
