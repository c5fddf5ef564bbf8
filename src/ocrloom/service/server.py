"""The process: listens, tells where, and ends in good order."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Final

import uvicorn

from ocrloom.service import logs
from ocrloom.service.app import create_app
from ocrloom.service.connections import impatient

if TYPE_CHECKING:
    import socket
    from types import FrameType

    from ocrloom.service.settings import Settings
    from ocrloom.service.state import Service

__all__ = ["serve"]

_LOG = logging.getLogger(__name__)

_LINGER: Final = 5  # seconds for answers that are on their way when all is done


def serve(settings: Settings) -> None:
    """Serves until the process is asked to end.

    Raises:
        OcrException: A setting names what cannot be used.
        SystemExit: The address cannot be listened on.
    """
    logs.configure(settings.log_format, settings.log_level)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=impatient(settings.body_idle_seconds),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_LINGER,
        # What a caller says of itself counts nothing, what a proxy says of it does.
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
    )
    _Server(config, app.state.service).run()


class _Server(uvicorn.Server):
    """Answers while it finishes its jobs, so that callers learn of their ends."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen, and says where."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            logs.announce(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ends in good order when it is asked to, and at once when it is asked again."""
        if self._ending is not None:
            # Threads may be waiting for the database. Whatever is lost, the next server takes up.
            logging.shutdown()
            os._exit(128 + sig)
        if self._loop is None or not self.started:
            super().handle_exit(sig, frame)
            return
        self._loop.call_soon_threadsafe(self._begin_to_end)

    def _begin_to_end(self) -> None:
        if self._ending is None:
            self._ending = asyncio.ensure_future(self._end())

    async def _end(self) -> None:
        seconds = self._service.settings.drain_seconds
        _LOG.info("ending: jobs have %g s to be finished, the rest waits", seconds)
        await self._service.runner.stop(seconds)
        self._service.bell.close()
        self.should_exit = True
