"""Ogmios' one port: WebSocket on `/`, and `GET /health`, `GET /metrics`, `POST /` beside it."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from milestones.devnet.chain import Chain
from milestones.devnet.clock import machine_posix_ms, utc
from milestones.devnet.interface import Faults, Observer, marks, read_body
from milestones.devnet.ogmios import rpc
from milestones.devnet.ogmios.rendering import tip_json
from milestones.devnet.ogmios.session import Session

TOLERANCE_MS = 60_000
"""How old a tip may be and still count as up to date."""


@dataclass(slots=True)
class Traffic:
    """What passed through the interface since it started. Durations are milliseconds."""

    started_posix_ms: int = field(default_factory=machine_posix_ms)
    total_connections: int = 0
    active_connections: int = 0
    total_messages: int = 0
    durations: list[float] = field(default_factory=list)

    def close(self, duration_ms: float) -> None:
        """Notes that a connection of this length has ended; the last thousand are remembered."""
        self.active_connections -= 1
        self.durations = [*self.durations[-999:], duration_ms]


def synchronization(chain: Chain) -> float:
    """How far the tip is up to date, 0 to 1."""
    start_ms, now_ms = chain.calendar.start_posix_ms, chain.clock.posix_ms()
    behind_ms = now_ms - chain.calendar.start_of(chain.tip.slot)
    if behind_ms <= TOLERANCE_MS:
        return 1.0
    return round(1 - behind_ms / max(now_ms - start_ms, 1), 5)


def health_json(chain: Chain, version: str, traffic: Traffic) -> dict[str, Any]:
    """The health check's answer."""
    tip, calendar = chain.tip, chain.calendar
    epoch = calendar.epoch_of(tip.slot)
    return {
        "startTime": utc(traffic.started_posix_ms),
        "lastKnownTip": tip_json(tip),
        "lastTipUpdate": utc(min(calendar.start_of(tip.slot), chain.clock.posix_ms())),
        "networkSynchronization": synchronization(chain),
        "currentEra": "conway",
        "metrics": _metrics(traffic),
        "connectionStatus": "connected",
        "currentEpoch": epoch,
        "slotInEpoch": tip.slot - calendar.epoch_start(epoch).slot,
        "version": f"v{version}",
        "network": calendar.network_name,
    }


def disconnected(answer: dict[str, Any]) -> dict[str, Any]:
    """The same answer from an Ogmios that has lost its node."""
    unknown = ("networkSynchronization", "currentEra", "currentEpoch", "slotInEpoch")
    return {**answer, **dict.fromkeys(unknown), "connectionStatus": "disconnected"}


def _metrics(traffic: Traffic) -> dict[str, Any]:
    scale = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    durations = traffic.durations or [0.0]
    return {
        "activeConnections": traffic.active_connections,
        "runtimeStats": {
            "gcCpuTime": 0,
            "cpuTime": time.process_time_ns(),
            "maxHeapSize": peak // 1024,
            "currentHeapSize": peak // 1024,
        },
        "sessionDurations": {
            "max": max(durations),
            "mean": sum(durations) / len(durations),
            "min": min(durations),
        },
        "totalConnections": traffic.total_connections,
        "totalMessages": traffic.total_messages,
        "totalUnrouted": 0,
    }


def prometheus(answer: dict[str, Any]) -> str:
    """The metrics as text for Prometheus."""
    metrics = answer["metrics"]
    values = {
        "active_connections": metrics["activeConnections"],
        "total_connections": metrics["totalConnections"],
        "total_messages": metrics["totalMessages"],
        "total_unrouted": metrics["totalUnrouted"],
        "cpu_time": metrics["runtimeStats"]["cpuTime"],
        "max_heap_size": metrics["runtimeStats"]["maxHeapSize"],
        "connected": 1 if answer["connectionStatus"] == "connected" else 0,
        "current_epoch": answer["currentEpoch"],
        "network_synchronization": answer["networkSynchronization"],
        "slot_in_epoch": answer["slotInEpoch"],
    }
    known = {name: value for name, value in values.items() if value is not None}
    return "".join(
        f"# TYPE ogmios_{name} gauge\nogmios_{name}  {float(value)}\n"
        for name, value in known.items()
    )


IDLE_SECONDS: Final = 90.0
"""A connection over which nothing passes for so long is closed."""

CLOSING_SECONDS: Final = 1.0
"""How long a connection's end may take to be written."""

_PATHS: Final = ("/", "/health", "/metrics")
_JSON_TYPE: Final = "application/json; charset=utf-8"
_TEXT_TYPE: Final = "text/plain; charset=utf-8"

NODE_LOST: Final = rpc.dump(
    {
        "jsonrpc": "2.0",
        "error": {"code": -32000, "message": "Connection with the node lost or failed."},
        "id": None,
    }
)
"""The reason that a WebSocket is closed for when its connection to the node ends."""
_LANDING_PAGE: Final = """<!doctype html><meta charset="utf-8"><title>Ogmios interface</title>
<p>This is an embedded Cardano chain that answers as Ogmios {version} does.
Connect a WebSocket here, or look at <a href="/health">its health</a>."""


