"""What is removed from a library in a file is gone from the disk."""

from __future__ import annotations

import random
import sqlite3
import string

import pytest
from results import box, page, word
from stores import new

from ocrloom import Library, OcrResult
from ocrloom.library import Description, opening

SECRETS = 15  # words that only one document has


def read(words):
    placed = [
        word(each, polygon=box(10 * place, 10, 10 * place + 9, 20))
        for place, each in enumerate(words)
    ]
    return OcrResult(pages=(page(*placed, number=1, width=9000, height=100),))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "library.db"


def left(file, words):
    """The words that some file of the library has, also from behind."""
    data = b"".join(path.read_bytes() for path in file.parent.glob("library.db*"))
    return [each for each in words if each.encode() in data or each[::-1].encode() in data]


def test_removed_words_are_on_no_disk(file):
    """So many that SQLite leaves copies of rows behind that it moves; the seed is one of these."""
    chance = random.Random(8)
    usual = ["".join(chance.choices(string.ascii_lowercase, k=7)) for _ in range(1500)]
    with Library(file) as library:
        secrets = {}
        for number in range(40):
            own = [f"zq{number:03}x{chance.randrange(10**9):09}" for _ in range(SECRETS)]
            text = chance.choices(usual, k=150) + own
            chance.shuffle(text)
            about = Description(title=f"about {own[0]}", metadata={"customer": own[1]})
            made = library.add(read(text), description=about).result()
            secrets[made.id] = own
        numbers = chance.sample(sorted(secrets), 20)
        for number in numbers:
            library.remove(number).result()
        gone = [each for number in numbers for each in secrets[number]]
        stays = [each for number in set(secrets).difference(numbers) for each in secrets[number]]
        assert left(file, gone)
        assert library.scrub().result() is True
        assert left(file, gone) == []
        assert left(file, stays) == stays
        assert all(next(library.search(each)) for each in stays[:5])
        assert not list(library.search(" OR ".join(gone[:20])))
        assert library.suggest(gone[0][:8]).result() == []
        assert library.check().result() == []
    assert left(file, gone) == []


def test_what_was_read_before_goes_too(file):
    with Library(file) as library:
        digest = "0" * 64
        library.add(read(["qzformer", "harbour"]), digest=digest).result()
        made = library.add(read(["qzlater", "harbour"]), digest=digest).result()
        assert library.scrub().result() is True
        assert left(file, ["qzformer", "qzlater", "harbour"]) == ["qzlater", "harbour"]
        library.remove(made.id).result()
        assert library.scrub().result() is True
        assert left(file, ["qzlater", "harbour"]) == []
        assert library.check().result() == []


def test_scrubbing_without_need_writes_nothing_anew(file):
    with Library(file) as library:
        library.add(read(["harbour"])).result()
        assert library.scrub().result() is True
        before = file.read_bytes()
        assert library.scrub(rewrite=True).result() is True
        assert file.read_bytes() == before


def test_large_files_are_not_written_anew_unless_asked(file, monkeypatch):
    monkeypatch.setattr("ocrloom.library.storage.sqlite_scrubbing._SMALL", 1)
    store = opening.connector(str(file))(True)
    statements = []
    store._database.set_trace_callback(statements.append)
    for rewrite, expected in ((None, False), (False, False), (True, True)):
        number = store.put(new("a", "harbour light")).id
        store.remove(number)
        statements.clear()
        assert store.scrub(rewrite=rewrite) is True
        assert ("VACUUM" in statements) is expected
        assert any("'merge'" in each for each in statements)
        assert left(file, ["harbour"]) == []
    store.close()


def test_who_reads_keeps_the_log(file, monkeypatch):
    monkeypatch.setattr("ocrloom.library.storage.sqlite_scrubbing._PATIENCE", 0.05)
    with Library(file) as library:
        number = library.add(read(["harbour"])).result().id
        reader = sqlite3.connect(file)
        reader.execute("BEGIN").connection.execute("SELECT count(*) FROM documents").fetchall()
        library.remove(number).result()
        assert library.scrub().result() is False
        reader.close()
        assert library.scrub().result() is True
        assert left(file, ["harbour"]) == []


def test_terms_of_others_stay_and_come_again(opened):
    """A store remembers what it has counted; another one may have removed that since."""
    one, other = opened(), opened()
    first = one.put(new("a", "harbour light")).id
    one.put(new("b", "harbour bell"))
    other.remove(first)
    assert set(one.pages_with(["harbour", "light", "bell"])) == {"harbour", "bell"}
    for number in range(8):
        one.put(new(f"c{number}", "light"))
    assert set(other.pages_with(["light"])) == {"light"}


def test_a_removal_that_is_given_up_removes_no_term(opened, monkeypatch):
    one, other = opened(), opened()
    number = one.put(new("a", "harbour")).id
    monkeypatch.setattr(one, "note_removal", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        one.remove(number)
    monkeypatch.undo()
    other.remove(number)
    one.put(new("b", "harbour"))
    assert set(one.pages_with(["harbour"])) == {"harbour"}


def test_postgresql_has_its_own_vacuum(postgres):
    with postgres.database() as address, Library(address) as library:
        number = library.add(read(["harbour"])).result().id
        library.remove(number).result()
        assert library.scrub().result() is True
        assert library.check().result() == []
