"""Documents, searches and languages over HTTP, for callers with keys, of a real server."""

from __future__ import annotations

import datetime as dt
import io
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from documents import pages_of
from results import box, page, word
from serving import running

from ocrloom import Language, Library, OcrResult, PageFailure
from ocrloom.formats.json_ import page_document, parse
from ocrloom.library import Description
from ocrloom.service.keys import Keys

PAGE = np.full((300, 400), 255, np.uint8)
PAGE[100:120, 100:200] = 0
LOST = PageFailure(number=1, kind="OcrDamagedImage", message="cut short")
HOSTILE = "<script>alert(1)</script>.tif"


@pytest.fixture(scope="module")
def server():
    with running("--require-keys") as started:
        yield started


@pytest.fixture(scope="module")
def keys(server):
    with Keys(server.library) as made:
        yield made


@pytest.fixture(scope="module")
def library(server):
    with Library(server.library, keep=Path(server.spool) / "documents") as made:
        yield made


@pytest.fixture
def ann(server, keys):
    """A client with a key of its own, and the owner that it stands for."""
    key, text = keys.create("ann").result()
    with server.client(text) as client:
        client.owner, client.text = key.owner, text
        yield client


def read(*texts, source="letter.tif", number=1):
    pages = [
        page(
            *(word(each, polygon=box(100 + 60 * place, 100, 150 + 60 * place, 120))
              for place, each in enumerate(text.split())),
            number=place,
            width=400,
            height=300,
            languages=(Language.ENGLISH,),
        )
        for place, text in enumerate(texts, number)
    ]  # fmt: skip
    return OcrResult(pages=tuple(pages), source=source)


def add(library, owner, *texts, source=None, **changes):
    shown = pages_of([PAGE + place for place in range(len(texts))]) if source is None else source
    view = library.of(owner)
    return view.add(read(*texts), source=shown, **changes).result()


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["detail"]


def test_a_document_is_told_of(ann, library):
    about = Description(title="Brief", date=dt.date(1908, 5, 31), metadata={"shelf": "9"})
    document = add(library, ann.owner, "harbour light", "bell", description=about)
    told = ann.get(f"/v1/documents/{document.id}")
    assert told.status_code == 200
    at = f"/v1/documents/{document.id}"
    assert told.json() == {
        "id": document.id,
        "name": "Brief",
        "title": "Brief",
        "date": "1908-05-31",
        "metadata": {"shelf": "9"},
        "source": None,
        "pages": 2,
        "languages": ["eng"],
        "added": document.added.isoformat().replace("+00:00", "Z"),
        "changed": document.changed.isoformat().replace("+00:00", "Z"),
        "version": 1,
        "failures": [],
        "links": {"self": at, "result": f"{at}/result", "pages": f"{at}/pages"},
    }
    assert ann.get("/v1/documents").json() == {"items": [told.json()], "next": None}
    assert ann.get(at).headers["cache-control"] == "no-store"


