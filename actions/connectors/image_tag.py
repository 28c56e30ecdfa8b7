"""Finds and replaces the image tag in a kustomization or in Helm values, and leaves every other byte as it is."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

Node = Any
"""A node of ruamel.yaml, whose own types do not tell of marks and styles."""

_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
KUSTOMIZATIONS = {"kustomization.yaml", "kustomization.yml", "Kustomization"}


class NoImageTag(ValueError):
    """The file has no image tag where it should be; the message says what was looked for."""


def read(text: str, file: str, *, image: str | None = None, key: str = "image.tag") -> str:
    """The tag that a file asks for.

    Args:
        text: the file's content.
        file: its path, by whose name a kustomization is told from Helm values.
        image: the image's name in a kustomization's `images:`; None where it lists one.
        key: the dotted key of the tag in Helm values.

    Raises:
        NoImageTag: it is not where it should be.
    """
    return str(_find(text, file, image, key).value)


def replace(text: str, file: str, tag: str, *, image: str | None = None, key: str = "image.tag") -> str:
    """The content with another tag; comments, order, quotes and indentation stay.

    Raises:
        NoImageTag: it is not where it should be.
    """
    node = _find(text, file, image, key)
    # YAML itself says where the value stands, so that only these bytes change: a file written anew would lose its look.
    start, end = node.start_mark.index, node.end_mark.index
    changed = f"{text[:start]}{_scalar(tag, node.style)}{text[end:]}"
    if read(changed, file, image=image, key=key) != tag:
        raise NoImageTag(f"{tag!r} cannot be written into {file} as an image tag")
    return changed


def _scalar(tag: str, style: str | None) -> str:
    if style in {"'", '"'}:
        return f"{style}{tag}{style}"
    # Plain, 1.10 would be read as a number and `on` as a truth.
    return tag if tag[:1].isalpha() and tag.lower() not in _WORDS else f'"{tag}"'


def _find(text: str, file: str, image: str | None, key: str) -> Node:
    from ruamel.yaml import YAML  # noqa: PLC0415 (costs a start-up path 40 ms)
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415 (as above)

    try:
        root = YAML(typ="rt", pure=True).compose(text)
    except YAMLError as error:
        raise NoImageTag(f"{file} is not valid YAML: {' '.join(str(error).split())}") from None
    if PurePosixPath(file).name in KUSTOMIZATIONS:
        return _in_kustomization(root, file, image)
    node = root
    for part in key.split("."):
        node = _value(node, part)
    if node is None or not isinstance(node.value, str):
        raise NoImageTag(f"{file} has no value at {key}")
    return node


def _in_kustomization(root: Node | None, file: str, image: str | None) -> Node:
    images = _value(root, "images")
    entries = images.value if images is not None and isinstance(images.value, list) else []
    names = [str(found.value) for entry in entries if (found := _value(entry, "name")) is not None]
    if image is None and len(entries) > 1:
        raise NoImageTag(
            f"{file} lists several images ({', '.join(names)}); say which one by `manifests: image` in shipmate.yaml"
        )
    for entry in entries:
        name, tag = _value(entry, "name"), _value(entry, "newTag")
        if image is None or (name is not None and name.value == image):
            if tag is None or not isinstance(tag.value, str):
                raise NoImageTag(
                    f"{file} has no newTag for its image {name.value if name is not None else ''}".rstrip()
                )
            return tag
    wanted = f"the image {image}" if image else "an image"
    raise NoImageTag(f"{file} does not list {wanted} under `images:`; it lists {', '.join(names) or 'none'}")


def _value(node: Node | None, key: str) -> Node | None:
    if node is None or not isinstance(node.value, list):
        return None
    for pair in node.value:
        if isinstance(pair, tuple) and pair[0].value == key:
            return pair[1]
    return None
