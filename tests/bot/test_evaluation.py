"""`shipmate eval diagnosis` prints figures that are right, writes predictions, and says what is wrong with a file."""

import json
from pathlib import Path

import pytest

from actions.analysis.categories import Category
from actions.analysis.evaluation import LabelledLog, Prediction, score
from bot.cli import main
from bot.evaluation import diagnosis
from bot.labelled import NotItems

ITEMS = (
    {"id": "a", "log": "OSError: [Errno 28] No space left on device\n", "label": "disk-full", "accept": ["disk-full"]},
    {"id": "b", "log": "main.c:1:1: error: expected ';'\n", "label": "none", "accept": ["none"], "note": "kept out"},
    {
        "id": "c",
        "log": "curl: (6) Could not resolve host: example.com\n",
        "label": "none",
        "accept": ["network-transient"],
    },
    {"id": "d", "log": "AssertionError: 1 != 2\n", "label": "flaky-test"},
)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.jsonl"
    path.write_text("\n".join(json.dumps(item) for item in ITEMS), encoding="utf-8")
    return path


def test_the_figures_are_printed(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "diagnosis", str(sample)]) == 0
    out = capsys.readouterr().out
    assert "accuracy strict   0.500" in out
    assert "accuracy lenient  0.750" in out
    assert "false diagnoses   1 of 2 none (50.0%)" in out
    assert "wrong             d" in out


def test_the_figures_as_json_and_the_predictions(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = sample.with_name("out.jsonl")
    assert main(["eval", "diagnosis", str(sample), "--json", "--predictions", str(out)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["items"], figures["strict"], figures["false_diagnoses"]) == (4, 0.5, 1)
    predictions = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [set(prediction) for prediction in predictions] == [{"id", "category", "confidence"}] * 4
    assert predictions[0]["category"] == "disk-full"


def test_f1_is_the_mean_over_the_labels_that_occur() -> None:
    items = [
        LabelledLog(id=str(at), log="", label=label)
        for at, label in enumerate((Category.OOM, Category.OOM, Category.NONE))
    ]
    said = (Category.OOM, Category.NONE, Category.NONE)
    predictions = [
        Prediction(id=item.id, category=category, confidence=1, seconds=0.5)
        for item, category in zip(items, said, strict=True)
    ]
    figures = score(items, predictions)
    assert figures.f1 == {"OOM": pytest.approx(2 / 3), "none": pytest.approx(2 / 3)}
    assert figures.macro_f1 == pytest.approx(2 / 3)
    assert (figures.seconds, figures.slowest) == (1.5, 0.5)


@pytest.mark.parametrize(
    ("text", "word"), [("", "holds no item"), ('{"id": 1}', "line 1 is no item"), ("x", "line 1 is no item")]
)
def test_a_file_that_is_no_sample_is_refused(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NotItems, match=word):
        diagnosis([str(path)])


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotItems, match="No such file"):
        diagnosis([str(tmp_path / "absent.jsonl")])