def test_documents_in_parts(ann, library):
    numbers = [add(library, ann.owner, f"harbour {count}", source=count_page(count)).id
               for count in range(5)]  # fmt: skip
    for order, expected in (("oldest", numbers), ("newest", numbers[::-1])):
        found, cursor = [], None
        for _ in range(3):
            given = {"limit": 2, "order": order} | ({} if cursor is None else {"cursor": cursor})
            part = ann.get("/v1/documents", params=given).json()
            found += [each["id"] for each in part["items"]]
            cursor = part["next"]
        assert (found, cursor) == (expected, None)
    for given in ({"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"order": "x"}):
        refused(ann.get("/v1/documents", params=given), 422, "invalid_request")


def count_page(count):
    return pages_of([np.full((20, 30), count, np.uint8)])


def test_what_was_read_in_formats(ann, library):
    document = add(library, ann.owner, "harbour light", "bell")
    at = f"/v1/documents/{document.id}"
    text = ann.get(f"{at}/result", params={"format": "txt"})
    assert text.text == library.export(document.id, "txt").result()
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.headers["content-disposition"].startswith("attachment; filename=")
    assert parse(ann.get(f"{at}/result").text) == library.result(document.id).result()
    assert ann.get(f"{at}/result", headers={"Accept": "text/html"}).text.startswith("<!")
    assert ann.get(f"{at}/result", params={"format": "txt", "page": 2}).text == "bell\n"
    assert ann.get(f"{at}/result", params={"format": "pdf"}).content.startswith(b"%PDF-")
    assert ann.get(f"{at}/result", params={"format": "page"}).content.startswith(b"PK")
    refused(ann.get(f"{at}/result", params={"format": "csv"}), 400, "request_error")
    refused(ann.get(f"{at}/result", params={"format": "doc"}), 422, "option_error")
    refused(ann.get(f"{at}/result", params={"page": 3}), 404, "not_in_library")


def test_pages_and_their_pictures(ann, library):
    document = add(library, ann.owner, "harbour light", "bell")
    at = f"/v1/documents/{document.id}/pages"
    told = ann.get(f"{at}/2").json()
    expected = page_document(library.page(document.id, 2).result())
    assert (told["number"], told["text"]) == (2, "bell")
    assert told.keys() == expected.keys()
    picture = ann.get(f"{at}/1/image")
    assert picture.headers["content-type"] in ("image/png", "image/jpeg")
    shown = PIL.Image.open(io.BytesIO(picture.content))
    assert shown.size == (400, 300)
    assert shown.convert("L").getpixel((150, 110)) < 30
    small = PIL.Image.open(io.BytesIO(ann.get(f"{at}/1/image", params={"width": 40}).content))
    assert small.size == (40, 30)
    for path in (f"{at}/3", f"{at}/3/image"):
        refused(ann.get(path), 404, "not_in_library")
    for path in (f"{at}/0", f"{at}/x", f"{at}/{2**31}", f"{at}/1/image?width=4001"):
        refused(ann.get(path), 422, "invalid_request")


def test_pages_that_could_not_be_read(ann, library):
    part = OcrResult(pages=read("bell", number=2).pages, failures=(LOST,), source="a.tif")
    document = library.of(ann.owner).add(part).result()
    at = f"/v1/documents/{document.id}"
    assert [each["number"] for each in ann.get(at).json()["failures"]] == [1]
    assert "could not be read" in refused(ann.get(f"{at}/pages/1"), 404, "not_in_library")
    # Nothing was kept of a result alone.
    assert "no copy" in refused(ann.get(f"{at}/pages/2/image"), 404, "not_in_library")


def test_a_document_is_described(ann, library):
    document = add(library, ann.owner, "harbour")
    at = f"/v1/documents/{document.id}"
    given = {"title": "Brief", "date": "1908-05-31", "metadata": {"shelf": "9", "room": "4"}}
    told = ann.patch(at, json=given).json()
    assert {name: told[name] for name in given} == given
    told = ann.patch(at, json={"metadata": {"room": None, "box": "2"}}).json()
    assert (told["title"], told["metadata"]) == ("Brief", {"box": "2", "shelf": "9"})
    assert ann.get("/v1/search", params={"q": "box:2 date:1908"}).json()["items"]
    told = ann.patch(at, json={"title": None, "date": None, "metadata": None}).json()
    assert (told["title"], told["date"], told["metadata"]) == ("", None, {})
    assert ann.get(at).json() == told
    for wrong in (
        {"zzsecret": "x"},
        {"metadata": {"zzsecret": 3}},
        {"metadata": {"zzsecret-": "x"}},
        {"title": "zzsecret\0"},
        {"title": 3},
        {"date": "zzsecret"},
        {"date": 0},
        {"metadata": {"x\0zzsecret": "1"}},
        {"metadata": {"x": "zzsecret" * 2000}},
        [],
    ):
        answer = ann.patch(at, json=wrong)
        refused(answer, 422, "invalid_request")
        assert "zzsecret" not in answer.text
    refused(ann.patch(at, json={"date": "1908-02-31"}), 400, "request_error")
    refused(ann.patch(at, json={"metadata": {"date": "x"}}), 422, "option_error")
    refused(ann.patch(at, content=b'{"title": "\\ud800"}'), 422, "invalid_request")
    assert ann.get(at).json()["title"] == ""


def test_a_document_is_removed_with_its_copy(ann, library):
    document = add(library, ann.owner, "qzharbourqz", source=count_page(77))
    copy = library.keep / document.kept
    at = f"/v1/documents/{document.id}"
    assert copy.exists()
    answer = ann.delete(at)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not copy.exists()
    for call in (ann.get, ann.delete):
        refused(call(at), 404, "not_in_library")
    assert ann.get("/v1/search", params={"q": "qzharbourqz"}).json() == {"items": [], "next": None}
    library.scrub().result()
    files = Path(library.where).parent.glob(f"{Path(library.where).name}*")
    assert not any(b"qzharbourqz" in each.read_bytes() for each in files)


def test_pages_are_found(ann, library):
    about = Description(title=HOSTILE)
    document = add(library, ann.owner, "harbour light", "the harb0ur bell", description=about)
    found = ann.get("/v1/search", params={"q": "harbour", "tolerance": 1}).json()
    assert found["next"] is None
    first, second = found["items"]
    assert first["document"] == {"id": document.id, "name": HOSTILE}
    assert (first["page"], first["width"], first["height"]) == (1, 400, 300)
    assert first["snippet"] == {"text": "harbour light", "marks": [[0, 7]]}
    (match,) = first["matches"]
    assert (match["text"], match["cost"]) == ("harbour", 0)
    assert match["polygons"] == [[[100, 100], [150, 100], [150, 120], [100, 120]]]
    assert (second["page"], second["matches"][0]["text"]) == (2, "harb0ur")
    assert first["score"] > second["score"] > 0
    parts = [ann.get("/v1/search", params={"q": "page:1 OR page:2", "limit": 1, "offset": start})
             for start in (0, 1)]  # fmt: skip
    assert [part.json()["next"] for part in parts] == [1, None]
    assert [part.json()["items"][0]["page"] for part in parts] == [1, 2]
    for given in ({"q": "a", "limit": 0}, {"q": "a", "tolerance": 4}, {}, {"q": "a" * 2001}):
        refused(ann.get("/v1/search", params=given), 422, "invalid_request")
    refused(ann.get("/v1/search", params={"q": '"harbour'}), 422, "query_error")


def test_languages(ann):
    items = {each["code"]: each for each in ann.get("/v1/languages").json()["items"]}
    assert len(items) == len(Language)
    assert items["eng"] == {
        "code": "eng",
        "name": "English",
        "recognisers": list(Language.ENGLISH.recognisers),
        "installed": True,
    }


# Whose they are


def test_nobody_sees_what_is_anothers(server, keys, library, ann):
    document = add(library, ann.owner, "harbour light")
    add(library, "", "harbour wall")
    at = f"/v1/documents/{document.id}"
    with server.client(keys.create("bob").result()[1]) as bob:
        messages = {
            refused(call(path), 404, "not_in_library")
            for call, path in (
                (bob.get, at),
                (bob.delete, at),
                (bob.get, f"{at}/result"),
                (bob.get, f"{at}/result?format=pdf"),
                (bob.get, f"{at}/pages/1"),
                (bob.get, f"{at}/pages/1/image"),
                (lambda path: bob.patch(path, json={"title": "mine"}), at),
            )
        }
        assert messages == {refused(bob.get("/v1/documents/999999"), 404, "not_in_library")
                            .replace("999999", str(document.id))}  # fmt: skip
        assert bob.get("/v1/documents").json()["items"] == []
        for query in ("harbour", "page:1", "NOT zebra", f"document:{document.id}"):
            assert bob.get("/v1/search", params={"q": query}).json()["items"] == []
    assert ann.get(at).json()["title"] == ""
    (hit,) = ann.get("/v1/search", params={"q": "harbour"}).json()["items"]
    assert hit["document"]["id"] == document.id


def test_keys_of_one_owner_share(server, keys, library, ann):
    add(library, ann.owner, "harbour light")
    with server.client(keys.create("second", owner=ann.owner).result()[1]) as second:
        assert len(second.get("/v1/documents").json()["items"]) == 1
    with server.client(keys.create("indexer", owner="").result()[1]) as indexer:
        sees = {each["id"] for each in indexer.get("/v1/documents").json()["items"]}
    assert sees == {each.id for each in library.of("").documents()}


# Keys


def test_a_key_is_needed(server, ann):
    with server.client() as nobody:
        for path in ("/v1/documents", "/v1/documents/1", "/v1/search?q=a", "/v1/languages"):
            answer = nobody.get(path)
            detail = refused(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "Authorization: Bearer" in detail
        key = ann.text
        told = set()
        for headers in (
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Bearer {key}x"},
            {"Authorization": f"Bearer ocrl_{'0' * 12}_{key[-43:]}"},
            {"X-Api-Key": "wrong"},
            {"Cookie": "ocrloom_key=wrong"},
            {"Authorization": "Bearer wrong", "X-Api-Key": key},
        ):
            told.add(refused(nobody.get("/v1/documents", headers=headers), 401, "unauthorized"))
        assert len(told) == 1
        for headers in (
            {"Authorization": f"Bearer {key}"},
            {"authorization": f"bearer {key}"},
            {"X-Api-Key": key},
            {"Cookie": f"ocrloom_key={key}"},
            # That of a proxy in between.
            {"Authorization": "Basic eDp5", "X-Api-Key": key},
        ):
            assert nobody.get("/v1/documents", headers=headers).status_code == 200


def test_a_revoked_key_ends(server, keys):
    key, text = keys.create("short").result()
    with server.client(text) as client:
        assert client.get("/v1/documents").status_code == 200
        keys.revoke(key.id).result()
        end = time.monotonic() + 5
        while client.get("/v1/documents").status_code == 200:
            assert time.monotonic() < end
            time.sleep(0.1)
        refused(client.get("/v1/documents"), 401, "unauthorized")


def test_a_key_has_its_own_rate(server, keys):
    with server.client(keys.create("slow", rate=3).result()[1]) as client:
        assert [client.get("/v1/documents").status_code for _ in range(3)] == [200] * 3
        answer = client.get("/v1/search", params={"q": "a"})
        assert "3 requests a minute" in refused(answer, 429, "service_busy")
        assert 0 < int(answer.headers["retry-after"]) <= 20
        # Other callers are not held up.
    with server.client(keys.create("other").result()[1]) as client:
        assert client.get("/v1/documents").status_code == 200


def test_where_no_key_is_needed_a_wrong_one_is_refused(service):
    with service.client() as nobody:
        assert nobody.get("/v1/documents").status_code == 200
    with service.client("wrong") as client:
        refused(client.get("/v1/documents"), 401, "unauthorized")


def test_everything_that_may_be_answered_is_described(server):
    with server.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    ours = {path: each for path, each in paths.items()
            if path.startswith(("/v1/documents", "/v1/search", "/v1/languages"))}  # fmt: skip
    assert len(ours) == 7
    for path, methods in ours.items():
        for method, told in methods.items():
            expected = {"401", "422", "429", "503"} | ({"404"} if "{" in path else set())
            assert expected <= told["responses"].keys(), (path, method)
            assert told["summary"]
            assert told["description"]
            assert told["security"]
