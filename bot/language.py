"""Who understands and answers in language: the recogniser, and the language model where one is connected."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from actions.core.catalog import Catalog
from actions.core.errors import NotConnected
from actions.core.organization import Organization
from actions.core.ports.answers import Answers, Reads
from actions.core.ports.language import LanguageModel, Usage
from bot.house import NoAnswers
from bot.outside import secret
from bot.settings import Settings
from intents.meaning import Understanding

if TYPE_CHECKING:
    from actions.connectors.anthropic import Claude


def claude(settings: Settings, organization: Organization, usage: Usage | None = None) -> Claude:
    """The language model, with the models that the organization named for each purpose.

    Args:
        settings: where it is.
        organization: names the models.
        usage: counts, and knows the budgets; nothing is counted without.

    Raises:
        NotConnected: there is no key.
    """
    from actions.connectors.anthropic import Claude  # noqa: PLC0415 - only where there is a key

    key = secret(settings.anthropic_api_key, "ANTHROPIC_API_KEY")
    return Claude(key, base_url=settings.anthropic_base_url, models=organization.models, usage=usage)


def models_used(organization: Organization) -> tuple[str, ...]:
    """The models that serve the purposes, by the configuration and by default."""
    from actions.connectors.anthropic import DEFAULT_MODELS  # noqa: PLC0415 - as above

    return tuple(dict.fromkeys({**DEFAULT_MODELS, **organization.models}.values()))


def models_ending(organization: Organization) -> Iterator[tuple[str, str, str]]:
    """The purposes for which a model is configured that its vendor ends: purpose, model and when."""
    from actions.connectors.anthropic import ENDING_MODELS  # noqa: PLC0415 - as above

    for purpose, model in organization.models.items():
        for ending, when in ENDING_MODELS.items():
            if model.startswith(ending):
                yield purpose, model, when


def recognizer(
    settings: Settings,
    catalog: Catalog,
    organization: Organization,
    *,
    model: Callable[[], LanguageModel] | None = None,
) -> Understanding:
    """The reader of messages; what the local one learns of a catalogue is kept in the state directory.

    Args:
        settings: where things are.
        catalog: the verbs.
        organization: the names.
        model: builds the language model that reads what the plain grammar does not; none, or one that is not
            connected, leaves all to the local recogniser.
    """
    from intents.claude import ModelRecognizer  # noqa: PLC0415 - only who hears pays for it
    from intents.nearest import Nearest  # noqa: PLC0415 - as above
    from intents.recognizer import Recognizer  # noqa: PLC0415 - as above

    local = Recognizer(catalog, organization, cache=settings.state_dir / "understanding")
    try:
        connected = model() if model else None
    except NotConnected:
        connected = None
    if connected is None:
        return Nearest(local, catalog)
    return ModelRecognizer(catalog, organization, connected, local, prose=True)


def prose(model: Callable[[], LanguageModel], catalog: Catalog, organization: Organization, reads: Reads) -> Answers:
    """The finder of answers in prose; one that finds none where no model is connected."""
    from intents.prose import ProseAnswers  # noqa: PLC0415 - only a worker that is asked pays for it

    try:
        connected = model()
    except NotConnected:
        return NoAnswers()
    rules = organization.answers
    return ProseAnswers(
        catalog,
        organization,
        connected,
        reads,
        most_reads=rules.reads,
        within=rules.within.total_seconds(),
        clock=time.monotonic,
    )
