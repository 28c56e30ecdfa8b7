"""The verbs that tell who may, who did and why: whoami, approvals, why, audit."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from actions.core.action import Action, Sample
from actions.core.context import Context
from actions.core.errors import Refused
from actions.core.kinds import Duration, PersonName, RequestId, ServiceName, format_duration
from actions.core.people import Role, Standing
from actions.core.ports.desk import Desk
from actions.core.ports.ledger import AuditTrail, Grants, Ledger, RequestQuery
from actions.core.reply import (
    Button,
    ButtonStyle,
    Code,
    Mention,
    Moment,
    Note,
    Paragraph,
    Reply,
    Table,
    Text,
    Tone,
    fields,
)
from actions.core.request import Request, State, Verdict
from actions.decisions import Approve, Deny, sentence

_SAMPLE_TIME = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


class Identity(BaseModel):
    """Who somebody is to Shipmate."""

    model_config = ConfigDict(frozen=True)

    name: str
    standing: Standing
    roles: tuple[str, ...]
    granted: tuple[str, ...] = ()


class WhoAmI(
    Action[Identity],
    name="whoami",
    queue="inline",
    phrases=("whoami", "who am i", "what am i", "[what are] my roles", "what may i do"),
    examples=("whoami", "what is my role?", "what am I allowed to do?"),
    paraphrases=("which rights do i have", "as whom do you know me", "what roles do i hold", "what are my permissions"),
):
    """Say who you are to Shipmate, and which roles you hold."""

    def run(self, context: Context) -> Identity:
        """Read the configuration and the grants."""
        requester = context.requester
        grants = context.use(Grants).of(requester.name, now=context.now)
        granted = tuple(f"{g.role} until {g.until:%Y-%m-%d %H:%M} UTC" if g.until else g.role for g in grants)
        roles = context.use(Desk).roles_of(requester)
        return Identity(name=requester.name, standing=requester.standing, roles=roles, granted=granted)

    def reply(self, result: Identity, context: Context) -> Reply:
        """Name, roles, and what those mean."""
        unknown = result.standing is not Standing.KNOWN
        hint = "An admin can add you under `people:` in shipmate.yaml." if unknown else ""
        blocks = [fields(("Roles", ", ".join(result.roles) or "none"), ("Granted", ", ".join(result.granted)))]
        notes = (Note(text=(hint,)),) if hint else ()
        return Reply(title=f"You are {result.name}", blocks=(*blocks, *notes))

    @classmethod
    def sample(cls) -> Sample:
        """Dana, devops."""
        return Sample(action=cls(), result=Identity(name="dana", standing=Standing.KNOWN, roles=("devops",)))


class Waiting(BaseModel):
    """A request that waits for approval."""

    model_config = ConfigDict(frozen=True)

    request: str
    sentence: str
    by: str
    since: datetime
    until: datetime | None = None


class WaitingList(BaseModel):
    """The requests that wait for somebody's approval."""

    model_config = ConfigDict(frozen=True)

    waiting: tuple[Waiting, ...]
    own: tuple[Waiting, ...] = ()


class Approvals(
    Action[WaitingList],
    name="approvals",
    queue="inline",
    phrases=("approvals", "[show] pending approvals", "what needs [my] approval", "list approvals"),
    examples=("approvals", "anything waiting for me?", "what do I need to approve?"),
    paraphrases=(
        "is somebody waiting for my ok",
        "which requests are waiting for approval",
        "what is in my approval queue",
        "anything to sign off",
    ),
):
    """List what waits for your approval, and your own requests that wait for others."""

    def run(self, context: Context) -> WaitingList:
        """Read the ledger."""
        may = context.use(Desk).awaiting(context.requester)
        query = RequestQuery(states=(State.AWAITING_APPROVAL,), requester=context.requester.name)
        own = context.use(Ledger).find(query)

        return WaitingList(waiting=tuple(map(_waiting, may)), own=tuple(map(_waiting, own)))

    def reply(self, result: WaitingList, context: Context) -> Reply:
        """A table of each kind, and buttons for the oldest."""
        if not result.waiting and not result.own:
            return Reply(title="Nothing waits for your approval", tone=Tone.GOOD)
        blocks: list[Table | Paragraph] = []
        buttons: tuple[Button, ...] = ()
        if result.waiting:
            oldest = result.waiting[0].request
            buttons = (
                Button.of(f"Approve {oldest}", Approve(request=oldest), style=ButtonStyle.PRIMARY),
                Button.of(f"Deny {oldest}", Deny(request=oldest), style=ButtonStyle.DANGER),
            )
            blocks.append(_waiting_table(result.waiting))
        if result.own:
            blocks += [Paragraph(text=("Your own, which wait for others:",)), _waiting_table(result.own)]
        count = len(result.waiting)
        says = f"{count} request{'s' if count != 1 else ''} wait{'s' if count == 1 else ''} for your approval"
        title = says if count else "Nothing waits for your approval"
        return Reply(title=title, tone=Tone.WARNING if count else Tone.NEUTRAL, blocks=tuple(blocks), buttons=buttons)

    @classmethod
    def sample(cls) -> Sample:
        """One request."""
        line = Waiting(request="R-12", sentence="deploy checkout v1.4.2 to production", by="dana", since=_SAMPLE_TIME)
        return Sample(action=cls(), result=WaitingList(waiting=(line,)))


