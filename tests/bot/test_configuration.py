"""shipmate.yaml: every fault at once, with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from actions.core.organization import Organization
from actions.core.people import Role
from bot import configuration
from bot.configuration import InvalidConfiguration, NoConfiguration

SECTIONS = ", ".join(sorted(Organization.model_fields))
ROLES = ", ".join(sorted(Role))
FAULTY = """\
environments:
  - {name: staging, knd: x}
services:
  - name: a
    aliasse: [x]
    argocd: {application: "a-{env}", healthy_within: 10x}
  - name: A
    gitlab: {}
people:
  - name: dana
    roles: [captain]
wat: 1
approvals:
  - environments: [moon]
"""


def faults_of(text: str) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        configuration.parse(text)
    return [str(fault) for fault in caught.value.faults]


def test_every_fault_is_told_at_once_with_its_place_and_remedy() -> None:
    assert faults_of(FAULTY) == [
        "shipmate.yaml:2:21: The key `knd` is not known in `environments`. Did you mean `kind`?",
        "shipmate.yaml:5:5: The key `aliasse` is not known in `services`. Did you mean `aliases`?",
        "shipmate.yaml:6:14: `services.argocd.application`: the only placeholder allowed here is {environment}.",
        "shipmate.yaml:6:38: `services.argocd.healthy_within`: “10x” is not a duration; write it like 30m, 24h or 7d.",
        "shipmate.yaml:7:5: The service name “A” is used for a and A.",
        "shipmate.yaml:8:5: The key `project` is missing here. Add `project:`.",
        "shipmate.yaml:11:5: The person dana has the unknown role “captain”; known are "
        + ", ".join(sorted(Role))
        + ".",
        "shipmate.yaml:12:1: The key `wat` is not known in the file. Allowed are " + f"{SECTIONS}.",
        "shipmate.yaml:14:5: A rule names the unknown environment “moon”.",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("people:\npeople:\n", "shipmate.yaml:2:1: This is not YAML: found duplicate key"),
        ("people: [1\nteams: 2\n", "shipmate.yaml:2:"),
        ("- people\n", "shipmate.yaml:1:1: The file must be a mapping of keys. Begin with"),
        ("services: checkout\n", "shipmate.yaml:1:1: `services`:"),
        ("roles: {captain: {}}\n", "The role “captain” is not built in, so it needs `like:`"),
        ("people:\n  - {name: 'a b'}\n", "shipmate.yaml:2:6: `people.name`: String should match pattern"),
    ],
)
def test_a_malformed_file_is_told_with_its_place(text: str, told: str) -> None:
    assert told in faults_of(text)[0]


def test_an_empty_file_is_an_empty_organization() -> None:
    assert configuration.parse("").services == ()
    assert configuration.parse("# nothing yet\n").people == ()


def test_a_missing_file_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(NoConfiguration, match=r"no such file or directory\. Set SHIPMATE_CONFIG .* `shipmate demo`"):
        configuration.load(tmp_path / "shipmate.yaml")


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "shipmate.yaml").write_bytes(b"people: \xff")
    with pytest.raises(NoConfiguration, match="byte 8 is not UTF-8"):
        configuration.load(tmp_path / "shipmate.yaml")


def documented() -> str:
    page = Path("docs/configuration.md").read_text(encoding="utf-8")
    return page.split("```yaml\n")[2].split("```")[0]


def test_the_documented_example_is_right_and_shows_every_section() -> None:
    organization = configuration.parse(documented())
    assert set(YAML(typ="safe").load(documented())) == set(type(organization).model_fields)


def test_the_schema_for_editors_accepts_the_example_and_refuses_what_the_loader_refuses() -> None:
    schema = configuration.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    load = YAML(typ="safe").load
    jsonschema.validate(load(documented()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(load("services: [{name: a, aliasse: [x]}]"), schema)


def test_the_schema_describes_keys_in_the_words_of_the_code() -> None:
    argocd = configuration.schema()["$defs"]["ArgoCD"]
    assert argocd["description"] == "The Argo CD application that runs a service, and how its health is judged."
    assert argocd["properties"]["healthy_within"]["default"] == "10m"
    assert "rolled back" in argocd["properties"]["healthy_within"]["description"]
