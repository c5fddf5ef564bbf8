"""The benchmark of confidences: which words are right, bins, curves, the pages that are drawn."""

from functools import partial

import numpy as np
import pytest
from results import SQUARE
from rich.console import Console
from typer.testing import CliRunner

from benchmarks import cli, drawn, reliability, tables
from benchmarks.alignment import judge
from benchmarks.reliability import Found, edits_of, fit, judged_by, raw
from ocrloom.calibration import CURVES, Curve, calibrated
from ocrloom.languages import PPOCR
from ocrloom.result import Word


@pytest.mark.parametrize(
    ("read", "truth", "verdicts"),
    [
        ("the quiet harbour", "the quiet harbour", [True, True, True]),
        ("the qniet harbour", "the quiet harbour", [True, False, True]),
        ("the harbour", "the quiet harbour", [True, True]),
        ("the | harbour", "the harbour", [True, None, True]),
        ("har bour", "harbour", [False, False]),
        ("theharbour was", "the harbour was", [False, True]),
        ("below left above right", "above right below left", [True] * 4),
        ("it is is so", "it is so", [True, True, None, True]),
        ("“quoted” – so", '"quoted" - so', [True, True, True]),
        ("~ so", "so", [None, True]),
        ("a b", "", [None, None]),
        ("", "some", []),
        ("漢字は 難しい", "漢字は難しい", [True, True]),
        ("漢宇は 難しい", "漢字は 難しい", [False, True]),
    ],
)
def test_a_word_is_right_where_the_truth_has_it(read, truth, verdicts):
    assert judge(read.split(), truth) == verdicts


def word(text, confidence, **changes):
    return Word(text=text, polygon=SQUARE, confidence=confidence, recogniser=PPOCR, **changes)


def found(*rows, name="page", truth="x", text="x"):
    """A source of words, each a confidence and whether it is right."""
    words = tuple(word("abc", confidence) for confidence, _ in rows)
    return Found(name, truth, text, words, tuple(right for _, right in rows))


def test_the_error_of_calibration_is_the_distance_of_the_bins():
    rows = [(0.95, True)] * 9 + [(0.95, False)] + [(0.35, False)] * 10 + [(0.5, None)] * 3
    result = judged_by([found(*rows)], raw)
    assert (result.words, result.untold) == (20, 3)
    assert result.ece == pytest.approx((0.05 + 0.35) / 2)
    assert result.right == 0.45
    low, high = result.bins
    assert (low.low, low.high, low.words, low.right) == (0.2, 0.4, 10, 0)
    assert (high.low, high.words) == (0.95, 10)
    assert high.right == pytest.approx(0.9)


def test_a_confidence_of_one_is_in_the_last_bin():
    assert judged_by([found((1.0, True), (0.0, False))], raw).ece == 0


def test_nothing_to_judge_is_an_error():
    with pytest.raises(ValueError, match="no word was read whose truth is known"):
        judged_by([found((0.5, None))], raw)


def test_pages_are_held_against_what_was_expected_of_them():
    good = found(*[(0.99, True)] * 30, name="good", truth="a" * 100, text="a" * 100)
    poor = found(*[(0.6, True)] * 30, name="poor", truth="a" * 100, text="a" * 80 + "b" * 20)
    result = judged_by([good, poor], raw)
    assert [page.cer for page in result.pages] == [0.0, 0.2]
    assert result.pages[1].expected == pytest.approx(0.4 * 1.5 * 30 / 119)
    assert result.ranks == pytest.approx(1)
    assert result.medians[1] == pytest.approx(0.1)
    assert np.isnan(judged_by([good, good], raw).ranks)


def test_a_curve_is_found_again():
    random = np.random.default_rng(2)
    known = {PPOCR: Curve(-2.0, 0.8, 0.0)}
    words = [word("abc", float(1 - 10 ** -random.uniform(0.2, 4.5))) for _ in range(20_000)]
    right = tuple(bool(random.random() < calibrated(each, known)) for each in words)
    source = Found("page", "x", "x", tuple(words), right)
    fitted = fit([source])
    assert fitted[PPOCR] == pytest.approx(known[PPOCR], abs=0.1)
    assert judged_by([source], partial(calibrated, curves=fitted)).ece < 0.01


def test_changes_are_counted_by_source():
    one = found((0.5, False), truth="abcdef", text="abcdxx")
    lost = found((0.5, False), truth="abc def ghi jkl", text="a")
    other = found((0.5, False), truth="abc", text="abd")
    assert edits_of([one, lost, other]) == 2
    assert np.isnan(edits_of([found((0.5, True))]))


def test_pages_are_drawn_alike_and_not_all_the_same(tmp_path):
    folders = tmp_path / "one", tmp_path / "two"
    made = []
    for folder in folders:
        folder.mkdir()
        made.append([path.read_bytes() for path in drawn.draw_pages(folder, 2, seed=4)])
    assert made[0] == made[1]
    assert made[0][0] != made[0][1]
    assert len((folders[0] / "drawn-0000.gt.txt").read_text("utf-8").split()) > 50


def test_the_command_reads_fits_and_draws(tmp_path, samples):
    picture, figures = tmp_path / "plot.svg", tmp_path / "raw.json"
    arguments = ["reliability", str(samples), "--only", "s*", "--fit", "--drawings", "1"]
    arguments += ["--plot", str(picture), "--json", str(figures)]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    assert f"Fitted, for ocrloom.calibration: {PPOCR}: Curve(bias=" in result.output
    assert picture.read_text("utf-8").startswith("<?xml")
    assert '"ece"' in figures.read_text("utf-8")
    assert CURVES[PPOCR].certainty > 0


def test_the_tables_say_all():
    result = judged_by([found((0.95, True), (0.92, False))], raw)
    console = Console(width=200)
    with console.capture() as capture:
        console.print(tables.reliability_table({"own": result}))
        console.print(tables.bins_table(result))
        console.print(tables.expected_table(result))
    shown = capture.get()
    assert "0.9 to 0.95" in shown
    assert "0.4350" in shown
    assert reliability.BINS[-1] == 1
