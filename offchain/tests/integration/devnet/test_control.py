"""The control interface, and what clients see of what it does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from milestones.cardano.address import Address
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from tests.support.control_schema import check
from tests.support.devnet_clients import ALICE_ADDRESS, BOB_ADDRESS, Ogmios, http, payment_on
from tests.support.raw_transactions import YES_V3


@pytest.fixture
async def chain(start: Callable[[DevnetConfig], Awaitable[Devnet]]) -> Devnet:
    """A chain on which Alice has 1,000 ADA."""
    return await start(DevnetConfig(chain=ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000})))


@pytest.fixture
async def control(chain: Devnet) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every answer is held against the interface's own description."""
    async with http(chain, control=True) as client:
        client.event_hooks["response"].append(check)
        yield client


async def post(control: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await control.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_time_moves_and_the_tip_shows_it(chain: Devnet, control: httpx.AsyncClient) -> None:
    before = chain.chain.tip.slot
    moved = await post(control, "/advance", seconds=86_400)
    assert moved["tip"]["slot"] >= before + 86_400
    state = (await control.get("/state")).json()
    assert state["tip"] == moved["tip"]
    assert 86_400 <= state["now_slot"] - before < 2 * 86_400
    ogmios = await Ogmios.connect(chain)
    assert (await ogmios.call("queryNetwork/tip"))["slot"] == moved["tip"]["slot"]
    await ogmios.socket.close()


async def test_time_has_an_end_and_all_can_be_read_there(
    chain: Devnet, control: httpx.AsyncClient
) -> None:
    while (answer := await control.post("/advance", json={"seconds": 10**10})).is_success:
        pass
    assert answer.status_code == 400
    assert chain.chain.tip.slot > 200 * 10**9
    assert re.search(
        r"The chain&#39;s time\s*<.*?\d+ [A-Z][a-z]+ 8\d{3}\b", (await control.get("/")).text, re.S
    )
    ogmios = await Ogmios.connect(chain)
    assert (await ogmios.call("queryNetwork/tip"))["slot"] == chain.chain.tip.slot
    assert len(await ogmios.call("queryLedgerState/eraSummaries")) > 1
    await ogmios.socket.close()
    async with http(chain) as client:
        assert (await client.get("/health")).json()["lastKnownTip"]["slot"] == chain.chain.tip.slot


async def test_blocks_forward_and_back(chain: Devnet, control: httpx.AsyncClient) -> None:
    assert (await post(control, "/mine", count=5))["tip"]["height"] == 5
    assert (await post(control, "/mine"))["tip"]["height"] == 6
    assert (await post(control, "/rollback", count=4))["tip"]["height"] == 2
    for path, body in (
        ("/rollback", {"count": 9}),
        ("/rollback", {"count": 0}),
        ("/mine", {"count": 10_001}),
        ("/advance", {}),
        ("/advance", {"seconds": -1}),
        ("/advance", {"seconds": "1"}),
    ):
        assert (await control.post(path, json=body)).status_code == 400
    assert chain.chain.tip.height == 2


async def test_the_faucet_names_another_network(chain: Devnet, control: httpx.AsyncClient) -> None:
    elsewhere = Address(1, Address.from_bech32(BOB_ADDRESS).payment).to_bech32()
    answer = await control.post("/faucet", json={"address": elsewhere, "lovelace": 5_000_000})
    assert answer.status_code == 400
    assert "one of mainnet, and this chain is a test network" in answer.text


async def test_the_faucet_pays_ada_and_tokens(chain: Devnet, control: httpx.AsyncClient) -> None:
    body = {"address": BOB_ADDRESS, "lovelace": 7_000_000, "tokens": {"": 3, "aa": 5}}
    paid = await post(control, "/faucet", **body)
    only = await post(control, "/faucet", address=BOB_ADDRESS, tokens={"bb": 1})
    async with http(chain, kupo=True) as kupo:
        second, first = (await kupo.get(f"/matches/{BOB_ADDRESS}")).json()
    assert first["transaction_id"] == paid["transaction_id"]
    policy = paid["policy_id"]
    assert first["value"] == {"coins": 7_000_000, "assets": {policy: 3, f"{policy}.aa": 5}}
    assert second["transaction_id"] == only["transaction_id"]
    assert second["value"]["assets"] == {f"{policy}.bb": 1}
    for wrong in (
        {},
        {"address": BOB_ADDRESS},
        {"address": "addr1", "lovelace": 1},
        {"address": BOB_ADDRESS, "lovelace": 1},
        {"address": BOB_ADDRESS, "lovelace": 5_000_000, "tokens": {"zz": 1}},
        {"address": BOB_ADDRESS, "lovelace": 5_000_000, "tokens": {"aa" * 33: 1}},
        {"address": BOB_ADDRESS, "lovelace": 5_000_000, "tokens": {"aa": 0}},
        {"address": BOB_ADDRESS, "lovelace": 5_000_000, "tokens": []},
    ):
        assert (await control.post("/faucet", json=wrong)).status_code == 400
    poor = await control.post("/faucet", json={"address": BOB_ADDRESS, "lovelace": 46 * 10**15})
    assert poor.status_code == 409
    assert poor.json()["error"]["code"] == "insufficient_funds"


async def test_back_to_a_snapshot_from_another_branch(
    chain: Devnet, control: httpx.AsyncClient
) -> None:
    await post(control, "/mine", count=3)
    wanted = chain.chain.tip
    offset = chain.chain.clock.offset_ms
    name = (await post(control, "/snapshot"))["snapshot"]
    await post(control, "/rollback", count=2)
    await post(control, "/advance", seconds=1000)
    chain.chain.submit(payment_on(chain.chain).seal())
    await post(control, "/revert", snapshot=name)
    assert chain.chain.tip is wanted
    assert chain.chain.clock.offset_ms == offset
    assert len(chain.chain.mempool) == 0
    assert len(chain.chain.utxo) == 2
    assert (await control.post("/revert", json={"snapshot": "9"})).status_code == 404


async def test_a_hanging_interface_answers_when_it_is_mended(
    chain: Devnet, control: httpx.AsyncClient
) -> None:
    ogmios = await Ogmios.connect(chain)
    async with http(chain, kupo=True) as kupo:
        for name in ("ogmios", "kupo"):
            await post(control, "/freeze", interface=name, fault="hanging")
        await ogmios.send("queryNetwork/blockHeight")
        waiting = asyncio.ensure_future(kupo.get("/checkpoints"))
        answer = asyncio.ensure_future(ogmios.receive())
        done, _ = await asyncio.wait([waiting, answer], timeout=0.1)
        assert not done
        shown = await post(control, "/unfreeze")
        assert shown["faults"] == {"ogmios": None, "kupo": None}
        assert (await answer)["result"] == 0
        assert (await waiting).status_code == 200
    await ogmios.socket.close()


async def test_dropped_connections(chain: Devnet, control: httpx.AsyncClient) -> None:
    ogmios = await Ogmios.connect(chain)
    await post(control, "/freeze", interface="ogmios", fault="dropping")
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(ogmios.socket.recv(), 2)
    with pytest.raises((OSError, EOFError, Exception)) as refused:
        await Ogmios.connect(chain)
    assert not isinstance(refused.value, AssertionError)
    await post(control, "/unfreeze", interface="ogmios")
    again = await Ogmios.connect(chain)
    assert await again.call("queryNetwork/blockHeight") == 0
    await again.socket.close()
    await post(control, "/freeze", interface="kupo", fault="dropping")
    async with http(chain, kupo=True) as kupo:
        with pytest.raises(httpx.TransportError):
            await kupo.get("/health")
    for body in (
        {"interface": "ogmios", "fault": "stale"},
        {"interface": "x", "fault": "stale"},
        {},
    ):
        assert (await control.post("/freeze", json=body)).status_code == 400


async def test_pages_for_a_person(chain: Devnet, control: httpx.AsyncClient) -> None:
    chain.chain.production = "by hand"
    paid = chain.chain.submit(payment_on(chain.chain).seal()).hex()
    assert paid in (await control.get("/")).text
    assert "waiting for a block" in (await control.get(f"/transaction/{paid}")).text
    chain.chain.mine()
    assert paid in (await control.get("/block/1")).text
    page = (await control.get(f"/transaction/{paid}")).text
    assert BOB_ADDRESS in page
    assert "2.000000 ADA" in page
    for path in (
        "/block/9",
        "/block/x",
        f"/transaction/{'00' * 32}",
        f"/transaction/{'z' * 64}",
        "/x",
    ):
        assert (await control.get(path)).status_code == 404
    assert (await control.post("/state", json={})).status_code == 405
    assert (await control.head("/state")).status_code == 200
    assert (await control.get("/mine")).status_code == 405
    assert (await control.post("/mine", json=[1])).status_code == 400
    assert (await control.get("/openapi.json")).json()["openapi"].startswith("3.1")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "[::1]"])
