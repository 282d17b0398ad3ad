"""Notices, proposals, boards and allowances of an open distribution, as everybody sees them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from milestones.cardano.address import StakeAddress
from milestones.cardano.slots import SlotClock
from milestones.protocol.datums import Attestation, Board, Notice, Proposal
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import RotationStatement
from milestones.services.backend import chain_time
from milestones.services.calculate_distribution import calculate_distribution
from milestones.services.check_status import check_status
from milestones.services.distribution.on_chain import OnChain
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.services.verify import verify
from milestones.testing.distribution import OpenDistribution, open_distribution
from milestones.testing.world import World
from milestones.transactions.board_drafts import (
    Referenced,
    notify_draft,
    propose_draft,
    rotate_draft,
)
from milestones.transactions.contract_drafts import waive_draft
from milestones.transactions.draft import TransactionDraft

DAY = 86_400
LATER_MS = 3 * 3_600_000
"""After the end of every transaction that is built now."""


async def send(opened: OpenDistribution, draft: TransactionDraft, key: str = "creator") -> None:
    sending = SendDraft(name="test", draft=draft)
    await perform(opened.backend, sending, key=opened.world.keys[key], wait=True)


async def referenced(opened: OpenDistribution, on_chain: OnChain) -> Referenced:
    scripts = await require_published(opened.backend)
    return Referenced(terms=on_chain.terms_utxos[0], scripts=scripts)


async def give_notice(opened: OpenDistribution) -> int:
    """The creator gives notice; when that takes effect, in POSIX seconds."""
    on_chain = await opened.on_chain()
    said_at = opened.world.now * 1000 + LATER_MS
    notice = Notice(opened.world.contract.policy_id, on_chain.distribution_id, said_at, b"e" * 32)
    there = await referenced(opened, on_chain)
    await send(opened, notify_draft(notice, on_chain.terms, there, sitting=on_chain.sitting))
    return (said_at + on_chain.terms.grace_ms) // 1000


async def propose(opened: OpenDistribution, milestone: str) -> int:
    """A stranger proposes; when it is due, in POSIX seconds."""
    on_chain = await opened.on_chain()
    said_at = opened.world.now * 1000 + LATER_MS
    proposal = Proposal(
        opened.world.contract.policy_id,
        on_chain.distribution_id,
        milestone.encode(),
        b"e" * 32,
        said_at,
        said_at + on_chain.terms.review_ms,
        opened.world.address("stranger").to_data(),
    )
    draft = propose_draft(
        proposal,
        await referenced(opened, on_chain),
        bond_lovelace=on_chain.terms.bond_lovelace,
        valid_until_slot=(await chain_time(opened.backend)).slot + 3_600,
    )
    await send(opened, draft, "stranger")
    return proposal.due_at_posix_ms // 1000


async def audit(opened: OpenDistribution) -> Any:
    return await verify(opened.backend, contract_address=opened.distribution.name)


def in_use(verified: Any) -> dict[str, str]:
    return {power.name: power.in_use for power in verified.powers}


def check(verified: Any, name: str) -> Any:
    return next(each for each in verified.checks if each.name == name)


async def amounts(opened: OpenDistribution) -> Any:
    return await calculate_distribution(
        opened.backend,
        contract_address=opened.distribution.name,
        beneficiary_address=opened.world.address("beneficiary-0"),
    )


async def test_plain_terms_say_that_nothing_is_used(world: World) -> None:
    async with open_distribution(world) as opened:
        verified = await audit(opened)
        status = await opened.status()
        calculated = await amounts(opened)
    reclaim_after = opened.distribution.terms.reclaim_after_posix_ms
    assert reclaim_after is not None
    assert in_use(verified)["attest"] == "0 milestones are attested"
    (what,) = verified.to_do
    assert what.by == reclaim_after // 1000 == calculated.claim_until
    assert (status.board, status.proposals, status.notices) == (None, (), ())
    assert status.contract_state.staking is None
    assert status.contract_state.claims_repaid is None
    assert calculated.warnings == ()


async def test_a_notice_says_until_when_to_claim(world: World) -> None:
    async with open_distribution(world, world.schedule(cancel_by=["creator"])) as opened:
        before = await audit(opened)
        ends_at = await give_notice(opened)
        during, status, calculated = (
            await audit(opened),
            await opened.status(),
            await amounts(opened),
        )
        opened.reach(ends_at)
        after, late = await audit(opened), await amounts(opened)

    assert in_use(before)["cancel"] == "no notice was given"
    assert before.to_do[-1].when == "every 7 days"
    assert during.verdict == "sound"
    assert check(during, "notice").outcome == "warning"
    assert check(during, "notice").detail in during.warnings
    assert "the creator gave notice" in in_use(during)["cancel"]
    assert "can't be withdrawn" in in_use(during)["cancel"]
    assert during.to_do[0].by == ends_at == calculated.claim_until
    (notice,) = status.notices
    assert (notice.given_by, notice.ends_at) == ("creator", ends_at)
    assert "claim before" in status.warnings[0]
    assert "claim before" in calculated.warnings[0]
    assert "its grace is over" in check(after, "notice").detail
    assert after.to_do[0].when == "now"
    assert "at any moment" in late.warnings[0]


async def test_a_proposal_is_shown_with_when_it_is_due(world: World) -> None:
    document = world.schedule(objectors=1, review_bond_lovelace=5_000_000)
    async with open_distribution(world, document) as opened:
        before = await audit(opened)
        due_at = await propose(opened, "milestone-002")
        during, status = await audit(opened), await opened.status()
        opened.reach(due_at)
        due, due_status = await audit(opened), await opened.status()
        opened.reach(due_at + DAY + LATER_MS // 1000)
        forgotten = await opened.status()

    assert in_use(before)["propose"] == "nothing is proposed"
    assert "'milestone-002', due" in in_use(during)["propose"]
    assert "oracles can object until" in check(during, "proposal").detail
    assert "due since" in check(due, "proposal").detail
    (proposal,) = status.proposals
    assert (proposal.state, proposal.due_at) == ("under_review", due_at)
    assert proposal.bond_lovelace == 5_000_000
    assert proposal.return_address == world.address("stranger")
    assert during.to_do[0].by == due_at
    assert "have the proposal confirmed" in due.to_do[0].what
    assert [due_status.proposals[0].state, forgotten.proposals[0].state] == ["due", "forgotten"]


async def test_oracles_that_were_replaced_count_no_more(world: World) -> None:
    await world.publish()
    async with world.backend() as backend:
        matches = await backend.kupo.matches(world.address("creator").to_bech32(), unspent=True)
        rotatable = str(matches[0].reference)
    async with open_distribution(world, world.schedule(rotatable=rotatable)) as opened:
        first, first_status = await audit(opened), await opened.status()
        await rotate(opened)
        second, second_status = await audit(opened), await opened.status()

    assert in_use(first)["rotate"] == "never replaced: 2 of 3 oracles count"
    assert in_use(second)["rotate"] == "replaced 1 time: now 1 of 1 oracles count"
    assert check(second, "board").outcome == "passed"
    assert second.verdict == "sound"
    assert first_status.board.sequence == 0
    assert second_status.board.oracles == (world.keys["stranger"].key_hash,)
    assert second_status.contract_state.quorum_threshold == 1


async def rotate(opened: OpenDistribution) -> None:
    """A quorum of the oracles makes the stranger the only one."""
    on_chain, world = await opened.on_chain(), opened.world
    live = on_chain.board
    following = replace(
        live.board, oracles=(world.keys["stranger"].key_hash,), quorum_threshold=1, sequence=1
    )
    witnesses = [
        OracleWitness(key.verification_key, key.sign(rotation(following)))
        for key in (world.keys["oracle-0"], world.keys["oracle-1"])
    ]
    scripts = await require_published(opened.backend)
    draft = rotate_draft(live.board, live.utxo, following, witnesses=witnesses, scripts=scripts)
    await send(opened, draft, "relayer")


def rotation(following: Board) -> bytes:
    return RotationStatement(
        following.registry,
        following.distribution_id,
        following.sequence,
        following.oracles,
        following.quorum_threshold,
    ).signed_data


async def test_a_waived_milestone_was_signed_by_no_oracle(world: World) -> None:
    waiver_after = world.now + DAY
    document = world.schedule(waiver_after=waiver_after)
    async with open_distribution(world, document) as opened:
        before = await audit(opened)
        opened.reach(waiver_after)
        await waive(opened, "milestone-001", waiver_after)
        verified, status = await audit(opened), await opened.status()

    assert in_use(before)["waive"] == "not possible yet"
    assert in_use(verified)["waive"] == "possible now"
    assert verified.verdict == "sound"
    assert "milestone-001 (no oracle signed)" in check(verified, "attestations").detail
    assert status.attestations[0].signers == ()


async def waive(opened: OpenDistribution, milestone: str, after: int) -> None:
    on_chain = await opened.on_chain()
    there = await referenced(opened, on_chain)
    attestation = Attestation(
        on_chain.distribution_id, milestone.encode(), b"e" * 32, after * 1000, ()
    )
    slot = (await clock(opened)).first_slot_from(after * 1000)
    draft = waive_draft(
        attestation,
        on_chain.terms,
        terms_utxo=there.terms,
        scripts=there.scripts,
        valid_from_slot=slot,
    )
    await send(opened, draft)


async def clock(opened: OpenDistribution) -> SlotClock:
    return (await chain_time(opened.backend)).clock


async def test_how_far_an_allowance_lasts(world: World) -> None:
    for changes in ({}, world.in_lovelace()):
        document = world.schedule(**changes, allowance_lovelace=1_500_000)
        document["contract_metadata"]["description"] = str(len(changes))
        async with open_distribution(world, document) as opened:
            fresh, fresh_status = await audit(opened), await opened.status()
            await opened.attested("milestone-001")
            paid = await opened.release(0, key="relayer", wait=True)
            later = await audit(opened)
        assert in_use(fresh)["allowance"] == "lasts for 5 of 5 more claims"
        repaid = fresh_status.contract_state.claims_repaid
        assert repaid is not None
        assert repaid >= 5
        assert in_use(later)["allowance"] == "lasts for 4 of 4 more claims"
        assert later.verdict == "sound"
        assert paid.allowance_lovelace == 1_500_000
        assert (paid.deposits_lovelace > 0) == bool(not changes)
        assert paid.warnings == ()


async def test_whoever_pays_out_of_their_own_pocket_is_warned(world: World) -> None:
    document = world.schedule(allowance_lovelace=500_000)
    async with open_distribution(world, document) as opened:
        await opened.attested("milestone-001")
        before = (await opened.wealth_of("relayer")).lovelace
        paid = await opened.release(everything=True, key="relayer", wait=True)
        after = (await opened.wealth_of("relayer")).lovelace
    assert paid.allowance_lovelace == 2 * 500_000
    cost = paid.fee_estimate + paid.deposits_lovelace - paid.allowance_lovelace
    assert before - after == cost
    assert any(f"paying out costs {cost} lovelace" in warning for warning in paid.warnings)


async def test_a_stakes_holder_is_shown(world: World) -> None:
    stake = StakeAddress(0, world.address("creator").payment)
    async with open_distribution(world, world.schedule(staking=stake.to_bech32())) as opened:
        name = opened.distribution.name
        verified = await audit(opened)
        status = await check_status(opened.backend, contract_address=name)
        again = await check_status(opened.backend, contract_address=name)
    assert verified.verdict == "sound"
    assert verified.datum.staking.hash == stake.credential.hash
    assert "stake" in in_use(verified)
    assert status.contract_state.staking.hash == stake.credential.hash
    assert status.contract_name == str(name) != status.contract_address.to_bech32()
    assert again.source == "local_and_chain"
    assert again.discrepancies == ()


async def test_two_distributions_at_one_address_are_cached_apart(world: World) -> None:
    stake = StakeAddress(0, world.address("creator").payment).to_bech32()
    created = [world.now, world.now + 1]
    names = []
    for moment in created:
        metadata = {"network_magic": world.magic, "created_at": moment}
        distribution = await world.open(world.schedule(staking=stake, contract_metadata=metadata))
        names.append(distribution.name)
    async with world.backend() as backend:
        for name in (*names, *names):
            status = await check_status(backend, contract_address=name)
            assert status.distribution_id == name.distribution_id
            assert status.discrepancies == ()
    assert status.source == "local_and_chain"
    assert names[0].address == names[1].address
