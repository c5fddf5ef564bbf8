"""The tables in PostgreSQL, step by step: an older version's database takes the steps it lacks."""

from __future__ import annotations

from typing import Final

__all__ = ["SCHEMA", "STEPS"]

SCHEMA: Final = "ocrloom"
"""Where the tables are, beside whatever else the database holds."""

# Text is compared by its code points, as it is in SQLite and in Python.
STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE documents (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            digest text COLLATE "C" NOT NULL UNIQUE,
            source text,
            source_words text NOT NULL,
            title text NOT NULL,
            title_words text NOT NULL,
            date text COLLATE "C",
            added text COLLATE "C" NOT NULL,
            changed text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            pages integer NOT NULL,
            languages text NOT NULL,
            failures text NOT NULL,
            kept text
        )
        """,
        """
        CREATE TABLE metadata (
            document bigint NOT NULL REFERENCES documents,
            name text COLLATE "C" NOT NULL,
            value text NOT NULL,
            words text NOT NULL,
            PRIMARY KEY (document, name)
        )
        """,
        # Small rows of their own, as filters look at many of them.
        """
        CREATE TABLE pages (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            document bigint NOT NULL REFERENCES documents,
            number integer NOT NULL,
            languages text NOT NULL,
            tokens integer NOT NULL,
            UNIQUE (document, number)
        )
        """,
        """
        CREATE TABLE contents (
            id bigint PRIMARY KEY REFERENCES pages,
            tokens text NOT NULL,
            doubted text NOT NULL,
            words bytea NOT NULL,
            tree bytea NOT NULL
        )
        """,
        # They are packed already.
        "ALTER TABLE contents ALTER words SET STORAGE EXTERNAL, ALTER tree SET STORAGE EXTERNAL",
        # Ranking reads every page that fits, so rows are left in one piece and are not compressed.
        """
        CREATE TABLE words (
            page bigint PRIMARY KEY REFERENCES pages,
            tokens tsvector NOT NULL,
            length integer NOT NULL,
            whole boolean NOT NULL
        ) WITH (toast_tuple_target = 8160)
        """,
        "CREATE INDEX words_tokens ON words USING gin (tokens)",
        """
        CREATE TABLE terms (
            term text COLLATE "C" PRIMARY KEY,
            skeleton text COLLATE "C" NOT NULL,
            mirrored text COLLATE "C" NOT NULL,
            pages double precision NOT NULL
        )
        """,
        "CREATE INDEX terms_skeleton ON terms (skeleton)",
        "CREATE INDEX terms_mirrored ON terms (mirrored)",
        # What counting a million rows for every search would give.
        "CREATE TABLE totals (pages bigint NOT NULL, tokens bigint NOT NULL)",
        "INSERT INTO totals VALUES (0, 0)",
    ),
)
