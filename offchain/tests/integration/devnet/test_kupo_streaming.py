"""Long answers of the index: they leave in pieces, and hold what was there when they were asked for."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

import cbor2
import pytest

from milestones.devnet.interface import Faults
from milestones.devnet.kupo.app import KupoApp
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from tests.support.devnet_clients import ALICE_ADDRESS, http, outputs_of_alice
from tests.support.raw_transactions import ALICE, BOB, Draft, key_address

Start = Callable[[DevnetConfig], Awaitable[Devnet]]
MANY = 250
"""Outputs of a transaction here; it still fits."""


@pytest.fixture
async def chain(start: Start) -> Devnet:
    """A chain with 3,000 outputs, half of them Bob's."""
    funds = {ALICE_ADDRESS: 100_000_000_000}
    devnet = await start(
        DevnetConfig(chain=ChainConfig(funds=funds), block_interval_s=None, control_port=None)
    )
    for _ in range(6):
        spread(devnet, ALICE)
        spread(devnet, BOB)
    return devnet


def spread(devnet: Devnet, owner: Any) -> None:
    """A block with a transaction that makes many outputs."""
    draft = Draft()
    source, output = next(iter(outputs_of_alice(devnet.chain).items()))
    draft.add_input(source, cbor2.loads(output.raw))
    draft.body[1] = [[key_address(owner), 1_000_000 + number] for number in range(MANY)]
    draft.body[2] = 1_000_000
    devnet.chain.submit(draft.seal())
    devnet.chain.produce()


class Reader:
    """An ASGI client that reads a piece, and then waits until it may read the next."""

    def __init__(self, devnet: Devnet, path: str, query: str = "") -> None:
        self.app = KupoApp(devnet.chain, devnet.index, Faults("kupo"), lambda: None)
        self.scope = {
            "type": "http",
            "asgi": {"spec_version": "2.3"},
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": [],
        }
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue(1)
        self.headers: dict[bytes, bytes] = {}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.headers = dict(message["headers"])
        else:
            await self.pieces.put(message["body"] if message["more_body"] else b"")

    async def run(self) -> None:
        """Asks; the pieces come one by one."""
        await self.app(self.scope, asyncio.Event().wait, self._send)  # type: ignore[arg-type]

    async def read(self) -> Any:
        """The rest."""
        found = bytearray()
        while piece := await self.pieces.get():
            found += piece
        return bytes(found)


async def peak_of(devnet: Devnet, path: str) -> tuple[int, int]:
    """The most bytes that were held at once while an answer was read and dropped, and its length."""
    reader, length = Reader(devnet, path), 0
    tracemalloc.start()
    try:
        running = asyncio.ensure_future(reader.run())
        while piece := await reader.pieces.get():
            length += len(piece)
        await running
        return tracemalloc.get_traced_memory()[1], length
    finally:
        tracemalloc.stop()


async def test_memory_does_not_grow_with_the_answer(chain: Devnet) -> None:
    (some, *_) = chain.chain.blocks[1].inclusions
    await peak_of(chain, "/matches/*")
    few, short = await peak_of(chain, f"/matches/*@{some.id.hex()}")
    many, long = await peak_of(chain, "/matches/*")
    assert long > 1_000_000 > 9 * short
    assert many < few + 200_000 < long / 2


async def test_the_first_piece_does_not_wait_for_the_last(chain: Devnet) -> None:
    reader = Reader(chain, "/matches/*", "unspent")
    running = asyncio.ensure_future(reader.run())
    first = await reader.pieces.get()
    assert b"content-length" not in reader.headers
    assert first.startswith(b'[{"transaction_index"')
    assert len(first) < 70_000
    assert len(json.loads(first + await reader.read())) == len(chain.chain.utxo)
    await running


@pytest.mark.parametrize("query", ["", "order=oldest_first", "unspent", "spent"])
async def test_an_answer_is_as_it_was_when_it_was_asked_for(chain: Devnet, query: str) -> None:
    """Blocks that come while it is read, and others that go, change nothing of it."""
    snapshot = chain.chain.snapshot()
    spread(chain, ALICE)
    async with http(chain, kupo=True) as kupo:
        whole = (await kupo.get(f"/matches?{query}")).json()
        reader = Reader(chain, "/matches", query)
        running = asyncio.ensure_future(reader.run())
        first = await reader.pieces.get()
        chain.chain.revert(snapshot)
        for _ in range(2):
            spread(chain, BOB)
        assert json.loads(first + await reader.read()) == whole
        await running
        assert (await kupo.get(f"/matches?{query}")).json() != whole


async def test_it_leaves_in_pieces_over_http_too(chain: Devnet) -> None:
    async with http(chain, kupo=True) as kupo, kupo.stream("GET", "/matches") as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.headers["etag"] == chain.chain.tip.header_hash.hex()
        assert len(json.loads(await answer.aread())) > 12 * MANY
