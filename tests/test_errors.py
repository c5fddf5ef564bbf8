"""The tree of exceptions, and the drawing of it."""

import inspect
import pickle
import re

import pytest

from ocrloom import errors
from ocrloom.errors import OcrException

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
