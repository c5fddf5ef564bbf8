"""What an operator decides. The flags of ``ocrloom serve`` are derived from these fields."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ocrloom.fields import bytes_of
from ocrloom.options import Limits

__all__ = ["LogFormat", "LogLevel", "Settings"]

LogFormat = Literal["json", "text"]
LogLevel = Literal["debug", "info", "warning", "error"]
Names = Annotated[tuple[str, ...], NoDecode]


def _bytes(given: object) -> object:
    """Lets a number of bytes be written as 200M."""
    size = bytes_of(given) if isinstance(given, str) else None
    return given if size is None else size


Bytes = Annotated[int, BeforeValidator(_bytes)]

_LIMITS = Limits()
_MIB, _GIB = 1024**2, 1024**3


class Settings(BaseSettings):
    """Every field may come from the environment too: ``OCRLOOM_PORT`` is that of ``port``.

    Names that hold several values have commas between them.
    """

    model_config = SettingsConfigDict(
        env_prefix="OCRLOOM_",
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 is all of the machine's, and needs API keys."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""
    library: str = "ocrloom.db"
    """Database of jobs and documents: a file, or postgresql://user@host/database."""
    spool: Path = Path("ocrloom-spool")
    """Folder for what is sent, and copies of the sources of documents; servers that share a
    database share it too."""
    workers: int | None = Field(default=None, ge=1)
    """Pages read at a time; by default one for each CPU."""
    memory: Bytes | None = Field(default=None, ge=1)
    """Bytes for decoded pages; by default half of what the process may use. On a cluster, those
    of one reader."""
    ray: str | None = None
    """Ray cluster that reads, shared by all servers of it: host:port of its head, or auto for the
    one of this machine."""
    ray_min_readers: int = Field(default=1, ge=0)
    """Processes of the cluster that stay though there is nothing to read; with 0 the first page
    after a pause waits for one."""
    ray_max_readers: int | None = Field(default=None, ge=1)
    """Processes of the cluster that there may be; by default as many as it has CPUs for when the
    first server starts."""
    ray_cpus: int | None = Field(default=None, ge=1)
    """CPUs of one such process, which reads as many pages at a time; by default 4, or those of
    the smallest machine."""
    running: int | None = Field(default=None, ge=1)
    """Jobs that this server works on at a time; by default four for each page read at a time."""
    max_queued: int = Field(default=1000, ge=1)
    """Jobs that may wait, of all callers; more are answered with 429."""
    max_jobs_per_key: int | None = Field(default=None, ge=1)
    """Jobs that may wait of one caller, where its key says nothing of it."""
    rate: int | None = Field(default=None, ge=1)
    """Requests that a caller may make in a minute, where its key says nothing of it."""
    max_upload: Bytes = Field(default=200 * _MIB, ge=1)
    """Bytes of one file that is sent or fetched."""
    max_pixels: int = Field(default=_LIMITS.max_pixels, ge=1)
    """Pixels of one page."""
    max_pages: int = Field(default=_LIMITS.max_frames, ge=1)
    """Pages of one file."""
    decode_seconds: float = Field(default=_LIMITS.max_decode_seconds, gt=0)
    """Seconds that decoding one page may take."""
    job_seconds: float = Field(default=3600.0, gt=0)
    """Seconds that one job may be read; what was read until then is kept."""
    sync_seconds: float = Field(default=30.0, ge=0)
    """Seconds that POST /v1/ocr waits where the request does not say."""
    max_wait: float = Field(default=60.0, ge=0)
    """Seconds that any request may wait for a job."""
    body_idle_seconds: float = Field(default=20.0, gt=0)
    """Seconds after which a caller who sends nothing more is given up."""
    body_seconds: float = Field(default=600.0, gt=0)
    """Seconds in which a request must have been sent."""
    retention_hours: float = Field(default=24.0, gt=0)
    """Hours after which jobs that are done are forgotten; documents stay."""
    retention_bytes: Bytes = Field(default=10 * _GIB, ge=0)
    """Bytes that files of jobs that are done may take; the oldest are forgotten first."""
    store: bool = True
    """Whether what was read becomes a document of the library, where the request does not say."""
    require_keys: bool | None = None
    """Whether callers need API keys; by default unless the server listens on loopback only."""
    hosts: Names = ()
    """Names by which callers may call the server; by default any, and on loopback without keys
    only those of loopback."""
    proxies: Names = ()
    """Addresses of proxies before the server, which are believed who calls and by which scheme."""
    fetch: bool = False
    """Whether jobs may name a URL to be fetched."""
    fetch_seconds: float = Field(default=60.0, gt=0)
    """Seconds in which such a file must have come."""
    webhooks: bool = False
    """Whether jobs may name a URL to be told of what happens."""
    network_allow: Names = ()
    """Hosts and networks that these may reach although they are private, such as 10.1.0.0/16."""
    drain_seconds: float = Field(default=30.0, ge=0)
    """Seconds in which a server that is to end finishes its jobs; the rest waits for others."""
    log_format: LogFormat = "text"
    """How lines of the log are written: text for people, json for machines."""
    log_level: LogLevel = "info"
    """What is logged."""

    @field_validator("hosts", "proxies", "network_allow", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        if isinstance(given, str):
            return tuple(part.strip() for part in given.split(",") if part.strip())
        return given

    @property
    def limits(self) -> Limits:
        """What a source may claim and take."""
        return Limits(
            max_pixels=self.max_pixels,
            max_frames=self.max_pages,
            max_bytes=self.max_upload,
            max_decode_seconds=self.decode_seconds,
        )
