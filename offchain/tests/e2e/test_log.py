"""What the program says of its own work when it is asked to, and that no secret is in it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from milestones.testing.distribution import FIRST_MILESTONE, open_distribution
from milestones.testing.world import World

PASSWORD = "open-sesame-3141"


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The objects in a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_each_question_to_a_service_is_said_with_its_time(world: World) -> None:
    run = await world.cli("-v", "init", key="creator")

    assert run.exit_code == 0
    assert "Ogmios GET /health: answered" in run.stderr
    assert "Ogmios queryLedgerState/protocolParameters: answered" in run.stderr
    assert "Kupo GET /health: answered" in run.stderr
    assert "elapsed_ms=" in run.stderr
    assert "DEBUG" not in run.stderr


async def test_nothing_is_said_unasked(world: World) -> None:
    assert (await world.cli("init", key="creator")).stderr == ""


async def test_a_release_can_be_followed_in_a_file_of_json_lines(world: World) -> None:
    async with open_distribution(world) as opened:
        await opened.attested(FIRST_MILESTONE)
        contract = str(opened.address)
    path = world.directory / "log.jsonl"
    options = ("--log-file", str(path), "--log-format", "json")
    release = ("submit-release", "--contract-address", contract, "--beneficiary-index", "0")
    paid = await world.cli(*options, *release, "--wait", key="relayer")
    again = await world.cli(*options, *release, key="relayer")

    assert (paid.exit_code, again.exit_code) == (0, 5)
    printed = paid.stderr.splitlines()
    assert {line.split()[0] for line in printed} == {"submitted", "waiting"}
    lines = lines_of(path)
    said = [line["message"] for line in lines]
    assert said.count("started") == 2
    built = next(line for line in lines if line["message"] == "transaction built")
    assert built["fee_lovelace"] == paid.json["fee_estimate"]
    (words,) = [each for each in said if each.startswith("transaction pays 1 of the allocations")]
    assert said.index(words) < said.index("transaction written down before it is sent")
    order = ["transaction written down before it is sent", "transaction is submitted"]
    assert [each for each in said if each in order] == order
    submitted = next(line for line in lines if line.get("question") == "submitTransaction")
    assert submitted["elapsed_ms"] >= 0
    done = next(line for line in lines if line["message"] == "done")
    assert done["elapsed_ms"] == paid.json["elapsed_ms"]
    failed = lines[-1]
    assert failed["message"].startswith("failed: ")
    assert failed["exit_code"] == 5
    assert all(line["time"].endswith("Z") and line["level"] for line in lines)


async def test_no_secret_is_in_a_log(world: World) -> None:
    path = world.directory / "log.txt"
    host = world.devnet.kupo_url.removeprefix("http://")
    run = await world.cli(
        "-vv",
        "--log-file",
        str(path),
        "init",
        key="creator",
        KUPO_URL=f"http://treasurer:{PASSWORD}@{host}",
    )

    assert run.exit_code == 0
    key = json.loads(Path(world.key_file("creator")).read_text(encoding="utf-8"))["cborHex"]
    said = run.stderr + path.read_text(encoding="utf-8")
    assert "Kupo GET /health: answered" in said
    assert PASSWORD not in said
    assert key[4:] not in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_log_that_cannot_be_written_is_refused_by_its_name(world: World) -> None:
    run = await world.cli("--log-file", str(world.directory / "none" / "log"), "init")

    assert run.exit_code == 2
    assert run.json["error"]["details"]["path"] == "log_file"


async def test_a_log_on_a_full_disk_costs_nobody_the_result(world: World) -> None:
    run = await world.cli("--log-file", "/dev/full", "init", key="creator")

    assert run.exit_code == 0
    assert run.json["status"] == "success"


async def test_what_others_wrote_cannot_steer_the_terminal(world: World) -> None:
    run = await world.cli("-v", "transaction", "\x1b[2J" + "00" * 32)

    assert "\x1b" not in run.stderr
