"""Processes at work on one library. Run as a program, which forks them before it has any thread.

What it prints is a JSON object of what was seen; where a process fails, the exit code tells.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
import warnings
from contextlib import suppress
from pathlib import Path

from ocrloom import Library, OcrLibraryFull, OcrNotInLibrary
from ocrloom.languages import Language
from ocrloom.result import Block, Line, OcrResult, Page, Word

PAGES = 4
WORDS = 120
KILLS = 20
READERS = 8
LONG = 60.0  # seconds after which something has gone wrong


def made(number, version=1):
    """A document whose pages all say its number and version."""
    chance = random.Random(number)
    return OcrResult(pages=tuple(page(n, number, version, chance) for n in range(1, PAGES + 1)))


def page(n, number, version, chance):
    texts = [f"w{int(chance.paretovariate(0.7)) % 5000}" for _ in range(WORDS)]
    texts[5:5] = [f"document{number}", f"version{version}"]
    words = tuple(
        Word(text=text, polygon=box(10 * place, 10), confidence=0.9, recogniser="made")
        for place, text in enumerate(texts)
    )
    block = Block(lines=(Line(words=words, polygon=box(0, 2000)),), polygon=box(0, 2000))
    return Page(number=n, width=2000, height=40, blocks=(block,), languages=(Language.ENGLISH,))


def box(left, width):
    return ((left, 0.0), (left + width, 0.0), (left + width, 20.0), (left, 20.0))


def digest(number):
    return f"{number:064x}"


def add(library, number, version=1):
    return library.add(made(number, version), digest=digest(number)).result(LONG)


def check(where, added=(), most=None):
    """Holds a library to be whole, with all that was said to be in it.

    Only some of the documents are searched for where a number says so.
    """
    with Library(where) as library:
        assert library.check().result(LONG) == []
        documents = list(library.documents())
        assert {document.pages for document in documents} <= {PAGES}
        for document in documents if most is None else documents[-most:]:
            hits = list(library.search(f"document{int(document.digest, 16)}", limit=None))
            assert [hit.document.id for hit in hits] == [document.id] * PAGES
            assert sorted(hit.page for hit in hits) == [1, 2, 3, 4]
        digests = [document.digest for document in documents]
        assert len(set(digests)) == len(digests)
        assert set(map(digest, added)) <= set(digests)
        stats = library.stats().result(LONG)
        assert (stats.documents, stats.pages) == (len(documents), PAGES * len(documents))
        assert stats.tokens == stats.pages * (WORDS + 2)


# Forks


def begin(work, *arguments):
    """Has a child do something; its process id."""
    with warnings.catch_warnings():
        # Of threads: NumPy has some, and they hold nothing that a child waits for.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    try:
        work(*arguments)
    except BaseException:  # noqa: BLE001  # a child must not go on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def end(*children):
    """Waits for them to have ended well."""
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert not any(codes), codes


# Kills


def index_all(where, log, count):
    """Looks whether all is there that was, adds what is not there yet, and writes it down then."""
    check(where, numbers(log), 5)
    out = os.open(log, os.O_WRONLY | os.O_APPEND)
    with Library(where) as library:
        for number in range(count):
            if library.find(digest(number)).result(LONG) is None:
                add(library, number)
                os.write(out, f"{number}\n".encode())


def killed(where, folder):
    """An indexing run that is killed again and again, at moments of which none is like another."""
    chance = random.Random(20)
    log = Path(folder) / "log"
    log.touch()
    count, sizes = 8 * KILLS, []
    for _ in range(KILLS):
        wanted, start = lines(log) + chance.choice((0, 1, 1, 2)), time.monotonic()
        child = begin(index_all, where, log, count)
        while lines(log) < wanted and time.monotonic() < start + LONG:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL  # it did not end by itself
        sizes.append(lines(log))
    end(begin(index_all, where, log, count))
    end(begin(check, where, range(count)))
    # What was stored and not said yet was there when the run went on, and not stored again.
    assert len(numbers(log)) == len(set(numbers(log)))
    return {"sizes": sizes}


def lines(log):
    return log.read_bytes().count(b"\n")


def numbers(log):
    return [int(line) for line in log.read_text(encoding="ascii").split()]


# Readers and writers


def read_on(where, stop, seed, counts):
    """Searches until it is told to stop; every search must see whole documents."""
    chance = random.Random(seed)
    searches = 0
    with Library(where) as library:
        while not stop.exists():
            number = chance.randrange(10)
            hits = list(library.search(f"document{number}"))
            assert len({hit.document.version for hit in hits}) <= 1
            for hit in hits:
                found = list(library.search(f"document{number} version{hit.document.version}"))
                assert len(found) in (0, PAGES)  # none where it was written anew meanwhile
            assert len(hits) in (0, PAGES), hits
            assert len(list(library.search("w1 OR w2*"))) <= 20
            library.stats().result(LONG)
            for document in library.documents():
                assert document.pages == PAGES
            searches += 1
            time.sleep(0.005)
    assert searches > 0
    os.write(counts, f"{searches}\n".encode())


def write_on(where, rounds):
    with Library(where) as library:
        for version in range(1, rounds + 1):
            for number in range(10):
                assert add(library, number, version).version == version


def readers(where, folder):
    """Eight processes that search while one writes."""
    stop = Path(folder) / "stop"
    ends, counts = os.pipe()
    reading = [begin(read_on, where, stop, seed, counts) for seed in range(READERS)]
    try:
        end(begin(write_on, where, 3))
    finally:
        stop.touch()
    end(*reading)
    end(begin(check, where, range(10)))
    return {"searches": list(map(int, os.read(ends, 10_000).split()))}


def write_some(where, seed):
    """Adds documents that others add too, and removes some of them."""
    chance = random.Random(seed)
    with Library(where) as library:
        for number in chance.sample(range(30), 30):
            document = add(library, number)
            if chance.random() < 0.1:
                with suppress(OcrNotInLibrary):
                    library.remove(document.id).result(LONG)
                add(library, number)


def writers(where, _):
    """Three processes that write at once."""
    end(*[begin(write_some, where, seed) for seed in range(3)])
    end(begin(check, where, range(30)))
    return {}


# A full disk


def full(where, folder):
    """A disk of its own fills up, and gets more room."""
    mount("-t", "tmpfs", "-o", "size=3m", "none", folder)
    added = []
    with Library(where) as library:
        try:
            while True:
                add(library, len(added))
                added.append(len(added))
        except OcrLibraryFull as error:
            message = str(error)
        assert len(list(library.documents())) == len(added)
        assert len(list(library.search("document0"))) == PAGES
    check_whole(where, added)
    mount("-o", "remount,size=9m", folder)
    with Library(where) as library:
        add(library, len(added))
    check(where, [*added, len(added)])
    return {"added": len(added), "message": message}


def limited(where, _):
    """No file may grow beyond a limit, as where a quota is used up."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, resource.RLIM_INFINITY))
    added = []
    with Library(where) as library:
        try:
            while True:
                add(library, len(added))
                added.append(len(added))
        except OcrLibraryFull as error:
            message = str(error)
        assert len(list(library.search("document0"))) == PAGES
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        # The same library goes on where there is room again.
        add(library, len(added))
    check(where, [*added, len(added)])
    return {"added": len(added), "message": message}


def check_whole(where, added):
    """What can be looked at without room to write."""
    with Library(where) as library:
        assert {each.digest for each in library.documents()} == set(map(digest, added))


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


if __name__ == "__main__":
    name, place, folder = sys.argv[1:]
    sys.stdout.write(json.dumps(globals()[name](place, folder)))
