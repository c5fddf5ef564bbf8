"""Threads that do a library's work: one writes, some read, each with a store of its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from ocrloom.errors import OcrLibraryUnavailable
from ocrloom.library.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocrloom.library.storage.base import Store

__all__ = ["Desk"]

T = TypeVar("T")

READERS: Final = 4
"""Searches that run at a time; more wait."""


class Desk:
    """Takes work and gives futures of it; threads and connections come with the first of it."""

    def __init__(self, connect: Callable[[bool], Store]) -> None:
        """Makes an idle one.

        Args:
            connect: Opens a store; told whether it is for writing, which makes what is missing.
        """
        self._connect = connect
        self._lock = threading.Lock()
        self._idle: dict[bool, list[Store]] = {True: [], False: []}
        self._stores: list[Store] = []
        self._threads = {
            True: ThreadPoolExecutor(1, "ocrloom-library-writer"),
            False: ThreadPoolExecutor(READERS, "ocrloom-library-reader"),
        }
        self._closed = False

    def read(self, work: Callable[[Store], T]) -> Pending[T]:
        """Has something read, beside others."""
        return self._begin(work, writes=False)

    def write(self, work: Callable[[Store], T]) -> Pending[T]:
        """Has something written, after what was asked for before."""
        return self._begin(work, writes=True)

    def _begin(self, work: Callable[[Store], T], *, writes: bool) -> Pending[T]:
        pending: Pending[T] = Pending()
        with self._lock:
            if self._closed:
                pending.fail(
                    OcrLibraryUnavailable("the library is closed; open another one of that name")
                )
            else:
                self._threads[writes].submit(self._do, pending, work, writes)
        return pending

    def _do(self, pending: Pending[T], work: Callable[[Store], T], writes: bool) -> None:
        if pending.cancelled():
            pending.drop()
            return
        try:
            store = self._take(writes)
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is asked for
            pending.fail(error)
            return
        store.renew()
        pending.attempt(lambda: work(store), store.interrupt)
        with self._lock:
            self._idle[writes].append(store)

    def _take(self, writes: bool) -> Store:
        with self._lock:
            if self._idle[writes]:
                return self._idle[writes].pop()
        store = self._connect(writes)
        with self._lock:
            self._stores.append(store)
        return store

    def close(self) -> None:
        """Waits for what was begun, then lets the database go; closing again does nothing."""
        with self._lock:
            self._closed = True
        for threads in self._threads.values():
            threads.shutdown()
        with self._lock:
            stores, self._stores = self._stores, []
        for store in stores:
            store.close()
