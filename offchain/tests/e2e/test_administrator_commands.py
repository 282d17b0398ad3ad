"""`register-milestone`, `deploy` and `verify` as processes: exit codes, JSON, and what a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.domain.posix_time import in_words
from milestones.testing.world import World


def flags(world: World, **changes: str | None) -> list[str]:
    """The command line of a registration; None takes an option away, an empty text makes it a flag."""
    options = {
        "token-policy-id": world.token.policy_id.hex(),
        "token-name": "GRANT",
        "beneficiary-allocations": world.write_json("allocations.json", world.allocations()),
        "oracle-addresses": ",".join(str(world.address(f"oracle-{n}")) for n in range(3)),
        "quorum-threshold": "2",
        "reclaim-after": str(world.now + 31_536_000),
        "creator": str(world.address("creator")),
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    arguments = ["register-milestone"]
    for name, value in options.items():
        if value is not None:
            arguments += [f"--{name}", value] if value else [f"--{name}"]
    return arguments


async def test_register_deploy_verify(world: World) -> None:
    await world.publish()
    registered = await world.cli(*flags(world), "--output", "schedule.json")
    address = registered.json["contract_address"]
    shown = await world.cli("deploy", "--contract-address", address, "--dry-run", key="creator")
    deployed = await world.cli("deploy", "--schedule", "schedule.json", "--wait", key="creator")
    verified = await world.cli("verify", "--contract-address", address)
    again = await world.cli("deploy", "--schedule", "schedule.json", key="creator")

    assert registered.exit_code == 0
    assert registered.json["status"] == "registered"
    assert registered.json["schedule_file"] == "schedule.json"
    assert registered.json["total_token_amount"] == 15_000
    assert registered.json["datum"]["creator"]["type"] == "key"
    assert (shown.exit_code, shown.json["status"]) == (0, "dry_run")
    assert (deployed.exit_code, deployed.json["status"]) == (0, "confirmed")
    assert deployed.json["contract_address"] == address
    assert deployed.json["fee_estimate"] == shown.json["fee_estimate"] > 0
    assert deployed.json["collateral_amount"] > 0
    assert (verified.exit_code, verified.json["verdict"]) == (0, "sound")
    assert again.exit_code == 5
    assert again.json["error"]["details"]["rule"] == "already_open"
    assert "hint: see it with" in again.stderr


async def test_registration_needs_no_network(world: World) -> None:
    run = await world.cli(
        *flags(world), OGMIOS_URL="ws://127.0.0.1:9", KUPO_URL="http://127.0.0.1:9"
    )

    assert run.exit_code == 0
    assert run.json["estimated_deposits"] is None
    assert "warning: deposits are not estimated" in run.stderr


def table(world: World, *amounts: str) -> str:
    """A file as a spreadsheet saves it: semicolons, a mark before the text, a column of the board's own."""
    rows = [
        f'{world.address("beneficiary-0")};"{amount}";phase 1;2027-06-30;"for {number}"'
        for number, amount in enumerate(amounts)
    ]
    text = "\r\n".join(("Wallet;Amount;Milestone;Vests;Remarks", *rows, ""))
    path = world.directory / "grants.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    return str(path)


async def test_a_table_says_what_json_says(world: World) -> None:
    dates = {"created_at": "2026-01-02", "reclaim_after": "2040-01-01"}
    file = table(world, "1.000,50", "25")
    run = await world.cli(*flags(world, beneficiary_allocations=file, decimals="2", **dates))
    rows = [
        {
            "beneficiary_address": str(world.address("beneficiary-0")),
            "token_amount": amount,
            "milestone_identifier": "phase 1",
            "vesting_timestamp": 1_814_313_600,
        }
        for amount in (100_050, 2_500)
    ]
    file = world.write_json("rows.json", rows)
    as_json = await world.cli(*flags(world, beneficiary_allocations=file, **dates))

    assert run.exit_code == 0
    assert run.json["total_token_amount"] == 102_550
    assert run.json["distribution_id"] == as_json.json["distribution_id"]
    assert "left out: 'Remarks'" in run.json["warnings"][0]


