"""Every failure of the API as {error: {message, remedy}}, and never a stack trace."""

from __future__ import annotations

import logging

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from actions.core.catalog import UnknownVerb
from actions.core.errors import NotFound, OutsideError, ShipmateError, Unreachable
from actions.core.reply import Paragraph, Reply
from bot.tokens import UnknownToken
from bot.wire import Failed, Trouble

_LOG = logging.getLogger(__name__)
_AUTHENTICATE = {"WWW-Authenticate": 'Bearer realm="shipmate"'}
_RETRY = {"Retry-After": "2"}


class TooLarge(ShipmateError):
    """The body is larger than anything that is meant for us."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit // 1024} KiB.", remedy="Send less at once.")


class Unusable(ShipmateError):
    """A body, header or query parameter is not what it should be."""

    def __init__(self, message: str) -> None:
        super().__init__(message, remedy="GET /api/v1/openapi.json describes what each call takes.")

    @classmethod
    def body(cls, error: ValidationError) -> Unusable:
        """The faults of a body, all at once, without its values."""
        details = error.errors(include_url=False, include_input=False, include_context=False)
        faults = (f"`{'.'.join(map(str, d['loc'])) or 'body'}`: {d['msg']}" for d in details)
        return cls("; ".join(faults) + ".")


def in_words(reply: Reply) -> str:
    """A reply's title and plain words, in one line."""
    spans = (span for block in reply.blocks if isinstance(block, Paragraph) for span in block.text)
    said = " ".join(span for span in spans if isinstance(span, str))
    return f"{reply.title.rstrip('.')}. {said}".strip()


def respond(status: int, message: str, remedy: str = "", headers: dict[str, str] | None = None) -> Response:
    """An answer that says what went wrong."""
    body = Failed(error=Trouble(message=message, remedy=remedy))
    return JSONResponse(body.model_dump(mode="json"), status_code=status, headers=headers)


async def told(_: Request, error: Exception) -> Response:
    """The answer to a failure that has a sentence for people."""
    assert isinstance(error, ShipmateError)  # noqa: S101 - Starlette's signature is wider than how it is registered
    match error:
        case UnknownToken():
            return respond(401, error.message, error.remedy, _AUTHENTICATE)
        case TooLarge():
            return respond(413, error.message, error.remedy)
        case UnknownVerb() | NotFound():
            return respond(404, error.message, error.remedy)
        case Unreachable():
            _LOG.warning("not accepted: %s", error)
            return respond(503, error.message, error.remedy, _RETRY)
        case OutsideError():
            return respond(502, error.message, error.remedy)
        case _:
            return respond(422, error.message, error.remedy)


async def http(_: Request, error: Exception) -> Response:
    """The answer to what the framework itself refuses: no such page, wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    return respond(error.status_code, f"{error.detail}.", "GET /api/v1/openapi.json lists what there is.")


async def broken(request: Request, error: Exception) -> Response:
    """The answer to a bug: the stack trace goes to the log."""
    _LOG.error("%s %s broke", request.method, request.url.path, exc_info=error)
    return respond(
        500, "Something broke in Shipmate itself; it is in the log.", "Try again, and report it if it stays."
    )
