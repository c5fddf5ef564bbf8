"""Sources of many frames, and a recogniser that does as it is told."""

from __future__ import annotations

import threading
import time
from collections import Counter

import numpy as np
from image_files import raw_frame, tiff
from steps import LONG, until

import ocrloom.reading
from ocrloom import Page


def frames(count, *, damaged=(), size=(8, 6)):
    """The bytes of a TIFF with so many blank frames, some of which cannot be decoded."""
    width, height = size
    return pages_of([np.full((height, width), 255, np.uint8)] * count, damaged=damaged)


def pages_of(pictures, *, damaged=()):
    """The bytes of a TIFF with a frame for each array; the damaged ones are numbered from 1."""
    made = [raw_frame(pixels, deflate=True) for pixels in pictures]
    for number in damaged:
        made[number - 1].parts = [b"no compressed data"]
    return tiff(*made)


class Recogniser:
    """Stands in for the recognition of pages: notes each, holds it up, or fails it.

    A page is known by its number, so tests with several sources let all of them go.
    """

    def __init__(self, monkeypatch):
        self.begun, self.done, self.threads, self.options = [], [], [], []
        self.errors = {}
        """Page number: what its recognition raises."""
        self.used = []
        """What `watch` found at each page."""
        self.most_at_once = 0
        self._running = Counter()
        self._held = False
        self._free = set()
        self._pool = None
        self._lock = threading.Lock()
        monkeypatch.setattr(ocrloom.reading, "read_frame", self._read)

    def hold(self):
        """From now on pages wait until they are let go; they come to checkpoints meanwhile."""
        self._held = True

    def let(self, *numbers):
        self._free.update(numbers)

    def let_all(self):
        self._held = False

    def watch(self, pool):
        """Notes the bytes in use at each page."""
        self._pool = pool

    def wait_for(self, count):
        """Whether so many pages, and no fewer, are begun in a while."""
        return until(lambda: len(self.begun) >= count)

    def _read(self, frame, options, context):
        number = frame.number
        with self._lock:
            self.begun.append(number)
            self.options.append(options)
            self.threads.append(threading.current_thread())
            self._running["pages"] += 1
            self.most_at_once = max(self.most_at_once, self._running["pages"])
        try:
            return self._finish(number, frame, context)
        finally:
            with self._lock:
                self._running["pages"] -= 1

    def _finish(self, number, frame, context):
        if self._pool is not None:
            self.used.append(self._pool._queue.used)
        while self._held and number not in self._free:
            context.checkpoint()
            time.sleep(0.001)
        context.checkpoint()
        if number in self.errors:
            # A copy, as the one that is raised keeps all frames on the way.
            raise type(self.errors[number])(*self.errors[number].args)
        self.done.append(number)
        width, height = frame.full_size
        return Page(number=number, width=width, height=height)


def numbers(pages):
    """The numbers of pages, or of failures."""
    return [page.number for page in pages]


def running(future):
    """Whether a reading has begun in a while."""
    return until(future.running)


__all__ = ["LONG", "Recogniser", "frames", "numbers", "pages_of", "running", "until"]
