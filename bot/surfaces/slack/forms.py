"""Modals made from actions: a menu of verbs, and a form of an action's parameters that checks what was filled in."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from pydantic import JsonValue, ValidationError

from actions.core.catalog import Catalog, Verb
from actions.core.errors import ShipmateError
from actions.core.kinds import NAMES, Kind
from actions.core.organization import Organization
from bot.surfaces.slack.render import BUTTON_TEXT, OPTIONS, SECTION, Json, options, plain_text
from bot.surfaces.slack.spans import escape, shorten

TITLE = 24
"""The longest title and button of a modal, in characters."""
METADATA = 3000
PLACEHOLDER = 150
ERROR = 200
LONGEST_INPUT = 3000
OPTION_GROUPS = 100

Metadata = Mapping[str, Any]
"""What a modal carries to and fro, unseen: where its answer goes, and which action or offer it is for."""

MENU = "menu"
QUESTION = "question"
"""What a button holds that opens the menu or the question about a message again: no action, but their metadata."""

_HINTS = {
    Kind.DURATION: "30m, 24h or 7d",
    Kind.VERSION: "v1.4.2",
    Kind.REQUEST: "R-12",
    Kind.PIPELINE: "4711",
    Kind.REF: "main",
    Kind.VERB: "deploy",
}


class Unfit(ShipmateError):
    """Values that an action does not take.

    Args:
        errors: what is wrong, by parameter.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {says}" for name, says in errors.items()), remedy="")


def menu(catalog: Catalog, metadata: Metadata) -> Json:
    """The modal behind `/shipmate` alone: a select of everything that can be asked for."""
    verbs = sorted((v for v in catalog if v.policy.public), key=lambda verb: verb.policy.group)
    groups = [
        {"label": plain_text(group.replace("_", " ").title(), BUTTON_TEXT), "options": options(_labelled(members))}
        for group, members in groupby(verbs, key=lambda verb: verb.policy.group)
    ]
    select = {
        "type": "static_select",
        "action_id": "verb:menu",
        "placeholder": plain_text("Choose an action", PLACEHOLDER),
        "option_groups": groups[:OPTION_GROUPS],
    }
    says = {"type": "section", "text": plain_text("What is to be done? You can also just say it in a thread.", SECTION)}
    return _modal(MENU, "Shipmate", [says, {"type": "actions", "elements": [select]}], metadata)


def form(
    verb: Verb,
    organization: Organization,
    metadata: Metadata,
    *,
    fixed: Mapping[str, JsonValue] | None = None,
) -> Json:
    """The modal that asks for an action's parameters.

    Args:
        verb: the action.
        organization: for the names to choose from.
        metadata: what the modal carries.
        fixed: parameters that stand already; they are told and not asked for.
    """
    fixed = fixed or {}
    told = "\n".join(f"*{escape(_words(name))}*  {escape(str(value))}" for name, value in fixed.items())
    says = shorten(escape(verb.description()) + (f"\n{told}" if told else ""), SECTION)
    blocks: list[Json] = [{"type": "section", "text": {"type": "mrkdwn", "text": says, "verbatim": True}}]
    blocks += [_input(verb, name, organization) for name in verb.model_fields if name not in fixed]
    name = _words(verb.policy.name)
    return _modal("form", name, blocks, metadata, submit=name)


def question(about: str, metadata: Metadata) -> Json:
    """The modal behind "Ask Shipmate about this"."""
    entry = {
        "type": "plain_text_input",
        "action_id": "value",
        "max_length": LONGEST_INPUT,
        "placeholder": plain_text("why did this fail?", PLACEHOLDER),
    }
    blocks: list[Json] = [
        {"type": "context", "elements": [plain_text(about, 300)]},
        {"type": "input", "block_id": "text", "label": plain_text("What about it?", PLACEHOLDER), "element": entry},
    ]
    return _modal(QUESTION, "Ask Shipmate", blocks, metadata, submit="Ask")


