"""Chains under other magics, on a schedule, and what several clients see at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from milestones.devnet.interface import Faults, Interface
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from tests.support.devnet_clients import ALICE_ADDRESS, BOB_ADDRESS, Ogmios, http, payment_on

Start = Callable[[DevnetConfig], Awaitable[Devnet]]
FUNDS = {ALICE_ADDRESS: 1_000_000_000}


async def test_preprod_s_magic_brings_preprod_s_calendar(start: Start) -> None:
    devnet = await start(DevnetConfig(chain=ChainConfig(network_magic=1, funds=FUNDS)))
    ogmios = await Ogmios.connect(devnet)
    eras = await ogmios.call("queryLedgerState/eraSummaries")
    byron, conway = eras[0], eras[-1]
    assert byron["parameters"] == {
        "epochLength": 21_600,
        "slotLength": {"milliseconds": 20_000},
        "safeZone": 4320,
    }
    assert conway["start"] == {"time": {"seconds": 1_728_000}, "slot": 86_400, "epoch": 4}
    assert await ogmios.call("queryNetwork/startTime") == "2022-06-01T00:00:00Z"
    tip = await ogmios.call("queryNetwork/tip")
    # What a client that knows preprod by heart makes of the tip's slot.
    seconds = 1_655_769_600 + tip["slot"] - 86_400
    assert abs(seconds - devnet.chain.clock.posix_ms() / 1000) <= 2
    shelley = await ogmios.call("queryNetwork/genesisConfiguration", era="shelley")
    assert shelley["networkMagic"] == 1
    async with http(devnet) as client:
        assert (await client.get("/health")).json()["network"] == "preprod"
    devnet.chain.submit(payment_on(devnet.chain).seal())
    await ogmios.socket.close()


async def test_blocks_come_on_schedule_and_clients_hear_of_them(start: Start) -> None:
    config = DevnetConfig(chain=ChainConfig(funds=FUNDS), block_interval_s=0.1)
    devnet = await start(config)
    ogmios = await Ogmios.connect(devnet)
    await ogmios.call("findIntersection", points=[await ogmios.call("queryNetwork/tip")])
    await ogmios.call("nextBlock")
    raw = payment_on(devnet.chain).seal()
    submitted = await ogmios.call("submitTransaction", transaction={"cbor": raw.hex()})
    await ogmios.call("acquireMempool")
    for _ in range(20):
        block = (await ogmios.call("nextBlock"))["block"]
        if block["transactions"]:
            break
    assert [each["id"] for each in block["transactions"]] == [submitted["transaction"]["id"]]
    async with http(devnet, kupo=True) as kupo:
        assert len((await kupo.get(f"/matches/{BOB_ADDRESS}")).json()) == 1
    await ogmios.socket.close()


async def test_a_client_that_polls_by_checkpoint_sees_a_rollback(start: Start) -> None:
    devnet = await start(DevnetConfig(chain=ChainConfig(funds=FUNDS)))
    devnet.chain.mine(2)
    async with http(devnet, kupo=True) as kupo:
        before = (await kupo.get("/checkpoints")).json()
        devnet.chain.rollback(1)
        devnet.chain.submit(payment_on(devnet.chain).seal())
        after = (await kupo.get("/checkpoints")).json()
    assert before[0] not in after
    assert before[1] in after
    assert len(after) == len(before)


async def test_patterns_outlive_the_process(start: Start, tmp_path: Path) -> None:
    chain = ChainConfig(funds=FUNDS, state_dir=tmp_path)
    config = DevnetConfig(chain=chain, kupo_matches=(BOB_ADDRESS,))
    async with Devnet(config) as first:
        first.chain.submit(payment_on(first.chain).seal())
        since = first.chain.tip.slot
        async with http(first, kupo=True) as kupo:
            body = {"rollback_to": {"slot_no": since}}
            await kupo.put(f"/patterns/{ALICE_ADDRESS}", json=body)
            first.chain.submit(payment_on(first.chain).seal())
            await kupo.delete(f"/patterns/{BOB_ADDRESS}")
            first.chain.submit(payment_on(first.chain).seal())
            seen = (await kupo.get("/matches")).json()
            active = (await kupo.get("/patterns")).json()
    again = await start(config)
    async with http(again, kupo=True) as kupo:
        assert (await kupo.get("/matches")).json() == seen
        assert (await kupo.get("/patterns")).json() == active
    assert len(seen) == 4


async def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Without TCP_NODELAY the second packet of every answer waits 40 ms for the first one's."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    interface = Interface(answer, Faults("kupo"), "127.0.0.1", 0)
    await interface.start()
    try:
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://{interface.authority}/")).status_code == 204
            (accepted,) = (each.get_extra_info("socket") for each in interface.transports())
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    finally:
        await interface.stop()


async def test_a_chain_that_can_make_no_more_blocks_says_so() -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    async def run_until_it_fails() -> None:
        async with Devnet(DevnetConfig(block_interval_s=0.05)) as devnet:
            devnet.chain.listeners.append(fail)
            await asyncio.wait_for(devnet.until(done), 10)

    done = asyncio.Event()
    with pytest.raises(OSError, match="the disk is full"):
        await run_until_it_fails()
    async with Devnet(DevnetConfig(block_interval_s=None)) as devnet:
        asyncio.get_running_loop().call_later(0.1, done.set)
        await asyncio.wait_for(devnet.until(done), 10)
    assert done.is_set(), "a chain whose blocks are made by hand goes on until it is told to end"


async def test_two_chains_in_one_process_do_not_meet(start: Start) -> None:
    config = DevnetConfig(chain=ChainConfig(funds=FUNDS))
    first, second = await asyncio.gather(start(config), start(config))
    first.chain.mine(3)
    assert second.chain.tip.height == 0
    assert first.ogmios_url != second.ogmios_url
