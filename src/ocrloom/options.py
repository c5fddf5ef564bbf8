"""Options of a recognition, as frozen keyword-only dataclasses.

The command line's flags and their defaults are derived from these fields; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from math import inf
from typing import TypeGuard, TypeVar

from ocrloom.errors import OcrOptionError
from ocrloom.languages import Language, LanguageLike, parse_languages
from ocrloom.region import Region, parse_region
from ocrloom.selection import check_pages

__all__ = ["Limits", "Mode", "OcrOptions", "PdfOptions", "TextLayer"]

_DPI = range(10, 2401)  # no page is readable below, and no scanner goes above

T = TypeVar("T", bound=StrEnum)


# Above the classes, for the default options are made with them.
def _is_over_zero(value: object) -> TypeGuard[float]:
    """Whether it is a number over 0; NaN, which no clock ever passes, is not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def _choice(name: str, kind: type[T], value: object) -> T:
    """The member that a value is or names."""
    known = [each.value for each in kind]
    if not isinstance(value, str) or value not in known:
        raise OcrOptionError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return kind(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a source may claim and take."""

    max_pixels: int = 1_000_000_000
    """Pixels of one frame, width × height."""
    max_frames: int = 10_000
    """Frames of one source."""
    max_bytes: int = 2 * 1024**3
    """Size of the encoded source in bytes."""
    max_decode_seconds: float = 120.0
    """Seconds that decoding one frame may take."""

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if limit.name == "max_decode_seconds":
                if not _is_over_zero(value):
                    raise OcrOptionError(f"{limit.name} must be a number over 0, got {value!r}")
            elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise OcrOptionError(
                    f"{limit.name} must be a whole number of at least 1, got {value!r}"
                )


class TextLayer(StrEnum):
    """What becomes of the text that a PDF's page holds itself."""

    AUTO = "auto"
    """It is taken as it is where it is good; other pages are recognised."""
    IGNORE = "ignore"
    """Every page is recognised."""
    ONLY = "only"
    """No page is recognised; one without text becomes a page without blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfOptions:
    """How the pages of a PDF become text or pictures. Other sources are not changed by it."""

    password: str | None = field(
        default=None,
        repr=False,
        metadata={"metavar": "PASSWORD", "envvar": "OCRLOOM_PASSWORD"},
    )
    """Opens an encrypted PDF; better kept in the environment, as other users see command lines."""
    dpi: int | None = None
    """Dots per inch at which pages are drawn, 10 to 2400; by default those of the page's own
    picture where it is a scan, and 300 elsewhere."""
    text_layer: TextLayer = TextLayer.AUTO
    """Text that a page holds itself: auto takes it where it is good and recognises other pages,
    ignore recognises all of them, only recognises none."""

    def __post_init__(self) -> None:
        password: object = self.password
        if password is not None and not isinstance(password, str):
            # Not its value, which has no place in a message.
            raise OcrOptionError(f"password must be a str, got {type(password).__name__}")
        dpi: object = self.dpi
        if dpi is not None and (
            not isinstance(dpi, int) or isinstance(dpi, bool) or dpi not in _DPI
        ):
            raise OcrOptionError(
                f"dpi must be a whole number from {_DPI[0]} to {_DPI[-1]}, got {dpi!r}"
            )
        object.__setattr__(self, "text_layer", _choice("text_layer", TextLayer, self.text_layer))


class Mode(StrEnum):
    """What counts more in a recognition, time or text."""

    FAST = "fast"
    """Doubtful lines are left as they were read first."""
    BALANCED = "balanced"
    """Doubtful lines are read once more."""
    BEST = "best"
    """More lines are doubted, and these are read in all ways there are, which takes longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrOptions:
    """How a source is read. Immutable; ``dataclasses.replace`` makes a changed copy."""

    languages: tuple[Language, ...] = (Language.AUTO,)
    """Languages of the text: one or several members, names or codes. AUTO finds the script."""
    mode: Mode = Mode.BALANCED
    """What counts more: fast leaves out second looks, best takes more of them."""
    region: Region | None = field(default=None, metadata={"metavar": "L,T,R,B"})
    """The only part of each page that is read: left, top, right and bottom in pixels of the page as
    a viewer shows it, as four numbers or as '100,200,1600,900'; all of it by default."""
    find_orientation: bool = True
    """Whether pages that lie on their side or upside down are found and read upright."""
    context: bool = True
    """Whether what pixels cannot tell (O and 0, l and 1, capitals, spaces) is settled by the words
    and lines that it stands in; what was read first stays on the word."""
    user_words: tuple[str, ...] = field(default=(), metadata={"metavar": "FILE", "file": True})
    """Words that are likely in the text though no dictionary has them, such as names; on the
    command line a file with one on each line."""
    allowed_characters: str | None = field(default=None, metadata={"metavar": "CHARS"})
    """The only characters that may be read, beside spaces; all of the languages by default."""
    ignored_characters: str = field(default="", metadata={"metavar": "CHARS"})
    """Characters that are never read."""
    join_hyphens: bool = False
    """Whether words that a hyphen parts at the end of a line are whole in the text; the places of
    both parts are kept."""
    min_confidence: float = 0.5
    """Lines whose characters the recogniser gave less on average, 0..1, are left out as noise; very
    short ones need more. That is its own scale, on which most text has over 0.9."""
    min_quality: float = 0.0
    """Pages of which a lower share of characters, 0..1, is expected to be right are marked for
    review."""
    timeout: float | None = None
    """Seconds from the call until a source must be finished; what is not is ended by OcrTimeout."""
    pages: str | None = field(default=None, metadata={"metavar": "PAGES"})
    """Which pages of a source are read, such as 1-3,7 or 5- (to the last one); all by default."""
    pdf: PdfOptions = PdfOptions()
    """How PDFs are read that were loaded without options of their own."""
    limits: Limits = Limits()
    """Limits for sources that the engine opens itself."""

    def __post_init__(self) -> None:
        given: LanguageLike | Iterable[LanguageLike] = self.languages
        checked = {
            "languages": parse_languages(given),
            "mode": _choice("mode", Mode, self.mode),
            "region": parse_region(self.region),
            "user_words": _checked_words(self.user_words),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        _check_characters(self.allowed_characters, self.ignored_characters)
        for name in ("min_confidence", "min_quality"):
            share: object = getattr(self, name)
            if not isinstance(share, (int, float)) or not 0.0 <= share <= 1.0:
                raise OcrOptionError(f"{name} must lie between 0 and 1, got {share!r}")
        timeout: object = self.timeout
        if timeout is not None and not (_is_over_zero(timeout) and timeout < inf):
            raise OcrOptionError(f"timeout must be a number of seconds over 0, got {timeout!r}")
        pages: object = self.pages
        if pages is not None:
            if not isinstance(pages, str):
                raise OcrOptionError(f"pages must be a str such as '1-3,7', got {pages!r}")
            check_pages(pages)
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise OcrOptionError(f"{name} must be a {kind.__name__}, got {value!r}")


_KINDS = {
    "find_orientation": bool,
    "context": bool,
    "join_hyphens": bool,
    "pdf": PdfOptions,
    "limits": Limits,
}
"""Options of which nothing but the class is to be checked."""


def _checked_words(given: object) -> tuple[str, ...]:
    """Words, each once, in the order in which they are given."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise OcrOptionError(f"user_words must be several words, such as ['Ysolde'], got {given!r}")
    words = list(given)
    for word in words:
        if not isinstance(word, str) or len(word.split()) != 1:
            raise OcrOptionError(
                "user_words must be words without white space in them, each a str of its own, got "
                f"{word!r}"
            )
    return tuple(dict.fromkeys(word.strip() for word in words))


def _check_characters(allowed: object, ignored: object) -> None:
    for name, value in (("allowed_characters", allowed), ("ignored_characters", ignored)):
        if not (isinstance(value, str) or (name == "allowed_characters" and value is None)):
            raise OcrOptionError(f"{name} must be a str such as '0123456789', got {value!r}")
        if isinstance(value, str) and any("\ud800" <= mark <= "\udfff" for mark in value):
            raise OcrOptionError(f"{name} must be characters in UTF-8, got {value!r}")
    if isinstance(allowed, str) and not set(allowed) - set(str(ignored)) - set(" "):
        raise OcrOptionError(
            "allowed_characters must leave a character that may be read beside those ignored, got "
            f"{allowed!r}; leave it out to allow all of the languages"
        )
