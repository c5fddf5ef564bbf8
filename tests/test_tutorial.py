"""The code of the founding texts runs as it stands, but for the name of the package."""

from __future__ import annotations

import asyncio
import re
import runpy
import textwrap

import PIL.Image
import pytest

import ocrloom

# The names that the tutorial's code opens, and the samples that lie there in the test.
FILES = {
    "YOUR_DIRECTORY/input.tif": "letter.tif",
    "doc1.tif": "grey16.tif",
    "doc2.tif": "small.png",
    "doc3.tif": "cmyk.jpg",
}
FRAGMENT = "async def fragment(ocr_engine, image_path, ocr_future):\n{}\n    return locals()\n"

# The same calls in words of our own, for checkouts without the texts.
OWN_PROGRAM = """
import ocrloom as ocr
import asyncio

async def text_of(path: str) -> str:
    engine = ocr.OcrEngine()
    engine.language = ocr.Language.ENGLISH
    future = engine.process_async(ocr.Image.load(path))
    await asyncio.sleep(0)
    result = await future
    return result.text

async def texts_of(paths):
    return await asyncio.gather(*[text_of(path) for path in paths])

if __name__ == "__main__":
    print("=== OCR RESULT ===")
    print(asyncio.run(text_of("YOUR_DIRECTORY/input.tif")))
    files = ["doc1.tif", "doc2.tif", "doc3.tif"]
    for number, text in enumerate(asyncio.run(texts_of(files))):
        print(f"--- Result for {files[number]} ---")
        print(text)
"""


@pytest.fixture
def place(scan, tmp_path, monkeypatch):
    """A working directory that holds the files of the tutorial."""
    (tmp_path / "YOUR_DIRECTORY").mkdir()
    for name, sample in FILES.items():
        if scan(sample).suffix == ".tif":
            (tmp_path / name).write_bytes(scan(sample).read_bytes())
        else:
            with PIL.Image.open(scan(sample)) as picture:
                picture.save(tmp_path / name, dpi=(200, 200))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks_of(text):
    """Blocks of Python, with the one change that is allowed."""
    found = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    changed = [block.replace("import asposeocr as ocr", "import ocrloom as ocr") for block in found]
    assert not any("asposeocr" in block for block in changed)
    return tuple(changed)


@pytest.fixture(scope="module")
def tutorials(shared):
    """The different sequences of blocks; the texts are translations of one another."""
    texts = sorted((shared / "seeds").glob("*.txt"))
    assert texts
    return {blocks_of(path.read_text(encoding="utf-8")): path.name for path in texts}


def parts(blocks):
    """The helper that all else needs, blocks that run as programs, and loose lines."""
    (helper,) = [block for block in blocks if "import ocrloom" in block]
    others = [block for block in blocks if block != helper]
    programs = [block for block in others if "__main__" in block]
    return helper, programs, [block for block in others if block not in programs]


def run_as_main(code, folder):
    script = folder / "tutorial.py"
    script.write_text(code, encoding="utf-8")
    runpy.run_path(str(script), run_name="__main__")


def run_fragment(code, **names):
    """What the names stand for after loose lines have run inside a coroutine."""
    space = {"ocr": ocrloom, "asyncio": asyncio}
    exec(FRAGMENT.format(textwrap.indent(code, "    ")), space)
    values = {"ocr_engine": None, "image_path": None, "ocr_future": None, **names}

    async def main():
        found = await space["fragment"](**values)
        future = found["ocr_future"] if isinstance(found, dict) else None
        if future is not None and not future.done():
            await future
        return found

    return asyncio.run(main())


def check_single(printed, truth, cer):
    before, found = printed.split("=== OCR RESULT ===\n")
    assert before == ""
    assert cer(truth("letter.tif"), found) < 0.01


def check_batch(printed, truth, cer):
    found = re.split(r"--- Result for (doc\d\.tif) ---\n", printed)[1:]
    assert found[::2] == ["doc1.tif", "doc2.tif", "doc3.tif"]
    for name, text in zip(found[::2], found[1::2], strict=True):
        assert cer(truth(FILES[name]), text) < 0.01


def test_the_programs_print_the_text(tutorials, place, capsys, truth, cer):
    for blocks, source in tutorials.items():
        helper, programs, _ = parts(blocks)
        assert len(programs) == 2, source
        for program in programs:
            run_as_main(f"{helper}\n{program}", place)
            printed = capsys.readouterr().out
            check = check_batch if "doc1.tif" in program else check_single
            check(printed, truth, cer)


def test_the_fragments_run(tutorials, place, capsys, truth, cer):
    whole = str(place / "YOUR_DIRECTORY" / "input.tif")
    for blocks, source in tutorials.items():
        fragments = parts(blocks)[2]
        assert len(fragments) == 3, source
        for fragment in fragments:
            engine = ocrloom.OcrEngine()
            future = engine.process_async(whole)
            after = run_fragment(fragment, ocr_engine=engine, image_path=whole, ocr_future=future)
            text = after["ocr_future"].result().text
            assert cer(truth("letter.tif"), text) < 0.03
            if ".language" in fragment:
                assert engine.language is ocrloom.Language.FRENCH
    assert capsys.readouterr().out == ""


def test_the_fragment_for_errors_catches_ours(tutorials, place, capsys):
    damaged = place / "damaged.tif"
    damaged.write_bytes((place / "doc1.tif").read_bytes()[:3000])
    for blocks in tutorials:
        (fragment,) = [block for block in parts(blocks)[2] if "except" in block]
        future = ocrloom.OcrEngine().process_async(damaged)
        assert run_fragment(fragment, ocr_future=future) == ""
        assert re.match(r"OCR failed: .*damaged\.tif", capsys.readouterr().out)


def test_the_same_calls_in_our_own_words(place, capsys, truth, cer):
    run_as_main(OWN_PROGRAM, place)
    single, mark, batch = capsys.readouterr().out.partition("--- Result for doc1.tif ---\n")
    check_single(single, truth, cer)
    check_batch(mark + batch, truth, cer)
