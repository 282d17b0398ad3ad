"""The index, as Kupo shows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import cbor2
import httpx
import pytest

from milestones.cardano.outputs import OutputReference
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from tests.support.devnet_clients import (
    ALICE_ADDRESS,
    BOB_ADDRESS,
    http,
    outputs_of_alice,
    payment_on,
)
from tests.support.raw_transactions import (
    ALICE,
    BOB,
    YES_SPEND,
    YES_V3,
    hash256,
    inline,
    key_address,
    key_hash,
    script_address,
    script_hash,
    script_ref,
    wire,
)

Start = Callable[[DevnetConfig], Awaitable[Devnet]]


@pytest.fixture
async def chain(start: Start) -> Devnet:
    """A chain on which Alice has 1,000 ADA."""
    return await start(DevnetConfig(chain=ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000})))


@pytest.fixture
async def kupo(chain: Devnet) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its index."""
    async with http(chain, kupo=True) as client:
        yield client


async def matches(kupo: httpx.AsyncClient, query: str = "*") -> list[dict[str, Any]]:
    answer = await kupo.get(f"/matches/{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def places(found: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(match["transaction_id"], match["output_index"]) for match in found]


def richly(chain: Devnet) -> tuple[str, int]:
    """Alice pays Bob, locks ADA under a script with a datum, and stores scripts and a datum's hash.

    Returns the transaction's id and its slot.
    """
    draft = payment_on(chain.chain)
    draft.fee = 1_000_000
    draft.body[1] += [
        {0: script_address(3, YES_V3), 1: 3_000_000, 2: inline(42)},
        {0: key_address(ALICE), 1: 3_000_000, 2: [0, hash256(cbor2.dumps(7))]},
        {0: key_address(ALICE), 1: 5_000_000, 3: script_ref(2, YES_SPEND)},
    ]
    draft.witnesses[4] = [7]
    draft.auxiliary = {674: {"msg": ["hello", b"\x01", -1]}}
    paid = chain.chain.submit(draft.seal())
    return paid.hex(), chain.chain.tip.slot


async def test_what_was_created_where(chain: Devnet, kupo: httpx.AsyncClient) -> None:
    paid, slot = richly(chain)
    (bob,) = await matches(kupo, BOB_ADDRESS)
    assert bob == {
        "transaction_index": 0,
        "transaction_id": paid,
        "output_index": 0,
        "address": BOB_ADDRESS,
        "value": {"coins": 2_000_000, "assets": {}},
        "datum_hash": None,
        "script_hash": None,
        "created_at": {"slot_no": slot, "header_hash": chain.chain.tip.header_hash.hex()},
        "spent_at": None,
    }
    (locked,) = await matches(kupo, f"1@{paid}?resolve_hashes")
    assert (locked["datum_type"], locked["datum"]) == ("inline", "182a")
    assert locked["datum_hash"] == hash256(cbor2.dumps(42)).hex()
    (hashed,) = await matches(kupo, f"2@{paid}?resolve_hashes")
    assert (hashed["datum_type"], hashed["datum"]) == ("hash", "07")
    (stored,) = await matches(kupo, f"3@{paid}?resolve_hashes")
    digest = script_hash(2, YES_SPEND).hex()
    assert stored["script_hash"] == digest
    assert stored["script"] == {"language": "plutus:v2", "script": YES_SPEND.hex()}
    assert (await kupo.get(f"/scripts/{digest}")).json() == stored["script"]
    assert (await kupo.get(f"/datums/{hashed['datum_hash']}")).json() == {"datum": "07"}
    assert (await kupo.get(f"/datums/{'00' * 32}")).json() is None


async def test_what_was_spent_by_whom(chain: Devnet, kupo: httpx.AsyncClient) -> None:
    created, _ = richly(chain)
    locked = OutputReference(bytes.fromhex(created), 1)
    draft = payment_on(chain.chain)
    draft.fee = 600_000
    draft.add_input(locked, {0: script_address(3, YES_V3), 1: 3_000_000, 2: inline(42)})
    rich = next(iter(outputs_of_alice(chain.chain)))
    draft.body[13] = [wire(rich)]
    index = sorted((rich, locked)).index(locked)
    draft.witnesses = {7: [YES_V3], 5: {(0, index): [[7, b"x"], [2000, 300_000]]}}
    draft.languages = {3}
    paid = chain.chain.submit(draft.seal()).hex()
    (match,) = await matches(kupo, f"1@{created}")
    assert match["spent_at"] == {
        "slot_no": chain.chain.tip.slot,
        "header_hash": chain.chain.tip.header_hash.hex(),
        "transaction_id": paid,
        "input_index": index,
        "redeemer": cbor2.dumps([7, b"x"]).hex(),
    }
    assert places(await matches(kupo, f"*@{created}?spent"))[0] == (created, 4)
    assert (created, 1) not in places(await matches(kupo, "*?unspent"))
    chain.chain.rollback(1)
    (match,) = await matches(kupo, f"1@{created}")
    assert match["spent_at"] is None
    assert paid not in [place[0] for place in places(await matches(kupo))]


async def test_patterns_of_every_kind(chain: Devnet, kupo: httpx.AsyncClient) -> None:
    paid, _ = richly(chain)
    chain.chain.pay_from_faucet(
        chain.chain.blocks[1].inclusions[0].transaction.body.outputs[0].address, 0, {b"\x01": 5}
    )
    policy = chain.chain.faucet.policy_id.hex()
    alice, bob = key_hash(ALICE).hex(), key_hash(BOB).hex()
    everything = await matches(kupo)
    assert len(everything) == 9
    assert await matches(kupo, "*/*") == everything
    assert (await kupo.get("/matches")).json() == everything
    assert len(await matches(kupo, f"{bob}/*")) == 2
    assert len(await matches(kupo, f"{BOB.verify_key.encode().hex()}/*")) == 2
    assert await matches(kupo, f"*/{bob}") == []
    assert await matches(kupo, f"{bob}/{bob}") == []
    assert len(await matches(kupo, key_address(BOB).hex())) == 2
    assert len(await matches(kupo, f"{alice}%2F*")) == 4
    assert places(await matches(kupo, f"*@{paid}")) == [(paid, n) for n in (4, 3, 2, 1, 0)]
    (token,) = await matches(kupo, f"{policy}.*")
    assert token["value"]["assets"] == {f"{policy}.01": 5}
    assert await matches(kupo, f"{policy}.01") == [token]
    assert await matches(kupo, f"{policy}.02") == []
    assert len(await matches(kupo, "%7B674%7D")) == 5
    assert await matches(kupo, "%7B675%7D") == []
    texts = await kupo.get(
        f"/matches/{policy}.01", headers={"Accept": "application/json;asset-quantity=string"}
    )
    assert texts.json()[0]["value"] == {"coins": "2000000", "assets": {f"{policy}.01": "5"}}


async def test_filters(chain: Devnet, kupo: httpx.AsyncClient) -> None:
    first, first_slot = richly(chain)
    chain.chain.mine()
    second = chain.chain.submit(payment_on(chain.chain).seal()).hex()
    second_slot = chain.chain.tip.slot
    found = places(await matches(kupo, BOB_ADDRESS))
    assert found == [(second, 0), (first, 0)]
    assert places(await matches(kupo, f"{BOB_ADDRESS}?order=oldest_first")) == found[::-1]
    after = await matches(kupo, f"{BOB_ADDRESS}?created_after={second_slot}")
    assert places(after) == [(second, 0)]
    before = await matches(kupo, f"{BOB_ADDRESS}?created_before={first_slot}")
    assert places(before) == [(first, 0)]
    spent = await matches(kupo, f"*?spent_after={first_slot}&spent_before={second_slot}")
    assert len(spent) == 2
    point = f"{first_slot}.{chain.chain.blocks[1].header_hash.hex()}"
    assert len(await matches(kupo, f"{BOB_ADDRESS}?created_after={point}")) == 2
    assert places(await matches(kupo, f"*?transaction_id={first}&output_index=2")) == [(first, 2)]
    assert await matches(kupo, f"*?policy_id={'00' * 28}&asset_name=01") == []


async def test_patterns_at_run_time(start: Start) -> None:
    chain = await start(
        DevnetConfig(
            chain=ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000}), kupo_matches=(BOB_ADDRESS,)
        )
    )
    richly(chain)
    since = chain.chain.tip.slot
    chain.chain.submit(payment_on(chain.chain).seal())
    bob = key_address(BOB).hex()
    async with http(chain, kupo=True) as kupo:
        assert len(await matches(kupo)) == 2
        assert (await kupo.get("/patterns")).json() == [bob]
        assert (await kupo.get(f"/patterns/{BOB_ADDRESS}")).json() == [bob]
        alice = f"{key_hash(ALICE).hex()}/*"
        body = {"rollback_to": {"slot_no": since}}
        assert (await kupo.put(f"/patterns/{alice}", json=body)).json() == sorted([bob, alice])
        assert len(await matches(kupo, ALICE_ADDRESS)) == 1
        oldest = {"slot_no": chain.chain.blocks[0].slot}
        again = {"rollback_to": oldest, "limit": "unsafe_allow_beyond_safe_zone"}
        await kupo.put("/patterns", json={"patterns": [alice], **again})
        assert len(await matches(kupo, ALICE_ADDRESS)) == 4, "the oldest block is not read again"
        assert len(await matches(kupo)) == 6
        assert (await kupo.delete(f"/matches/{ALICE_ADDRESS}")).status_code == 400
        assert (await kupo.delete(f"/patterns/{alice}")).json() == {"deleted": 1}
        assert (await kupo.delete(f"/patterns/{alice}")).json() == {"deleted": 0}
        chain.chain.submit(payment_on(chain.chain).seal())
        assert len(await matches(kupo, ALICE_ADDRESS)) == 4
        assert (await kupo.delete(f"/matches/{ALICE_ADDRESS}")).json() == {"deleted": 4}
        assert await matches(kupo, ALICE_ADDRESS) == []
        assert len(await matches(kupo, BOB_ADDRESS)) == 3


