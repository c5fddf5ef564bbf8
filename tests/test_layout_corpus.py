"""Places of words, and reading order, on modern pages with true word boxes."""

from __future__ import annotations

import importlib
import statistics
from types import SimpleNamespace

import pytest

# The rule leaves it to Python to close its files.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")


@pytest.fixture(scope="module")
def rule(shared):
    """The project's rule for scoring pages whose words have places."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(shared / "tools"))
        return importlib.import_module("score_layout")


@pytest.fixture(scope="module")
def scores(layout_readings, rule):
    """Of every page its kind, its scores by the rule and the order's character error rate."""
    return [_score(path, result, rule) for path, result in layout_readings.items()]


def _score(path, result, rule):
    text, true = rule.hocr(str(path.with_suffix(".truth.hocr")))
    found = [
        {
            "text": word.text,
            "box": [
                *(min(axis) for axis in zip(*word.polygon, strict=True)),
                *(max(axis) for axis in zip(*word.polygon, strict=True)),
            ],
        }
        for word in result.pages[0].words
    ]
    truth, read = rule.fold(text), rule.fold(result.text)
    placed, right = rule.match(true, found, 0.5)
    return SimpleNamespace(
        kind=path.stem.partition("_")[0],
        words=rule.bow(truth, read)[2],
        boxes=rule.prf(placed, len(true), len(found))[2],
        right=rule.prf(right, len(true), len(found))[2],
        errors=rule.cer(truth, read),
    )


def mean(scores, name, kind=None):
    return statistics.mean(
        getattr(page, name) for page in scores if kind is None or page.kind == kind
    )


def test_boxes_lie_on_their_words(scores):
    assert mean(scores, "boxes") >= 0.95
    assert mean(scores, "right") >= 0.92


def test_words_are_found(scores):
    # Measured 0.965 and 0.969: much of the rest is text of charts that the truth leaves out.
    assert mean(scores, "words") >= 0.96
    assert mean(scores, "words", "table") >= 0.965


def test_columns_are_read_one_after_the_other(scores):
    # Measured 0.115; a perfect reading of the words in the order that people would read them makes
    # 0.076, because the truth has side bars in an order of its own.
    assert mean(scores, "errors", "multicol") <= 0.12
    assert mean(scores, "errors", "deposition") <= 0.08
