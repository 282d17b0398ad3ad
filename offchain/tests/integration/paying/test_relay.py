"""A relay pays what becomes claimable, within its budget, and never for a token that nobody vouches for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from milestones.clients.mempool import Mempool
from milestones.clients.ogmios_client import OgmiosClient
from milestones.errors import BudgetSpent, NotAllowedYet
from milestones.services.backend import chain_of, now_posix_ms
from milestones.services.paying.budget import Budget
from milestones.services.proposal import proposal_submit
from milestones.services.relay import Relayed, pay, relay
from milestones.testing.distribution import OpenDistribution
from milestones.testing.world import World
from tests.support.many_claims import claims, pay_all, step


async def relayed(stage: OpenDistribution, most: int | None = None, **options: Any) -> Relayed:
    """What the relayer's relay does until all is paid or the budget is spent."""
    return await relay(
        stage.backend,
        contract_addresses=[stage.address],
        key=stage.world.keys[options.pop("key", "relayer")],
        budget=Budget(most_lovelace=most),
        vouched=[stage.world.token],
        until_paid=True,
        **options,
    )


async def test_what_becomes_claimable_is_paid_and_the_book_is_what_the_wallet_lacks(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001")
    before = (await stage.wealth_of("relayer")).lovelace
    at_work = asyncio.ensure_future(relayed(stage))
    while await stage.tokens_of("beneficiary-3") == 0:
        await asyncio.sleep(0.05)
    # Another milestone is attested while it waits.
    later = stage.elsewhere("oracles")
    await later.attested("milestone-002")
    await later.attested("milestone-003")
    report = await asyncio.wait_for(at_work, 60)
    assert (report.ended, report.claim_count) == ("all_paid", 5)
    assert (await stage.on_chain()).remaining == 0
    spent = before - (await stage.wealth_of("relayer")).lovelace
    assert report.spent_lovelace == spent == report.fee_lovelace + report.added_lovelace


async def test_a_token_that_nobody_vouches_for_is_not_paid(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001")
    with pytest.raises(NotAllowedYet, match="nobody vouches") as refused:
        await pay(
            stage.backend,
            contract_address=stage.address,
            key=stage.world.keys["relayer"],
            budget=Budget(most_lovelace=None),
        )
    assert refused.value.rule == "token"
    assert str(stage.world.token) in refused.value.hint
    assert await stage.tokens_of("beneficiary-0") == 0


async def test_it_pays_as_many_as_the_budget_allows_and_the_same_command_goes_on(
    stage: OpenDistribution,
) -> None:
    await stage.attested("milestone-001", "milestone-002", "milestone-003")
    most = 3_500_000
    first = await relayed(stage, most)
    assert first.ended == "budget_spent"
    assert 0 < first.claim_count < 5
    assert most - 1_600_000 < first.spent_lovelace <= most
    with pytest.raises(BudgetSpent):
        await pay(
            stage.backend,
            contract_address=stage.address,
            key=stage.world.keys["relayer"],
            budget=Budget(most_lovelace=most),
            vouched=[stage.world.token],
        )
    second = await relayed(stage, 10_000_000)
    assert (second.ended, first.claim_count + second.claim_count) == ("all_paid", 5)
    assert second.spent_lovelace <= 10_000_000


class Late(OgmiosClient):
    """A look at the mempool that comes before what others have sent; the next ones are true."""

    is_late = True

    async def mempool(self) -> Mempool:
        """Empty at first."""
        seen = Mempool() if self.is_late else await super().mempool()
        self.is_late = False
        return seen


class TestSideBySide:
    """Two allocations a page, on a chain that makes blocks by hand."""

    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        return {"page_depth": 1}

    async def test_it_ends_with_its_budget_when_blocks_have_the_split_too(
        self, stage: OpenDistribution
    ) -> None:
        await stage.attested("milestone-001", "milestone-002", "milestone-003")
        at_work = asyncio.ensure_future(relayed(stage, 3_500_000))
        while not at_work.done():
            await asyncio.sleep(0.5)
            stage.world.devnet.chain.mine()
        assert (await at_work).ended == "budget_spent"
        assert any((each.sole or "").startswith("split") for each in stage.journal.newest(10))

    async def test_a_claim_of_another_ends_one_lane_and_the_others_go_on(
        self, stage: OpenDistribution
    ) -> None:
        world = stage.world
        await stage.attested("milestone-001", "milestone-002", "milestone-003")
        for _ in range(3):
            world.pay(world.address("relayer"), 50_000_000)
        world.devnet.chain.production = "by hand"
        rival = stage.elsewhere("rival")
        await rival.release(0, key="stranger")
        async with Late(world.devnet.ogmios_url) as late:
            paid = await pay(
                replace(stage.backend, ogmios=late),
                contract_address=stage.address,
                key=world.keys["relayer"],
                budget=Budget(most_lovelace=None),
                vouched=[world.token],
            )
        assert paid.rebuilt_count == 1
        pages = [{i >> 1 for i in each.beneficiary_indices} for each in paid.transactions]
        # The other lanes' transactions left in the first attempt, and stayed.
        assert pages == [{1}, {2}, {0}]
        written = stage.journal.newest(10)
        assert [e.status for e in written if e.command == "relay"].count("rejected") == 1
        world.devnet.chain.mine()
        assert (await stage.on_chain()).remaining == 0
        assert await stage.tokens_of("beneficiary-0") == 1_000


class TestTheBookAndTheChain:
    """What the journal said of a transaction turns out to be otherwise."""

    async def test_what_was_given_up_and_came_all_the_same_counts_again(
        self, stage: OpenDistribution
    ) -> None:
        await stage.attested("milestone-001", "milestone-002", "milestone-003")
        first = await relayed(stage)
        for each in stage.journal.newest(10):
            if each.command == "relay":
                stage.journal.mark(each.transaction_id, "rejected", at_posix_ms=now_posix_ms())
        again = await relayed(stage)
        assert (again.ended, again.claim_count) == ("all_paid", 0)
        assert again.spent_lovelace == first.spent_lovelace > 0

    async def test_what_was_rolled_back_for_good_is_given_back_and_paid_anew(
        self, stage: OpenDistribution
    ) -> None:
        """The node has forgotten it as well, and its time is up before the relay is started again."""
        await stage.attested("milestone-001", "milestone-002", "milestone-003")
        chain, before = stage.world.devnet.chain, (await stage.wealth_of("relayer")).lovelace
        snapshot = chain.snapshot()
        first = await relayed(stage)
        chain.revert(snapshot)
        stage.world.advance(8_000)
        again = await relayed(stage, first.spent_lovelace)
        assert (again.ended, again.claim_count) == ("all_paid", 5)
        assert again.spent_lovelace == before - (await stage.wealth_of("relayer")).lovelace
        assert (await stage.on_chain()).remaining == 0


async def test_five_transactions_fill_a_block_and_no_more_wait_than_the_mempool_holds(
    world: World,
) -> None:
    """Ten pages of 128 neighbours each."""
    async with claims(world, 1_280, 7) as stage:
        parameters = world.devnet.chain.parameters
        paid = await step(stage)
        steps = [each.cpu for each in paid.transactions]
        assert max(steps) <= parameters.max_block_units.cpu // 5
        assert 5 < len(steps) < 10
        assert sum(steps) <= 2 * parameters.max_block_units.cpu
        found = await pay_all(stage)
        assert (found.blocks, found.most_in_a_block) == (2, 640)
        assert (await stage.on_chain()).remaining == 0


class TestProposals:
    """Milestones that count unless oracles object."""

    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        return {"objectors": 2, "review_bond_lovelace": 5_000_000}

    async def test_a_proposal_that_is_due_is_confirmed_and_then_paid(
        self, stage: OpenDistribution
    ) -> None:
        world = stage.world
        await proposal_submit(
            stage.backend,
            contract_address=stage.address,
            milestone_identifier="milestone-003",
            key=world.keys["stranger"],
            wait=True,
        )
        how: dict[str, Any] = {
            "contract_address": stage.address,
            "key": world.keys["relayer"],
            "budget": Budget(most_lovelace=10_000_000),
            "vouched": [world.token],
            "wait": True,
        }
        early = await pay(stage.backend, **how)
        assert early.transactions == ()
        world.reach(world.now + 2 * 86_400)
        before = (await stage.wealth_of("relayer")).lovelace
        confirmed = await pay(stage.backend, **how)
        assert [each.confirmed_milestone for each in confirmed.transactions] == ["milestone-003"]
        paid = await pay(stage.backend, **how)
        assert [each.beneficiary_indices for each in paid.transactions] == [(2,)]
        assert await stage.tokens_of("beneficiary-2") == 3_000
        chain = await chain_of(stage.backend)
        spent = before - (await stage.wealth_of("relayer")).lovelace
        assert Budget(most_lovelace=0).state(stage.backend, chain).spent_lovelace == spent


async def test_what_costs_too_much_for_a_claim_waits(stage: OpenDistribution) -> None:
    await stage.attested("milestone-001", "milestone-002")
    how: dict[str, Any] = {
        "contract_address": stage.address,
        "key": stage.world.keys["relayer"],
        "vouched": [stage.world.token],
    }
    dear = Budget(most_lovelace=None, most_a_claim_lovelace=1_100_000)
    none = await pay(stage.backend, budget=dear, **how)
    assert none.transactions == ()
    assert all("1100000 are allowed" in each.reason for each in none.left_out)
    assert sorted(i for each in none.left_out for i in each.beneficiary_indices) == [0, 1, 3, 4]
    # In an hour only so much: the first claims are paid, the others later.
    hourly = Budget(most_lovelace=None, most_an_hour_lovelace=2_700_000)
    paid = await pay(stage.backend, budget=hourly, wait=True, **how)
    assert 0 < sum(len(each.beneficiary_indices) for each in paid.transactions) < 4
    assert {each.code for each in paid.left_out} == {"budget_spent"}