class OgmiosApp:
    """The ASGI application."""

    def __init__(
        self, chain: Chain, version: str, faults: Faults, observers: Sequence[Observer] = ()
    ) -> None:
        self._chain, self._version, self._faults = chain, version, faults
        self._observers = observers
        self._traffic = Traffic()
        self._connections: set[Connection] = set()
        chain.listeners.append(self._chain_changed)

    def _chain_changed(self) -> None:
        for connection in self._connections:
            connection.changed.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection or request."""
        if scope["type"] == "websocket":
            await self._serve_websocket(receive, send)
        elif scope["type"] == "http":
            request = HttpRequest(scope, receive)
            await self._faults.wait_if_hanging()
            if self._faults.current == "dropping":
                return
            response = await self._respond(request)
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers.update(marks(self._chain))
            await response(scope, receive, send)

    # -- HTTP

    async def _respond(self, request: HttpRequest) -> Response:
        route = (request.method, request.url.path)
        if route == ("GET", "/health"):
            return self._health()
        if route == ("GET", "/metrics"):
            return PlainTextResponse(prometheus(self._health_json()))
        if route == ("GET", "/"):
            return HTMLResponse(_LANDING_PAGE.format(version=self._version))
        if route == ("POST", "/"):
            return await self._call(await read_body(request))
        if request.method == "OPTIONS":
            return Response()
        return Response(status_code=406 if request.url.path in _PATHS else 404)

    def _health_json(self) -> dict[str, object]:
        answer = health_json(self._chain, self._version, self._traffic)
        return disconnected(answer) if self._faults.current == "disconnected" else answer

    def _health(self) -> Response:
        answer = self._health_json()
        status = 200 if answer["networkSynchronization"] == 1 else 202
        if answer["connectionStatus"] != "connected":
            status = 500
        return JSONResponse(answer, status, media_type=_JSON_TYPE)

    async def _call(self, body: bytes | None) -> Response:
        """One request over HTTP, answered as over a connection of its own; None is one too long."""
        if body is None:
            return PlainTextResponse("413 Content Too Large", 413)
        if self._faults.current == "disconnected":
            # Ogmios asks itself over a WebSocket, which ends before there is an answer.
            return PlainTextResponse("Something went wrong", 500, media_type=_TEXT_TYPE)
        answers: asyncio.Queue[str] = asyncio.Queue()
        self._traffic.total_messages += 1
        changed = asyncio.Event()
        listener = changed.set
        self._chain.listeners.append(listener)
        try:
            session = Session(self._chain, self._version, answers.put)
            await session.receive(body)
            while answers.empty():
                await changed.wait()
                changed.clear()
                await session.chain_changed()
        finally:
            self._chain.listeners.remove(listener)
        text = answers.get_nowait()
        self._observe(text)
        status = 400 if "error" in rpc.parse_json(text) else 200
        return Response(text, status, media_type=_JSON_TYPE)

    # -- WebSocket

    async def _serve_websocket(self, receive: Receive, send: Send) -> None:
        await receive()
        if self._faults.current == "dropping":
            await send({"type": "websocket.close", "code": 1011})
            return
        named = [(key.encode(), value.encode()) for key, value in marks(self._chain).items()]
        await send({"type": "websocket.accept", "headers": named})

        async def send_text(text: str) -> None:
            self._observe(text)
            await send({"type": "websocket.send", "text": text})

        connection = Connection(self._chain, self._version, self._faults, receive, send_text)
        self._connections.add(connection)
        self._traffic.total_connections += 1
        self._traffic.active_connections += 1
        started = time.monotonic()
        try:
            await connection.serve(self._traffic)
            with contextlib.suppress(RuntimeError, asyncio.TimeoutError):
                reason = NODE_LOST if self._faults.current == "disconnected" else ""
                closing = send({"type": "websocket.close", "code": 1000, "reason": reason})
                # A client that does not read what it asked for does not read this either.
                await asyncio.wait_for(closing, CLOSING_SECONDS)
        finally:
            self._connections.discard(connection)
            self._traffic.close((time.monotonic() - started) * 1000)

    def _observe(self, text: str) -> None:
        for observer in self._observers:
            observer.ogmios_answered(self._version, text)


class Connection:
    """One open WebSocket. `send_text` sends an answer."""

    def __init__(
        self,
        chain: Chain,
        version: str,
        faults: Faults,
        receive: Receive,
        send_text: Callable[[str], Awaitable[None]],
    ) -> None:
        self._receive, self._send_text, self._faults = receive, send_text, faults
        self._session = Session(chain, version, self._send)
        self._loop = asyncio.get_running_loop()
        self._last_traffic = self._loop.time()
        self.changed = asyncio.Event()

    async def serve(self, traffic: Traffic) -> None:
        """Talks until either side hangs up or nothing has passed for `IDLE_SECONDS`."""
        # Each client has a connection to the node of its own, and both end together.
        lost = self._faults.wait_until("disconnected")
        workers = (self._read(traffic), self._follow(), self._watch_idleness(), lost)
        tasks = [asyncio.ensure_future(each) for each in workers]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _read(self, traffic: Traffic) -> None:
        while (message := await self._receive())["type"] == "websocket.receive":
            self._last_traffic = self._loop.time()
            traffic.total_messages += 1
            await self._faults.wait_if_hanging()
            content = message.get("text")
            await self._session.receive(message["bytes"] if content is None else content)

    async def _follow(self) -> None:
        while True:
            await self.changed.wait()
            self.changed.clear()
            await self._faults.wait_if_hanging()
            await self._session.chain_changed()

    async def _watch_idleness(self) -> None:
        while (left := self._last_traffic + IDLE_SECONDS - self._loop.time()) > 0:
            await asyncio.sleep(left)

    async def _send(self, text: str) -> None:
        await self._send_text(text)
        self._last_traffic = self._loop.time()
