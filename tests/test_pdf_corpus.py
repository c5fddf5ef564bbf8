"""Searchable PDFs of real scans: what is asked of them. The benchmark takes more pages."""

from __future__ import annotations

import pytest

from benchmarks import corpus
from benchmarks.searchable import measure_layer

PAGES = 10


@pytest.fixture(scope="module")
def layer(shared, tmp_path_factory):
    samples = corpus.single_frames(corpus.load(shared / "corpus" / "english"))
    paths = [sample.path for sample in corpus.spread(samples, PAGES)]
    return measure_layer(paths, "eng", tmp_path_factory.mktemp("corpus") / "out.pdf")


def test_nearly_all_words_are_extracted(layer):
    assert layer.words > 100 * PAGES
    assert layer.found / layer.words >= 0.995


def test_words_are_extracted_where_they_are(layer):
    assert layer.distance <= 2


def test_the_file_is_little_larger_than_the_images(layer):
    assert layer.pdf_bytes <= 1.15 * layer.image_bytes
