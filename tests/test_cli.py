"""The command line as a process: streams, signals, locale, start; and the small commands."""

import importlib.metadata
import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import PIL.Image
import pytest

from ocrloom import Language, __version__, errors
from ocrloom.cli import doctor, main, tables
from ocrloom.cli.errors import BROKEN_PIPE
from ocrloom.cli.interrupts import INTERRUPTED, TERMINATED
from ocrloom.cli.languages import print_languages
from ocrloom.errors import OcrEngineError

WORDS = "Voilà une forêt"
COMMAND = [sys.executable, "-c", "from ocrloom.cli import main; main()"]
# Writes where no worker should, then reads as usual.
POLLUTING = """
import os, sys
import ocrloom.reading
read_frame = ocrloom.reading.read_frame
def polluting(*arguments):
    print("python chatter")
    os.write(1, b"native chatter\\n")
    os.write(2, b"native complaint\\n")
    return read_frame(*arguments)
ocrloom.reading.read_frame = polluting
from ocrloom.cli import main
main()
"""


@pytest.fixture(scope="session")
def french(tmp_path_factory, note):
    path = tmp_path_factory.mktemp("french") / "forêt.png"
    PIL.Image.fromarray(note(WORDS)).save(path)
    return path


def run(*arguments, command=COMMAND, **options):
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, timeout=120, check=False, **options
    )


# --- start ------------------------------------------------------------------------------------


def test_help_loads_neither_runtime_nor_numpy(run_python):
    code = """
import sys, time
begun = time.perf_counter()
from ocrloom.cli import main
for arguments in (["--help"], ["read", "--help"], ["plan", "--help"]):
    try:
        main(arguments)
    except SystemExit as ended:
        assert not ended.code
print("took", round(time.perf_counter() - begun, 3))
for name in ("openvino", "cv2", "numpy", "PIL", "ray", "fsspec", "pyarrow"):
    assert name not in sys.modules, name
"""
    out = run_python(code)
    sys.stdout.write(f"three helps inside one process {out.splitlines()[-1]} s\n")
    assert "Example: ocrloom read" in out


def test_time_of_help_is_printed():
    begun = time.perf_counter()
    done = run("--help")
    sys.stdout.write(f"ocrloom --help: {time.perf_counter() - begun:.3f} s\n")
    assert done.returncode == 0


@pytest.mark.parametrize("command", ["read", "plan", "languages", "doctor"])
def test_every_command_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"Example: ocrloom {command}" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"ocrloom {__version__}\n"


def test_the_program_is_installed():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="ocrloom")
    assert script.load() is main


def test_exit_codes_are_documented():
    text = (Path(__file__).parents[1] / "docs" / "cli.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE)
    documented = {int(code) for row in rows for code in row.split(",")}
    # Of the groups, 10 and 20, only the kinds below them are ever raised.
    raised = {
        getattr(errors, name).exit_code for name in errors.__all__ if name.startswith("Ocr")
    } - {errors.OcrSourceError.exit_code, errors.OcrImageError.exit_code}
    assert documented == raised | {0, 1, 2, BROKEN_PIPE, INTERRUPTED, TERMINATED}


# --- streams ----------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [(), ("-v",)])
def test_nothing_but_the_result_reaches_standard_output(french, flags):
    done = run("read", french, *flags, command=[sys.executable, "-c", POLLUTING])
    assert done.returncode == 0
    assert done.stdout == f"{WORDS}\n".encode()
    assert b"python chatter" in done.stderr
    assert (b"native chatter" in done.stderr) == bool(flags)
    assert (b"native complaint" in done.stderr) == bool(flags)


def test_output_is_utf8_in_the_locale_c(french, tmp_path):
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment = os.environ | bare | {"PYTHONIOENCODING": "ascii"}
    done = run("read", french, tmp_path / "no-ö.png", env=environment)
    assert done.returncode == 11
    assert done.stdout == f"{WORDS}\n".encode()
    assert b"no such file" in done.stderr
    assert run("read", french, "-o", tmp_path / "out.txt", env=environment).returncode == 0
    assert (tmp_path / "out.txt").read_bytes() == f"{WORDS}\n".encode()
    done = run("languages", env=environment)
    assert done.returncode == 0
    assert "Māori".encode() in done.stdout


@pytest.mark.parametrize("arguments", [("read",), ("languages",)])
def test_a_closed_pipe_ends_quietly(french, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    files = [french] if arguments == ("read",) else []
    try:
        done = subprocess.run(
            [*COMMAND, *arguments, *files],
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="closes a descriptor as POSIX shells do")
def test_closed_standard_output_is_an_error_only_if_it_is_needed(french, tmp_path):
    shell = ["sh", "-c", '"$@" >&-', "sh", *COMMAND]
    done = run("read", french, command=shell)
    assert done.returncode == 60
    assert b"standard output is closed" in done.stderr
    assert run("read", french, "-o", tmp_path / "out.txt", command=shell).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_is_an_error(french):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "read", french], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 60
    assert b"standard output cannot be written" in done.stderr


def test_standard_input_as_a_process(french):
    done = run("read", "-", "-f", "json", input=french.read_bytes())
    assert done.returncode == 0
    assert json.loads(done.stdout)["source"] == "<stdin>"
    done = run("read", "-", stdin=subprocess.DEVNULL)
    assert done.returncode == 15
    assert done.stderr.startswith(b"ocrloom: <stdin>: ")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_several_texts_on_a_terminal_are_headed(french, tmp_path):
    import pty

    other = tmp_path / "other.png"
    other.write_bytes(french.read_bytes())
    master, slave = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "read", french, other],
        stdout=slave,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )
    os.close(slave)
    assert done.returncode == 0, done.stderr
    shown = os.read(master, 10_000).decode().replace("\r\n", "\n")
    os.close(master)
    assert shown == f"{WORDS}\n" * 2
    assert done.stderr.decode() == f"==> {french} <==\n==> {other} <==\n"


