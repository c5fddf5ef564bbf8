"""``OcrOptions.pages`` holds for every source with several pages."""

import pdf_files as made
import pytest
from documents import frames, numbers

import ocrloom
from ocrloom import Journal, OcrEngine, OcrOptionError, OcrOptions, PdfOptions, Stage

FIVE = frames(5)


def engine_of(pages, **options):
    return OcrEngine(options=OcrOptions(pages=pages, **options))


@pytest.mark.parametrize("source", [FIVE, made.pdf_of(*[b"0 0 9 9 re f"] * 5)], ids=["TIFF", "PDF"])
@pytest.mark.parametrize(("pages", "read"), [("2-3,5", [2, 3, 5]), ("4-", [4, 5]), ("-1", [1])])
def test_only_these_pages_are_read(recogniser, source, pages, read):
    engine = engine_of(pages, pdf=PdfOptions(dpi=10))
    assert numbers(engine.process(source).pages) == read
    assert sorted(recogniser.begun) == read
    assert numbers(engine.stream(source)) == read
    assert sorted(numbers(engine.stream(source, ordered=False))) == read


def test_progress_counts_what_is_selected(recogniser):
    events = []
    engine_of("2-3,5").process(FIVE, progress=events.append)
    opened = next(event for event in events if event.stage is Stage.OPENED)
    assert (opened.pages, opened.pages_done) == (3, 0)
    assert events[-1].pages_done == events[-1].pages == 3
    assert {event.page for event in events} - {None} == {2, 3, 5}


@pytest.mark.parametrize("pages", ["6", "3-6", "6-"])
def test_a_page_that_is_not_there_ends_the_reading(recogniser, pages):
    with pytest.raises(OcrOptionError, match=r"page 6 was asked for .* it has 5 pages"):
        engine_of(pages).process(FIVE)
    with pytest.raises(OcrOptionError, match="has 5 pages"):
        list(engine_of(pages).stream(FIVE))
    assert recogniser.begun == []


def test_a_stream_goes_on_in_the_order_of_the_selection(recogniser):
    recogniser.hold()
    recogniser.let(5)
    stream = OcrEngine(options=OcrOptions(pages="1,5"), workers=2).stream(FIVE)
    assert recogniser.wait_for(2)
    recogniser.let_all()
    assert numbers(stream) == [1, 5]


def test_what_fails_beside_the_selection_is_of_no_interest(recogniser):
    damaged = frames(4, damaged=[2, 3])
    assert engine_of("1,4").process(damaged).failures == ()
    result = engine_of("1-2").process(damaged)
    assert (numbers(result.pages), numbers(result.failures)) == ([1], [2])
    with pytest.raises(ocrloom.OcrDamagedImage):
        engine_of("2-3").process(damaged)


def test_a_journal_keeps_pages_whatever_was_selected(recogniser, tmp_path):
    journal = Journal(tmp_path)
    for pages in ("1-2", "2-4", None):
        OcrEngine(options=OcrOptions(pages=pages), journal=journal).process(FIVE)
    assert sorted(recogniser.begun) == [1, 2, 3, 4, 5]


def test_a_journal_forgets_no_password_and_tells_readings_apart(recogniser, tmp_path):
    journal = Journal(tmp_path)
    data = made.encrypted(made.scan(_white(), dpi=10), user="geheimnis")
    for options in (
        PdfOptions(password="geheimnis"),
        PdfOptions(password="owner"),
        PdfOptions(password="geheimnis", dpi=20),
        PdfOptions(password="geheimnis", text_layer="ignore"),
    ):
        OcrEngine(options=OcrOptions(pdf=options), journal=journal).process(data)
    assert len(recogniser.begun) == 3
    # An image's own options count as much.
    image = ocrloom.Image.load(data, pdf=PdfOptions(password="geheimnis", dpi=20))
    OcrEngine(journal=journal).process(image)
    assert len(recogniser.begun) == 3


def _white():
    import numpy as np

    return np.full((80, 60), 255, np.uint8)
