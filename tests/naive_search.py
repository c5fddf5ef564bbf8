"""A search that looks at every word of every page, written from what docs/search.md says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache, cached_property
from math import inf
from unicodedata import combining

from ocrloom.library.analysis import normal, units
from ocrloom.library.query.tree import (
    And,
    Between,
    Described,
    InDocument,
    InLanguage,
    Not,
    OnPage,
    Or,
    Phrase,
)
from ocrloom.library.skeletons import CONFUSIONS

__all__ = ["Found", "Seen", "fits", "places", "spots"]

CONFUSION = BROKEN = JOINED = 0.5
ODD, ODD_FROM = 1.5, 4
JOINED_FROM, REST_FROM = 4, 2
EPSILON = 1e-9


@dataclass(frozen=True)
class Spot:
    """A word of the index, or a character of a run, and where it stands."""

    text: str
    exact: str
    is_run: bool
    words: range
    """The page's words that it is of."""
    start: int
    stop: int
    """Characters of the word; of the whole of it where there are two."""
    confidence: float


@dataclass(frozen=True)
class Seen:
    """A page, and what is known of its document."""

    document: object
    number: int
    languages: tuple
    texts: tuple
    """Of its words."""
    spots: tuple
    terms: frozenset
    """All words of the library."""

    @cached_property
    def of_words(self):
        """The spots of each word."""
        found = defaultdict(list)
        for spot in self.spots:
            for word in spot.words:
                found[word].append(spot)
        return found


@dataclass(frozen=True)
class Found:
    """A place: the words, which characters of each, and the cost."""

    parts: tuple
    cost: float
    loose: bool = False


def spots(words):
    """The spots of a page's words: texts, what they are a part of with the next, confidences."""
    found, place = [], 0
    while place < len(words):
        text, whole, confidence = words[place]
        covered = range(place, place + 1)
        if whole is not None and place + 1 < len(words):
            apart = len(units(text)) + len(units(words[place + 1][0]))
            if 0 < len(units(whole)) < apart:
                text, covered = whole, range(place, place + 2)
        pairs = zip(units(text), units(text, fold=False), strict=True)
        found += [
            Spot(one.text, other.text, one.is_run, covered, one.start, one.stop, confidence)
            for one, other in pairs
        ]
        place = covered.stop
    return tuple(found)


# Whether a page fits


def fits(node, page, *, tolerance=0.0, accents=False):
    match node:
        case And(nodes):
            return all(fits(each, page, tolerance=tolerance, accents=accents) for each in nodes)
        case Or(nodes):
            return any(fits(each, page, tolerance=tolerance, accents=accents) for each in nodes)
        case Not(inner):
            return not fits(inner, page, tolerance=tolerance, accents=accents)
        case Phrase():
            return bool(standing(node, page, tolerance, accents))
        case _:
            return fits_field(node, page)


def fits_field(node, page):
    match node:
        case InDocument(document=document):
            return page.document.id == document
        case InLanguage(code=code):
            return code in page.languages
        case OnPage(first=first, last=last):
            return first <= page.number <= (inf if last is None else last)
        case Between():
            date, added = page.document.description.date, page.document.added
            time = date if node.field == "date" else added
            return time is not None and is_between(time.isoformat(), node)
        case Described():
            return is_described(node, page.document)


def is_between(text, node):
    return (node.first is None or text >= node.first) and (node.after is None or text < node.after)


def is_described(node, document):
    values = {
        "title": document.description.title,
        "source": document.source or "",
        **document.description.metadata,
    }
    there = [(unit.text, unit.is_run) for unit in units(values.get(node.field, ""))]
    return bool(rows(characters(node.words, node.is_run), there, prefix=node.prefix))


def characters(words, is_run):
    """Words, and runs as their characters."""
    pairs = zip(words, is_run, strict=True)
    return [(part, run) for word, run in pairs for part in (word if run else [word])]


def rows(wanted, there, *, prefix):
    """Where everything that is wanted stands in a row."""

    def same(place, found):
        (text, run), (other, other_run) = wanted[place], found
        if run != other_run:
            return False
        last = place == len(wanted) - 1
        return other.startswith(text) if prefix and last and not run else other == text

    return [
        start
        for start in range(len(there) - len(wanted) + 1)
        if all(same(place, there[start + place]) for place in range(len(wanted)))
    ]


# Where it fits


def places(node, page, *, tolerance=0.0, accents=False):
    """For each place of what is not denied the ways in which it stands there, all equally good."""
    match node:
        case And(nodes) | Or(nodes):
            return [
                found
                for each in nodes
                for found in places(each, page, tolerance=tolerance, accents=accents)
            ]
        case Phrase():
            return standing(node, page, tolerance, accents)
        case _:
            return []