async def test_a_pattern_added_to_a_stale_index_sees_what_the_index_sees(
    chain: Devnet, kupo: httpx.AsyncClient
) -> None:
    richly(chain)
    chain.break_interface("kupo", "stale")
    chain.chain.rollback(1)
    chain.chain.mine(2)
    body = {"rollback_to": {"slot_no": chain.chain.blocks[0].slot}}
    await kupo.put(f"/patterns/{BOB_ADDRESS}", json=body)
    assert len(await matches(kupo)) == 7
    chain.mend_interface("kupo")
    assert {match["created_at"]["header_hash"] for match in await matches(kupo)} <= {
        block.header_hash.hex() for block in chain.chain.blocks
    }


async def test_beyond_the_safe_zone(chain: Devnet, kupo: httpx.AsyncClient) -> None:
    chain.chain.advance(130_000_000)
    body: dict[str, Any] = {"rollback_to": {"slot_no": chain.chain.blocks[0].slot}}
    assert (await kupo.put("/patterns/*", json=body)).status_code == 400
    body["limit"] = "unsafe_allow_beyond_safe_zone"
    assert (await kupo.put("/patterns/*", json=body)).status_code == 200


async def test_the_way_back_ends_at_a_block(chain: Devnet, kupo: httpx.AsyncClient) -> None:
    """A slot alone stands for the closest block at or before it; before the first there is none."""
    first, tip = chain.chain.blocks[0], chain.chain.mine()[0]
    known = {"slot_no": tip.slot, "header_hash": tip.header_hash.hex().upper()}
    for target, status in (
        ({"slot_no": first.slot - 1}, 400),
        ({"slot_no": first.slot}, 200),
        ({"slot_no": float(first.slot), "header_hash": None}, 200),
        ({"slot_no": tip.slot + 1000}, 200),
        (known, 200),
        ({**known, "slot_no": first.slot}, 400),
        ({**known, "slot_no": first.slot - 1}, 500),
    ):
        body = {"rollback_to": target, "limit": None, "more": 1}
        assert (await kupo.put("/patterns/*", json=body)).status_code == status, target
    without = {"rollback_to": {"slot_no": first.slot}, "patterns": []}
    assert (await kupo.put("/patterns", json=without)).json() == ["*"]


