"""Helper processes, and decoding in them what may never return or crash."""

import contextlib
import functools
import gc
import os
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from image_files import TiffFrame, encoded, grey_page, page, tiff
from steps import LONG, until

from ocrloom.errors import (
    OcrDamagedImage,
    OcrEngineError,
    OcrImageTooLarge,
    OcrSourceNotFound,
)
from ocrloom.image import Image, sandbox
from ocrloom.image.decode import open_reader
from ocrloom.image.formats import Format
from ocrloom.image.sandbox import Given, SandboxedReader, sandboxed
from ocrloom.image.suspicion import suspicious
from ocrloom.options import Limits
from ocrloom.scheduling import helpers
from ocrloom.scheduling.helpers import Helper, HelperDied, HelperPool, HelperUnavailable

SOON = 5.0  # seconds in which a caller must be free; it takes some thousandths

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can do it")
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork and no signals")


class Enough(BaseException):
    """What a checkpoint raises."""


class After:
    """A checkpoint that ends the work after some seconds and knows when it did."""

    def __init__(self, seconds):
        self.due = time.monotonic() + seconds
        self.raised = None

    def __call__(self):
        if time.monotonic() > self.due:
            self.raised = time.monotonic()
            raise Enough

    @property
    def delay(self):
        """Seconds from when the work had to end until now."""
        return time.monotonic() - self.due


@pytest.fixture(autouse=True)
def started(monkeypatch):
    """The processes that a test has started; in the end none may be left."""
    processes = []
    start = helpers._start_process

    def remember(box):
        processes.append(start(box))
        return processes[-1]

    monkeypatch.setattr(helpers, "_start_process", remember)
    yield processes
    assert all_ended(processes)


@pytest.fixture
def pool(started):
    pool = HelperPool()
    yield pool
    pool.close()


@pytest.fixture
def helper(pool):
    helper = pool.lease()
    yield helper
    pool.give_back(helper)


def all_ended(processes):
    """Whether they are gone, in a while at the latest."""
    return until(lambda: all(process.returncode is not None for process in processes))


def is_gone(number):
    """Whether a process that somebody else has to wait for has ended."""
    try:
        os.kill(number, 0)
        # Some containers leave what has lost its parent as a zombie.
        return ") Z " in Path(f"/proc/{number}/stat").read_text()
    except ProcessLookupError:
        return True
    except FileNotFoundError:
        return sys.platform == "linux"


def files():
    """How many are open here, and those in the folders for temporary ones."""
    folders = [Path(tempfile.gettempdir()), Path("/dev/shm")]
    lying = {file for folder in folders if folder.is_dir() for file in folder.iterdir()}
    count = len(list(Path("/dev/fd").iterdir())) if sys.platform != "win32" else 0
    return count, {file.name for file in lying if file.name.startswith(("tmp", "ocrloom"))}


# What helpers promise


def test_a_call_ends_with_the_result_and_the_process_is_another(helper):
    assert helper.run("math:sqrt", 2.25) == 1.5
    assert helper.run("os:getpid") != os.getpid()


def test_calls_share_the_process(helper):
    assert helper.run("os:getpid") == helper.run("os:getpid")


@pytest.mark.parametrize("shape", [(0,), (5, 7), (3000, 1001, 3)])
def test_arrays_go_and_come_whole_and_come_read_only(helper, shape):
    array = np.arange(np.prod(shape), dtype=np.uint32).astype(np.uint8).reshape(shape)
    back = helper.run("copy:copy", {"a": array, "b": [array[::2]]})
    assert np.array_equal(back["a"], array)
    assert np.array_equal(back["b"][0], array[::2])
    assert not back["a"].flags.writeable


def test_an_exception_comes_as_it_is_with_its_traceback_as_a_note(helper):
    with pytest.raises(OcrSourceNotFound, match="no such file") as caught:
        helper.run("ocrloom.image.source:check_file", "/nowhere/x.png", Limits())
    assert "In a helper process:" in caught.value.__notes__[0]
    assert "check_file" in caught.value.__notes__[0]
    assert helper.run("math:sqrt", 4) == 2


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("nowhere:f", ModuleNotFoundError),
        ("math:nothing", AttributeError),
        ("math:sqrt", TypeError),
        ("threading:Lock", TypeError),
    ],
)
def test_what_cannot_be_called_or_sent_back_is_an_exception_too(helper, function, error):
    with pytest.raises(error):
        helper.run(function)
    assert helper.run("math:sqrt", 4) == 2