async def test_this_machine_goes_by_its_own_names(control: httpx.AsyncClient, host: str) -> None:
    port = control.base_url.port
    for named in (host, f"{host}:{port}"):
        assert (await control.get("/state", headers={"Host": named})).status_code == 200
        same = {"Host": named, "Origin": f"http://{named}"}
        assert (await control.post("/mine", json={}, headers=same)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:1338", "Origin": "http://evil.example:1338"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "192.168.1.2"},
        {"Host": "[2001:db8::1]:80"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "https://127.0.0.1"},
        {"Origin": "null"},
        {"Origin": ""},
    ],
)
async def test_other_hosts_and_origins_are_refused(
    chain: Devnet, control: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """Any page in a browser can send requests here; one whose name is rebound can read answers too."""
    before = chain.chain.tip
    for method, path in (("GET", "/state"), ("GET", "/"), ("POST", "/mine")):
        answer = await control.request(method, path, headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert chain.chain.tip is before


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "text/json", "json"]
)
async def test_a_body_says_that_it_is_json(
    chain: Devnet, control: httpx.AsyncClient, kind: str | None
) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    before = chain.chain.tip
    answer = await control.post("/mine", content=b'{"count": 1}', headers=headers)
    assert answer.status_code == 415
    assert chain.chain.tip is before
    for right in ("application/json", "Application/JSON; charset=utf-8"):
        said = await control.post("/mine", content=b"{}", headers={"Content-Type": right})
        assert said.status_code == 200
    assert (await control.post("/mine")).status_code == 200, "an empty body has no type"