def standing(phrase, page, tolerance, accents):
    allowed = tolerance if phrase.tolerance is None else phrase.tolerance
    if allowed > 0 and not phrase.prefix and not any(phrase.is_run):
        return tolerant(phrase.words, page, allowed)
    wanted = characters(phrase.exact if accents else phrase.words, phrase.is_run)
    there = [(spot.exact if accents else spot.text, spot.is_run) for spot in page.spots]
    return [
        [Found(parts_of(page, start, start + len(wanted)), 0.0)]
        for start in rows(wanted, there, prefix=phrase.prefix)
    ]


def parts_of(page, start, stop, skipped=0, taken=None):
    """The words that spots are of, with the characters that they take of each."""
    spots = page.spots[start:stop]
    covered = defaultdict(list)
    for spot in spots:
        covered[spot.words].append(spot)
    parts = []
    for words, own in covered.items():
        first, rest = (*(page.texts[word] for word in words), "")[:2]
        cut = len(first) if len(words) == 1 else len(first) - 1
        text = first[:cut] + rest
        begin, end = 0, len(text)
        if len(own) < len(page.of_words[words.start]):
            begin, end = own[0].start, own[-1].stop
        if skipped and own[0] is spots[0]:
            begin = own[0].start + before_letter(text[own[0].start : own[0].stop], skipped)
        if taken is not None and own[-1] is spots[-1]:
            end = own[-1].start + behind_letter(text[own[-1].start : own[-1].stop], taken)
        if begin < cut:
            parts.append((words.start, begin, len(first) if end > cut else end))
        if end > cut:
            parts.append((words.start + 1, max(0, begin - cut), end - cut))
    return tuple(parts)


def before_letter(text, letters):
    """How many characters stand before what follows so many letters of the normal form."""
    return max(end for end in range(len(text)) if len(normal(text[:end])) <= letters)


def behind_letter(text, letters):
    """How many characters have so many letters of the normal form, with the marks on the last."""
    end = min(end for end in range(len(text) + 1) if len(normal(text[:end])) >= letters)
    while end < len(text) and combining(text[end]):
        end += 1
    return end


def tolerant(words, page, allowed):
    found = []
    for start in range(len(page.spots)):
        ways = [way for way in ways_from(words, page, 0, start) if way[1] <= allowed + EPSILON]
        least = min((cost for _, cost, _, _ in ways), default=None)
        if least is not None:
            found.append(
                [
                    Found(parts_of(page, start, stop, skipped, taken), cost, loose=True)
                    for stop, cost, skipped, taken in ways
                    if cost <= least + EPSILON
                ]
            )
    return found


def ways_from(words, page, word, place):
    """All ways in which the words stand from a place on: the end, the cost, what is cut off."""
    if word == len(words):
        return [(place, 0.0, 0, None)]
    found = []
    for more, stop, cost, skipped, taken in ways_of(words, page, word, place):
        if cost == inf:
            continue
        own = page.spots[place:stop]
        sure = {spot.words.start: spot.confidence for spot in own}
        doubt = max(0.5, min(1.0, sum(sure.values()) / len(sure)))
        found += [
            (end, cost * doubt + rest, skipped, taken if end == stop else cut)
            for end, rest, _, cut in ways_from(words, page, word + more, stop)
        ]
    return found


def ways_of(words, page, word, place):
    """What one spot, or two, may stand for: so many words, up to there, at that cost."""
    if place >= len(page.spots) or page.spots[place].is_run:
        return
    wanted, text = words[word], page.spots[place].text
    yield 1, place + 1, reading(wanted, text, len(wanted) >= ODD_FROM), 0, None
    if word + 1 < len(words):
        yield 2, place + 1, JOINED + reading(wanted + words[word + 1], text, False), 0, None
    if place + 1 < len(page.spots) and not page.spots[place + 1].is_run:
        after = page.spots[place + 1].text
        for cut in range(1, len(wanted)):
            cost = reading(wanted[:cut], text, False) + reading(wanted[cut:], after, False)
            yield 1, place + 2, BROKEN + cost, 0, None
    if len(wanted) >= JOINED_FROM:
        for cut in range(1, len(text)):
            before, behind = text[:cut], text[cut:]
            if word == 0 and len(before) >= REST_FROM and before in page.terms:
                yield 1, place + 1, JOINED + reading(wanted, behind, False), cut, None
            if word == len(words) - 1 and len(behind) >= REST_FROM and behind in page.terms:
                yield 1, place + 1, JOINED + reading(wanted, before, False), 0, cut


@cache
def reading(word, read, odd):
    """What it costs to take a word for another."""
    if not word and not read:
        return 0.0
    ways = []
    if word[:1] == read[:1]:
        ways.append(reading(word[1:], read[1:], odd))
    for pair in CONFUSIONS:
        for one, other in (pair, pair[::-1]):
            if word.startswith(one) and read.startswith(other):
                ways.append(CONFUSION + reading(word[len(one) :], read[len(other) :], odd))
    if odd and word and read:
        ways.append(ODD + reading(word[1:], read[1:], False))
    if odd and word:
        ways.append(ODD + reading(word[1:], read, False))
    if odd and read:
        ways.append(ODD + reading(word, read[1:], False))
    return min(ways, default=inf)
