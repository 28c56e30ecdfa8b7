"""A request: an action that somebody asked for, with everything that is known of it; one row of the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.people import Requester
from actions.core.places import Place
from actions.core.plan import Plan
from actions.core.reply import Step


class State(StrEnum):
    """Where a request is in its life."""

    ACCEPTED = "accepted"
    """Judged at the desk and waiting for a worker."""
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    """Shown back to the one who asked, because a model read it."""
    AWAITING_APPROVAL = "awaiting_approval"
    """Planned and sealed; waiting for others."""
    RUNNING = "running"
    """A worker holds a lease on it and plans or does it."""
    WAITING = "waiting"
    """The outside works on it; it is polled when due, and no worker is held."""
    UNKNOWN = "unknown"
    """Asked of the outside, and the answer was lost; it is being looked up, and is never simply done again."""
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self in _FINAL

    @property
    def awaits_people(self) -> bool:
        """Whether a person has to do something next."""
        return self in {State.AWAITING_CONFIRMATION, State.AWAITING_APPROVAL}

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.is_final or self.awaits_people

    @property
    def holds_lock(self) -> bool:
        """Whether it keeps other operations off its service and environment."""
        return self in _UNDER_WAY


_FINAL = frozenset({State.DONE, State.FAILED, State.REFUSED, State.DENIED, State.EXPIRED, State.CANCELLED})
_UNDER_WAY = frozenset({State.ACCEPTED, State.RUNNING, State.WAITING, State.UNKNOWN})


class Origin(StrEnum):
    """How what was asked became an action."""

    GRAMMAR = "grammar"
    """Typed in the plain grammar."""
    STATISTICAL = "statistical"
    """Read by the local statistical model."""
    MODEL = "model"
    """Read by a language model."""
    BUTTON = "button"
    FORM = "form"
    COMMAND = "command"
    API = "api"
    PLAYBOOK = "playbook"
    SCHEDULE = "schedule"


class Source(StrEnum):
    """Where the value of a parameter came from."""

    SAID = "said"
    """The message itself."""
    THREAD = "thread"
    """Earlier turns of the thread."""
    DEFAULT = "default"
    QUOTED = "quoted"
    """Text that somebody or something else wrote: quoted, pasted, forwarded, a log, an alert."""
    CHOSEN = "chosen"
    """A button, a form or a program."""


class Occasion(BaseModel):
    """That a request is a step of a playbook, and which: what its later steps have to know.

    Attributes:
        playbook: its name.
        step: the step's id.
        part: "step", "undo" or "told" (what people are told at the end).
        attempt: the how-manieth try.
        of: unique for what woke the playbook.
        event: what happened, as the playbook's expressions know it.
    """

    model_config = ConfigDict(frozen=True)

    playbook: str
    step: str
    part: Literal["step", "undo", "told"] = "step"
    attempt: int = 1
    of: str
    event: dict[str, JsonValue] = {}


class Proposal(BaseModel):
    """An action that a door wants done, before anybody judged it.

    Attributes:
        action: the verb's name.
        parameters: its parameters, not yet validated.
        requester: who asks.
        place: where it is answered.
        cause: unique for what happened (what was said, pressed, fired, due), so that it is done once.
        origin: how it became an action.
        sources: where each parameter came from; none means chosen.
        said: the words, redacted, for the record.
        notes: what the card says beside, such as that the local recogniser stood in for a model.
        occasion: of which playbook's run it is a step, where it is one.
    """

    model_config = ConfigDict(frozen=True)

    action: str
    parameters: dict[str, JsonValue] = {}
    requester: Requester
    place: Place
    cause: str
    origin: Origin
    sources: dict[str, Source] = {}
    said: str = ""
    notes: tuple[str, ...] = ()
    occasion: Occasion | None = None

    @property
    def needs_confirmation(self) -> bool:
        """Whether a change so proposed is shown back first: a model read it, or a value was not said in the same breath."""
        return _is_guess(self.origin, self.sources)


class Verdict(BaseModel):
    """What a guard decided, and by which rule.

    Attributes:
        guard: the guard's name, such as "permission".
        rule: the rule that decided, in words; what `why` answers.
        allowed: whether the request may go on.
        message: why not, for the one who asked.
        remedy: what to do next.
        approvals: how many others must approve, where that is the verdict.
        approvers: the names of those who may; none known means the roles decide.
        approver_roles: the roles that may approve, with those above them; none means whoever may do the thing.
        wait_seconds: how long the request waits for approval.
    """

    model_config = ConfigDict(frozen=True)

    guard: str
    rule: str
    allowed: bool = True
    message: str = ""
    remedy: str = ""
    approvals: int = 0
    approvers: tuple[str, ...] = ()
    approver_roles: tuple[str, ...] = ()
    wait_seconds: int = 0


class Decision(BaseModel):
    """One person's word on a request that waits for approval.

    Attributes:
        person: whose.
        approved: whether it is yes.
        at: when it was given.
        seal: the plan that it is about.
        reason: why, where they said so.
        roles: the roles that the door had established of them.
    """

    model_config = ConfigDict(frozen=True)

    person: str
    approved: bool
    at: datetime
    seal: str
    reason: str = ""
    roles: tuple[str, ...] = ()


class Request(BaseModel):
    """A snapshot of a request, never changed in place: the ledger advances it and answers with the next snapshot.

    Attributes:
        id: "R-12".
        version: counts every change; the ledger's compare-and-swap goes by it.
        parameters: the validated parameters as JSON.
        notes: what the card says beside, such as that the local recogniser stood in for a model.
        service: the service it concerns, where there is one; with `environment` the key of the lock.
        changes: whether its verb changes something and counts against the limits; reads and decisions do not.
        takes_lock: whether it is the only operation on its service and environment while it is under way.
        occasion: of which playbook's run it is a step, where it is one.
        confirmed: whether the one who asked has confirmed it.
        seal: the hash that approvals approve; empty until it is planned for approval.
        policy_version: the configuration's version when it was last judged.
        verdicts: what the guards last decided.
        decisions: approvals and denials of the present seal.
        poller: the connector whose batch polls it; empty for what is not polled.
        handle: the outside's own operation id and what else `poll` needs.
        next_poll_at: when it is due to be polled.
        cancel_requested_by: who asked to cancel it while it was under way.
        fence: the lease's fencing number; it grows with each lease.
        lease_owner: the worker that holds it.
        lease_until: until when.
        expires_at: until when it waits for people.
        result: the verb's result, as JSON.
        outcome: in a word or three how it ended, such as "deployed" or "rolled back".
        message: the sentence for the person.
        remedy: what to do next.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    version: int = 1
    action: str
    parameters: dict[str, JsonValue] = {}
    requester: Requester
    place: Place
    cause: str
    origin: Origin
    sources: dict[str, Source] = {}
    said: str = ""
    notes: tuple[str, ...] = ()
    occasion: Occasion | None = None
    service: str | None = None
    environment: str | None = None
    changes: bool = False
    takes_lock: bool = False
    state: State
    confirmed: bool = False
    plan: Plan | None = None
    seal: str = ""
    policy_version: str = ""
    verdicts: tuple[Verdict, ...] = ()
    decisions: tuple[Decision, ...] = ()
    poller: str = ""
    handle: dict[str, JsonValue] | None = None
    steps: tuple[Step, ...] = ()
    next_poll_at: datetime | None = None
    cancel_requested_by: str | None = None
    fence: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = None
    expires_at: datetime | None = None
    result: JsonValue = None
    outcome: str = ""
    message: str = ""
    remedy: str = ""
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None

    @property
    def is_guess(self) -> bool:
        """Whether it is shown back before it is done: a model read it, or a value was not said in the same breath."""
        return self.changes and _is_guess(self.origin, self.sources)

    @property
    def marker(self) -> str:
        """What is made outside for this request is found again by it, such as "R-12.5e0f63d2".

        A new ledger counts from R-1 again, so the id alone would also find what an earlier one's R-12 has left.
        """
        made = hashlib.sha256(f"{self.cause} {self.created_at.isoformat()}".encode()).hexdigest()
        return f"{self.id}.{made[:8]}"


def _is_guess(origin: Origin, sources: Mapping[str, Source]) -> bool:
    guessed = origin in {Origin.STATISTICAL, Origin.MODEL}
    return guessed or bool({Source.QUOTED, Source.THREAD} & set(sources.values()))
