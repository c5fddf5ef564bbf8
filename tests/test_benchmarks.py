"""The benchmarks, with fake systems: rules, order of turns, tables, what is missing."""

import asyncio
import importlib.util
import io
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from benchmarks import (
    accuracy,
    arguments,
    cli,
    coldstart,
    corpus,
    lag,
    report,
    speed,
    systems,
    tables,
)
from benchmarks.machine import Machine
from benchmarks.order import rotated
from benchmarks.scoring import canonical, page_scores

MACHINE = Machine(
    cpu="Abacus",
    cores=4,
    usable_cores=2,
    system="Linux",
    python="3.11",
    load=0.5,
    precisions=("BF16",),
)


posix_only = pytest.mark.skipif(os.name == "nt", reason="the fake programs are shell scripts")


class FakeSystem:
    """Reads the file's own name, or fails; notes each turn in a log that systems share."""

    def __init__(self, name, log=None, *, missing=None, fails=(), text=None):
        self.name = name
        self.log = log if log is not None else []
        self._missing = missing
        self._fails = fails
        self._text = text

    def available(self):
        return self._missing

    def read(self, path):
        self.log.append((self.name, path.stem))
        if path.stem in self._fails:
            raise ValueError(f"cannot read [{path.stem}]")
        return path.stem if self._text is None else self._text

    def read_all(self, paths):
        self.log.append((self.name, len(paths)))
        return systems.settle(lambda path: self.read(path), paths)


def sample(name, truth=None):
    return corpus.Sample(name, Path(f"{name}.png"), name if truth is None else truth)


def drawn(table):
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    return console.file.getvalue()


def row(text, name):
    """Return the cells of the line that begins with a name."""
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    return next(cells for cells in lines if cells and cells[0] == name)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  a\t b\r\n\fc  ", "a b c"),
        ("ﬁn Ａ１", "fin A1"),
        ("‘a’ ‚b‛ `c", "'a' 'b' 'c"),
        ("“a” „b «c»", '"a" "b "c"'),
        ("a‐b‑c‒d–e—f―g−h", "a-b-c-d-e-f-g-h"),
        ("a·b • c~d", "a.b . cd"),
        # U+00B4 becomes a space and a combining accent before it could be folded.
        ("a´b", "a \u0301b"),
        ("", ""),
    ],
)
def test_canonical_form(raw, expected):
    assert canonical(raw) == expected


@pytest.mark.parametrize(
    ("truth", "guess", "cer", "wer", "f1"),
    [
        ("one two", "one two", 0, 0, 1),
        # One letter of seven, one word of two; one word in common of two and two.
        ("one two", "one twa", 1 / 7, 1 / 2, 2 / 4),
        ("one two", "", 1, 1, 0),
        # Add "b ", keep "a ", change b to x; of words: add b, keep a, change b.
        ("a b", "b a x", 3 / 3, 2 / 2, 4 / 5),
        ("", "ab", 2, 1, 0),
        ("", "", 0, 0, 0),
        # Words in common count as often as both sides have them.
        ("a a b", "a b b", 1 / 5, 1 / 3, 4 / 6),
    ],
)
def test_scores_computed_by_hand(truth, guess, cer, wer, f1):
    score = page_scores(truth, guess)
    assert (score.cer, score.wer, score.f1) == pytest.approx((cer, wer, f1))


def test_spaces_count_only_outside_chinese_and_japanese():
    assert page_scores("日本 語の", "日 本語の").cer == 0
    # Three of ten characters are not over 30 per cent; three of nine are.
    assert page_scores("日本語 abcdef", "日本語abcdef").cer == pytest.approx(1 / 10)
    assert page_scores("日本語 abcde", "日本語abcde").cer == 0
    # The reference decides, not the guess.
    assert page_scores("a b", "日 本").cer == pytest.approx(2 / 3)