ODD = """
class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")

def fail():
    raise Odd(1, 2)
"""


def test_an_exception_that_cannot_be_pickled_is_told_in_words(tmp_path, monkeypatch, pool):
    (tmp_path / "odd_module.py").write_text(ODD)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match="Odd: 1 and 2"):
        pool.lease().run("odd_module:fail")


@pytest.mark.parametrize(
    ("function", "arguments", "how"),
    [
        ("os:_exit", (3,), "exit code 3"),
        ("sys:exit", (4,), "exit code 4"),
        pytest.param("os:abort", (), "SIGABRT", marks=on_posix),
        pytest.param("ctypes:string_at", (0,), "SIGSEGV", marks=on_posix),
        pytest.param("signal:raise_signal", (9,), "SIGKILL.*memory runs out", marks=on_posix),
    ],
)
def test_a_process_that_ends_is_an_exception_that_says_how(pool, function, arguments, how):
    helper = pool.lease()
    with pytest.raises(HelperDied, match=how):
        helper.run(function, *arguments)
    assert not helper.alive
    pool.give_back(helper)
    assert pool.lease() is not helper


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("time:sleep", (LONG,)),
        # Keeps Python's lock, so that nothing else runs in the helper.
        ("re:match", ("(a*)*b", "a" * 60)),
    ],
)
def test_what_the_checkpoint_raises_frees_the_caller_and_kills_the_helper(
    helper, function, arguments
):
    helper.run("math:sqrt", 1)
    checkpoint = After(0.1)
    with pytest.raises(Enough):
        helper.run(function, *arguments, checkpoint=checkpoint)
    assert checkpoint.delay < SOON
    assert not helper.alive
    helper.join()


def test_a_checkpoint_ends_a_helper_that_is_still_starting(pool):
    helper = pool.lease()
    with pytest.raises(Enough):
        helper.run("math:sqrt", 1, checkpoint=After(-1))
    helper.join()


def test_what_a_checkpoint_raises_is_not_taken_for_trouble_with_the_helper(helper):
    def checkpoint():
        raise BrokenPipeError("mine")

    with pytest.raises(BrokenPipeError, match="mine"):
        helper.run("math:sqrt", 1, checkpoint=checkpoint)


@on_linux
def test_a_call_has_no_more_memory_than_it_is_given(helper):
    with pytest.raises(MemoryError):
        helper.run("builtins:bytearray", 1 << 30, memory=1 << 28)
    assert len(helper.run("builtins:bytearray", 1 << 20, memory=1 << 28)) == 1 << 20


def test_nothing_that_a_helper_says_is_heard(helper, capfd):
    helper.run("builtins:print", "out loud")
    for stream in (1, 2):
        helper.run("os:write", stream, b"out loud")
    assert capfd.readouterr() == ("", "")


def test_a_box_that_was_large_is_emptied(helper, monkeypatch):
    monkeypatch.setattr(helpers, "_KEPT", 1000)
    helper.run("builtins:bytes", 5000)
    assert helper._box.seek(0, os.SEEK_END) == 0
    assert helper.run("math:sqrt", 4) == 2


