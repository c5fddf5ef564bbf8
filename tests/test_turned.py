"""Pages that lie on their side, on their head or askew are read as well as upright ones."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import PIL.Image
import pytest

from ocrloom import OcrEngine, OcrOptions

ALLOWED = 0.002  # by which the character error rate may be higher than that of the upright page
PAGES = {"french.png": "fra", "german.tif": "deu"}


@functools.cache
def _read(path, language, quarters, degrees):
    with PIL.Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    lying = np.ascontiguousarray(np.rot90(skewed(pixels, degrees), quarters))
    return OcrEngine(options=OcrOptions(languages=language)).process(lying).pages[0]


def skewed(pixels, degrees):
    """The page turned clockwise by some degrees, on paper that is large enough for it."""
    height, width = pixels.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    grown = np.abs(turn[:, :2]) @ (width, height)
    turn[:, 2] += (grown - (width, height)) / 2
    size = tuple(np.ceil(grown).astype(int).tolist())
    return cv2.warpAffine(pixels, turn, size, flags=cv2.INTER_CUBIC, borderValue=255)


@pytest.mark.parametrize(
    ("name", "quarters", "degrees"),
    [
        *(("french.png", quarters, 0.0) for quarters in (1, 2, 3)),
        *(("french.png", 0, degrees) for degrees in (5.0, -5.0, -1.1)),
        ("french.png", 2, -4.0),
        ("german.tif", 1, 3.0),
        ("german.tif", 0, -2.3),
    ],
)
def test_a_turned_page_is_read_as_well_as_upright(scan, truth, cer, name, quarters, degrees):
    upright = _read(scan(name), PAGES[name], 0, 0.0)
    page = _read(scan(name), PAGES[name], quarters, degrees)
    assert page.rotation == 90 * quarters
    assert page.skew == pytest.approx(degrees, abs=0.3)
    assert cer(truth(name), page.text) <= cer(truth(name), upright.text) + ALLOWED
