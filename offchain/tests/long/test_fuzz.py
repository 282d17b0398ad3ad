"""A flood of random and damaged bytes and texts over real sockets: it serves on, and does not swell."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest
from websockets.asyncio.client import connect

from milestones.devnet.opening import ChainConfig, open_chain
from milestones.testing.processes import DevnetProcess
from tests.support.devnet_clients import ALICE_ADDRESS, ALICE_FUNDS, BOB_ADDRESS, payment_on
from tests.support.fuzzing import Damage
from tests.support.load import all_together, length

ROUND = 250
"""Messages or requests on one connection."""

SHARES = {"messages": 0.8, "kupo requests": 0.1, "calls": 0.05, "noise": 0.03, "frames": 0.02}
"""Of everything that is sent: what opens no connection of its own comes cheapest."""

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def right_requests() -> list[dict[str, Any]]:
    """A request of every kind, as a client would send it."""
    chain, _ = open_chain(ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000}))
    transaction = {"cbor": payment_on(chain).seal().hex()}
    point = {"slot": chain.tip.slot, "id": chain.tip.header_hash.hex()}
    reference = {"transaction": {"id": "00" * 32}, "index": 0}
    value = {"ada": {"lovelace": 2_000_000}, "00" * 28: {"aa": 1}}
    native = {"language": "native", "json": {"clause": "signature", "from": "00" * 28}}
    output = {"address": ALICE_ADDRESS, "value": value, "datum": "d87980", "script": native}
    asked = {
        "findIntersection": {"points": [point, "origin"]},
        "nextBlock": {},
        "acquireLedgerState": {"point": point},
        "releaseLedgerState": {},
        "queryLedgerState/utxo": {"addresses": [ALICE_ADDRESS, BOB_ADDRESS]},
        "queryLedgerState/utxo ": {"outputReferences": [reference]},
        "queryLedgerState/protocolParameters": {},
        "queryLedgerState/eraSummaries": {},
        "queryLedgerState/stakePools": {},
        "queryNetwork/genesisConfiguration": {"era": "shelley"},
        "queryNetwork/tip": {},
        "submitTransaction": {"transaction": transaction},
        "evaluateTransaction": {
            "transaction": transaction,
            "additionalUtxo": [{**reference, **output}],
        },
        "acquireMempool": {},
        "nextTransaction": {"fields": "all"},
        "hasTransaction": {"id": "00" * 32},
        "sizeOfMempool": {},
    }
    return [
        {"jsonrpc": "2.0", "method": method.strip(), "params": params, "id": [method, 1]}
        for method, params in asked.items()
    ]


KUPO_PATHS = (
    *(
        "/matches?unspent",
        f"/matches/{ALICE_ADDRESS}?created_after=1&order=oldest_first",
        "/v1/health",
    ),
    *(f"/matches/{'00' * 28}.aa?resolve_hashes&policy_id={'00' * 28}", f"/matches/0@{'00' * 32}"),
    *(f"/datums/{'00' * 32}", f"/scripts/{'00' * 28}", "/checkpoints/5?strict", "/metrics"),
    *(f"/metadata/5?transaction_id={'00' * 32}", "/patterns", f"/patterns/{'00' * 28}/*"),
)
KUPO_BODY = json.dumps({"rollback_to": {"slot_no": 0}, "limit": "within_safe_zone"}).encode()


class Flood:
    """Sends `total` damaged things in all, by several senders at once, and counts them by kind."""

    def __init__(self, devnet: DevnetProcess, total: int) -> None:
        self.devnet, self.total = devnet, total
        self.sent: Counter[str] = Counter()
        self.requests = right_requests()
        self.memory_bytes: list[int] = []

    async def run(self) -> None:
        """Until everything was sent."""
        senders: list[tuple[Callable[[Damage], Awaitable[None]], str, int]] = [
            *((self.messages, "messages", 4), (self.kupo_requests, "kupo requests", 4)),
            *((self.calls, "calls", 2), (self.noise, "noise", 2), (self.frames, "frames", 2)),
        ]
        damages = iter(Damage(seed) for seed in range(100))
        tasks = [
            self._repeat(send, kind, next(damages))
            for send, kind, number in senders
            for _ in range(number)
        ]
        await all_together([*tasks, self._weigh()])

    async def _repeat(
        self, send: Callable[[Damage], Awaitable[None]], kind: str, damage: Damage
    ) -> None:
        while self.sent[kind] < SHARES[kind] * self.total:
            await asyncio.wait_for(send(damage), 120)

    async def _weigh(self) -> None:
        while (done := self.sent.total()) < self.total:
            if done * 20 // self.total > len(self.memory_bytes):
                self.memory_bytes.append(self.devnet.memory_bytes())
            await asyncio.sleep(0.05)

    def _message(self, damage: Damage) -> str | bytes:
        right = damage.random.choice(self.requests)
        kind = damage.random.random()
        if kind < 0.5:
            return damage.of_json(right)
        if kind < 0.8:
            return damage.of_text(json.dumps(right))
        return damage.of_bytes(json.dumps(right).encode()) if kind < 0.9 else damage.noise()

    async def messages(self, damage: Damage) -> None:
        """Ogmios' WebSocket: each message is answered or waits, and then a right one is answered."""
        async with connect(self.devnet.ogmios_url, ping_interval=None, max_size=None) as socket:
            for _ in range(ROUND):
                await socket.send(self._message(damage))
                self.sent["messages"] += 1
            await socket.send('{"jsonrpc":"2.0","method":"queryNetwork/startTime","id":"last"}')
            answers = [json.loads(await socket.recv())]
            while answers[-1].get("id") != "last":
                answers.append(json.loads(await socket.recv()))
        assert len(answers) <= ROUND + 1
        assert "result" in answers[-1]
        for answer in answers:
            assert answer["jsonrpc"] == "2.0"
            assert ("result" in answer) != ("error" in answer)

    async def calls(self, damage: Damage) -> None:
        """Ogmios over HTTP: 200 or 400, never anything else. Calls that would wait are left out."""
        waiting = ("nextBlock", "acquireMempool", "submitTransaction")
        url = self.devnet.ogmios_url.replace("ws:", "http:")
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            for _ in range(ROUND // 5):
                content = self._message(damage)
                text = content if isinstance(content, str) else content.decode("latin-1")
                if not any(method in text for method in waiting):
                    answer = await client.post(url, content=content)
                    assert answer.status_code in (200, 400), answer.text
                    assert ("result" in answer.json()) == (answer.status_code == 200)
                    self.sent["calls"] += 1

    async def kupo_requests(self, damage: Damage) -> None:
        """Kupo: damaged paths, methods and bodies; what HTTP itself refuses ends the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.devnet.kupo_port)
        for _ in range(ROUND):
            path = damage.of_bytes(damage.random.choice(KUPO_PATHS).encode())
            if damage.random.random() < 0.95:  # else HTTP itself refuses what it can't carry
                path = quote_from_bytes(path, "/?&=*@.").encode()
            method = damage.random.choice((b"GET", b"GET", b"GET", b"PUT", b"DELETE", b"POST"))
            body = damage.of_bytes(KUPO_BODY) if method == b"PUT" else b""
            head = b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % (
                method,
                path,
                len(body),
            )
            writer.write(head + b"Accept: */*\r\n\r\n" + body)
            self.sent["kupo requests"] += 1
            status, closes = await _response(reader)
            assert status in (200, 304, 400, 404, 406), (method, path, body, status)
            if closes:
                break
        writer.close()

    async def noise(self, damage: Damage) -> None:
        """Anything at all on a fresh connection to either port."""
        port = damage.random.choice((self.devnet.ogmios_port, self.devnet.kupo_port))
        await self._send_and_hang_up(port, damage, damage.of_bytes(HANDSHAKE))
        await self._send_and_hang_up(port, damage, damage.noise(2_000))
        self.sent["noise"] += 2

    async def frames(self, damage: Damage) -> None:
        """Frames that are none, on a WebSocket that was opened rightly."""
        frame = b"\x81\x85" + damage.noise(5) + b"hello"
        content = HANDSHAKE + damage.of_bytes(frame) + damage.noise()
        await self._send_and_hang_up(self.devnet.ogmios_port, damage, content)
        self.sent["frames"] += 1

    async def _send_and_hang_up(self, port: int, damage: Damage, content: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(content)
            if damage.random.random() < 0.8:
                writer.write_eof()
                await reader.read()
        except ConnectionError:
            pass  # it may hang up first
        finally:
            writer.close()


async def _response(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Reads a response to its end: its status, and whether the connection ends with it."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))
        if line == b"transfer-encoding: chunked":
            while (size := int(await reader.readuntil(b"\r\n"), 16)) > 0:
                await reader.readexactly(size + 2)
            await reader.readuntil(b"\r\n")
    return status, b"connection: close" in head


@pytest.fixture
def devnet(tmp_path: Path) -> Iterator[DevnetProcess]:
    """A chain of its own."""
    with DevnetProcess(tmp_path, funds=ALICE_FUNDS) as devnet:
        yield devnet


async def test_it_serves_on_and_does_not_swell(devnet: DevnetProcess) -> None:
    flood = Flood(devnet, length(short=8_000, long=1_000_000))
    started = time.monotonic()
    await flood.run()
    seconds = time.monotonic() - started
    devnet.check()
    async with connect(devnet.ogmios_url) as socket:
        await socket.send('{"jsonrpc":"2.0","method":"queryNetwork/blockHeight"}')
        assert json.loads(await socket.recv())["result"] >= 1
    assert httpx.get(f"{devnet.kupo_url}/checkpoints", trust_env=False).status_code == 200
    settled, last = flood.memory_bytes[len(flood.memory_bytes) // 4], devnet.memory_bytes()
    print(  # noqa: T201
        f"{flood.sent.total()} in {seconds:.0f} s {dict(flood.sent)}; memory after a quarter "
        f"{settled >> 20} MiB, at the end {last >> 20} MiB"
    )
    assert last < 1.15 * settled
