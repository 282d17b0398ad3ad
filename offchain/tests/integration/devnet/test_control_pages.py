"""The pages, of a distribution as the contract's own transactions make it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html import unescape

import cbor2
import httpx

from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from milestones.testing.world import World
from tests.support.devnet_clients import ALICE_ADDRESS, http, payment_on
from tests.support.raw_transactions import BOB, key_address


async def page(client: httpx.AsyncClient, path: str) -> str:
    """The text of a page, its links checked on the way."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert 'name="viewport" content="width=device-width' in answer.text
    for link in re.findall('href="(/[^"]*)"', answer.text):
        assert (await client.get(link)).status_code == 200, link
    return unescape(re.sub("<[^>]*>", "\n", answer.text))


async def test_an_opening_can_be_read(world: World) -> None:
    distribution = await world.open()
    chain = world.devnet.chain
    (terms,) = [
        reference
        for reference, output in chain.utxo.items()
        if output.datum is not None
        and any(a.asset_name[:4] == b"TERM" for a in output.value.assets)
    ]
    place = chain.place_of(terms.transaction_id)
    assert place is not None
    block, position = place
    opening = block.inclusions[position].transaction
    async with http(world.devnet, control=True) as client:
        shown = await page(client, f"/transaction/{opening.id.hex()}")
        assert f"{len(opening.raw):,} bytes" in shown
        assert "label 1296649285" in shown
        (redeemer,) = opening.witnesses.redeemers
        assert f"mint 0: \n{redeemer.units.memory:,} memory".replace("\n", "") in shown
        assert f"{redeemer.units.cpu:,} steps" in shown
        assert f"{opening.body.fee // 10**6}.{opening.body.fee % 10**6:06d} ADA" in shown
        for reference in (*opening.body.inputs, *opening.body.reference_inputs):
            assert f"{reference.transaction_id.hex()}\n\n #{reference.index}".replace("\n", "") in (
                shown.replace("\n", "")
            )
        # The datum of the terms, decoded: the quorum's oracles as byte strings in a list.
        assert "Constr 0 [" in shown
        for oracle in distribution.terms.oracles:
            assert f"h'{oracle.hex()}'" in shown
        assert "h'4752414e54' \"GRANT\"" in shown
        assert opening.id.hex() in await page(client, f"/block/{block.height}")
        assert f"{block.slot}" in await page(client, "/")
        first = await page(client, "/block/0")
        assert "slot" in first


async def test_nothing_of_a_transaction_can_write_on_the_page(
    start: Callable[[DevnetConfig], Awaitable[Devnet]],
) -> None:
    devnet = await start(DevnetConfig(chain=ChainConfig(funds={ALICE_ADDRESS: 10**9})))
    draft = payment_on(devnet.chain)
    datum = cbor2.dumps(b"<script>alert(1)</script>")
    draft.body[1] = [
        {0: key_address(BOB), 1: 2_000_000, 2: [1, cbor2.CBORTag(24, datum)]},
    ]
    draft.auxiliary = {674: {"msg": ["<img src=x onerror=alert(2)>", "\u202edesrever", b"\xff"]}}
    paid = devnet.chain.submit(draft.seal()).hex()
    async with http(devnet, control=True) as client:
        answer = await client.get(f"/transaction/{paid}")
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        shown = await page(client, f"/transaction/{paid}")
        assert '"<script>alert(1)</script>"' in shown
        assert '"<img src=x onerror=alert(2)>"' in shown
        assert '"\\u202edesrever"' in shown
        assert "h'ff'" in shown


async def test_tokens_go_by_their_names(
    start: Callable[[DevnetConfig], Awaitable[Devnet]],
) -> None:
    devnet = await start(DevnetConfig())
    names = {b"GRANT": 10**12, b"<script>": 1, b"\xff": 2, b"": 3, "\u202e".encode(): 4}
    body = {
        "address": ALICE_ADDRESS,
        "lovelace": 5_000_000,
        "tokens": {name.hex(): quantity for name, quantity in names.items()},
    }
    async with http(devnet, control=True) as client:
        paid = (await client.post("/faucet", json=body)).json()
        answer = await client.get(f"/transaction/{paid['transaction_id']}")
        policy = paid["policy_id"]
        assert f"1,000,000,000,000 <b>GRANT</b> <code>{policy}.{b'GRANT'.hex()}<" in answer.text
        assert f"1 <b>&lt;script&gt;</b> <code>{policy}." in answer.text
        for name in (b"\xff", b"", "\u202e".encode()):
            assert f"{names[name]} <code>{policy}.{name.hex()}<" in answer.text
        await page(client, f"/transaction/{paid['transaction_id']}")


async def test_many_that_wait_and_what_is_not_there(
    start: Callable[[DevnetConfig], Awaitable[Devnet]],
) -> None:
    chain = ChainConfig(funds={ALICE_ADDRESS: 10**9})
    devnet = await start(DevnetConfig(chain=chain, block_interval_s=None))
    for _ in range(52):
        devnet.chain.submit(payment_on(devnet.chain).seal())
    async with http(devnet, control=True) as client:
        overview = await page(client, "/")
        assert "and 2 more" in overview
        browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        missing = await client.get("/block/99", headers=browser)
        assert missing.status_code == 404
        assert "there is no block 99" in missing.text
        assert missing.text.startswith("<!doctype html>")
        assert (await client.get("/block/99")).json()["error"]["code"] == "not_found"