def test_scores_agree_with_the_rule_of_the_evaluation():
    script = Path(__file__).resolve().parents[2] / "shared" / "tools" / "score.py"
    if not script.is_file():
        pytest.skip("the evaluation's score.py lies beside the checkout only where it is developed")
    spec = importlib.util.spec_from_file_location("evaluation_score", script)
    rule = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule)
    texts = [
        "",
        "Plain text — with “quotes” · dots\fand a second page.",
        "Plain text with 'quotes' . dots and",
        "´accents´ ﬁne ① ½ ~reject~ x²\u00a0y\u2003z\u200b",
        "日本語の文章 with some Latin",
        "日 本 語 の 文 章 ー カタカナ 漢字",
        "\u3400\u4dbf\u3040\u30ff\u9fff\u4e00\u30a0abcdefg",
        "abc " * 40,
        "\x1c\x85 odd white space \u2028 here",
    ]
    for truth in texts:
        assert canonical(truth) == rule.canonical(truth)
        for guess in texts:
            ours = page_scores(truth, guess)
            assert (ours.cer, ours.wer, ours.f1) == pytest.approx(rule.page_scores(truth, guess))


def test_every_item_has_every_place():
    assert [rotated("abc", turn) for turn in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]
    assert rotated([], 3) == []


def test_accuracy_gives_each_page_to_all_before_the_next():
    log = []
    absent = FakeSystem("absent", log, missing="not installed: pip install absent")
    competitors = [FakeSystem("a", log), absent, FakeSystem("b", log)]
    steps = []
    accuracy.measure(competitors, [sample("p"), sample("q"), sample("r")], steps.append)
    turns = [("a", "p"), ("b", "p"), ("b", "q"), ("a", "q"), ("a", "r"), ("b", "r")]
    assert log == turns
    assert steps == [f"{name}: {page}" for name, page in turns]


def test_accuracy_counts_failures_and_empty_pages():
    failing = FakeSystem("ocrloom", fails={"page2"})
    blank = FakeSystem("blank", text=" ~\n")
    first, second = accuracy.measure([failing, blank], [sample("page1"), sample("page2")])
    assert [page.score.cer for page in first.pages] == [0, 1]
    assert [page.error for page in first.pages] == [None, "ValueError: cannot read [page2]"]
    assert (first.empty_pages, len(first.errors)) == (1, 1)
    assert (second.empty_pages, len(second.errors)) == (2, 0)


def test_p90_is_the_figure_of_a_page():
    pages = [sample(f"p{index}", "x" * 10) for index in range(11)]
    (result,) = accuracy.measure([FakeSystem("a", text="x")], pages)
    for index, page in enumerate(result.pages):
        page_score = page_scores("x" * 10, "x" * index)
        result.pages[index] = accuracy.PageResult(page.page, page_score, page.empty, None)
    assert result.cer_p90 == pytest.approx(0.9)
    assert result.cer_median == pytest.approx(0.5)


def test_accuracy_table():
    results = accuracy.measure(
        [
            FakeSystem("ocrloom", text="one two"),
            FakeSystem("worse", text="one", fails={"p2"}),
            FakeSystem("absent", missing="not installed: pip install absent"),
        ],
        [sample("p1", "one twa"), sample("p2", "one twa")],
    )
    text = drawn(tables.accuracy_table(results))
    # CER 1/7 and 1/7; 4/7 and, where it failed, 1.
    assert row(text, "ocrloom")[1:11] == (
        ["2", "0.1429", "0.1429", "0.1429", "0.5000", "0.5000", "0", "0", "1.00", "1.00"]
    )
    worse = row(text, "worse")
    assert worse[1:3] == ["2", "0.7857"]
    assert worse[7:11] == ["1", "1", "5.50", "1.50"]
    assert worse[11].startswith("p2: ValueError: cannot read [p2]")
    absent = row(text, "absent")
    assert absent[1] == "–"
    assert absent[11] == "not installed: pip install absent"


