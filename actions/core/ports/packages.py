"""Port to the package managers' own answer whether a package exists, under a project's own configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol


class Packages(Protocol):
    """Asks pip or npm."""

    def versions(self, ecosystem: Literal["python", "npm"], name: str, settings: Mapping[str, str]) -> Sequence[str]:
        """The versions of a package, newest first; none where it is not found.

        Args:
            ecosystem: whose package it is.
            name: the package's name.
            settings: the project's own configuration of pip or npm, path → text, such as ".npmrc"; where packages come
                from is said there and nowhere else.

        Raises:
            Unreachable: pip or npm could not find out.
        """

    def lock(self, files: Mapping[str, str]) -> str | None:
        """The package-lock.json that npm itself writes for these files; nothing of any package is run for it.

        Args:
            files: package.json, the present package-lock.json (empty where there is none) and the project's .npmrc.

        Returns:
            The new lock; None where npm finds no versions that fit.

        Raises:
            Unreachable: npm could not find out.
        """
