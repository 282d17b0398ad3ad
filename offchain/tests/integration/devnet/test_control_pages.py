"""The pages, of a distribution as the contract's own transactions make it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Final

import cbor2
import httpx
from playwright.async_api import Browser

from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from milestones.testing.world import World
from tests.support.browser import SCHEMES, assert_accessible, open_page
from tests.support.devnet_clients import ALICE_ADDRESS, http, payment_on, text_of
from tests.support.raw_transactions import BOB, key_address

BROWSER: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def page(client: httpx.AsyncClient, path: str) -> str:
    """The text of a page, its links checked on the way."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert 'name="viewport" content="width=device-width' in answer.text
    for link in sorted(set(re.findall('href="(/[^"]*)"', answer.text))):
        assert (await client.get(unescape(link))).status_code == 200, link
    return text_of(answer.text)


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
        assert f"mint 0: {redeemer.units.memory:,} memory" in shown
        assert f"{redeemer.units.cpu:,} steps" in shown
        assert f"{opening.body.fee // 10**6}.{opening.body.fee % 10**6:06d} ADA" in shown
        for reference in (*opening.body.inputs, *opening.body.reference_inputs):
            assert f"{reference.transaction_id.hex()} #{reference.index}" in shown
        # The datum of the terms, decoded: the quorum's oracles as byte strings in a list.
        assert "Constr 0 [" in shown
        for oracle in distribution.terms.oracles:
            assert f"h'{oracle.hex()}'" in shown
        assert "h'4752414e54' \"GRANT\"" in shown
        assert opening.id.hex() in await page(client, f"/block/{block.height}")
        assert f"{block.slot:,}" in await page(client, "/")
        first = await page(client, "/block/0")
        assert "Slot" in first


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
        assert "1,000,000,000,000 <b>GRANT</b>" in answer.text
        assert "1 <b>&lt;script&gt;</b>" in answer.text
        shown = text_of(answer.text)
        assert f"1,000,000,000,000 GRANT {policy}.{b'GRANT'.hex()}" in shown
        for name in (b"\xff", b"", "\u202e".encode()):
            assert f"{names[name]} {policy}.{name.hex()}" in shown
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
        missing = await client.get("/block/99", headers=BROWSER)
        assert missing.status_code == 404
        assert "There is no block 99" in missing.text
        assert missing.text.startswith("<!doctype html>")
        assert (await client.get("/block/99")).json()["error"]["code"] == "not_found"


async def test_a_transaction_does_not_scroll_away_behind_empty_blocks(
    start: Callable[[DevnetConfig], Awaitable[Devnet]],
) -> None:
    chain = ChainConfig(funds={ALICE_ADDRESS: 10**9})
    devnet = await start(DevnetConfig(chain=chain))
    paid = [devnet.chain.submit(payment_on(devnet.chain).seal()).hex() for _ in range(23)]
    devnet.chain.mine(500)
    async with http(devnet, control=True) as client:
        overview = await page(client, "/")
        assert [each for each in reversed(paid) if each in overview] == paid[:2:-1][:20]
        assert "Transactions 24 in all blocks" in overview
        last = devnet.chain.tip.height
        assert f" {last - 499} to {last} none " in overview
        (older,) = re.findall(r'href="(/\?before=\d+)"', (await client.get("/")).text)
        earlier = await page(client, older)
        assert all(each in earlier for each in paid[:3])


