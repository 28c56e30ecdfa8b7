"""Jobs for the workers, by RQ; a job carries an id and nothing else."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import redis

from bot.stores.redis.client import answering

if TYPE_CHECKING:
    from rq import Queue

QUEUES = ("query", "poll", "deploy", "remediate")
POLLS = "poll"
"""The queue of polls, which workers serve before they begin anything new."""

_POLL_SECONDS = 120
# A job that was lost on its way to a worker blocks its id no longer than this; a sweep pushes it again.
_WAIT_SECONDS = 600
# Long enough to be looked at; it blocks nothing, as a failed job is replaced by the next push.
_FAILED_SECONDS = 3600


class RqQueue:
    """The queues. A request has at most one job waiting.

    A push while a job waits is the same push. A push while one runs may tell of something that job has not seen, so
    one more waits behind it; the ledger's compare-and-swap lets only one of two do the work.

    Args:
        client: an open Redis.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._queues: dict[str, Queue] = {}
        self._listed: set[str] = set()

    def perform(self, queue: str, request_id: str, *, timeout: float) -> None:
        """Have a worker take up a request.

        Args:
            queue: one of `QUEUES`.
            request_id: "R-12".
            timeout: after how many seconds RQ ends the job.
        """
        from bot.stores.redis.jobs import PERFORM  # noqa: PLC0415 (RQ takes a tenth of a second to import)

        self._push(queue, PERFORM, request_id, f"perform-{request_id}", ceil(timeout))

    def poll(self, poller: str) -> None:
        """Have a worker poll what is due of a connector."""
        from bot.stores.redis.jobs import POLL  # noqa: PLC0415 (as above)

        self._push(POLLS, POLL, poller, f"poll-{poller}", _POLL_SECONDS)

    def _push(self, queue: str, function: str, argument: str, job_id: str, timeout: int) -> None:
        from rq.exceptions import DuplicateJobError  # noqa: PLC0415 (as above)

        with answering():
            for name in (job_id, f"{job_id}-again"):
                # Twice: a job that is over is removed on the first try and replaced on the second.
                for _ in range(2):
                    listing = self._client.pipeline()
                    try:
                        self._queue(queue).enqueue_call(
                            function,
                            args=(argument,),
                            job_id=name,
                            unique=True,
                            timeout=timeout,
                            ttl=_WAIT_SECONDS,
                            result_ttl=0,
                            failure_ttl=_FAILED_SECONDS,
                            pipeline=listing,
                        )
                    except DuplicateJobError:
                        if self._waits(queue, name):
                            return
                    else:
                        if queue not in self._listed:
                            # RQ puts the queue's name on a list, for its own tools, with every job; once will do.
                            listing.execute()
                            self._listed.add(queue)
                        return

    def _waits(self, queue: str, name: str) -> bool:
        """Whether a job waits for a worker; one that is over is removed."""
        job = self._queue(queue).fetch_job(name)
        if job is None:
            return False
        status = job.get_status(refresh=False)
        if status in {"finished", "failed", "stopped", "canceled"}:
            job.delete()
        return status in {"queued", "created", "deferred", "scheduled"}

    def _queue(self, name: str) -> Queue:
        from bot.stores.redis import jobs  # noqa: PLC0415 (as above)

        if name not in self._queues:
            self._queues[name] = jobs.queue(self._client, name)
        return self._queues[name]
