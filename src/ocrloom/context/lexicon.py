"""How likely words are in languages, from the word lists of the package ``wordfreq``.

Its frequencies come from subtitles, encyclopaedias, news and books (Speer, "wordfreq", 2022). A
word that no list has gets a probability by its letters: trigrams of the lists' words, smoothed by
interpolation (Jelinek and Mercer, 1980).
"""

from __future__ import annotations

from collections import defaultdict
from math import inf, log
from typing import TYPE_CHECKING

from ocrloom.context.plausibility import core_of
from ocrloom.languages import Language
from ocrloom.once import once

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Habits", "Lexicon", "lexicon_of"]

_UNKNOWN = log(0.002)  # share of running words that no list has
_OWN = log(1e-4)  # of each of the user's words
_LONGEST = 60  # letters of a compound that is looked for
_PART, _JOINING = 4, log(0.1)  # letters that a part of a compound has at least; how usual it is
_WEIGHTS = (3, 0.6), (2, 0.25), (1, 0.14)  # of so many letters
_LEAST = 1e-5  # probability of a letter that was never seen there
# Where the list is not called by the language's own ISO 639-1 code.
_LISTS = {
    Language.NORWEGIAN: "nb",
    Language.CROATIAN: "sh",
    Language.BOSNIAN: "sh",
    Language.SERBIAN_LATIN: "sh",
    Language.FILIPINO: "fil",
}
# Their lists hold words as a program parts them, which pages do not.
_UNSPACED = frozenset(
    {Language.CHINESE_SIMPLIFIED, Language.CHINESE_TRADITIONAL, Language.JAPANESE, Language.KOREAN}
)
_COMPOUNDING = frozenset(
    {
        *(Language.DANISH, Language.DUTCH, Language.ESTONIAN, Language.FINNISH, Language.GERMAN),
        *(Language.HUNGARIAN, Language.ICELANDIC, Language.NORWEGIAN, Language.SWEDISH),
    }
)
_DOTLESS = frozenset({Language.TURKISH, Language.AZERBAIJANI})


class Lexicon:
    """Words of one or several languages.

    Args:
        lists: For each language its words in lower case with their shares of running text, 0..1.
        habits: Which letters follow which in those languages.
        dotless: Whether I is the capital of ı, as in Turkish.
        compounds: Whether words are made of others without a hyphen, as in German.
        own: Words of the user's.
    """

    def __init__(
        self,
        lists: Sequence[Mapping[str, float]],
        habits: Habits,
        *,
        dotless: bool = False,
        compounds: bool = False,
        own: Iterable[str] = (),
    ) -> None:
        self._lists = lists
        self._habits = habits
        self._dotless = dotless
        self._compounds = compounds
        self._own = frozenset(self.folded(core_of(word)) for word in own)

    @property
    def empty(self) -> bool:
        """Whether there is no word to compare with."""
        return not any(self._lists) and not self._own

    def folded(self, text: str) -> str:
        """The text as the lists have it: in lower case, with straight apostrophes."""
        if self._dotless:
            text = text.replace("İ", "i").replace("I", "ı")
        return text.lower().replace("’", "'")

    def owns(self, word: str) -> bool:
        """Whether a folded word is one of the user's."""
        return word in self._own

    def knows(self, word: str) -> bool:
        """Whether a folded word is in a list."""
        return word in self._own or any(word in words for words in self._lists)

    def likelihood(self, word: str) -> float:
        """Natural logarithm of a folded word's probability."""
        if word in self._own:
            return _OWN
        share = self._share(word)
        if share:
            return log(share)
        return max(_UNKNOWN + self._habits.likelihood(word), self._of_compound(word))

    def _share(self, word: str) -> float:
        return max((words.get(word, 0.0) for words in self._lists), default=0.0)

    def _of_compound(self, word: str) -> float:
        """The same for a word of two others, where they are joined without a hyphen."""
        found = -inf
        if self._compounds and len(word) <= _LONGEST:
            for at in range(_PART, len(word) - _PART + 1):
                shares = self._share(word[:at]) * self._share(word[at:])
                found = max(found, log(shares) + _JOINING if shares else -inf)
        return found

    def with_own(self, words: Iterable[str]) -> Lexicon:
        """The same with words of the user's."""
        words = tuple(words)
        if not words:
            return self
        return Lexicon(
            self._lists,
            self._habits,
            dotless=self._dotless,
            compounds=self._compounds,
            own=words,
        )


class Habits:
    """Which letters follow which in words.

    Args:
        lists: Words in lower case with their shares of running text, 0..1.
    """

    def __init__(self, lists: Iterable[Mapping[str, float]]) -> None:
        # How often runs of one to three letters occur, and how often those before the last.
        self._runs: dict[str, float] = defaultdict(float)
        self._before: dict[str, float] = defaultdict(float)
        for words in lists:
            for word, share in words.items():
                if word.isalpha():
                    # Between counting every word once and counting it as often as it occurs.
                    self._count(word, share**0.5)

    def _count(self, word: str, weight: float) -> None:
        text = _framed(word)
        for end in range(3, len(text) + 1):
            for length in (1, 2, 3):
                self._runs[text[end - length : end]] += weight
                self._before[text[end - length : end - 1]] += weight

    def likelihood(self, word: str) -> float:
        """Natural logarithm of the probability of a word's letters."""
        text = _framed(word)
        total = 0.0
        for end in range(3, len(text) + 1):
            chance = _LEAST
            for length, weight in _WEIGHTS:
                run = text[end - length : end]
                if run in self._runs:
                    chance += weight * self._runs[run] / self._before[run[:-1]]
            total += log(chance)
        return total


def _framed(word: str) -> str:
    return f"\x02\x02{word}\x03"


@once
def _habits_of(codes: tuple[str, ...]) -> Habits:
    return Habits(_list(code, "small") for code in codes)


@once
def _list(code: str, size: str) -> Mapping[str, float]:
    import wordfreq

    words: Mapping[str, float] = wordfreq.get_frequency_dict(code, size)
    return words


@once
def _listed() -> frozenset[str]:
    import wordfreq

    return frozenset(wordfreq.available_languages("best"))


@once
def lexicon_of(languages: tuple[Language, ...]) -> Lexicon:
    """The words of some languages; of those that no list is for, or that have no spaces, none."""
    wanted = (
        _LISTS.get(language) or language.iso639_1
        for language in languages
        if language not in _UNSPACED
    )
    codes = tuple(code for code in dict.fromkeys(wanted) if code in _listed())
    return Lexicon(
        [_list(code, "best") for code in codes],
        _habits_of(codes),
        dotless=not _DOTLESS.isdisjoint(languages),
        compounds=not _COMPOUNDING.isdisjoint(languages),
    )
