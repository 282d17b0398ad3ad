"""Envelopes, HTTP, and what is no request at all."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from milestones.devnet.ogmios import app as ogmios_app
from milestones.devnet.server import Devnet
from tests.support.devnet_clients import Ogmios, http

IDS: list[Any] = [None, 0, -1.5, "", "é\ud800", True, [], {"a": [1, None]}]


@pytest.mark.parametrize("request_id", IDS, ids=repr)
async def test_the_id_comes_back_as_it_was(ogmios: Ogmios, request_id: object) -> None:
    for method in ("queryNetwork/tip", "nonsense"):
        request = json.dumps({"jsonrpc": "2.0", "method": method, "id": request_id})
        answer = await ogmios.raw(request)
        assert answer["id"] == request_id
        assert answer.get("method") == (None if method == "nonsense" else method)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "nonsense",
        "7",
        "null",
        '"text"',
        "[]",
        '[{"jsonrpc":"2.0","method":"queryNetwork/tip"}]',
        "{}",
        '{"jsonrpc":"2.0"}',
        '{"jsonrpc":"2.0","method":7}',
        '{"jsonrpc":"1.0","method":"queryNetwork/tip"}',
        '{"method":"queryNetwork/tip"}',
        '{"jsonrpc":"2.0","method":"queryNetwork/tip","params":[]}',
        '{"jsonrpc":"2.0","method":"QueryNetwork/tip"}',
        '{"jsonrpc":"2.0","method":"queryLedgerState/dump","params":{"to":"/"}}',
        '{"jsonrpc":"2.0","method":"queryLedgerState/"}',
        '{"jsonrpc":"2.0","method":"findIntersection","params":{"points":7}}',
        '{"jsonrpc":"2.0","method":"findIntersection","params":{"points":[{"slot":-1,"id":""}]}}',
        '{"jsonrpc":"2.0","method":"acquireLedgerState"}',
        '{"jsonrpc":"2.0","method":"queryLedgerState/utxo","params":{"outputReferences":[{}]}}',
        "[" * 100_000,
        '{"jsonrpc":"2.0","id":NaN,"method":"queryNetwork/tip"}',
        '{"jsonrpc":"2.0","id":1e999,"method":"queryNetwork/tip"}',
        '{"jsonrpc":"2.0","id":' + "9" * 5000 + "}",
    ],
)
async def test_what_is_no_request_is_an_invalid_request(ogmios: Ogmios, message: str) -> None:
    answer = await ogmios.raw(message)
    assert answer["error"]["code"] == -32600
    assert "method" not in answer
    assert "result" in await ogmios.raw('{"jsonrpc":"2.0","method":"queryNetwork/tip"}')


async def test_unknown_members_and_binary_frames_are_tolerated(ogmios: Ogmios) -> None:
    request = b'{"jsonrpc":"2.0","method":"queryNetwork/tip","extra":1}'
    assert "result" in await ogmios.raw(request)
    assert (await ogmios.raw(b"\xff\xfe\x00"))["error"]["code"] == -32600


async def test_a_message_that_is_too_long_ends_the_connection(devnet: Devnet) -> None:
    client = await Ogmios.connect(devnet)
    with pytest.raises(ConnectionClosed):
        await client.raw("x" * (16 * 1024 * 1024 + 1))
    other = await Ogmios.connect(devnet)
    assert "slot" in await other.call("queryNetwork/tip")
    await other.socket.close()


async def test_one_call_over_http(devnet: Devnet) -> None:
    async with http(devnet) as client:
        tip = await client.post("/", json={"jsonrpc": "2.0", "method": "queryNetwork/tip"})
        assert tip.status_code == 200
        assert tip.json()["result"]["slot"] == devnet.chain.tip.slot
        assert tip.headers["access-control-allow-origin"] == "*"
        unknown = await client.post("/", json={"jsonrpc": "2.0", "method": "x", "id": 3})
        assert (unknown.status_code, unknown.json()["id"]) == (400, 3)
        assert (await client.post("/", content=b"\xff")).status_code == 400
        assert (await client.post("/", content=b" " * (1 << 24) + b"x")).status_code == 413
        assert (await client.get("/nowhere")).status_code == 404
        assert (await client.delete("/health")).status_code == 406
        assert (await client.options("/anything")).status_code == 200
        assert "Ogmios" in (await client.get("/")).text


async def test_health_and_metrics(devnet: Devnet, ogmios: Ogmios) -> None:
    await ogmios.call("queryNetwork/tip")
    async with http(devnet) as client:
        healthy = await client.get("/health")
        assert healthy.status_code == 200
        assert healthy.headers["content-type"] == "application/json; charset=utf-8"
        shown = healthy.json()
        assert shown["lastKnownTip"]["height"] == 0
        assert shown["connectionStatus"] == "connected"
        assert shown["networkSynchronization"] == 1
        assert shown["version"] == f"v{devnet.config.ogmios_version}"
        assert shown["metrics"]["activeConnections"] == 1
        assert "ogmios_active_connections  1.0" in (await client.get("/metrics")).text
        age_ms = devnet.chain.clock.posix_ms() - devnet.chain.calendar.start_posix_ms
        devnet.chain.clock.advance(age_ms // 2)
        behind = await client.get("/health")
        assert behind.status_code == 202
        assert 0.6 < behind.json()["networkSynchronization"] < 0.7
        devnet.break_interface("ogmios", "disconnected")
        lost = await client.get("/health")
        assert (lost.status_code, lost.json()["connectionStatus"]) == (500, "disconnected")
        assert "ogmios_connected  0.0" in (await client.get("/metrics")).text


async def test_without_its_node_it_speaks_of_its_health_only(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    """As Ogmios does: WebSockets end with a reason, old ones and new ones, and a call is a 500."""
    devnet.break_interface("ogmios", "disconnected")
    request = {"jsonrpc": "2.0", "method": "queryNetwork/tip"}
    for ended_one in (ogmios, await Ogmios.connect(devnet)):
        with pytest.raises(ConnectionClosed) as ended:
            await asyncio.wait_for(ended_one.socket.recv(), 5)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1000
        assert json.loads(ended.value.rcvd.reason)["error"] == {
            "code": -32000,
            "message": "Connection with the node lost or failed.",
        }
    async with http(devnet) as client:
        assert (await client.post("/", json=request)).status_code == 500
        assert (await client.get("/health")).status_code == 500
        devnet.mend_interface("ogmios")
        assert (await client.post("/", json=request)).status_code == 200
    again = await Ogmios.connect(devnet)
    assert "slot" in await again.call("queryNetwork/tip")
    await again.socket.close()


async def test_an_idle_connection_is_closed(
    devnet: Devnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ogmios_app, "IDLE_SECONDS", 0.1)
    client = await Ogmios.connect(devnet)
    await client.send("nextBlock")
    await client.receive()
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(client.socket.recv(), 2)


async def test_who_never_reads_is_cut_off_in_the_end(
    devnet: Devnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ogmios_app, "IDLE_SECONDS", 0.3)
    deaf = await Ogmios.connect(devnet)
    deaf.socket.transport.pause_reading()
    for _ in range(1500):
        await deaf.send("queryLedgerState/protocolParameters")
    async with http(devnet) as client:
        for _ in range(100):
            metrics = (await client.get("/health")).json()["metrics"]
            if not metrics["activeConnections"]:
                break
            await asyncio.sleep(0.1)
    assert metrics["activeConnections"] == 0
    deaf.socket.transport.resume_reading()

    async def read_all() -> None:
        for _ in range(1500):
            await deaf.socket.recv()

    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(read_all(), 20)


async def test_a_slow_reader_holds_up_nobody(devnet: Devnet) -> None:
    slow, quick = await Ogmios.connect(devnet), await Ogmios.connect(devnet)
    for _ in range(2000):
        await slow.send("queryLedgerState/protocolParameters")
    assert await asyncio.wait_for(quick.call("queryNetwork/blockHeight"), 5) == 0
    for _ in range(2000):
        assert "result" in await slow.receive()
    await asyncio.gather(slow.socket.close(), quick.socket.close())
