"""The languages that can be read."""

# Annotations are not postponed here: FastAPI reads them at run time.
import asyncio

from fastapi import APIRouter, Depends

from ocrloom.languages import PPOCR, Language
from ocrloom.service.auth import CallerOf
from ocrloom.service.limits import limited
from ocrloom.service.models_library import LanguageEntry, LanguageList
from ocrloom.service.problems import answers
from ocrloom.tessdata.folders import installed

__all__ = ["router"]

router = APIRouter(
    prefix="/v1",
    tags=["languages"],
    dependencies=[Depends(limited)],
    responses=answers(401, 422, 429, 500, 503),
)


@router.get("/languages", summary="All languages")
async def list_languages(_caller: CallerOf) -> LanguageList:
    """Their codes, what reads them, and whether this server can; by name."""
    # Folders are looked into.
    here = set(await asyncio.to_thread(installed))
    return LanguageList(
        items=[
            LanguageEntry(
                code=language.code,
                name=language.english_name,
                recognisers=list(language.recognisers),
                installed=PPOCR in language.recognisers or language in here,
            )
            for language in Language
        ]
    )