def test_a_file_does_where_memory_without_a_name_is_not_to_be_had(pool, monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(sys, "platform", "other")
    helper = pool.lease()
    array = np.arange(1000)
    assert np.array_equal(helper.run("copy:copy", array), array)
    pool.give_back(helper)


def test_an_answer_that_is_rubbish_counts_as_a_death(helper, monkeypatch):
    monkeypatch.setattr(helpers, "read_message", lambda box: pickle.loads(b"rubbish"))
    with pytest.raises(HelperDied, match="cannot be understood"):
        helper.run("math:sqrt", 4)
    assert not helper.alive


# Pools


def test_a_helper_that_was_given_back_is_used_again(pool):
    first = pool.lease()
    pool.give_back(first)
    assert pool.lease() is first
    assert pool.lease() is not first


def test_helpers_that_died_while_nobody_had_them_are_not_used_again(pool):
    first = pool.lease()
    first.run("math:sqrt", 1)
    pool.give_back(first)
    first._process.kill()
    first.join()
    assert pool.lease().run("math:sqrt", 4) == 2


def test_an_idle_helper_ends_after_a_while():
    pool = HelperPool(idle_seconds=0.05)
    helper = pool.lease()
    helper.run("math:sqrt", 1)
    pool.give_back(helper)
    helper._listener.join(LONG)
    assert not helper._listener.is_alive()
    assert pool.lease() is not helper
    pool.close()


def test_a_helper_that_is_given_back_to_a_closed_pool_ends():
    pool = HelperPool()
    helper = pool.lease()
    pool.close()
    assert helper.run("math:sqrt", 4) == 2
    pool.give_back(helper)
    helper.join()


def test_many_callers_have_no_more_helpers_than_there_are_of_them(pool, started):
    callers = 4
    most = 0

    def work(number):
        nonlocal most
        helper = pool.lease()
        try:
            if number % 9 == 5:
                with pytest.raises(HelperDied):
                    helper.run("os:_exit", 1)
                return number
            return helper.run("operator:add", number, 0)
        finally:
            most = max(most, sum(process.poll() is None for process in started))
            pool.give_back(helper)

    with ThreadPoolExecutor(callers) as executor:
        assert list(executor.map(work, range(40))) == list(range(40))
    assert most <= callers
    assert len(started) <= callers + 40 // 9 + 1


def test_nothing_stays_behind():
    whatever_is_opened_once = HelperPool().lease()
    whatever_is_opened_once.end()
    whatever_is_opened_once.join()
    gc.collect()
    before = files()
    pool = HelperPool()
    ended, killed, crashed = (pool.lease() for _ in range(3))
    array = np.ones((1000, 1000))
    assert ended.run("copy:copy", array).sum() == 1e6
    with pytest.raises(Enough):
        killed.run("time:sleep", LONG, checkpoint=After(0.05))
    with pytest.raises(HelperDied):
        crashed.run("os:_exit", 1)
    for helper in (ended, killed, crashed):
        pool.give_back(helper)
        helper.end()
        helper.join()
    pool.close()
    assert files() == before


# The parent


KILLED = """
import sys
from ocrloom.scheduling.helpers import HelperPool
helper = HelperPool().lease()
print(helper.run("os:getpid"), flush=True)
helper.run(*eval(sys.argv[1]))
"""


@on_posix
@pytest.mark.parametrize(
    "call",
    [
        ("time:sleep", 600),
        pytest.param(("re:match", "(a*)*b", "a" * 60), marks=on_linux),
    ],
)
def test_a_helper_ends_when_its_parent_is_killed(call):
    with start(KILLED, repr(call)) as parent:
        child = int(parent.stdout.readline())
        time.sleep(0.1)  # until it is in its call
        parent.kill()
        assert until(lambda: is_gone(child))


def start(code, *arguments):
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE)


@on_posix
def test_a_program_with_an_idle_and_a_leased_helper_ends_without_a_word(run_python):
    code = """
from ocrloom.scheduling.helpers import shared_helpers
pool = shared_helpers()
leased, idle = pool.lease(), pool.lease()
print(leased.run("os:getpid"), idle.run("os:getpid"))
pool.give_back(idle)
"""
    for number in run_python(code).split():
        assert until(functools.partial(is_gone, int(number)))


def test_a_program_without_a_main_module_that_can_be_imported_has_helpers(run_python, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from ocrloom.scheduling.helpers import HelperPool\n"
        "print('once')\n"
        "pool = HelperPool()\nhelper = pool.lease()\nhelper.run('math:sqrt', 1)\n"
        "pool.give_back(helper)\npool.close()\n"
    )
    assert run_python(f"import runpy; runpy.run_path({str(script)!r})") == "once\n"


