"""The flag ``--ray``, whose address may be left out."""

import pytest
import typer.main

from ocrloom.cli import app
from ocrloom.cli.ray_flag import COMMANDS, with_address


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a.tif", "a.tif"),
        ("--ray", "--ray=auto"),
        ("--ray a.tif", "--ray=auto a.tif"),
        ("--ray auto a.tif", "--ray=auto a.tif"),
        ("--ray local a.tif", "--ray=local a.tif"),
        ("--ray head:6379 a.tif", "--ray=head:6379 a.tif"),
        ("--ray 10.0.0.7:6379", "--ray=10.0.0.7:6379"),
        ("--ray [::1]:6379 a.tif", "--ray=[::1]:6379 a.tif"),
        ("--ray ray://head:10001 a.tif", "--ray=ray://head:10001 a.tif"),
        ("a.tif --ray -f json", "a.tif --ray=auto -f json"),
        ("--ray=head:6379 b.tif", "--ray=head:6379 b.tif"),
        ("--ray ./local", "--ray=auto ./local"),
        ("--ray s3://scans/a.tif", "--ray=auto s3://scans/a.tif"),
        ("--ray https://host:80/a.tif", "--ray=auto https://host:80/a.tif"),
        ("--ray -- head:6379", "--ray=auto -- head:6379"),
        ("-- --ray local", "-- --ray local"),
        ("--ray --ray head:1", "--ray=auto --ray=head:1"),
    ],
)
def test_only_an_address_is_taken_for_one(given, expected):
    assert with_address(given.split()) == expected.split()


def test_commands_that_read_on_clusters_have_it_and_no_others():
    commands = typer.main.get_command(app.app).commands
    having = {
        name for name, command in commands.items() if "ray" in {p.name for p in command.params}
    }
    # The flags of `serve` are made when it is called.
    assert having | {"serve"} == set(COMMANDS)


@pytest.fixture
def asked(run, monkeypatch):
    """What a command is asked for, given its arguments."""
    found = []
    for name in ("read.read_files", "index.index_files"):
        monkeypatch.setattr(f"ocrloom.cli.{name}", lambda request: found.append(request) or 0)

    def ask(*arguments):
        code, _, err = run(*arguments)
        assert code == 0, err
        return found.pop()

    return ask


@pytest.mark.parametrize("command", [["read"], ["index", "--library", "x.db"]])
def test_what_follows_is_an_address_or_a_file(asked, command):
    request = asked(*command, "--ray", "a.tif")
    assert (request.ray, request.names) == ("auto", ("a.tif",))
    request = asked(*command, "a.tif", "--ray", "head:6379", "b.tif")
    assert (request.ray, request.names) == ("head:6379", ("a.tif", "b.tif"))
    assert asked(*command, "a.tif").ray is None


def test_two_that_read_are_refused(run):
    code, out, err = run("read", "--ray", "--server", "http://host", "a.tif")
    assert (code, out) == (30, "")
    assert "--ray and --server both say who reads" in err


def test_parquet_is_for_clusters_and_alone(run):
    code, _, err = run("read", "-f", "parquet,txt", "--ray", "-o", "out/", "a.tif")
    assert (code, "without other formats" in err) == (30, True)
    code, _, err = run("read", "-f", "parquet", "-o", "out/", "a.tif")
    assert (code, "add --ray" in err) == (30, True)
    code, _, err = run("read", "-f", "parquet", "--ray", "a.tif")
    assert (code, "--output" in err) == (30, True)
