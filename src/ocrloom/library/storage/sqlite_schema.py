"""The tables in SQLite, step by step: a database of an older version takes the steps it lacks."""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION", "STEPS"]

APPLICATION: Final = 0x6F63726C
"""What the header of the file says that it belongs to: "ocrl"."""

STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE documents (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            digest TEXT NOT NULL UNIQUE,
            source TEXT,
            source_words TEXT NOT NULL,
            title TEXT NOT NULL,
            title_words TEXT NOT NULL,
            date TEXT,
            added TEXT NOT NULL,
            changed TEXT NOT NULL,
            version INTEGER NOT NULL,
            pages INTEGER NOT NULL,
            languages TEXT NOT NULL,
            failures TEXT NOT NULL,
            kept TEXT
        ) STRICT
        """,
        """
        CREATE TABLE metadata (
            document INTEGER NOT NULL REFERENCES documents,
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            words TEXT NOT NULL,
            PRIMARY KEY (document, name)
        ) STRICT, WITHOUT ROWID
        """,
        # Small rows of their own, as filters look at many of them.
        """
        CREATE TABLE pages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            document INTEGER NOT NULL REFERENCES documents,
            number INTEGER NOT NULL,
            languages TEXT NOT NULL,
            tokens INTEGER NOT NULL,
            UNIQUE (document, number)
        ) STRICT
        """,
        """
        CREATE TABLE contents (
            id INTEGER PRIMARY KEY REFERENCES pages,
            tokens TEXT NOT NULL,
            doubted TEXT NOT NULL,
            words BLOB NOT NULL,
            tree BLOB NOT NULL
        ) STRICT
        """,
        # Tokens hold letters and digits only, which this tokenizer leaves alone.
        """
        CREATE VIRTUAL TABLE words USING fts5 (
            tokens, doubted, content='contents', content_rowid='id', tokenize='ascii',
            prefix='1 2 3'
        )
        """,
        "CREATE VIRTUAL TABLE places USING fts5vocab ('words', 'instance')",
        """
        CREATE TABLE terms (
            term TEXT PRIMARY KEY,
            skeleton TEXT NOT NULL,
            mirrored TEXT NOT NULL,
            pages REAL NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX terms_skeleton ON terms (skeleton)",
        "CREATE INDEX terms_mirrored ON terms (mirrored)",
    ),
)
