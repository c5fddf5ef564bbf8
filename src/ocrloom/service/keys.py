"""API keys: made, listed, revoked, and looked up for every request.

A key is ``ocrl_<id>_<secret>``. The id is no secret: it names the key in lists. Of the secret the
database has the SHA-256 only. It is 32 random bytes, which nobody finds by trying, so it needs no
slow hash such as passwords do.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ocrloom.engine.closing import Closing
from ocrloom.errors import OcrOptionError
from ocrloom.library import opening
from ocrloom.library.desk import Desk
from ocrloom.library.owners import check_owner

if TYPE_CHECKING:
    import os

    from ocrloom.library.pending import Pending
    from ocrloom.library.storage.base import Store

__all__ = ["ANYBODY", "Caller", "Key", "Keys"]

_FORM: Final = re.compile(r"ocrl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_KNOWN: Final = 3.0  # seconds for which what was looked up is taken for true
_NOTED: Final = 60.0  # seconds between two notes of when a key was used
_REMEMBERED: Final = 10_000  # ids, those that nobody has included
_LONGEST: Final = 200  # characters of a name
_MOST: Final = 2**63 - 1  # that a database can hold
_COLUMNS: Final = "id, name, owner, created, used, revoked, rate, max_upload, max_queued"
_ALL: Final = f"SELECT {_COLUMNS}, hash FROM keys"  # noqa: S608  # nothing in it is given


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks for something, and what they may."""

    owner: str = ""
    """Whose jobs and documents they are: empty for callers without a key, who share those that
    ``ocrloom index`` has stored."""
    key: str | None = None
    """Id of the key; None without one."""
    name: str = ""
    """Of the key."""
    rate: int | None = None
    """Requests a minute; None for as many as the service allows everybody."""
    max_upload: int | None = None
    """Bytes of one upload; the same."""
    max_queued: int | None = None
    """Jobs that may wait or run at a time; the same."""