def test_published_texts_are_compared_on_their_own_pages():
    pages = [sample("p1", "abcd"), sample("p2", "abcd")]
    results = accuracy.measure([FakeSystem("ocrloom", fails={"p1"}, text="abcx")], pages)
    published = accuracy.published(pages, {"p2": {"vendor": "abxx"}, "other": {"vendor": ""}})
    cells = row(drawn(tables.accuracy_table(results, published)), "vendor")
    # On p2 the vendor has two errors, ocrloom one; p1, where ocrloom failed, is not the vendor's.
    assert cells[1:3] == ["1", "0.5000"]
    assert cells[9] == "2.00"


def test_speed_gives_the_same_batch_to_all_in_turns():
    log = []
    absent = FakeSystem("absent", log, missing="not installed")
    paths = [Path("p.png"), Path("q.png")]
    speed.measure([FakeSystem("a", log), FakeSystem("b", log), absent], paths, 2)
    batches = [entry for entry in log if isinstance(entry[1], int)]
    warm_up = [("a", 1), ("b", 1)]
    assert batches == [*warm_up, ("a", 2), ("b", 2), ("b", 2), ("a", 2)]


def test_failed_pages_earn_no_speed():
    (result,) = speed.measure([FakeSystem("a", fails={"p"})], [Path("p.png"), Path("q.png")], 2)
    assert (result.failed, result.first_error) == (2, "ValueError: cannot read [p]")
    assert speed.Batch(seconds=2.0, pages=5, failed=1).pages_per_second == 2.0


def test_speed_table():
    quick = speed.SystemSpeed("ocrloom", batches=[speed.Batch(1, 4, 0), speed.Batch(2, 4, 0)])
    slow = speed.SystemSpeed("slow", batches=[speed.Batch(4, 4, 0), speed.Batch(4, 4, 0)])
    absent = speed.SystemSpeed("absent", "not installed: pip install absent")
    text = drawn(tables.speed_table([quick, slow, absent]))
    assert row(text, "ocrloom") == ["ocrloom", "4", "2", "0", "3.00", "2.00–4.00", "1.00", ""]
    # Rounds: 1/4 and 1/2.
    assert row(text, "slow")[4:7] == ["1.00", "1.00–1.00", "0.38"]
    assert row(text, "absent")[7] == "not installed: pip install absent"
    without_base = drawn(tables.speed_table([slow]))
    assert row(without_base, "slow")[6] == "–"


@posix_only
def test_cold_starts_take_turns_after_an_untimed_run(tmp_path):
    log = tmp_path / "log"
    script = 'echo "$0" >>"$LOG"; test -z "$FOLDER" || test -d "$1"; exit "$CODE"'
    good = {"LOG": str(log), "FOLDER": "yes", "CODE": "0"}
    bad = {"LOG": str(log), "FOLDER": "", "CODE": "3"}
    results = coldstart.measure(
        [
            coldstart.Program("a", ("sh", "-c", script, "a", coldstart.OUT), good),
            coldstart.Program("b", ("sh", "-c", script, "b"), bad),
            coldstart.Program("absent", (), missing="not installed: pip install absent"),
        ],
        repeats=2,
    )
    assert log.read_text().split() == ["b", "a", "a", "b", "b", "a"]
    assert [len(result.seconds) for result in results] == [2, 0, 0]
    assert results[1].error == "ended with 3: no message"
    text = drawn(tables.cold_start_table(results))
    assert row(text, "a")[1] == "2"
    assert row(text, "b")[1:] == ["–", "–", "–", "–", "ended with 3: no message"]
    assert row(text, "absent")[5] == "not installed: pip install absent"


def test_lag_watches_the_loop_and_counts_failures():
    asked = []

    async def recognise(path):
        await asyncio.sleep(0.02)
        if path.stem == "q":
            raise ValueError("cannot read [q]")

    def submit(path):
        asked.append(path.stem)
        return asyncio.ensure_future(recognise(path))

    paths = [Path("p.png"), Path("q.png")]
    result = asyncio.run(lag.measure(submit, paths, 4, idle_seconds=0.03))
    assert asked == ["p", "p", "q", "p", "q"]
    assert (result.failed, result.first_error) == (2, "ValueError: cannot read [q]")
    assert result.idle.milliseconds
    assert result.busy.milliseconds
    text = drawn(tables.lag_table(result))
    assert row(text, "idle")[6] == ""
    assert row(text, "4 recognitions")[6] == "2 failed: ValueError: cannot read [q]"


