"""`list`, `find` and `history` as processes: JSON, and what a person reads."""

from __future__ import annotations

import csv
import io

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


async def test_a_history_in_each_form(world: World) -> None:
    async with open_distribution(world) as opened:
        await opened.attested("milestone-001")
        await opened.release(0, wait=True)
        command = ("history", "--contract-address", str(opened.distribution.name))
        as_json = await world.cli(*command)
        as_table = await world.cli(*command, "--format", "csv")
        view = await world.cli(*command, "--format", "table")

        assert as_json.json["paid_amount"] == 1_000
        rows = list(csv.DictReader(io.StringIO(as_table.stdout)))
        assert [row["event"] for row in rows] == ["opening", "attestation", "claim"]
        assert sum(int(row["token_change"]) for row in rows) == as_json.json["held_amount"]
        assert sum(int(row["lovelace_change"]) for row in rows) == as_json.json["held_lovelace"]
        assert "1,000 GRANT paid" in view.stdout
