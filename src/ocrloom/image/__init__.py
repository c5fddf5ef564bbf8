"""Lazy sources of pages: what was given is checked at once and decoded frame by frame later.

Importing this package loads neither NumPy nor Pillow nor OpenCV.
"""

from __future__ import annotations

from ocrloom.image.lazy import Extent, Frame, Image, Reader
from ocrloom.image.text import PageText, Stretch, TextReader

__all__ = ["Extent", "Frame", "Image", "PageText", "Reader", "Stretch", "TextReader"]
