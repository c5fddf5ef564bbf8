"""The benchmark of searchable PDFs."""

from __future__ import annotations

import PIL.Image
import pytest
from rich.console import Console

from benchmarks import searchable, tables
from benchmarks.searchable import Growth, Layer


@pytest.fixture
def notes(tmp_path, note):
    paths = []
    for text in ("The first note", "Another one here"):
        paths.append(tmp_path / f"{len(paths)}.png")
        PIL.Image.fromarray(note(text)).save(paths[-1], dpi=(200, 200))
    return paths


def shown(table):
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_a_pdf_is_compared_with_what_was_recognised(notes, tmp_path):
    layer = searchable.measure_layer(notes, "eng", tmp_path / "out.pdf")
    assert (layer.pages, layer.words, layer.found) == (2, 6, 6)
    assert 0 <= layer.distance < 2
    assert layer.image_bytes == sum(path.stat().st_size for path in notes)
    assert layer.pdf_bytes == (tmp_path / "out.pdf").stat().st_size


def test_memory_is_looked_at(notes, tmp_path):
    (growth,) = searchable.measure_growth(notes, [3], "eng", tmp_path)
    assert growth.pages == 3
    assert growth.peak >= growth.before > 0
    assert growth.helpers > 0


def test_tables_say_it():
    layer = Layer(
        pages=50, words=1000, found=999, distance=0.4, image_bytes=2**21, pdf_bytes=2**21 * 11 // 10
    )
    assert {"1,000", "99.900", "0.40", "2.0", "1.100"} <= set(
        shown(tables.layer_table(layer)).split()
    )
    runs = [
        Growth(pages=pages, seconds=1.0, before=2**20, peak=2**21, helpers=2**20 * pages)
        for pages in (1, 3)
    ]
    assert "1024" in shown(tables.growth_table(runs))