ANYBODY: Final = Caller()
"""Who has no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What is known of a key. Times are seconds since 1970, in UTC."""

    id: str
    name: str
    owner: str
    """Whose jobs and documents it gives access to."""
    created: float
    used: float | None = None
    """When it was last used, to a minute."""
    revoked: float | None = None
    """When it was taken back; None while it is good."""
    rate: int | None = None
    max_upload: int | None = None
    max_queued: int | None = None

    @property
    def caller(self) -> Caller:
        """Who uses it."""
        return Caller(
            owner=self.owner,
            key=self.id,
            name=self.name,
            rate=self.rate,
            max_upload=self.max_upload,
            max_queued=self.max_queued,
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found for an id."""

    key: Key | None
    hash: str
    until: float  # by the monotonic clock


class Keys(Closing):
    """The keys of a service, in the database of its library."""

    def __init__(self, where: str | os.PathLike[str]) -> None:
        """Names the database; it is opened by the first call.

        Args:
            where: As for `Library`.

        Raises:
            OcrOptionError: It is no name of a library.
        """
        # Of its own, so that no request waits for the searches that others have asked for.
        self._desk = Desk(opening.connector(opening.checked(where)))
        self._known: dict[str, _Known] = {}
        self._noted: dict[str, float] = {}

    def create(
        self,
        name: str,
        *,
        owner: str | None = None,
        rate: int | None = None,
        max_upload: int | None = None,
        max_queued: int | None = None,
    ) -> Pending[tuple[Key, str]]:
        """Makes a key.

        Args:
            name: What to call it for people.
            owner: Whose jobs and documents it gives access to; its own if not given. Keys of one
                owner share them, and those of the owner ``""`` see what ``ocrloom index`` stores.
            rate: Requests a minute; as all others if not given.
            max_upload: Bytes of one upload; the same.
            max_queued: Jobs that may wait or run at a time; the same.

        Returns:
            The key, and its text, which nobody can find out again.

        Raises:
            OcrOptionError: A value cannot be; at once.
        """
        _check_name(name)
        limits = {"rate": rate, "max_upload": max_upload, "max_queued": max_queued}
        for limit, value in limits.items():
            _check_limit(limit, value)
        number = secrets.token_hex(_ID_BYTES)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        whose = number if owner is None else check_owner(owner)
        key = Key(id=number, name=name, owner=whose, created=time.time(), **limits)

        def create(store: Store) -> tuple[Key, str]:
            with store.brief():
                store.run(
                    "INSERT INTO keys (id, name, owner, hash, created, rate, max_upload,"
                    " max_queued) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [number, name, whose, _hash(secret), key.created, *limits.values()],
                )
            return key, f"ocrl_{number}_{secret}"

        return self._desk.write(create)

    def list(self) -> Pending[list[Key]]:
        """All keys, revoked ones too, in the order in which they were made."""
        return self._desk.read(
            lambda store: [_key(row) for row in store.run(f"{_ALL} ORDER BY created, id")]
        )

    def revoke(self, number: str) -> Pending[Key]:
        """Takes a key back; every server refuses it within five seconds.

        Args:
            number: Its id.

        Returns:
            The key as it is now; as it was if it had been revoked before.

        Raises:
            OcrOptionError: There is no such key.
        """

        def revoke(store: Store) -> Key:
            with store.brief():
                store.run(
                    "UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL",
                    [time.time(), number],
                )
                rows = store.run(f"{_ALL} WHERE id = ?", [number])
            if not rows:
                raise OcrOptionError(
                    f"there is no key {number!r:.60}; name one by its id, which"
                    " `ocrloom keys list` shows"
                )
            self._known.pop(number, None)
            return _key(rows[0])

        return self._desk.write(revoke)

    async def check(self, text: str) -> Caller | None:
        """Who has a key, if it is a good one.

        Args:
            text: What was given for a key.

        Raises:
            OcrLibraryError: The database cannot be asked.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            return None
        number, secret = form.groups()
        known = self._known.get(number)
        if known is None or known.until < time.monotonic():
            known = await self._look_up(number)
        # Also where there is no such key, so that both take the same time.
        is_right = hmac.compare_digest(known.hash, _hash(secret))
        if not is_right or known.key is None or known.key.revoked is not None:
            return None
        self._note(known.key)
        return known.key.caller

    async def _look_up(self, number: str) -> _Known:
        rows = await self._desk.read(lambda store: store.run(f"{_ALL} WHERE id = ?", [number]))
        until = time.monotonic() + _KNOWN
        if rows:
            known = _Known(_key(rows[0]), rows[0][-1], until)
        else:
            known = _Known(None, _hash(""), until)
        self._known.pop(number, None)
        while len(self._known) >= _REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[number] = known
        return known

    def _note(self, key: Key) -> None:
        """Notes that a key is used, without anybody waiting for it."""
        now = time.time()
        last = max(self._noted.get(key.id, 0.0), key.used or 0.0)
        if last > now - _NOTED:
            return
        self._noted[key.id] = now

        def note(store: Store) -> None:
            with store.brief():
                store.run("UPDATE keys SET used = ? WHERE id = ?", [now, key.id])

        self._desk.write(note)

    def close(self) -> None:
        """Lets the database go."""
        self._desk.close()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: tuple[Any, ...]) -> Key:
    names = (name.strip() for name in _COLUMNS.split(","))
    return Key(**dict(zip(names, row[:-1], strict=True)))


def _check_name(name: object) -> None:
    is_text = isinstance(name, str) and name.strip() and name.isprintable()
    if not is_text or len(str(name)) > _LONGEST:
        raise OcrOptionError(
            f"the name of a key must be 1 to {_LONGEST} printable characters, got {name!r:.60}"
        )


def _check_limit(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST:
        raise OcrOptionError(f"{name} must be a whole number of at least 1 or None, got {value!r}")
