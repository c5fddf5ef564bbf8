"""``OcrEngine``, the public way in: composes the stages and runs them in the scheduler."""

from __future__ import annotations

from ocrloom.engine.engine import OcrEngine
from ocrloom.engine.events import Events
from ocrloom.engine.futures import OcrFuture
from ocrloom.engine.many import OcrOutcome, Outcomes
from ocrloom.engine.streams import PageStream

__all__ = ["Events", "OcrEngine", "OcrFuture", "OcrOutcome", "Outcomes", "PageStream"]
