"""What AUTO finds out: languages from text, scripts by trying, the recognisers for both."""

from __future__ import annotations

import numpy as np
import pytest

from ocrloom import Language, OcrEngineError
from ocrloom.languages import PPOCR, TESSERACT
from ocrloom.options import OcrOptions
from ocrloom.vision import choice, scouting
from ocrloom.vision.alphabets import everything
from ocrloom.vision.choice import chosen, find_script, foreign, quality, unread
from ocrloom.vision.ctc import Reading
from ocrloom.vision.geometry import Box
from ocrloom.vision.identify import likely_languages
from ocrloom.vision.recognisers import PpOcr, TesseractLines, team_of

LINE = Box(200, 20, 400, 20, 0)  # 20 times as long as high


def reading(text, confidence=1.0, recogniser=PPOCR):
    places = np.arange(len(text)) / max(1, len(text))
    return Reading(text, places, places, np.full(len(text), confidence), recogniser=recogniser)


# Languages

LATIN = [each for each in Language if each.script.name == "LATIN"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The hall is open to all from nine, and it is heated for as long as it is cold.",
         Language.ENGLISH),
        ("Die Halle ist ab neun Uhr geöffnet und wird geheizt, solange es draußen kalt ist.",
         Language.GERMAN),
        ("Salon saat dokuzdan itibaren açiktir ve dişarisi soğuk olduğu sürece isitilir.",
         Language.TURKISH),
        ("Le hall est ouvert dès neuf heures, et il est chauffé tant qu'il fait froid dehors.",
         Language.FRENCH),
        # As PP-OCRv6 reads it, without the letters that it does not know.
        ("Hi trng m ca t chín gi sáng và đưc sưi m khi tri bên ngoài còn lnh, xin mi vào",
         Language.VIETNAMESE),
    ],
    ids=lambda each: getattr(each, "value", ""),
)  # fmt: skip
def test_a_language_is_told_by_its_text(text, language):
    assert likely_languages(text, LATIN)[0] is language
    others = [each for each in LATIN if each is not language]
    assert language not in likely_languages(text, others)


@pytest.mark.parametrize("text", ["", "12.50", "Total", "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8"])
def test_too_little_text_tells_no_language(text):
    assert likely_languages(text, LATIN) == ()


# Choosing


@pytest.mark.parametrize(
    ("text", "confidence", "expected"),
    [
        ("a line of forty letters, or a few fewer", 1.0, 1.0),
        ("a line of forty letters, or a few fewer", 0.7, 0.7),
        ("aa", 1.0, 0.09),
        ("", 1.0, 0.0),
        ("一行二十个字的中文文本在这里", 1.0, 1.0),
        ("Ηαίθουσαείναιανοιχτήστοκοινό", 1.0, 0.0),
    ],
)
def test_quality_is_confidence_where_enough_was_read(text, confidence, expected):
    assert quality(LINE, reading(text, confidence)) == pytest.approx(expected, abs=0.01)


GOOD = "a line of forty letters, or a few fewer"


@pytest.mark.parametrize(
    ("ours", "theirs", "wins"),
    [
        (reading(GOOD), reading("Зал открыт", 0.99, TESSERACT), PPOCR),
        (reading("3a OTK", 0.6), reading("Зал открыт для всех", 0.9, TESSERACT), TESSERACT),
        (reading(GOOD, 0.7), reading("а 11пе оЁ ГоНу", 0.4, TESSERACT), PPOCR),
        (reading(""), reading("", 0.0, TESSERACT), PPOCR),
        # Letters that PP-OCRv6 does not know.
        (reading("Hi trng m ca t chín gi sáng và đưc"), reading("ộ ể", 0.9, TESSERACT), TESSERACT),
        (reading(GOOD), reading("ộ ể", 0.3, TESSERACT), PPOCR),
    ],
)
def test_the_better_reading_is_chosen_whichever_was_first(ours, theirs, wins):
    assert chosen(LINE, ours, theirs).recogniser == wins
    assert chosen(LINE, theirs, ours).recogniser == wins


def test_only_long_boxes_tell_of_another_script():
    short = Box(20, 20, 40, 20, 0)
    assert unread(short, reading(""))
    assert not foreign(short, reading(""))
    assert foreign(LINE, reading("ab"))
    assert not foreign(LINE, reading(GOOD))


# Scripts


class Scribe:
    """Stands in for Tesseract: reads in each language what it is told to."""

    def __init__(self, monkeypatch, readings):
        self.readings = readings
        self.asked = []
        monkeypatch.setattr(choice, "installed", lambda: tuple(readings))

    def __call__(self, boxes, language):
        self.asked.append(language)
        found = self.readings[language]
        if isinstance(found, Exception):
            raise found
        return [reading(*found, TESSERACT) for _ in boxes]


def test_the_script_is_the_one_that_reads_best(monkeypatch):
    scribe = Scribe(
        monkeypatch,
        {
            Language.GREEK: ("Ἰπω 9 11ΠΞ", 0.3),
            Language.RUSSIAN: ("Зал открыт с девяти", 0.95),
            Language.THAI: ("ร0เอท1 แพะทพ7", 0.8),
        },
    )
    assert find_script([LINE, LINE, LINE], scribe) is Language.RUSSIAN


