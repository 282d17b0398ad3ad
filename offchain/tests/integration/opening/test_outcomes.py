"""How distributions end, and what is wrong with none of them: `verify` and `check-status` say the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from milestones.domain.schedule import parse_schedule
from milestones.protocol.claim_file import make_claim_file
from milestones.protocol.distribution import Distribution
from milestones.services.cancel import cancel
from milestones.services.verify import Verified, verify
from milestones.testing.distribution import OpenDistribution, open_distribution
from milestones.testing.world import World
from tests.support.past_checks import open_past_all_checks

ALL = ("milestone-001", "milestone-002", "milestone-003")
WEEK_SECONDS = 7 * 86_400


async def audit(stage: OpenDistribution, **options: Any) -> Verified:
    return await verify(stage.backend, contract_address=stage.address, **options)


def named(verified: Verified, outcome: str) -> list[str]:
    return [check.name for check in verified.checks if check.outcome == outcome]


def detail(verified: Verified, name: str) -> str:
    return next(check.detail for check in verified.checks if check.name == name)


async def outcome(stage: OpenDistribution) -> tuple[str, str, int]:
    """The verdict, the status, and what went back."""
    state = (await stage.status()).contract_state
    return (await audit(stage)).verdict, state.status, state.returned_token_amount


async def paid_out(stage: OpenDistribution, *milestones: str) -> None:
    await stage.signed(*milestones)
    await stage.release(everything=True, wait=True)


class TestAfterTheEnd:
    """The creator may cancel, and take back what is left after a while."""

    @pytest.fixture
    def schedule_changes(self, world: World) -> dict[str, Any]:
        return {"cancel_by": ["creator"], "reclaim_after": world.now + 30 * WEEK_SECONDS}

    async def notified(self, stage: OpenDistribution) -> None:
        key = stage.world.keys["creator"]
        await cancel(stage.backend, contract_address=stage.address, key=key, wait=True)

    async def test_what_was_paid_and_closed_is_completed(self, stage: OpenDistribution) -> None:
        await paid_out(stage, *ALL)
        assert await outcome(stage) == ("sound", "open", 0)
        await stage.close(wait=True)

        assert await outcome(stage) == ("completed", "completed", 0)
        verified = await audit(stage)
        assert named(verified, "failed") == named(verified, "warning") == []
        assert {each.status for each in verified.allocations} == {"claimed"}
        assert all(each.claimable for each in verified.allocations)
        assert detail(verified, "attestations") == f"attested: {', '.join(ALL)}"

    async def test_what_a_notice_ended_is_cancelled(self, stage: OpenDistribution) -> None:
        await paid_out(stage, "milestone-001")
        await self.notified(stage)
        stage.world.advance(WEEK_SECONDS + 10_000)
        await stage.close(key="stranger", wait=True)

        assert await outcome(stage) == ("cancelled", "cancelled", 10_000)
        verified = await audit(stage)
        assert named(verified, "failed") == []
        assert named(verified, "warning") == ["open", "allocations"]
        assert "10000 went back" in detail(verified, "open")
        assert [each.status for each in verified.allocations] == [
            *("claimed", "closed", "closed", "claimed", "closed")
        ]

    async def test_what_the_creator_took_back_is_ended(self, stage: OpenDistribution) -> None:
        """The notice that goes along was not over yet: it did not end anything."""
        await paid_out(stage, "milestone-001")
        stage.world.advance(30 * WEEK_SECONDS)
        await self.notified(stage)
        await stage.close(wait=True)

        assert await outcome(stage) == ("ended", "ended", 10_000)

    async def test_what_a_notice_ended_after_all_was_paid_is_completed(
        self, stage: OpenDistribution
    ) -> None:
        await self.notified(stage)
        await paid_out(stage, *ALL)
        stage.world.advance(WEEK_SECONDS + 10_000)
        await stage.close(key="stranger", wait=True)

        assert await outcome(stage) == ("completed", "completed", 0)


async def test_a_private_one_that_was_paid_and_closed_is_completed_to_a_stranger(
    world: World,
) -> None:
    async with open_distribution(world, private=True) as stage:
        await paid_out(stage, *ALL)
        await stage.close(wait=True)
        stranger = stage.elsewhere("stranger")

        assert await outcome(stranger) == ("completed", "completed", 0)


async def test_a_claim_file_is_enough_for_what_it_shows(world: World) -> None:
    async with open_distribution(world, private=True) as stage:
        mine = make_claim_file(stage.distribution, [3])
        blind, seeing = await audit(stage), await audit(stage, claim_file=mine)

        assert (blind.verdict, seeing.verdict) == ("incomplete", "sound")


@pytest.mark.parametrize("allowance_lovelace", [0, 300_000])
async def test_an_ada_vault_without_a_deposit_of_its_own_is_not_sound(
    world: World, allowance_lovelace: int
) -> None:
    """The contract asks for twice the minimum at the opening: here the price rises to five times as much."""
    world.pay(world.address("creator"), 500_000_000)
    document = world.schedule(**world.in_lovelace(), allowance_lovelace=allowance_lovelace)
    async with open_distribution(world, document) as stage:
        chain = world.devnet.chain
        usual = chain.parameters
        assert (await audit(stage)).verdict == "sound"
        dearer = 5 * usual.coins_per_utxo_byte
        chain.parameters = replace(usual, coins_per_utxo_byte=dearer)
        verified = await audit(stage)

        assert verified.verdict == "unsound"
        assert "vault 0" in named(verified, "failed")
        assert "the last to claim would have to add them" in detail(verified, "vault 0")
        assert ("allowances" in detail(verified, "vault 0")) == bool(allowance_lovelace)


async def test_tokens_that_somebody_has_to_add_ada_to_are_sound_and_warned_of(world: World) -> None:
    """Whoever pays out adds it, and is not repaid: beneficiaries have all that is promised."""
    async with open_distribution(world, world.schedule(allowance_lovelace=2_000_000)) as stage:
        chain = world.devnet.chain
        before = await audit(stage)
        assert (before.verdict, named(before, "warning")) == ("sound", [])
        dearer = 10 * chain.parameters.coins_per_utxo_byte
        chain.parameters = replace(chain.parameters, coins_per_utxo_byte=dearer)
        verified = await audit(stage)

        assert verified.verdict == "sound"
        assert named(verified, "warning") == ["deposits", "allowance"]
        assert "lasts for 0 of 5 more claims" in detail(verified, "allowance")


async def test_periods_that_the_chain_takes_for_its_minimum_harm_nobody(world: World) -> None:
    document = world.schedule(cancel_by=["creator"], cancel_grace_seconds=60)
    distribution = Distribution.from_schedule(parse_schedule(document), world.contract)
    await world.publish()
    await open_past_all_checks(world, distribution)
    async with world.backend() as backend:
        verified = await audit(OpenDistribution(world, backend, distribution))

    assert (verified.verdict, named(verified, "failed")) == ("sound", [])
    assert named(verified, "warning") == ["rules"]
    assert "7 days" in detail(verified, "rules")
