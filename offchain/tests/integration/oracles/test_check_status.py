"""The status of a distribution: local first, the chain's word in the end, differences repaired and told."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import Any

import pytest

from milestones.domain.models import MilestoneCompletion
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidAddress, NotAllowedYet, NotFound, ServiceUnavailable
from milestones.keys.key_files import SigningKey
from milestones.protocol.distribution import Distribution
from milestones.protocol.oracle_signatures import witness_of
from milestones.services.calculate_distribution import calculate_distribution
from milestones.services.check_status import check_status
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from milestones.transactions.contract_drafts import open_draft
from tests.support.wallets import wallet_entry


def milestone_of(report: Any, identifier: str) -> Any:
    return next(m for m in report.milestones if m.milestone_identifier == identifier)


async def test_a_fresh_distribution(opened: OpenDistribution) -> None:
    report = await opened.status()
    assert [m.milestone_identifier for m in report.milestones] == [
        "milestone-001",
        "milestone-002",
        "milestone-003",
    ]
    first = milestone_of(report, "milestone-001")
    assert (first.verified, first.quorum_status, first.signature_count) == (False, "pending", 0)
    assert (first.quorum_threshold, first.total_oracles, first.vesting_passed) == (2, 3, True)
    assert (first.allocation_count, first.token_amount, first.source) == (2, 5_000, None)
    state = report.contract_state
    assert (state.total_token_amount, state.remaining_token_amount) == (15_000, 15_000)
    assert (state.claimed_count, state.unclaimed_count, state.closed) == (0, 5, False)
    assert [vault.remaining_token_amount for vault in report.vaults] == [15_000]
    assert (report.attestations, report.claims, report.discrepancies) == ((), (), ())
    assert report.sync.status == "synced"
    assert report.warnings == ()


async def test_the_json_has_the_quickstarts_shape(opened: OpenDistribution) -> None:
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    document = (await opened.status("milestone-001")).model_dump(mode="json")
    assert document["contract_address"] == opened.address.to_bech32()
    (milestone,) = document["milestones"]
    expected = {
        "milestone_identifier": "milestone-001",
        "verified": True,
        "quorum_status": "met",
        "signature_count": 2,
        "quorum_threshold": 2,
        "vesting_passed": True,
    }
    assert milestone.items() >= expected.items()
    state = {
        "total_token_amount": 15_000,
        "remaining_token_amount": 15_000,
        "claimed_count": 0,
        "unclaimed_count": 5,
    }
    assert document["contract_state"].items() >= state.items()
    json.dumps(document)


async def test_local_signatures_are_told_apart_from_the_chains_word(
    opened: OpenDistribution,
) -> None:
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    local = milestone_of(await opened.status(), "milestone-001")
    assert (local.verified, local.source, local.attested) == (True, "local", False)
    await opened.attest(wait=True)
    report = await opened.status()
    chain = milestone_of(report, "milestone-001")
    assert (chain.verified, chain.source, chain.attested) == (True, "chain", True)
    (attestation,) = report.attestations
    assert attestation.milestone_identifier == "milestone-001"
    assert set(attestation.signers) == {
        opened.world.keys[name].key_hash for name in ("oracle-0", "oracle-1")
    }


async def test_a_milestone_short_of_its_quorum_says_how_far(opened: OpenDistribution) -> None:
    await opened.commit(opened.entry("oracle-0"))
    milestone = milestone_of(await opened.status(), "milestone-001")
    assert (milestone.quorum_status, milestone.signature_count) == ("pending", 1)
    assert not milestone.verified


async def test_claims_are_read_from_the_chains_history(opened: OpenDistribution) -> None:
    await opened.attested("milestone-001", "milestone-002")
    await opened.release(0, 3, wait=True)
    await opened.release(1, wait=True)
    report = await opened.status()
    state = report.contract_state
    assert (state.claimed_count, state.unclaimed_count) == (3, 2)
    assert state.remaining_token_amount == 15_000 - 1_000 - 4_000 - 2_000
    assert [(c.beneficiary_index, c.token_amount) for c in report.claims] == [
        (0, 1_000),
        (3, 4_000),
        (1, 2_000),
    ]
    assert report.claims[0].transaction_hash == report.claims[1].transaction_hash
    assert report.claims[2].transaction_hash != report.claims[0].transaction_hash
    assert report.claims[2].beneficiary_address == opened.world.address("beneficiary-1")
    assert report.claims[2].milestone_identifier == "milestone-002"
    assert report.claims[0].claimed_at <= report.now
    assert milestone_of(report, "milestone-001").claimed_count == 2


async def test_everything_is_rebuilt_from_the_chain_alone(opened: OpenDistribution) -> None:
    await opened.attested("milestone-001")
    await opened.release(0, wait=True)
    before = await opened.status()
    shutil.rmtree(opened.world.data_directory)
    after = await opened.status()
    assert after.source == "chain"
    assert after.rebuilt_records == ("milestone-001",)
    assert after.discrepancies == ()
    same = ("milestones", "contract_state", "vaults", "attestations", "claims")
    for field in same:
        assert getattr(after, field) == getattr(before, field), field
    record = opened.backend.storage.records.find(opened.distribution.id, "milestone-001")
    assert (record.quorum_status, record.quorum_threshold, record.total_oracles) == ("met", 2, 3)
    assert record.verification_timestamp == opened.statement().verification_posix_ms // 1000
    assert {(entry.oracle, entry.signature) for entry in record.oracle_signatures} == {
        (entry.oracle, entry.signature)
        for entry in (opened.entry("oracle-0"), opened.entry("oracle-1"))
    }
    assert opened.backend.storage.schedules.load(opened.distribution.id) is not None
    again = await opened.status()
    assert (again.source, again.rebuilt_records) == ("local_and_chain", ())


async def test_a_wallets_signatures_are_rebuilt_too(opened: OpenDistribution) -> None:
    entries = (wallet_entry(opened, "oracle-0"), opened.entry("oracle-1"))
    await opened.commit(*entries)
    await opened.attest(wait=True)
    shutil.rmtree(opened.world.data_directory)
    await opened.status()
    record = opened.backend.storage.records.find(opened.distribution.id, "milestone-001")
    rebuilt = {entry.oracle: witness_of(entry) for entry in record.oracle_signatures}
    assert rebuilt == {entry.oracle: witness_of(entry) for entry in entries}


async def test_signatures_that_came_with_a_claim_are_rebuilt(opened: OpenDistribution) -> None:
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-2"))
    await opened.release(0, wait=True)
    shutil.rmtree(opened.world.data_directory)
    await opened.status()
    record = opened.backend.storage.records.find(opened.distribution.id, "milestone-001")
    assert len(record.oracle_signatures) == 2


async def test_a_corrupted_record_is_recovered_with_a_warning(opened: OpenDistribution) -> None:
    await opened.attested("milestone-001")
    file = opened.world.data_directory / "milestones" / "milestone-001.json"
    file.write_text("not JSON", encoding="utf-8")
    report = await opened.status()
    assert milestone_of(report, "milestone-001").attested
    assert report.rebuilt_records == ("milestone-001",)
    assert [w for w in report.warnings if "milestone-001.json can't be used" in w]
    MilestoneCompletion.model_validate_json(file.read_text(encoding="utf-8"))
    assert (await opened.status()).warnings == ()


def raised(document: Any) -> None:
    document["beneficiary_allocations"][3]["token_amount"] += 1


@pytest.mark.parametrize("tamper", [raised, dict.clear], ids=["another amount", "no schedule"])
async def test_a_schedule_that_is_not_true_is_replaced_and_told(
    opened: OpenDistribution, tamper: Any
) -> None:
    file = opened.world.data_directory / "schedules" / f"{opened.distribution.id.hex()}.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    tamper(document)
    file.write_text(json.dumps(document), encoding="utf-8")
    report = await opened.status()
    assert sum(each.token_amount or 0 for each in report.milestones) == 15_000
    (told,) = report.warnings
    assert told.startswith(f"{file} can't be used")
    assert "the schedule is read from the chain" in told
    aside = file.with_name(f"{file.name}.corrupt-1")
    assert json.loads(aside.read_text(encoding="utf-8")) == document
    assert (await opened.status()).warnings == ()


class TestAPrivateScheduleThatIsNotTrue:
    @pytest.fixture
    def deploy_options(self) -> dict[str, Any]:
        """Nothing is published."""
        return {"private": True}

    async def test_stays_where_it_is_and_is_told(self, opened: OpenDistribution) -> None:
        file = opened.world.data_directory / "schedules" / f"{opened.distribution.id.hex()}.json"
        document = json.loads(file.read_text(encoding="utf-8"))
        raised(document)
        file.write_text(json.dumps(document), encoding="utf-8")
        report = await opened.status()
        (told,) = report.warnings
        assert "the schedule in the data directory is not true" in told
        assert json.loads(file.read_text(encoding="utf-8")) == document


async def test_a_record_that_the_chain_contradicts_is_repaired_and_told(
    opened: OpenDistribution,
) -> None:
    records = opened.backend.storage.records
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    record = records.find(opened.distribution.id, "milestone-001")
    records.save(
        record.model_copy(
            update={"quorum_threshold": 1, "oracle_signatures": record.oracle_signatures[:1]}
        )
    )
    report = await opened.status()
    told = {d.subject: (d.local, d.chain, d.repaired) for d in report.discrepancies}
    name = "record of milestone 'milestone-001'"
    assert told[f"{name}: quorum_threshold"] == ("1", "2", True)
    assert told[f"{name}: quorum_status"] == ("met", "pending", True)
    assert records.find(opened.distribution.id, "milestone-001").quorum_status == "pending"
    assert milestone_of(report, "milestone-001").verified is False
    assert (await opened.status()).discrepancies == ()


async def test_an_attestation_by_others_overtakes_the_local_record(
    opened: OpenDistribution,
) -> None:
    await opened.attested("milestone-001")
    records = opened.backend.storage.records
    record = records.find(opened.distribution.id, "milestone-001")
    only = {"oracle_signatures": record.oracle_signatures[:1], "quorum_status": "pending"}
    records.save(record.model_copy(update=only))
    report = await opened.status()
    (difference,) = report.discrepancies
    assert (difference.local, difference.chain) == ("pending", "met")
    repaired = records.find(opened.distribution.id, "milestone-001")
    assert repaired.quorum_status == "met"
    assert len(repaired.oracle_signatures) == 1
    later = await opened.commit(opened.entry("oracle-2"))
    assert later.verified


async def test_a_rolled_back_attestation_is_taken_back(opened: OpenDistribution) -> None:
    chain = opened.world.devnet.chain
    before = chain.snapshot()
    await opened.attested("milestone-001")
    shutil.rmtree(opened.world.data_directory / "milestones")
    assert (await opened.status()).rebuilt_records == ("milestone-001",)
    chain.revert(before)
    report = await opened.status()
    milestone = milestone_of(report, "milestone-001")
    assert (milestone.attested, milestone.source) == (False, "local")
    told = {d.subject: (d.local, d.chain) for d in report.discrepancies}
    assert told == {"cache: attested": ("milestone-001", "none")}
    again = await opened.attest(wait=True)
    assert again.status == "confirmed"


async def test_a_record_without_signatures_is_pending_after_a_rollback(
    opened: OpenDistribution,
) -> None:
    chain = opened.world.devnet.chain
    before = chain.snapshot()
    await opened.attested("milestone-001")
    records = opened.backend.storage.records
    record = records.find(opened.distribution.id, "milestone-001")
    records.save(record.model_copy(update={"oracle_signatures": ()}))
    assert (await opened.status()).discrepancies == ()
    chain.revert(before)
    report = await opened.status()
    milestone = milestone_of(report, "milestone-001")
    assert (milestone.verified, milestone.quorum_status) == (False, "pending")
    told = {d.subject: (d.local, d.chain) for d in report.discrepancies}
    assert told["record of milestone 'milestone-001': quorum_status"] == ("met", "pending")


async def test_a_cache_behind_the_chain_is_told_and_renewed(opened: OpenDistribution) -> None:
    await opened.attested("milestone-001")
    await opened.status()
    await opened.release(0, wait=True)
    report = await opened.status()
    told = {d.subject: (d.local, d.chain) for d in report.discrepancies}
    assert told == {
        "cache: claimed_count": ("0", "1"),
        "cache: remaining_token_amount": ("15000", "14000"),
    }
    assert (await opened.status()).discrepancies == ()
    cached = list((opened.world.data_directory / "cache").glob("contract_*.json"))
    assert len(cached) == 1


async def test_a_milestone_alone(opened: OpenDistribution) -> None:
    report = await opened.status("milestone-002")
    assert [m.milestone_identifier for m in report.milestones] == ["milestone-002"]
    with pytest.raises(NotFound, match="waits for milestone 'milestone-009'") as refused:
        await opened.status("milestone-009")
    assert "milestone-003" in refused.value.hint


async def test_nothing_deployed_and_no_distribution_at_all(world: World) -> None:
    distribution = Distribution.from_schedule(parse_schedule(world.schedule()), world.contract)
    async with world.backend() as backend:
        with pytest.raises(NotFound, match="has not been deployed"):
            await check_status(backend, contract_address=distribution.address)
        with pytest.raises(InvalidAddress, match="not an address of this contract"):
            await check_status(backend, contract_address=world.address("stranger"))


async def test_a_service_that_is_down_is_named(opened: OpenDistribution) -> None:
    opened.world.devnet.break_interface("kupo", "dropping")
    with pytest.raises(ServiceUnavailable, match="Kupo"):
        await opened.status()


async def test_a_stale_index_is_a_warning(opened: OpenDistribution) -> None:
    opened.world.devnet.break_interface("kupo", "stale")
    opened.world.advance(3_600)
    report = await opened.status()
    assert report.sync.status != "synced"
    assert [w for w in report.warnings if "stale" in w]


async def test_vesting_follows_the_chains_time(opened: OpenDistribution) -> None:
    assert (await opened.status()).now == opened.world.now


class TestVesting:
    """One of milestone-001's two allocations vests later."""

    @pytest.fixture
    def schedule_changes(self, world: World) -> dict[str, Any]:
        allocations = world.allocations()
        allocations[3]["vesting_timestamp"] = world.now + 5_000
        return {"beneficiary_allocations": allocations}

    async def test_a_milestone_is_vested_with_its_last_allocation(
        self, opened: OpenDistribution
    ) -> None:
        early = milestone_of(await opened.status(), "milestone-001")
        assert (early.vesting_passed, early.vested_count) == (False, 1)
        opened.world.advance(6_000)
        late = milestone_of(await opened.status(), "milestone-001")
        assert (late.vesting_passed, late.vested_count) == (True, 2)


