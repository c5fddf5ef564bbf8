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
    (
        # The digest of somebody's document has its owner behind it, after a slash.
        """ALTER TABLE documents ADD COLUMN owner text COLLATE "C" NOT NULL DEFAULT ''""",
        "CREATE INDEX documents_owner ON documents (owner, id)",
        # How many documents were removed, and how many of them from the disk too.
        "CREATE TABLE removals (number bigint NOT NULL, scrubbed bigint NOT NULL)",
        "INSERT INTO removals VALUES (0, 0)",
        # What a service was asked to read, and what became of it.
        """
        CREATE TABLE jobs (
            place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            id text COLLATE "C" NOT NULL UNIQUE,
            owner text COLLATE "C" NOT NULL,
            status text COLLATE "C" NOT NULL,
            name text COLLATE "C" NOT NULL,
            created double precision NOT NULL,
            started double precision,
            finished double precision,
            size bigint NOT NULL,
            digest text COLLATE "C" NOT NULL,
            media text COLLATE "C" NOT NULL,
            upload text COLLATE "C",
            url text COLLATE "C",
            max_size bigint,
            options text COLLATE "C" NOT NULL,
            store bigint NOT NULL,
            webhook text COLLATE "C",
            idempotency text COLLATE "C",
            fingerprint text COLLATE "C" NOT NULL,
            pages bigint,
            pages_done bigint NOT NULL DEFAULT 0,
            pages_failed bigint NOT NULL DEFAULT 0,
            document bigint,
            error text COLLATE "C",
            attempts bigint NOT NULL DEFAULT 0,
            fruitless bigint NOT NULL DEFAULT 0,
            worker text COLLATE "C",
            lease double precision,
            canceling bigint NOT NULL DEFAULT 0,
            last_event bigint NOT NULL DEFAULT 0
        )
        """,
        "CREATE INDEX jobs_status ON jobs (status, place)",
        "CREATE INDEX jobs_owner ON jobs (owner, place)",
        "CREATE INDEX jobs_finished ON jobs (finished)",
        "CREATE INDEX jobs_upload ON jobs (upload)",
        "CREATE UNIQUE INDEX jobs_idempotency ON jobs (owner, idempotency)",
        # The pages that are finished, in the order in which that happened: none is read again.
        """
        CREATE TABLE job_pages (
            job text COLLATE "C" NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            number bigint NOT NULL,
            place bigint NOT NULL,
            failed bigint NOT NULL,
            content bytea NOT NULL,
            PRIMARY KEY (job, number)
        )
        """,
        "CREATE UNIQUE INDEX job_pages_place ON job_pages (job, place)",
        """
        CREATE TABLE job_events (
            job text COLLATE "C" NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            number bigint NOT NULL,
            kind text COLLATE "C" NOT NULL,
            time double precision NOT NULL,
            page bigint,
            PRIMARY KEY (job, number)
        )
        """,
        # Calls of webhooks: what is to be sent, when to try next, and how it went.
        """
        CREATE TABLE deliveries (
            id text COLLATE "C" PRIMARY KEY,
            job text COLLATE "C" NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            event bigint NOT NULL,
            owner text COLLATE "C" NOT NULL,
            target text COLLATE "C" NOT NULL,
            attempts bigint NOT NULL DEFAULT 0,
            due double precision,
            delivered double precision,
            worker text COLLATE "C",
            lease double precision,
            log text COLLATE "C" NOT NULL DEFAULT '[]'
        )
        """,
        "CREATE INDEX deliveries_due ON deliveries (due)",
        "CREATE INDEX deliveries_job ON deliveries (job)",
        "CREATE INDEX deliveries_worker ON deliveries (worker)",
        """
        CREATE TABLE keys (
            id text COLLATE "C" PRIMARY KEY,
            name text COLLATE "C" NOT NULL,
            owner text COLLATE "C" NOT NULL,
            hash text COLLATE "C" NOT NULL,
            created double precision NOT NULL,
            used double precision,
            revoked double precision,
            rate bigint,
            max_upload bigint,
            max_queued bigint
        )
        """,
    ),
)
