"""The verb behind questions that no single read answers: it has several looked up and put into words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from actions.core.action import Action, Sample
from actions.core.catalog import Catalog
from actions.core.context import Context
from actions.core.errors import Refused, Unreachable
from actions.core.ports.answers import Answers, Drafts, Found, Looked, Reads
from actions.core.ports.language import Unavailable
from actions.core.reply import Block, Code, Note, Paragraph, Reply, Span, Strong, Tone, Weight
from actions.core.request import Request, State

LOOK_INTO = "look_into"
_AT_ONCE = 40
"""Characters of an answer that are handed on together; each time wakes all who follow it."""


class Read(BaseModel):
    """A read, not yet done."""

    model_config = ConfigDict(frozen=True)

    action: str
    parameters: dict[str, JsonValue] = {}


def subject_of(action: str, parameters: Mapping[str, JsonValue]) -> tuple[str, dict[str, JsonValue]]:
    """What a request is about, as a verb that people can name: a question stands for the read nearest to it."""
    instead = parameters.get("instead")
    if action == LOOK_INTO and isinstance(instead, dict):
        read = Read.model_validate(instead)
        return read.action, read.parameters
    return action, dict(parameters)


class Answered(BaseModel):
    """An answer, or what was shown in its place.

    Attributes:
        found: the answer; None where there is none.
        why_not: why there is none, as a sentence without its full stop.
        instead: the nearest read that was done in its place.
        request: the request which that was.
        result: what it found, as JSON; None where it found nothing.
        message: why it found nothing.
    """

    model_config = ConfigDict(frozen=True)

    found: Found | None = None
    why_not: str = ""
    instead: Read | None = None
    request: str = ""
    result: JsonValue = None
    message: str = ""


class LookInto(
    Action[Answered],
    name=LOOK_INTO,
    timeout=timedelta(minutes=2),
    public=False,
):
    """Answer a question by looking several things up and saying in prose what they show."""

    question: Annotated[str, Field(min_length=1, max_length=1000)]
    instead: Read | None = None

    def run(self, context: Context) -> Answered:
        """Have it answered; where nobody can, do the nearest read in its place."""
        tell = _Telling(context.use(Drafts), context.request)
        found = context.use(Answers).answer(context.request, self.question, tell)
        if not isinstance(found, Unavailable):
            return Answered(found=found)
        return self._nearest(context, found.why)

    def _nearest(self, context: Context, why_not: str) -> Answered:
        if self.instead is None:
            return Answered(why_not=why_not)
        try:
            done = context.use(Reads).read(context.request, self.instead.action, self.instead.parameters)
        except Refused as error:
            return Answered(why_not=why_not, instead=self.instead, message=str(error))
        result = done.result if done.state is State.DONE else None
        message = " ".join(filter(None, (done.message, done.remedy)))
        return Answered(why_not=why_not, instead=self.instead, request=done.id, result=result, message=message)

    def reply(self, result: Answered, context: Context) -> Reply:
        """The answer with its sources; or the nearest read, and why it is that."""
        if result.found is not None:
            return self._told(result.found)
        if result.instead is None:
            says = f"{result.why_not}, and nothing near to that can be looked up without it."
            hint = Note(text=("Ask for one thing at a time; ", Code(text="help"), " lists what can be looked up."))
            return Reply(title=_title(self.question), tone=Tone.WARNING, blocks=(Paragraph(text=(says,)), hint))
        says = f"{result.why_not}, so the local recogniser chose the nearest that can be looked up: "
        note = Note(text=(says, Code(text=_words(result.instead)), *_named(result.request), "."))
        shown = self._shown(result, context)
        return shown.model_copy(update={"blocks": (*shown.blocks, note)})

    def _shown(self, result: Answered, context: Context) -> Reply:
        catalog = context.use(Catalog)
        if result.instead is not None and result.result is not None and result.instead.action in catalog:
            verb = catalog[result.instead.action]
            action = verb.parse(result.instead.parameters)
            return action.reply(verb.result_type.model_validate(result.result), context)
        says = result.message or "It could not be looked up."
        return Reply(title=_title(self.question), tone=Tone.WARNING, blocks=(Paragraph(text=(says,)),))

    def _told(self, found: Found) -> Reply:
        blocks: list[Block] = [Paragraph(text=part, weight=Weight.ESSENTIAL) for part in paragraphs(found.text)]
        if found.is_cut:
            blocks.append(Note(text=("The answer was longer than there is room for; ask for a part of it.",)))
        blocks.append(_sources(found.looked))
        blocks.append(Note(text=(f"Written by {found.model}: look at the sources before you rely on it.",)))
        blocks += [Note(text=(note,)) for note in found.notes]
        return Reply(title=_title(self.question), blocks=tuple(blocks))

    @classmethod
    def sample(cls) -> Sample:
        """Why staging is red."""
        found = Found(
            text="checkout v1.5.0 does not become healthy on staging.\n\nIts last pipeline failed in `unit`.",
            model="claude-sonnet-5-5",
            looked=(
                Looked(request="R-13", sentence="status checkout in staging"),
                Looked(request="R-14", sentence="explain failure checkout"),
            ),
        )
        return Sample(action=cls(question="Why is staging red?"), result=Answered(found=found))


class _Telling:
    """Hands words on to the draft, a line's worth at a time."""

    def __init__(self, drafts: Drafts, request: Request) -> None:
        self._drafts = drafts
        self._request = request
        self._held = ""

    def __call__(self, words: str) -> None:
        self._held += words
        if len(self._held) < _AT_ONCE and not self._held.endswith("\n"):
            return
        held, self._held = self._held, ""
        try:
            self._drafts.add(self._request, held)
        except Unreachable:
            # Who follows sees the answer when it is finished.
            return


def _title(question: str) -> str:
    first = question.strip().split("\n", maxsplit=1)[0]
    return first[:1].upper() + first[1:]


def _words(read: Read) -> str:
    return " ".join((read.action.replace("_", " "), *(str(value) for value in read.parameters.values())))


def _named(request: str) -> tuple[Span, ...]:
    return (" (", Code(text=request), ")") if request else ()


def _sources(looked: tuple[Looked, ...]) -> Note:
    """What was looked up, by Shipmate's own record of it."""
    if not looked:
        return Note(text=("Sources: none; nothing was looked up.",), weight=Weight.ESSENTIAL)
    spans: list[Span] = ["Sources: "]
    for at, one in enumerate(looked):
        nothing = "" if one.found else ", which found nothing"
        spans += [", " if at else "", one.sentence, " (", Code(text=one.request), f"{nothing})"]
    return Note(text=tuple(span for span in spans if span), weight=Weight.ESSENTIAL)


_MARKED = re.compile(r"\*\*(?P<strong>[^*\n]+)\*\*|`(?P<code>[^`\n]+)`")


def paragraphs(text: str) -> Iterator[tuple[Span, ...]]:
    """Prose as paragraphs of spans: of all mark-up, strong words and code are kept, and nothing becomes a link."""
    for part in re.split(r"\n\s*\n", text.strip()):
        spans: list[Span] = []
        end = 0
        for found in _MARKED.finditer(part):
            spans += [part[end : found.start()]] if found.start() > end else []
            spans.append(Strong(text=found["strong"]) if found["strong"] else Code(text=found["code"]))
            end = found.end()
        spans += [part[end:]] if end < len(part) else []
        if spans:
            yield tuple(spans)
