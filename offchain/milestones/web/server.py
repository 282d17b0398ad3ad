"""Listens, and serves until it is ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from milestones.listening import PortServer, authority, listen
from milestones.web.app import application
from milestones.web.serving import Serving

_LOG: Final = logging.getLogger(__name__)
KEEP_ALIVE_SECONDS: Final = 30
MOST_CONNECTIONS: Final = 1_000
AFTER_FAULT_SECONDS: Final = 30.0


class RunningServer:
    """A server that accepts connections; `url` is where, from this machine."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        settings = serving.settings
        self._socket = listen("port", settings.host, settings.port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{authority(settings.host, self.port)}"
        serving.own_url = self.url
        config = uvicorn.Config(
            app,
            interface="asgi3",
            http="h11",
            ws="none",
            lifespan="off",
            # Whose request it is, as the proxy on this machine says.
            proxy_headers=settings.is_public,
            forwarded_allow_ips=list(settings.trusted_proxies),
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            limit_concurrency=MOST_CONNECTIONS,
        )
        self._server = PortServer(config)

    async def serve(self) -> None:
        """Serves until `end`, or until the task is cancelled."""
        try:
            await self._server.serve([self._socket])
        finally:
            self._socket.close()

    def end(self) -> None:
        """Makes `serve` come to its end."""
        self._server.end()


@asynccontextmanager
async def running(serving: Serving, more: Sequence[BaseRoute] = ()) -> AsyncIterator[RunningServer]:
    """A server in this event loop, for as long as the block lasts; `more` is what it answers beside."""
    server = RunningServer(application(serving, more), serving)
    works = [serving.events.run, *([] if serving.payments is None else [serving.payments.run])]
    beside = [asyncio.ensure_future(_kept_up(work)) for work in works]
    task = asyncio.ensure_future(server.serve())
    try:
        yield server
    finally:
        serving.events.end()
        server.end()
        await task
        for each in beside:
            await _ended(each)


async def _ended(work: asyncio.Future[None]) -> None:
    """Cancels work, and waits for its end. A cancellation can be lost where an answer comes just then."""
    while not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=1)


async def _kept_up(work: Callable[[], Awaitable[None]]) -> None:
    """Work that goes on, whatever happens: a fault in it is written down, and ends nothing else."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - the server's edge
            _LOG.exception("a fault of the program: please report it")
            await asyncio.sleep(AFTER_FAULT_SECONDS)
