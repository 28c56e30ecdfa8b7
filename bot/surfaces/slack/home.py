"""App Home: what waits for a person's approval, their operations, the freezes in force, and what runs where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from actions.core.organization import Organization, Service
from actions.core.people import Requester, Standing
from actions.core.ports.desk import Desk
from actions.core.ports.ledger import Deployments, Freeze, Freezes, Ledger, RequestQuery
from actions.core.ports.surroundings import Clock
from actions.core.reply import (
    Block,
    Button,
    ButtonStyle,
    Code,
    Mention,
    Moment,
    Note,
    Paragraph,
    Reply,
    Span,
    Strong,
    Text,
    Weight,
)
from actions.core.request import Request, State
from actions.decisions import Approve, Deny, sentence
from bot.surfaces.slack.render import BLOCKS_IN_VIEW, Json, Look, draw_in_view

WAITING_SHOWN = 8
OPERATIONS_SHOWN = 10
SERVICES_SHOWN = 15
RECENT = timedelta(days=7)
_READ_AT_ONCE = 500

_MARKS = {State.DONE: "🟢", State.FAILED: "🔴", State.DENIED: "🔴"}


_IDLE: Text = ("None this week. Say what you want done where I am, or type ", Code(text="/shipmate"), " for a menu.")


class Home:
    """Draws App Home from the ledger.

    Args:
        organization: the configuration.
        ledger: requests.
        desk: what waits for whom.
        freezes: the kill switch.
        deployments: what was brought where.
        clock: the time.
    """

    def __init__(
        self,
        *,
        organization: Organization,
        ledger: Ledger,
        desk: Desk,
        freezes: Freezes,
        deployments: Deployments,
        clock: Clock,
    ) -> None:
        self._organization = organization
        self._ledger = ledger
        self._desk = desk
        self._freezes = freezes
        self._deployments = deployments
        self._clock = clock

    def view(self, by: Requester, look: Callable[[Request | None], Look]) -> Json:
        """The view for a person.

        Args:
            by: whose.
            look: what a drawing needs to know, for the request whose buttons it holds.
        """
        blocks: list[Json] = []
        if by.standing is Standing.OUTSIDER:
            says = Reply(title="Shipmate is for members of this workspace.")
            blocks = draw_in_view(says, look(None), room=BLOCKS_IN_VIEW)
        else:
            for request, reply in self._parts(by):
                drawn = draw_in_view(reply, look(request), room=20)
                if len(blocks) + len(drawn) + 1 <= BLOCKS_IN_VIEW:
                    blocks += drawn if request or not blocks else [{"type": "divider"}, *drawn]
        numbers = count()
        for block in blocks:
            for element in block.get("elements", ()):
                if "action_id" in element:
                    element["action_id"] = f"{element['action_id'].partition(':')[0]}:{next(numbers)}"
        return {"type": "home", "blocks": blocks}

    def _parts(self, by: Requester) -> Iterator[tuple[Request | None, Reply]]:
        waiting = list(self._desk.awaiting(by))
        if waiting:
            says = f"{len(waiting)} request{'s wait' if len(waiting) > 1 else ' waits'} for your approval"
            order = (Note(text=("The oldest first.",)),) if len(waiting) > 1 else ()
            yield None, Reply(title=says, blocks=order)
            for request in waiting[:WAITING_SHOWN]:
                yield request, _waiting(request)
        else:
            yield None, _section("Waiting for your approval", [("Nothing.",)])
        yield None, _section("Your operations", [_operation(r) for r in self._operations(by)] or [_IDLE])
        freezes = self._freezes.in_force(self._clock.now())
        if freezes:
            yield None, _section("Frozen", [_freeze(freeze) for freeze in freezes])
        services = self._services(by)
        if services:
            yield None, _section("What runs where", self._running(services))

    def _operations(self, by: Requester) -> Sequence[Request]:
        since = self._clock.now() - RECENT
        found = self._ledger.find(RequestQuery(requester=by.name, changes=True, since=since, limit=OPERATIONS_SHOWN))
        return sorted(found, key=lambda request: request.state.is_final)

    def _services(self, by: Requester) -> Sequence[Service]:
        mine = {by.name, *(team.name for team in self._organization.teams if by.name in team.members)}
        own = [service for service in self._organization.services if mine & set(service.owners)]
        return (own or self._organization.services)[:SERVICES_SHOWN]

    def _running(self, services: Sequence[Service]) -> list[Text]:
        running: dict[tuple[str, str], str] = {}
        for deployment in self._deployments.find(limit=_READ_AT_ONCE):
            running.setdefault((deployment.service, deployment.environment), deployment.running or deployment.version)
        lines: list[Text] = []
        unknown: list[str] = []
        for service in services:
            where: list[Span] = []
            for environment in self._organization.environments:
                version = running.get((service.name, environment.name))
                if version:
                    where += [f"  {environment.name} ", Code(text=version)]
            if where:
                lines.append((Strong(text=service.name), *where))
            else:
                unknown.append(service.name)
        if unknown:
            lines.append((f"I have brought nothing of {', '.join(unknown)} yet.",))
        return lines


def _section(title: str, lines: Sequence[Text]) -> Reply:
    spans: list[Span] = []
    for line in lines:
        spans += [*(["\n"] if spans else []), *line]
    block: Block = Paragraph(text=tuple(spans), weight=Weight.ESSENTIAL)
    return Reply(title=title, blocks=(block,))


def _waiting(request: Request) -> Reply:
    deny = Button.of("Deny", Deny(request=request.id), style=ButtonStyle.DANGER)
    until: Text = (" until ", Moment(at=request.expires_at)) if request.expires_at else ()
    note = Note(text=(Code(text=request.id), " asked by ", Mention(person=request.requester.name), *until))
    says = sentence(request)
    return Reply(
        title="",
        blocks=(Paragraph(text=(Strong(text=says[:1].upper() + says[1:]),), weight=Weight.ESSENTIAL), note),
        buttons=(
            Button.of("Approve", Approve(request=request.id), style=ButtonStyle.PRIMARY),
            deny.model_copy(update={"asks_for": ("reason",)}),
        ),
    )


def _operation(request: Request) -> Text:
    mark = _MARKS.get(request.state, "🟡" if request.state.is_settled else "🔵")
    says: Any = sentence(request)
    outcome = request.outcome or request.state.value.replace("_", " ")
    return (f"{mark}  ", Strong(text=says[:1].upper() + says[1:]), f"  {outcome}  ", Moment(at=request.updated_at))


def _freeze(freeze: Freeze) -> Text:
    what = [
        freeze.verb or "every change",
        f"to {freeze.service}" if freeze.service else "",
        f"in {freeze.environment}" if freeze.environment else "",
    ]
    until: Text = (" until ", Moment(at=freeze.until)) if freeze.until else (" until somebody thaws it",)
    because = f": {freeze.reason}" if freeze.reason else ""
    only = f" by {freeze.only}" if freeze.only else ""
    who = f" of {freeze.person}" if freeze.person else ""
    return ("🟡  ", Strong(text=" ".join(filter(None, what)) + who + only), *until, because)
