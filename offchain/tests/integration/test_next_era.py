"""A canary: the names and forms that the next era is announced with. Nothing of it is claimed as support.

What a client doesn't know it passes over where that changes nothing, and says where it can't go on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import pytest

from milestones.cardano import cbor
from milestones.cardano.transaction import Transaction
from milestones.clients.chain_walk import RollForward
from milestones.clients.kupo_client import KupoClient
from milestones.clients.ogmios_client import OgmiosClient
from milestones.errors import InvalidConfiguration, InvalidEncoding, ServiceUnavailable
from milestones.fork.real_network import RealNetwork
from milestones.services.backend import Backend
from milestones.services.check_status import check_status
from milestones.services.init import init
from milestones.services.paying.plan import Selection
from milestones.services.submit_release import submit_release
from milestones.services.verify import verify
from milestones.testing.distribution import OpenDistribution
from milestones.testing.spoiling_proxy import Alteration, Message, spoiling_proxy

ERA: Final = "dijkstra"


def _health(answer: Any) -> Any:
    return {**answer, "currentEra": ERA}


def _eras(answer: Any) -> Any:
    """One more, which has just begun."""
    last = deepcopy(answer[-1])
    last["start"] = answer[-1]["start"]
    return [*answer[:-1], {**answer[-1], "end": answer[-1]["start"]}, last]


def _parameters(answer: Any) -> Any:
    """Parameters 34 to 37 under names of their own, and a language more."""
    return {
        **answer,
        "version": {"major": 12, "minor": 0},
        "maxReferenceScriptsSizePerBlock": {"bytes": 1_048_576},
        "referenceScriptCostStride": {"bytes": 25_600},
        "referenceScriptCostMultiplier": "6/5",
        "plutusCostModels": {**answer["plutusCostModels"], "plutus:v4": [1, 2, 3]},
    }


def _step(answer: Any) -> Any:
    """Blocks of the era, whose transactions have guards, and others inside; redeemers are a map."""
    block = answer.get("block")
    if block is None:
        return answer
    transactions = []
    for each in block["transactions"]:
        changed = {
            **each,
            "guards": [{"type": "key", "hash": "00" * 28}],
            "subTransactions": [each],
        }
        redeemers = each.get("redeemers") or []
        changed["redeemers"] = {
            f"{one['validator']['purpose']}:{one['validator']['index']}": one for one in redeemers
        } | {"guard:0": {"redeemer": "00", "executionUnits": {"memory": 1, "cpu": 1}}}
        transactions.append(changed)
    return {**answer, "block": {**block, "era": ERA, "transactions": transactions}}


NEXT: Final[dict[str, Alteration]] = {
    "GET /health": _health,
    "queryLedgerState/eraSummaries": _eras,
    "queryLedgerState/protocolParameters": _parameters,
    "nextBlock": _step,
}


@asynccontextmanager
async def next_era(
    stage: OpenDistribution, changes: dict[str, Alteration] | None = None
) -> AsyncIterator[Backend]:
    """The stage's services as they would answer in the next era."""

    def spoil(message: Message) -> Alteration | None:
        known = NEXT if changes is None else changes
        return known.get(message.question) if message.service == "Ogmios" else None

    world = stage.world
    async with (
        spoiling_proxy(
            ogmios_url=world.devnet.ogmios_url, kupo_url=world.devnet.kupo_url, spoil=spoil
        ) as proxy,
        OgmiosClient(proxy.ogmios_url, timeout_seconds=5) as ogmios,
        KupoClient(proxy.kupo_url, timeout_seconds=5) as kupo,
    ):
        yield replace(stage.backend, ogmios=ogmios, kupo=kupo)


async def test_commands_go_on_and_init_says_that_the_era_is_not_known(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001")
    key = stage.world.keys["relayer"]

    async def results(backend: Backend) -> list[Any]:
        status = await check_status(backend, contract_address=stage.address)
        audit = await verify(backend, contract_address=stage.address)
        paid = await submit_release(
            backend,
            contract_address=stage.address,
            key=key,
            selection=Selection(indices=(0,)),
            dry_run=True,
        )
        return [status.milestones, audit.verdict, paid.fee_estimate]

    before = await results(stage.backend)
    async with next_era(stage) as backend:
        assert await results(backend) == before
        said = await init(backend, key=key)
    assert any(
        f"in the era {ERA}, which this program does not know" in each for each in said.warnings
    )


async def test_a_walk_passes_transactions_whose_form_is_new(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001")
    async with next_era(stage) as backend:
        seen = 0
        async with backend.ogmios.walk_from([]) as walk:
            while seen < stage.world.devnet.chain.tip.height:
                event = await walk.next_block()
                if isinstance(event, RollForward):
                    seen = event.block.height
                    chain = stage.world.devnet.chain
                    block = chain.at_height(seen)
                    assert block is not None
                    there = [each.transaction.id for each in block.inclusions]
                    assert [each.transaction_id for each in event.block.transactions] == there
                    redeemed = [
                        len(each.transaction.witnesses.redeemers) for each in block.inclusions
                    ]
                    assert [len(each.redeemers) for each in event.block.transactions] == redeemed


def _named_costs(answer: Any) -> Any:
    """A cost model by its parameters' names, where a list was."""
    models = {
        language: {f"parameter-{n}": cost for n, cost in enumerate(model)}
        for language, model in answer["plutusCostModels"].items()
    }
    return {**answer, "plutusCostModels": models}


async def test_a_map_where_a_list_was_is_named(stage: OpenDistribution) -> None:
    """What can't be passed over: the question whose answer has another shape is in the error."""
    parameters, eras = "queryLedgerState/protocolParameters", "queryLedgerState/eraSummaries"
    by_number: Alteration = lambda answer: {str(n): each for n, each in enumerate(answer)}  # noqa: E731
    async with next_era(stage, {parameters: _named_costs, eras: by_number}) as backend:
        with pytest.raises(ServiceUnavailable, match=parameters):
            await backend.ogmios.protocol_parameters()
        with pytest.raises(ServiceUnavailable, match=eras):
            await backend.ogmios.era_summaries()


async def test_a_fork_of_the_next_era_is_refused(stage: OpenDistribution) -> None:
    async with next_era(stage) as backend:
        network = RealNetwork(backend.ogmios.url, backend.kupo.url)
        with pytest.raises(InvalidConfiguration, match=f"in the era '{ERA}'"):
            await network.facts(None)
        await network.close()


def test_a_transaction_of_three_elements_and_one_with_others_inside_are_refused() -> None:
    """Nobody signs what they can't read."""
    inputs = b"\xd9\x01\x02\x81\x82\x58\x20" + bytes(32) + b"\x00"
    body = b"\xa3\x00" + inputs + b"\x01\x80\x02\x00"
    with pytest.raises(InvalidEncoding, match="a transaction has a body, witnesses"):
        Transaction.read(b"\x83" + body + b"\xa0\xf6")
    with_others = b"\xa4\x00" + inputs + b"\x01\x80\x02\x00" + b"\x17\x80"
    with pytest.raises(InvalidEncoding, match="23"):
        Transaction.read(b"\x84" + with_others + b"\xa0\xf5\xf6")
    assert cbor.read(with_others).entries()
