"""Documents of the library: what is known of them, what was read, pictures of their pages."""

# Annotations are not postponed here: FastAPI reads them at run time.
import asyncio
import datetime as dt
from functools import partial
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from ocrloom.errors import OcrRequestError
from ocrloom.formats.json_ import encode, page_document
from ocrloom.image import Image
from ocrloom.library import Description, Document, Library
from ocrloom.library.keeping import path_of, source_of
from ocrloom.options import Limits
from ocrloom.service.auth import CallerOf
from ocrloom.service.exports import CONTENT, chosen, export
from ocrloom.service.limits import limited
from ocrloom.service.models_library import (
    DocumentChange,
    DocumentList,
    LibraryDocument,
    document_model,
)
from ocrloom.service.pictures import page_image
from ocrloom.service.problems import answers
from ocrloom.service.routes.results import FormatName, OnlyPage, PageNumber, Width
from ocrloom.service.state import Service

__all__ = ["router"]

_MOST: Final = 200  # documents in one answer
_SOME: Final = 50

router = APIRouter(
    prefix="/v1/documents",
    tags=["documents"],
    dependencies=[Depends(limited)],
    responses=answers(401, 422, 429, 500, 503),
)

_Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number of the document.")]


def _library(request: Request, caller: CallerOf) -> Library:
    service: Service = request.app.state.service
    return service.library.of(caller.owner)


_Own = Annotated[Library, Depends(_library)]


@router.get("", summary="All documents")
async def list_documents(
    library: _Own,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="No more than this.")] = _SOME,
    cursor: Annotated[
        str | None,
        Query(pattern="^[0-9]{1,18}$", description="What `next` of the part before said."),
    ] = None,
    order: Annotated[
        Literal["oldest", "newest"], Query(description="Which come first.")
    ] = "oldest",
) -> DocumentList:
    """The caller's documents, in the order in which they came, or the opposite one."""
    found: list[Document] = []
    newest_first = order == "newest"
    async for each in library.documents(after=int(cursor or 0), newest_first=newest_first):
        found.append(each)
        if len(found) > limit:
            break
    more = len(found) > limit
    return DocumentList(
        items=[document_model(each) for each in found[:limit]],
        next=str(found[limit - 1].id) if more else None,
    )


@router.get("/{document}", summary="One document", responses=answers(404))
async def read_document(library: _Own, document: _Number) -> LibraryDocument:
    """What is known of a document, besides what was read of it."""
    return document_model(await library.document(document))


@router.patch("/{document}", summary="Describe a document", responses=answers(400, 404, 413, 507))
async def change_document(
    library: _Own, document: _Number, change: DocumentChange
) -> LibraryDocument:
    """Changes what is said of a document, which is what it is found by: title, date, metadata.

    What is not given stays as it is; null takes it away.
    """
    before = await library.document(document)
    description = _changed(before.description, change)
    return document_model(await library.describe(document, description))


@router.delete(
    "/{document}", summary="Remove a document", status_code=204, responses=answers(403, 404, 507)
)
async def remove_document(library: _Own, document: _Number) -> None:
    """Forgets a document, what was read of it, and the copy of what was sent."""
    await library.remove(document)


@router.get(
    "/{document}/result",
    summary="What was read of a document",
    response_class=Response,
    responses={
        200: {"description": "The document in the format.", "content": CONTENT},
        **answers(400, 403, 404, 413, 415, 504, 507),
    },
)
async def read_result(
    request: Request,
    library: _Own,
    document: _Number,
    format: FormatName = None,  # noqa: A002  # as every client knows it
    page: OnlyPage = None,
) -> Response:
    """All that was read of a document, in any format, as a file."""
    name = chosen(format, request.headers.get("accept"))
    service: Service = request.app.state.service
    source = partial(_source, service, library, document)
    async with service.exporting:
        result = await library.result(document)
        return await export(result, name, source, service.metrics, page=page)


@router.get(
    "/{document}/pages/{page}",
    summary="What was read of a page",
    response_model=dict[str, Any],
    responses={200: {"description": "As one of `pages` in the format json."}, **answers(404)},
)
async def read_page(library: _Own, document: _Number, page: PageNumber) -> Response:
    """One page with its words and their places."""
    found = await library.page(document, page)
    data = await asyncio.to_thread(lambda: encode(page_document(found)).encode())
    return Response(data, media_type="application/json")


@router.get(
    "/{document}/pages/{page}/image",
    summary="Picture of a page",
    response_class=Response,
    responses={
        200: {
            "description": "The page upright, as the places of its words have it.",
            "content": {
                media: {"schema": {"type": "string", "format": "binary"}}
                for media in ("image/jpeg", "image/png")
            },
        },
        **answers(403, 404, 413, 415, 504),
    },
)
async def read_image(
    request: Request,
    caller: CallerOf,
    library: _Own,
    document: _Number,
    page: PageNumber,
    width: Width = 1600,
) -> Response:
    """The page as it was read."""
    source = await _source(request.app.state.service, library, document)
    data, media = await page_image(source, page, width, caller=caller, request=request)
    return Response(data, media_type=media)


async def _source(service: Service, library: Library, number: int) -> Image:
    """What a document was read from, as far as the operator's limits let it be read again."""
    found = await library.document(number)
    return await asyncio.to_thread(_opened, found, library.keep, service.settings.limits)


def _opened(document: Document, keep: FilePath | None, limits: Limits) -> Image:
    copy = None if keep is None else path_of(document, keep)
    if copy is not None:
        return Image.load(copy, limits=limits)
    # A file that is only known by its name is compared with what was read, all of it.
    return source_of(document, keep)


def _changed(before: Description, change: DocumentChange) -> Description:
    """The description after a change."""
    given = change.model_fields_set
    metadata: dict[str, str | None] = dict(before.metadata)
    if "metadata" in given:
        metadata = {} if change.metadata is None else metadata | change.metadata
    return Description(
        title=(change.title or "") if "title" in given else before.title,
        date=_day(change.date) if "date" in given else before.date,
        metadata={name: value for name, value in metadata.items() if value is not None},
    )


def _day(given: str | None) -> dt.date | None:
    try:
        return None if given is None else dt.date.fromisoformat(given)
    except ValueError as error:
        raise OcrRequestError(
            "date: expected a day that there is, such as 2019-05-31, or null"
        ) from error
