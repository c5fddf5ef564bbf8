"""What a search asks for, as a tree of plain data. Every page of a library fits it or does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "And",
    "Between",
    "Described",
    "InDocument",
    "InLanguage",
    "Loose",
    "Node",
    "Not",
    "OnPage",
    "Or",
    "OwnedBy",
    "Phrase",
    "Variation",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Words that follow each other on the page; one of them is the usual case."""

    words: tuple[str, ...]
    """As `ocrloom.library.analysis` parts text: words, and runs of Chinese, Japanese, Korean, Thai
    and the like as a whole; accents folded."""
    exact: tuple[str, ...]
    """The same with accents."""
    is_run: tuple[bool, ...]
    """Which of the words are such runs."""
    prefix: bool = False
    """Whether the last word is only the beginning of one; a run always is."""
    tolerance: float | None = None
    """What a match may cost; None where the search as a whole says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """Another way in which some words of a phrase may stand on the page."""

    first: int
    """Place in the phrase of the first word that it stands for, from 0."""
    words: int
    """How many of them it stands for: two where they are joined on the page."""
    tokens: tuple[str, ...]
    """What stands on the page instead: two where the word is broken."""
    cost: float
    """Before the confidence of what stands there is looked at."""
    start: int = 0
    """Of a token that is joined with something else: the first character that belongs to the
    phrase."""
    stop: int | None = None
    """The same: the one after the last character; None where it reaches to the end."""
    is_doubted: bool = False
    """Whether it is near enough only where the recogniser had doubts of the word itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A phrase with all that may stand for it in one library."""

    phrase: Phrase
    tolerance: float
    variations: tuple[Variation, ...]
    """The words themselves are among them, at no cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The title, the source or the metadata of the document has words in a row."""

    field: str
    """``title``, ``source`` or a name in the metadata."""
    words: tuple[str, ...]
    """Folded, as those of a `Phrase`; runs too."""
    is_run: tuple[bool, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InLanguage:
    """The page was read in a language."""

    code: str
    """As `Language.code`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A time of the document lies between two; without one of them there is no such bound."""

    field: str
    """``date`` or ``added``."""
    first: str | None
    """The beginning of it in ISO 8601, such as 2019-05 or 2019-05-01; belongs to it."""
    after: str | None
    """What is later belongs to it no more: 2019-06 is the end of May 2019."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InDocument:
    """The page belongs to a document."""

    document: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPage:
    """The page's number lies between two, both included."""

    first: int
    last: int | None
    """None for no bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedBy:
    """The page belongs to a document of one owner; nothing that people write stands for it."""

    owner: str


@dataclass(frozen=True, slots=True)
class Not:
    """Pages that do not fit something."""

    node: Node


@dataclass(frozen=True, slots=True)
class And:
    """Pages that fit everything."""

    nodes: tuple[Node, ...]
    """Two at least."""


@dataclass(frozen=True, slots=True)
class Or:
    """Pages that fit something."""

    nodes: tuple[Node, ...]
    """Two at least."""


Node: TypeAlias = (
    "Phrase | Loose | Described | InLanguage | Between | InDocument | OnPage | OwnedBy | Not | And"
    " | Or"
)
