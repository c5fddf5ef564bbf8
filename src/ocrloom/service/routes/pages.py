"""The pages for people: shells that scripts fill by way of the API, and signing in."""

# Annotations are not postponed here: FastAPI reads them at run time.
import mimetypes
import re
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ocrloom.errors import OcrJobExpired, OcrJobNotFound, OcrNotInLibrary, OcrUnauthorized
from ocrloom.formats import FORMATS
from ocrloom.service.auth import COOKIE, Caller, caller, needs_keys
from ocrloom.service.state import Service

__all__ = ["mount_static", "router"]

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_SITE: Final = Path(__file__).parents[1] / "site"
_SIGNED_IN: Final = 30 * 24 * 3600  # seconds
_LARGEST: Final = 2**63 - 1  # that a database can hold
_SEPARATORS: Final = re.compile(r"[/\\]")
# Paths of ours: browsers take // and /\ for the beginning of another host's address.
_OWN: Final = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}")
_LABELS: Final = {
    "txt": "Plain text",
    "json": "JSON with everything",
    "hocr": "hOCR",
    "alto": "ALTO",
    "page": "PAGE",
    "tsv": "Table of all words",
    "md": "Markdown",
    "html": "Web page",
    "docx": "Word document",
    "csv": "Tables as CSV",
    "xlsx": "Tables for Excel",
    "pdf": "Searchable PDF",
}
_FIRST: Final = ("txt", "pdf", "docx", "md", "html")
"""The formats that most people want; the others follow."""

_templates = Environment(
    loader=FileSystemLoader(_SITE / "templates", encoding="utf-8"),
    autoescape=True,
    trim_blocks=True,
    undefined=StrictUndefined,
)


def mount_static(app: FastAPI) -> None:
    """Adds the files that the pages use, below ``/static``."""
    # Some systems have other ideas, and browsers run no script that is called plain text.
    mimetypes.add_type("text/javascript", ".js")
    mimetypes.add_type("image/svg+xml", ".svg")
    app.mount("/static", StaticFiles(directory=_SITE / "static"), name="static")


@router.get("/")
async def home(request: Request) -> Response:
    """Where files are dropped, and what became of them."""
    who = await _visitor(request)
    if who is None:
        return _to_login(request)
    settings = _service(request).settings
    limit = min(settings.max_upload, who.max_upload or settings.max_upload)
    more: dict[str, Any] = {"limit": limit, "limit_text": _size(limit), "store": settings.store}
    return _shell(request, "home.html", here="read", **more)


@router.get("/jobs/{number}")
async def job(request: Request, number: str) -> Response:
    """A job: its pages as they are read."""
    who = await _visitor(request)
    if who is None:
        return _to_login(request)
    try:
        found = await _service(request).jobs.get(number, who.owner)
    except OcrJobNotFound:
        text = "It was removed, or it is not yours. Results are kept for a while only."
        return _missing(request, "There is no such job", text)
    except OcrJobExpired:
        text = "What it read was kept for a while, which is over. Send the file again to read it."
        return _missing(request, "This job is over and forgotten", text, 410)
    return _viewer(request, kind="job", id=found.id, base=f"/v1/jobs/{found.id}", name=found.name)


@router.get("/documents/{number}")
async def document(request: Request, number: str, q: str = "") -> Response:
    """A document of the library, and what a search finds in it."""
    who = await _visitor(request)
    if who is None:
        return _to_login(request)
    is_number = re.fullmatch("[0-9]{1,19}", number) is not None and int(number) <= _LARGEST
    try:
        if not is_number:
            raise OcrNotInLibrary(number)
        found = await _service(request).library.of(who.owner).document(int(number))
    except OcrNotInLibrary:
        text = "It was deleted, or it is not yours."
        return _missing(request, "There is no such document", text)
    name = found.description.title or _SEPARATORS.split(found.source or "")[-1] or found.name
    base = f"/v1/documents/{found.id}"
    return _viewer(request, kind="document", id=found.id, base=base, name=name, q=q)


