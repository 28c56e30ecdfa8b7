"""What doors took in: sixteen streams by hash of the thread, each leased to one listener at a time.

A stream holds what is not yet handled, in the order in which it came. A listener leases its fair share of the streams and
gives what they hold, oldest first; what is handled is struck off. When a listener dies its leases lapse within seconds
and others take its streams over from the first entry that was not struck off. Each lease has a fencing number, and an
entry is struck off only under the number under which it was given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import redis
from pydantic import JsonValue

from actions.core.errors import Unreachable
from actions.core.ports.messaging import Delivered
from bot.keeping import Keeper
from bot.stores.redis.client import answering, scripted
from bot.stores.redis.putting import PUT, STREAMS, Putting, stream_key

LEASE = timedelta(seconds=4)
"""How long a stream stays with a listener that fell silent."""
_ROUND = 1.0

# Keeps what the owner has, gives back what is more than its share, and takes free streams up to its share. The share
# goes by the listeners that were heard of within a lease.
_LEASE = """
local owner, lease = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, owner)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - lease)
local streams = #KEYS - 2
local share = math.ceil(streams / redis.call('ZCARD', KEYS[1]))
local held, free = {}, {}
for n = 1, streams do
  local holder = redis.call('GET', KEYS[n + 2])
  if holder == owner then
    if #held / 2 < share then
      redis.call('PEXPIRE', KEYS[n + 2], lease)
      held[#held + 1] = n - 1
      held[#held + 1] = tonumber(redis.call('HGET', KEYS[2], n - 1))
    else
      redis.call('DEL', KEYS[n + 2])
    end
  elseif not holder then
    free[#free + 1] = n
  end
end
for _, n in ipairs(free) do
  if #held / 2 >= share then break end
  redis.call('SET', KEYS[n + 2], owner, 'PX', lease)
  held[#held + 1] = n - 1
  held[#held + 1] = redis.call('HINCRBY', KEYS[2], n - 1, 1)
end
return held
"""

_RENEW = """
local kept = 1
for n = 2, #KEYS do
  if redis.call('GET', KEYS[n]) == ARGV[1] and redis.call('HGET', KEYS[1], ARGV[n * 2 - 1]) == ARGV[n * 2] then
    redis.call('PEXPIRE', KEYS[n], ARGV[2])
  else
    kept = 0
  end
end
return kept
"""

_DONE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] or redis.call('HGET', KEYS[3], ARGV[2]) ~= ARGV[3] then return 0 end
return redis.call('XDEL', KEYS[1], ARGV[4])
"""

_LISTENERS = "shipmate:inbox:listeners"
_FENCES = "shipmate:inbox:fences"


class RedisInbox:
    """Deliveries, in order within a thread.

    One owner works one thing at a time: what it was given and did not strike off before it asked for the next holds
    back what follows in its stream, and is given again by the next `take`. To handle several threads at once, run several
    owners; the streams are shared out among them.

    Args:
        client: an open Redis.
        lease: how long a stream stays with an owner that fell silent.
    """

    def __init__(self, client: redis.Redis, *, lease: timedelta = LEASE) -> None:
        self._client = client
        self._lease = lease
        # What each owner struck off of the batch that it is being given.
        self._struck: dict[str, set[str]] = {}
        self._putting = Putting(scripted(client, PUT))
        self._lease_streams = client.register_script(_LEASE)
        self._renew = client.register_script(_RENEW)
        self._done = client.register_script(_DONE)
        self._keeper = Keeper(self._keep, lease.total_seconds() / 4, name="inbox-leases")

    def put(self, *, key: str, order: str, kind: str, body: dict[str, JsonValue], at: datetime) -> bool:
        """Store a delivery, by one call; False where what happened is known already."""
        return self._putting.put(key=key, order=order, kind=kind, body=body, at=at)

    def take(self, owner: str, *, wait: float, limit: int = 32) -> Iterator[Delivered]:
        """Deliveries of the streams that this owner leases, in order within each; takes over streams that lapsed.

        The leases are kept up while the iterator is open, however long an entry takes; it ends early where one was
        lost.

        Args:
            owner: a name that no other listener, on whatever machine, has.
            wait: for how many seconds to wait where there is nothing.
            limit: how many at most.
        """
        left = wait
        while True:
            pause = min(left, _ROUND, self._lease.total_seconds() / 2)
            with answering():
                held = self._held(owner)
                entries = self._read(held, pause, limit)
            left -= pause
            if entries or left <= 0:
                break
        if not entries:
            return
        batch = _Batch(owner, held)
        with self._keeper.keeping(batch):
            struck = self._struck[owner] = set()
            held_back: set[str] = set()
            for delivered in entries[:limit]:
                stream = delivered.id.partition("/")[0]
                if batch.lost:
                    return
                if stream in held_back:
                    continue
                yield delivered
                if delivered.id not in struck:
                    held_back.add(stream)

    def done(self, delivered: Delivered, owner: str) -> None:
        """Strike a handled delivery off.

        Where the lease has passed on since it was given nothing happens: the new owner is giving it again, and what it
        caused is known by its cause.
        """
        stream, fence, entry = delivered.id.split("/")
        self._struck.setdefault(owner, set()).add(delivered.id)
        with answering():
            self._done(keys=[stream_key(stream), _lease_key(stream), _FENCES], args=[owner, stream, fence, entry])

    def _held(self, owner: str) -> dict[int, int]:
        keys = [_LISTENERS, _FENCES, *(_lease_key(stream) for stream in range(STREAMS))]
        pairs = self._lease_streams(keys=keys, args=[owner, _milliseconds(self._lease)])
        return dict(zip(pairs[::2], pairs[1::2], strict=True))

    def _read(self, held: dict[int, int], wait: float, limit: int) -> list[Delivered]:
        # Streams hold only what is not handled, so reading from the start gives the oldest, and waits if there is none.
        # An owner without a stream waits at one that stays empty.
        streams: dict[Any, Any] = {stream_key(stream): "0" for stream in held} or {"shipmate:inbox:none": "0"}
        answer: Any = self._client.xread(streams, count=limit, block=max(1, int(wait * 1000)))
        if isinstance(answer, dict):
            answer = [(name, [entry for batch in batches for entry in batch]) for name, batches in answer.items()]
        found = []
        for name, entries in answer or ():
            stream = int(name.decode().rpartition(":")[2])
            for entry, fields in entries:
                found.append((entry, _delivered(f"{stream}/{held[stream]}/{entry.decode()}", fields)))
        found.sort(key=lambda pair: tuple(map(int, pair[0].split(b"-"))))
        return [delivered for _, delivered in found]

    def _keep(self, batch: _Batch) -> None:
        batch.lost = batch.lost or not self._renewed(batch)

    def _renewed(self, batch: _Batch) -> bool:
        keys = [_FENCES, *(_lease_key(stream) for stream in batch.held)]
        pairs = (part for pair in batch.held.items() for part in pair)
        try:
            with answering():
                return bool(self._renew(keys=keys, args=[batch.owner, _milliseconds(self._lease), *pairs]))
        except Unreachable:
            return False


class _Batch:
    """What an owner was given at once.

    Attributes:
        owner: whose it is.
        held: the streams that the owner leases, each with its fencing number.
        lost: whether one of the leases has passed on.
    """

    def __init__(self, owner: str, held: dict[int, int]) -> None:
        self.owner = owner
        self.held = held
        self.lost = False


def _lease_key(stream: int | str) -> str:
    return f"shipmate:inbox:{stream}:lease"


def _milliseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def _delivered(given: str, fields: dict[bytes, bytes]) -> Delivered:
    said = {name.decode(): value.decode() for name, value in fields.items()}
    return Delivered.model_validate({**said, "id": given, "body": json.loads(said["body"])})
