"""A WebSocket server on a real socket that plays Ogmios from a script, and transactions to give it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from milestones.clients.ogmios_client import OgmiosClient
from tests.support.wire_schemas import VARIABLE, directory

Play = Callable[[dict[str, Any], ServerConnection], Any]


class ScriptedOgmios:
    """Answers each method by the next entry of its list; the last entry stays.

    An entry is a result; `{"error": ...}`; `close` (hang up without an answer); `noise`; or `silence`.
    """

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, list[Any]] = {}
        self.requests: list[dict[str, Any]] = []
        self.connections: list[ServerConnection] = []

    async def serve(self, socket: ServerConnection) -> None:
        self.connections.append(socket)
        try:
            async for message in socket:
                request = json.loads(message)
                self.requests.append(request)
                await self._answer(socket, request)
        except ConnectionClosed:
            return

    async def _answer(self, socket: ServerConnection, request: dict[str, Any]) -> None:
        entries = self.answers[request["method"]]
        entry = entries.pop(0) if len(entries) > 1 else entries[0]
        if entry == "close":
            socket.transport.abort()
        elif entry == "noise":
            await socket.send("<html>")
        elif entry != "silence":
            failed = isinstance(entry, dict) and "error" in entry
            body = entry if failed else {"result": entry}
            answer = {"jsonrpc": "2.0", "method": request["method"], "id": request["id"], **body}
            await socket.send(json.dumps(answer))

    def sent(self, method: str) -> list[dict[str, Any]]:
        """The requests for `method` that arrived."""
        return [request for request in self.requests if request["method"] == method]

    async def hang_up(self) -> None:
        """Closes all connections, as a server does with idle ones."""
        for socket in self.connections:
            await socket.close()
        await asyncio.sleep(0)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedOgmios]:
    scripted = ScriptedOgmios()
    async with serve(scripted.serve, "127.0.0.1", 0) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        scripted.url = f"ws://127.0.0.1:{port}"
        yield scripted


@pytest.fixture
async def ogmios(server: ScriptedOgmios) -> AsyncIterator[OgmiosClient]:
    async with OgmiosClient(server.url, timeout_seconds=0.5) as client:
        yield client


@pytest.fixture
def transaction() -> bytes:
    """The smallest thing with the shape of a transaction: an empty body, no witness, valid, no metadata."""
    return bytes.fromhex("84a0a0f5f6")


@pytest.fixture
def transaction_id() -> str:
    """blake2b-256 of the body `a0`, computed with another tool (`printf '\\xa0' | b2sum -l 256`)."""
    return "d36a2619a672494604e11bb447cbcf5231e9f2ba25c2169177edc941bd50ad6c"


@pytest.fixture
def wire_schemas() -> Path:
    """The folder of the wire formats' descriptions, which lies outside of the project."""
    folder = directory()
    if folder is None:
        pytest.skip(f"{VARIABLE} does not name the folder of the wire formats")
    return folder
