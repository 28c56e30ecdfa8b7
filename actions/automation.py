"""The verbs about playbooks: start one by hand, decide how far one may go, and what one tells people."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from actions.analysis.categories import Category
from actions.core.action import Action, Risk, Sample
from actions.core.context import Context
from actions.core.errors import Refused
from actions.core.kinds import EnvironmentName, Kind, ServiceName, nearest
from actions.core.people import Role
from actions.core.plan import Change, Plan
from actions.core.ports.playbooks import Playbooks
from actions.core.redaction import redact
from actions.core.reply import Code, Paragraph, Reply, Tone, fields
from actions.core.request import Request, State

PlaybookName = Annotated[str, Kind.PLAYBOOK, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]


class UnknownPlaybook(Refused):
    """There is no playbook of that name, or not of that kind."""

    def __init__(self, name: str, known: tuple[str, ...], what: str) -> None:
        near = nearest(name, known)
        there = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(known) or 'none'}."
        super().__init__(f"There is no playbook “{name}”{what}.", remedy=there)


class FirstStepRefused(Refused):
    """A playbook came no further than the gate."""

    def __init__(self, playbook: str, first: Request) -> None:
        super().__init__(
            f"The first step of {playbook}, {first.id}, was refused, so nothing was done: {first.message}",
            remedy=f"What “playbook:{playbook}” may do stands under machines in shipmate.yaml; “why {first.id}” shows the rules.",
        )


class Begun(BaseModel):
    """A playbook that was started.

    Attributes:
        follow: the request of its first step; empty where every step was passed over.
    """

    model_config = ConfigDict(frozen=True)

    playbook: str
    follow: str = ""


class RunPlaybook(
    Action[Begun],
    name="run_playbook",
    risk=Risk.CHANGE,
    needs=Role.DEVELOPER,
    queue="inline",
    group="playbooks",
    phrases=(
        "run [the] playbook {playbook} [for {service}] [in {environment}]",
        "start [the] playbook {playbook} [for {service}] [in {environment}]",
    ),
    examples=("run the playbook nightly-check", "start playbook warm-caches for checkout in staging"),
):
    """Start a playbook that people start by hand; its steps pass the gate as the playbook's own."""

    playbook: PlaybookName
    service: ServiceName | None = None
    environment: EnvironmentName | None = None

    def plan(self, context: Context) -> Plan:
        """See that there is one, and that it is for people to start."""
        known = tuple(context.use(Playbooks).by_hand())
        if self.playbook not in known:
            raise UnknownPlaybook(self.playbook, known, " that is started by hand")
        return Plan(changes=(Change(what=f"playbook {self.playbook}", after="runs"),))

    def run(self, context: Context) -> Begun:
        """Take its first step."""
        first = context.use(Playbooks).run(
            self.playbook,
            by=context.requester,
            place=context.request.place,
            cause=context.request.cause,
            service=self.service,
            environment=self.environment,
        )
        if first is not None and first.state is State.REFUSED:
            raise FirstStepRefused(self.playbook, first)
        return Begun(playbook=self.playbook, follow=first.id if first else "")

    def reply(self, result: Begun, context: Context) -> Reply:
        """That it runs, and where its first step is seen."""
        title = f"The playbook {result.playbook} {'runs' if result.follow else 'had nothing to do'}"
        return Reply(title=title, tone=Tone.GOOD, blocks=(fields(("First step", result.follow)),))

    @classmethod
    def sample(cls) -> Sample:
        """A check that runs."""
        return Sample(action=cls(playbook="nightly-check"), result=Begun(playbook="nightly-check", follow="R-13"))


class Held(StrEnum):
    """Where a playbook can be held; "earned" lets it go again."""

    EARNED = "earned"
    SHADOW = "shadow"
    PROPOSE = "propose"
    APPROVE = "approve"
    AUTO = "auto"


class Pinned(BaseModel):
    """A playbook that is held at a stage, or let go."""

    model_config = ConfigDict(frozen=True)

    playbook: str
    stage: Held
    category: Category | None = None


class SetAutonomy(
    Action[Pinned],
    name="set_autonomy",
    risk=Risk.CHANGE,
    needs=Role.ADMIN,
    queue="inline",
    group="playbooks",
    phrases=(
        "set [the] autonomy of [playbook] {playbook} to {stage} [for {category}]",
        "hold [the] playbook {playbook} at {stage} [for {category}]",
    ),
    examples=("set the autonomy of pb-dep-001 to shadow", "hold the playbook pb-test-002 at propose"),
):
    """Hold a playbook at a stage of autonomy whatever it earned, or let it earn its stage again."""

    playbook: PlaybookName
    stage: Held
    category: Category | None = None

    def plan(self, context: Context) -> Plan:
        """See that there is such a playbook."""
        known = tuple(context.use(Playbooks).names())
        if self.playbook not in known:
            raise UnknownPlaybook(self.playbook, known, "")
        about = f" for {self.category.value}" if self.category else ""
        after = "what it earns" if self.stage is Held.EARNED else f"held at {self.stage.value}"
        return Plan(changes=(Change(what=f"autonomy of {self.playbook}{about}", after=after),))

    def run(self, context: Context) -> Pinned:
        """The record of this request is what holds it."""
        return Pinned(playbook=self.playbook, stage=self.stage, category=self.category)

    def reply(self, result: Pinned, context: Context) -> Reply:
        """Where it stands now."""
        about = f" with {result.category.value}" if result.category else ""
        if result.stage is Held.EARNED:
            return Reply(title=f"{result.playbook}{about} stands where its outcomes put it again", tone=Tone.GOOD)
        return Reply(
            title=f"{result.playbook}{about} is held at {result.stage.value}",
            tone=Tone.GOOD,
            blocks=(
                Paragraph(
                    text=(
                        "A pin in shipmate.yaml would count before this. To let it go, set it to ",
                        Code(text="earned"),
                        ".",
                    )
                ),
            ),
        )

    @classmethod
    def sample(cls) -> Sample:
        """A playbook only looks on for now."""
        return Sample(
            action=cls(playbook="pb-dep-001", stage=Held.SHADOW),
            result=Pinned(playbook="pb-dep-001", stage=Held.SHADOW),
        )


class Told(BaseModel):
    """What people were told."""

    model_config = ConfigDict(frozen=True)

    text: str


class Tell(Action[Told], name="tell", queue="inline", group="playbooks", public=False, for_playbooks=True):
    """Tell people something: the first line is the headline."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]

    def run(self, context: Context) -> Told:
        """Its record is what is shown."""
        return Told(text=redact(self.text))

    def reply(self, result: Told, context: Context) -> Reply:
        """The words."""
        headline, _, rest = result.text.strip().partition("\n")
        blocks = (Paragraph(text=(rest.strip(),)),) if rest.strip() else ()
        return Reply(title=headline[:200], blocks=blocks)

    @classmethod
    def sample(cls) -> Sample:
        """The end of a run."""
        text = "Nightly check: succeeded\nEverything answers."
        return Sample(action=cls(text=text), result=Told(text=text))