def _waiting(request: Request) -> Waiting:
    return Waiting(
        request=request.id,
        sentence=sentence(request),
        by=request.requester.name,
        since=request.created_at,
        until=request.expires_at,
    )


def _waiting_table(lines: tuple[Waiting, ...]) -> Table:
    rows: tuple[tuple[Text, ...], ...] = tuple(
        (
            (Code(text=w.request),),
            (w.sentence,),
            (Mention(person=w.by),),
            (Moment(at=w.until),) if w.until else ("",),
        )
        for w in lines
    )
    return Table(columns=("Request", "What", "By", "Until"), rows=rows)


class Explanation(BaseModel):
    """Why a request is where it is."""

    model_config = ConfigDict(frozen=True)

    request: str
    sentence: str
    by: str
    state: State
    message: str = ""
    remedy: str = ""
    verdicts: tuple[Verdict, ...] = ()
    decisions: tuple[str, ...] = ()


class Why(
    Action[Explanation],
    name="why",
    queue="inline",
    phrases=("why [{request}]", "why was {request} refused", "why not", "explain {request}"),
    examples=("why R-12", "why was that refused?", "why does R-12 wait?", "what is holding R-12 up?"),
    paraphrases=(
        "what is the reason for {request} being denied",
        "why can't {request} go on",
        "which rule stopped {request}",
        "what is behind the refusal of {request}",
        "who decided about {request}",
        "why did {request} fail",
        "why is {request} still waiting",
    ),
):
    """Say why a request is where it is: each guard's verdict and the rule that decided it."""

    request: RequestId | None = None

    def run(self, context: Context) -> Explanation:
        """Read the ledger: the named request, else the latest in the thread, else your latest."""
        ledger = context.use(Ledger)
        if self.request is not None:
            found = ledger.get(self.request)
        else:
            here = ledger.find(RequestQuery(place_key=context.request.place.key, limit=10))
            own = ledger.find(RequestQuery(requester=context.requester.name, limit=10))
            asked = [r for r in (*here, *own) if r.id != context.request.id and r.action != "why"]
            # A question about a change is meant, rather than one about the look that came after it.
            found = next((r for r in asked if r.changes), asked[0] if asked else None)
        if found is None:
            raise Refused(
                f"There is no request {self.request}." if self.request else "I know of no request here to explain.",
                remedy="Name one, such as: why R-12.",
            )
        decided = tuple(
            f"{d.person} {'approved' if d.approved else 'denied'} at {d.at:%H:%M} UTC"
            + (f": {d.reason}" if d.reason else "")
            for d in found.decisions
        )
        return Explanation(
            request=found.id,
            sentence=sentence(found),
            by=found.requester.name,
            state=found.state,
            message=found.message,
            remedy=found.remedy,
            verdicts=found.verdicts,
            decisions=decided,
        )

    def reply(self, result: Explanation, context: Context) -> Reply:
        """The deciding sentence first, then every guard."""
        state = result.state.value.replace("_", " ")
        blocks: list[Paragraph | Table | Note] = []
        says = " ".join(filter(None, (result.message, result.remedy)))
        if says:
            blocks.append(Paragraph(text=(says,)))
        if result.verdicts:
            rows = tuple(((v.guard,), (_word(v),), (v.rule,)) for v in result.verdicts)
            blocks.append(Table(columns=("Guard", "Verdict", "Rule"), rows=rows))
        blocks += [Note(text=(decision,)) for decision in result.decisions]
        title = f"{result.request} ({result.sentence}, by {result.by}) is {state}"
        return Reply(title=title, blocks=tuple(blocks))

    @classmethod
    def sample(cls) -> Sample:
        """A refusal."""
        verdict = Verdict(guard="permission", rule="production needs devops", allowed=False)
        result = Explanation(
            request="R-12",
            sentence="deploy checkout v1.4.2 to production",
            by="sam",
            state=State.REFUSED,
            message="You are developer, and production needs devops.",
            verdicts=(verdict,),
        )
        return Sample(action=cls(request="R-12"), result=result)


