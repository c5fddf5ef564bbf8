"""What ``process_async`` returns: the result that comes, how far it is, and what there is of it."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING

from ocrloom.engine.events import Events
from ocrloom.errors import OcrCancelled
from ocrloom.result import OcrResult
from ocrloom.scheduling.future import Future

if TYPE_CHECKING:
    from ocrloom.engine.protocols import Outcome, Reading
    from ocrloom.progress import Progress

__all__ = ["OcrFuture"]


class OcrFuture(Future[OcrResult]):
    """The result of reading one source.

    ``await`` it in any event loop, or call ``result(timeout=...)`` without one. ``cancel()`` works
    until it is done: what waits is dropped at once, what runs ends within a line of text.
    Cancelling a task that awaits it, as ``asyncio.wait_for`` does, cancels the work too; the task
    then ends with the loop's own ``CancelledError``, and `partial` has what was finished.
    """

    def __init__(self, document: Reading) -> None:
        super().__init__()
        self._document = document
        self.add_done_callback(_stop_if_cancelled)

    @property
    def progress(self) -> Progress:
        """How far the reading has come."""
        return self._document.progress

    @property
    def partial(self) -> OcrResult:
        """The pages that are finished so far; all of them in the end."""
        return self._document.result

    def events(self) -> Events:
        """Progress as it happens, for ``async for`` and for ``for``; ends with the reading."""
        return Events(self._document)

    def running(self) -> bool:
        """Whether its source was opened and it is not done."""
        return self._document.progress.pages is not None and not self.done()

    def result(self, timeout: float | None = None) -> OcrResult:
        """Waits for the result, blocking.

        Args:
            timeout: Seconds to wait; the reading goes on when they have passed.

        Raises:
            OcrException: The source could not be read; `OcrCancelled` and `OcrTimeout`, if
                reading ended early, have what was finished in ``.partial``.
            TimeoutError: It is not done yet.
        """
        try:
            return super().result(timeout)
        finally:
            del self  # as there

    def cancellation(self) -> BaseException:
        """What is raised where the result of a cancelled one is asked for."""
        return self._document.cancelled()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Waits for the end, blocking, and gives the error if there is one.

        Raises:
            OcrCancelled: The reading was cancelled.
            TimeoutError: It is not done yet.
        """
        try:
            return super().exception(timeout)
        except concurrent.futures.CancelledError:
            raise self.cancellation() from None

    # What the document asks and tells

    @property
    def starved(self) -> bool:
        """It waits for all pages alike."""
        return False

    def settled(self, outcome: Outcome) -> None:
        """Nothing to do before the end."""

    def ended(self, error: BaseException | None) -> None:
        """Ends with the result or the error."""
        if isinstance(error, OcrCancelled):
            self.drop()
        elif error is not None:
            self.fail(error)
        else:
            self.settle(self._document.result)


def _stop_if_cancelled(future: concurrent.futures.Future[OcrResult]) -> None:
    if future.cancelled() and isinstance(future, OcrFuture):
        future._document.stop()
