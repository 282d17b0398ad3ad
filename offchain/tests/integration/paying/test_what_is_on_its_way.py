"""Transactions that are on their way, forgotten by the node, displaced, or long since in a block."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from milestones.clients.kupo_client import KupoClient
from milestones.devnet.ledger.addresses import decode_address
from milestones.errors import ChainRejected, OutcomeUnknown, ServiceUnavailable
from milestones.services.attest import attest
from milestones.services.backend import chain_of
from milestones.services.sending import waiting
from milestones.services.sending.funds import funds_of
from milestones.services.sending.payer import Payer
from milestones.services.sending.submitting import see_through
from milestones.services.sending.tracking import unsettled
from milestones.services.transaction import transaction_status
from milestones.storage.submission import StatusChange
from milestones.testing.distribution import OpenDistribution


async def attest_it(stage: OpenDistribution, *, wait: bool = False) -> Any:
    """The relayer attests milestone 001."""
    await stage.signed("milestone-001")
    return await attest(
        stage.backend,
        contract_address=stage.address,
        milestone_identifier="milestone-001",
        key=stage.world.keys["relayer"],
        wait=wait,
    )


async def funds(stage: OpenDistribution) -> set[Any]:
    """What the relayer can spend, as the program sees it."""
    pending = await unsettled(stage.backend, await chain_of(stage.backend))
    found = await funds_of(stage.backend, Payer.of(stage.world.keys["relayer"]), pending)
    return {utxo.reference for utxo in found.utxos}


async def unspent(stage: OpenDistribution) -> set[Any]:
    """What the chain says that the relayer has."""
    address = stage.world.address("relayer").to_bech32()
    return {m.reference for m in await stage.backend.kupo.matches(address, unspent=True)}


async def test_change_counts_before_a_block_has_it(stage: OpenDistribution) -> None:
    stage.world.devnet.chain.production = "by hand"
    await attest_it(stage)
    waiting = await funds(stage)
    assert waiting != await unspent(stage)
    stage.world.devnet.chain.mine()
    assert await unspent(stage) == waiting


async def test_change_that_was_spent_since_counts_no_more(stage: OpenDistribution) -> None:
    first = await attest_it(stage)
    assert stage.journal.find(first.transaction_hash).status == "submitted"
    await stage.release(0, wait=True)
    assert await funds(stage) == await unspent(stage)
    assert (await stage.release(3, wait=True)).warnings == ()


async def test_what_the_node_has_forgotten_does_not_count(stage: OpenDistribution) -> None:
    chain = stage.world.devnet.chain
    before, snapshot = await unspent(stage), chain.snapshot()
    await attest_it(stage)
    chain.revert(snapshot)
    assert await funds(stage) == before


async def test_a_transaction_whose_time_is_up_is_given_up(stage: OpenDistribution) -> None:
    chain = stage.world.devnet.chain
    snapshot = chain.snapshot()
    first = await attest_it(stage)
    chain.revert(snapshot)
    stage.world.advance(8_000)
    second = await attest_it(stage, wait=True)
    assert (second.resumed, second.status) == (False, "confirmed")
    assert stage.journal.find(first.transaction_hash).status == "expired"


async def test_what_was_rolled_back_and_forgotten_is_sent_again(stage: OpenDistribution) -> None:
    chain = stage.world.devnet.chain
    snapshot = chain.snapshot()
    first = await attest_it(stage, wait=True)
    chain.revert(snapshot)
    again = await attest_it(stage, wait=True)
    assert (again.resumed, again.transaction_hash) == (True, first.transaction_hash)


async def test_nothing_is_concluded_from_an_index_that_is_behind(stage: OpenDistribution) -> None:
    """A block has it, the index has not read that block, and its time is up."""
    stage.world.devnet.break_interface("kupo", "stale")
    first = await attest_it(stage)
    stage.world.advance(8_000)
    status = await transaction_status(stage.backend, first.transaction_hash)
    assert status.status == "unknown"
    assert "the node is at slot" in status.reason
    stage.world.devnet.mend_interface("kupo")
    again = await attest_it(stage)
    assert (again.resumed, again.status) == (True, "confirmed")
    assert again.transaction_hash == first.transaction_hash


async def test_one_that_another_chain_has_is_left_alone(stage: OpenDistribution) -> None:
    """A private network started anew has the old one's magic, and the data directory is the same."""
    chain = stage.world.devnet.chain
    before, snapshot = await unspent(stage), chain.snapshot()
    first = stage.journal.find((await attest_it(stage)).transaction_hash)
    chain.revert(snapshot)
    elsewhere = stage.elsewhere("shared")
    prepared = StatusChange(status="prepared", at_posix_ms=1)
    there = first.model_copy(update={"chain": "42@0", "history": (prepared,)})
    elsewhere.journal.prepare(there, slot=0)
    assert await funds(elsewhere) == before
    stage.world.advance(100)
    attested = await attest_it(elsewhere, wait=True)
    assert not attested.resumed
    assert elsewhere.journal.find(first.transaction_id).status == "prepared"


