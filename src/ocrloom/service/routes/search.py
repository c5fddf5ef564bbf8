"""Searching the library."""

# Annotations are not postponed here: FastAPI reads them at run time.
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from ocrloom.service.auth import CallerOf
from ocrloom.service.limits import limited
from ocrloom.service.models_library import HitList, hit_model
from ocrloom.service.problems import answers
from ocrloom.service.state import Service

__all__ = ["router"]

router = APIRouter(
    prefix="/v1",
    tags=["documents"],
    dependencies=[Depends(limited)],
    responses=answers(401, 422, 429, 500, 503),
)


@router.get("/search", summary="Find pages")
async def search(
    request: Request,
    caller: CallerOf,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=2000,
            description='Words, "phrases", beginnings*, AND, OR, NOT, title:word, date:2019.',
            examples=['invoice "Marchetti & Sons" date:2019'],
        ),
    ],
    limit: Annotated[int, Query(ge=1, le=100, description="No more hits than this.")] = 20,
    offset: Annotated[
        int, Query(ge=0, le=100_000, description="So many of the first are left out.")
    ] = 0,
    tolerance: Annotated[
        float,
        Query(
            ge=0,
            le=3,
            allow_inf_nan=False,
            description="What may be wrong with a word: a half for rn instead of m, 1.5 for"
            " another letter.",
        ),
    ] = 0.0,
    accents: Annotated[bool, Query(description="Tell é from e.")] = False,
) -> HitList:
    """Pages of the caller's documents that fit, best first, with the place of every match."""
    service: Service = request.app.state.service
    found = service.library.of(caller.owner).search(
        q, limit=limit + 1, offset=offset, tolerance=tolerance, accents=accents
    )
    hits = [hit async for hit in found]
    return HitList(
        items=[hit_model(hit) for hit in hits[:limit]],
        next=offset + limit if len(hits) > limit else None,
    )
