"""Every power of the terms, asked for on the command line, and seen by everybody with the program alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from milestones.testing.world import World

from .test_administrator_commands import flags
from .test_on_a_terminal import on_a_terminal

DAY = 86_400


def powers_of(result: Any) -> dict[str, str]:
    return {power["name"]: power["words"] for power in result["powers"]}


async def test_all_powers_from_the_command_line_to_the_audit(world: World) -> None:
    await world.publish()
    await world.cli("init", key="creator")
    waiver_after = world.now + 30 * DAY
    arguments = [
        *flags(world, allowance="1500000", staking="creator", cancel_by="creator"),
        *("--cancel-by", "quorum", "--cancel-grace", "14d", "--waiver-after", str(waiver_after)),
        *("--objectors", "2", "--review-period", "1d12h", "--review-bond", "50000000"),
        *("--rotatable", "oldest", "--refund-address", str(world.address("beneficiary-0"))),
        *("--output", "schedule.json"),
    ]
    registered = await world.cli(*arguments)
    assert registered.exit_code == 0, registered.stderr
    name = registered.json["contract_name"]
    schedule = json.loads((world.directory / "schedule.json").read_text())
    shown = await world.cli("deploy", "--schedule", "schedule.json", "--dry-run", key="creator")
    deployed = await world.cli(*("deploy", "--schedule", "schedule.json", "--wait"), key="creator")
    verified = await world.cli("verify", "--contract-address", name)
    status = await world.cli("check-status", "--contract-address", name)
    by_address = await world.cli(
        "check-status", "--contract-address", registered.json["contract_address"]
    )

    assert schedule["cancel_grace_seconds"] == 14 * DAY
    assert schedule["review_period_seconds"] == 36 * 3_600
    assert schedule["cancel_by"] == ["creator", "quorum"]
    assert schedule["staking"] == registered.json["stake_script"]["stake_address"]
    assert powers_of(registered.json) == powers_of(shown.json) == powers_of(verified.json)
    assert list(powers_of(verified.json)) == [
        *("open", "attest", "pay", "close", "reclaim", "cancel", "refund", "waive", "propose"),
        *("rotate", "allowance", "stake", "nobody"),
    ]
    assert deployed.exit_code == 0, deployed.stderr
    for words in powers_of(registered.json).values():
        assert words in deployed.stderr
    assert (verified.exit_code, verified.json["verdict"]) == (0, "sound")
    assert {each["name"]: each["in_use"] for each in verified.json["powers"]}["allowance"] == (
        "lasts for 5 of 5 more claims"
    )
    assert status.json["contract_state"]["staking"]["type"] == "script"
    assert status.json["contract_state"]["claims_repaid"] == 5
    assert status.json["board"]["sequence"] == 0
    assert status.json["contract_name"] == name
    assert by_address.json["distribution_id"] == status.json["distribution_id"]


@pytest.mark.parametrize(
    ("changes", "path", "hint"),
    [
        ({"allowance": "-1"}, "allowance_lovelace", "give lovelace"),
        ({"cancel_grace": "14d"}, "cancel_grace_seconds", "say who may cancel"),
        ({"cancel_by": "creator", "cancel_grace": "6d23h"}, "cancel_grace_seconds", "604800"),
        ({"cancel_by": "creator", "cancel_grace": "14 days"}, "cancel_grace", "such as 14d"),
        ({"cancel_by": "somebody"}, "cancel_by[0]", ""),
        ({"waiver_after": "soon"}, "waiver_after", "POSIX seconds"),
        ({"waiver_after": "2026-01-01"}, "waiver_after", "give the oracles time"),
        ({"objectors": "3"}, "objectors", "how many oracles"),
        ({"review_period": "3d"}, "review_period_seconds", "objectors"),
        ({"objectors": "1", "review_period": "12h"}, "review_period_seconds", "86400"),
        ({"rotatable": "newest"}, "rotatable", "<transaction id>#<index>"),
        ({"staking": "missing.json"}, "staking", "check the file's name"),
        ({"staking": "stake_test1nonsense"}, "staking", "stake1"),
        ({"refund_address": "nowhere"}, "refund_address", "addr1"),
        ({"refund_datum": "zz"}, "refund_datum", "0-9"),
    ],
)
async def test_what_cant_be_meant_is_refused_with_a_hint(
    world: World, changes: dict[str, str], path: str, hint: str
) -> None:
    refused = await world.cli(*flags(world, **changes))
    assert refused.exit_code == 2
    assert refused.json["error"]["details"]["path"] == path
    assert hint in refused.json["error"]["hint"]


async def test_a_committee_file_and_a_payouts_datum(world: World) -> None:
    committee = {"type": "sig", "keyHash": world.keys["oracle-0"].key_hash.hex()}
    file = world.write_json("committee.json", committee)
    rows = world.allocations()
    rows[0]["datum"] = "d87980"
    allocations = world.write_json("rows.json", rows)
    arguments = flags(world, staking=file, beneficiary_allocations=allocations)
    registered = await world.cli(*arguments, "--output", "schedule.json")
    assert registered.exit_code == 0, registered.stderr
    made = registered.json["stake_script"]
    assert made["script_file"] == "schedule.stake-script.json"
    script = json.loads((world.directory / made["script_file"]).read_text())
    assert script["scripts"][0] == committee
    assert registered.json["allocations"][0]["datum"] == "d87980"
    assert "no wallet needs one" in registered.stderr


async def test_an_option_beside_a_schedule_file_is_named(world: World) -> None:
    file = world.write_json("schedule.json", world.schedule())
    refused = await world.cli("register-milestone", "--schedule", file, "--cancel-grace", "14d")
    assert refused.exit_code == 2
    assert "--cancel-grace can't be combined" in refused.stderr


async def test_an_anchor_from_the_opening_to_the_audit(world: World) -> None:
    await world.publish()
    (world.directory / "agreement.txt").write_text("what was agreed")
    (world.directory / "other.txt").write_text("something else")
    await world.cli(*flags(world), "--output", "schedule.json")
    opening = ("deploy", "--schedule", "schedule.json", "--wait")
    half = await world.cli(*opening, "--anchor", "https://example.org/a", key="creator")
    anchor = ("--anchor", "https://example.org/a", "--anchor-file", "agreement.txt")
    deployed = await world.cli(*opening, *anchor, key="creator")
    where = ("--contract-address", deployed.json["contract_address"])
    verified = await world.cli("verify", *where, "--anchors", "agreement.txt")
    other = await world.cli(
        "verify", *where, "--anchors", "agreement.txt", "--anchors", "other.txt"
    )

    assert half.exit_code == 2
    assert "--anchor-file" in half.json["error"]["hint"]
    assert verified.exit_code == 0
    (document,) = verified.json["documents"]
    assert document["url"] == "https://example.org/a"
    assert document["file"] == "agreement.txt"
    assert other.exit_code == 5
    assert any("other.txt, of hash" in check["detail"] for check in other.json["checks"])


async def test_a_person_reads_the_powers_on_a_terminal(world: World) -> None:
    distribution = await world.open(world.schedule(cancel_by=["creator"]))
    address = distribution.address.to_bech32()
    services = ("--ogmios-url", world.devnet.ogmios_url, "--kupo-url", world.devnet.kupo_url)
    exit_code, text = await on_a_terminal(world, *services, "verify", "--contract-address", address)
    assert exit_code == 0
    table = text[text.index("checks hold") :]
    assert all(len(line) <= 80 for line in table.splitlines())
    for words in ("no notice was given", "every 7 days", "Nobody can"):
        assert words in " ".join(table.split())