def test_lag_percentiles_are_nearest_ticks():
    lags = lag.Lags("busy", tuple(float(number) for number in range(100, 0, -1)), 1.0)
    assert [lags.percentile(share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 51, 100, 100]


def test_settle_keeps_the_order_and_the_failures():
    log = FakeSystem("a", fails={"q"})
    outcomes = systems.settle(log.read, [Path("p"), Path("q"), Path()], workers=3)
    assert outcomes[0] == "p"
    assert isinstance(outcomes[1], ValueError)
    assert outcomes[2] == ""


class FakeEngine:
    """The part of the public contract that is measured."""

    language = None

    def process_async(self, image):
        async def recognise():
            await asyncio.sleep(0)
            if image.stem == "bad":
                raise ValueError("cannot read [bad]")
            return SimpleNamespace(text=f"{image.stem} in {self.language}")

        return asyncio.ensure_future(recognise())


def test_ocrloom_reads_a_batch_in_one_gather(monkeypatch):
    modules = {
        "ocrloom": SimpleNamespace(OcrEngine=FakeEngine, Image=SimpleNamespace(load=Path)),
        "ocrloom.languages": SimpleNamespace(parse_languages="/".join),
    }
    monkeypatch.setattr(systems.importlib, "import_module", modules.__getitem__)
    system = systems.Ocrloom("deu+eng")
    assert system.available() is None
    outcomes = system.read_all([Path("a.png"), Path("bad.png"), Path("b.png")])
    assert outcomes[0] == "a in deu/eng"
    assert isinstance(outcomes[1], ValueError)
    assert outcomes[2] == "b in deu/eng"
    assert systems.Ocrloom(systems.AUTO).read(Path("a.png")) == "a in None"


def test_ocrloom_without_its_engine_is_reported(monkeypatch):
    monkeypatch.setattr(systems.importlib, "import_module", lambda _name: SimpleNamespace())
    assert "pip install ocrloom" in systems.Ocrloom("eng").available()


@pytest.mark.parametrize(("classify", "expected"), [(True, {}), (False, {"Global.use_cls": False})])
def test_rapidocr_runs_as_it_comes(monkeypatch, classify, expected):
    made = []

    def make(params):
        made.append(params)
        lines = {"page.png": ("one", "two"), "blank.png": None}
        return lambda path: SimpleNamespace(txts=lines[path])

    module = SimpleNamespace(RapidOCR=make)
    monkeypatch.setattr(systems.importlib, "import_module", lambda _name: module)
    system = systems.RapidOcr("rapidocr", classify=classify)
    assert system.read_all([Path("page.png"), Path("blank.png")]) == ["one\ntwo", ""]
    assert made == [{"Global.log_level": "critical", **expected}]


def test_peers_that_are_not_installed_say_how_to_install_them(monkeypatch, tmp_path):
    monkeypatch.setattr(systems, "find_spec", lambda _name: None)
    missing = systems.RapidOcr("rapidocr", classify=True).available()
    assert missing == "not installed: pip install rapidocr onnxruntime"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install tesseract-ocr" in systems.Tesseract("eng").available()


@posix_only
def test_tesseract_without_the_language_says_how_to_install_it(monkeypatch, tmp_path):
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\necho 'List of languages (1):'\necho eng\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert systems.Tesseract("eng").available() is None
    missing = systems.Tesseract("chi_tra+eng").available()
    assert missing == "language data not installed: apt-get install tesseract-ocr-chi-tra"


@posix_only
def test_tesseract_failure_tells_its_last_words(monkeypatch, tmp_path):
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\necho first >&2\necho last >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (outcome,) = systems.Tesseract("eng").read_all([Path("page.png")])
    assert str(outcome) == "tesseract ended with 1: last"


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.gt.txt").write_text(name)
        Image.new("L", (8, 8)).save(tmp_path / f"{name}.png")
    frame = Image.new("L", (8, 8))
    (tmp_path / "d.gt.txt").write_text("d\fd")
    frame.save(tmp_path / "d.tif", save_all=True, append_images=[frame])
    return tmp_path


def test_corpus_is_read_picked_and_repeated(folder):
    samples = corpus.load(folder)
    assert [item.name for item in samples] == ["a", "b", "c", "d"]
    assert [item.name for item in corpus.load(folder, "[ab]")] == ["a", "b"]
    assert [item.name for item in corpus.spread(samples, 2)] == ["a", "c"]
    assert corpus.spread(samples, None) == corpus.spread(samples, 9) == samples
    assert [item.name for item in corpus.single_frames(samples)] == ["a", "b", "c"]
    assert [item.name for item in corpus.repeat_to(samples[:2], 5)] == ["a", "b", "a", "b", "a"]


def test_corpus_leaves_no_page_out_silently(folder):
    (folder / "e.gt.txt").write_text("e")
    with pytest.raises(corpus.CorpusError, match=r"e\.gt\.txt has no image"):
        corpus.load(folder)
    with pytest.raises(corpus.CorpusError, match="found none"):
        corpus.load(folder, "z*")


@pytest.fixture
def fakes(monkeypatch):
    monkeypatch.setattr(
        arguments,
        "SYSTEMS",
        {
            "ocrloom": lambda _language, _psm: FakeSystem("ocrloom"),
            "absent": lambda _language, _psm: FakeSystem("absent", missing="not installed: do x"),
        },
    )
    monkeypatch.setattr(cli, "describe", lambda: MACHINE)
    monkeypatch.setattr(cli, "versions", lambda: {"ocrloom": "9.9"})


def test_accuracy_command(fakes, folder, tmp_path):
    out = tmp_path / "out.json"
    arguments = ["accuracy", str(folder), "--systems", "ocrloom,absent", "--json", str(out)]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0, done.output
    assert row(done.stdout, "ocrloom")[1:3] == ["4", "0.1667"]
    assert "not installed: do x" in done.stdout
    assert "1 have several frames" in done.stdout
    assert "Abacus, 2 of 4 logical cores, BF16" in done.stdout
    assert "Only ratios within one run mean anything" in done.stdout
    figures = json.loads(out.read_text())
    assert figures["versions"] == {"ocrloom": "9.9"}
    assert figures["machine"]["cpu"] == "Abacus"
    assert figures["settings"]["corpus"] == folder.name
    assert figures["systems"][0]["pages"][0]["score"]["cer"] == 0
    assert str(folder.parent) not in out.read_text()


def test_speed_command(fakes, folder, tmp_path):
    out = tmp_path / "out.json"
    arguments = ["speed", str(folder), "--systems", "ocrloom,absent", "--pages", "5"]
    options = ["--cold-runs", "0", "--rounds", "2", "--json", str(out)]
    done = CliRunner().invoke(cli.app, [*arguments, *options])
    assert done.exit_code == 0, done.output
    assert row(done.stdout, "ocrloom")[1:4] == ["5", "2", "0"]
    assert "has only 3 such pages, so pages repeat" in done.stdout
    assert len(json.loads(out.read_text())["systems"][0]["batches"]) == 2


def test_commands_refuse_what_they_do_not_know(fakes, folder):
    runner = CliRunner()
    done = runner.invoke(cli.app, ["accuracy", str(folder), "--systems", "ocrloom,abbyy"])
    assert done.exit_code == 2
    assert "'abbyy'" in done.stderr
    assert runner.invoke(cli.app, ["speed", str(folder), "--only", "z*"]).exit_code == 2
    assert runner.invoke(cli.app, ["accuracy", str(folder / "nowhere")]).exit_code == 2
    done = runner.invoke(cli.app, ["accuracy", str(folder), "--systems", "absent"])
    assert done.exit_code == 1


def test_report_refuses_what_json_cannot_hold(tmp_path):
    with pytest.raises(TypeError, match="got object"):
        report.write_json(tmp_path / "x", "lag", {}, {"lag": object()}, MACHINE, {})
