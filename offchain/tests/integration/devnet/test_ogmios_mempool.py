"""Watching the mempool."""

from __future__ import annotations

import asyncio

import pytest

from milestones.devnet.server import Devnet
from tests.support.devnet_clients import Ogmios, payment_on


@pytest.mark.parametrize(
    "method", ["nextTransaction", "hasTransaction", "sizeOfMempool", "releaseMempool"]
)
async def test_nothing_is_told_without_a_snapshot(ogmios: Ogmios, method: str) -> None:
    params = {"id": "00" * 32} if method == "hasTransaction" else {}
    assert (await ogmios.call(method, **params))["error"]["code"] == 4000


async def test_a_snapshot_is_read_to_its_end(devnet: Devnet, ogmios: Ogmios) -> None:
    devnet.chain.production = "by hand"
    ids = [devnet.chain.submit(payment_on(devnet.chain).seal()).hex() for _ in range(3)]
    acquired = await ogmios.call("acquireMempool")
    assert acquired["acquired"] == "mempool"
    size = await ogmios.call("sizeOfMempool")
    assert size["transactions"] == {"count": 3}
    assert size["maxCapacity"] == {"bytes": 180_224}
    assert size["currentSize"] == {"bytes": devnet.chain.mempool.size_bytes}
    assert await ogmios.call("hasTransaction", id=ids[2]) is True
    assert await ogmios.call("hasTransaction", id="00" * 32) is False
    assert await ogmios.call("nextTransaction") == {"transaction": {"id": ids[0]}}
    whole = await ogmios.call("nextTransaction", fields="all")
    assert (whole["transaction"]["id"], whole["transaction"]["spends"]) == (ids[1], "inputs")
    assert await ogmios.call("nextTransaction") == {"transaction": {"id": ids[2]}}
    assert await ogmios.call("nextTransaction") == {"transaction": None}
    assert await ogmios.call("releaseMempool") == {"released": "mempool"}
    assert (await ogmios.call("releaseMempool"))["error"]["code"] == 4000


async def test_a_second_acquisition_waits_for_a_change(devnet: Devnet, ogmios: Ogmios) -> None:
    devnet.chain.production = "by hand"
    await ogmios.call("acquireMempool")
    await ogmios.send("acquireMempool", id="second")
    await ogmios.send("sizeOfMempool", id="after it")
    await ogmios.send("queryNetwork/tip", id="beside it")
    assert (await ogmios.receive())["id"] == "beside it"
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(ogmios.receive(), 0.05)
    devnet.chain.submit(payment_on(devnet.chain).seal())
    assert (await ogmios.receive())["id"] == "second"
    after = await ogmios.receive()
    assert (after["id"], after["result"]["transactions"]["count"]) == ("after it", 1)
