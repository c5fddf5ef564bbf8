"""The commands below ``keys`` and their flags; what they do is imported when they run."""

# Annotations are not postponed here: Typer reads them at run time.
from typing import Annotated

import typer

from ocrloom.cli.errors import reports_errors
from ocrloom.cli.flags import parse_size
from ocrloom.cli.parameters import Json, Where

__all__ = ["keys_app"]

keys_app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and revoke the keys by which callers of a server are known.",
)


@keys_app.command()
@reports_errors
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it for people.")],
    *,
    library: Where,
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER",
            help="Whose jobs and documents it gives access to; its own by default. Keys of one "
            "owner share them; '' has those that `ocrloom index` stores.",
        ),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Requests a minute; as the server says by default."),
    ] = None,
    max_upload: Annotated[
        int | None,
        typer.Option(
            parser=parse_size, metavar="BYTES", help="Bytes of one upload, such as 50M; the same."
        ),
    ] = None,
    max_queued: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Jobs that may wait or run at a time; the same."),
    ] = None,
) -> None:
    """Make a key and print it, once: nothing can show it again.

    The library is the database of the server, which need not run. Callers send
    the key as `Authorization: Bearer KEY` or as `X-Api-Key: KEY`.

    Example: ocrloom keys create --library scans.db --rate 120 'scanner in room 4'
    """
    from ocrloom.cli.keys import create_key

    create_key(
        library,
        name,
        owner=owner,
        rate=rate,
        max_upload=max_upload,
        max_queued=max_queued,
    )


@keys_app.command("list")
@reports_errors
def list_keys(*, library: Where, json: Json = False) -> None:
    """List all keys, revoked ones too, without their secrets.

    With --json every key is one object on a line of its own.

    Example: ocrloom keys list --library scans.db
    """
    from ocrloom.cli.keys import print_keys

    print_keys(library, as_json=json)


@keys_app.command()
@reports_errors
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="As `ocrloom keys list` shows it.")],
    *,
    library: Where,
) -> None:
    """Take a key back; servers refuse it within five seconds.

    Jobs and documents of its owner stay.

    Example: ocrloom keys revoke --library scans.db 0f3a5c91b2d4
    """
    from ocrloom.cli.keys import revoke_key

    revoke_key(library, key)