async def test_where_all_addresses_are_listened_on_each_is_right(
    start: Callable[[DevnetConfig], Awaitable[Devnet]],
) -> None:
    everywhere = await start(DevnetConfig(host="0.0.0.0"))  # noqa: S104
    async with http(everywhere, control=True) as control:
        for host, status in (("192.168.1.2:1338", 200), ("[2001:db8::1]", 200), ("a.example", 403)):
            assert (await control.get("/state", headers={"Host": host})).status_code == status


async def test_any_output_can_be_placed_and_is_what_was_asked_for(
    chain: Devnet, control: httpx.AsyncClient
) -> None:
    asked = {
        "address": BOB_ADDRESS,
        "value": {"ada": {"lovelace": 7}, "ab" * 28: {"01": 5}},
        "datum": "182a",
        "script": {"language": "plutus:v3", "cbor": YES_V3.hex()},
    }
    placed = await post(control, "/place", **asked)
    again = await post(control, "/place", **asked)
    assert placed != again
    reference = {"transaction": {"id": placed["transaction_id"]}, "index": placed["index"]}
    ogmios = await Ogmios.connect(chain)
    (shown,) = await ogmios.call("queryLedgerState/utxo", outputReferences=[reference])
    await ogmios.socket.close()
    assert shown == {**reference, **asked}
    async with http(chain, kupo=True) as kupo:
        found = (await kupo.get(f"/matches/{BOB_ADDRESS}?resolve_hashes")).json()
    assert [each["datum"] for each in found] == ["182a", "182a"]
    # As any other transaction it waits again after a rollback.
    await post(control, "/rollback", count=1)
    assert (await control.get("/state")).json()["mempool"] == [again["transaction_id"]]
    for wrong in (
        {**asked, "address": "addr1vyqgk3uyfkfgzt7rp50s4jdkl0ecw7xvh2wmsvf2myreq7gd27kn4"},
        {**asked, "datum": "ff"},
        {**asked, "datumHash": "00" * 32},
        {**asked, "script": {"language": "plutus:v3", "cbor": "00"}},
        {**asked, "datum": "9f" + "00" * 17_000 + "ff"},
        {"address": BOB_ADDRESS},
    ):
        refused = await control.post("/place", json=wrong)
        assert refused.status_code == 400, refused.text


async def test_parameters_change_for_what_comes_after(
    chain: Devnet, control: httpx.AsyncClient
) -> None:
    draft = payment_on(chain.chain)
    changed = await post(control, "/parameters", minFeeConstant={"ada": {"lovelace": 999_999}})
    assert changed["minFeeConstant"] == {"ada": {"lovelace": 999_999}}
    assert changed["minFeeCoefficient"] == chain.chain.parameters.min_fee_coefficient
    ogmios = await Ogmios.connect(chain)
    refused = await ogmios.call("submitTransaction", transaction={"cbor": draft.seal().hex()})
    assert refused["error"]["code"] == 3122
    await post(control, "/parameters", minFeeConstant={"ada": {"lovelace": 100}})
    taken = await ogmios.call("submitTransaction", transaction={"cbor": draft.seal().hex()})
    assert "transaction" in taken
    await ogmios.socket.close()
    for wrong in ({"minFeeConstants": 1}, {"minFeeConstant": 1}):
        assert (await control.post("/parameters", json=wrong)).status_code == 400
    assert chain.chain.parameters.min_fee_constant == 100


async def test_when_blocks_are_made_can_change(chain: Devnet, control: httpx.AsyncClient) -> None:
    assert (await control.get("/state")).json()["block_interval_seconds"] == 0
    await post(control, "/blocks", interval_seconds=None)
    tip = chain.chain.tip
    waiting = chain.chain.submit(payment_on(chain.chain).seal())
    assert chain.chain.tip is tip
    await post(control, "/blocks", interval_seconds=0.05)
    while chain.chain.place_of(waiting) is None:
        await asyncio.sleep(0.01)
    await post(control, "/blocks", interval_seconds=0)
    tip = chain.chain.tip
    chain.chain.submit(payment_on(chain.chain).seal())
    assert chain.chain.tip.height == tip.height + 1
    for wrong in (-1, 0.01, "1", True, 86_401):
        refused = await control.post("/blocks", json={"interval_seconds": wrong})
        assert refused.status_code == 400
