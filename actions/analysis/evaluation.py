"""How good the diagnosis is on labelled logs: accuracy, F1 of each category, false diagnoses, time."""

from collections.abc import Callable, Iterable, Sequence

from pydantic import BaseModel, ConfigDict, Field

from actions.analysis.categories import Category
from actions.analysis.diagnosis import Diagnosis


class LabelledLog(BaseModel):
    """One item of a labelled sample; other fields of the item are kept out.

    Attributes:
        id: Its name.
        log: The log.
        label: The one right category.
        accept: Categories that a careful person would also accept.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    log: str
    label: Category
    accept: tuple[Category, ...] = ()


class Prediction(BaseModel):
    """What was said of one item, and how long it took.

    Attributes:
        id: The item's name.
        category: The category that was said.
        confidence: How sure the diagnosis was, from 0 to 1.
        seconds: Wall time of the diagnosis.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    category: Category
    confidence: float
    seconds: float = Field(ge=0)


class Score(BaseModel):
    """The figures over a sample.

    Attributes:
        items: How many items were judged.
        strict: Share whose category is the label.
        lenient: Share whose category is the label or an accepted one.
        macro_f1: Mean F1 over the categories that occur as a label.
        f1: F1 of each of these categories.
        none_items: How many items have the label ``none``.
        false_diagnoses: How many of these got another category.
        false_rate: Their share.
        seconds: Time for all items.
        slowest: Time of the slowest item, in seconds.
        wrong: Names of the items that are not even leniently right.
    """

    model_config = ConfigDict(frozen=True)

    items: int
    strict: float
    lenient: float
    macro_f1: float
    f1: dict[str, float]
    none_items: int
    false_diagnoses: int
    false_rate: float
    seconds: float
    slowest: float
    wrong: tuple[str, ...]


class EmptySampleError(ValueError):
    """There is nothing to judge."""

    def __init__(self) -> None:
        super().__init__("The sample holds no item; give a file with one JSON object {id, log, label, accept} a line.")


def predict(
    items: Iterable[LabelledLog], diagnose: Callable[[str], Diagnosis], clock: Callable[[], float]
) -> list[Prediction]:
    """Diagnose every item from its log alone.

    Args:
        items: The sample.
        diagnose: The diagnosis to judge.
        clock: Seconds of a clock that only runs forward.

    Returns:
        One prediction an item, in order.
    """
    predictions = []
    for item in items:
        start = clock()
        diagnosis = diagnose(item.log)
        predictions.append(
            Prediction(
                id=item.id, category=diagnosis.category, confidence=diagnosis.confidence, seconds=clock() - start
            )
        )
    return predictions


def score(items: Sequence[LabelledLog], predictions: Sequence[Prediction]) -> Score:
    """Compare predictions with labels.

    Args:
        items: The sample.
        predictions: One an item, in the same order.

    Returns:
        The figures.

    Raises:
        EmptySampleError: There is no item.
    """
    if not items:
        raise EmptySampleError
    pairs = [(item, prediction.category) for item, prediction in zip(items, predictions, strict=True)]
    strict = sum(item.label == said for item, said in pairs)
    lenient = [item.label == said or said in item.accept for item, said in pairs]
    none_items = [said for item, said in pairs if item.label is Category.NONE]
    false = sum(said is not Category.NONE for said in none_items)
    f1 = {
        label.value: _f1(label, [(item.label, said) for item, said in pairs])
        for label in Category
        if any(item.label is label for item in items)
    }
    times = [prediction.seconds for prediction in predictions]
    return Score(
        items=len(items),
        strict=strict / len(items),
        lenient=sum(lenient) / len(items),
        macro_f1=sum(f1.values()) / len(f1),
        f1=f1,
        none_items=len(none_items),
        false_diagnoses=false,
        false_rate=false / len(none_items) if none_items else 0.0,
        seconds=sum(times),
        slowest=max(times),
        wrong=tuple(item.id for (item, _), right in zip(pairs, lenient, strict=True) if not right),
    )


def _f1(label: Category, pairs: Sequence[tuple[Category, Category]]) -> float:
    both = sum(wanted is label and said is label for wanted, said in pairs)
    wanted_only = sum(wanted is label and said is not label for wanted, said in pairs)
    said_only = sum(wanted is not label and said is label for wanted, said in pairs)
    return 2 * both / (2 * both + wanted_only + said_only)