async def test_checkpoints(chain: Devnet, kupo: httpx.AsyncClient) -> None:
    chain.chain.mine(40)
    tip = chain.chain.tip
    sample = (await kupo.get("/checkpoints")).json()
    slots = [point["slot_no"] for point in sample]
    assert slots == sorted(slots, reverse=True)
    assert (slots[0], slots[-1]) == (tip.slot, chain.chain.blocks[0].slot)
    assert 10 < len(slots) < 20
    shown = {"slot_no": tip.slot, "header_hash": tip.header_hash.hex()}
    assert (await kupo.get(f"/checkpoints/{tip.slot + 100}")).json() == shown
    assert (await kupo.get(f"/checkpoints/{tip.slot}?strict")).json() == shown
    assert (await kupo.get(f"/checkpoints/{tip.slot + 1}?strict")).json() is None
    assert (await kupo.get("/checkpoints/0")).json() is None
    assert (await kupo.get("/checkpoints/x")).status_code == 400
    assert (await kupo.get("/checkpoints/1?strict=1")).status_code == 400


async def test_metadata_by_slot(chain: Devnet, kupo: httpx.AsyncClient) -> None:
    paid, slot = richly(chain)
    answer = await kupo.get(f"/metadata/{slot}")
    (found,) = answer.json()
    assert answer.headers["x-block-header-hash"] == chain.chain.tip.header_hash.hex()
    assert found["schema"] == {
        "674": {
            "map": [
                {
                    "k": {"string": "msg"},
                    "v": {"list": [{"string": "hello"}, {"bytes": "01"}, {"int": -1}]},
                }
            ]
        }
    }
    raw = bytes.fromhex(found["raw"])
    assert cbor2.loads(raw).value == {0: {674: {"msg": ["hello", b"\x01", -1]}}}
    assert found["hash"] == hash256(raw).hex()
    assert len((await kupo.get(f"/metadata/{slot}?transaction_id={paid}")).json()) == 1
    assert (await kupo.get(f"/metadata/{slot}?transaction_id={'00' * 32}")).json() == []
    assert len((await kupo.get(f"/metadata/{slot}?other=x")).json()) == 1
    for query in (
        "transaction_id=x",
        f"transaction_id={paid}&output_index=0",
        f"transaction_id={paid}&transaction_id={paid}",
        f"policy_id={'00' * 28}",
    ):
        assert (await kupo.get(f"/metadata/{slot}?{query}")).status_code == 400
    chain.chain.advance(100_000)
    between = await kupo.get(f"/metadata/{slot + 5}")
    assert between.headers["x-block-header-hash"] == chain.chain.tip.header_hash.hex()
    assert (await kupo.get("/metadata/0?policy_id=x")).json() == []


