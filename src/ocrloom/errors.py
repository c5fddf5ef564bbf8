"""Everything that ocrloom raises, under one root.

    OcrException                        exit  http
    ├── OcrSourceError                    10   422   the input cannot be had
    │   ├── OcrSourceNotFound             11   404
    │   ├── OcrSourceIsDirectory          12   422
    │   ├── OcrSourceNotAFile             13   422   FIFO, device, socket
    │   ├── OcrSourceUnreadable           14   403   permissions, input/output errors
    │   └── OcrSourceEmpty                15   422   zero bytes
    ├── OcrImageError                     20   422   the input is no image that can be read
    │   ├── OcrFormatError                21   415   not an image, or a format that is not allowed
    │   ├── OcrDamagedImage               22   422   cut short or broken inside
    │   ├── OcrImageTooLarge              23   413   over a limit on pixels, frames or bytes
    │   └── OcrPasswordError              24   422   a PDF wants a password, or another one
    ├── OcrOptionError                    30   422   an option has a value it cannot have
    │   ├── OcrUnknownLanguage            31   422
    │   └── OcrQueryError                 32   422   a search that is not written as searches are
    ├── OcrLanguageNotInstalled           40   422   known, but its recogniser is not installed
    ├── OcrEngineError                    50   500   the models or the inference runtime failed
    │   ├── OcrReaderLost                 51   500   the processes that read it were killed
    │   └── OcrClusterUnavailable         52   503   a cluster cannot be reached
    ├── OcrOutputError                    60   500   a result could not be written
    ├── OcrPagesFailed                    61   422   some of a source's pages could not be read
    ├── OcrStopped                        70   503   ended before all pages were read
    │   ├── OcrTimeout                    71   504   the time that was given has passed
    │   └── OcrCancelled                  72   499   somebody cancelled it
    ├── OcrLibraryError                   80   500   a library failed
    │   ├── OcrLibraryUnavailable         81   503   cannot be opened, reached or written to now
    │   ├── OcrLibraryFull                82   507   its disk has no room
    │   ├── OcrLibraryDamaged             83   500   its database is broken, or is none
    │   └── OcrNotInLibrary               84   404   it has no such document or page
    ├── OcrServiceError                   90   500   a service could not do what it was asked for
    │   ├── OcrNetworkError               91   502   it cannot be reached, or answered nonsense
    │   ├── OcrUnauthorized               92   401   it wants an API key, or another one
    │   ├── OcrForbidden                  93   403   it does not do that, or not for this caller
    │   ├── OcrRequestError               94   400   it was asked in a way that it does not know
    │   ├── OcrServiceBusy                95   429   its queue is full, or it was asked too often
    │   └── OcrServiceUnavailable         96   503   it is ending, or cannot read at the moment
    └── OcrJobError                       100  409   a job cannot be had, or is not as far as that
        ├── OcrJobNotFound                101  404   the service has no such job
        ├── OcrJobExpired                 102  410   it has forgotten what the job has read
        ├── OcrJobNotReady                103  409   the job is not done yet
        ├── OcrJobEnded                   104  409   the job is done already
        └── OcrIdempotencyMismatch        105  422   the same key came with something else before

``exit_code`` is what the command line ends with, ``http_status`` what the service answers.
A message says what was expected, what was found and what to do next; it is complete when
the exception is raised, so printing it needs nothing else.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from ocrloom.result import OcrResult, PageFailure

__all__ = [
    "OcrCancelled",
    "OcrClusterUnavailable",
    "OcrDamagedImage",
    "OcrEngineError",
    "OcrException",
    "OcrForbidden",
    "OcrFormatError",
    "OcrIdempotencyMismatch",
    "OcrImageError",
    "OcrImageTooLarge",
    "OcrJobEnded",
    "OcrJobError",
    "OcrJobExpired",
    "OcrJobNotFound",
    "OcrJobNotReady",
    "OcrLanguageNotInstalled",
    "OcrLibraryDamaged",
    "OcrLibraryError",
    "OcrLibraryFull",
    "OcrLibraryUnavailable",
    "OcrNetworkError",
    "OcrNotInLibrary",
    "OcrOptionError",
    "OcrOutputError",
    "OcrPagesFailed",
    "OcrPasswordError",
    "OcrQueryError",
    "OcrReaderLost",
    "OcrRequestError",
    "OcrServiceBusy",
    "OcrServiceError",
    "OcrServiceUnavailable",
    "OcrSourceEmpty",
    "OcrSourceError",
    "OcrSourceIsDirectory",
    "OcrSourceNotAFile",
    "OcrSourceNotFound",
    "OcrSourceUnreadable",
    "OcrStopped",
    "OcrTimeout",
    "OcrUnauthorized",
    "OcrUnknownLanguage",
]


class OcrException(Exception):
    """Root of all errors that ocrloom raises on purpose."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500


class OcrSourceError(OcrException):
    """The input cannot be had."""

    exit_code = 10
    http_status = 422


class OcrSourceNotFound(OcrSourceError):
    """No file of that name."""

    exit_code = 11
    http_status = 404


class OcrSourceIsDirectory(OcrSourceError):
    """A folder was given where one file was expected."""

    exit_code = 12


class OcrSourceNotAFile(OcrSourceError):
    """A FIFO, a device or a socket, which may never end."""

    exit_code = 13


class OcrSourceUnreadable(OcrSourceError):
    """The file exists and cannot be read: permissions or an input/output error."""

    exit_code = 14
    http_status = 403


class OcrSourceEmpty(OcrSourceError):
    """Zero bytes, or an array without pixels."""

    exit_code = 15


