"""Who pays for a release: what is missing is told before anything is sent, with the fee."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from milestones.cardano.parameters import ExecutionUnits
from milestones.errors import (
    InsufficientCollateral,
    InsufficientFunds,
    LimitsExceeded,
    NotFound,
)
from milestones.protocol.claim_file import make_claim_file, parse_claim_file
from milestones.services.distribution.schedule_source import known_distribution
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World


async def test_an_empty_wallet_learns_the_fee(stage: OpenDistribution) -> None:
    await stage.attested("milestone-002")
    with pytest.raises(InsufficientFunds) as refused:
        await stage.release(1, key="beneficiary-1")
    error = refused.value
    assert error.exit_code == 6
    fee, deposits = error.details["fee_lovelace"], error.details["deposits_lovelace"]
    assert 200_000 < fee < 260_000
    assert f"the fee is {fee} lovelace" in error.message
    assert error.available_lovelace == 0
    assert error.required_lovelace >= fee + deposits
    assert stage.world.address("beneficiary-1").to_bech32() in error.hint
    assert stage.journal.pending(command="submit-release") == []


async def test_what_was_said_to_be_needed_is_enough_and_hardly_more_than_that(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-002")
    with pytest.raises(InsufficientFunds) as refused:
        await stage.release(1, key="beneficiary-1")
    needed = refused.value.required_lovelace
    before = stage.world.devnet.chain.snapshot()
    stage.world.pay(stage.world.address("beneficiary-1"), needed - 10_000)
    with pytest.raises(InsufficientFunds):
        await stage.release(1, key="beneficiary-1")
    stage.world.devnet.chain.revert(before)
    stage.world.pay(stage.world.address("beneficiary-1"), needed)
    report = await stage.release(1, key="beneficiary-1", wait=True)
    assert report.status == "confirmed"


async def test_of_several_transactions_as_many_are_sent_as_the_wallet_can_pay(
    stage: OpenDistribution,
) -> None:
    await stage.signed("milestone-001", "milestone-002", "milestone-003")
    stage.world.pay(stage.world.address("beneficiary-1"), 10_000_000)
    first = await stage.release(everything=True, key="beneficiary-1", wait=True)
    assert first.status == "confirmed"
    assert 0 < len(first.paid) < 5
    assert {each.code for each in first.left_out} == {"insufficient_funds"}
    assert len(first.paid) + sum(each.allocation_count for each in first.left_out) == 5
    (told,) = [each for each in first.warnings if each.startswith("not paid")]
    assert "the wallet has" in told
    # The same command goes on once there is more.
    stage.world.pay(stage.world.address("beneficiary-1"), 20_000_000)
    second = await stage.release(everything=True, key="beneficiary-1", wait=True)
    assert (second.left_out, second.claimed_before) == ((), len(first.paid))
    assert (await stage.on_chain()).remaining == 0


async def test_where_not_even_one_can_be_paid_the_sum_of_all_is_told(
    stage: OpenDistribution,
) -> None:
    await stage.signed("milestone-001", "milestone-002", "milestone-003")
    plan = await stage.release(everything=True, dry_run=True)
    stage.world.pay(stage.world.address("beneficiary-1"), 2_000_000)
    with pytest.raises(InsufficientFunds) as refused:
        await stage.release(everything=True, key="beneficiary-1")
    assert refused.value.available_lovelace == 2_000_000
    assert abs(refused.value.details["fee_lovelace"] - plan.fee_estimate) < 20_000
    assert refused.value.details["deposits_lovelace"] == plan.deposits_lovelace
    assert stage.journal.pending(command="submit-release") == []


class TestLovelace:
    """ADA goes out: the payer adds nothing but the fee."""

    @pytest.fixture
    def schedule_changes(self, world: World) -> dict[str, Any]:
        """The five allocations, each times 10,000, in lovelace."""
        return world.in_lovelace()

    async def test_too_little_collateral_is_named(self, stage: OpenDistribution) -> None:
        await stage.attested("milestone-002")
        # Enough for the fee and the change, but a collateral with tokens needs change of its own.
        stage.world.pay(stage.world.address("beneficiary-1"), 1_300_000, tokens=5)
        with pytest.raises(InsufficientCollateral, match="collateral") as refused:
            await stage.release(1, key="beneficiary-1")
        assert refused.value.exit_code == 6
        assert refused.value.code == "insufficient_collateral"
        assert refused.value.details["required_lovelace"] > 1_300_000
        assert stage.journal.pending(command="submit-release") == []

    async def test_exactly_the_amount_is_paid(self, stage: OpenDistribution) -> None:
        await stage.attested("milestone-002")
        before = (await stage.wealth_of("relayer")).lovelace
        report = await stage.release(milestone="milestone-002", wait=True)
        assert (await stage.wealth_of("beneficiary-1")).lovelace == 20_000_000
        assert (await stage.wealth_of("beneficiary-4")).lovelace == 50_000_000
        assert report.deposits_lovelace == 0
        assert before - (await stage.wealth_of("relayer")).lovelace == report.fee_estimate


async def test_what_a_script_may_use_is_named_when_it_is_too_much(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001")
    chain = stage.world.devnet.chain
    chain.parameters = replace(
        chain.parameters, max_transaction_units=ExecutionUnits(50_000, 30_000_000)
    )
    with pytest.raises(
        LimitsExceeded, match=r"the execution of spend \d is more than the 50000 un"
    ):
        await stage.release(0)
    assert stage.journal.pending(command="submit-release") == []


class TestPrivate:
    @pytest.fixture
    def deploy_options(self) -> dict[str, Any]:
        """Nothing is published."""
        return {"private": True}

    async def test_a_stranger_to_the_schedule_needs_a_claim_file(
        self, stage: OpenDistribution
    ) -> None:
        await stage.attested("milestone-001")
        beneficiary = stage.elsewhere("beneficiary")
        with pytest.raises(NotFound, match="no schedule of this distribution is announced"):
            await beneficiary.release(0, key="beneficiary-0")
        document = make_claim_file(stage.distribution, [0, 3]).model_dump(mode="json")
        claims = parse_claim_file(document)
        with pytest.raises(NotFound, match="allocation 1 is not known"):
            await beneficiary.release(1, key="beneficiary-0", claim_file=claims)
        report = await beneficiary.release(0, 3, key="beneficiary-0", claim_file=claims, wait=True)
        assert report.paid_token_amount == 5_000
        assert await stage.tokens_of("beneficiary-3") == 4_000


async def test_a_beneficiary_with_nothing_but_the_address_and_a_key_can_claim(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001")
    beneficiary = stage.elsewhere("beneficiary")
    report = await beneficiary.release(
        beneficiary=stage.world.address("beneficiary-0"), key="beneficiary-0", wait=True
    )
    assert report.paid_token_amount == 1_000
    found = await known_distribution(beneficiary.backend, await stage.on_chain())
    assert found.allocations == stage.distribution.allocations
