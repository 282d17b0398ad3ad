"""Killed at random moments under load: what a client saw in a block is there when it starts again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from websockets.exceptions import WebSocketException

from milestones.testing.processes import DevnetProcess
from tests.support.load import OgmiosSocket, Payer, all_together, length, ogmios_socket

PAYING = 8
LOVELACE = 50_000_000_000


class Witness:
    """What clients were told: the blocks, by id, and which of them a transaction is in."""

    def __init__(self, devnet: DevnetProcess, payers: list[Payer]) -> None:
        self.devnet, self.payers = devnet, payers
        self.blocks: list[dict[str, Any]] = []
        self.submitted = 0
        self.killed = False

    async def under_load(self) -> None:
        """Payers and a follower, until the process is killed under them."""
        try:
            async with ogmios_socket(self.devnet.ogmios_url) as ogmios:
                await self._find_all(ogmios)
                await all_together([self._follow(ogmios), *map(self._pay, self.payers)])
        except (WebSocketException, OSError, EOFError):
            if not self.killed:
                raise

    async def _find_all(self, ogmios: OgmiosSocket) -> None:
        """The last block that was seen is on the chain: its id names all before it, too."""
        wanted: list[Any] = [{"slot": each["slot"], "id": each["id"]} for each in self.blocks[-1:]]
        wanted = wanted or ["origin"]
        found = await ogmios.call("findIntersection", points=wanted)
        assert found["intersection"] == wanted[0]
        assert (await ogmios.call("nextBlock"))["direction"] == "backward"

    async def _follow(self, ogmios: OgmiosSocket) -> None:
        while True:
            step = await ogmios.call("nextBlock")
            assert step["direction"] == "forward"
            assert [each["id"] for each in self.blocks[-1:]] in ([], [step["block"]["ancestor"]])
            self.blocks.append(step["block"])

    async def _pay(self, payer: Payer) -> None:
        async with ogmios_socket(self.devnet.ogmios_url) as ogmios:
            (output,) = await ogmios.call("queryLedgerState/utxo", addresses=[payer.address])
            payer.take(
                output["transaction"]["id"], output["index"], output["value"]["ada"]["lovelace"]
            )
            while True:
                expected, cbor = payer.pay()
                taken = await ogmios.call("submitTransaction", transaction={"cbor": cbor})
                assert taken == {"transaction": {"id": expected}}
                self.submitted += 1


async def whole_chain(ogmios: OgmiosSocket) -> AsyncIterator[dict[str, Any]]:
    """Every block."""
    height = await ogmios.call("queryNetwork/blockHeight")
    await ogmios.call("findIntersection", points=["origin"])
    await ogmios.call("nextBlock")
    for _ in range(height + 1):
        yield (await ogmios.call("nextBlock"))["block"]


@pytest.mark.parametrize("blocks", [("--block-interval", "0"), ("--block-interval", "0.1")])
async def test_nothing_that_was_in_a_block_is_ever_lost(
    tmp_path: Path, blocks: tuple[str, ...]
) -> None:
    kills = length(short=4, long=100)
    payers = [Payer(b"kill %d" % number) for number in range(PAYING)]
    funds = {payer.address: LOVELACE for payer in payers}
    state = ("--state-dir", str(tmp_path / "state"))
    devnet = DevnetProcess(tmp_path, *state, *blocks, funds=funds)
    witness, moments = Witness(devnet, payers), Random(6)  # noqa: S311 - repeatable on purpose
    started, slowest_start = time.monotonic(), 0.0
    for number in range(kills):
        if number % 4 == 3:
            # A start is as good a moment as any.
            devnet.launch()
            await asyncio.sleep(moments.uniform(0, slowest_start))
            devnet.kill()
            continue
        before = time.monotonic()
        devnet.start()
        slowest_start = max(slowest_start, time.monotonic() - before)
        witness.killed = False
        load = asyncio.ensure_future(witness.under_load())
        await asyncio.sleep(moments.uniform(0, 1.5))
        witness.killed = True
        devnet.kill()
        await load
    devnet.start()
    try:
        async with ogmios_socket(devnet.ogmios_url) as ogmios:
            found = [block async for block in whole_chain(ogmios)]
        devnet.check()
    finally:
        devnet.kill()
    assert found[: len(witness.blocks)] == witness.blocks
    seen = sum(len(block["transactions"]) for block in witness.blocks)
    assert seen > kills
    print(  # noqa: T201
        f"{kills} kills {' '.join(blocks)}: {len(witness.blocks)} blocks with {seen} transactions "
        f"seen of {witness.submitted} submitted, all there; {time.monotonic() - started:.0f} s, "
        f"slowest start {slowest_start:.1f} s"
    )
