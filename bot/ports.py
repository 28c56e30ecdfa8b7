"""What is built when it is first used, once: nothing connects before, and nothing is used before a worker has forked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def once(build: Callable[[], T]) -> Callable[[], T]:
    """The same thing every time, built when it is first asked for."""
    lock, built = threading.Lock(), list[T]()

    def get() -> T:
        with lock:
            if not built:
                built.append(build())
            return built[0]

    return get


class Ports(Mapping[type[Any], Any]):
    """Ports by type; what stands behind one is built when it is first used, once.

    Args:
        factories: port → what builds it. A factory may raise `NotConnected`, and is then asked again the next time.
    """

    def __init__(self, factories: Mapping[type[Any], Callable[[], Any]]) -> None:
        self._factories = dict(factories)
        self._built: dict[type[Any], Any] = {}
        self._lock = threading.RLock()

    def __getitem__(self, port: type[Any]) -> Any:
        with self._lock:
            if port not in self._built:
                self._built[port] = self._factories[port]()
            return self._built[port]

    def __iter__(self) -> Iterator[type[Any]]:
        return iter(self._factories)

    def __len__(self) -> int:
        return len(self._factories)

    def get(self, port: type[Any], default: Any = None) -> Any:
        """What stands behind a port; the default where nothing does."""
        return self[port] if port in self._factories else default
