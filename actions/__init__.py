"""What can be done, and the one gate to it.

`catalog()` is every verb: those on the page `actions/verbs.py`, and those of installed plug-ins. To add one: write its class,
name it on that page (or, in your own package, in an entry point of the group "shipmate.actions"), and the tests over the
catalogue say what else it owes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.core.catalog import Catalog, Verb


def catalog(plugins: Iterable[Verb] | None = None) -> Catalog:
    """Every verb: ours, and those of installed plug-ins.

    Args:
        plugins: the verbs beside ours; by default those of the entry points in "shipmate.actions", each a class
            or a function that returns several.

    Raises:
        ValueError: two verbs have one name, or a plug-in names something that is no verb.
    """
    # Whoever imports a word of the dictionary imports this package too, and must not pay for every verb.
    from actions.core.catalog import Catalog  # noqa: PLC0415 - as above
    from actions.verbs import VERBS  # noqa: PLC0415 - as above

    return Catalog((*VERBS, *(installed() if plugins is None else plugins)))


def installed() -> Iterable[Verb]:
    """The verbs of installed plug-ins, in the order of their names."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - as above

    for entry in sorted(entry_points(group="shipmate.actions"), key=lambda entry: entry.name):
        found = entry.load()
        yield from (found,) if isinstance(found, type) else found()
