"""Pages in other scripts, in two scripts, and what is allowed to be read on them."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

from ocrloom import Language, OcrEngine, OcrOptions
from ocrloom.languages import PPOCR, TESSERACT
from ocrloom.tessdata.folders import missing

ENGLISH = [
    "The hall is open to the public from nine",
    "and it is heated in the winter months.",
    "Dogs and bicycles have to stay outside.",
]
RUSSIAN = [
    "Зал открыт для посетителей с девяти часов",
    "и отапливается в зимние месяцы года.",
    "Собаки и велосипеды остаются на улице.",
]
FRENCH = [
    "La salle est ouverte au public dès neuf heures,",
    "et elle est chauffée pendant les mois d'hiver.",
    "Les chiens et les vélos doivent rester dehors.",
]
TURKISH = [
    "Salon saat dokuzdan itibaren halka açıktır,",
    "kış aylarında ısıtılır, içi iyi aydınlatılır.",
    "Köpekler ve bisikletler dışarıda kalmalıdır.",
]
FOLDER = Path(mpl.get_data_path(), "fonts", "ttf")


def needs(*languages):
    lacking = missing(languages)
    return pytest.mark.skipif(
        bool(lacking), reason=f"Tesseract reads no {', '.join(each.code for each in lacking)} here"
    )


def page(lines, face="DejaVuSerif.ttf"):
    """A page of lines, as grey pixels."""
    font = PIL.ImageFont.truetype(FOLDER / face, 40)
    picture = PIL.Image.new("L", (1400, 100 + 80 * len(lines)), 255)
    draw = PIL.ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        draw.text((80, 60 + 80 * row), line, fill=20, font=font)
    return np.asarray(picture)


def read(pixels, **options):
    return OcrEngine(options=OcrOptions(context=False, **options)).process(pixels)


def recognisers(result):
    """By its first word, who read each line."""
    lines = (line for page in result.pages for block in page.blocks for line in block.lines)
    return [line.words[0].recogniser for line in lines]


@needs(Language.RUSSIAN)
@pytest.mark.parametrize("languages", [["eng", "rus"], ["rus", "eng"], "auto"], ids=str)
@pytest.mark.parametrize("share", [1, 2, 3])
def test_english_and_russian_on_one_page(cer, languages, share):
    lines = [*ENGLISH[: 4 - share], *RUSSIAN[:share]]
    result = read(page(lines), languages=languages)
    assert cer("\n".join(lines), result.text) <= 0.03
    assert recognisers(result) == [PPOCR] * (4 - share) + [TESSERACT] * share


@needs(Language.RUSSIAN)
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
@pytest.mark.parametrize("languages", ["rus", "auto"])
def test_a_turned_page_in_another_script(cer, languages, quarters):
    pixels = np.ascontiguousarray(np.rot90(page(RUSSIAN * 2), quarters))
    result = read(pixels, languages=languages)
    assert result.pages[0].rotation == 90 * quarters
    assert cer("\n".join(RUSSIAN * 2), result.text) <= 0.03


def test_chinese_and_french_on_one_page(scan, truth, cer):
    chinese = np.asarray(PIL.Image.open(scan("chinese.png")).convert("L"))
    french = page(FRENCH)
    width = max(chinese.shape[1], french.shape[1])
    both = [
        np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=255)
        for part in (chinese, french)
    ]
    expected = truth("chinese.png") + "\n" + "\n".join(FRENCH)
    for languages in (["chi_tra", "chi_sim", "fra"], "auto"):
        result = read(np.vstack(both), languages=languages)
        assert cer(expected.replace(" ", ""), result.text.replace(" ", "")) <= 0.03


@pytest.mark.parametrize("face", ["DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf"])
@pytest.mark.parametrize("languages", ["tur", "auto"])
def test_turkish_has_its_dotless_letters(cer, languages, face):
    result = read(page(TURKISH * 2, face), languages=languages)
    assert cer("\n".join(TURKISH * 2), result.text) <= 0.01


def test_english_keeps_the_accents_of_names(cer):
    lines = ["Café owner Zoë Müller met André in Orléans,", "near the façade of the old château."]
    assert cer("\n".join(lines), read(page(lines), languages="eng").text) <= 0.01


# What may be read


def test_only_what_is_allowed_is_read():
    lines = ["Invoice 2026-1138 of 7 May", "Total 1,249.50 due 21.6.2026"]
    text = read(page(lines), allowed_characters="0123456789.,").text
    assert set(text) <= set("0123456789., \n")
    assert "1,249.50" in text


def test_what_is_ignored_is_not_read():
    text = read(page(["Price | Amount | Sum", "One | Two | Three"]), ignored_characters="|").text
    assert "|" not in text
    assert "Amount" in text


@needs(Language.RUSSIAN)
def test_tesseract_reads_what_is_allowed_too():
    pixels = page(RUSSIAN)
    text = read(pixels, languages="rus", ignored_characters="оО").text
    assert "тапливается" in text
    assert "о" not in text
    letters = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
    text = read(pixels, languages="rus", allowed_characters=letters).text
    assert set(text) <= set(letters + " \n")


@pytest.mark.parametrize("mode", ["fast", "balanced", "best"])
def test_clean_pages_read_alike_in_every_mode(cer, mode):
    assert cer("\n".join(ENGLISH), read(page(ENGLISH), mode=mode).text) == 0
