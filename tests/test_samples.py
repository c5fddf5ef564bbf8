"""The sample pages: drawn alike every time, each with its truth, in the formats they stand for."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SAMPLES = Path(__file__).parents[1] / "samples"

# File: mode, pixels, frames, resolution.
PICTURES = {
    "letter.tif": ("1", (2480, 3508), 1, 300),
    "report.png": ("L", (1654, 2339), 1, 200),
    "table.png": ("L", (1654, 1024), 1, 200),
    "tables.png": ("L", (1339, 1614), 1, 200),
    "columns.jpg": ("L", (1654, 1614), 1, 200),
    "receipt.jpg": ("RGB", (960, 1314), 1, 250),
    "skewed.png": ("1", (1748, 2480), 1, 300),
    "turned.jpg": ("L", (1654, 1165), 1, 200),
    "upside.png": ("L", (1165, 1654), 1, 200),
    "french.png": ("L", (1165, 1654), 1, 200),
    "german.tif": ("1", (1748, 2480), 1, 300),
    "polish.png": ("1", (1748, 2480), 1, 300),
    "swedish.png": ("L", (1165, 1654), 1, 200),
    "czech.png": ("1", (1748, 2480), 1, 300),
    "spanish.png": ("L", (1165, 1654), 1, 200),
    "chinese.png": ("L", (1165, 1654), 1, 200),
    "japanese.png": ("L", (1165, 1654), 1, 200),
    "book.tif": ("1", (1276, 2055), 3, 300),
    "colour.png": ("RGB", (874, 1128), 1, 150),
    "small.png": ("L", (620, 874), 1, 150),
    "blank.png": ("L", (874, 1240), 1, 150),
    "palette.gif": ("P", (1165, 827), 1, None),
    "grey16.tif": ("I;16", (827, 1165), 1, 200),
    "cmyk.jpg": ("CMYK", (827, 1165), 1, 200),
}
every_picture = pytest.mark.parametrize("name", PICTURES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("samples")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SAMPLES))
        import make_samples

        list(make_samples.make_all(out))
    return out


@pytest.fixture
def path(folder, name):
    import cv2

    if name in ("chinese.png", "japanese.png") and not hasattr(cv2, "FontFace"):
        pytest.skip("the font comes with OpenCV 5")
    return folder / name


@every_picture
def test_pictures_are_what_they_stand_for(path, name):
    with Image.open(path) as image:
        resolution = image.info.get("dpi")
        found = (image.mode, image.size, getattr(image, "n_frames", 1))
        image.load()
    assert found == PICTURES[name][:3]
    assert PICTURES[name][3] == (resolution and round(resolution[0]))


@every_picture
def test_every_picture_has_its_truth(path, name):
    truth = path.with_suffix(".gt.txt").read_bytes().decode()
    pages = truth.split("\f")
    assert len(pages) == PICTURES[name][2]
    if name == "blank.png":
        assert truth == ""
        return
    for page in pages:
        assert page.endswith("\n")
        assert all(line == line.strip() and line for line in page.splitlines())


def test_there_is_nothing_else_and_it_is_small(folder):
    wanted = {file for name in PICTURES for file in (name, f"{name.partition('.')[0]}.gt.txt")}
    found = {path.name for path in folder.iterdir()}
    assert found <= wanted
    assert sum(path.stat().st_size for path in folder.iterdir()) < 15e6


def test_sixteen_bits_hold_twelve(folder):
    with Image.open(folder / "grey16.tif") as image:
        values = np.asarray(image)
    assert values.dtype == np.uint16
    assert 2000 < values.max() <= 4095


def test_bilevel_tiffs_are_compressed_as_by_a_fax(folder):
    for name in ("letter.tif", "german.tif", "book.tif"):
        with Image.open(folder / name) as image:
            assert image.info["compression"] == "group4"


def test_running_it_draws_the_same_again(folder, tmp_path):
    run = subprocess.run(
        [sys.executable, str(SAMPLES / "make_samples.py"), str(tmp_path / "new" / "folder")],
        capture_output=True,
        text=True,
        check=True,
    )
    made = [Path(line) for line in run.stdout.splitlines()]
    assert [path.name for path in made] == [name for name in PICTURES if (folder / name).exists()]
    for path in (tmp_path / "new" / "folder").iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name
