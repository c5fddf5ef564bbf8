"""The commands below ``library``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from ocrloom.cli.documents import existing, find_document
from ocrloom.cli.errors import exit_code, explain, printing
from ocrloom.cli.outputs import Files, StandardOutput, choose_formats, choose_targets
from ocrloom.cli.streams import own_streams
from ocrloom.cli.tables import print_table
from ocrloom.cli.waiting import waiting
from ocrloom.errors import OcrException
from ocrloom.image import Image
from ocrloom.image.source import shown
from ocrloom.library import Description, Library
from ocrloom.library.keeping import source_of
from ocrloom.options import PdfOptions

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from ocrloom.cli.outputs import Sink
    from ocrloom.formats import Format
    from ocrloom.image.lazy import ImageLike
    from ocrloom.library import Document

__all__ = [
    "check_library",
    "describe_document",
    "export_document",
    "print_documents",
    "print_stats",
    "remove_documents",
]


def print_stats(where: str, *, as_json: bool) -> None:
    """Prints how much is in a library.

    Args:
        where: The library.
        as_json: As one JSON object; otherwise as a table.

    Raises:
        OcrLibraryError: It cannot be opened.
    """
    with Library(existing(where)) as library:
        stats = asdict(library.stats().result())
    if as_json:
        _print_json(stats)
        return
    rows = [(name.replace("_", " "), str(value)) for name, value in stats.items()]
    print_table(("What", "How much"), rows)


def print_documents(where: str, *, as_json: bool) -> None:
    """Prints all documents of a library.

    Args:
        where: The library.
        as_json: As JSON Lines; otherwise as a table.

    Raises:
        OcrLibraryError: It cannot be read.
    """
    with Library(existing(where)) as library:
        if as_json:
            with printing():
                for document in library.documents():
                    typer.echo(json.dumps(_entry(document), ensure_ascii=False))
            return
        rows = [_row(document) for document in library.documents()]
    print_table(("Document", "Pages", "Failed", "Languages", "Date", "Added", "Name"), rows)


def _print_json(what: object) -> None:
    with printing():
        typer.echo(json.dumps(what, ensure_ascii=False, indent=2))


def _entry(document: Document) -> dict[str, Any]:
    description = document.description
    return {
        "document": document.id,
        "digest": document.digest,
        "source": document.source,
        "title": description.title,
        "date": description.date and description.date.isoformat(),
        "metadata": dict(description.metadata),
        "pages": document.pages,
        "languages": [language.code for language in document.languages],
        "added": document.added.isoformat(),
        "changed": document.changed.isoformat(),
        "version": document.version,
        "failures": [
            {"number": each.number, "kind": each.kind, "message": each.message}
            for each in document.failures
        ],
        "kept": document.kept,
        "owner": document.owner,
    }


def _row(document: Document) -> tuple[str, ...]:
    date = document.description.date
    return (
        str(document.id),
        str(document.pages),
        str(len(document.failures) or "-"),
        ",".join(language.code for language in document.languages) or "-",
        "-" if date is None else date.isoformat(),
        document.added.date().isoformat(),
        shown(document.name),
    )


def describe_document(
    where: str,
    name: str,
    *,
    title: str | None,
    date: dt.date | None,
    dated: bool,
    metadata: Mapping[str, str],
) -> None:
    """Changes what is said of a document.

    Args:
        where: The library.
        name: See `find_document`.
        title: Its title; it stays as it is if not given.
        date: Its day, or None to take it away.
        dated: Whether the day is given.
        metadata: Added to what there is; an empty value takes one away.

    Raises:
        OcrException: There is no such document, or it cannot be described so.
    """
    with Library(existing(where)) as library:
        document = find_document(library, name)
        before = document.description
        values = {**before.metadata, **metadata}
        description = Description(
            title=before.title if title is None else title,
            date=date if dated else before.date,
            metadata={key: value for key, value in values.items() if value or key not in metadata},
        )
        library.describe(document.id, description).result()


def remove_documents(where: str, names: Sequence[str], *, keep: str | None) -> int:
    """Removes documents; one that is not there does not stop the others.

    Args:
        where: The library.
        names: See `find_document`.
        keep: Folder of the library's copies.

    Returns:
        0, or the exit code of the first that could not be removed.
    """
    code = 0
    with Library(existing(where), keep=keep) as library:
        for name in names:
            try:
                document = find_document(library, name)
                library.remove(document.id).result()
            except OcrException as error:
                code = code or exit_code(error)
                typer.echo(explain(error), err=True)
            else:
                typer.echo(f"Removed document {document.id}: {shown(document.name)}", err=True)
                if document.kept is not None and keep is None:
                    typer.echo(
                        f"ocrloom: its copy {document.kept} stays; name the folder with --keep, "
                        "and `ocrloom library check --remove-orphans` removes such copies",
                        err=True,
                    )
    return code


def export_document(
    where: str,
    name: str,
    *,
    formats: Sequence[Format],
    output: str,
    keep: str | None,
    password: str | None,
    progress: bool,
) -> None:
    """Writes a document in other formats.

    Args:
        where: The library.
        name: See `find_document`.
        formats: What to write; by the output's ending if there are none.
        output: As the user named it.
        keep: Folder of the library's copies.
        password: Opens what was read, for a format that shows it.
        progress: Whether it may be shown that this takes a while.

    Raises:
        OcrException: There is no such document, or it cannot be written so.
    """
    with Library(existing(where), keep=keep) as library, waiting("Exporting …", wanted=progress):
        document = find_document(library, name)
        result = library.result(document.id).result()
        file = document.source or f"document-{document.id}"
        chosen = choose_formats((file,), output, formats)
        source: ImageLike = file
        if any(form.needs_source for form in chosen):
            pdf = None if password is None else PdfOptions(password=password)
            source = Image.load(source_of(document, library.keep), pdf=pdf)
        targets = choose_targets((file,), output, chosen)
        with own_streams(chatter=False) as streams:
            sink: Sink
            if targets is None:
                sink = StandardOutput(streams.out, chosen[0], lambda _: None)
            else:
                sink = Files((file,), targets, chosen)
            sink.write(0, result, source)


def check_library(
    where: str, *, keep: str | None, remove_orphans: bool, as_json: bool, progress: bool
) -> int:
    """Prints what is wrong with a library.

    Args:
        where: The library.
        keep: Folder of its copies.
        remove_orphans: Whether copies are removed that belong to no document.
        as_json: As a JSON list of sentences; otherwise one a line.
        progress: Whether it may be shown that this takes a while.

    Returns:
        0 if all is well, 1 otherwise.

    Raises:
        OcrLibraryError: It cannot be opened.
    """
    with Library(existing(where), keep=keep) as library, waiting("Checking …", wanted=progress):
        if remove_orphans:
            removed = library.clean().result()
            for path in removed:
                typer.echo(f"Removed {shown(str(path))}", err=True)
        found = library.check().result()
    if as_json:
        _print_json(found)
        return 1 if found else 0
    with printing():
        for each in found:
            typer.echo(each)
    if not found:
        typer.echo("The library is sound.", err=True)
    return 1 if found else 0
