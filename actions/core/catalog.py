"""The catalogue: every verb there is, by its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from actions.core.action import Action
from actions.core.errors import Refused

Verb = type[Action[Any]]


class UnknownVerb(Refused):
    """No verb has that name."""

    def __init__(self, given: str, known: Iterable[str]) -> None:
        near = get_close_matches(given, list(known), 3, cutoff=0.5)
        super().__init__(
            f"There is no action “{given}”.",
            remedy=f"Did you mean {' or '.join(near)}?" if near else "`help` lists what there is.",
        )


class Catalog:
    """Every verb, in the order in which they were named.

    Raises:
        ValueError: two verbs have one name, or a class is no verb.
    """

    def __init__(self, verbs: Iterable[Verb]) -> None:
        self._verbs: dict[str, Verb] = {}
        for verb in verbs:
            policy = getattr(verb, "policy", None)
            if policy is None:
                message = f"{verb.__module__}.{verb.__qualname__} has no `name=`, so it is no verb"
                raise ValueError(message)
            if policy.name in self._verbs:
                message = (
                    f"two verbs are called {policy.name}: {self._verbs[policy.name].__module__} and {verb.__module__}"
                )
                raise ValueError(message)
            self._verbs[policy.name] = verb

    def __iter__(self) -> Iterator[Verb]:
        return iter(self._verbs.values())

    def __len__(self) -> int:
        return len(self._verbs)

    def __contains__(self, name: object) -> bool:
        return name in self._verbs

    def __getitem__(self, name: str) -> Verb:
        """The verb of a name.

        Raises:
            UnknownVerb: there is none; names the nearest.
        """
        try:
            return self._verbs[name]
        except KeyError:
            raise UnknownVerb(name, self._verbs) from None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all verbs."""
        return tuple(self._verbs)
