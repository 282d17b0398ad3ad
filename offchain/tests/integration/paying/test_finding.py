"""Which distributions there are, whose they are, and whom they name."""

from __future__ import annotations

from milestones.cardano.address import Address, key_credential
from milestones.services.find import find_distributions
from milestones.services.list import list_distributions
from milestones.testing.distribution import open_distribution
from milestones.testing.world import World


async def test_every_distribution_is_listed_and_ones_own_are_marked(world: World) -> None:
    first = world.schedule(
        contract_metadata={**world.schedule()["contract_metadata"], "description": "one"}
    )
    async with open_distribution(world, first) as opened:
        await world.open(private=True)
        await opened.attested("milestone-001")
        listed = await list_distributions(
            opened.elsewhere("nobody").backend, own_address=world.address("beneficiary-0")
        )
        again = await list_distributions(opened.elsewhere("nobody").backend)
        own = await list_distributions(opened.backend, own_address=world.address("creator"))

        one, private = listed.distributions
        assert (one.description, one.contract_name) == ("one", str(opened.distribution.name))
        assert one.total_token_amount == one.remaining_amount == 15_000
        # Allocations of 1,000 and 4,000 tokens wait for the first of three milestones.
        assert (one.claimable_amount, one.allocation_count) == (5_000, 5)
        assert (one.roles, listed.own_count) == (("beneficiary",), 1)
        assert (private.claimable_amount, private.allocation_count, private.roles) == (
            None,
            None,
            (),
        )
        # What was looked at is kept, and is nobody's own for that.
        assert again.own_count == 0
        assert [each.roles for each in own.distributions] == [("creator", "sent_here")] * 2


async def test_a_closed_one_is_listed_when_asked_for(world: World) -> None:
    async with open_distribution(world) as opened:
        await opened.signed("milestone-001", "milestone-002", "milestone-003")
        await opened.release(everything=True, wait=True)
        await opened.close(wait=True)

        assert (await list_distributions(opened.backend)).distributions == ()
        (closed,) = (await list_distributions(opened.backend, closed=True)).distributions
        assert (closed.status, closed.remaining_amount, closed.claimable_amount) == (
            "completed",
            0,
            0,
        )


async def test_a_beneficiary_is_found_by_any_part_of_its_address(world: World) -> None:
    staking = key_credential(bytes([7]) * 28)
    key = world.address("beneficiary-0").payment
    schedule = world.schedule()
    rows = schedule["beneficiary_allocations"]
    rows[1]["beneficiary_address"] = str(Address(0, key, staking))
    async with open_distribution(world, schedule) as opened:
        await opened.attested("milestone-001")
        whole = await find_distributions(
            opened.backend, beneficiary_address=world.address("beneficiary-0")
        )
        other = Address(0, key_credential(bytes([9]) * 28), staking)
        by_staking = await find_distributions(opened.backend, beneficiary_address=other)
        nobody = await find_distributions(
            opened.backend, beneficiary_address=world.address("stranger")
        )

        assert [each.match for each in whole.found] == ["address", "payment_part"]
        assert [(each.claimable_amount, each.later_amount) for each in whole.found] == [
            (1_000, 0),
            (0, 2_000),
        ]
        assert [each.match for each in by_staking.found] == ["staking_part"]
        assert (nobody.found, nobody.unknown_count) == ((), 0)