class TestPrivate:
    """Nothing is published."""

    @pytest.fixture
    def deploy_options(self) -> dict[str, Any]:
        return {"private": True}

    async def test_with_the_schedule_here_nothing_is_missing(
        self, opened: OpenDistribution
    ) -> None:
        assert (await opened.status()).contract_state.unclaimed_count == 5

    async def test_without_it_there_is_a_status_without_allocations(
        self, opened: OpenDistribution
    ) -> None:
        await opened.attested("milestone-001")
        await opened.release(0, wait=True)
        shutil.rmtree(opened.world.data_directory)
        report = await opened.status()
        assert report.contract_state.claimed_count == 1
        assert report.contract_state.unclaimed_count is None
        (milestone,) = report.milestones
        assert (milestone.verified, milestone.vesting_passed) == (True, None)
        (claim,) = report.claims
        assert (claim.beneficiary_index, claim.beneficiary_address) == (0, None)
        assert [w for w in report.warnings if "allocations are not shown" in w]
        (unknown,) = (await opened.status("milestone-002")).milestones
        assert (unknown.verified, unknown.allocation_count) == (False, None)


async def test_a_closed_distribution_keeps_its_history(opened: OpenDistribution) -> None:
    await opened.attested("milestone-001")
    await opened.status()
    await opened.release(0, wait=True)
    opened.world.advance(31_536_001)
    await close_it(opened, opened.world.keys["creator"])
    report = await opened.status()
    state = report.contract_state
    assert (state.closed, state.claimed_count, state.unclaimed_count) == (True, 1, 4)
    assert state.remaining_token_amount == 0
    assert [claim.beneficiary_index for claim in report.claims] == [0]
    assert report.vaults == ()
    first = milestone_of(report, "milestone-001")
    assert (first.attested, first.claimed_count) == (True, 1)
    assert {d.subject for d in report.discrepancies} == {
        "cache: claimed_count",
        "cache: closed",
        "cache: remaining_token_amount",
    }
    result = await calculate_distribution(
        opened.backend,
        contract_address=opened.address,
        beneficiary_address=opened.world.address("beneficiary-1"),
    )
    assert (result.claimable_amount, result.later_amount, result.claimed_amount) == (0, 0, 0)
    assert result.allocations[0].reason == "the distribution was closed"
    with pytest.raises(NotAllowedYet, match="was closed"):
        await opened.attest("milestone-002")