class OcrImageError(OcrException):
    """The input is no image that can be read."""

    exit_code = 20
    http_status = 422


class OcrFormatError(OcrImageError):
    """Not an image, or an image format that is not on the list of allowed ones."""

    exit_code = 21
    http_status = 415


class OcrDamagedImage(OcrImageError):
    """An image of a known format that is cut short or broken inside."""

    exit_code = 22


class OcrImageTooLarge(OcrImageError):
    """Over one of the limits on pixels, frames or bytes."""

    exit_code = 23
    http_status = 413


class OcrPasswordError(OcrImageError):
    """A PDF that is encrypted, and the password is missing or wrong."""

    exit_code = 24


class OcrOptionError(OcrException):
    """An option has a value that it cannot have."""

    exit_code = 30
    http_status = 422


class OcrUnknownLanguage(OcrOptionError):
    """A name or code that belongs to no language in the list."""

    exit_code = 31


class OcrQueryError(OcrOptionError):
    """A search that is not written as searches are; ``place`` says where."""

    exit_code = 32

    place: int = 0
    """Characters of the search before the one that was not expected."""


class OcrLanguageNotInstalled(OcrException):
    """The language is known, but nothing that is installed can read it."""

    exit_code = 40
    http_status = 422


class OcrEngineError(OcrException):
    """The models are missing or changed, or the inference runtime failed."""

    exit_code = 50


class OcrReaderLost(OcrEngineError):
    """The process on a cluster that read it ended unexpectedly, as often as it was tried again."""

    exit_code = 51


class OcrClusterUnavailable(OcrEngineError):
    """A cluster cannot be reached, or cannot run what reads."""

    exit_code = 52
    http_status = 503


class OcrOutputError(OcrException):
    """A result could not be written."""

    exit_code = 60


class OcrPagesFailed(OcrException):
    """Some of a source's pages could not be read; raised after the others, where they stream."""

    exit_code = 61
    http_status = 422

    failures: tuple[PageFailure, ...] = ()
    """One for each page that could not be read."""

    @classmethod
    def of(cls, name: str | None, failures: Iterable[PageFailure]) -> Self:
        """The exception that tells of them."""
        failed = tuple(failures)
        error = cls(
            f"{name or 'the image'}: {len(failed)} pages could not be read and all others were; "
            f"the first of them: {failed[0].message}"
        )
        error.failures = failed
        return error


class OcrStopped(OcrException):
    """Reading ended before all pages were read; what was finished is in ``partial``."""

    exit_code = 70
    http_status = 503

    partial: OcrResult | None = None
    """The pages that were finished, in their order; None where not even a source was opened."""


class OcrTimeout(OcrStopped):
    """The time that ``OcrOptions.timeout`` gives has passed."""

    exit_code = 71
    http_status = 504


class OcrCancelled(OcrStopped, concurrent.futures.CancelledError, asyncio.CancelledError):
    """The reading was cancelled, or its engine was closed.

    Also what both futures of the standard library raise, so code that expects theirs works.
    """

    exit_code = 72
    http_status = 499


class OcrLibraryError(OcrException):
    """A library could not do what it was asked for."""

    exit_code = 80


class OcrLibraryUnavailable(OcrLibraryError):
    """The database cannot be opened, reached or written to now."""

    exit_code = 81
    http_status = 503


class OcrLibraryFull(OcrLibraryError):
    """The disk has no room for what was to be written; nothing of it was."""

    exit_code = 82
    http_status = 507


class OcrLibraryDamaged(OcrLibraryError):
    """The database is broken, or the file is no database of ours."""

    exit_code = 83


class OcrNotInLibrary(OcrLibraryError):
    """The library has no such document or page."""

    exit_code = 84
    http_status = 404


class OcrServiceError(OcrException):
    """A service could not do what it was asked for."""

    exit_code = 90


class OcrNetworkError(OcrServiceError):
    """A service cannot be reached, broke off, or answered what no service of ours does."""

    exit_code = 91
    http_status = 502


class OcrUnauthorized(OcrServiceError):
    """The service wants an API key, or another one."""

    exit_code = 92
    http_status = 401


class OcrForbidden(OcrServiceError):
    """The service does not do that, or not for this caller."""

    exit_code = 93
    http_status = 403


class OcrRequestError(OcrServiceError):
    """The service was asked in a way that it does not know."""

    exit_code = 94
    http_status = 400


class OcrServiceBusy(OcrServiceError):
    """The queue is full, or too much was asked for in too short a time."""

    exit_code = 95
    http_status = 429

    retry_after: float = 1.0
    """Seconds after which it may be tried again."""


class OcrServiceUnavailable(OcrServiceError):
    """The service is ending, or cannot read at the moment."""

    exit_code = 96
    http_status = 503

    retry_after: float = 5.0
    """Seconds after which it may be tried again."""


class OcrJobError(OcrException):
    """A job cannot be had, or is not as far as what was asked for."""

    exit_code = 100
    http_status = 409


class OcrJobNotFound(OcrJobError):
    """The service has no such job, or has it no more."""

    exit_code = 101
    http_status = 404


class OcrJobExpired(OcrJobError):
    """The job was done so long ago that the service has forgotten what it read."""

    exit_code = 102
    http_status = 410


class OcrJobNotReady(OcrJobError):
    """The job is not done yet."""

    exit_code = 103

    retry_after: float = 1.0
    """Seconds after which it may be tried again."""


class OcrJobEnded(OcrJobError):
    """The job is done already, so there is nothing to cancel."""

    exit_code = 104


class OcrIdempotencyMismatch(OcrJobError):
    """The same idempotency key came with another request before."""

    exit_code = 105
    http_status = 422
