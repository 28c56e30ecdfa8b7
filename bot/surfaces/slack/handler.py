"""Handles what the door stored: what was said, pressed, commanded or filled in, each in the order of its thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from actions.core.action import Risk
from actions.core.people import Requester, Standing
from actions.core.places import Place
from actions.core.ports.ledger import Ledger
from actions.core.ports.messaging import Delivered, Sessions, Turn
from actions.core.reply import Button, Reply
from actions.core.request import Origin, Proposal, Request, State
from actions.decisions import sentence
from bot.conversation import Answer, Conversation, Heard
from bot.surfaces.slack.again import Again
from bot.surfaces.slack.client import Declined, Gone, SlackFailed, Workspaces
from bot.surfaces.slack.delivery import Cards
from bot.surfaces.slack.drawing import Drawing
from bot.surfaces.slack.home import Home
from bot.surfaces.slack.people import People
from bot.surfaces.slack.places import SURFACE, place_of
from bot.surfaces.slack.posting import Posting
from bot.surfaces.slack.questions import Questions, mark_of
from bot.surfaces.slack.text import Said, read

log = logging.getLogger("shipmate.slack")

Later = Callable[[Request], None]
"""Has a request's card drawn through the inbox."""


class Handler:
    """Handles deliveries.

    Args:
        conversation: the two ways in for a person.
        ledger: requests.
        sessions: the turns of threads.
        workspaces: where Slack is.
        people: who is who.
        drawing: draws replies as messages.
        posting: sends messages.
        questions: what was asked back.
        cards: keeps requests' cards up to date.
        home: draws App Home.
        again: does what is on no record, and again where Slack fails.
        draw_later: has a card of whatever thread drawn.
        draw_at: has a card drawn at a time.
        thinking: shows that Shipmate is at it while something takes long; makes nothing by default.
    """

    def __init__(
        self,
        *,
        conversation: Conversation,
        ledger: Ledger,
        sessions: Sessions,
        workspaces: Workspaces,
        people: People,
        drawing: Drawing,
        posting: Posting,
        questions: Questions,
        cards: Cards,
        home: Home,
        again: Again,
        draw_later: Later,
        draw_at: Callable[[Request, Any], None],
        thinking: Callable[[Mapping[str, Any]], AbstractContextManager[object]] = lambda _: nullcontext(),
    ) -> None:
        self._conversation = conversation
        self._ledger = ledger
        self._sessions = sessions
        self._workspaces = workspaces
        self._people = people
        self._drawing = drawing
        self._posting = posting
        self._questions = questions
        self._cards = cards
        self._home = home
        self._again = again
        self._draw_later = draw_later
        self._draw_at = draw_at
        self._thinking = thinking

    def said(self, delivered: Delivered) -> None:
        """Somebody wrote a message."""
        body: Mapping[str, Any] = delivered.body
        place = place_of(body["team"], body["channel"], body["thread"])
        me = body["me"] or self._me(body["team"])
        said = read(body["text"], me=me, name_of=self._people.name_of, forwarded=body["forwarded"])
        meant = said.called or body["mention"] or body["direct"]
        if not meant and (said.others or not self._takes_part(place, body["parent"] == me)):
            return
        by = self._people.requester(body["team"], body["user"], body["user_team"])
        if by.standing is Standing.OUTSIDER and not meant:
            return
        with self._thinking(body):
            begins = body["thread"] == body["ts"]
            answer = self._hear(said, by, place, delivered.key, begins=begins)
        if answer.kind == "unclear" and not meant:
            # People talk to each other in threads; what is no request to Shipmate is not interrupted.
            return
        self._answer(answer, place, delivered)

    def commanded(self, delivered: Delivered) -> None:
        """Somebody typed a slash command: it answers to them, and the card of an operation goes to the channel."""
        body: Mapping[str, Any] = delivered.body
        place = place_of(body["team"], body["channel"], "")
        by = self._people.requester(body["team"], body["user"])
        said = read(body["text"], me="", name_of=self._people.name_of)
        answer = self._hear(said, by, place, delivered.key)
        self._answer_one(answer, place, body, said.text)

    def pressed(self, delivered: Delivered) -> None:
        """Somebody pressed a button or chose an answer."""
        body: Mapping[str, Any] = delivered.body
        place = place_of(body["team"], body["channel"], body["thread"])
        by = self._people.requester(body["team"], body["user"], body.get("user_team", ""))
        if body["kind"] == "feedback":
            self._rated(by, body)
            return
        try:
            self._pressed(delivered, place, by)
        finally:
            if body.get("home"):
                self._publish(body["team"], body["user"], by)

    def opened_home(self, delivered: Delivered) -> None:
        """Somebody opened App Home."""
        team, user = str(delivered.body["team"]), str(delivered.body["user"])
        self._publish(team, user, self._people.requester(team, user))

    def _publish(self, team: str, user: str, by: Requester) -> None:
        place = place_of(team, user, "")

        def publish(_: bool) -> None:
            view = self._home.view(by, lambda request: self._drawing.in_view(place, request))
            self._workspaces.api(team).call("views.publish", user_id=user, view=view)

        self._again(f"App Home of {user}", publish)

    def _pressed(self, delivered: Delivered, place: Place, by: Requester) -> None:
        body: Mapping[str, Any] = delivered.body
        answers = body["kind"] == "answer" and bool(body["message"])
        cause, taken = self._questions.taken(place, body) if answers else (delivered.key, None)
        answer = self._conversation.press(body["offer"], by=by, place=place, cause=cause, filled=body.get("filled"))
        if answer.request is None:
            asks = answers and answer.kind == "question"
            if not (asks and self._questions.follow(answer.reply, place, body)):
                self._whisper(answer.reply, place, body)
            return
        if taken is not None and self._questions.chooses_otherwise(body, taken):
            says = f"{sentence(taken)} was chosen already, so I do nothing of this."
            self._whisper(Reply(title=says[:1].upper() + says[1:]), place, body)
        if answers and answer.request.state is not State.REFUSED:
            self._questions.close(answer.request, place, body)
        if body.get("private"):
            self._answer_one(answer, place, body, "")
            return
        self._after_choice(answer, answer.request, place, body)

    def filled(self, delivered: Delivered) -> None:
        """Somebody sent off a form, whose values were valid then."""
        body: Mapping[str, Any] = delivered.body
        place = place_of(body["team"], body["channel"], body["thread"])
        by = self._people.requester(body["team"], body["user"])
        proposal = Proposal(
            action=body["action"],
            parameters=body["parameters"],
            requester=by,
            place=place,
            cause=delivered.key,
            origin=Origin.FORM,
        )
        answer = self._conversation.ask(proposal)
        if place.thread or answer.request is None:
            if answer.request is None:
                self._whisper(answer.reply, place, body)
            else:
                self._after_choice(answer, answer.request, place, body)
            return
        self._answer_one(answer, place, body, body["action"].replace("_", " "))

    def reopened(self, delivered: Delivered) -> None:
        """A form came too late for its trigger: a button opens it again."""
        body: Mapping[str, Any] = delivered.body
        place = place_of(body["team"], body["channel"], body["thread"])
        # What a button asks for is drawn as one that opens a form.
        button = Button(
            label="Open the form", action=body["action"], parameters=body["parameters"], asks_for=("the rest",)
        )
        self._whisper(Reply(title="That took too long for Slack to open the form.", buttons=(button,)), place, body)

    def drawn(self, delivered: Delivered) -> None:
        """A request changed: its card is brought up to date."""
        request = self._ledger.get(str(delivered.body["request"]))
        if request is not None:
            self._show(request)

    def _hear(self, said: Said, by: Requester, place: Place, cause: str, *, begins: bool = False) -> Answer:
        heard = Heard(text=said.text, by=by, place=place, cause=cause, quoted=said.quoted, begins=begins)
        return self._conversation.hear(heard)

    def _takes_part(self, place: Place, mine: bool) -> bool:
        return mine or bool(self._sessions.turns(place.key))

    def _me(self, team: str) -> str:
        try:
            return self._workspaces.api(team).me
        except SlackFailed as error:
            log.warning("Slack does not say who Shipmate is in %s: %s", team, error)
            return ""

    def _answer(self, answer: Answer, place: Place, delivered: Delivered) -> None:
        """Answer in the thread, for all to see."""
        if answer.request is not None:
            self._follow(answer)
            self._show(answer.request, answer)
        else:
            self._say(answer.reply, place, delivered)
        if answer.settles and (answer.request is None or answer.request.state is not State.REFUSED):
            self._questions.close_before(answer.request, place, delivered)

    def _say(self, reply: Reply, place: Place, delivered: Delivered) -> None:
        """Say what is no request's card."""
        user, mark = str(delivered.body["user"]), mark_of(delivered)
        message = self._drawing.message(reply, place)

        def post(again: bool) -> None:
            if again and self._posting.found_again(place, mark, delivered.at):
                return
            try:
                self._posting.post(place, message, mark)
            except (Gone, Declined) as error:
                log.warning("an answer in %s goes to the one who asked: %s", place.key, error)
                self._posting.whisper(place_of(place.tenant, user, ""), user, message)

        self._again(f"the answer to {delivered.key}", post)

    def _answer_one(self, answer: Answer, place: Place, body: Mapping[str, Any], said: str) -> None:
        """Answer to one person; the card of an operation that goes on is for the channel."""
        request = answer.request
        if request is None:
            self._whisper(answer.reply, place, body)
            return
        self._follow(answer)
        request = self._newest(request)
        policy = self._conversation.gate.catalog[request.action].policy
        shared = policy.risk is Risk.CHANGE and answer.follow is None
        if not shared or request.state in {State.REFUSED, State.AWAITING_CONFIRMATION}:
            self._cards.settle_privately(request, body["user"], body.get("response_url", ""))
            self._show(request)
            return
        self._show(request, answer)
        thread = self._cards.reference(request).get("ts")
        if thread:
            # What is said under the card is about it.
            turn = Turn(
                say=said,
                by=request.requester.name,
                action=request.action,
                parameters=request.parameters,
                request=request.id,
            )
            self._sessions.add(place.model_copy(update={"thread": thread}).key, turn)

    def _after_choice(self, answer: Answer, request: Request, place: Place, body: Mapping[str, Any]) -> None:
        """What a press or form shows: a decision shows on the card it decides; a refusal is told to the one alone."""
        self._follow(answer)
        request = self._newest(request)
        if request.state is State.REFUSED or (
            request.state is State.FAILED and answer.follow is None and self._decides(request)
        ):
            self._cards.settle_silently(request)
            self._whisper(answer.reply, place, body)
        elif self._decides(request) and request.state is State.DONE and answer.follow is not None:
            self._cards.settle_silently(request)
        else:
            self._show(request, answer)

    def _decides(self, request: Request) -> bool:
        return self._conversation.gate.catalog[request.action].policy.control

    def _follow(self, answer: Answer) -> None:
        followed = self._ledger.get(answer.follow) if answer.follow else None
        if followed is None:
            return
        # Who decided first may have died before a worker was told; told twice, it is done once.
        self._conversation.gate.dispatch(followed)
        if followed.place.surface == SURFACE:
            self._draw_later(followed)

    def _newest(self, request: Request) -> Request:
        return self._ledger.get(request.id) or request

    def _show(self, request: Request, answer: Answer | None = None) -> None:
        """Bring a card up to date, with what was answered where that is the card as it is to look now."""
        current = answer is not None and answer.request is not None and answer.request.version == request.version
        again = self._cards.show(request, answer.reply if answer is not None and current else None)
        if again is not None:
            self._draw_at(request, again)

    def _whisper(self, reply: Reply, place: Place, body: Mapping[str, Any]) -> None:
        message, user = self._drawing.message(reply, place), body["user"]
        url = body.get("response_url", "")
        self._again(f"an answer for {user} alone", lambda _: self._posting.whisper(place, user, message, url))

    def _rated(self, by: Requester, body: Mapping[str, Any]) -> None:
        """Thumbs up or down under an answer."""
        request = self._ledger.get(body["request"]) if body.get("request") else None
        if request is not None and by.standing is not Standing.OUTSIDER:
            self._cards.rate(request, body["user"], body["offer"])
            self._conversation.feedback.rated(request, by.name, good=body["offer"] == "up")