@pytest.mark.parametrize("past", [1, 1_000_000])
async def test_metadata_past_the_tip_wait_for_the_next_block(
    chain: Devnet, kupo: httpx.AsyncClient, past: int
) -> None:
    asking = asyncio.ensure_future(kupo.get(f"/metadata/{chain.chain.tip.slot + past}"))
    done, _ = await asyncio.wait({asking}, timeout=0.2)
    assert not done
    (made,) = chain.chain.mine()
    assert (await asking).headers["x-block-header-hash"] == made.header_hash.hex()


async def test_metadata_after_a_block_that_was_rolled_back(
    chain: Devnet, kupo: httpx.AsyncClient
) -> None:
    (lost,) = chain.chain.mine()
    chain.break_interface("kupo", "stale")
    chain.chain.rollback(1)
    assert (await kupo.get(f"/metadata/{lost.slot + 1}")).status_code == 400


async def test_health_in_both_forms_and_stale(chain: Devnet, kupo: httpx.AsyncClient) -> None:
    json_form = {"Accept": "application/json"}
    healthy = await kupo.get("/health", headers=json_form)
    assert healthy.status_code == 200
    assert healthy.json()["connection_status"] == "connected"
    assert healthy.json()["most_recent_checkpoint"] == chain.chain.tip.slot
    anything = await kupo.get("/health")
    assert f"kupo_most_recent_checkpoint  {chain.chain.tip.slot}\n" in anything.text
    assert anything.headers["content-type"] == "application/json;charset=utf-8", "as Kupo names it"
    assert (await kupo.get("/health", headers={"Accept": "image/png"})).status_code == 400
    both = await kupo.get("/health", headers={"Accept": "application/json, text/plain, */*"})
    assert both.headers["content-type"] == "text/plain;charset=utf-8"
    chain.break_interface("kupo", "stale")
    paid = chain.chain.submit(payment_on(chain.chain).seal()).hex()
    stale = await kupo.get("/health", headers=json_form)
    assert stale.status_code == 200, "healthy, for 4,000 slots"
    assert stale.json()["most_recent_checkpoint"] < stale.json()["most_recent_node_tip"]
    assert await matches(kupo, BOB_ADDRESS) == []
    chain.chain.advance(4_000_000)
    assert (await kupo.get("/health", headers=json_form)).status_code == 202
    chain.mend_interface("kupo")
    assert places(await matches(kupo, BOB_ADDRESS)) == [(paid, 0)]
    chain.break_interface("kupo", "disconnected")
    lost = await kupo.get("/health", headers=json_form)
    assert (lost.status_code, lost.json()["most_recent_node_tip"]) == (503, None)
    assert (await kupo.get("/metrics", headers=json_form)).status_code == 200