@router.get("/library")
async def library(
    request: Request, q: str = "", tolerance: str = "0", accents: str = ""
) -> Response:
    """The documents that are kept, and searching them."""
    if await _visitor(request) is None:
        return _to_login(request)
    more: dict[str, Any] = {"q": q, "tolerance": tolerance, "accents": accents == "true"}
    return _shell(request, "library.html", here="library", **more)


@router.get("/login")
async def login(request: Request, next: str = "/") -> Response:  # noqa: A002  # its name in addresses
    """Asks for a key, unless all that is wrong is one that is not needed."""
    if not needs_keys(_service(request).settings) and await _visitor(request) is None:
        return _forgetful(RedirectResponse(_own(next), 303))
    return _shell(request, "login.html", inside=False, next=_own(next), wrong="")


@router.post("/login")
async def sign_in(
    request: Request,
    key: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Keeps a good key in the browser, where no script gets at it."""
    given = key.strip()
    if await _service(request).keys.check(given) is None:
        wrong = "This is no key of this server, or it was revoked."
        told: dict[str, Any] = {"next": _own(next), "wrong": wrong}
        return _shell(request, "login.html", 401, inside=False, **told)
    answer = RedirectResponse(_own(next), 303)
    answer.set_cookie(
        COOKIE,
        given,
        max_age=_SIGNED_IN,
        httponly=True,
        samesite="strict",
        secure=_is_secure(request),
    )
    return answer


@router.post("/logout")
async def sign_out(request: Request) -> Response:
    """Has the browser forget the key."""
    target = "/login" if needs_keys(_service(request).settings) else "/"
    return _forgetful(RedirectResponse(target, 303))


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _visitor(request: Request) -> Caller | None:
    """Who looks at a page, by the cookie; None where they have to sign in first."""
    try:
        return await caller(request, None, None)
    except OcrUnauthorized:
        return None


def _to_login(request: Request) -> Response:
    """The way on for who has no good key."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if needs_keys(_service(request).settings):
        return _forgetful(RedirectResponse(f"/login?next={quote(here, safe='/')}", 303))
    # The key went bad and none is needed.
    return _forgetful(RedirectResponse(_own(here), 303))


def _forgetful(answer: Response) -> Response:
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _is_secure(request: Request) -> bool:
    """Whether the browser sent it by HTTPS, also to a proxy that is not known as one."""
    origin = request.headers.get("origin", "")
    return request.url.scheme == "https" or origin.startswith("https://")


def _own(path: str) -> str:
    """A path of this server, which is the first page's where it is none."""
    return path if _OWN.fullmatch(path) else "/"


def _viewer(request: Request, **context: Any) -> Response:  # noqa: ANN401  # the template's own
    names = (*_FIRST, *(name for name in FORMATS if name not in _FIRST))
    formats = [
        {"name": name, "label": _LABELS.get(name, name), "suffix": FORMATS[name].suffix}
        for name in names
    ]
    return _shell(request, "viewer.html", formats=formats, **{"q": "", **context})


def _missing(request: Request, title: str, text: str, status: int = 404) -> Response:
    return _shell(request, "problem.html", status, title=title, text=text)


def _shell(
    request: Request,
    template: str,
    status: int = 200,
    *,
    here: str = "",
    inside: bool = True,
    **context: Any,  # noqa: ANN401  # the template's own
) -> Response:
    """A page of a template; ``here`` is its place in the menu, which is there if ``inside``."""
    more: dict[str, Any] = {
        "here": here,
        "inside": inside,
        "signed_in": COOKIE in request.cookies,
        **context,
    }
    return HTMLResponse(_templates.get_template(template).render(more), status)


def _size(count: int) -> str:
    """Bytes for people, in the unit that leaves a whole number or nearly one."""
    for unit, size in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
