"""The mempool: read whole from Ogmios, and what an index will show once a block has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.slots import Point
from milestones.cardano.value import Value
from milestones.clients import mempool as mempools
from milestones.clients.kupo_answers import Match
from milestones.clients.mempool import Mempool, MempoolTransaction
from milestones.clients.ogmios_client import ASKED_AT_ONCE, OgmiosClient
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from milestones.errors import ServiceUnavailable
from tests.support.devnet_clients import ALICE_FUNDS, payment_on

HERE = "addr_test1here"


def utxo(number: int, index: int = 0, address: str = HERE) -> Utxo:
    reference = OutputReference(bytes([number]) * 32, index)
    return Utxo(reference, TransactionOutput(address, Value(number)))


def indexed(*utxos: Utxo) -> list[Match]:
    return [Match(each, Point(1, bytes(32)), 0) for each in utxos]


def applied(mempool: Mempool, *utxos: Utxo) -> set[Utxo]:
    found = mempool.applied(indexed(*utxos), lambda output: output.address == HERE)
    return {match.utxo for match in found}


def spending(number: int, *spent: Utxo, elsewhere: bool = False) -> MempoolTransaction:
    left = utxo(number, address="addr_test1elsewhere" if elsewhere else HERE)
    return MempoolTransaction(
        left.reference.transaction_id, tuple(u.reference for u in spent), (left,)
    )


def test_a_chain_of_transactions_shows_what_its_last_leaves() -> None:
    mempool = Mempool((spending(3, utxo(1)), spending(4, utxo(3)), spending(5, utxo(4), utxo(2))))
    assert applied(mempool, utxo(1), utxo(2), utxo(9)) == {utxo(5), utxo(9)}
    assert mempool.spender_of(utxo(3).reference) == mempool.transactions[1]
    assert mempool.spender_of(utxo(5).reference) is None


def test_what_goes_elsewhere_is_not_shown_here_and_what_is_indexed_already_once() -> None:
    mempool = Mempool((spending(3, utxo(1), elsewhere=True), spending(4, utxo(2))))
    assert applied(mempool, utxo(1), utxo(4)) == {utxo(4)}


@pytest.fixture
async def devnet() -> AsyncIterator[Devnet]:
    config = DevnetConfig(chain=ChainConfig(funds=ALICE_FUNDS), block_interval_s=None)
    async with Devnet(config) as devnet:
        devnet.chain.mine()
        yield devnet


@pytest.mark.parametrize("count", [0, 1, ASKED_AT_ONCE, ASKED_AT_ONCE + 1])
async def test_all_of_it_is_read_in_order_and_as_often_as_one_asks(
    devnet: Devnet, count: int
) -> None:
    ids = [devnet.chain.submit(payment_on(devnet.chain).seal()) for _ in range(count)]
    async with OgmiosClient(devnet.ogmios_url) as ogmios:
        for _ in range(2):
            mempool = await ogmios.mempool()
            assert [each.id for each in mempool.transactions] == ids
        known = await ogmios.in_mempool([each.hex() for each in ids])
    assert mempool.shown
    assert known == {each.hex() for each in ids}
    waiting = {each for each in devnet.chain.mempool.utxo if each.transaction_id in ids}
    assert mempool.unspent.keys() == waiting


async def test_a_service_that_hides_it_is_one_that_shows_nothing(ogmios: Any, server: Any) -> None:
    server.answers = {"acquireMempool": [{"error": {"code": -32601, "message": "not here"}}]}
    assert await ogmios.mempool() == Mempool(shown=False)


async def test_another_refusal_is_the_services_fault(ogmios: Any, server: Any) -> None:
    server.answers = {"acquireMempool": [{"error": {"code": -32603, "message": "no node"}}]}
    with pytest.raises(ServiceUnavailable, match="no node"):
        await ogmios.mempool()


OUTPUT = {"address": HERE, "value": {"ada": {"lovelace": 5}}}
INPUT = {"transaction": {"id": "01" * 32}, "index": 0}


def shown(**changes: Any) -> Any:
    return {"id": "05" * 32, "spends": "inputs", "inputs": [INPUT], "outputs": [OUTPUT], **changes}


def test_an_output_that_cannot_be_read_hides_no_other() -> None:
    read = mempools.transaction(shown(outputs=[{"address": 7}, OUTPUT]))
    assert read is not None
    assert [each.reference.index for each in read.outputs] == [1]
    assert read.inputs == (OutputReference(bytes([1]) * 32, 0),)


@pytest.mark.parametrize(
    "odd", [None, {}, shown(inputs=[{}]), shown(spends="collaterals"), shown(id="05")]
)
def test_what_is_no_transaction_or_spends_nothing_is_passed_over(odd: Any) -> None:
    assert mempools.transaction(odd) is None