async def test_caching_by_the_latest_block(chain: Devnet, kupo: httpx.AsyncClient) -> None:
    first = await kupo.get("/v1/matches/*")
    assert first.headers["etag"] == chain.chain.tip.header_hash.hex()
    assert first.headers["x-most-recent-checkpoint"] == str(chain.chain.tip.slot)
    known = {"If-None-Match": first.headers["etag"]}
    unchanged = await kupo.get("/matches/*", headers=known)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    quoted = {"If-None-Match": f'"{first.headers["etag"]}"'}
    assert (await kupo.get("/matches/*", headers=quoted)).status_code == 200
    assert "etag" not in (await kupo.get("/patterns")).headers
    assert (await kupo.get("/patterns", headers=known)).status_code == 200, "they may have changed"
    assert (await kupo.get("/nowhere", headers=known)).status_code == 404
    chain.chain.mine()
    assert (await kupo.get("/matches/*", headers=known)).status_code == 200


async def test_a_browser_may_read_and_is_allowed_nothing_else(kupo: httpx.AsyncClient) -> None:
    asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "DELETE"}
    answer = await kupo.options("/patterns/*", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-methods" not in answer.headers


async def test_a_point_that_was_rolled_back_is_refused_with_its_ancestor(
    chain: Devnet, kupo: httpx.AsyncClient
) -> None:
    lost = chain.chain.mine()[0]
    since = f"/matches/*?created_after={lost.slot}.{lost.header_hash.hex()}"
    assert (await kupo.get(since)).json() == []
    chain.chain.rollback(1)
    answer = await kupo.get(since)
    ancestor = chain.chain.tip
    assert answer.status_code == 400
    assert f"{ancestor.slot}.{ancestor.header_hash.hex()}" in answer.json()["hint"]
    early = await kupo.get(f"/matches/*?created_before=1.{'00' * 32}")
    assert (early.status_code, "unknown" in early.json()["hint"]) == (400, True)
