"""`/metrics` and `/health` of a relay, for this machine alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from milestones.listening import PortServer, authority, is_own, listen
from milestones.services.relay.monitoring import health, metrics_text
from milestones.services.relay.state import RelayState

HOST: Final = "127.0.0.1"
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def application(state: RelayState) -> Starlette:
    """The application that says how `state` is."""

    async def metrics(request: Request) -> Response:
        return _stranger(request) or PlainTextResponse(metrics_text(state), media_type=METRICS_TYPE)

    async def healthy(request: Request) -> Response:
        well, words = health(state, time.time())
        return _stranger(request) or JSONResponse(words, 200 if well else 503)

    return Starlette(routes=[Route("/metrics", metrics), Route("/health", healthy)])


def _stranger(request: Request) -> Response | None:
    """A page's own name can be made to point here: it hears nothing."""
    if is_own(request.headers.get("host", ""), HOST):
        return None
    return PlainTextResponse("ask for it by 127.0.0.1 or localhost\n", 421)


@asynccontextmanager
async def monitored(state: RelayState, port: int) -> AsyncIterator[str]:
    """Where it answers, for as long as the block lasts; port 0 is any free one.

    Raises `InvalidConfiguration` about `monitor_port`.
    """
    listener = listen("monitor_port", HOST, port)
    config = uvicorn.Config(
        application(state),
        interface="asgi3",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
    )
    server = PortServer(config)
    task = asyncio.ensure_future(server.serve([listener]))
    try:
        yield f"http://{authority(HOST, listener.getsockname()[1])}"
    finally:
        server.end()
        await task
        listener.close()
