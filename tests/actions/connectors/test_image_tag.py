"""One token changes; every other byte of the file stays."""

import pytest

from actions.connectors.image_tag import NoImageTag, read, replace

KUSTOMIZATION = """\
# checkout in staging
resources:
    - ../base     # odd indentation, kept

images:
  # newTag is the only line a deployment changes.
  - name: registry.example/checkout
    newTag: v1.4.1  # keep in step
"""

SEVERAL = "images:\n- {name: a, newTag: v1}\n- name: b\n  newTag: '2.0'\n"

VALUES = 'image:\n  repository: r/notifications\n  tag: "v1.2.0"   # here\nextra: {a: 1}\n'


def test_a_kustomization_keeps_its_comments_order_and_indentation() -> None:
    assert read(KUSTOMIZATION, "apps/kustomization.yaml") == "v1.4.1"
    changed = replace(KUSTOMIZATION, "apps/kustomization.yaml", "v1.4.2")
    assert changed == KUSTOMIZATION.replace("v1.4.1", "v1.4.2")


def test_the_image_is_told_by_its_name() -> None:
    assert replace(SEVERAL, "kustomization.yml", "v9", image="a") == SEVERAL.replace("v1", "v9")
    assert replace(SEVERAL, "kustomization.yml", "2.1", image="b") == SEVERAL.replace("2.0", "2.1")


def test_helm_values_keep_their_quotes() -> None:
    assert read(VALUES, "values.yaml") == "v1.2.0"
    assert replace(VALUES, "values.yaml", "v1.2.1") == VALUES.replace("v1.2.0", "v1.2.1")


def test_another_key_of_helm_values() -> None:
    assert replace("a:\n  b:\n    v: x1\n", "values.yaml", "x2", key="a.b.v") == "a:\n  b:\n    v: x2\n"


@pytest.mark.parametrize("tag", ["1.10", "1e3", "on", "null"])
def test_a_tag_that_looks_like_something_else_is_quoted(tag: str) -> None:
    assert replace("image: {tag: v1}\n", "values.yaml", tag) == f'image: {{tag: "{tag}"}}\n'


@pytest.mark.parametrize(
    ("text", "file", "image", "says"),
    [
        (SEVERAL, "kustomization.yaml", None, "lists several images (a, b)"),
        (SEVERAL, "kustomization.yaml", "c", "does not list the image c under `images:`; it lists a, b"),
        ("resources: []\n", "kustomization.yaml", None, "does not list an image"),
        ("images:\n- name: a\n  digest: sha256:1\n", "kustomization.yaml", None, "has no newTag for its image a"),
        ("image: latest\n", "values.yaml", None, "has no value at image.tag"),
        ("", "values.yaml", None, "has no value at image.tag"),
        ("a: [\n", "values.yaml", None, "is not valid YAML"),
    ],
)
def test_a_file_without_its_tag_says_what_was_looked_for(text: str, file: str, image: str | None, says: str) -> None:
    with pytest.raises(NoImageTag) as refused:
        read(text, file, image=image)
    assert says in str(refused.value)


def test_what_cannot_be_a_tag_is_not_written() -> None:
    with pytest.raises(NoImageTag):
        replace("image: {tag: v1}\n", "values.yaml", "v1, evil: true")
