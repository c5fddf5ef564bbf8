"""How many CPUs and how much memory a process may use, containers' limits included."""

from __future__ import annotations

import os

import pytest

from ocrloom.scheduling import memory
from ocrloom.scheduling.cpus import usable_cpus
from ocrloom.scheduling.memory import default_budget, usable_memory

GIB = 1024**3


def affinity():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture
def sixteen(monkeypatch):
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    else:
        monkeypatch.setattr(os, "cpu_count", lambda: 16)


def test_without_a_control_group_the_affinity_counts(tmp_path):
    assert usable_cpus(tmp_path / "none") == affinity()
    assert 1 <= usable_cpus() <= affinity()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_smaller_affinity_is_respected(run_python):
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from ocrloom.scheduling.cpus import usable_cpus; print(usable_cpus())"
    )
    assert run_python(code) == "1\n"


def test_without_affinity_all_cpus_count(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cpus(tmp_path) == 1


@pytest.mark.usefixtures("sixteen")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("10000 100000\n", 1),
        ("1 1000000\n", 1),
        ("9900000 100000\n", 16),
        ("max 100000\n", 16),
        ("max\n", 16),
        ("", 16),
        ("0 100000", 16),
        ("100000 0", 16),
        ("-1 100000", 16),
        ("many of them", 16),
        ("1" + "0" * 400 + " 1", 16),
        ("\ud800\udcff", 16),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_the_quota_of_the_control_group(tmp_path, version, text, expected):
    data = text.encode("utf-8", "surrogatepass")
    if version == 2:
        (tmp_path / "cpu.max").write_bytes(data)
    else:
        quota, _, period = data.partition(b" ")
        (tmp_path / "cpu").mkdir()
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_bytes(quota)
        (tmp_path / "cpu" / "cpu.cfs_period_us").write_bytes(period)
    assert usable_cpus(tmp_path) == expected


@pytest.mark.usefixtures("sixteen")
def test_version_two_is_asked_first(tmp_path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("300000")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert usable_cpus(tmp_path) == 3
    (tmp_path / "cpu.max").write_text("500000 100000")
    assert usable_cpus(tmp_path) == 5


# Memory


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """Sets what the control groups of version 2 and 1 say; the machine has 8 GiB."""
    monkeypatch.setattr(memory, "_physical", lambda: 8 * GIB)
    paths = tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes"
    monkeypatch.setattr(memory, "_LIMITS", tuple(map(str, paths)))

    def write(*texts):
        for path, text in zip(paths, texts, strict=False):
            if text is not None:
                path.write_bytes(text.encode("utf-8", "surrogatepass"))

    yield write
    default_budget.cache_clear()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((), 8 * GIB),
        (("max\n",), 8 * GIB),
        (("1073741824\n",), GIB),
        ((None, "2147483648\n"), 2 * GIB),
        (("9223372036854771712",), 8 * GIB),
        (("3221225472", "2147483648"), 2 * GIB),
        (("0",), 8 * GIB),
        (("-1",), 8 * GIB),
        (("",), 8 * GIB),
        (("all of it",), 8 * GIB),
        (("\ud800\udcff",), 8 * GIB),
        (("²",), 8 * GIB),
        (("1" + "0" * 5000,), 8 * GIB),
    ],
)
def test_the_memory_that_the_container_leaves(limits, texts, expected):
    limits(*texts)
    assert usable_memory() == expected


def test_a_limit_that_is_no_file(limits, tmp_path):
    (tmp_path / "memory.max").mkdir()
    limits(None, "1073741824")
    assert usable_memory() == GIB


@pytest.mark.parametrize(
    ("limit", "budget"), [("max", 4 * GIB), ("1073741824", GIB // 2), ("1048576", GIB // 4)]
)
def test_pages_may_take_half_of_it_and_some_in_any_case(limits, limit, budget):
    limits(limit)
    default_budget.cache_clear()
    assert default_budget() == budget


def test_this_machine_has_memory():
    assert 64 * 1024**2 < usable_memory() < 1024**5


def test_a_system_that_says_nothing(monkeypatch):
    monkeypatch.delattr(os, "sysconf", raising=False)
    monkeypatch.setattr(memory, "_windows_memory", lambda: None)
    assert memory._physical() == 4 * GIB


@pytest.mark.skipif(os.name == "nt", reason="Windows says it")
def test_only_windows_is_asked_as_windows():
    assert memory._windows_memory() is None
