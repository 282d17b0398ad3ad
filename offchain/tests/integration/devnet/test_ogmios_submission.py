"""Submitting and evaluating."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import cbor2
import pytest

from milestones.cardano.outputs import OutputReference
from milestones.clients.ogmios_client import OgmiosClient
from milestones.devnet.chain import Chain
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from tests.support.devnet_clients import (
    ALICE_ADDRESS,
    BOB_ADDRESS,
    Ogmios,
    outputs_of_alice,
    payment_on,
)
from tests.support.raw_transactions import (
    ALICE,
    NO_V3,
    YES_V3,
    Draft,
    inline,
    key_address,
    script_address,
    script_ref,
    wire,
)


async def submit(ogmios: Ogmios, raw: bytes) -> Any:
    return await ogmios.call("submitTransaction", transaction={"cbor": raw.hex()})


async def evaluate(ogmios: Ogmios, raw: bytes, **more: Any) -> Any:
    return await ogmios.call("evaluateTransaction", transaction={"cbor": raw.hex()}, **more)


def spending(chain: Chain, locked: OutputReference, code: bytes, output: Any) -> Draft:
    """Alice takes what is locked, with the script as a witness and her richest output as collateral."""
    draft = payment_on(chain)
    draft.fee = 600_000
    draft.add_input(locked, output)
    rich = next(iter(outputs_of_alice(chain)))
    draft.body[13] = [wire(rich)]
    index = sorted((rich, locked)).index(locked)
    draft.witnesses = {7: [code], 5: {(0, index): [7, [2000, 300_000]]}}
    draft.languages = {3}
    return draft


def lock(chain: Chain, code: bytes) -> tuple[OutputReference, Any]:
    """Alice locks 3 ADA under a script; where the output is, and the output."""
    draft = payment_on(chain)
    draft.body[1] = [{0: script_address(3, code), 1: 3_000_000, 2: inline(1)}]
    paid = chain.submit(draft.seal())
    return OutputReference(paid, 0), draft.body[1][0]


async def test_a_payment_is_in_a_block_when_it_is_answered(devnet: Devnet, ogmios: Ogmios) -> None:
    answer = await submit(ogmios, payment_on(devnet.chain).seal())
    paid = bytes.fromhex(answer["transaction"]["id"])
    assert devnet.chain.place_of(paid) == (devnet.chain.tip, 0)
    assert len(await ogmios.call("queryLedgerState/utxo", addresses=[BOB_ADDRESS])) == 1


async def test_what_is_in_already_is_told_so(devnet: Devnet, ogmios: Ogmios) -> None:
    raw = payment_on(devnet.chain).seal()
    await submit(ogmios, raw)
    again = await submit(ogmios, raw)
    assert again["error"]["code"] == 3997
    assert "spent" in again["error"]["data"]["error"]


async def test_refusals_carry_ogmios_codes(devnet: Devnet, ogmios: Ogmios) -> None:
    chain = devnet.chain
    cheap = payment_on(chain)
    cheap.fee = 1000
    late = payment_on(chain)
    late.body[3] = 7
    unsigned = payment_on(chain)
    unsigned.keys = []
    for draft, code in ((cheap, 3122), (late, 3118), (unsigned, 3101)):
        assert (await submit(ogmios, draft.seal()))["error"]["code"] == code
    assert chain.tip.height == 0


@pytest.mark.parametrize("method", ["submitTransaction", "evaluateTransaction"])
async def test_what_is_no_transaction(ogmios: Ogmios, method: str) -> None:
    for raw in (b"", b"\x80", b"\xff" * 40, b"\x9f" * 4000):
        answer = await ogmios.call(method, transaction={"cbor": raw.hex()})
        assert answer["error"]["code"] == -32602, raw
        assert "conway" in answer["error"]["data"]
    for params in ({"transaction": {"cbor": "xyz"}}, {"transaction": {"cbor": 7}}, {}):
        assert (await ogmios.call(method, **params))["error"]["code"] == -32600


async def test_a_script_is_evaluated_then_run(devnet: Devnet, ogmios: Ogmios) -> None:
    locked, output = lock(devnet.chain, YES_V3)
    draft = spending(devnet.chain, locked, YES_V3, output)
    (used,) = await evaluate(ogmios, draft.seal())
    assert used["validator"]["purpose"] == "spend"
    assert used["budget"] == {"memory": 500, "cpu": 64_100}
    assert "transaction" in await submit(ogmios, draft.seal())


async def test_a_failing_script(devnet: Devnet, ogmios: Ogmios) -> None:
    locked, output = lock(devnet.chain, NO_V3)
    draft = spending(devnet.chain, locked, NO_V3, output)
    evaluated = await evaluate(ogmios, draft.seal())
    assert evaluated["error"]["code"] == 3010
    assert evaluated["error"]["data"][0]["error"]["code"] == 3012
    assert (await submit(ogmios, draft.seal()))["error"]["code"] == 3136
    draft.is_valid = False
    taken = await submit(ogmios, draft.seal())
    place = devnet.chain.place_of(bytes.fromhex(taken["transaction"]["id"]))
    assert place is not None
    assert locked in devnet.chain.utxo
    assert len(place[0].inclusions[0].spent) == 1


async def test_a_chain_of_transactions_is_evaluated_in_the_mempool(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    devnet.chain.production = "by hand"
    locked, output = lock(devnet.chain, YES_V3)
    draft = spending(devnet.chain, locked, YES_V3, output)
    assert len(await evaluate(ogmios, draft.seal())) == 1
    assert "transaction" in await submit(ogmios, draft.seal())
    assert len(devnet.chain.mempool) == 2
    (block,) = devnet.chain.mine()
    assert len(block.inclusions) == 2


async def test_additional_outputs_count_when_they_are_new(devnet: Devnet, ogmios: Ogmios) -> None:
    chain = devnet.chain
    locked = OutputReference(b"\x0a" * 32, 3)
    output = {0: script_address(3, YES_V3), 1: 3_000_000, 2: inline(1), 3: script_ref(3, YES_V3)}
    draft = spending(chain, locked, YES_V3, output)
    unknown = await evaluate(ogmios, draft.seal())
    assert unknown["error"]["code"] == 3004
    entry = {
        "transaction": {"id": "0a" * 32},
        "index": 3,
        "address": BOB_ADDRESS,
        "value": {"ada": {"lovelace": 3_000_000}, "05" * 28: {"aa": 4}},
        "datum": "01",
        "script": {"language": "plutus:v3", "cbor": YES_V3.hex()},
    }
    entry["address"] = str(decode_address(script_address(3, YES_V3)))
    (used,) = await evaluate(ogmios, draft.seal(), additionalUtxo=[entry])
    assert used["budget"]["memory"] == 500
    for wrong in ({**entry, "address": 7}, {**entry, "value": {}}, {"index": 1}, 7):
        answer = await evaluate(ogmios, draft.seal(), additionalUtxo=[wrong])
        assert answer["error"]["code"] == -32600


async def test_additional_outputs_may_repeat_what_the_ledger_has(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    """Some builders send along every output that they spend. It must then be the one of the ledger."""
    chain = devnet.chain
    reference = next(iter(outputs_of_alice(chain)))
    (entry,) = await ogmios.call(
        "queryLedgerState/utxo",
        outputReferences=[
            {"transaction": {"id": reference.transaction_id.hex()}, "index": reference.index}
        ],
    )
    draft = payment_on(chain)
    assert await evaluate(ogmios, draft.seal(), additionalUtxo=[entry]) == []
    for change in ({"value": {"ada": {"lovelace": 5}}}, {"datum": "01"}, {"address": BOB_ADDRESS}):
        other = await evaluate(ogmios, draft.seal(), additionalUtxo=[{**entry, **change}])
        assert other["error"]["code"] == 3002
        (named,) = other["error"]["data"]["overlappingOutputReferences"]
        assert named["transaction"] == entry["transaction"]
    not_asked_for = {**entry, "index": reference.index + 1, "datum": "01"}
    assert await evaluate(ogmios, draft.seal(), additionalUtxo=[not_asked_for]) == []


async def test_what_the_mempool_spends_can_still_be_evaluated(
    start: Callable[[DevnetConfig], Awaitable[Devnet]],
) -> None:
    """The evaluation looks at the ledger, to which the mempool only adds."""
    config = DevnetConfig(
        chain=ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000}), block_interval_s=None
    )
    devnet = await start(config)
    ogmios = await Ogmios.connect(devnet)
    locked = OutputReference(b"\x0a" * 32, 3)
    output = {0: script_address(3, YES_V3), 1: 3_000_000, 2: inline(1), 3: script_ref(3, YES_V3)}
    draft = spending(devnet.chain, locked, YES_V3, output)
    entry = {
        "transaction": {"id": "0a" * 32},
        "index": 3,
        "address": str(decode_address(script_address(3, YES_V3))),
        "value": {"ada": {"lovelace": 3_000_000}},
        "datum": "01",
        "script": {"language": "plutus:v3", "cbor": YES_V3.hex()},
    }
    assert "transaction" in await submit(ogmios, payment_on(devnet.chain).seal())
    (used,) = await evaluate(ogmios, draft.seal(), additionalUtxo=[entry])
    assert used["budget"]["memory"] == 500
    assert (await submit(ogmios, draft.seal()))["error"]["code"] == 3997
    await ogmios.socket.close()


@pytest.mark.parametrize(
    "script",
    [
        {"language": "native", "json": {"clause": "any", "from": []}},
        {
            "language": "native",
            "json": {
                "clause": "some",
                "atLeast": 1,
                "from": [
                    {"clause": "signature", "from": "05" * 28},
                    {"clause": "all", "from": [{"clause": "before", "slot": 5}]},
                    {"clause": "after", "slot": 5},
                ],
            },
        },
        {"language": "native", "cbor": cbor2.dumps([2, []]).hex(), "json": {}},
        {"language": "plutus:v2", "cbor": "450101002499"},
    ],
)
async def test_additional_outputs_bring_scripts_of_every_kind(
    devnet: Devnet, ogmios: Ogmios, script: dict[str, Any]
) -> None:
    draft = payment_on(devnet.chain)
    entry = {
        "transaction": {"id": "0b" * 32},
        "index": 0,
        "address": BOB_ADDRESS,
        "value": {"ada": {"lovelace": 3_000_000}},
        "datumHash": "07" * 32,
        "script": script,
    }
    assert await evaluate(ogmios, draft.seal(), additionalUtxo=[entry]) == []


def fill_the_mempool(chain: Chain) -> tuple[list[bytes], bytes]:
    """Those that have room in it, and the bytes of one that hasn't."""
    chain.production = "by hand"
    filler: list[bytes] = []
    while True:
        draft = payment_on(chain)
        draft.auxiliary = {1: [b"\x00" * 64] * 200}
        draft.fee = 2_000_000
        raw = draft.seal()
        if not chain.mempool.has_room_for(decode_transaction(raw), chain.parameters):
            return filler, raw
        filler.append(chain.submit(raw))


