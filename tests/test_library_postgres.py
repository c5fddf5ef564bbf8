"""What PostgreSQL has of its own, besides what test_library_storage.py holds all stores to."""

from __future__ import annotations

import sys

import pytest
from postgres import GUEST, free_port
from stores import found, new, page, phrase, unchanged

from ocrloom import OcrException, OcrLibraryError, OcrLibraryUnavailable
from ocrloom.library import opening


def test_postgres_tells_why_it_cannot_be_reached(postgres):
    wrong = (
        (postgres.address("absent"), "absent"),
        (f"postgresql://u:secret@127.0.0.1:{free_port()}/d", "Connection refused"),
        (postgres.address("postgres", GUEST[0], "secret"), "authentication failed"),
        ("postgresql://u:secret@:port/d", "invalid integer value"),
        ("postgresql://u:%zzsecret@host/d", "postgresql://user@host:5432/database"),
        ("postgresql://u:secret@127.0.0.1/d?colour=secret", "postgresql://user@host:5432/database"),
    )
    for address, reason in wrong:
        with pytest.raises(OcrLibraryUnavailable) as caught:
            opening.connector(address)(True)
        assert reason in str(caught.value)
        assert "secret" not in str(caught.value)


def test_postgres_without_psycopg_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "ocrloom.library.storage.postgres_connection", raising=False)
    with pytest.raises(OcrLibraryUnavailable, match=r'pip install "ocrloom\[postgres\]"'):
        opening.connector("postgresql://127.0.0.1/d")(True)


def test_postgres_shares_a_database_with_others(postgres):
    with postgres.database() as address:
        name = address.rpartition("/")[2]
        postgres.run("CREATE TABLE documents (mine text)", name)
        store = opening.connector(address)(True)
        store.put(new("a", "words"))
        store.close()
        assert postgres.run("SELECT count(*) FROM documents", name) == [(0,)]
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert postgres.run(tables, name) == [(1,)]


def test_postgres_user_without_rights(postgres):
    address = postgres.address
    with postgres.database() as own:
        name = own.rpartition("/")[2]
        with pytest.raises(OcrLibraryUnavailable, match="permission denied"):
            opening.connector(address(name, *GUEST))(True)
        # One who only may read what somebody else has made.
        owner = opening.connector(own)(True)
        number = owner.put(new("a", "words")).id
        postgres.run(f"GRANT USAGE ON SCHEMA ocrloom TO {GUEST[0]}", name)
        postgres.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA ocrloom TO {GUEST[0]}", name)
        guest = opening.connector(address(name, *GUEST))(True)
        assert found(guest, phrase("words")) == [(number, 1)]
        with unchanged(owner), pytest.raises(OcrLibraryUnavailable, match="permission denied"):
            guest.put(new("b", "words"))
        guest.close()
        owner.close()


def test_postgres_compares_text_as_sqlite_does(postgres):
    """Whatever language the database is of."""
    collations = "SELECT 1 FROM pg_collation WHERE collname = 'en-US-x-icu'"
    if not postgres.run(collations) or postgres.run("SHOW server_version_num") < [("150000",)]:
        pytest.skip("only servers from 15 with ICU have such databases")
    with postgres.database("LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'") as address:
        store = opening.connector(address)(True)
        store.put(new("a", "abc ab ab1 ac éa zz"))
        assert [term for term, _ in store.terms_usual("ab", 9)] == ["ab", "ab1", "abc"]
        assert sorted(store.terms_beginning("ab", mirrored=False, lengths=(1, 2))) == ["ab"]
        assert list(store.check()) == []
        store.close()


def test_postgres_of_another_encoding_is_refused(postgres):
    with (
        postgres.database("ENCODING 'LATIN1' LOCALE 'C'") as address,
        pytest.raises(OcrLibraryUnavailable, match=r"encoding is LATIN1.*ENCODING 'UTF8'"),
    ):
        opening.connector(address)(True)


def test_postgres_of_an_old_version_is_refused(postgres, monkeypatch):
    import ocrloom.library.storage.postgres_connection as module

    monkeypatch.setattr(module, "_OLDEST", 99)
    with pytest.raises(OcrLibraryUnavailable, match="expected PostgreSQL 99 or later, found 1"):
        opening.connector(postgres.address("postgres"))(True)


@pytest.fixture
def remote(postgres):
    """A store of a PostgreSQL database, and how to make it lose its connection."""
    with postgres.database() as address:
        name = address.rpartition("/")[2]
        store = opening.connector(address)(True)
        ends = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        yield store, lambda: postgres.run(ends)
        store.close()


def test_postgres_connection_that_is_lost_is_made_anew(remote):
    store, lose = remote
    number = store.put(new("a", "words")).id
    lose()
    assert store.numbers() == [number]
    lose()
    assert store.put(new("a", "words")).version == 2
    lose()
    with store.reading():
        assert store.document(number).version == 2
    assert list(store.check()) == []


def test_postgres_connection_that_is_lost_in_the_middle_leaves_nothing(remote):
    store, lose = remote
    store.put(new("a", "words"))

    def pages():
        yield page(1, "one")
        lose()
        yield page(2, "two")

    for _ in range(2):
        with unchanged(store), pytest.raises(OcrLibraryUnavailable, match="cannot be reached"):
            store.put(new("a", pages=pages()))
    with pytest.raises(OcrLibraryUnavailable):
        read_and_lose(store, lose)
    assert store.put(new("a", "words")).version == 2


def read_and_lose(store, lose):
    with store.reading():
        lose()
        store.numbers()


def test_postgres_errors_have_classes_of_their_own(remote):
    store, _ = remote
    raises = "DO $$ BEGIN RAISE SQLSTATE '{}' USING MESSAGE = 'so it is'; END $$"
    for state, kind in {
        "53100": "OcrLibraryFull",
        "53300": "OcrLibraryUnavailable",
        "55P03": "OcrLibraryUnavailable",
        "57014": "OcrLibraryUnavailable",  # by the server's own choice
        "42501": "OcrLibraryUnavailable",
        "25006": "OcrLibraryUnavailable",
        "XX001": "OcrLibraryDamaged",
        "XX002": "OcrLibraryDamaged",
        "42P01": "OcrLibraryDamaged",
        "22003": "OcrLibraryError",
        "P0001": "OcrLibraryError",
    }.items():
        with pytest.raises(OcrException) as caught:
            store.run(raises.format(state))
        assert type(caught.value).__name__ == kind, state


def test_postgres_has_no_room_for_a_page_of_more_words_than_any(remote):
    store, _ = remote
    words = " ".join(f"{n:050}" for n in range(25_000))
    with unchanged(store), pytest.raises(OcrLibraryError, match="25000 different words"):
        store.put(new("a", words))