def metadata_of(view: Mapping[str, Any]) -> Metadata:
    """What a modal carried."""
    try:
        found = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def values_of(view: Mapping[str, Any]) -> dict[str, JsonValue]:
    """What was filled in, by parameter; what was left empty is left out."""
    filled: dict[str, JsonValue] = {}
    for name, block in ((view.get("state") or {}).get("values") or {}).items():
        entry = block.get("value") or {}
        value = (entry.get("selected_option") or {}).get("value") or entry.get("value")
        if isinstance(value, str) and value.strip():
            filled[name] = value.strip()
    return filled


def checked(verb: Verb, parameters: Mapping[str, JsonValue], organization: Organization) -> dict[str, JsonValue]:
    """The parameters as the action takes them.

    Raises:
        Unfit: some it does not take; says which and why.
    """
    try:
        return verb.parse(dict(parameters), organization).parameters()
    except ValidationError as error:
        raise Unfit(_errors(error)) from None


def matching(names: Iterable[str], typed: str) -> list[tuple[str, str]]:
    """Names that hold what was typed, those that begin with it first."""
    wanted = typed.strip().casefold()
    found = sorted(
        (name for name in names if wanted in name.casefold()), key=lambda n: not n.casefold().startswith(wanted)
    )
    return [(name, name) for name in found[:OPTIONS]]


def _errors(error: ValidationError) -> dict[str, str]:
    errors: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0]) if detail["loc"] else ""
        cause = (detail.get("ctx") or {}).get("error")
        says = str(cause) if isinstance(cause, Exception) else detail["msg"]
        errors.setdefault(name, shorten("This is needed." if detail["type"] == "missing" else says, ERROR))
    return errors


def _labelled(verbs: Iterable[Verb]) -> list[tuple[str, str]]:
    return [(f"{_words(v.policy.name)}: {v.description()}", v.policy.name) for v in verbs]


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _input(verb: Verb, name: str, organization: Organization) -> Json:
    field = verb.model_fields[name]
    return {
        "type": "input",
        "block_id": name,
        "label": plain_text(_words(name), PLACEHOLDER),
        "optional": not field.is_required(),
        "element": _element(verb, name, organization),
    }


def _element(verb: Verb, name: str, organization: Organization) -> Json:
    kind, choices = verb.kind_of(name), verb.choices_of(name)
    is_choice = bool(choices) or kind in NAMES - {Kind.VERB}
    hint = _HINTS.get(kind, "Choose one" if is_choice else f"the {name.replace('_', ' ')}")
    base = {"action_id": "value", "placeholder": plain_text(hint, PLACEHOLDER)}
    if not choices and verb.model_fields[name].annotation is bool:
        return {"type": "static_select", **base, "options": options([("Yes", "true"), ("No", "false")])}
    if is_choice and not choices:
        choices = tuple(organization.names(kind))
    if len(choices) > OPTIONS:
        return {"type": "external_select", **base, "min_query_length": 0}
    if choices:
        return {"type": "static_select", **base, "options": options((c, c) for c in choices)}
    return {
        "type": "plain_text_input",
        **base,
        "max_length": LONGEST_INPUT,
        "multiline": name in _PROSE,
    }


_PROSE: Collection[str] = frozenset({"reason", "text", "message", "description"})


def _modal(callback: str, title: str, blocks: Sequence[Json], metadata: Metadata, *, submit: str = "") -> Json:
    carried = json.dumps(metadata)
    if len(carried) > METADATA:
        message = f"a modal cannot carry {len(carried)} characters"
        raise ValueError(message)
    view = {
        "type": "modal",
        "callback_id": callback,
        "title": plain_text(title, TITLE),
        "close": plain_text("Close", TITLE),
        "blocks": list(blocks),
        "private_metadata": carried,
    }
    return view | ({"submit": plain_text(submit, TITLE)} if submit else {})