async def test_whatever_is_looked_for_is_found(
    start: Callable[[DevnetConfig], Awaitable[Devnet]],
) -> None:
    devnet = await start(DevnetConfig())
    async with http(devnet, control=True) as client:
        asked = {"address": ALICE_ADDRESS, "tokens": {b"GRANT".hex(): 1_234, b"\xff".hex(): 7}}
        paid = (await client.post("/faucet", json=asked)).json()
        policy, block = paid["policy_id"], devnet.chain.tip
        leads = {
            paid["transaction_id"]: f"/transaction/{paid['transaction_id']}",
            f" {paid['transaction_id'].upper()} ": f"/transaction/{paid['transaction_id']}",
            block.header_hash.hex(): f"/block/{block.height}",
            str(block.height): f"/block/{block.height}",
            ALICE_ADDRESS: f"/address/{ALICE_ADDRESS}",
            "GRANT": "/token/GRANT",
            policy: f"/token/{policy}",
            f"{policy}.ff": f"/token/{policy}.ff",
        }
        for words, path in leads.items():
            answer = await client.get("/search", params={"q": words})
            assert (answer.status_code, answer.headers.get("location")) == (303, path), words
            assert paid["transaction_id"] in await page(client, path)
        assert "1,234 GRANT" in await page(client, "/token/GRANT")
        assert ALICE_ADDRESS in await page(client, f"/token/{policy}.ff")
        for words in ("", "nothing", "00" * 32, f"{policy}.00", "99999", "addr1x"):
            missing = await client.get("/search", params={"q": words}, headers=BROWSER)
            assert missing.status_code == 404, words
            assert f'value="{words}"' in missing.text


async def test_the_pages_in_a_browser(world: World, browser: Browser) -> None:
    """What a person does: look for a transaction, be paid by the faucet, correct what was refused."""
    await world.open()
    devnet, url = world.devnet, world.control_url
    last = devnet.chain.tip.inclusions[0].transaction.id.hex()
    for scheme in SCHEMES:
        async with open_page(browser, scheme=scheme, refused=1) as shown:
            for path in ("/", f"/transaction/{last}", "/token/GRANT")[
                : 3 if scheme == "light" else 2
            ]:
                await shown.goto(url + path)
                await assert_accessible(shown)
            await shown.goto(url)
            assert await shown.locator("main").count() == 1
            await shown.get_by_role("searchbox").fill(ALICE_ADDRESS)
            async with shown.expect_navigation():
                await shown.keyboard.press("Enter")
            assert shown.url == f"{url}/address/{ALICE_ADDRESS}"
            await shown.goto(url)
            await shown.get_by_label("To which address").fill("addr_test1nobody")
            await shown.get_by_label("Token, by name").fill("GRANT")
            await shown.get_by_label("How many of it").fill("1,000")
            async with shown.expect_navigation():
                await shown.get_by_role("button", name="Pay").click()
            await assert_accessible(shown)
            assert await shown.get_by_label("How many of it").input_value() == "1,000"
            await shown.get_by_label("To which address").fill(ALICE_ADDRESS)
            async with shown.expect_navigation():
                await shown.get_by_role("button", name="Pay").click()
            assert "/transaction/" in shown.url
            text = await shown.inner_text("main")
            assert "100.000000 ADA" in text
            assert "1,000 GRANT" in text


async def test_a_form_of_another_page_pays_nobody(
    start: Callable[[DevnetConfig], Awaitable[Devnet]],
) -> None:
    devnet = await start(DevnetConfig())
    form = {"address": ALICE_ADDRESS, "ada": "2.5", "token": "", "quantity": ""}
    height = devnet.chain.tip.height
    async with http(devnet, control=True) as client:
        for origin in ({}, {"Origin": "null"}, {"Origin": "http://evil.example"}):
            assert (await client.post("/pay", data=form, headers=origin)).status_code == 403
        own = {"Origin": str(client.base_url).rstrip("/")}
        assert (await client.post("/pay", json=form, headers=own)).status_code == 415
        for wrong in (
            {"ada": "1.0000001"},
            {"ada": "x"},
            {"ada": "-1"},
            {"token": "GRANT"},
            {"address": ""},
        ):
            assert (await client.post("/pay", data=form | wrong, headers=own)).status_code == 400
        assert devnet.chain.tip.height == height
        paid = await client.post("/pay", data=form, headers=own)
        assert paid.status_code == 303
        assert "2.500000 ADA" in await page(client, paid.headers["location"])
