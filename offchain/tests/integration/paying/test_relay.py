"""A relay pays what becomes claimable, within its budget, and never for a token that nobody vouches for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from milestones.errors import BudgetSpent, NotAllowedYet
from milestones.services.paying.budget import Budget
from milestones.services.relay import Relayed, pay, relay
from milestones.testing.distribution import OpenDistribution


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
