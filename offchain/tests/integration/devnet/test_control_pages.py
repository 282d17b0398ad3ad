"""The pages, of a distribution as the contract's own transactions make it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Any

import cbor2
import httpx
from devnet_clients import ALICE_ADDRESS, http, payment_on
from ledger_world import BOB, key_address

from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig


async def page(client: httpx.AsyncClient, path: str) -> str:
    """The text of a page, its links checked on the way."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert 'name="viewport" content="width=device-width' in answer.text
    for link in re.findall('href="(/[^"]*)"', answer.text):
        assert (await client.get(link)).status_code == 200, link
    return unescape(re.sub("<[^>]*>", "\n", answer.text))


async def test_an_opening_can_be_read(world: Any) -> None:
    distribution = await world.open()
    chain = world.devnet.chain
    (terms,) = [
        reference
        for reference, output in chain.utxo.items()
        if output.datum is not None
        and any(a.asset_name[:4] == b"TERM" for a in output.value.assets)
    ]
    block, position = chain.place_of(terms.transaction_id)
    opening = block.inclusions[position].transaction
    async with http(world.devnet, control=True) as client:
        shown = await page(client, f"/transaction/{opening.id.hex()}")
        assert f"{len(opening.raw)} bytes" in shown
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
    paid = devnet.chain.submit(draft.seal()).hex()
    async with http(devnet, control=True) as client:
        answer = await client.get(f"/transaction/{paid}")
        assert "<script" not in answer.text
        assert '"<script>alert(1)</script>"' in await page(client, f"/transaction/{paid}")
