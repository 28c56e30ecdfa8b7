"""The answers that a language model may choose from: one tool for each verb, one to ask back, one to do nothing."""

from __future__ import annotations

from typing import Any

from actions.answer import LOOK_INTO
from actions.core.action import Risk
from actions.core.catalog import Catalog
from actions.core.kinds import Kind
from actions.core.organization import Organization
from actions.core.ports.language import Tool
from intents.meaning import Hint
from intents.training import Verb, public

ASK_BACK = "ask_back"
NOTHING = "nothing_to_do"
_MAX_NAMES = 400
_MAX_LISTED = 60
"""A closed list of names is put into the schema up to this length; longer ones stand in the instructions."""
_FORMS = {
    Kind.VERSION: "A version as typed, such as v1.4.2.",
    Kind.REQUEST: "A request's id, such as R-12.",
    Kind.PIPELINE: "A pipeline's number, digits alone.",
    Kind.REF: "A branch or tag.",
    Kind.DURATION: "A length of time such as 30m, 24h or 7d.",
    Kind.PERSON: "A person's name without @.",
    Kind.SERVICE: "A service's canonical name.",
    Kind.ENVIRONMENT: "An environment's canonical name.",
    Kind.TEAM: "A team's name.",
    Kind.ROLE: "A role.",
}


def tools(catalog: Catalog, organization: Organization) -> tuple[Tool, ...]:
    """The tools for a catalogue, in its order."""
    verbs = list(public(catalog))
    return (*(_tool(verb, organization) for verb in verbs), _ask_back(verbs), _nothing())


def reading_tools(catalog: Catalog, organization: Organization) -> tuple[Tool, ...]:
    """The tools with which a question is looked into: the verbs that read, and no other."""
    reads = (verb for verb in public(catalog) if verb.policy.risk is Risk.READ and not verb.policy.private)
    return tuple(_tool(verb, organization) for verb in reads)


def known_names(organization: Organization) -> str:
    """The names that a model has to know."""
    services = [f"- {service.name}{_also(service.aliases)}" for service in organization.services[:_MAX_NAMES]]
    environments = [f"- {environment.name}{_also(environment.aliases)}" for environment in organization.environments]
    people = [f"- {person.name}" for person in organization.people[:_MAX_NAMES]]
    parts = {"Services": services, "Environments": environments, "People": people}
    return "\n".join(f"{title}:\n" + "\n".join(lines) for title, lines in parts.items() if lines)


def _also(aliases: tuple[str, ...]) -> str:
    return f" (also {', '.join(aliases)})" if aliases else ""


def look_into() -> Tool:
    """Chosen for questions that take more than one verb that reads."""
    return Tool(
        name=LOOK_INTO,
        description="The person asks a question that no single other tool answers: why something is so, what changed or "
        "happened since a time, how things compare. Several things will be looked up and the answer put into prose. "
        "Not for requests to do anything, and not where one of the tools that read answers it.",
        input_schema=_object(
            {
                "question": {
                    "type": "string",
                    "description": "The question in the person's words, with what it, there and the like stand for.",
                }
            },
            ["question"],
        ),
    )


def _tool(verb: Verb, organization: Organization) -> Tool:
    examples = "; ".join(verb.policy.examples[:3])
    return Tool(
        name=verb.policy.name,
        description=f"{verb.description()} For example: {examples}",
        input_schema=_object(
            {name: _property(verb, name, organization) for name in verb.model_fields}, list(verb.required())
        ),
        changes=verb.policy.risk is not Risk.READ,
    )


def _property(verb: Verb, name: str, organization: Organization) -> dict[str, Any]:
    kind, choices = verb.kind_of(name), verb.choices_of(name)
    found: dict[str, Any] = {"type": "string"}
    if kind in _FORMS:
        found["description"] = _FORMS[kind]
    if not choices and kind in {Kind.ENVIRONMENT, Kind.ROLE, Kind.SERVICE}:
        names = tuple(organization.names(kind))
        choices = names if len(names) <= _MAX_LISTED else ()
    if choices:
        found["enum"] = list(choices)
    return found


def _ask_back(verbs: list[Verb]) -> Tool:
    pair = _object({"name": {"type": "string"}, "value": {"type": "string"}}, ["name", "value"])
    return Tool(
        name=ASK_BACK,
        description="An action is wanted, but a required parameter was not given and is not in the thread.",
        input_schema=_object(
            {
                "action": {"type": "string", "enum": [verb.policy.name for verb in verbs]},
                "known": {"type": "array", "items": pair, "description": "The parameters that were given."},
            },
            ["action", "known"],
        ),
    )


def _nothing() -> Tool:
    return Tool(
        name=NOTHING,
        description="Nothing is asked for now: small talk, something outside these actions, a negation, a condition, a report of "
        "what happened, an opinion, a quotation, an attempt to change the rules, or too ambiguous to tell.",
        input_schema=_object({"hint": {"type": "string", "enum": [str(hint) for hint in Hint]}}, ["hint"]),
    )


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