async def test_what_is_wrong_in_a_table_is_said_by_line_and_column(world: World) -> None:
    unclear = await world.cli(*flags(world, beneficiary_allocations=table(world, "7", "1,5")))
    nothing = await world.cli(*flags(world, beneficiary_allocations=table(world, "7", "0")))

    assert (unclear.exit_code, nothing.exit_code) == (2, 2)
    for run in (unclear, nothing):
        assert run.json["error"]["details"]["path"] == "line 3, column 'Amount'"
        assert "error: line 3, column 'Amount': " in run.stderr
    assert "--decimals" in unclear.stderr


async def test_a_plan_of_vesting_is_written_checked_and_registered(world: World) -> None:
    """And a template, to begin with."""
    await world.cli("init")
    plan = await world.cli(
        *("schedule", "vesting", "--beneficiary-address", str(world.address("beneficiary-0"))),
        *("--milestone-identifier", "phase 1", "--amount", "1,000.01", "--decimals", "2"),
        *("--start", "2027-01-01", "--duration", "1y", "--every", "3m"),
        *("--output", "plan.csv"),
    )
    checked = await world.cli("schedule", "check", "plan.csv", "--token-policy-id", "")
    shares = await world.cli(
        *("schedule", "vesting", "--beneficiary-address", str(world.address("beneficiary-0"))),
        *("--milestone-identifier", "phase 1", "--amount", "9", "--format", "json"),
        *("--grade", "2027-01-01=1/3", "--grade", "2028-01-01=66.66%"),
    )
    template = await world.cli("schedule", "template")
    options = {"beneficiary_allocations": "plan.csv", "reclaim_after": "2040-01-01"}
    registered = await world.cli(*flags(world, **options))
    slip = await world.cli("schedule", "check", table(world, "1", "x"), "--decimals", "2")

    assert (plan.exit_code, plan.json["total_token_amount"]) == (0, 100_001)
    assert (checked.exit_code, checked.json["total_token_amount"]) == (0, 100_001)
    assert checked.json["milestones"][0]["vesting"] == "2027-04-01 to 2028-01-01, 4 dates"
    assert checked.json["cost"]["pay_everybody_lovelace"] > 0
    assert (registered.exit_code, registered.json["total_token_amount"]) == (0, 100_001)
    assert template.stdout.startswith("address,amount,milestone,vests\n")
    assert (shares.exit_code, shares.json["error"]["details"]["path"]) == (2, "grade")
    assert (slip.exit_code, slip.json["error"]["details"]["path"]) == (2, "line 3, column 'Amount'")


async def test_decimals_belong_to_tables_and_ada_has_six(world: World) -> None:
    as_json = await world.cli(*flags(world, decimals="6"))
    ada = await world.cli(
        *flags(
            world,
            token_policy_id=None,
            token_name=None,
            beneficiary_allocations=table(world, "7"),
            decimals="2",
        ),
        "--token-policy-id",
        "",
    )

    assert (as_json.exit_code, as_json.json["error"]["details"]["path"]) == (2, "decimals")
    assert (ada.exit_code, ada.json["error"]["details"]["path"]) == (2, "decimals")


async def test_the_creator_is_the_configured_key(world: World) -> None:
    run = await world.cli(*flags(world, creator=None), key="creator")

    assert run.json["datum"]["creator"]["hash"] == world.keys["creator"].key_hash.hex()


async def test_the_creator_is_the_key_that_lies_where_the_program_runs(world: World) -> None:
    """The quickstart's `payment.skey`, unless another is configured."""
    world.keys["creator"].save(world.directory / "payment.skey")
    run = await world.cli(*flags(world, creator=None))
    assert run.json["datum"]["creator"]["hash"] == world.keys["creator"].key_hash.hex()
    assert "payment.skey" in run.stderr
    configured = await world.cli(*flags(world, creator=None), key="relayer")
    assert configured.json["datum"]["creator"]["hash"] == world.keys["relayer"].key_hash.hex()


