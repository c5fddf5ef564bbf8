"""The tree of exceptions, and the drawing of it."""

import asyncio
import concurrent.futures
import copy
import inspect
import pickle
import re
from pathlib import Path

import pytest

from ocrloom import errors
from ocrloom.errors import OcrCancelled, OcrDamagedImage, OcrException, OcrPagesFailed, OcrTimeout
from ocrloom.result import OcrResult, Page, PageFailure

CLASSES = [getattr(errors, name) for name in errors.__all__]
LEAVES = [each for each in CLASSES if not each.__subclasses__()]
every_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def drawn():
    """Class name to name of the parent, exit code and HTTP status, as the docstring draws them."""
    found, path = {}, ["OcrException"]
    for line in errors.__doc__.splitlines():
        row = re.match(r" {4}([│ ├└─]*)(Ocr\w+) +(\d+) +(\d+)", line)
        if row:
            depth = len(row[1]) // 4
            path[depth:] = [row[2]]
            found[row[2]] = path[depth - 1], int(row[3]), int(row[4])
    return found


def test_the_drawing_is_the_tree():
    real = {
        cls.__name__: (cls.__base__.__name__, cls.exit_code, cls.http_status)
        for cls in CLASSES
        if cls is not OcrException
    }
    assert drawn() == real


def test_everything_is_listed():
    defined = {
        name
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if cls.__module__ == errors.__name__
    }
    assert sorted(defined) == errors.__all__


def test_exit_codes_tell_the_classes_apart():
    codes = [cls.exit_code for cls in CLASSES]
    assert len(set(codes)) == len(codes)
    # 0 is success, 2 a wrong call of the command, 126 and above belong to the shell.
    assert all(code == 1 or 2 < code < 126 for code in codes)


def test_a_leaf_has_the_decade_of_its_parent():
    for cls in LEAVES:
        if cls.__base__ is not OcrException:
            assert cls.exit_code // 10 == cls.__base__.exit_code // 10


@every_class
def test_every_class_says_what_it_is(cls):
    assert cls.__dict__["__doc__"].strip().endswith(".")
    assert 400 <= cls.http_status < 600


@every_class
def test_the_root_catches_all(cls):
    with pytest.raises(OcrException, match="expected this, got that"):
        raise cls("expected this, got that")


@every_class
def test_errors_survive_pickle(cls):
    error = pickle.loads(pickle.dumps(cls("scan.png: empty {0} %s")))
    assert type(error) is cls
    assert str(error) == "scan.png: empty {0} %s"


FAILURES = tuple(
    PageFailure.of(number, OcrDamagedImage(f"scan.tif, frame {number}: damaged"))
    for number in (3, 17)
)
PARTIAL = OcrResult(pages=(Page(number=1, width=8, height=6),), failures=FAILURES)


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
@pytest.mark.parametrize("cls", [OcrTimeout, OcrCancelled])
def test_what_was_finished_stays_with_the_exception(cls, again):
    error = cls("scan.tif: ended")
    assert error.partial is None
    error.partial = PARTIAL
    assert again(error).partial == PARTIAL
    assert cls("another").partial is None


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_failed_pages_stay_with_the_exception_and_are_named(again):
    error = again(OcrPagesFailed.of("scan.tif", iter(FAILURES)))
    assert error.failures == FAILURES
    assert str(error).startswith("scan.tif: 2 pages could not be read")
    assert "scan.tif, frame 3: damaged" in str(error)
    assert str(OcrPagesFailed.of(None, FAILURES)).startswith("the image: ")
    assert OcrPagesFailed("by hand").failures == ()


def test_a_failure_gives_its_exception_back():
    error = FAILURES[1].error
    assert type(error) is OcrDamagedImage
    assert str(error) == FAILURES[1].message
    unknown = PageFailure(number=1, kind="OfALaterVersion", message="what it said")
    assert type(unknown.error) is OcrException


@pytest.mark.parametrize("kind", [asyncio.CancelledError, concurrent.futures.CancelledError])
def test_a_cancelled_reading_is_what_both_futures_raise(kind):
    with pytest.raises(kind):
        raise OcrCancelled("scan.tif: was cancelled")


def test_a_task_that_ends_by_it_is_cancelled():
    async def read():
        raise OcrCancelled("scan.tif: was cancelled")

    async def main():
        task = asyncio.create_task(read())
        await asyncio.wait([task])
        return task

    task = asyncio.run(main())
    assert task.cancelled()
    with pytest.raises(OcrCancelled, match="was cancelled"):
        task.result()


def test_the_page_on_errors_lists_every_class_with_its_codes():
    page = Path(__file__).parents[1] / "docs" / "errors.md"
    rows = re.findall(r"^\| `(Ocr\w+)` \| (\d+) \| (\d+) \|", page.read_text("utf-8"), re.MULTILINE)
    listed = {name: (int(code), int(status)) for name, code, status in rows}
    assert listed == {cls.__name__: (cls.exit_code, cls.http_status) for cls in LEAVES}
