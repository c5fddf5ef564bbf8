"""The server as people run it, for tests: skipped where its extra is not installed."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

__all__ = ["running"]


@contextmanager
def running(*flags, env=None, library=None, spool=None):
    """Starts ``ocrloom serve`` on a free port, ready for requests, and ends it.

    Args:
        *flags: Further ones of the command.
        env: Further variables of its environment; none of ours comes from outside.
        library: A file or an address; by default a file that is removed in the end.
        spool: A folder, likewise.

    Returns:
        A `benchmarks.serving.Server`: ``url``, ``process``, ``library``, ``spool``, ``log()``,
        ``client(key)``, ``stop()`` and ``kill()``.
    """
    for module in ("fastapi", "uvicorn", "sse_starlette", "prometheus_client", "python_multipart"):
        pytest.importorskip(module, reason='needs pip install "ocrloom[server]"')
    from benchmarks.serving import started

    with started(*flags, env=env, library=library, spool=spool) as server:
        yield server
