"""Paying allocations: what is paid, to whom, and each rule that forbids it, before anything is signed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from milestones.cardano.address import key_credential
from milestones.errors import (
    ChainRejected,
    InvalidAddress,
    InvalidInput,
    NotAllowedYet,
    NotFound,
)
from milestones.services.paying.plan import Selection
from milestones.services.submit_release import submit_release
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World


async def test_one_allocation_is_paid_exactly(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001")
    report = await stage.release(0, wait=True)
    assert report.status == "confirmed"
    assert await stage.tokens_of("beneficiary-0") == 1_000
    (vault,) = (await stage.on_chain()).vaults
    assert vault.state.claimed_leaves() == {0}
    assert vault.state.remaining == 14_000
    assert vault.utxo.reference.transaction_id.hex() == report.transaction_hash


async def test_the_report_has_the_quickstarts_fields_and_the_whole_cost(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001")
    before = (await stage.wealth_of("relayer")).lovelace
    report = (await stage.release(0, wait=True)).model_dump(mode="json")
    paid = before - (await stage.wealth_of("relayer")).lovelace
    assert report["fee_estimate"] + report["deposits_lovelace"] == paid
    assert 200_000 < report["fee_estimate"] < 260_000
    assert report["collateral_amount"] >= report["fee_estimate"] * 3 // 2
    assert report["attested"] is False
    assert report["paid_token_amount"] == 1_000
    (entry,) = report["paid"]
    assert entry["beneficiary_address"] == stage.world.address("beneficiary-0").to_bech32()
    assert entry["transaction_hash"] == report["transaction_hash"]


@pytest.mark.parametrize(
    ("kind", "path", "named"),
    [
        ({"beneficiary": "beneficiary-1"}, "beneficiary_address", "beneficiary-1"),
        ({"milestone": "milestone-002"}, "milestone_identifier", "milestone-002"),
    ],
)
async def test_an_index_must_be_of_the_kind_that_the_other_flags_say(
    stage: OpenDistribution, kind: dict[str, Any], path: str, named: str
) -> None:
    await stage.attested("milestone-001", "milestone-002")
    if "beneficiary" in kind:
        kind = {"beneficiary": stage.world.address(named)}
        named, real = str(kind["beneficiary"]), str(stage.world.address("beneficiary-0"))
    else:
        real = "milestone-001"
    with pytest.raises(InvalidInput) as refused:
        await stage.release(0, **kind)
    assert refused.value.path == path
    assert named in refused.value.message
    assert real in refused.value.message
    assert stage.journal.pending(command="submit-release") == []
    confirmed: dict[str, Any] = {
        "beneficiary": stage.world.address("beneficiary-0"),
        "milestone": "milestone-001",
    }
    assert (await stage.release(0, **confirmed)).paid_token_amount == 1_000


@pytest.mark.parametrize("index", [-1, 5, 8])
async def test_an_allocation_that_there_is_not(stage: OpenDistribution, index: int) -> None:
    with pytest.raises(NotFound, match=f"allocation {index} is not known"):
        await stage.release(index)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "beneficiary_index"),
        ({"everything": True, "milestone": "milestone-001"}, "all"),
    ],
)
async def test_what_to_pay_must_be_said_once(
    stage: OpenDistribution, options: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await stage.release(**options)
    assert refused.value.path == path


async def test_a_kind_that_there_is_not(stage: OpenDistribution) -> None:
    with pytest.raises(NotFound, match="has no allocation in this distribution"):
        await stage.release(beneficiary=stage.world.address("stranger"))
    with pytest.raises(NotFound, match="waits for milestone 'milestone-009'") as refused:
        await stage.release(milestone="milestone-009")
    assert "milestone-003" in refused.value.hint
    with pytest.raises(NotFound, match="as asked for"):
        await stage.release(
            beneficiary=stage.world.address("beneficiary-0"), milestone="milestone-002"
        )


async def test_another_address_of_the_same_key_is_answered_with_the_schedules_address(
    stage: OpenDistribution,
) -> None:
    plain = stage.world.address("beneficiary-0")
    with pytest.raises(NotFound) as refused:
        await stage.release(beneficiary=replace(plain, staking=key_credential(bytes(28))))
    assert plain.to_bech32() in refused.value.hint


@pytest.mark.parametrize("indices", [(), (0,)])
async def test_a_beneficiarys_address_of_another_network_is_named_as_such(
    stage: OpenDistribution, indices: tuple[int, ...]
) -> None:
    elsewhere = replace(stage.world.address("beneficiary-0"), network_id=1)
    with pytest.raises(InvalidAddress, match="an address of mainnet") as refused:
        await stage.release(*indices, beneficiary=elsewhere)
    assert refused.value.path == "beneficiary_address"


@pytest.mark.parametrize("signatures", [0, 1])
async def test_without_a_quorum_it_says_how_many_signatures_there_are(
    stage: OpenDistribution, signatures: int
) -> None:
    if signatures:
        await stage.signed("milestone-001", by=signatures)
    with pytest.raises(NotAllowedYet, match=f"{signatures} of the 2 signatures") as refused:
        await stage.release(0)
    assert refused.value.rule == "quorum"
    assert refused.value.details["milestone_identifier"] == "milestone-001"
    assert stage.journal.pending(command="submit-release") == []


class TestVestedBeforeTheNetwork:
    @pytest.fixture
    def schedule_changes(self, world: World) -> dict[str, Any]:
        """Everything has vested in 2019, and the network began in this test."""
        return {"beneficiary_allocations": world.allocations(vesting=1_546_300_800)}

    async def test_slot_zero_is_a_bound_too(self, stage: OpenDistribution) -> None:
        """A script that asks for a lower bound must see one."""
        await stage.attested("milestone-001")
        assert (await stage.release(0, wait=True)).status == "confirmed"


class TestVesting:
    @pytest.fixture
    def schedule_changes(self, world: World) -> dict[str, Any]:
        """Everything vests in an hour."""
        return {"beneficiary_allocations": world.allocations(vesting=world.now + 3_600)}

    async def test_nothing_is_paid_before_its_time(self, stage: OpenDistribution) -> None:
        await stage.attested("milestone-001")
        vesting = stage.distribution.allocations[0].vesting_timestamp
        stage.world.advance(vesting - stage.world.now - 10)
        while stage.world.now < vesting - 1:
            stage.world.advance(1)
        assert stage.world.now < vesting
        with pytest.raises(NotAllowedYet, match="not vested yet: vesting until 20") as refused:
            await stage.release(0)
        assert refused.value.rule == "vesting"
        assert refused.value.details["vesting_timestamp"] == vesting
        stage.world.advance(1)
        assert stage.world.now >= vesting
        assert (await stage.release(0, wait=True)).status == "confirmed"


async def test_what_is_claimed_is_told_with_the_transaction_that_paid(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001")
    paid = await stage.release(0, wait=True)
    with pytest.raises(NotAllowedYet) as refused:
        await stage.release(0, key="stranger")
    assert refused.value.rule == "claimed"
    assert refused.value.details["transaction_hash"] == paid.transaction_hash
    assert paid.transactions[0].transaction_hash in refused.value.message
    assert await stage.tokens_of("beneficiary-0") == 1_000


async def test_of_several_one_that_may_not_be_paid_stops_all(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001")
    with pytest.raises(NotAllowedYet, match="allocation 1 waits for milestone 'milestone-002'"):
        await stage.release(0, 1, 3)
    assert (await stage.release(0, 3, wait=True)).paid_token_amount == 5_000


async def test_one_transaction_attests_and_pays(stage: OpenDistribution) -> None:
    await stage.signed("milestone-001")
    report = await stage.release(0, wait=True)
    assert report.attested
    assert [each.attested_milestone for each in report.transactions] == ["milestone-001"]
    on_chain = await stage.on_chain()
    (live,) = on_chain.attestations[b"milestone-001"]
    assert live.utxo.reference.transaction_id.hex() == report.transaction_hash
    later = await stage.release(3, wait=True)
    assert not later.attested
    assert await stage.tokens_of("beneficiary-3") == 4_000


async def test_a_forged_signature_is_named_and_nothing_is_sent(stage: OpenDistribution) -> None:
    await stage.signed("milestone-001", by=1, forged=1)
    with pytest.raises(ChainRejected) as refused:
        await stage.release(0)
    culprit = stage.world.address("oracle-1").to_bech32()
    assert refused.value.details["refused_oracles"] == [culprit]
    assert culprit in refused.value.message
    assert stage.journal.pending(command="submit-release") == []


async def test_a_good_signature_makes_up_for_a_forged_one(stage: OpenDistribution) -> None:
    # In the order of the hashes, one of the first two is forged, so that it is tried.
    names = sorted(range(3), key=lambda n: stage.world.keys[f"oracle-{n}"].key_hash)
    await stage.signed("milestone-001", by=2, forged=1)
    report = await stage.release(0, wait=True)
    assert report.attested
    told = stage.world.address("oracle-2").to_bech32() in "".join(report.warnings)
    assert told == (2 in names[:2])


async def test_a_relayer_pays_everybody_and_attests_what_is_signed(stage: OpenDistribution) -> None:
    await stage.signed("milestone-001", "milestone-002", "milestone-003")
    report = await stage.release(everything=True, wait=True)
    assert sorted(entry.beneficiary_index for entry in report.paid) == [0, 1, 2, 3, 4]
    # A transaction has room for one attestation.
    assert len(report.transactions) == 3
    for number in range(5):
        assert await stage.tokens_of(f"beneficiary-{number}") == 1_000 * (number + 1)
    assert await stage.tokens_of("relayer") == 0
    on_chain = await stage.on_chain()
    assert on_chain.attested() == {"milestone-001", "milestone-002", "milestone-003"}
    assert on_chain.remaining == 0


async def test_all_of_a_milestone_and_all_of_a_beneficiary(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001", "milestone-002")
    report = await stage.release(milestone="milestone-001", wait=True)
    assert [entry.beneficiary_index for entry in report.paid] == [0, 3]
    assert len(report.transactions) == 1
    report = await stage.release(beneficiary=stage.world.address("beneficiary-1"), wait=True)
    assert [entry.beneficiary_index for entry in report.paid] == [1]


async def test_of_a_kind_what_is_not_due_is_left_with_its_reason(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001")
    await stage.release(0, wait=True)
    report = await stage.release(everything=True, wait=True)
    assert [entry.beneficiary_index for entry in report.paid] == [3]
    waiting = {i: s.reason for s in report.skipped for i in s.beneficiary_indices}
    assert waiting == dict.fromkeys((1, 2, 4), "milestone not attested")
    assert sum(each.token_amount for each in report.skipped) == 2_000 + 3_000 + 5_000
    assert report.claimed_before == 1
    with pytest.raises(NotAllowedYet) as refused:
        await stage.release(everything=True)
    assert refused.value.rule == "quorum"


async def test_when_all_of_a_kind_is_paid_it_says_so(stage: OpenDistribution) -> None:
    await stage.attested("milestone-003")
    await stage.release(2, wait=True)
    report = await stage.release(milestone="milestone-003")
    assert (report.status, report.transaction_hash, report.paid) == ("all_paid", None, ())
    assert report.claimed_before == 1
    with pytest.raises(NotAllowedYet) as refused:
        await stage.release(2)
    assert refused.value.rule == "claimed"


async def test_a_dry_run_shows_all_and_leaves_no_trace(stage: OpenDistribution) -> None:
    await stage.signed("milestone-001", "milestone-002")
    before = await stage.wealth_of("relayer")
    report = await stage.release(everything=True, dry_run=True)
    assert report.status == "dry_run"
    assert {each.status for each in report.transactions} == {"dry_run"}
    assert len(report.transactions) == 2
    assert report.fee_estimate == sum(each.fee_lovelace for each in report.transactions)
    assert stage.journal.pending(command="submit-release") == []
    assert await stage.wealth_of("relayer") == before
    real = await stage.release(everything=True)
    assert (real.fee_estimate, real.paid_token_amount) == (
        report.fee_estimate,
        report.paid_token_amount,
    )


async def test_a_closed_distribution_pays_nothing(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001", "milestone-002", "milestone-003")
    await stage.release(everything=True, wait=True)
    await stage.close(wait=True)
    with pytest.raises(NotAllowedYet) as refused:
        await stage.release(0)
    assert refused.value.rule == "closed"


async def test_a_distribution_that_was_never_opened(stage: OpenDistribution) -> None:
    terms = replace(stage.distribution.terms, quorum_threshold=1)
    nowhere = terms.address(stage.world.contract.vault_hash)
    with pytest.raises(NotFound, match="no contract UTxO was found"):
        await submit_release(
            stage.backend,
            contract_address=nowhere,
            key=stage.world.keys["relayer"],
            selection=Selection(everything=True),
        )