def test_modules_are_found_where_the_parent_finds_them_and_not_in_its_folder(
    helper, tmp_path, monkeypatch, pool
):
    (tmp_path / "local_module.py").write_text("def f(): return 5\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModuleNotFoundError):
        helper.run("local_module:f")
    monkeypatch.syspath_prepend(".")
    other = pool.lease()
    assert other.run("local_module:f") == 5
    other.end()


@on_posix
def test_a_fork_starts_helpers_of_its_own(run_python):
    code = """
import os, warnings
from ocrloom.scheduling.helpers import HelperPool
warnings.simplefilter("ignore")  # newer Pythons warn of forks beside threads
pool = HelperPool()
leased, idle = pool.lease(), pool.lease()
mine = {leased.run("os:getpid"), idle.run("os:getpid")}
pool.give_back(idle)
child = os.fork()
if not child:
    ok = not leased.alive
    helper = pool.lease()
    ok = ok and helper.run("os:getpid") not in mine
    pool.give_back(helper)
    pool.close()
    del leased, idle, helper
    os._exit(not ok)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert leased.run("os:getpid") in mine
pool.give_back(leased)
pool.close()
"""
    run_python(code)


@on_posix
def test_an_interrupt_of_the_terminal_does_not_reach_helpers(helper):
    number = helper.run("os:getpid")
    assert os.getpgid(number) != os.getpgid(0)
    os.kill(number, signal.SIGINT)
    assert helper.run("math:sqrt", 4) == 2


@pytest.mark.parametrize(("name", "value"), [("executable", ""), ("frozen", True)])
def test_without_an_executable_there_are_no_helpers(pool, monkeypatch, name, value):
    monkeypatch.setattr(sys, name, value, raising=False)
    assert not helpers.available()
    with pytest.raises(HelperUnavailable, match="frozen or embedded"):
        pool.lease()


def test_an_executable_that_is_missing_or_not_this_one_is_named(pool, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(HelperUnavailable, match="missing cannot be started"):
        pool.lease()


def test_a_helper_that_cannot_start_says_why(pool, monkeypatch):
    monkeypatch.setattr(helpers, "_CODE", "raise SystemExit('no such thing here')")
    with pytest.raises(HelperUnavailable, match=r"exit code 1.*no such thing here"):
        pool.lease().run("math:sqrt", 1)


def test_what_is_said_while_a_helper_starts_does_no_harm(pool, monkeypatch):
    monkeypatch.setattr(helpers, "_CODE", "print('hello', flush=True);" + helpers._CODE)
    helper = pool.lease()
    assert helper.run("math:sqrt", 4) == 2
    helper.end()


# Suspicion


def test_what_is_decoded_elsewhere():
    assert suspicious(Format.JPEG2000)
    assert [known for known in Format if suspicious(known)] == [Format.JPEG2000]
    usual = [1, 2, 3, 4, 5, 8, 32771, 32773, 32946]
    assert not suspicious(Format.TIFF, usual)
    assert not suspicious(Format.TIFF, ())
    for rare in (0, 6, 7, 34712, 34887, 34925, 50000, 50001, 65535):
        assert suspicious(Format.TIFF, [rare])
        assert suspicious(Format.TIFF, [1, rare])


# Frames


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """What ``open_reader`` gives in this process decodes in this process."""
    monkeypatch.setattr(sandbox, "available", lambda: False)


class Judging:
    """A reader all of whose frames are suspicious and that decodes none itself."""

    def __init__(self, reader):
        self.count, self.cost = reader.count, reader.cost

    def is_suspicious(self, number):
        return True

    def read(self, number, checkpoint=None):
        pytest.fail("decoded in this process")


@contextlib.contextmanager
def opened(source, pool, name=None, **limits):
    given = Given(source=source, name=name, limits=Limits(**limits))
    with (
        open_reader(source, name, given.limits) as reader,
        SandboxedReader(Judging(reader), given, pool) as safe,
    ):
        yield safe


def here(source, number=1):
    with open_reader(source, None, Limits()) as reader:
        return reader.read(number)


def jpeg_tiff(pixels, frames=1):
    """A TIFF with a JPEG in each frame, each frame darker than the one before."""
    return tiff(
        *(
            TiffFrame(
                width=pixels.shape[1],
                height=pixels.shape[0],
                parts=[encoded(pixels - 9 * number, "JPEG")],
                compression=7,
            )
            for number in range(frames)
        )
    )


@pytest.mark.parametrize("kind", ["JPEG2000", "TIFF"])
@pytest.mark.parametrize("as_file", [False, True])
def test_frames_are_the_same_as_if_decoded_here(pool, tmp_path, kind, as_file):
    source = encoded(page(), kind, dpi=(300, 300)) if kind == "TIFF" else encoded(page(), kind)
    expected = here(source)
    if as_file:
        path = tmp_path / "picture"
        path.write_bytes(source)
        source = path
    with opened(source, pool) as reader:
        frame = reader.read(1)
    assert np.array_equal(frame.pixels, expected.pixels)
    assert (frame.number, frame.dpi) == (1, expected.dpi)
    assert frame.pixels.flags.c_contiguous
    assert not frame.pixels.flags.writeable


def test_all_frames_of_a_source_are_read_by_one_helper_that_opens_it_once(
    pool, started, monkeypatch
):
    calls = []
    run = Helper.run

    def watched(self, function, *arguments, **options):
        calls.append(function.partition(":")[2])
        return run(self, function, *arguments, **options)

    monkeypatch.setattr(Helper, "run", watched)
    source = jpeg_tiff(grey_page() // 2 + 100, frames=3)
    with opened(source, pool) as reader:
        means = [reader.read(number).pixels.mean() for number in (1, 3, 2)]
    assert means[0] > means[2] > means[1]
    assert calls == ["open_source", *["read_frame"] * 3, "close_source"]
    assert len(started) == 1


def test_errors_are_those_of_decoding_here(pool):
    broken = encoded(page(), "JPEG2000")[:-300]
    with pytest.raises(OcrDamagedImage) as expected:
        here(broken)
    with opened(broken, pool) as reader, pytest.raises(OcrDamagedImage) as caught:
        reader.read(1)
    assert str(caught.value) == str(expected.value)


def test_a_decoder_that_crashes_is_a_damaged_image_and_the_next_frame_is_read(pool, monkeypatch):
    source = jpeg_tiff(grey_page(), frames=2)
    with opened(source, pool, name="page.tif") as reader:
        reader.read(1)
        run = Helper.run
        monkeypatch.setattr(Helper, "run", lambda self, *_, **__: run(self, "os:_exit", 3))
        with pytest.raises(OcrDamagedImage, match=r"page\.tif, frame 2: .*crashed \(exit code 3\)"):
            reader.read(2)
        monkeypatch.undo()
        assert reader.read(2).number == 2


def test_too_little_memory_is_an_image_that_is_too_large(pool, monkeypatch):
    with (
        opened(jpeg_tiff(grey_page()), pool, name="page.tif") as reader,
        monkeypatch.context() as patch,
    ):
        patch.setattr(Helper, "run", out_of_memory)
        with pytest.raises(OcrImageTooLarge, match=r"page\.tif, frame 1: .*more memory"):
            reader.read(1)


def out_of_memory(*_, **__):
    raise MemoryError


def test_a_source_that_is_gone_is_told_and_harms_no_other(pool, tmp_path):
    path = tmp_path / "x.tif"
    path.write_bytes(jpeg_tiff(grey_page()))
    with opened(path, pool) as reader:
        reader.read(1)
        reader._drop()
        path.rename(tmp_path / "y.tif")
        with pytest.raises(Exception, match="cannot be opened now"):
            reader.read(1)
        (tmp_path / "y.tif").rename(path)
        assert reader.read(1).number == 1


def test_no_helper_is_no_fault_of_the_image(pool, monkeypatch):
    with opened(encoded(page(), "JPEG2000"), pool) as reader:
        monkeypatch.setattr(helpers, "_CODE", "raise SystemExit('no')")
        with pytest.raises(OcrEngineError, match="process of its own, and there is none"):
            reader.read(1)


def test_what_decoding_elsewhere_costs_is_here_too(pool):
    source = encoded(page(400, 300), "JPEG2000")
    with open_reader(source, None, Limits()) as reader:
        cost = reader.cost(1)
    with opened(source, pool) as reader:
        assert reader.cost(1) == 2 * cost + 2 * len(source)
        reader._reader.is_suspicious = lambda number: False
        assert reader.cost(1) == cost


def test_a_decoder_has_no_more_memory_than_the_frame_should_take(pool, monkeypatch):
    given, run = [], Helper.run

    def watched(self, function, *arguments, memory=None, **options):
        given.append(memory)
        return run(self, function, *arguments, memory=memory, **options)

    monkeypatch.setattr(Helper, "run", watched)
    source = jpeg_tiff(grey_page())
    with opened(source, pool) as reader:
        reader.read(1)
        assert given == [None, sandbox._BESIDE + 2 * reader._reader.cost(1)]


@pytest.mark.parametrize("in_a_helper", [False, True])
def test_where_there_are_no_helpers_the_reader_decodes_itself(monkeypatch, in_a_helper):
    given = Given(source=b"", name=None, limits=Limits())
    reader = object()
    monkeypatch.setattr(sandbox, "available", lambda: in_a_helper)
    monkeypatch.setattr(sandbox, "_opened", contextlib.ExitStack() if in_a_helper else None)
    with sandboxed(reader, given) as found:
        assert found is reader


def test_elsewhere_suspicious_frames_are_left_to_helpers_and_others_not(monkeypatch):
    monkeypatch.setattr(sandbox, "available", lambda: True)
    with sandboxed(object(), Given(source=b"", name=None, limits=Limits())) as found:
        assert isinstance(found, SandboxedReader)


def test_a_frame_that_is_not_suspicious_is_decoded_here(pool, started):
    checkpoints = []

    class Trusting:
        count = 1

        def is_suspicious(self, number):
            return False

        def read(self, number, checkpoint):
            checkpoints.append(checkpoint)
            return number

    given = Given(source=b"", name=None, limits=Limits())
    with SandboxedReader(Trusting(), given, pool) as reader:
        assert reader.read(1, print) == 1
    assert checkpoints == [print]
    assert not started


def scans(pixels, repeated):
    """A progressive JPEG whose last scan, a few bytes, comes again and again."""
    data = encoded(pixels, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * repeated + data[-2:]


def slow_tiff():
    """A TIFF of one JPEG of ninety scans, which all its strips share: seconds in one call."""
    strips, rows = 40, 2000
    strip = scans(np.full((rows, rows), 200, np.uint8), 80)
    frame = TiffFrame(
        width=rows, height=rows * strips, parts=[strip], compression=7, rows_per_strip=rows
    )
    data = tiff(frame)
    at = data.index(strip)
    # The offsets and sizes of the strips, all the same, behind the end.
    tables = (
        struct.pack(f"<{strips}I", *[at] * strips),
        struct.pack(f"<{strips}I", *[len(strip)] * strips),
    )
    for tag, table in zip((273, 279), tables, strict=True):
        entry = data.rindex(struct.pack("<HHI", tag, 4, 1))
        value = struct.pack("<HHII", tag, 4, strips, len(data))
        data = data[:entry] + value + data[entry + 12 :] + table
    return data


def test_a_frame_that_takes_seconds_in_one_native_call_is_given_up_at_once(pool):
    with opened(slow_tiff(), pool) as reader:
        helper = reader._helper_with_source(lambda: None)
        checkpoint = After(0.5)
        with pytest.raises(Enough):
            reader.read(1, checkpoint)
        assert checkpoint.delay < SOON
        helper.join()


def test_a_frame_that_takes_too_long_is_refused(pool):
    with (
        opened(slow_tiff(), pool, max_decode_seconds=0.4) as reader,
        pytest.raises(OcrImageTooLarge, match="longer than the limit"),
    ):
        reader.read(1)


def test_an_image_of_a_suspicious_format_is_read_by_a_helper(monkeypatch, started, pool):
    monkeypatch.setattr(sandbox, "available", lambda: True)
    monkeypatch.setattr(sandbox, "shared_helpers", lambda: pool)
    picture = encoded(page(), "JPEG2000")
    with Image.load(picture).open() as reader:
        frame = reader.read(1)
    assert len(started) == 1
    monkeypatch.setattr(sandbox, "available", lambda: False)
    with Image.load(picture).open() as reader:
        assert np.array_equal(frame.pixels, reader.read(1).pixels)
    assert len(started) == 1
