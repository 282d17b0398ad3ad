"""Walking along the chain."""

from __future__ import annotations

import asyncio

import cbor2

from milestones.devnet.server import Devnet
from tests.support.devnet_clients import Ogmios, payment_on
from tests.support.raw_transactions import (
    ALICE,
    YES_SPEND,
    YES_V3,
    hash256,
    inline,
    key_address,
    script_address,
    script_ref,
)


async def test_the_first_step_goes_back_to_the_origin_then_forward(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    first = await ogmios.call("nextBlock")
    assert (first["direction"], first["point"]) == ("backward", "origin")
    genesis = (await ogmios.call("nextBlock"))["block"]
    assert (genesis["ancestor"], genesis["height"]) == ("genesis", 0)
    devnet.chain.mine()
    second = (await ogmios.call("nextBlock"))["block"]
    assert second["ancestor"] == genesis["id"]
    assert second["slot"] > genesis["slot"]


async def test_pipelined_requests_wait_and_are_answered_in_order(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    tip = await ogmios.call("queryNetwork/tip")
    found = await ogmios.call("findIntersection", points=[tip, "origin"])
    assert found["intersection"] == tip
    assert found["tip"]["height"] == 0
    for number in range(5):
        await ogmios.send("nextBlock", id=number)
    assert (await ogmios.receive())["result"]["direction"] == "backward"
    await ogmios.send("queryNetwork/blockHeight", id="meanwhile")
    assert (await ogmios.receive())["id"] == "meanwhile"
    devnet.chain.mine(3)
    answers = [await ogmios.receive() for _ in range(3)]
    assert [each["id"] for each in answers] == [1, 2, 3]
    assert [each["result"]["block"]["height"] for each in answers] == [1, 2, 3]
    await ogmios.send("findIntersection", {"points": ["origin"]}, id="early")
    assert (await ogmios.receive())["error"]["code"] == 1001
    devnet.chain.mine()
    assert (await ogmios.receive())["result"]["block"]["height"] == 4


async def test_no_common_point(devnet: Devnet, ogmios: Ogmios) -> None:
    nowhere = {"slot": devnet.chain.tip.slot, "id": "00" * 32}
    answer = await ogmios.call("findIntersection", points=[nowhere])
    assert answer["error"]["code"] == 1000
    assert answer["error"]["data"]["tip"]["height"] == 0


async def test_a_rollback_is_told_and_its_transactions_come_again(
    devnet: Devnet, ogmios: Ogmios
) -> None:
    await ogmios.call("findIntersection", points=[await ogmios.call("queryNetwork/tip")])
    await ogmios.call("nextBlock")
    base = await ogmios.call("queryNetwork/tip")
    paid = devnet.chain.submit(payment_on(devnet.chain).seal()).hex()
    (seen,) = (await ogmios.call("nextBlock"))["block"]["transactions"]
    assert seen["id"] == paid
    await ogmios.send("nextBlock")
    devnet.chain.rollback(1)
    back = (await ogmios.receive())["result"]
    assert (back["direction"], back["point"]) == ("backward", base)
    devnet.chain.mine()
    forward = (await ogmios.call("nextBlock"))["block"]
    assert [each["id"] for each in forward["transactions"]] == [paid]
    assert forward["ancestor"] == base["id"]


async def test_every_part_of_a_transaction_is_shown(devnet: Devnet, ogmios: Ogmios) -> None:
    chain = devnet.chain
    draft = payment_on(chain)
    draft.fee = 1_000_000
    native = [1, [[0, b"\x05" * 28], [3, 1, [[2, []]]], [4, 3], [5, 9]]]
    draft.body[1] += [
        {0: script_address(3, YES_V3), 1: 3_000_000, 2: inline(42)},
        {
            0: key_address(ALICE),
            1: 5_000_000,
            2: [0, hash256(cbor2.dumps(7))],
            3: script_ref(2, YES_SPEND),
        },
        {0: key_address(ALICE), 1: 5_000_000, 3: script_ref(0, cbor2.dumps(native))},
    ]
    draft.body[3], draft.body[8] = chain.now_slot() + 500, 5
    draft.body[14], draft.body[15] = [b"\x05" * 28], 0
    draft.auxiliary = {674: {"msg": ["hello", 7]}, 9: b"\x01\x02", 10: {}}
    draft.witnesses[4] = [7]
    draft.last_step = lambda body: body.pop(14)
    paid = chain.submit(draft.seal()).hex()
    await ogmios.call("findIntersection", points=["origin"])
    blocks = [await ogmios.call("nextBlock") for _ in range(3)]
    (shown,) = blocks[-1]["block"]["transactions"]
    assert shown["id"] == paid
    assert shown["metadata"]["labels"] == {
        "9": {"cbor": "420102"},
        "10": {"cbor": "a0"},
        "674": {"json": {"msg": ["hello", 7]}},
    }
    assert shown["validityInterval"] == {"invalidBefore": 5, "invalidAfter": draft.body[3]}
    assert shown["outputs"][1]["datum"] == "182a"
    assert shown["outputs"][2]["datumHash"] == hash256(cbor2.dumps(7)).hex()
    assert shown["outputs"][2]["script"]["language"] == "plutus:v2"
    assert shown["outputs"][3]["script"]["json"]["clause"] == "all"
    assert list(shown["datums"].values()) == ["07"]
    assert shown["network"] == "testnet"
    assert len(shown["signatories"]) == 1


async def test_a_hundred_clients_wait_for_one_block(devnet: Devnet) -> None:
    clients = [await Ogmios.connect(devnet) for _ in range(100)]
    for client in clients:
        for _ in range(3):
            await client.send("nextBlock")
        await client.receive()
        await client.receive()
    devnet.chain.mine()
    answers = await asyncio.gather(*(client.receive() for client in clients))
    assert {each["result"]["block"]["height"] for each in answers} == {1}
    await asyncio.gather(*(client.socket.close() for client in clients))