def test_an_interrupt_of_another_command_is_quiet(monkeypatch, capsys):
    def interrupt(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ocrloom.cli.languages.print_languages", interrupt)
    with pytest.raises(SystemExit) as ended:
        main(["languages"])
    assert ended.value.code == 130
    assert capsys.readouterr().err == "ocrloom: interrupted\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


# --- languages --------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_language_data")
def test_languages_as_json(capsys):
    print_languages(as_json=True)
    entries = {each["code"]: each for each in json.loads(capsys.readouterr().out)}
    assert set(entries) == {language.code for language in Language}
    assert entries["fra"] == {
        "code": "fra",
        "iso639_1": "fr",
        "iso639_3": "fra",
        "name": "French",
        "script": "Latn",
        "recognisers": ["pp-ocrv6-small", "tesseract"],
        "readable": True,
        "data": None,
        "download_bytes": 1130365,
    }
    assert entries["vie"]["readable"] is False


def test_languages_in_a_pipe_are_one_a_line(capsys):
    print_languages(as_json=False)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert len(lines) == len(Language) + 1
    assert all(line == line.rstrip() for line in lines)
    assert "ocrloom languages add" in captured.err


def test_tables_on_a_terminal_are_framed(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    tables.print_table(("Name", "Path"), [("a", "[b]/c")])
    assert "[b]/c" in terminal.getvalue()
    assert "─" in terminal.getvalue()


# --- doctor -----------------------------------------------------------------------------------


def test_doctor_finds_this_installation_well(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    captured = capsys.readouterr()
    assert ended.value.code == 0
    assert captured.err == ""
    assert "All that reading needs is well." in captured.out
    assert captured.out.count("SHA-256 as expected") == 2
    for name in ("OpenVINO", "NumPy", "OpenCV", "Pillow", "Usable CPUs", "Precision", "Cache"):
        assert name in captured.out


@pytest.fixture
def run_doctor(run):
    def report():
        code, out, err = run("doctor")
        assert (code, err) == (0, "")
        return out

    return report


def test_doctor_as_json(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--json"])
    assert ended.value.code == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["problems"] == []
    assert facts["ocrloom"] == __version__
    assert all(model["unchanged"] for model in facts["models"])
    assert {extra["name"] for extra in facts["extras"]} == {
        *("tesseract", "postgres", "server", "ray"),
    }


def test_doctor_knows_every_extra_and_its_packages():
    declared = importlib.metadata.metadata("ocrloom").get_all("Provides-Extra")
    extras = {extra["name"]: extra for extra in doctor.examine()["extras"]}
    assert {*extras, "all"} == set(declared)
    assert "tesserocr" in extras["tesseract"]["packages"]
    assert "psycopg" in extras["postgres"]["packages"]
    assert extras.pop("tesseract")["adds"].startswith("reads Vietnamese")
    assert extras.pop("postgres")["adds"].startswith("keeps a library")
    assert extras.pop("server")["adds"].startswith("adds the command serve")
    assert extras["ray"]["adds"].startswith("reads on a cluster")
    assert "ray" in extras.pop("ray")["packages"]
    assert not extras


@pytest.mark.parametrize(("version", "said"), [("2.60.0", "2.60.0"), (None, "not installed")])
def test_doctor_says_which_ray_is_there(run_doctor, monkeypatch, version, said):
    version_of = doctor._version_of
    monkeypatch.setattr(
        doctor, "_version_of", lambda name: version if name == "ray" else version_of(name)
    )
    assert re.search(rf"^Ray +{said}$", run_doctor(), re.MULTILINE)


def test_doctor_says_what_is_broken(monkeypatch, capsys):
    def missing(model):
        raise OcrEngineError(f"model file {model.file} is missing; install it again")

    monkeypatch.setattr(doctor, "locate", missing)
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    captured = capsys.readouterr()
    assert ended.value.code == OcrEngineError.exit_code
    assert captured.err.count("is missing; install it again") == 2
    assert captured.err.startswith("ocrloom: ")
    assert "All that reading needs is well." not in captured.out
    assert "missing" in captured.out


def test_doctor_reports_a_library_that_does_not_load(monkeypatch):
    def refuse(name):
        raise ImportError(f"libGL.so.1: needed by {name}")

    monkeypatch.setattr(doctor, "import_module", refuse)
    facts = doctor.examine()
    names = ("NumPy", "OpenCV", "Pillow", "pikepdf", "pypdfium2")
    assert facts["libraries"] == dict.fromkeys(names)
    assert len(facts["problems"]) == len(names)