@pytest.mark.parametrize(
    "readings",
    [
        {},
        {Language.GREEK: ("Ἰπω 9 11ΠΞ", 0.5)},
        {Language.GREEK: ("only Latin letters", 0.99)},
        {Language.THAI: ("ร0เอท1 แพะทพ7", 0.8)},
        {Language.GREEK: OcrEngineError("its data is damaged")},
        {Language.ENGLISH: ("a line", 0.99), Language.VIETNAMESE: ("một dòng", 0.99)},
    ],
    ids=["nothing", "gibberish", "another", "thai", "damaged", "latin"],
)
def test_no_script_is_found_where_none_reads_well(monkeypatch, readings):
    scribe = Scribe(monkeypatch, readings)
    assert find_script([LINE], scribe) is None
    assert Language.ENGLISH not in scribe.asked


def test_languages_of_one_script_are_told_apart_by_how_well_they_read(monkeypatch):
    scribe = Scribe(
        monkeypatch,
        {
            Language.BULGARIAN: ("Кожна людина мае право на свободу", 0.8),
            Language.RUSSIAN: ("Кожна людина мае право на свободу", 0.88),
            Language.UKRAINIAN: ("Кожна людина має право на свободу", 0.96),
        },
    )
    assert find_script([LINE], scribe) is Language.UKRAINIAN
    assert scribe.asked[0] is Language.RUSSIAN


# Teams


@pytest.mark.parametrize(
    ("languages", "first", "second"),
    [
        ("auto", (), None),
        ("eng", (Language.ENGLISH,), None),
        (["eng", "fra"], (Language.ENGLISH, Language.FRENCH), None),
        ("rus", (Language.RUSSIAN,), None),
        (["eng", "rus"], (Language.ENGLISH,), (Language.RUSSIAN,)),
        (["rus", "eng", "ukr"], (Language.ENGLISH,), (Language.RUSSIAN, Language.UKRAINIAN)),
    ],
    ids=str,
)
def test_who_reads_which_languages(languages, first, second):
    team = team_of(OcrOptions(languages=languages))
    assert team.first.languages == first
    assert isinstance(team.first, TesseractLines) == (first == (Language.RUSSIAN,))
    assert (team.second and team.second.languages) == second
    assert set(team.languages) == {*first, *(second or ())}


def test_a_team_reads_allowed_characters_only():
    team = team_of(
        OcrOptions(languages=["eng", "rus"], allowed_characters="0123ab", ignored_characters="3")
    )
    assert team.first.alphabet.characters == set("012ab ")
    assert team.second.allowed == set("0123ab")
    assert team.second.ignored == {"3"}
    assert team.pp_ocr(everything()).alphabet.characters == set("012ab ")


class Page:
    """Stands in for the reader of a page whose lines read as told."""

    def __init__(self, options, readings):
        self.team = team_of(options)
        self.all = readings
        self.kept = []

    def readings(self, boxes, recogniser=None):
        return [self.all[box] for box in boxes]

    def keep(self, boxes, before):
        self.kept = list(boxes)


def boxes(count):
    return [Box(200, 20 + 30 * i, 400, 20, 0) for i in range(count)]


def test_auto_narrows_to_the_language_of_the_first_lines():
    lines = boxes(3)
    german = "Die Halle ist ab neun Uhr geöffnet und wird geheizt"
    page = Page(OcrOptions(), {box: reading(german) for box in lines})
    scouting.choose_recognisers(page, lines)
    assert page.team.languages == (Language.GERMAN,)
    assert page.team.narrowed
    assert isinstance(page.team.first, PpOcr)
    assert "ß" in page.team.first.alphabet.letters
    assert set(page.kept) == set(lines)  # all is read with certainty, nothing has to be read again


def test_auto_keeps_all_characters_where_other_scripts_stand():
    lines = boxes(2)
    readings = {lines[0]: reading("一行二十个字的中文文本在这里"), lines[1]: reading(GOOD)}
    page = Page(OcrOptions(), readings)
    scouting.choose_recognisers(page, lines)
    assert page.team.first.alphabet is everything()
    assert page.team.languages == ()


@pytest.mark.parametrize("here", [True, False])
def test_auto_reads_vietnamese_with_tesseract_where_it_is_there(monkeypatch, here):
    lines = boxes(2)
    text = "Hi trng m ca t chín gi sáng và đưc sưi m khi tri bên ngoài còn lnh"
    page = Page(OcrOptions(), {box: reading(text) for box in lines})
    monkeypatch.setattr(scouting, "readable", lambda languages: here)
    scouting.choose_recognisers(page, lines)
    assert isinstance(page.team.first, TesseractLines if here else PpOcr)


@pytest.mark.parametrize(("foreigners", "swapped"), [(1, False), (2, False), (3, True)])
def test_what_reads_most_lines_comes_first(foreigners, swapped):
    lines = boxes(4)
    readings = {box: reading("" if i < foreigners else GOOD) for i, box in enumerate(lines)}
    page = Page(OcrOptions(languages=["eng", "rus"]), readings)
    scouting.choose_recognisers(page, lines)
    assert isinstance(page.team.first, TesseractLines) is swapped
    assert page.team.ppocr is not None


def test_a_named_language_is_left_alone():
    page = Page(OcrOptions(languages="eng"), {})
    before = page.team
    scouting.choose_recognisers(page, boxes(3))
    assert page.team is before
