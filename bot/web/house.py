"""The house as the API's desk: tokens become requesters, buttons become offers, and who may see which request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from pydantic import JsonValue

from actions.core.action import Risk
from actions.core.catalog import Catalog
from actions.core.errors import NotFound, Unreachable
from actions.core.organization import Organization
from actions.core.people import Requester, Standing
from actions.core.places import Place
from actions.core.ports.autonomy import Autonomy, PlaybookRecord
from actions.core.ports.ledger import Offer
from actions.core.ports.messaging import Change
from actions.core.ports.usage import Spent
from actions.core.reply import Reply
from actions.core.request import Origin, Proposal, Request
from bot import tokens
from bot.budgets import Budgets
from bot.conversation import Answer
from bot.conversation import Heard as Said
from bot.house import House
from bot.web.desk import Heard
from bot.web.errors import in_words


class UnknownRequest(NotFound):
    """There is no such request, or it is not this person's to see."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            "Shipmate",
            f"There is no request {request_id} that you may see.",
            remedy="`deployments` lists what was deployed; `approvals` what waits for you.",
        )


class NotAccepted(Unreachable):
    """Something needed is gone, so nothing was accepted; the client may send it again."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("Shipmate", in_words(reply), remedy="Try again in a few seconds.")


class HouseDesk:
    """The desk over an assembled house.

    Args:
        house: Shipmate, put together.
    """

    def __init__(self, house: House) -> None:
        self._house = house

    @property
    def catalog(self) -> Catalog:
        """Every verb."""
        return self._house.catalog

    @property
    def organization(self) -> Organization:
        """The configuration."""
        return self._house.organization

    def person(self, token: str) -> str:
        """The person whose token this is."""
        return tokens.holder(self._house.kept.tokens, token)

    def hear(self, person: str, say: str, place: Place, cause: str) -> Heard:
        """A person says something."""
        self._accepting()
        said = Said(text=say, by=self._requester(person), place=place, cause=cause)
        return self._heard(self._house.conversation.hear(said), place)

    def ask(self, person: str, action: str, parameters: dict[str, JsonValue], place: Place, cause: str) -> Heard:
        """A person, or their program, asks for an action."""
        self._accepting()
        proposal = Proposal(
            action=action,
            parameters=parameters,
            requester=self._requester(person),
            place=place,
            cause=cause,
            origin=Origin.API,
        )
        return self._heard(self._house.conversation.ask(proposal), place)

    def press(self, person: str, offer: str, fields: dict[str, JsonValue], place: Place, cause: str) -> Heard:
        """A person presses a button."""
        self._accepting()
        by = self._requester(person)
        return self._heard(self._house.conversation.press(offer, by=by, place=place, cause=cause, filled=fields), place)

    def look(self, person: str, request_id: str) -> Heard:
        """A request as it stands; what was only read is for the one who asked for it."""
        request = self._house.kept.ledger.get(request_id)
        if request is None or not self._may_see(person, request):
            raise UnknownRequest(request_id)
        reply = self._house.conversation.card(request)
        draft = self._house.cards.draft(request)
        offers = self._offers(reply, request, request.place)
        return Heard("request", reply, offers, request, _follow(request), draft)

    def changes(self) -> AbstractContextManager[Callable[[float], Change | None]]:
        """Listen to changes of requests."""
        return self._house.passing.bus.changes()

    def checks(self) -> Mapping[str, Callable[[], object]]:
        """What has to be there before anything is accepted."""
        return {
            "database": self._house.kept.ping,
            "redis": self._house.passing.ping,
            "queue": self._house.passing.tended,
        }

    def records(self) -> Sequence[PlaybookRecord]:
        """What each playbook has done, as far back as is remembered."""
        return self._house.gate.tools.use(Autonomy).records(since=None, now=self._house.clock.now())

    def usage(self) -> tuple[Spent, float | None]:
        """What language models were used for today, and the share of the budget that is used where there is one."""
        budgets = Budgets(self._house.kept.uses, self._house.organization, self._house.clock)
        level = budgets.total()
        return budgets.today(), level.share if level else None

    def new_id(self) -> str:
        """A fresh identifier that nobody can guess."""
        return self._house.ids.new()

    def _accepting(self) -> None:
        """Nothing is accepted that could not be passed on; raises `Unreachable`."""
        self._house.passing.ping()

    def _requester(self, person: str) -> Requester:
        known = self._house.organization.person(person) is not None
        return Requester(name=person, standing=Standing.KNOWN if known else Standing.STRANGER)

    def _may_see(self, person: str, request: Request) -> bool:
        if request.requester.name == person:
            return True
        return request.action in self.catalog and self.catalog[request.action].policy.risk is not Risk.READ

    def _heard(self, answer: Answer, place: Place) -> Heard:
        if answer.outage:
            raise NotAccepted(answer.reply)
        offers = self._offers(answer.reply, answer.request, place)
        return Heard(answer.kind, answer.reply, offers, answer.request, answer.follow)

    def _offers(self, reply: Reply, request: Request | None, place: Place) -> tuple[str, ...]:
        """What stands behind the reply's buttons goes into the ledger; the client gets ids alone."""
        return tuple(
            self._house.kept.offers.offer(
                Offer(
                    id=self._house.ids.new(),
                    request=request.id if request else None,
                    action=button.action,
                    parameters=button.parameters,
                    place_key=place.key,
                    created_at=self._house.clock.now(),
                )
            )
            for button in reply.buttons
        )


def _follow(request: Request) -> str | None:
    """The request that goes on with what this one set going, where it says so."""
    found = request.result.get("follow") if isinstance(request.result, dict) else None
    return found if isinstance(found, str) and found else None