async def test_the_program_waits_for_room_in_a_mempool_that_is_full(devnet: Devnet) -> None:
    """Longer than for any other answer: the transaction is neither lost nor unknown."""
    _, raw = fill_the_mempool(devnet.chain)
    async with OgmiosClient(devnet.ogmios_url, timeout_seconds=0.2) as client:
        sent = asyncio.ensure_future(client.submit(raw))
        await asyncio.sleep(1)
        assert not sent.done()
        devnet.chain.mine()
        assert bytes.fromhex(await sent) in devnet.chain.mempool


async def test_a_full_mempool_makes_senders_wait(devnet: Devnet, ogmios: Ogmios) -> None:
    chain = devnet.chain
    filler, raw = fill_the_mempool(chain)
    assert chain.mempool.size_bytes > 160_000
    await ogmios.send("submitTransaction", {"transaction": {"cbor": raw.hex()}}, id="waits")
    assert await ogmios.call("queryNetwork/blockHeight") == 0
    (block,) = chain.mine()
    assert block.body_size <= 90_112
    assert 0 < len(block.inclusions) < len(filler)
    answer = await ogmios.receive()
    assert answer["id"] == "waits"
    assert "result" in answer


async def test_a_reference_to_what_the_mempool_made(devnet: Devnet, ogmios: Ogmios) -> None:
    devnet.chain.production = "by hand"
    first = await submit(ogmios, payment_on(devnet.chain).seal())
    draft = payment_on(devnet.chain)
    made = OutputReference(bytes.fromhex(first["transaction"]["id"]), 0)
    draft.add_input(made, [key_address(ALICE), 2_000_000], 18)
    assert "transaction" in await submit(ogmios, draft.seal())
