"""How long the tests of endurance take: seconds in every run, or as long as it takes to be sure."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import cbor2
from nacl.signing import SigningKey
from websockets.asyncio.client import ClientConnection, connect

from milestones.devnet.ledger.addresses import decode_address
from tests.support.raw_transactions import hash256, key_address

T = TypeVar("T")

VARIABLE: Final = "MILESTONES_LONG_TESTS"
"""Set to anything, it asks for the long runs."""


def length(*, short: T, long: T) -> T:
    """One of two sizes."""
    return long if os.environ.get(VARIABLE) else short


async def all_together(clients: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Runs all of them to their end, or until the first fails: then the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in clients]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    failures = [error for task in done if (error := task.exception()) is not None]
    if failures:
        raise failures[0]


PATIENCE_SECONDS = 80
"""Longest wait for an answer, below the 90 s after which a silent connection is closed."""


class OgmiosSocket:
    """One connection. Requests are numbered, and answers must come with their numbers."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._sent = socket, 0

    async def send(self, method: str, **params: Any) -> int:
        """Sends a request; returns its number."""
        self._sent += 1
        request = {"jsonrpc": "2.0", "method": method, "params": params, "id": self._sent}
        await self._socket.send(json.dumps(request))
        return self._sent

    async def receive(self, number: int) -> Any:
        """The result of the request with this number, which must be the next to be answered."""
        answer = json.loads(await asyncio.wait_for(self._socket.recv(), PATIENCE_SECONDS))
        assert answer["id"] == number, answer
        assert "result" in answer, answer
        return answer["result"]

    async def call(self, method: str, **params: Any) -> Any:
        """The result of a request."""
        return await self.receive(await self.send(method, **params))


@asynccontextmanager
async def ogmios_socket(url: str) -> AsyncIterator[OgmiosSocket]:
    """Connects, with patience: many may do so at once.

    Whatever comes is taken in at once: a client that leaves with a full queue waits ten seconds for the
    end of the connection, which stands behind what it does not read.
    """
    settings: dict[str, Any] = {"ping_interval": None, "max_size": None, "max_queue": None}
    async with connect(url, open_timeout=60, **settings) as socket:
        yield OgmiosSocket(socket)


FEE_LOVELACE = 170_000


class Payer:
    """One output of a key's: its transaction's id, its index and its lovelace."""

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(hash256(seed))
        self.address = str(decode_address(key_address(self._key)))
        self.source, self.lovelace = (b"", 0), 0

    def take(self, transaction_id: str, index: int, lovelace: int) -> None:
        """Goes on with this output."""
        self.source, self.lovelace = (bytes.fromhex(transaction_id), index), lovelace

    def pay(self) -> tuple[str, str]:
        """The next payment: its id, and its CBOR in hexadecimal. What it pays is spent next."""
        left = self.lovelace - FEE_LOVELACE
        assert left > 1_000_000, "nothing is left to pay with"
        body = {0: [list(self.source)], 1: [[key_address(self._key), left]], 2: FEE_LOVELACE}
        raw = cbor2.dumps(body)
        digest = hash256(raw)
        witness = [self._key.verify_key.encode(), self._key.sign(digest).signature]
        self.source, self.lovelace = (digest, 0), left
        return digest.hex(), (b"\x84" + raw + cbor2.dumps({0: [witness]}) + b"\xf5\xf6").hex()
