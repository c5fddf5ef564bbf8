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
    (
        # The digest of somebody's document has its owner behind it, after a slash.
        "ALTER TABLE documents ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX documents_owner ON documents (owner, id)",
        # How many documents were removed, and how many of them from the disk too.
        "CREATE TABLE removals (number INTEGER NOT NULL, scrubbed INTEGER NOT NULL) STRICT",
        "INSERT INTO removals VALUES (0, 0)",
        # What a service was asked to read, and what became of it.
        """
        CREATE TABLE jobs (
            place INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            owner TEXT NOT NULL,
            status TEXT NOT NULL,
            name TEXT NOT NULL,
            created REAL NOT NULL,
            started REAL,
            finished REAL,
            size INTEGER NOT NULL,
            digest TEXT NOT NULL,
            media TEXT NOT NULL,
            upload TEXT,
            url TEXT,
            max_size INTEGER,
            options TEXT NOT NULL,
            store INTEGER NOT NULL,
            webhook TEXT,
            idempotency TEXT,
            fingerprint TEXT NOT NULL,
            pages INTEGER,
            pages_done INTEGER NOT NULL DEFAULT 0,
            pages_failed INTEGER NOT NULL DEFAULT 0,
            document INTEGER,
            error TEXT,
            attempts INTEGER NOT NULL DEFAULT 0,
            fruitless INTEGER NOT NULL DEFAULT 0,
            worker TEXT,
            lease REAL,
            canceling INTEGER NOT NULL DEFAULT 0,
            last_event INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        "CREATE INDEX jobs_status ON jobs (status, place)",
        "CREATE INDEX jobs_owner ON jobs (owner, place)",
        "CREATE INDEX jobs_finished ON jobs (finished)",
        "CREATE INDEX jobs_upload ON jobs (upload)",
        "CREATE UNIQUE INDEX jobs_idempotency ON jobs (owner, idempotency)",
        # The pages that are finished, in the order in which that happened: none is read again.
        """
        CREATE TABLE job_pages (
            job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            place INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (job, number)
        ) STRICT
        """,
        "CREATE UNIQUE INDEX job_pages_place ON job_pages (job, place)",
        """
        CREATE TABLE job_events (
            job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            time REAL NOT NULL,
            page INTEGER,
            PRIMARY KEY (job, number)
        ) STRICT
        """,
        # Calls of webhooks: what is to be sent, when to try next, and how it went.
        """
        CREATE TABLE deliveries (
            id TEXT PRIMARY KEY,
            job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            event INTEGER NOT NULL,
            owner TEXT NOT NULL,
            target TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            due REAL,
            delivered REAL,
            worker TEXT,
            lease REAL,
            log TEXT NOT NULL DEFAULT '[]'
        ) STRICT
        """,
        "CREATE INDEX deliveries_due ON deliveries (due)",
        "CREATE INDEX deliveries_job ON deliveries (job)",
        "CREATE INDEX deliveries_worker ON deliveries (worker)",
        """
        CREATE TABLE keys (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            owner TEXT NOT NULL,
            hash TEXT NOT NULL,
            created REAL NOT NULL,
            used REAL,
            revoked REAL,
            rate INTEGER,
            max_upload INTEGER,
            max_queued INTEGER
        ) STRICT
        """,
    ),
)
