"""Options of a recognition, as frozen keyword-only dataclasses.

The command line's flags and their defaults are derived from these fields; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf
from typing import TYPE_CHECKING

from ocrloom.errors import OcrOptionError
from ocrloom.languages import Language, LanguageLike, parse_languages

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Limits", "OcrOptions"]


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
                # Not NaN either, which no clock ever passes.
                if not isinstance(value, (int, float)) or isinstance(value, bool) or not value > 0:
                    raise OcrOptionError(f"{limit.name} must be a number over 0, got {value!r}")
            elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise OcrOptionError(
                    f"{limit.name} must be a whole number of at least 1, got {value!r}"
                )


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
    limits: Limits = Limits()
    """Limits for sources that the engine opens itself."""

    def __post_init__(self) -> None:
        given: LanguageLike | Iterable[LanguageLike] = self.languages
        object.__setattr__(self, "languages", parse_languages(given))
        confidence: object = self.min_confidence
        if not isinstance(confidence, (int, float)) or not 0.0 <= confidence <= 1.0:
            raise OcrOptionError(f"min_confidence must lie between 0 and 1, got {confidence!r}")
        timeout: object = self.timeout
        number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
        if timeout is not None and not (number and 0 < timeout < inf):  # type: ignore[operator]
            raise OcrOptionError(f"timeout must be a number of seconds over 0, got {timeout!r}")
        for name, kind in (("find_orientation", bool), ("limits", Limits)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise OcrOptionError(f"{name} must be a {kind.__name__}, got {value!r}")