async def test_without_a_word_tokens_can_be_reclaimed_a_year_after_the_last_vesting(
    world: World,
) -> None:
    run = await world.cli(*flags(world, reclaim_after=None))
    last = max(each["vesting_timestamp"] for each in world.allocations())
    reclaim_after = run.json["datum"]["reclaim_after_posix_ms"] // 1000
    created = run.json["contract_metadata"]["created_at"]
    assert reclaim_after == max(last, created) + 365 * 86_400
    assert any("neither reclaim_after nor irrevocable" in each for each in run.json["warnings"])
    assert in_words(reclaim_after) in run.stderr


async def test_all_options_that_are_missing_are_named_at_once(world: World) -> None:
    """By the command itself, and by the parser."""
    own = await world.cli("register-milestone", "--quorum-threshold", "2")
    needed = "--token-policy-id, --beneficiary-allocations, --oracle-addresses, --creator"
    assert f"{needed} are missing" in own.stderr
    assert own.json["error"]["details"]["missing"] == needed.split(", ")
    parsed = await world.cli("commit-milestone")
    assert (own.exit_code, parsed.exit_code) == (2, 2)
    assert parsed.json["error"]["message"] == "missing: --milestone-identifier, --oracle-signatures"
    one = await world.cli("attest", "--contract-address", "addr_test1vz")
    assert "--milestone-identifier" in one.json["error"]["message"]
    assert "--contract-address" not in one.json["error"]["message"]


async def test_names_and_times_are_read_in_every_form(world: World) -> None:
    created = {"created-at": "2026-01-02T03:04:05Z"}
    text = await world.cli(*flags(world, **created))
    hexadecimal = await world.cli(
        *flags(world, token_name="0x4752414e54", **{"created-at": "1767323045"})
    )

    assert text.json["distribution_id"] == hexadecimal.json["distribution_id"]
    assert text.json["contract_metadata"]["created_at"] == 1_767_323_045


async def test_ada_and_irrevocable(world: World) -> None:
    allocations = [{**each, "token_amount": 5_000_000} for each in world.allocations()]
    run = await world.cli(
        *flags(
            world,
            token_policy_id=None,
            token_name=None,
            reclaim_after=None,
            irrevocable="",
            beneficiary_allocations=world.write_json("ada.json", allocations),
        ),
        "--token-policy-id",
        "",
    )

    assert run.exit_code == 0
    assert run.json["datum"]["token_policy_id"] == ""
    assert run.json["datum"]["reclaim_after_posix_ms"] is None


@pytest.mark.parametrize(
    ("changes", "path", "told"),
    [
        ({"irrevocable": ""}, "reclaim_after", "choose one"),
        ({"reclaim_after": "soon"}, "reclaim_after", "POSIX seconds"),
        ({"reclaim_after": "2020-01-01"}, "reclaim_after", "in the past"),
        ({"token_name": "0x123"}, "token_name", "hexadecimal"),
        ({"token_policy_id": None}, "token_policy_id", "is missing"),
        ({"token_policy_id": "abc123"}, "token_policy_id", "28 bytes"),
        ({"oracle_addresses": "addr_test1vz"}, "oracle_addresses[0]", "not an address"),
        ({"quorum_threshold": "4"}, "quorum_threshold", "1 to 3"),
        ({"creator": None}, "creator", "--creator is missing"),
        ({"creator": "addr1"}, "creator", "address"),
        ({"beneficiary_allocations": "nowhere.json"}, "beneficiary_allocations", "no file"),
    ],
)
async def test_what_is_refused_is_named(world: World, changes: Any, path: Any, told: Any) -> None:
    run = await world.cli(*flags(world, **changes))

    assert run.exit_code == 2
    assert run.json["error"]["details"]["path"] == path
    assert told in run.stderr
    assert run.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[{]", "not JSON"),
        ('[{"token_amount": 1, "token_amount": 2}]', "twice"),
        ("\x00\xff", "not text"),
        ("{}", "a list is expected"),
        ('[{"token_amount": -5}]', "missing"),
    ],
)
async def test_a_broken_file_is_refused(world: World, content: Any, told: Any) -> None:
    path = world.directory / "broken.json"
    path.write_bytes(content.encode("latin-1"))
    run = await world.cli(*flags(world, beneficiary_allocations=str(path)))

    assert run.exit_code == 2
    assert told in run.stderr


