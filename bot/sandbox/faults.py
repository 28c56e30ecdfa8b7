"""Faults that can be switched on: slow, 429, 500, cut connections, conflicts, unhealthy applications, revoked tokens."""

import re
import threading
from dataclasses import asdict, dataclass
from typing import Any

KINDS = ("slow", "rate_limited", "server_error", "cut_headers", "cut_body", "conflict", "unhealthy", "token_revoked")
SYSTEMS = ("gitlab", "argocd")


class FaultError(ValueError):
    """A fault was asked for that there is not."""


@dataclass
class Fault:
    """One fault, on until its count is used up or it is cleared."""

    id: int
    system: str
    kind: str
    count: int | None = None
    """How many requests it meets; None: all until it is cleared."""
    path: str = ""
    """A regular expression that a request's path must contain; "" meets every path."""
    method: str = ""
    """The only method it meets; "" meets all."""
    seconds: float = 1.0
    """How long `slow` takes, and what `rate_limited` says in Retry-After."""
    target: str = ""
    """The application that is `unhealthy`, or the account whose token is revoked; "" means the bot's."""


class Faults:
    """All faults that are on."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last = 0
        self._lock = threading.Lock()

    def add(self, **wanted: Any) -> Fault:
        """Switch a fault on.

        Raises:
            FaultError: if its system, kind or another field makes no sense.
        """
        unknown = wanted.keys() - {"system", "kind", "count", "path", "method", "seconds", "target"}
        if unknown:
            raise FaultError(f"unknown field {', '.join(sorted(unknown))}")
        if wanted.get("system") not in SYSTEMS:
            raise FaultError(f"system is {wanted.get('system')!r}; it must be one of {', '.join(SYSTEMS)}")
        if wanted.get("kind") not in KINDS:
            raise FaultError(f"kind is {wanted.get('kind')!r}; it must be one of {', '.join(KINDS)}")
        if wanted["kind"] == "conflict" and wanted["system"] != "gitlab":
            raise FaultError("conflict needs system gitlab")
        if wanted["kind"] == "unhealthy" and (wanted["system"] != "argocd" or not wanted.get("target")):
            raise FaultError("unhealthy needs system argocd and a target, an application's name")
        count = wanted.get("count")
        if count is not None and (not isinstance(count, int) or count < 1):
            raise FaultError(f"count is {count!r}; it must be a number from 1 on, or absent")
        try:
            re.compile(str(wanted.get("path", "")))
            wanted["seconds"] = float(wanted.get("seconds", 1.0))
        except (re.error, TypeError, ValueError) as error:
            raise FaultError(str(error)) from None
        with self._lock:
            self._last += 1
            fault = Fault(id=self._last, **wanted)
            self._faults.append(fault)
        return fault

    def meet(self, system: str, method: str, path: str) -> Fault | None:
        """Return the fault that this request meets, the oldest first, and count it."""
        with self._lock:
            for fault in self._faults:
                lasting = fault.kind in {"unhealthy", "token_revoked"}
                if (
                    lasting
                    or fault.system != system
                    or fault.method not in {"", method}
                    or not re.search(fault.path, path)
                ):
                    continue
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self._faults.remove(fault)
                return fault
        return None

    def all(self) -> list[dict[str, Any]]:
        """Return the faults that are on."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def clear(self, system: str = "", number: int | None = None) -> list[Fault]:
        """Switch faults off and return them: all, those of one system, or one by its number."""
        with self._lock:
            gone = [fault for fault in self._faults if system in {"", fault.system} and number in {None, fault.id}]
            self._faults = [fault for fault in self._faults if fault not in gone]
        return gone
