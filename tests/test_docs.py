"""Every Python example of the documentation runs, in a folder that holds the samples."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SERVER = "http://localhost:8000"  # what needs one runs in test_service_operations.py
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def examples() -> list[object]:
    found = []
    for page in PAGES:
        for number, match in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")), 1):
            if SERVER not in match[1]:
                found.append(pytest.param(match[1], id=f"{page.name}-{number}"))
    return found


@pytest.mark.parametrize("code", examples())
def test_the_example_runs(code, samples, tmp_path, monkeypatch):
    for sample in samples.iterdir():
        shutil.copy(sample, tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "example", "exec"), {"__name__": "__main__"})


def test_links_between_the_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_changelog_names_the_version():
    from ocrloom import __version__

    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_readme_counts_the_languages():
    from ocrloom.languages import PPOCR, Language, Script

    count = sum(lang.script is Script.LATIN and PPOCR in lang.recognisers for lang in Language)
    assert f"{count} languages in Latin script" in PAGES[0].read_text(encoding="utf-8")