async def close_it(opened: OpenDistribution, key: SigningKey) -> None:
    from milestones.services.close import close

    await close(opened.backend, contract_address=opened.address, key=key, wait=True)


async def test_questions_at_the_same_time_answer_alike(opened: OpenDistribution) -> None:
    await opened.attested("milestone-001")
    shutil.rmtree(opened.world.data_directory)
    reports = await asyncio.gather(*(opened.status() for _ in range(8)))
    assert (
        len({report.model_dump_json(include={"milestones", "vaults"}) for report in reports}) == 1
    )


async def test_terms_that_were_opened_twice_are_told(opened: OpenDistribution) -> None:
    """The program refuses to; somebody else's program may not."""
    backend = opened.backend
    draft = open_draft(opened.distribution, scripts=await require_published(backend))
    sending = SendDraft(name="test", draft=draft)
    await perform(backend, sending, key=opened.world.keys["creator"], wait=True)
    await opened.attested("milestone-001")
    await opened.release(0, wait=True)
    report = await opened.status()
    assert [w for w in report.warnings if "opened more than once" in w]
    assert [vault.remaining_token_amount for vault in report.vaults] in (
        [15_000, 14_000],
        [14_000, 15_000],
    )
    assert (report.contract_state.claimed_count, len(report.claims)) == (0, 1)
