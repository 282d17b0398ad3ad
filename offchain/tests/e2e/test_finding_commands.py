"""`list`, `find` and `history` as processes: JSON, and what a person reads."""

from __future__ import annotations

import csv
import io

from milestones.cli.loading import WITH_ROWS
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


async def test_every_answer_with_rows_is_a_table_where_one_asks_for_it(world: World) -> None:
    """Its rows are those of the JSON; what has none says so before it does anything."""
    person = str(world.address("beneficiary-0"))
    file = world.write_json("allocations.json", world.allocations())
    async with open_distribution(world) as opened:
        await opened.attested("milestone-001")
        where = ("--contract-address", str(opened.distribution.name))
        somebody = ("--beneficiary-address", person)
        key = ("--signing-key-path", world.key_file("relayer"))
        commands: dict[str, tuple[tuple[str, ...], str, str]] = {
            "list": ((), "distributions", "contract_name"),
            "find": (("--beneficiary", person), "found", "claimable_amount"),
            "check-status": (where, "milestones", "claimable_amount"),
            "calculate-distribution": ((*where, *somebody), "allocations", "token_amount"),
            "history": (where, "lines", "transaction_hash"),
            "verify": (where, "checks", "detail"),
            "proposal show": (where, "proposals", "due_at"),
            "schedule check": ((file,), "beneficiaries", "beneficiary_address"),
            "submit-release": (
                (*where, *somebody, *key, "--dry-run"),
                "paid",
                "beneficiary_index",
            ),
        }
        for name, (options, rows, column) in commands.items():
            line = (*name.split(), *options)
            as_json = await world.cli(*line)
            as_table = await world.cli(*line, "--format", "csv")
            assert as_table.exit_code == as_json.exit_code == 0, name
            found = list(csv.DictReader(io.StringIO(as_table.stdout)))
            printed = [str(row[column]) for row in as_json.json[rows]]
            assert [row[column] for row in found] == printed, name
        for line in (("deploy", "--schedule", file, *key), ("keys", "--generate", "new.skey")):
            refused = await world.cli(*line, "--format", "csv")
            assert (refused.exit_code, refused.stdout) == (2, "")
            assert "has no rows" in refused.stderr
    assert {*commands, "schedule template", "schedule vesting"} == WITH_ROWS
    assert not (world.directory / "new.skey").exists()


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
