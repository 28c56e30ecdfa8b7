"""The servers that the Slack benchmark compares; each is a process of its own: `python -m tests.bench.slack_server door|bolt`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SECRET = "a signing secret of the benchmark"
TEAM, ME = "T0SHOP", "U0MATE"


def door(redis_url: str) -> Starlette:
    """Our door, with the inbox in Redis."""
    from bot.stores.redis.putting import open_putting  # noqa: PLC0415 - each server imports only its own
    from bot.surfaces.slack.door import HttpDoor, Store  # noqa: PLC0415 - as above
    from bot.surroundings import SystemClock  # noqa: PLC0415 - as above

    way_in = HttpDoor(Store(open_putting(redis_url), SystemClock()), SECRET)
    return Starlette(routes=[Route("/slack/events", way_in, methods=["POST"])])


def bolt(_: str) -> Starlette:
    """A Bolt app that only acknowledges."""
    return _bolt("")


def replies(_: str) -> Starlette:
    """A Bolt app that replies with a constant."""
    return _bolt(sys.argv[4])


def enqueues(redis_url: str) -> Starlette:
    """A Bolt app that has an RQ worker reply with a constant."""
    import redis  # noqa: PLC0415 - each server imports only its own
    from rq import Queue  # noqa: PLC0415 - as above

    queue = Queue("bare", connection=redis.Redis.from_url(redis_url))
    return _bolt(
        sys.argv[4], lambda thread: queue.enqueue("tests.bench.slack_server.post", thread, sys.argv[4], result_ttl=0)
    )


def works(redis_url: str) -> None:
    """Be the RQ worker of `enqueues`, of the class that Shipmate has its reads done by."""
    import redis  # noqa: PLC0415 - each server imports only its own
    from rq import SimpleWorker  # noqa: PLC0415 - as above

    SimpleWorker(["bare"], connection=redis.Redis.from_url(redis_url)).work(logging_level="ERROR")


def post(thread: str, api_url: str) -> None:
    """RQ's job: post a constant."""
    from slack_sdk import WebClient  # noqa: PLC0415 - each server imports only its own

    global _client  # noqa: PLW0603 - what a job keeps between two runs is the process's
    _client = _client or WebClient(token="xoxb-x", base_url=api_url)
    _client.chat_postMessage(channel="C1", text="Hello.", thread_ts=thread)


_client: Any = None


def _bolt(api_url: str, replying: Callable[[str], object] | None = None) -> Starlette:
    from slack_bolt import App, Say  # noqa: PLC0415 - each server imports only its own
    from slack_bolt.adapter.starlette.handler import SlackRequestHandler  # noqa: PLC0415 - as above
    from slack_bolt.authorization import AuthorizeResult  # noqa: PLC0415 - as above
    from slack_sdk import WebClient  # noqa: PLC0415 - as above

    def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=TEAM, bot_user_id=ME, bot_id="B1", bot_token="xoxb-x")

    client = WebClient(token="xoxb-x", base_url=api_url or "http://127.0.0.1/")
    app = App(signing_secret=SECRET, authorize=authorize, client=client)

    @app.event("message")
    def said(event: dict[str, Any], say: Say) -> None:
        if replying is not None:
            replying(event["ts"])
        elif api_url:
            say(text="Hello.", thread_ts=event["ts"])

    handler = SlackRequestHandler(app)

    async def endpoint(request: Request) -> Response:
        answer: Response = await handler.handle(request)
        return answer

    return Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])


def main() -> None:
    """Serve one of them on a port."""
    logging.basicConfig(level=logging.ERROR)
    name, port, redis_url = sys.argv[1:4]
    if name == "works":
        works(redis_url)
        return
    app = {"door": door, "bolt": bolt, "replies": replies, "enqueues": enqueues}[name](redis_url)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error", access_log=False)


if __name__ == "__main__":
    main()
