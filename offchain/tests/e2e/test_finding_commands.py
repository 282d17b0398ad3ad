"""`list` and `find` as processes: JSON, and what a person reads."""

from __future__ import annotations

from milestones.testing.distribution import open_distribution
from milestones.testing.world import World


async def test_what_there_is_and_whom_it_names(world: World) -> None:
    async with open_distribution(world) as opened:
        await opened.attested("milestone-001")
        somebody = str(world.address("beneficiary-0"))
        listed = await world.cli("list", "--address", somebody)
        found = await world.cli("find", "--beneficiary", somebody)
        foreign = await world.cli("find", "--beneficiary", "addr1")

        assert (listed.exit_code, listed.json["own_count"]) == (0, 1)
        assert listed.json["distributions"][0]["claimable_amount"] == 5_000
        assert (found.exit_code, len(found.json["found"])) == (0, 1)
        assert found.json["found"][0]["contract_name"] == str(opened.distribution.name)
        assert foreign.exit_code == 2
