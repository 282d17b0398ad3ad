"""Several who claim at once, and claims that take more than one transaction."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from milestones.errors import NotAllowedYet
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World


async def test_two_who_claim_different_allocations_at_once_are_both_paid(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001")
    other = stage.elsewhere("other")
    first, second = await asyncio.gather(
        stage.release(0, key="relayer", wait=True),
        other.release(3, key="stranger", wait=True),
    )
    assert {first.status, second.status} == {"confirmed"}
    (vault,) = (await stage.on_chain()).vaults
    assert vault.state.claimed_leaves() == {0, 3}
    told = "".join((*first.warnings, *second.warnings))
    assert "built again on what is there" in told


async def test_two_who_claim_the_same_allocation_at_once_pay_it_once(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001")
    other = stage.elsewhere("other")
    outcomes = await asyncio.gather(
        stage.release(0, key="relayer", wait=True),
        other.release(0, key="stranger", wait=True),
        return_exceptions=True,
    )
    (refused,) = [each for each in outcomes if isinstance(each, NotAllowedYet)]
    (report,) = [each for each in outcomes if not isinstance(each, BaseException)]
    assert refused.rule == "claimed"
    assert refused.details["transaction_hash"] == report.transaction_hash
    assert await stage.tokens_of("beneficiary-0") == 1_000


class TestWithoutBlocks:
    """Blocks come only when the test says so: the mempool decides who was first."""

    async def test_who_comes_second_builds_on_what_waits(self, stage: OpenDistribution) -> None:
        await stage.attested("milestone-001")
        chain = stage.world.devnet.chain
        chain.production = "by hand"
        first = await stage.release(0)
        second = await stage.elsewhere("other").release(3, key="stranger")
        assert (first.status, second.status) == ("submitted", "submitted")
        assert len(chain.mempool) == 2
        chain.mine()
        assert await stage.tokens_of("beneficiary-0") == 1_000
        assert await stage.tokens_of("beneficiary-3") == 4_000

    async def test_what_is_paid_by_a_waiting_transaction_is_named(
        self, stage: OpenDistribution
    ) -> None:
        await stage.attested("milestone-001")
        stage.world.devnet.chain.production = "by hand"
        first = await stage.release(0)
        with pytest.raises(NotAllowedYet, match="waits for a block") as refused:
            await stage.elsewhere("other").release(0, key="stranger")
        assert refused.value.rule == "claimed"
        assert refused.value.details["transaction_hash"] == first.transaction_hash

    async def test_a_parent_that_the_mempool_drops_takes_its_child_along(
        self, stage: OpenDistribution
    ) -> None:
        """Whoever waits for the child builds it again on what is there."""
        await stage.attested("milestone-001")
        chain = stage.world.devnet.chain
        chain.production = "by hand"
        nothing = chain.snapshot()
        await stage.release(0)
        other = stage.elsewhere("other")
        child = await other.release(3, key="stranger")
        chain.revert(nothing)
        assert len(chain.mempool) == 0
        again = await other.release(3, key="stranger")
        assert again.transaction_hash != child.transaction_hash
        chain.mine()
        assert await stage.tokens_of("beneficiary-3") == 4_000
        assert await stage.tokens_of("beneficiary-0") == 0

    async def test_the_same_command_again_finds_its_transaction(
        self, stage: OpenDistribution
    ) -> None:
        await stage.attested("milestone-001")
        chain = stage.world.devnet.chain
        chain.production = "by hand"
        first = await stage.release(0)
        again = await stage.release(0)
        assert again.transaction_hash == first.transaction_hash
        assert [each.resumed for each in again.transactions] == [True]
        assert again.fee_estimate == first.fee_estimate
        assert len(chain.mempool) == 1
        chain.mine()
        third = await stage.release(0)
        assert (third.transaction_hash, third.status) == (first.transaction_hash, "confirmed")
        with pytest.raises(NotAllowedYet, match=first.transaction_hash):
            await stage.release(0)

    async def test_a_transaction_that_was_displaced_is_built_again(
        self, stage: OpenDistribution
    ) -> None:
        await stage.attested("milestone-001")
        chain = stage.world.devnet.chain
        before = chain.snapshot()
        first = await stage.release(0)
        # On another fork, somebody else's transaction took the vault.
        chain.revert(before)
        await stage.elsewhere("other").release(3, key="stranger")
        again = await stage.release(0, wait=True)
        assert again.transaction_hash != first.transaction_hash
        assert again.status == "confirmed"
        assert await stage.tokens_of("beneficiary-0") == 1_000


class TestPages:
    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        """Two allocations a page."""
        return {"page_depth": 1}

    async def test_each_page_takes_a_transaction_and_they_hang_together(
        self, stage: OpenDistribution
    ) -> None:
        await stage.signed("milestone-001", "milestone-002", "milestone-003")
        report = await stage.release(everything=True, wait=True)
        assert report.paid_token_amount == 15_000
        pages = [{index >> 1 for index in each.beneficiary_indices} for each in report.transactions]
        assert all(len(page) == 1 for page in pages)
        # Page 0 has milestones 001 and 002, page 1 has 003 and 001, page 2 has 002.
        assert [each.attested_milestone for each in report.transactions] == [
            "milestone-001",
            "milestone-002",
            "milestone-003",
            None,
        ]
        assert (await stage.on_chain()).remaining == 0

    async def test_pages_can_be_claimed_side_by_side(self, stage: OpenDistribution) -> None:
        await stage.attested("milestone-001")
        report, other = await asyncio.gather(
            stage.release(0, wait=True), stage.elsewhere("other").release(3, key="stranger")
        )
        assert (report.warnings, other.warnings) == ((), ())


class TestManyOnOnePage:
    COUNT = 250

    @pytest.fixture
    def schedule_changes(self, world: World) -> dict[str, Any]:
        """More allocations of one page than a transaction can pay."""
        entry = world.allocations()[1]
        return {"beneficiary_allocations": [entry] * self.COUNT, "page_depth": 8}

    async def test_as_many_go_into_one_transaction_as_a_fifth_of_a_block_takes(
        self, stage: OpenDistribution
    ) -> None:
        await stage.attested("milestone-002")
        report = await stage.release(milestone="milestone-002", wait=True)
        first, second = report.transactions
        assert len(first.beneficiary_indices) + len(second.beneficiary_indices) == self.COUNT
        assert len(first.beneficiary_indices) >= 100
        fifth = stage.world.devnet.chain.parameters.max_block_units.cpu // 5
        each = first.cpu / len(first.beneficiary_indices)
        assert fifth - 2 * each < first.cpu <= fifth
        assert await stage.tokens_of("beneficiary-1") == 2_000 * self.COUNT
