"""The page for people, in a real browser and with the real server."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import PIL.Image
import pytest
from browser import DESKTOP, PHONE, started
from pdf_files import lines, pdf_of

from ocrloom.formats import FORMATS

MOTTO = [
    "The weaver counts the threads",
    "Every knot keeps a promise",
    "Threads cross and hold fast",
]
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser():
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def file_of(note):
    """A TIFF with a page for each text."""

    def make(*texts):
        first, *others = [PIL.Image.fromarray(note(text)) for text in texts]
        kept = io.BytesIO()
        first.save(kept, "TIFF", save_all=True, append_images=others)
        return kept.getvalue()

    return make


@pytest.fixture(scope="module")
def send(service):
    """Has the server read something to the end; the job."""

    def submit(data, name="note.tif", **options):
        with service.client() as client:
            form = {"options": json.dumps(options)}
            job = client.post("/v1/jobs", files={"file": (name, data)}, data=form).json()
            while job["finished"] is None:
                job = client.get(f"/v1/jobs/{job['id']}", params={"wait": 30}).json()
            return job

    return submit


@pytest.fixture(scope="module")
def motto(send, file_of):
    """A job of three pages that is done."""
    return send(file_of(*MOTTO), "motto.tif")


@pytest.fixture(scope="module")
def letter(send, scan):
    """A job that has read a whole page."""
    return send(scan("letter.tif").read_bytes(), "letter.tif", languages=["eng"], mode="fast")


@pytest.fixture(scope="module")
def thick(send):
    """A job of more pages than the script of the page holds."""
    return send(pdf_of(*(lines([f"This is page {place}"]) for place in range(1, 47))), "thick.pdf")


@pytest.fixture
def tab(browser, service):
    permissions = ["clipboard-read", "clipboard-write"]
    with browser.tab(service.url, permissions=permissions) as made:
        yield made


def expect(locator):
    from playwright.sync_api import expect as expected

    return expected(locator)


def words(page):
    return page.locator(".layer .row span:not(.between)")


def selected(page):
    return page.evaluate("getSelection().toString()")


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=6)
    page.evaluate("() => new Promise(requestAnimationFrame)")
    page.mouse.up()


def within(locator):
    """Whether the middle of an element can be seen without scrolling."""
    return locator.evaluate(
        """node => {
            const box = node.getBoundingClientRect();
            const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
            return x > 0 && y > 0 && x < innerWidth && y < innerHeight;
        }"""
    )


def test_from_a_file_to_a_hit_on_its_image(tab, file_of):
    page = tab.open("/")
    data = file_of("A shuttle flies by night", "Nothing to see here", "The shuttle rests by day")
    page.set_input_files(
        "#files", {"name": "shuttle.tif", "mimeType": "image/tiff", "buffer": data}
    )
    row = page.locator("#jobs .job", has_text="shuttle.tif")
    expect(row.locator(".state")).to_have_text("Read")
    expect(row.locator(".about")).to_contain_text("3 pages")
    row.get_by_role("link", name="shuttle.tif").click()

    expect(page.locator("#strip [data-state=read]")).to_have_count(3)
    expect(words(page)).to_have_count(5)
    first, last = words(page).first.bounding_box(), words(page).last.bounding_box()
    across = [
        (box["x"] + edge, box["y"] + box["height"] / 2) for box, edge in ((first, 1), (last, -1))
    ]
    drag(page, across[0], (across[1][0] + last["width"], across[1][1]))
    assert selected(page) == "A shuttle flies by night"

    page.get_by_role("link", name="Library", exact=True).click()
    page.get_by_label("Search", exact=True).fill("shuttle")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#found-title")).to_have_text("2 pages with a hit")
    hit = page.locator(".hit", has_text="rests by day")
    assert hit.locator("mark").all_text_contents() == ["shuttle"]
    hit.get_by_role("link").click()

    expect(page.locator("#where")).to_have_text("Page 3 of 3")
    expect(page.locator("#tally")).to_have_text("2 of 2 hits")
    mark = page.locator(".leafage polygon.now")
    expect(mark).to_be_visible()
    assert within(mark)
    box, word = mark.bounding_box(), words(page).nth(1).bounding_box()
    assert abs(box["x"] - word["x"]) < 5
    assert abs(box["y"] - word["y"]) < 5
    page.keyboard.press("n")
    expect(page.locator("#where")).to_have_text("Page 1 of 3")
    expect(page.locator("#tally")).to_have_text("1 of 2 hits")
    page.keyboard.press("p")
    expect(page.locator("#where")).to_have_text("Page 3 of 3")


def test_selection_is_the_text_of_the_page(tab, letter, send, scan, service):
    for job in (letter, send(scan("turned.jpg").read_bytes(), "turned.jpg")):
        with service.client() as client:
            [item] = client.get(f"/v1/jobs/{job['id']}/pages").json()["items"]
        page = tab.open(f"/jobs/{job['id']}")
        expect(words(page).first).to_be_attached()
        page.evaluate("getSelection().selectAllChildren(document.querySelector('.layer'))")
        assert selected(page).strip() == item["page"]["text"]

        # Each word is as large as its ink, and upright on pages that were turned too.
        wrong = page.evaluate(
            """page => {
                const k = document.querySelector(".upright").offsetWidth / page.width;
                const spans = [...document.querySelectorAll(".layer .row span:not(.between)")];
                const words = page.blocks.flatMap(b => b.lines).flatMap(l => l.words);
                const far = (a, b) => k * Math.hypot(a[0] - b[0], a[1] - b[1]);
                return words.filter((word, place) => {
                    const range = document.createRange();
                    range.setStart(spans[place].firstChild, 0);
                    range.setEnd(spans[place].firstChild, word.text.length);
                    const box = range.getBoundingClientRect();
                    const [a, b, , d] = word.polygon;
                    return Math.hypot(box.width - far(a, b), box.height - far(a, d)) > 6;
                });
            }""",
            item["page"],
        )
        assert wrong == []


def test_hits_below_the_fold_are_scrolled_to(browser, service, letter):
    for size in (DESKTOP, PHONE):
        with browser.tab(service.url, size=size) as tab:
            page = tab.open(f"/documents/{letter['document']}?q=keepers")
            mark = page.locator(".leafage polygon.now")
            expect(mark).to_be_visible()
            assert mark.bounding_box()["y"] > 0
            assert within(mark)


def test_selection_from_beside_the_words(tab, letter):
    page = tab.open(f"/jobs/{letter['id']}")
    expect(words(page).first).to_be_attached()
    line = page.locator(".layer .row").nth(3)
    text = line.text_content()
    boxes = [span.bounding_box() for span in line.locator("span:not(.between)").all()]
    sheet = page.locator(".leafage").bounding_box()
    level = boxes[0]["y"] + boxes[0]["height"] / 2
    assert level < DESKTOP[1]
    drag(page, (sheet["x"] + 5, level), (sheet["x"] + sheet["width"] - 5, level + 2))
    assert selected(page).strip() == text


def test_a_search_with_misread_letters_marks_the_same_in_the_document(tab, motto):
    page = tab.open("/library")
    page.get_by_label("Misread letters").select_option("more")
    page.get_by_label("Search", exact=True).fill("kn0t")
    page.keyboard.press("Enter")
    page.locator(".hit a").first.click()
    expect(page.locator("#tally")).to_have_text("1 of 1 hit")
    expect(page.locator("#where")).to_have_text("Page 2 of 3")


def test_finding_in_a_document(tab, motto, letter):
    at = f"/documents/{motto['document']}"
    page = tab.open(f"{at}?q=knot)+OR+(keepers")
    expect(page.locator("#tally")).to_have_text("1 of 1 hit")
    expect(page.locator("#where")).to_have_text("Page 2 of 3")
    page = tab.open(f"{at}?q=nowhere")
    expect(page.locator("#tally")).to_have_text("Not found")
    with page.expect_response("**/v1/search?*knot*"):
        page.get_by_label("Find in this document").fill("-knot")
        page.keyboard.press("Enter")
    expect(page.locator("#tally")).to_have_text("")


def test_paste_and_drop(tab, note):
    page = tab.open("/")
    kept = io.BytesIO()
    PIL.Image.fromarray(note("Pasted from elsewhere")).save(kept, "PNG")
    page.evaluate(
        """async data => {
            const blob = new Blob([new Uint8Array(data)], {type: "image/png"});
            await navigator.clipboard.write([new ClipboardItem({"image/png": blob})]);
        }""",
        list(kept.getvalue()),
    )
    page.keyboard.press("Control+V")
    expect(page.locator("#jobs .job", has_text="image.png").locator(".state")).to_have_text("Read")

    page.evaluate(
        """data => {
            const carried = new DataTransfer();
            for (const name of ["one.png", "two.png"]) {
                carried.items.add(new File([new Uint8Array(data)], name, {type: "image/png"}));
            }
            for (const kind of ["dragenter", "dragover", "drop"]) {
                const more = {dataTransfer: carried, bubbles: true, cancelable: true};
                document.getElementById("drop").dispatchEvent(new DragEvent(kind, more));
            }
        }""",
        list(kept.getvalue()),
    )
    for name in ("one.png", "two.png"):
        row = page.locator("#jobs .job", has_text=name)
        expect(row.locator(".state")).to_have_text("Read")


def test_downloads_and_copies(tab, motto):
    page = tab.open(f"/jobs/{motto['id']}")
    page.get_by_role("button", name="Download").click()
    links = page.locator("#formats a")
    names = [re.search(r"format=(\w+)$", link.get_attribute("href"))[1] for link in links.all()]
    assert sorted(names) == sorted(FORMATS)
    for name, beginning in (("txt", MOTTO[0].encode()), ("pdf", b"%PDF-")):
        if not page.locator("#formats").is_visible():
            page.get_by_role("button", name="Download").click()
        with page.expect_download() as waited:
            page.locator(f"#formats a[href$='format={name}']").click()
        assert waited.value.suggested_filename == f"motto.{name}"
        assert waited.value.path().read_bytes().startswith(beginning)

    page.get_by_role("button", name="Copy page").click()
    expect(page.locator("#toast")).to_have_text("The page’s text is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == MOTTO[0]
    page.get_by_role("button", name="Copy all").click()
    expect(page.locator("#toast")).to_have_text("All text is copied.")
    assert page.evaluate("navigator.clipboard.readText()").split("\f")[1].strip() == MOTTO[1]

    page.get_by_role("button", name="Download").click()
    page.locator("#formats a[href$='format=csv']").click()
    expect(page.locator("#toast")).to_contain_text("CSV holds tables, found none on 3 pages")


def test_a_job_of_many_pages(tab, thick):
    for query, number in (("", 1), ("?page=46", 46), ("?page=2", 2)):
        page = tab.open(f"/jobs/{thick['id']}{query}")
        expect(page.locator("#reading")).to_have_text(f"This is page {number}")
        expect(words(page)).to_have_count(4)
    page.locator("#strip button").last.click()
    expect(page.locator("#reading")).to_have_text("This is page 46")


def test_nothing_is_said_before_it_is_known(tab, motto):
    held = []
    page = tab.page
    page.route("**/pages?*content=none", lambda route: held.append(route))
    with page.expect_request("**/pages?*"):
        tab.open(f"/jobs/{motto['id']}")
    expect(page.locator("#stage progress")).to_be_visible()
    assert page.locator("#stage").text_content() == ""
    held[0].continue_()
    page.unroute("**/pages?*content=none")
    expect(words(page)).to_have_count(5)


def test_pages_without_what_was_read(service, motto):
    with service.client() as client:
        at = f"/v1/jobs/{motto['id']}/pages"
        found = client.get(at, params={"content": "none", "limit": 2}).json()
        whole = client.get(at, params={"limit": 2}).json()
    assert found["next"] == whole["next"]
    assert found["items"] == [{**item, "page": None} for item in whole["items"]]


def test_rows_of_many_files(tab):
    page = tab.open("/")
    many = [{"name": f"{place:02}.bad", "mimeType": "image/png", "buffer": b"no image: %d" % place}
            for place in range(23)]  # fmt: skip
    page.set_input_files("#files", many)
    told = page.locator("#jobs .wrong", has_text="This is no image or PDF that can be read.")
    expect(told).to_have_count(len(many), timeout=20_000)
    assert tab.streams() <= 1
    page.reload()
    expect(page.locator("#jobs .job")).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#jobs .job", has_text=many[0]["name"])).to_be_visible()


def test_cancel_ends_a_job_and_delete_removes_it(tab, service, file_of):
    with service.client() as client:
        files = {"file": ("long.tif", file_of(*["Warp after weft"] * 300))}
        job = client.post("/v1/jobs", files=files, data={"store": "false"}).json()["id"]
    page = tab.open(f"/jobs/{job}")
    expect(words(page).first).to_be_attached()
    expect(page.locator("#state")).to_have_text("Reading")
    # Unseen pages let go of their connections, of which a browser has few.
    assert tab.streams() == 1
    tab.see(False)
    assert tab.streams() == 0
    with page.expect_request("**/events?*"):
        tab.see(True)
    assert tab.streams() == 1
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#state")).to_have_text("Canceled")
    read = page.locator("#strip [data-state=read]").count()
    assert 0 < read < 300
    expect(page.locator("#facts")).to_contain_text(f"{read} of 300 pages")
    expect(page.locator("#strip [data-state=waiting]")).to_have_count(0)

    page.locator("#delete").click()
    page.get_by_role("button", name="Keep").click()
    page.locator("#delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{service.url}/")
    with service.client() as client:
        assert client.get(f"/v1/jobs/{job}").status_code == 404


def test_confidence_is_shown_on_demand(tab, send, note, service):
    blurred = PIL.Image.fromarray(note("Weft, warp and wool 1l0O"))
    small = blurred.resize((blurred.width // 4, blurred.height // 4), PIL.Image.Resampling.BOX)
    kept = io.BytesIO()
    small.resize(blurred.size, PIL.Image.Resampling.BICUBIC).save(kept, "PNG")
    job = send(kept.getvalue(), "blurred.png", languages=["eng"], min_confidence=0.0)
    with service.client() as client:
        [item] = client.get(f"/v1/jobs/{job['id']}/pages").json()["items"]
    lines = [line for block in item["page"]["blocks"] for line in block["lines"]]
    sure = [word["confidence"] for line in lines for word in line["words"]]
    page = tab.open(f"/jobs/{job['id']}")
    expect(words(page)).to_have_count(len(sure))
    bands = [sum(value < least for least in (0.98, 0.9, 0.7)) for value in sure]
    assert [int(span.get_attribute("class")[1]) for span in words(page).all()] == bands
    assert max(bands) > 0, sure

    def colours():
        return words(page).evaluate_all(
            "all => all.map(one => getComputedStyle(one).backgroundColor)"
        )

    assert set(colours()) == {"rgba(0, 0, 0, 0)"}
    page.get_by_role("button", name="Show confidence").click()
    expect(page.locator("#legend")).to_be_visible()
    assert [colour != "rgba(0, 0, 0, 0)" for colour in colours()] == [band > 0 for band in bands]
    page.keyboard.press("c")
    assert set(colours()) == {"rgba(0, 0, 0, 0)"}


def test_markup_in_names_and_in_text_stays_text(tab, send, note):
    kept = io.BytesIO()
    PIL.Image.fromarray(note(EVIL)).save(kept, "PNG")
    job = send(kept.getvalue(), f"{EVIL}.png")
    for path in (f"/jobs/{job['id']}", f"/documents/{job['document']}?q=onerror", "/", "/library"):
        page = tab.open(path)
        expect(page.get_by_text(job["name"]).first).to_be_visible()
        assert page.locator("img[src=x], img[onerror]").count() == 0
    page = tab.open("/library?q=onerror")
    expect(page.locator(".hit mark").first).to_be_visible()
    page = tab.open(f"/jobs/{job['id']}")
    expect(page.locator("#reading")).to_contain_text("alert(1)")
    page = tab.open("/library?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert page.locator("#q").input_value() == '"><script>alert(1)</script>'


def test_what_goes_wrong_is_told(tab):
    page = tab.open("/")
    page.set_input_files(
        "#files", {"name": "words.txt", "mimeType": "text/plain", "buffer": b"no picture at all"}
    )
    row = page.locator("#jobs .job", has_text="words.txt")
    expect(row.locator(".state")).to_have_text("Failed")
    expect(row.locator(".wrong")).to_have_text("This is no image or PDF that can be read.")
    row.get_by_role("link").click()
    expect(page.locator("#stage")).to_contain_text("found plain text")
    page = tab.open("/jobs/nothing")
    expect(page.get_by_role("heading", name="There is no such job")).to_be_visible()
    page = tab.open("/documents/99999999999999999999999999")
    expect(page.get_by_role("heading", name="There is no such document")).to_be_visible()


def test_a_page_that_cannot_be_read_says_so(tab, send, file_of):
    job = send(file_of("The first page is whole", "The second is damaged")[:-2000], "cut.tif")
    assert job["status"] == "partial"
    page = tab.open(f"/jobs/{job['id']}")
    expect(page.locator("#state")).to_have_text("Read in part")
    expect(words(page)).to_have_count(5)
    page.get_by_role("button", name="Page 2, could not be read").click()
    expect(page.locator("#stage")).to_contain_text("This page could not be read.")
    expect(page.locator("#stage")).to_contain_text("found a damaged one")
    expect(page.get_by_role("button", name="Copy page")).to_be_disabled()


def test_a_scan_that_is_gone_is_shown_as_its_text(tab, service, send, file_of):
    folder = Path(service.spool, "documents")
    before = set(folder.rglob("*"))
    job = send(file_of("Cloth without a loom"), "gone.tif")
    for path in set(folder.rglob("*")) - before:
        if path.is_file():
            path.unlink()
    page = tab.open(f"/documents/{job['document']}")
    expect(page.locator(".leafage.bare")).to_be_attached()
    assert words(page).first.evaluate("node => getComputedStyle(node).color") == "rgb(34, 34, 34)"
    assert within(words(page).first)

    with service.client() as client:
        client.delete(f"/v1/documents/{job['document']}")
    page.locator("#delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{service.url}/library")
    expect(page.locator(".kept").first).to_be_visible()
    newest = page.evaluate(
        "[...document.querySelectorAll('.kept a')].map(each => Number(each.href.split('/').at(-1)))"
    )
    assert newest == sorted(newest, reverse=True)


def test_keyboard_alone(tab, motto):
    page = tab.open("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose files")).to_be_focused()
    page.keyboard.press("Tab")
    field = page.get_by_role("combobox", name="Languages")
    expect(field).to_be_focused()
    page.keyboard.type("swed")
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_text([re.compile("Swedish")])
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_text(["Swedish"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Backspace")
    expect(page.locator(".chip")).to_have_text(["Automatic"])

    page = tab.open(f"/jobs/{motto['id']}")
    expect(words(page).first).to_be_attached()
    page.keyboard.press("PageDown")
    expect(page.locator("#reading")).to_have_text(MOTTO[1])
    page.locator("#strip button").nth(2).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#reading")).to_have_text(MOTTO[2])
    page.keyboard.press("+")
    expect(page.locator("#zoom")).to_have_text("125 %")
    page.keyboard.press("0")
    expect(page.locator("#zoom")).to_have_text("100 %")
    page.get_by_role("button", name="Download").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#formats a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Download")).to_be_focused()


def test_appearance_follows_the_system_until_it_is_chosen(browser, service):
    with browser.tab(service.url, theme="dark") as tab:
        page = tab.open("/library")
        paper = "getComputedStyle(document.documentElement).backgroundColor"
        dark = page.evaluate(paper)
        page.get_by_role("button", name="Dark appearance").click()
        light = page.evaluate(paper)
        assert light != dark
        page.reload()
        assert page.evaluate(paper) == light


VIEWS = {
    "home": ("/", "#choose", "#jobs .job"),
    "job": ("/jobs/{id}", "#download button", ".layer .row"),
    "long": ("/jobs/{long}", "#after", ".layer .row"),
    "failed": ("/jobs/{bad}", "#state", "#stage p"),
    "document": ("/documents/{document}?q=knot", "#find", ".leafage polygon.now"),
    "library": ("/library", "#q", ".kept"),
    "hits": ("/library?q=threads", "#q", ".hit mark"),
    "login": ("/login", "#key", "form .button"),
    "missing": ("/jobs/none", "h1", "main .button"),
}


@pytest.fixture(scope="module")
def places(motto, thick, send):
    return {**motto, "long": thick["id"], "bad": send(b"no picture", "bad.txt")["id"]}


@pytest.mark.parametrize(
    ("size", "theme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"]
)
def test_views(browser, service, places, size, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
    with browser.tab(service.url, size=size, theme=theme) as tab:
        for name, (path, main, ready) in VIEWS.items():
            page = tab.open(path.format(**places))
            expect(page.locator(ready).first).to_be_visible()
            wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert wide[0] <= wide[1], name
            assert within(page.locator(main)), name
            pixels = np.asarray(PIL.Image.open(io.BytesIO(page.screenshot())).convert("L"))
            assert pixels.shape == size[::-1], name
            assert pixels.std() > 5, name
            is_light = np.median(pixels) > 128
            # A page image may fill the view, and scans are light.
            assert is_light == (theme == "light") or ".l" in ready, name
            for opened in page.locator("details > summary").all():
                opened.click()
            if page.locator("#doubts").count():
                page.locator("#doubts").click()
            found = axe.Axe().run(page).response["violations"]
            serious = [
                (each["id"], each["nodes"][0]["html"])
                for each in found
                if each["impact"] in ("serious", "critical")
            ]
            assert serious == [], name


@pytest.fixture(scope="module")
def locked():
    """A server that wants keys, and two keys of different owners."""
    from serving import running

    from ocrloom.service.keys import Keys

    with running("--require-keys") as server:
        with Keys(server.library) as keys:
            made = [keys.create(name).result()[1] for name in ("one", "two")]
        yield server, *made


def test_signing_in(browser, locked, file_of):
    server, mine, other = locked
    with server.client(other) as client:
        job = client.post("/v1/jobs", files={"file": ("a.tif", file_of("Not yours"))}).json()["id"]
    with browser.tab(server.url) as tab:
        page = tab.open("/library?q=x")
        assert page.url == f"{server.url}/login?next=/library%3Fq%3Dx"
        page.get_by_label("API key").fill(mine)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{server.url}/library?q=x")
        expect(page.locator("#found-title")).to_have_text("No hits")
        [cookie] = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        page = tab.open(f"/jobs/{job}")
        expect(page.get_by_role("heading", name="There is no such job")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{server.url}/login")
        assert page.context.cookies() == []


def test_keys_of_the_page(locked):
    server, key, _ = locked
    with server.client() as client:
        for path in ("/", "/library", "/jobs/x", "/documents/1"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
        refused = client.post("/login", data={"key": "ocrl_wrong", "next": "/"})
        assert refused.status_code == 401
        assert "ocrl_wrong" not in refused.text
        assert "set-cookie" not in refused.headers
        for target in (
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "evil",
        ):
            answer = client.post("/login", data={"key": key, "next": target})
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            client.cookies.clear()
        assert (
            client.post("/login", data={"key": key, "next": "/library?q=a"}).headers["location"]
            == "/library?q=a"
        )
        assert client.get("/library").status_code == 200


def test_cookies_behind_a_proxy_with_tls(locked):
    server, key, _ = locked
    with server.client() as client:
        for scheme, secure in (("https", True), ("http", False)):
            origin = {"Origin": server.url.replace("http", scheme)}
            answer = client.post("/login", data={"key": key}, headers=origin)
            assert answer.status_code == 303
            assert ("secure" in answer.headers["set-cookie"].lower()) is secure
            client.cookies.clear()


def test_a_bad_key_that_is_not_needed(service):
    with service.client() as client:
        answer = client.get("/login?next=/library", headers={"Cookie": "ocrloom_key=bad"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/library")
        assert 'ocrloom_key=""' in answer.headers["set-cookie"]
        assert client.get("/login").status_code == 200


def test_a_job_that_was_forgotten(service, send):
    job = send(b"forget it", "forgotten.txt")["id"]
    with closing(sqlite3.connect(service.library, isolation_level=None)) as database:
        database.execute("UPDATE jobs SET status = 'expired' WHERE id = ?", [job])
    with service.client() as client:
        answer = client.get(f"/jobs/{job}")
    assert answer.status_code == 410
    assert "This job is over and forgotten" in answer.text


def test_static_files(service):
    with httpx.Client(base_url=service.url, trust_env=False) as client:
        page = client.get("/").text
        for path in re.findall(r'(?:href|src)="(/static/[^"#]+)', page):
            answer = client.get(path)
            assert answer.status_code == 200
            kind = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}[
                path.rsplit(".", 1)[1]
            ]
            assert answer.headers["content-type"].split(";")[0] == kind
        for path in (
            "/static/../pages.py",
            "/static/%2e%2e/%2e%2e/app.py",
            "/static/",
            "/static//etc/passwd",
        ):
            assert client.get(path).status_code in (404, 405)
        # No script or style within a page, which its policy forbids.
        assert "<style" not in page
        assert "style=" not in page
        assert not re.search(r"<script(?![^>]* src=)", page)
