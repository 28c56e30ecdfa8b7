"""Answers what cannot wait for the inbox: modals, whose trigger lives three seconds, form errors and live options.

It only reads; what it causes goes through the inbox like everything else.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from actions.core.catalog import Catalog, Verb
from actions.core.errors import Refused
from actions.core.organization import Organization
from actions.core.people import TO_OUTSIDERS, Standing
from actions.core.places import Place
from actions.core.ports.desk import Desk
from actions.core.ports.ledger import Offer, Offers
from actions.core.ports.messaging import Inbox
from actions.core.ports.surroundings import Clock
from actions.decisions import Deny
from bot.surfaces.slack import forms
from bot.surfaces.slack.client import SlackFailed, Workspaces
from bot.surfaces.slack.door import Answer, Answering, Immediate, Store
from bot.surfaces.slack.intake import AtOnce, Taken, home_of, pressed
from bot.surfaces.slack.people import People
from bot.surfaces.slack.places import click_place, place_of
from bot.surfaces.slack.render import options
from bot.web.limits import Threads

log = logging.getLogger("shipmate.slack")

_QUOTED = 1_800
"""How much of a message is taken along as context; a modal carries 3,000 characters in all."""


class AtOnceAnswers:
    """Answers from reads.

    Args:
        catalog: every verb.
        organization: names to choose from.
        offers: what buttons hold.
        workspaces: where modals are opened.
        inbox: where what was filled in goes.
        clock: the time.
        people: who is who; outsiders are shown no names.
        desk: to know who may decide about a request.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        organization: Organization,
        offers: Offers,
        workspaces: Workspaces,
        inbox: Inbox,
        clock: Clock,
        people: People,
        desk: Desk,
    ) -> None:
        self._catalog = catalog
        self._organization = organization
        self._offers = offers
        self._workspaces = workspaces
        self._store = Store(inbox, clock)
        self._people = people
        self._desk = desk
        self._answers: Mapping[str, Callable[[Mapping[str, Any]], Answer]] = {
            "menu": self._menu,
            "form": self._form,
            "choose": self._choose,
            "shortcut": self._shortcut,
            "options": self._options,
            "submit": self._submit,
        }

    def answer(self, found: AtOnce) -> Answer:
        """What the response says; raises `Unreachable` where a store does not answer."""
        if self._is_outsider(found.payload):
            return self._to_outsider(found)
        return self._answers[found.kind](found.payload)

    def _is_outsider(self, payload: Mapping[str, Any]) -> bool:
        return self._people.standing(*_who(payload)) is Standing.OUTSIDER

    def _to_outsider(self, found: AtOnce) -> Answer:
        if found.kind == "options":
            return {"options": []}
        if found.kind == "form":
            # The gate refuses it, and says so to them alone.
            self._store(pressed(found.payload, "press"))
        return {"response_type": "ephemeral", "text": TO_OUTSIDERS} if found.kind == "menu" else None

    def _menu(self, payload: Mapping[str, Any]) -> Answer:
        """`/shipmate` alone."""
        team, channel = payload.get("team_id") or "", payload.get("channel_id") or ""
        metadata = {"channel": channel, "thread": ""}
        if not self._open(team, payload["trigger_id"], forms.menu(self._catalog, metadata)):
            self._put_again(place_of(team, channel, ""), payload, forms.MENU, metadata)
        return None

    def _choose(self, payload: Mapping[str, Any]) -> Answer:
        """A verb chosen in the menu: the menu becomes its form."""
        view, action = payload.get("view") or {}, payload["actions"][0]
        name = (action.get("selected_option") or {}).get("value") or ""
        verb = self._public(name)
        if verb is None:
            return None
        metadata = {**forms.metadata_of(view), "action": name}
        team = _team(payload)
        try:
            self._workspaces.api(team).call(
                "views.update",
                view_id=view.get("id"),
                hash=view.get("hash"),
                view=forms.form(verb, self._organization, metadata),
            )
        except SlackFailed as error:
            log.warning("a form was not shown: %s", error)
        return None

    def _form(self, payload: Mapping[str, Any]) -> Answer:
        """A button that asks for something more: a form of what its offer does not hold."""
        action = payload["actions"][0]
        offer = self._offers.get(action.get("value") or "")
        if offer is None or self._is_in_vain(offer, payload):
            # Nothing is to be filled in; the gate says why, to the one who pressed.
            self._store(pressed(payload, "press"))
            return None
        place = click_place(payload)
        metadata = {"offer": offer.id, "channel": place.channel, "thread": place.thread}
        container = payload.get("container") or {}
        if action.get("action_id") == "form:question" and not container.get("is_ephemeral"):
            metadata["question"] = container.get("message_ts") or ""
        view = self._view(offer, metadata)
        if view is not None and not self._open(place.tenant, payload.get("trigger_id") or "", view):
            self._put_again(place, payload, offer.action, offer.parameters)
        return None

    def _view(self, offer: Offer, metadata: forms.Metadata) -> Mapping[str, Any] | None:
        held = dict(offer.parameters)
        if offer.action == forms.MENU:
            return forms.menu(self._catalog, held)
        if offer.action == forms.QUESTION:
            return forms.question(str(held["about"]), held)
        if offer.action not in self._catalog:
            return None
        return forms.form(self._catalog[offer.action], self._organization, metadata, fixed=held)

    def _is_in_vain(self, offer: Offer, payload: Mapping[str, Any]) -> bool:
        """Whether no filling in can help: a decision that is made already, or is not this person's to make."""
        if offer.action != Deny.policy.name:
            return False
        try:
            self._desk.may_deny(str(offer.parameters.get("request")), self._people.requester(*_who(payload)))
        except Refused:
            return True
        return False

    def _shortcut(self, payload: Mapping[str, Any]) -> Answer:
        """The message shortcut "Ask Shipmate about this"."""
        message, channel = payload.get("message") or {}, (payload.get("channel") or {}).get("id") or ""
        text = (message.get("text") or "")[:_QUOTED]
        thread = message.get("thread_ts") or payload.get("message_ts") or message.get("ts") or ""
        metadata = {"channel": channel, "thread": thread, "about": text[: _QUOTED // 2]}
        team = _team(payload)
        if not self._open(team, payload.get("trigger_id") or "", forms.question(text, metadata)):
            self._put_again(place_of(team, channel, thread), payload, forms.QUESTION, metadata)
        return None

    def _options(self, payload: Mapping[str, Any]) -> Answer:
        """What a long select offers for what was typed so far."""
        verb = self._verb_of(forms.metadata_of(payload.get("view") or {}))
        name = payload.get("block_id") or ""
        if verb is None or name not in verb.model_fields:
            return {"options": []}
        names = verb.choices_of(name) or tuple(self._organization.names(verb.kind_of(name)))
        return {"options": options(forms.matching(names, payload.get("value") or ""))}

    def _submit(self, payload: Mapping[str, Any]) -> Answer:
        """A form sent off: errors at their fields, or into the inbox."""
        view = payload.get("view") or {}
        metadata, user, team = forms.metadata_of(view), (payload.get("user") or {}).get("id") or "", _team(payload)
        place = place_of(team, metadata.get("channel") or user, metadata.get("thread") or "")
        key = f"slack/{team}/{view.get('id')}/{view.get('hash')}/form"
        body: dict[str, Any] = {"team": team, "user": user, "channel": place.channel, "thread": place.thread}
        if view.get("callback_id") == "question":
            self._put(key, place, "slack.said", body | _question(view, metadata, payload))
            return None
        offer = self._offers.get(metadata["offer"]) if metadata.get("offer") else None
        verb = self._verb_of(metadata)
        if verb is None:
            return {
                "response_action": "errors",
                "errors": dict.fromkeys(_blocks(view), "This form is no longer known."),
            }
        filled = forms.values_of(view)
        try:
            parameters = forms.checked(verb, filled | (offer.parameters if offer else {}), self._organization)
        except forms.Unfit as error:
            return _errors(view, error)
        if offer is not None:
            question = metadata.get("question") or ""
            kind = "answer" if question else "press"
            press = {"kind": kind, "offer": offer.id, "filled": filled, "message": question}
            self._put(key, place, "slack.pressed", body | press)
        else:
            self._put(key, place, "slack.form", body | {"action": verb.policy.name, "parameters": parameters})
        return None

    def _put(self, key: str, place: Place, kind: str, body: dict[str, Any]) -> None:
        self._store(Taken(key, place.key, kind, body))

    def _open(self, team: str, trigger: str, view: Mapping[str, Any]) -> bool:
        """Open a modal; False where the trigger has expired, or Slack would not."""
        try:
            self._workspaces.api(team).call("views.open", trigger_id=trigger, view=view)
        except SlackFailed as error:
            log.warning("a modal was not opened: %s", error)
            return False
        return True

    def _put_again(self, place: Place, payload: Mapping[str, Any], action: str, parameters: Mapping[str, Any]) -> None:
        """Have somebody told that it took too long, with a button that opens the same form."""
        clicked: Mapping[str, Any] = next(iter(payload.get("actions") or ()), payload)
        when = clicked.get("action_ts") or payload.get("trigger_id")
        user = _who(payload)[1]
        body = {
            "team": place.tenant,
            "user": user,
            "channel": place.channel,
            "thread": place.thread,
            "action": action,
            "parameters": dict(parameters),
            "response_url": payload.get("response_url") or "",
        }
        self._put(f"slack/{place.tenant}/{place.channel}/{when}/{user}/again", place, "slack.again", body)

    def _verb_of(self, metadata: forms.Metadata) -> Verb | None:
        if metadata.get("offer"):
            offer = self._offers.get(metadata["offer"])
            return self._catalog[offer.action] if offer and offer.action in self._catalog else None
        return self._public(metadata.get("action") or "")

    def _public(self, name: str) -> Verb | None:
        if name not in self._catalog:
            return None
        verb = self._catalog[name]
        return verb if verb.policy.public else None


def in_threads(immediate: Immediate) -> Answering:
    """Have the loop answer by calls into the house from threads."""
    threads = Threads()

    def answering(found: AtOnce) -> Awaitable[Answer]:
        return threads.call(immediate.answer, found)

    return answering


def _team(payload: Mapping[str, Any]) -> str:
    return (payload.get("team") or {}).get("id") or (payload.get("user") or {}).get("team_id") or ""


def _who(payload: Mapping[str, Any]) -> tuple[str, str, str]:
    """In which workspace somebody did something, who they are, and their own workspace."""
    user = payload.get("user") or {}
    team, name = payload.get("team_id") or _team(payload), payload.get("user_id") or user.get("id") or ""
    return team, name, home_of(payload, user.get("team_id"), team)


def _question(view: Mapping[str, Any], metadata: forms.Metadata, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked about a message, in the form of something said in its thread."""
    return {
        "user_team": _who(payload)[2],
        "ts": metadata.get("thread") or "",
        "text": forms.values_of(view).get("text", ""),
        "direct": True,
        "mention": True,
        "me": "",
        "parent": "",
        "forwarded": [metadata.get("about") or ""],
    }


def _blocks(view: Mapping[str, Any]) -> list[str]:
    """The fields at which an error can stand."""
    return list(((view.get("state") or {}).get("values") or {}).keys())


def _errors(view: Mapping[str, Any], error: forms.Unfit) -> Answer:
    blocks = _blocks(view)
    errors = {name: says for name, says in error.errors.items() if name in blocks}
    if not errors and blocks:
        # What is wrong belongs to no field; Slack shows errors at fields alone.
        errors = {blocks[0]: "; ".join(error.errors.values())}
    return {"response_action": "errors", "errors": errors}