async def test_money_at_a_pointer_address_is_left_alone(stage: OpenDistribution) -> None:
    """Anybody can send it there, and no command may stumble over it."""
    pointer = bytes((0x40,)) + stage.world.keys["relayer"].key_hash + bytes((1, 2, 3))
    stage.world.devnet.chain.pay_from_faucet(decode_address(pointer), 900_000_000, {})
    assert (await attest_it(stage, wait=True)).status == "confirmed"


async def test_a_service_that_fails_for_long_while_waiting_leaves_the_outcome_unknown(
    stage: OpenDistribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "GAP_SECONDS", 0.5)
    chain = stage.world.devnet.chain
    chain.production = "by hand"
    attested = asyncio.ensure_future(attest_it(stage, wait=True))
    while not len(chain.mempool):
        await asyncio.sleep(0.05)
    stage.world.devnet.break_interface("kupo", "dropping")
    with pytest.raises(OutcomeUnknown) as unknown:
        await attested
    (pending,) = stage.journal.pending(command="attest")
    assert unknown.value.transaction_id == pending.transaction_id
    assert "Kupo" in unknown.value.reason
    assert unknown.value.taken
    assert "taken by the node" in unknown.value.message


@pytest.mark.parametrize("service", ["kupo", "ogmios"])
async def test_a_service_that_comes_back_while_waiting_is_waited_for(
    stage: OpenDistribution, service: Any
) -> None:
    chain = stage.world.devnet.chain
    chain.production = "by hand"
    report = await attest_it(stage)
    stage.world.devnet.break_interface(service, "dropping")
    waiting = asyncio.ensure_future(
        see_through(stage.backend, report.transaction_hash, look_again_seconds=0.2)
    )
    await asyncio.sleep(1.5)
    assert not waiting.done()
    stage.world.devnet.mend_interface(service)
    chain.mine()
    await waiting
    assert stage.journal.find(report.transaction_hash).status == "confirmed"


async def test_what_will_not_pass_is_not_waited_for(stage: OpenDistribution) -> None:
    chain = stage.world.devnet.chain
    chain.production = "by hand"
    report = await attest_it(stage)
    async with KupoClient(stage.world.devnet.control_url or "") as elsewhere:
        mistaken = replace(stage, backend=replace(stage.backend, kupo=elsewhere))
        with pytest.raises(OutcomeUnknown, match="status 404") as unknown:
            await see_through(mistaken.backend, report.transaction_hash)
    assert unknown.value.taken


async def test_a_forgotten_transaction_of_another_command_is_sent_again(
    stage: OpenDistribution,
) -> None:
    chain = stage.world.devnet.chain
    snapshot = chain.snapshot()
    attested = await attest_it(stage)
    chain.revert(snapshot)
    assert not (await stage.on_chain()).attestations
    report = await stage.release(0, wait=True)
    assert report.status == "confirmed"
    live = (await stage.on_chain()).attestations[b"milestone-001"]
    sent = {one.utxo.reference.transaction_id.hex() for one in live}
    assert attested.transaction_hash in sent


async def test_waiting_outlives_a_node_that_forgets(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001")
    chain = stage.world.devnet.chain
    chain.production = "by hand"
    snapshot = chain.snapshot()
    report = await stage.release(0)
    chain.revert(snapshot)
    assert len(chain.mempool) == 0
    waiting = asyncio.ensure_future(
        see_through(stage.backend, report.transactions[0].transaction_hash, look_again_seconds=0.2)
    )
    while not len(chain.mempool):
        await asyncio.sleep(0.05)
    assert not waiting.done()
    chain.mine()
    await waiting
    assert stage.journal.find(report.transactions[0].transaction_hash).status == "confirmed"


async def test_waiting_ends_when_another_transaction_was_faster(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001")
    chain = stage.world.devnet.chain
    snapshot = chain.snapshot()
    report = await stage.release(0)
    chain.revert(snapshot)
    await stage.elsewhere("other").release(3, key="stranger")
    with pytest.raises(ChainRejected) as displaced:
        await see_through(
            stage.backend, report.transactions[0].transaction_hash, look_again_seconds=0.2
        )
    assert displaced.value.inputs_spent
    assert stage.journal.find(report.transactions[0].transaction_hash).status == "rejected"


async def test_an_index_that_stands_still_is_warned_of(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001")
    stage.world.devnet.break_interface("kupo", "stale")
    stage.world.advance(300)
    report = await stage.release(0)
    assert "Kupo is" in report.warnings[0]
    assert "slots behind the node: what it says may be stale" in report.warnings[0]


@pytest.mark.parametrize("name", ["ogmios", "kupo"])
async def test_a_service_that_is_down_is_named(stage: OpenDistribution, name: str) -> None:
    stage.world.devnet.break_interface(name, "dropping")
    with pytest.raises(ServiceUnavailable) as down:
        await stage.release(0)
    assert down.value.service.lower() == name
    assert down.value.exit_code == 3