def _word(verdict: Verdict) -> str:
    if not verdict.allowed:
        return "refused"
    return f"needs {verdict.approvals}" if verdict.approvals else "allowed"


_READ, _SHOWN = 300, 50
_CHECKED = 5_000
"""Rows at the end of the chain that an answer checks; all of a long chain would take longer than a person waits."""
_BETWEEN = frozenset({State.RUNNING.value, State.WAITING.value})
"""What the chain records of an operation's inner life, and nobody asks for."""


class AuditLine(BaseModel):
    """One thing that somebody did."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    actor: str
    what: str
    request: str


class AuditList(BaseModel):
    """What was done, newest first, and whether the chain holds.

    Attributes:
        lines: what was done.
        scope: what was asked for, in words.
        broken_at: the first row that does not follow from the one before.
        checked: how many rows at the end of the chain were checked; 0 where all were.
    """

    model_config = ConfigDict(frozen=True)

    lines: tuple[AuditLine, ...]
    scope: str = ""
    broken_at: int | None = None
    checked: int = 0


class Audit(
    Action[AuditList],
    name="audit",
    needs=Role.SENIOR_DEV,
    phrases=(
        "audit [of] [{person}] [{service}] [since {since}]",
        "audit {service} [since {since}]",
        "audit {person} [since {since}]",
        "audit trail [of {service}] [since {since}]",
    ),
    examples=(
        "audit",
        "audit of checkout since 24h",
        "who restarted checkout?",
        "what did dana do in the last 2 days?",
    ),
    paraphrases=(
        "everything {person} has done since {since}",
        "who touched {service} in the past {since}",
        "who did something to {service}",
        "list what {person} changed",
        "show me the trail of {person} over the last {since}",
        "who rolled {service} back",
        "activity of {person}",
    ),
):
    """Show who did what: of a person, about a service, since when; and whether the audit chain holds."""

    person: PersonName | None = None
    service: ServiceName | None = None
    since: Duration | None = None

    def run(self, context: Context) -> AuditList:
        """Read the chain, and check it."""
        trail = context.use(AuditTrail)
        since = context.now - self.since if self.since else None
        found = trail.find(person=self.person, service=self.service, since=since, limit=_READ)
        newest = next(iter(trail.find(limit=1)), None)
        checked = _CHECKED if newest is not None and newest.number > _CHECKED else 0
        entries = [entry for entry in found if entry.event not in _BETWEEN][:_SHOWN]
        scope = f" by {self.person}" if self.person else ""
        scope += f" about {self.service}" if self.service else ""
        scope += f" in the last {format_duration(self.since)}" if self.since else ""
        lines = tuple(
            AuditLine(
                at=e.at,
                actor=e.actor,
                what=" ".join(filter(None, (e.action, e.service or "", e.environment or "", "→", e.event))),
                request=e.request,
            )
            for e in entries
        )
        return AuditList(lines=lines, scope=scope, broken_at=trail.verify(newest=_CHECKED), checked=checked)

    def reply(self, result: AuditList, context: Context) -> Reply:
        """A table, and a warning where the chain does not hold."""
        if result.broken_at is not None:
            holds = f"The audit chain is broken at row {result.broken_at}!"
        elif result.checked:
            holds = f"The audit chain holds in its newest {result.checked:,} rows; “shipmate doctor” checks them all."
        else:
            holds = "The audit chain holds."
        note = Note(text=(holds,))
        tone = Tone.NEUTRAL if result.broken_at is None else Tone.BAD
        if not result.lines:
            return Reply(title=f"Nothing was done{result.scope}", tone=tone, blocks=(note,))
        rows: tuple[tuple[Text, ...], ...] = tuple(
            ((Moment(at=line.at),), (line.actor,), (line.what,), (line.request,)) for line in result.lines
        )
        table = Table(columns=("When", "Who", "What", "Request"), rows=rows)
        return Reply(title=f"What was done{result.scope}", tone=tone, blocks=(table, note))

    @classmethod
    def sample(cls) -> Sample:
        """One line."""
        line = AuditLine(at=_SAMPLE_TIME, actor="dana", what="deploy checkout staging → done", request="R-12")
        return Sample(action=cls(), result=AuditList(lines=(line,)))
