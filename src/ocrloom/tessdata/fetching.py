"""Downloading language data into the user's folder, and removing it from there."""

from __future__ import annotations

import http.client
import ipaddress
import os
import urllib.error
import urllib.request
from contextlib import suppress
from time import monotonic
from typing import IO, TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from ocrloom.errors import OcrLanguageNotInstalled, OcrOptionError, OcrOutputError
from ocrloom.saving import replacing
from ocrloom.tessdata.folders import file_name, user_folder
from ocrloom.tessdata.release import ADDRESS, Entry, entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ocrloom.languages import Language

__all__ = ["MIRROR", "fetch", "remove"]

MIRROR = "OCRLOOM_TESSDATA_URL"
"""Environment variable: another address that has the release's files."""

_PATIENCE = 30.0  # seconds without a byte
_LONGEST = 3600.0  # seconds for a file of some megabytes
_CHUNK = 1 << 16


def fetch(
    language: Language, address: str | None = None, tell: Callable[[int], None] = lambda _: None
) -> Path:
    """Downloads the data of a language; what is not the release's file to the bit is not kept.

    Args:
        language: One that the release has data of.
        address: The folder with the files; by default what the variable `MIRROR` says, or the
            release's own. HTTPS, or HTTP on this machine.
        tell: Told the number of bytes after each part.

    Returns:
        The file.

    Raises:
        OcrOptionError: No data is offered for the language, or the address cannot be used.
        OcrLanguageNotInstalled: It could not be downloaded, or another file came.
        OcrOutputError: It could not be written.
    """
    expected = entry(language)
    if expected is None:
        raise OcrOptionError(
            f"{language.english_name}: expected a language with data to download, found none; "
            "run ocrloom languages for the list"
        )
    url = f"{(address or os.environ.get(MIRROR) or ADDRESS).rstrip('/')}/{file_name(language)}"
    _check_address(url)
    target = user_folder() / file_name(language)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            _download(url, expected, file, tell)
    except OSError as error:
        raise OcrOutputError(
            f"{target}: expected to write it, got {error.strerror or error}; make room, or give "
            "yourself the right to write there"
        ) from error
    return target


def remove(language: Language) -> Path:
    """Removes the data of a language from the user's folder; that of the system stays.

    Returns:
        The file that was there.

    Raises:
        OcrOptionError: It is not there.
        OcrOutputError: It cannot be removed.
    """
    folder = user_folder()
    if language.tesseract is None or not (target := folder / file_name(language)).exists():
        raise OcrOptionError(
            f"{language.english_name}: expected its data in {folder}, found none; only what "
            "ocrloom languages add has put there is removed"
        )
    try:
        target.unlink()
    except OSError as error:
        raise OcrOutputError(
            f"{target}: expected to remove it, got {error.strerror}; give yourself the right to "
            "write there"
        ) from error
    return target


def _check_address(url: str) -> None:
    if not _is_allowed(url):
        raise OcrOptionError(
            f"expected an address of language data that begins with https://, got {url!r:.200}"
        )


def _is_allowed(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # What no resolver takes: labels that are empty or too long, letters beyond ASCII.
        (parts.hostname or "").encode("idna")
        url.encode("ascii")
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname))


def _is_here(host: str | None) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host or "").is_loopback
    return host == "localhost"


class _SameRules(urllib.request.HTTPRedirectHandler):
    """Follows to addresses that could have been given themselves."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not _is_allowed(newurl):
            raise _failed(req.full_url, "an answer", f"a redirection to {newurl!r:.200}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, expected: Entry, file: BinaryIO, tell: Callable[[int], None]) -> None:
    hasher = expected.hasher()
    size = 0
    end = monotonic() + _LONGEST
    for part in _parts(url):
        if monotonic() > end:
            raise _failed(url, f"{expected.bytes} bytes", f"{size} in {_LONGEST:.0f} seconds")
        size += len(part)
        if size > expected.bytes:
            break
        hasher.update(part)
        file.write(part)
        tell(len(part))
    if size < expected.bytes:
        raise _failed(url, f"{expected.bytes} bytes", f"{size} before it broke off")
    if size > expected.bytes or hasher.hexdigest() != expected.digest:
        raise _failed(url, f"the file of hash {expected.digest[:16]}…", "another file")


def _parts(url: str) -> Iterator[bytes]:
    opener = urllib.request.build_opener(_SameRules)
    try:
        with opener.open(url, timeout=_PATIENCE) as answer:
            while part := answer.read(_CHUNK):
                yield part
    except urllib.error.HTTPError as error:
        with error:
            raise _failed(url, "the file", f"status {error.code}") from error
    except http.client.IncompleteRead as error:
        yield error.partial
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise _failed(url, "an answer", ascii(str(reason))[1:-1]) from error


def _failed(url: str, wanted: str, found: str) -> OcrLanguageNotInstalled:
    return OcrLanguageNotInstalled(
        f"{url}: expected {wanted}, got {found}; try again, or name an address that has the "
        f"files by --from or the variable {MIRROR}"
    )
