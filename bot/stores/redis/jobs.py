"""What a job may be: one of two functions, on an id. Imported by what enqueues and by workers, never at a start."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
from redis.client import Pipeline
from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException
from rq.worker import BaseWorker
from rq.worker_registration import register

from actions.core.errors import ShipmateError

log = logging.getLogger("shipmate.worker")

PERFORM = "bot.worker.perform"
POLL = "bot.worker.poll"
_REGISTERS = 2.0
"""Seconds between two registrations of a worker."""
ALLOWED = frozenset({PERFORM, POLL})


class ForbiddenJob(ShipmateError):
    """Something in the queue names a function that is no job of Shipmate's."""

    def __init__(self, name: object) -> None:
        super().__init__(
            f"The queue holds a job for {name!r}, which is none of {', '.join(sorted(ALLOWED))}.",
            remedy="Find out who else writes to this Redis.",
        )


class ShipmateJob(Job):
    """A job that imports nothing but the functions allowed, whatever somebody wrote into Redis."""

    @property
    def func(self) -> Callable[..., Any]:
        """The function, if it is allowed."""
        if self.func_name not in ALLOWED or self.instance is not None:
            raise ForbiddenJob(self.func_name)
        function: Callable[..., Any] = super().func
        return function

    @property
    def success_callback(self) -> None:
        """None: callbacks are names of functions too."""

    @property
    def failure_callback(self) -> None:
        """None, likewise."""

    @property
    def stopped_callback(self) -> None:
        """None, likewise."""


def queue(client: redis.Redis, name: str) -> Queue:
    """A queue that carries JSON and takes only allowed jobs."""
    return Queue(name, connection=client, serializer=JSONSerializer, job_class=ShipmateJob)


class _Registered(BaseWorker):
    """Registers again and again: a Redis that came back without its data does not know who listens."""

    _registered = -math.inf

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        super().heartbeat(timeout, pipeline)
        # There are five heartbeats a job.
        now = time.monotonic()
        if now - self._registered >= _REGISTERS:
            register(self, pipeline)
            self._registered = now


class ForkingWorker(_Registered, Worker):
    """Does each job in a process of its own."""


class InlineWorker(_Registered, SimpleWorker):
    """Does each job in its own process, and has RQ keep no books of it: what becomes of a request is in the ledger.

    RQ's own way, with registries of what is started, finished and failed, makes a dozen round trips more for each job, which
    take as long as a quick read does.
    """

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Take a job off, so that a push from now on is another one, and do it."""
        with self.connection.pipeline() as pipeline:
            pipeline.delete(job.key)
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.execute()
        try:
            with self.death_penalty_class(job.timeout, JobTimeoutException, job_id=job.id):
                job.func(*job.args)
        except Exception:
            log.exception("the job %s failed; a sweep brings on what it left", job.id)


def worker(client: redis.Redis, names: Sequence[str], *, forks: bool, **options: Any) -> BaseWorker:
    """A worker on queues, the first before the others.

    Args:
        client: a Redis of its own: RQ changes the time-outs of the pool.
        names: the queues.
        forks: whether each job has a process of its own.
        options: what RQ's class takes beside.
    """
    kind = ForkingWorker if forks else InlineWorker
    queues = [queue(client, name) for name in names]
    return kind(queues, connection=client, serializer=JSONSerializer, job_class=ShipmateJob, **options)
