"""Ends an answer to the anthropic SDK that comes too slowly as a whole, not only too slowly piece by piece."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx2


def bounded(clock: Callable[[], float] = time.monotonic) -> Callable[[httpx2.Response], None]:
    """A hook for responses that lets the whole of each take no longer than its request's read timeout.

    The SDK's own timeout bounds the wait for each piece, so that an answer which drips would hold its thread for hours.

    Args:
        clock: tells a time in seconds that only ever grows.
    """

    def bound(response: httpx2.Response) -> None:
        allowed = response.request.extensions.get("timeout", {}).get("read")
        if allowed is not None and isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Bounded(response.stream, clock() + allowed, clock)

    return bound


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, until: float, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._until = until
        self._clock = clock

    def __iter__(self) -> Iterator[bytes]:
        for part in self._inner:
            if self._clock() > self._until:
                message = "the answer as a whole took too long"
                raise httpx2.ReadTimeout(message)
            yield part

    def close(self) -> None:
        self._inner.close()
