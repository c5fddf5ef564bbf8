"""Options of a recognition, as frozen keyword-only dataclasses.

The command line's flags and their defaults are derived from these fields; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, TypeGuard

from ocrloom.errors import OcrOptionError
from ocrloom.languages import Language, LanguageLike, parse_languages
from ocrloom.selection import check_pages

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Limits", "OcrOptions", "PdfOptions", "TextLayer"]

_DPI = range(10, 2401)  # no page is readable below, and no scanner goes above


# Above the classes, for the default options are made with them.
def _is_over_zero(value: object) -> TypeGuard[float]:
    """Whether it is a number over 0; NaN, which no clock ever passes, is not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


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
        layer: object = self.text_layer
        known = [each.value for each in TextLayer]
        if not isinstance(layer, str) or layer not in known:
            raise OcrOptionError(f"text_layer must be one of {', '.join(known)}, got {layer!r}")
        object.__setattr__(self, "text_layer", TextLayer(layer))


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrOptions:
    """How a source is read. Immutable; ``dataclasses.replace`` makes a changed copy."""

    languages: tuple[Language, ...] = (Language.AUTO,)
    """Languages of the text: one or several members, names or codes. AUTO finds the script."""
    find_orientation: bool = True
    """Whether pages that lie on their side or upside down are found and read upright."""
    min_confidence: float = 0.5
    """Lines of lower mean confidence, 0..1, are left out as noise; very short ones need more."""
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
        object.__setattr__(self, "languages", parse_languages(given))
        confidence: object = self.min_confidence
        if not isinstance(confidence, (int, float)) or not 0.0 <= confidence <= 1.0:
            raise OcrOptionError(f"min_confidence must lie between 0 and 1, got {confidence!r}")
        timeout: object = self.timeout
        if timeout is not None and not (_is_over_zero(timeout) and timeout < inf):
            raise OcrOptionError(f"timeout must be a number of seconds over 0, got {timeout!r}")
        pages: object = self.pages
        if pages is not None:
            if not isinstance(pages, str):
                raise OcrOptionError(f"pages must be a str such as '1-3,7', got {pages!r}")
            check_pages(pages)
        kinds = (("find_orientation", bool), ("pdf", PdfOptions), ("limits", Limits))
        for name, kind in kinds:
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise OcrOptionError(f"{name} must be a {kind.__name__}, got {value!r}")
