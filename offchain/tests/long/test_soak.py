"""Two hundred clients of mixed kinds at once: no wrong answer, no dropped connection."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from milestones.testing.processes import DevnetProcess
from tests.support.devnet_clients import ALICE_ADDRESS, ALICE_FUNDS
from tests.support.load import OgmiosSocket, Payer, all_together, length, ogmios_socket

ALICE_LOVELACE = 1_000_000_000
"""What Alice has, and keeps: nobody spends it."""

PAYERS, FOLLOWERS, ASKERS, WATCHERS, POLLERS, CALLERS = 30, 50, 40, 10, 50, 20


class Soak:
    """The clients, what they counted, and the transactions that were taken."""

    def __init__(self, devnet: DevnetProcess, seconds: float) -> None:
        self.devnet, self.seconds = devnet, seconds
        self.ends = 0.0
        self.answers: Counter[str] = Counter()
        self.taken: list[str] = []

    @property
    def goes_on(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self.ends

    async def run(self, payers: list[Payer]) -> None:
        """All clients, until the time is up; the first that is let down ends it."""
        async with AsyncExitStack() as stack:

            async def sockets(number: int) -> list[OgmiosSocket]:
                url = self.devnet.ogmios_url
                return [await stack.enter_async_context(ogmios_socket(url)) for _ in range(number)]

            async def https(url: str, number: int) -> list[httpx.AsyncClient]:
                clients = [
                    httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)
                    for _ in range(number)
                ]
                return [await stack.enter_async_context(each) for each in clients]

            paying = zip(await sockets(PAYERS), payers, strict=True)
            clients: list[Coroutine[Any, Any, None]] = [self.pay(*each) for each in paying]
            clients += [self.follow(each) for each in await sockets(FOLLOWERS)]
            clients += [self.ask(each) for each in await sockets(ASKERS)]
            clients += [self.watch(each) for each in await sockets(WATCHERS)]
            clients += [self.poll(each) for each in await https(self.devnet.kupo_url, POLLERS)]
            http_url = self.devnet.ogmios_url.replace("ws:", "http:")
            clients += [self.call(each) for each in await https(http_url, CALLERS)]
            assert len(clients) == 200
            self.ends = time.monotonic() + self.seconds
            await all_together([*clients, self._end()])

    async def _end(self) -> None:
        """When the time is up, a last block for those who wait for one."""
        await asyncio.sleep(self.seconds + 1)
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            await client.post(f"{self.devnet.control_url}/mine", json={})

    async def pay(self, ogmios: OgmiosSocket, payer: Payer) -> None:
        """Submits payments, each on top of the one before, and evaluates now and then."""
        while self.goes_on:
            expected, cbor = payer.pay()
            assert await ogmios.call("evaluateTransaction", transaction={"cbor": cbor}) == []
            taken = await ogmios.call("submitTransaction", transaction={"cbor": cbor})
            assert taken == {"transaction": {"id": expected}}
            self.taken.append(expected)
            self.answers["payers"] += 2
            await asyncio.sleep(0.25)

    async def follow(self, ogmios: OgmiosSocket) -> None:
        """Walks the chain from its origin, twenty requests ahead; every block is on the one before."""
        await ogmios.call("findIntersection", points=["origin"])
        waiting = [await ogmios.send("nextBlock") for _ in range(20)]
        before: dict[str, Any] | None = None
        while self.goes_on:
            step = await ogmios.receive(waiting.pop(0))
            waiting.append(await ogmios.send("nextBlock"))
            self.answers["followers"] += 1
            if step["direction"] == "backward":
                assert (before, step["point"]) == (None, "origin")
                continue
            block = step["block"]
            if before is not None:
                assert block["ancestor"] == before["id"]
                assert block["height"] == before["height"] + 1
            before = block

    async def ask(self, ogmios: OgmiosSocket) -> None:
        """Stays at a point, and asks for what nobody changes."""
        while self.goes_on:
            tip = await ogmios.call("queryNetwork/tip")
            await ogmios.call("acquireLedgerState", point=tip)
            assert await ogmios.call("queryLedgerState/tip") == tip
            (output,) = await ogmios.call("queryLedgerState/utxo", addresses=[ALICE_ADDRESS])
            assert output["value"] == {"ada": {"lovelace": ALICE_LOVELACE}}
            assert (await ogmios.call("queryLedgerState/tip")) == tip
            await ogmios.call("releaseLedgerState")
            self.answers["askers"] += 6
            await asyncio.sleep(0.2)

    async def watch(self, ogmios: OgmiosSocket) -> None:
        """Reads the mempool whenever it changes."""
        while self.goes_on:
            await ogmios.call("acquireMempool")
            count = (await ogmios.call("sizeOfMempool"))["transactions"]["count"]
            seen = []
            while (read := await ogmios.call("nextTransaction"))["transaction"] is not None:
                seen.append(read["transaction"]["id"])
            assert len(seen) == len(set(seen)) == count
            self.answers["watchers"] += len(seen) + 3

    async def poll(self, kupo: httpx.AsyncClient) -> None:
        """Polls Kupo as a wallet does, with the tag of what it knows."""
        tag, slot = "", 0
        while self.goes_on:
            answer = await kupo.get(
                f"/matches/{ALICE_ADDRESS}?unspent", headers={"If-None-Match": tag}
            )
            assert int(answer.headers.get("X-Most-Recent-Checkpoint", slot)) >= slot
            if answer.status_code != 304:
                (match,) = answer.json()
                assert match["value"] == {"coins": ALICE_LOVELACE, "assets": {}}
                tag, slot = answer.headers["ETag"], int(answer.headers["X-Most-Recent-Checkpoint"])
            slots = [each["slot_no"] for each in (await kupo.get("/checkpoints")).json()]
            assert slots == sorted(slots, reverse=True)
            self.answers["pollers"] += 2
            await asyncio.sleep(0.2)

    async def call(self, client: httpx.AsyncClient) -> None:
        """Asks Ogmios over HTTP: a request of its own each time, and its health."""
        while self.goes_on:
            request = {"jsonrpc": "2.0", "method": "queryLedgerState/protocolParameters"}
            answer = await client.post("/", json={**request, "id": "parameters"})
            assert answer.json()["id"] == "parameters"
            assert answer.json()["result"]["minFeeCoefficient"] == 44
            assert (await client.get("/health")).json()["connectionStatus"] == "connected"
            self.answers["callers"] += 2
            await asyncio.sleep(0.2)


async def all_transactions(ogmios: OgmiosSocket) -> list[str]:
    """The ids of everything on the chain, in its order."""
    height = await ogmios.call("queryNetwork/blockHeight")
    await ogmios.call("findIntersection", points=["origin"])
    await ogmios.call("nextBlock")
    blocks = [(await ogmios.call("nextBlock"))["block"] for _ in range(height + 1)]
    return [each["id"] for block in blocks for each in block["transactions"]]


async def funded(devnet: DevnetProcess, count: int) -> list[Payer]:
    """Payers, a faucet's payment in each."""
    payers = [Payer(b"soak %d" % number) for number in range(count)]
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        for payer in payers:
            body = {"address": payer.address, "lovelace": 1_000_000_000}
            paid = (await client.post(f"{devnet.control_url}/faucet", json=body)).json()
            payer.take(paid["transaction_id"], 0, 1_000_000_000)
    return payers


async def test_two_hundred_clients_are_served_rightly(tmp_path: Path) -> None:
    with DevnetProcess(tmp_path, funds=ALICE_FUNDS) as devnet:
        payers = await funded(devnet, PAYERS)
        seconds = length(short=5, long=60)
        soak = Soak(devnet, seconds)
        await soak.run(payers)
        devnet.check()
        async with ogmios_socket(devnet.ogmios_url) as ogmios:
            async with httpx.AsyncClient(trust_env=False) as client:
                await client.post(f"{devnet.control_url}/mine", json={"count": 3})
            found = await all_transactions(ogmios)
    assert len(found) == len(set(found))
    assert set(soak.taken) <= set(found)
    assert len(soak.answers) == 6, "every kind of client was answered"
    assert len(found) == len(soak.taken) + len(payers) + 1  # and genesis
    print(f"200 clients, {seconds} s: {len(soak.taken)} payments, {dict(soak.answers)} answers")  # noqa: T201
