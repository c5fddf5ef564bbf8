"""Whether hits are where the words are, and whether words are found that were read wrong."""

import dataclasses
import importlib
import random
from types import SimpleNamespace

import pytest
import results

from ocrloom import Library, OcrResult
from ocrloom.library.analysis import units

# Substitutions that the literature on OCR errors names, independent of those that are looked for.
USUAL = [
    *[("rn", "m"), ("m", "rn"), ("cl", "d"), ("d", "cl"), ("vv", "w"), ("w", "vv")],
    *[("0", "o"), ("o", "0"), ("l", "1"), ("1", "l"), ("i", "l"), ("l", "i"), ("i", "1")],
    *[("s", "5"), ("5", "s"), ("b", "8"), ("8", "b"), ("g", "9"), ("li", "h"), ("e", "c")],
]
MISREAD = 0.03  # of the words
SEED = 7


@pytest.fixture(scope="module")
def rule(shared):
    """The project's rule for scoring pages whose words have places."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(shared / "tools"))
        return importlib.import_module("score_layout")


def bounds(polygon):
    xs, ys = zip(*polygon, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def overlap(one, other):
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (sum(areas) - width * height)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_hits_are_where_the_words_are(layout_readings, rule, tmp_path):
    known = []
    with Library(tmp_path / "layout.db") as library:
        for path, result in layout_readings.items():
            document = library.add(result).result()
            name = path.with_suffix(".truth.hocr")
            known += [(document.id, word) for word in rule.hocr(str(name))[1]]
        chosen = [(number, word) for number, word in known if len(units(word["text"])) == 1]
        chosen = [pair for pair in chosen if len(pair[1]["text"]) >= 3]
        random.Random(SEED).shuffle(chosen)
        found = [_best(library, *pair) for pair in chosen[:150]]
    read = [best for best in found if best is not None]
    assert len(read) >= 100
    assert sum(best >= 0.5 for best in read) >= 0.95 * len(read)


def _best(library, number, word):
    """How well the best hit lies over the true box; None if the word was not read there."""
    query = f"document:{number} {units(word['text'])[0].text}"
    boxes = [bounds(polygon) for hit in library.search(query) for polygon in hit.polygons]
    best = max((overlap(box, word["box"]) for box in boxes), default=0.0)
    if best >= 0.5:
        return best
    right = [
        each
        for page in library.result(number).result().pages
        for each in page.words
        if [unit.text for unit in units(each.text)] == [unit.text for unit in units(word["text"])]
        and overlap(bounds(each.polygon), word["box"]) > 0
    ]
    return best if right else None


def misread(word, chance, times):
    for _ in range(times):
        ways = [
            (place, one, other)
            for one, other in USUAL
            for place in range(len(word))
            if word.startswith(one, place)
        ]
        if ways:
            place, one, other = chance.choice(ways)
            word = word[:place] + other + word[place + len(one) :]
    return word


def spoilt(texts):
    """Pages of texts some words of which are misread, broken or joined.

    Returns:
        The pages; for every page what its words are truly, a set for each; and the misread ones.
    """
    chance = random.Random(SEED)
    pages, truths, wrong = [], [], []
    for number, text in enumerate(texts, 1):
        words, truth = [], []
        given = iter(text.split())
        for word in given:
            known = units(word)
            plain = known[0].text if len(known) == 1 else ""
            if len(plain) < 4 or chance.random() > MISREAD:
                words.append((word, chance.uniform(0.9, 1)))
                truth.append({unit.text for unit in known})
                continue
            sure, kind = (
                chance.uniform(0.5, 0.99),
                chance.choice(["one", "two", "broken", "joined"]),
            )
            place = SimpleNamespace(page=number, word=len(words), text=plain)
            if kind == "broken":
                cut = chance.randrange(1, len(plain))
                words += [(plain[:cut], sure), (plain[cut:], sure)]
                truth += [{plain}, {plain}]
            elif kind == "joined" and len(after := units(next(given, ""))) == 1:
                words.append((plain + after[0].text, sure))
                truth.append({plain, after[0].text})
            else:
                words.append((misread(plain, chance, 2 if kind == "two" else 1), sure))
                truth.append({plain})
            if words[-1][0] != plain:
                wrong.append(place)
        made = [
            results.word(word, confidence=sure, polygon=results.box(10 * n, 0, 10 * n + 9, 9))
            for n, (word, sure) in enumerate(words)
        ]
        pages.append(dataclasses.replace(results.page(*made), number=number, width=100_000))
        truths.append(truth)
    return pages, truths, wrong


def found_with_tolerance(texts, where):
    """Recall of the misread words, and the precision of all that was found."""
    pages, truths, wrong = spoilt(texts)
    assert len(wrong) >= 100
    recalled = right = every = 0
    with Library(where) as library:
        library.add(OcrResult(pages=tuple(pages))).result()
        random.Random(SEED).shuffle(wrong)
        for place in wrong[:300]:
            places = [
                (hit.page, int(polygon[0][0] / 10))
                for hit in library.search(f"{place.text}~1", limit=None)
                for match in hit.matches
                for polygon in match.polygons
            ]
            recalled += (place.page, place.word) in places
            right += sum(place.text in truths[page - 1][word] for page, word in places)
            every += len(places)
    return recalled / len(wrong[:300]), right / every


def test_misread_words_of_the_samples_are_found(samples, tmp_path):
    texts = [path.read_text(encoding="utf-8") for path in sorted(samples.glob("*.gt.txt"))]
    recall, precision = found_with_tolerance(texts * 4, tmp_path / "a.db")
    assert recall >= 0.9
    assert precision >= 0.8


@pytest.mark.parametrize("corpus", ["english", "books"])
def test_misread_words_of_the_corpus_are_found(shared, tmp_path, corpus):
    texts = [
        path.read_text(encoding="utf-8")
        for path in sorted((shared / "corpus" / corpus).glob("*.gt.txt"))
    ]
    recall, precision = found_with_tolerance(texts * 2, tmp_path / "a.db")
    assert recall >= 0.9
    assert precision >= 0.8
