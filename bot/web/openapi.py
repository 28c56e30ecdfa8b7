"""The API's description, generated from the catalogue and the wire's models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from actions.core.catalog import Verb
from bot.wire import Answer, Do, Failed, Press, Say, Words

_REF = "#/components/schemas/{model}"


def describe(verbs: Iterable[Verb], *, version: str) -> dict[str, Any]:
    """OpenAPI 3.1 of every call."""
    schemas: dict[str, Any] = {}
    for model in (Say, Press, Do, Answer, Words, Failed):
        schemas[model.__name__] = _schema(model, schemas)
    paths: dict[str, Any] = {
        "/api/v1/chat": {"post": _call("Say something in a thread.", "chat", body="Say")},
        "/api/v1/press": {"post": _call("Press a button.", "press", body="Press")},
        "/api/v1/vocabulary": {"get": _call("What can be typed, for completion.", "vocabulary", answer="Words")},
        "/api/v1/requests/{id}": {"get": _waiting()},
    }
    for verb in verbs:
        if verb.policy.public:
            paths[f"/api/v1/actions/{verb.policy.name}"] = {"post": _action(verb, schemas)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shipmate", "version": version, "description": "Every call enters the same gate."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A personal token; `shipmate token create NAME`.",
                }
            },
        },
    }


def _schema(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    return schema


def _call(summary: str, operation: str, *, body: str = "", answer: str = "Answer") -> dict[str, Any]:
    found: dict[str, Any] = {
        "summary": summary,
        "operationId": operation,
        "responses": {
            "200": {"description": "The reply.", "content": _json({"$ref": _REF.format(model=answer)})},
            "default": {"description": "What went wrong.", "content": _json({"$ref": _REF.format(model="Failed")})},
        },
    }
    if body:
        found["requestBody"] = {"required": True, "content": _json({"$ref": _REF.format(model=body)})}
        found["parameters"] = [_KEY]
    return found


def _action(verb: Verb, schemas: dict[str, Any]) -> dict[str, Any]:
    found = _call(verb.description(), f"do_{verb.policy.name}")
    parameters = _schema(verb, schemas)
    parameters.pop("description", None)
    body = {
        "type": "object",
        "properties": {**schemas["Do"]["properties"], "parameters": parameters},
        "required": ["parameters"] if verb.required() else [],
        "additionalProperties": False,
    }
    return {**found, "requestBody": {"required": True, "content": _json(body)}, "parameters": [_KEY]}


def _waiting() -> dict[str, Any]:
    found = _call("A request as it stands, or at its next change.", "request")
    found["parameters"] = [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": r"^R-\d{1,12}$"}},
        {
            "name": "after_version",
            "in": "query",
            "description": "Answer when the request's version is beyond this one.",
            "schema": {"type": "integer", "minimum": 0},
        },
        {
            "name": "after_draft",
            "in": "query",
            "description": "Answer also when more than so many characters of an answer in prose are written.",
            "schema": {"type": "integer", "minimum": 0},
        },
        {
            "name": "wait",
            "in": "query",
            "description": "How long to wait for that, in seconds; then it is answered as it stands.",
            "schema": {"type": "number", "minimum": 0, "maximum": 60},
        },
    ]
    return found


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key from the same person means the same call: it is done once, however often it is sent.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