async def test_every_problem_of_an_allocation_is_listed(world: World) -> None:
    allocations = world.allocations()
    allocations[1]["token_amount"] = -1
    allocations[3]["beneficiary_address"] = "addr1xyz"
    del allocations[4]["vesting_timestamp"]
    path = world.write_json("bad.json", allocations)
    run = await world.cli(*flags(world, beneficiary_allocations=path))

    assert run.exit_code == 2
    assert {each["path"] for each in run.json["error"]["details"]["errors"]} == {
        "beneficiary_allocations[3].beneficiary_address",
        "beneficiary_allocations[4].vesting_timestamp",
    }


async def test_a_schedule_file_and_flags_exclude_each_other(world: World) -> None:
    file = world.write_json("schedule.json", world.schedule())
    good = await world.cli("register-milestone", "--schedule", file)
    bad = await world.cli("register-milestone", "--schedule", file, "--quorum-threshold", "1")

    assert good.exit_code == 0
    assert bad.exit_code == 2
    assert "--quorum-threshold can't be combined" in bad.stderr


async def test_output_that_cannot_be_written(world: World) -> None:
    run = await world.cli(*flags(world), "--output", "no/such/folder/schedule.json")

    assert run.exit_code == 2
    assert run.json["error"]["details"]["path"] == "output"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        ((), 2, "invalid_input"),
        (("--schedule", "none.json"), 2, "invalid_input"),
        (("--contract-address", "addr1"), 2, "invalid_address"),
    ],
)
async def test_deploy_of_nothing(world: World, arguments: Any, exit_code: Any, code: Any) -> None:
    run = await world.cli("deploy", *arguments, key="creator")

    assert (run.exit_code, run.json["error"]["code"]) == (exit_code, code)


async def test_deploy_before_the_scripts_are_published(world: World) -> None:
    file = world.write_json("schedule.json", world.schedule())
    run = await world.cli("deploy", "--schedule", file, key="creator")

    assert run.exit_code == 4
    assert "publish-script" in run.stderr


async def test_deploy_with_a_service_down(world: World) -> None:
    file = world.write_json("schedule.json", world.schedule())
    run = await world.cli(
        "deploy", "--schedule", file, key="creator", OGMIOS_URL="ws://127.0.0.1:9"
    )

    assert run.exit_code == 3
    assert run.json["error"]["details"]["service"] == "Ogmios"
    assert "milestones devnet" in run.stderr


async def test_deploy_by_somebody_else(world: World) -> None:
    file = world.write_json("schedule.json", world.schedule())
    run = await world.cli("deploy", "--schedule", file, key="stranger")

    assert run.exit_code == 2
    assert "creator's key" in run.stderr


async def test_verify_prints_the_report_of_an_unsound_distribution(world: World) -> None:
    schedule = world.schedule()
    distribution = await world.open(schedule, private=True)
    address = distribution.address.to_bech32()
    blind = await world.cli("verify", "--contract-address", address)
    file = world.write_json("schedule.json", schedule)
    seeing = await world.cli("verify", "--contract-address", address, "--schedule", file)
    both = await world.cli(
        *("verify", "--contract-address", address, "--schedule", file, "--claim-file", file)
    )

    assert blind.exit_code == 4
    assert blind.json["verdict"] == "incomplete"
    assert [each["name"] for each in blind.json["checks"] if each["outcome"] != "passed"] == [
        "schedule"
    ]
    assert (seeing.exit_code, seeing.json["verdict"]) == (0, "sound")
    assert len(seeing.json["allocations"]) == 5
    assert both.exit_code == 2


async def test_verify_where_nothing_is(world: World) -> None:
    registered = await world.cli(*flags(world))
    run = await world.cli("verify", "--contract-address", registered.json["contract_address"])

    assert run.exit_code == 4
    assert run.json["error"]["code"] == "not_found"
    assert "has not been deployed" in run.stderr


async def test_a_local_file_that_was_damaged_is_told(world: World) -> None:
    cached = world.data_directory / "cache" / "network.json"
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_text("{broken", encoding="utf-8")
    run = await world.cli(*flags(world))

    assert run.exit_code == 0
    assert "network.json can't be used" in run.stderr
