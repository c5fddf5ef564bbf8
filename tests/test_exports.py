"""The public names."""

import importlib

import pytest

import ocrloom

PUBLIC = {
    "engine": None,  # None: everything that the module lists
    "errors": None,
    "image": {"Image"},
    "journal": {"Journal"},
    "languages": {"Language"},
    "library": {"Library"},
    "options": None,
    "progress": None,
    "remote": {"RemoteEngine"},
    "result": None,
}


def test_the_list_is_sorted_and_has_no_duplicates():
    assert ocrloom.__all__ == sorted(set(ocrloom.__all__))


@pytest.mark.parametrize("name", ocrloom.__all__)
def test_every_name_can_be_fetched(name):
    assert getattr(ocrloom, name) is not None


def test_the_list_is_what_the_modules_make_public():
    expected = {"__version__"}
    for name, chosen in PUBLIC.items():
        listed = set(importlib.import_module(f"ocrloom.{name}").__all__)
        assert chosen is None or chosen <= listed
        expected |= listed if chosen is None else chosen
    assert set(ocrloom.__all__) == expected


@pytest.mark.parametrize("module", PUBLIC)
def test_names_are_the_modules_own_objects(module):
    loaded = importlib.import_module(f"ocrloom.{module}")
    names = [name for name in loaded.__all__ if name in ocrloom.__all__]
    assert names
    for name in names:
        assert getattr(ocrloom, name) is getattr(loaded, name)


def test_dir_lists_the_public_names():
    assert dir(ocrloom) == sorted(ocrloom.__all__)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="'ocrloom' has no attribute 'Vision'"):
        _ = ocrloom.Vision


def test_star_import_gives_the_list(run_python):
    code = "from ocrloom import *\nprint(*sorted(n for n in dir() if n[0].isupper()))"
    assert run_python(code).split() == [name for name in ocrloom.__all__ if name[0].isupper()]


@pytest.mark.parametrize(
    "use",
    [
        "import ocrloom",
        "import ocrloom; ocrloom.OcrEngine(language='fra')",
        "import ocrloom; ocrloom.Language.parse('en'), ocrloom.OcrOptions(), ocrloom.OcrException",
        "import ocrloom; ocrloom.OcrEngine(workers=1, memory=10**9).close()",
        "import ocrloom; ocrloom.Image.load(b'GIF89a')",
        "import ocrloom; ocrloom.Journal('folder'), ocrloom.Progress, ocrloom.Stage.DONE",
        "import ocrloom.cli",
    ],
)
def test_light_things_load_no_runtime(run_python, use):
    code = f"{use}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = set(run_python(code).split())
    assert "ocrloom" in loaded
    assert not loaded & {"numpy", "cv2", "openvino", "PIL", "rapidocr", "openvino_telemetry"}
