"""What is said where no request stands: what is asked back, why nothing was done, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from actions.core.catalog import Catalog
from actions.core.errors import ShipmateError, Unreachable
from actions.core.kinds import NAMES, Kind
from actions.core.organization import Organization
from actions.core.people import TO_OUTSIDERS
from actions.core.reply import Choice, Code, Note, Paragraph, Question, Reply, Text, Tone
from intents.meaning import Asks, Hint, Lacks, Unclear

MAX_CHOICES = 25
_SAYS = {
    Hint.EMPTY: "I heard nothing. Say what you want, or “help”.",
    Hint.THANKS: "You are welcome.",
    Hint.GREETING: "Hello. Say what you want done, or “help”.",
    Hint.NEGATED: "All right, I do nothing.",
    Hint.CONDITIONAL: "I do not act on conditions. Say it again when it is to be done.",
    Hint.REPORTED: "I take that as news, not as something to do.",
    Hint.HYPOTHETICAL: "That sounds like thinking aloud, so I do nothing. Say it plainly when it is to be done.",
    Hint.LATER: "I do nothing for now. Say it again when it is time.",
    Hint.QUOTED: "Those are somebody else's words, so I do nothing.",
    Hint.HOSTILE: "I only do what my rules allow, and nothing of that.",
    Hint.SEVERAL: "I do one thing at a time. Tell me each by itself.",
    Hint.AMBIGUOUS: "That could mean several things, so I do nothing.",
    Hint.OUT_OF_SCOPE: "I cannot do that. “help” lists what I can.",
}


def words(catalog: Catalog, meaning: Asks | Lacks) -> str:
    """A verb and the values that it has, in the order in which the verb has them."""
    order = catalog[meaning.action].model_fields
    values = (str(meaning.parameters[name]) for name in order if meaning.parameters.get(name) is not None)
    return " ".join((meaning.action.replace("_", " "), *values))


def question(catalog: Catalog, organization: Organization, lacks: Lacks) -> Reply:
    """What is asked back where a parameter is missing: the first that is, with choices where they are few."""
    parameter = lacks.missing[0]
    choices = _choices(catalog, organization, lacks.action, parameter)
    subject = words(catalog, lacks)
    blocks = [Paragraph(text=(says,)) for says in lacks.suggestions]
    examples = catalog[lacks.action].policy.examples
    hint: Text = ("For example: ", Code(text=examples[0])) if examples else ()
    timed = catalog[lacks.action].kind_of(parameter) is Kind.DURATION
    asks = "For how long?" if timed else f"Which {parameter.replace('_', ' ')}?"
    asked = Question(action=lacks.action, known=lacks.parameters, parameter=parameter, choices=choices)
    notes = [Note(text=says) for says in (hint, *((note,) for note in lacks.notes)) if says]
    return Reply(title=f"{asks} ({subject})", tone=Tone.NEUTRAL, blocks=(*blocks, *notes), question=asked)


def _choices(catalog: Catalog, organization: Organization, action: str, parameter: str) -> tuple[Choice, ...]:
    """The values a parameter can have, where they are few enough to offer; none otherwise."""
    verb = catalog[action]
    values: Sequence[str] = verb.choices_of(parameter)
    kind = verb.kind_of(parameter)
    if not values and kind in NAMES:
        values = tuple(organization.names(kind))
    return tuple(Choice(label=v, value=v) for v in values) if len(values) <= MAX_CHOICES else ()


def unclear(meaning: Unclear) -> Reply:
    """Why nothing was done, and what may have been meant."""
    says = meaning.reason or _SAYS[meaning.hint]
    blocks = [Paragraph(text=("Did you mean ", Code(text=s), "?")) for s in meaning.suggestions]
    return Reply(title=says, blocks=(*blocks, *(Note(text=(note,)) for note in meaning.notes)))


def failure(error: ShipmateError) -> Reply:
    """What could not be done, and what to do next; of an outage no more than which system does not answer."""
    if isinstance(error, Unreachable):
        # The message may name addresses and accounts, which are for the log.
        system = error.system[:1].upper() + error.system[1:]
        says = f"{system} does not answer. {error.remedy}".strip()
        return _told("Not accepted: Shipmate cannot work right now", says, Tone.BAD)
    return _told(error.message, error.remedy, Tone.WARNING)


def broken(cause: str) -> Reply:
    """That something went wrong inside, and where the log has it."""
    return _told("Something went wrong inside Shipmate", f"The log has the details under {cause}.", Tone.BAD)


def to_outsiders() -> Reply:
    """All that is said to somebody of another company."""
    return Reply(title=TO_OUTSIDERS, tone=Tone.WARNING)


def _told(title: str, says: str, tone: Tone) -> Reply:
    return Reply(title=title, tone=tone, blocks=(Paragraph(text=(says,)),) if says else ())
