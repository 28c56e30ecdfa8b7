"""Holds requests and answers against a vendor's own OpenAPI 2 description and names every difference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jsonschema import Draft4Validator
from ruamel.yaml import YAML

Json = dict[str, Any]

# Words in place of a type that JSON Schema does not know; the description means a string.
_NOT_TYPES = {"file", "symbol"}


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; `path` is undecoded and begins with /api."""

    method: str
    path: str
    query: str
    sent: Any
    status: int
    answered: Any


@dataclass
class Description:
    """A vendor's description of its API."""

    document: Json
    differences: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    checked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._paths = [(re.compile(_pattern(path)), path) for path in self.document["paths"]]
        # Literal paths before those with parameters: /pipelines/latest is no pipeline's number.
        self._paths.sort(key=lambda entry: entry[1].count("{"))
        self._schemas: dict[str, Draft4Validator] = {}

    def check(self, exchange: Exchange) -> None:
        """Hold one exchange against the description and note what differs."""
        method = exchange.method.lower()
        templates = (path for pattern, path in self._paths if pattern.fullmatch(exchange.path))
        template = next((path for path in templates if method in self.document["paths"][path]), None)
        if template is None:
            self.unknown.add(f"{exchange.method} {_generic(exchange.path)}")
            return
        operation = self.document["paths"][template][method]
        name = f"{exchange.method} {template}"
        self.checked.add(name)
        self._check_request(name, operation, exchange)
        self._check_answer(name, operation, exchange)

    def _check_request(self, name: str, operation: Json, exchange: Exchange) -> None:
        parameters = {entry["name"]: entry for entry in operation.get("parameters", [])}
        for key in parse_qs(exchange.query, keep_blank_values=True):
            if key not in parameters and key.removesuffix("[]") not in parameters:
                self.differences.add(f"{name}: query {key} is not described")
        body = next((entry for entry in parameters.values() if entry["in"] == "body"), None)
        if body is not None and exchange.sent is not None:
            self._check_value(f"{name}: request", body["schema"], exchange.sent)
        elif exchange.sent not in (None, {}):
            self.differences.add(f"{name}: a body is not described")

    def _check_answer(self, name: str, operation: Json, exchange: Exchange) -> None:
        responses = operation["responses"]
        response = responses.get(str(exchange.status)) or responses.get("default")
        if response is None:
            self.differences.add(f"{name}: status {exchange.status} is not described")
            response = next((value for key, value in responses.items() if key.startswith("2")), {})
        schema = response.get("schema")
        if schema is None or exchange.answered is None:
            return
        if isinstance(exchange.answered, list) and self._resolve(schema).get("type") == "object":
            self.differences.add(f"{name}: a list is described as one object")
            schema = {"type": "array", "items": schema}
        self._check_value(f"{name}: answer" if "$ref" not in str(schema) else "answer", schema, exchange.answered)

    def _check_value(self, where: str, schema: Json, value: Any) -> None:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._schemas:
            self._schemas[key] = Draft4Validator(self._strict(schema, schema.get("$ref", where)))
        for error in self._schemas[key].iter_errors(value):
            self.differences.update(self._named(where, error))

    def _named(self, where: str, error: Any) -> Iterator[str]:
        # The place is the description's own definition, so that the same difference has one name wherever it shows.
        path = [part for part in error.absolute_schema_path if isinstance(part, str)]
        holder = _at(error, "x-definition") or where
        field_name = next((str(part) for part in reversed(list(error.absolute_path)) if isinstance(part, str)), "")
        if error.validator == "additionalProperties":
            for extra in sorted(set(error.instance) - set(error.schema.get("properties", {}))):
                yield f"{holder}.{extra} is not described"
        elif error.validator == "required":
            missing = sorted(set(error.validator_value) - set(error.instance))
            yield from (f"{holder}.{name} is missing" for name in missing)
        elif error.validator == "type":
            yield f"{holder}.{field_name} is described as {error.validator_value[0]}, not {_type(error.instance)}"
        else:
            yield f"{holder}.{field_name}: {error.validator} {path[-1:]} {error.message[:80]}"

    def _resolve(self, schema: Json) -> Json:
        reference = schema.get("$ref")
        return self.document["definitions"][reference.rpartition("/")[2]] if reference else schema

    def _strict(self, schema: Json, holder: str, depth: int = 0) -> Json:
        """Return a JSON Schema: references resolved, null allowed, properties that are not described refused."""
        if reference := schema.get("$ref"):
            holder = reference.rpartition("/")[2]
            schema = self.document["definitions"].get(holder, {})
        if depth > 12:
            return {}
        result: Json = {"x-definition": holder}
        kind = schema.get("type")
        if kind and kind not in _NOT_TYPES:
            # Neither description says what may be null; both vendors answer null for what is absent.
            result["type"] = [kind, "null"]
        if "enum" in schema:
            result["enum"] = [*schema["enum"], None]
        if "items" in schema:
            result["items"] = self._strict(schema["items"], holder, depth + 1)
        if "properties" in schema:
            result["properties"] = {
                name: self._strict(value, f"{holder}.{name}" if "properties" in value else holder, depth + 1)
                for name, value in schema["properties"].items()
            }
            result["additionalProperties"] = False
        if "required" in schema:
            result["required"] = schema["required"]
        return result


def _at(error: Any, key: str) -> str:
    return str(error.schema.get(key, "")) if isinstance(error.schema, dict) else ""


def _type(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds[type(value)]


def _pattern(path: str) -> str:
    return re.sub(r"\\\{[^}]*\\\}|\{[^}]*\}", "[^/]+", re.escape(path).replace(r"\{", "{").replace(r"\}", "}"))


def _generic(path: str) -> str:
    return re.sub(r"/(\d+|[0-9a-f]{40}|[^/]*%2F[^/]*)(?=/|$)", "/…", path)


@cache
def gitlab(path: Path, keep: Path) -> Json:
    """Return GitLab's description; its two megabytes of YAML are parsed once and kept as JSON."""
    stat = path.stat()
    kept = keep / f"gitlab-{stat.st_size}-{int(stat.st_mtime)}.json"
    if not kept.exists():
        keep.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(YAML(typ="safe").load(path.read_text()), default=str))
    loaded: Json = json.loads(kept.read_text())
    return loaded
