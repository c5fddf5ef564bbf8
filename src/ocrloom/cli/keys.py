"""The commands below ``keys``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from ocrloom.cli.documents import existing
from ocrloom.cli.errors import printing
from ocrloom.cli.tables import print_table
from ocrloom.image.source import shown
from ocrloom.service.keys import Keys

if TYPE_CHECKING:
    from ocrloom.service.keys import Key

__all__ = ["create_key", "print_keys", "revoke_key"]

_HEADERS = ("Id", "Name", "Owner", "Created", "Used", "Revoked", "Rate", "Upload", "Queued")


def create_key(
    where: str,
    name: str,
    *,
    owner: str | None,
    rate: int | None,
    max_upload: int | None,
    max_queued: int | None,
) -> None:
    """Makes a key and prints it.

    Args:
        where: The database of a server; it is made if it is not there.
        name: See `Keys.create`; so for the others.
        owner: Whose jobs and documents it gives access to.
        rate: Requests a minute.
        max_upload: Bytes of one upload.
        max_queued: Jobs that may wait or run at a time.

    Raises:
        OcrOptionError: A value cannot be.
        OcrLibraryError: The database cannot be written to.
    """
    with Keys(where) as keys:
        key, text = keys.create(
            name, owner=owner, rate=rate, max_upload=max_upload, max_queued=max_queued
        ).result()
    with printing():
        typer.echo(text)
    # On standard error, so that a pipe gets nothing but the key.
    typer.echo(
        f"Made the key {key.id} for {shown(key.name)}. Keep it well: it cannot be shown again.",
        err=True,
    )


def print_keys(where: str, *, as_json: bool) -> None:
    """Prints all keys.

    Args:
        where: The database of a server.
        as_json: As JSON Lines; otherwise as a table.

    Raises:
        OcrLibraryError: The database cannot be read.
    """
    with Keys(existing(where)) as keys:
        found = keys.list().result()
    if not as_json:
        print_table(_HEADERS, [_row(key) for key in found])
        return
    with printing():
        for key in found:
            typer.echo(json.dumps(_entry(key), ensure_ascii=False))


def revoke_key(where: str, number: str) -> None:
    """Takes a key back.

    Args:
        where: The database of a server.
        number: Id of the key.

    Raises:
        OcrOptionError: There is no such key.
        OcrLibraryError: The database cannot be written to.
    """
    with Keys(existing(where)) as keys:
        key = keys.revoke(number).result()
    typer.echo(f"Revoked the key {key.id} of {shown(key.name)}", err=True)


def _entry(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "owner": key.owner,
        "created": _time(key.created),
        "used": _time(key.used),
        "revoked": _time(key.revoked),
        "rate": key.rate,
        "max_upload": key.max_upload,
        "max_queued": key.max_queued,
    }


def _row(key: Key) -> tuple[str, ...]:
    limits = (key.rate, key.max_upload, key.max_queued)
    return (
        key.id,
        shown(key.name),
        shown(key.owner),
        *(_day(each) for each in (key.created, key.used, key.revoked)),
        *("-" if each is None else str(each) for each in limits),
    )


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _day(seconds: float | None) -> str:
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).date().isoformat()
