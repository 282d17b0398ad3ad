"""The oracles' commands, the status and the amounts, as processes: exit codes, JSON, standard error."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cbor2
import pytest

from milestones.cardano.address import Address
from milestones.domain.schedule import parse_schedule
from milestones.protocol.distribution import Distribution
from milestones.protocol.statements import MilestoneStatement
from milestones.services.deploy import deploy
from milestones.services.publish_script import publish_script
from milestones.testing.world import World


@pytest.fixture
async def address(world: World) -> str:
    """The address of an open distribution of `world.schedule()`, unknown to the data directory."""
    schedule = parse_schedule(world.schedule())
    world.write_json("schedule.json", schedule.model_dump(mode="json", exclude_none=True))
    async with world.backend() as backend:
        await publish_script(backend, key=world.keys["creator"], wait=True)
        await deploy(backend, schedule, key=world.keys["creator"], wait=True)
    shutil.rmtree(world.data_directory)
    return Distribution.from_schedule(schedule, world.contract).address.to_bech32()


async def payload(world: World, address: str, milestone: str = "milestone-001") -> str:
    run = await world.cli(
        *("oracle", "payload", "--contract-address", address),
        *("--milestone-identifier", milestone, "--verification-timestamp", "2026-01-01T00:00:00Z"),
        OGMIOS_URL="ws://127.0.0.1:9",
        KUPO_URL="http://127.0.0.1:9",
    )
    assert run.exit_code == 0, run.stderr
    signed_data = run.json["signed_data"]
    assert isinstance(signed_data, str)
    return signed_data


async def sign(world: World, oracle: str, signed_data: str, *options: str, **variables: str) -> Any:
    return await world.cli(
        *("oracle", "sign", "--signed-data", signed_data),
        *("--signing-key-path", world.key_file(oracle)),
        *options,
        **variables,
    )


def signatures(world: World, address: str, milestone: str = "milestone-001") -> str:
    """A signatures.json by two oracles, who sign with a program of their own."""
    distribution_id = Address.from_bech32(address).staking.hash
    statement = MilestoneStatement(
        world.contract.policy_id, distribution_id, milestone.encode(), b"", 1_767_225_600_000
    )
    entries = [
        {
            "oracle_address": world.address(oracle).to_bech32(),
            "signature": world.keys[oracle].sign(statement.signed_data).hex(),
            "signed_data": statement.signed_data.hex(),
            "signature_timestamp": 1_767_225_601,
            "verification_key": world.keys[oracle].verification_key.hex(),
        }
        for oracle in ("oracle-0", "oracle-1")
    ]
    return world.write_json(f"signatures_{milestone}.json", entries)


async def commit(world: World, file: str, *options: str, milestone: str = "milestone-001") -> Any:
    return await world.cli(
        *("commit-milestone", "--milestone-identifier", milestone),
        *("--oracle-signatures", file),
        *options,
    )


async def test_from_the_payload_to_the_status(world: World, address: str) -> None:
    file = str(world.directory / "signatures.json")
    signed_data = await payload(world, address)
    for oracle in ("oracle-0", "oracle-1"):
        run = await sign(world, oracle, signed_data, "--output", file)
        assert run.exit_code == 0, run.stderr
    entries = json.loads(Path(file).read_text(encoding="utf-8"))
    assert [set(entry) for entry in entries] == 2 * [
        {"oracle_address", "signature", "signed_data", "signature_timestamp", "verification_key"}
    ]
    quorum = ("--quorum-threshold", "2", "--total-oracles", "3")
    stored = await commit(world, file, *quorum)
    assert stored.exit_code == 0, stored.stderr
    assert stored.json["status"] == "stored"
    assert stored.json["verified"] is True
    record = world.data_directory / "milestones" / "milestone-001.json"
    assert stored.json["file"] == str(record)
    assert record.exists()

    where = ("--contract-address", address)
    milestone = ("--milestone-identifier", "milestone-001")
    before = await world.cli("check-status", *where, *milestone)
    assert before.exit_code == 0, before.stderr
    assert before.json["milestones"][0]["source"] == "local"
    assert before.json["contract_state"]["unclaimed_count"] == 5

    dry = await world.cli("attest", *where, *milestone, "--dry-run", key="stranger")
    assert (dry.exit_code, dry.json["status"]) == (0, "dry_run")
    attested = await world.cli("attest", *where, *milestone, "--wait", key="stranger")
    assert attested.exit_code == 0, attested.stderr
    assert attested.json["status"] == "confirmed"
    again = await world.cli("attest", *where, *milestone, key="stranger")
    assert (again.exit_code, again.json["error"]["details"]["rule"]) == (5, "attested")

    beneficiary = world.address("beneficiary-0").to_bech32()
    amounts = await world.cli(
        "calculate-distribution", *where, "--beneficiary-address", beneficiary
    )
    assert amounts.exit_code == 0, amounts.stderr
    assert amounts.json["claimable_amount"] == 1_000
    assert amounts.json["allocations"][0]["reason"] == "claimable"
    after = await world.cli("check-status", *where)
    assert [m["attested"] for m in after.json["milestones"]] == [True, False, False]
    assert list(after.json)[-1] == "warnings"


async def test_an_oracle_sees_what_it_signs_on_standard_error(world: World, address: str) -> None:
    run = await sign(world, "oracle-0", await payload(world, address))
    assert run.exit_code == 0
    assert "milestone 'milestone-001' was reached at 2026-01-01 00:00:00 UTC" in run.stderr
    assert address in run.stderr
    assert run.json["oracle_address"] == world.address("oracle-0").to_bech32()


async def test_an_oracle_signs_offline_with_the_schedule(world: World, address: str) -> None:
    nowhere = {"OGMIOS_URL": "ws://127.0.0.1:9", "KUPO_URL": "http://127.0.0.1:9"}
    schedule = str(world.directory / "schedule.json")
    signed_data = await payload(world, address)
    run = await sign(world, "oracle-0", signed_data, "--schedule", schedule, **nowhere)
    assert run.exit_code == 0, run.stderr
    online = await sign(world, "oracle-0", signed_data, **nowhere)
    assert (online.exit_code, online.json["error"]["code"]) == (3, "service_unavailable")
    other = await sign(
        world, "oracle-0", signed_data, "--schedule", schedule, CARDANO_NETWORK="preprod"
    )
    assert (other.exit_code, other.json["error"]["details"]["path"]) == (2, "network")


async def test_nothing_senseless_is_signed(world: World) -> None:
    senseless = {
        (): "signed_data",
        ("--signed-data", "zz"): "signed_data",
        ("--signed-data", "00"): "signed_data",
        ("--milestone-identifier", "m"): "signed_data",
        ("--signed-data", "00", "--milestone-identifier", "m"): "signed_data",
        ("--contract-address", "addr_test1bad", "--milestone-identifier", "m"): "contract_address",
    }
    world.key_file("oracle-0")
    runs = await asyncio.gather(
        *(world.cli("oracle", "sign", *arguments, key="oracle-0") for arguments in senseless)
    )
    for run, path in zip(runs, senseless.values(), strict=True):
        assert (run.exit_code, run.json["error"]["details"]["path"]) == (2, path)
        assert run.stderr.startswith("error: ")


async def test_a_key_that_is_none_of_the_oracles_is_refused(world: World, address: str) -> None:
    run = await sign(world, "stranger", await payload(world, address))
    assert (run.exit_code, run.json["error"]["details"]["path"]) == (2, "signing_key_path")


async def test_evidence_is_hashed_from_a_file(world: World, address: str) -> None:
    report = world.directory / "report.txt"
    report.write_text("done", encoding="utf-8")
    where = ("--contract-address", address, "--milestone-identifier", "milestone-001")
    run = await world.cli("oracle", "payload", *where, "--evidence-file", str(report))
    digest = run.json["evidence_hash"]
    assert len(digest) == 64
    same = await world.cli("oracle", "payload", *where, "--evidence-hash", digest)
    assert same.json["evidence_hash"] == digest
    both = await world.cli(
        *("oracle", "payload", *where, "--evidence-hash", digest),
        *("--evidence-file", str(report)),
    )
    assert (both.exit_code, both.json["error"]["details"]["path"]) == (2, "evidence_hash")


async def test_a_malformed_entry_is_refused_by_its_path(world: World, address: str) -> None:
    file = Path(signatures(world, address))
    entries = json.loads(file.read_text(encoding="utf-8"))
    entries[1]["signed_data"] = entries[1]["signed_data"][:-2]
    file.write_text(json.dumps(entries), encoding="utf-8")
    run = await commit(world, str(file), "--quorum-threshold", "2", "--total-oracles", "3")
    assert (run.exit_code, run.json["error"]["code"]) == (2, "invalid_signature")
    assert run.json["error"]["details"]["path"] == "oracle_signatures[1].signed_data"
    assert "oracle_signatures[1].signed_data" in run.stderr
    assert not list(world.data_directory.glob("milestones/*.json"))


async def test_a_file_that_is_not_there_or_no_json(world: World) -> None:
    absent = await commit(world, str(world.directory / "absent.json"))
    assert (absent.exit_code, absent.json["error"]["details"]["path"]) == (2, "oracle_signatures")
    (world.directory / "broken.json").write_text("[{", encoding="utf-8")
    broken = await commit(world, str(world.directory / "broken.json"))
    assert broken.exit_code == 2
    assert "is not JSON" in broken.json["error"]["message"]


async def test_a_batch_of_milestones_in_a_loop(world: World, address: str) -> None:
    """The quickstart's third workflow: no numbers are given, the terms are read from the chain."""
    for milestone in ("milestone-001", "milestone-002", "milestone-003"):
        file = signatures(world, address, milestone)
        run = await commit(world, file, milestone=milestone)
        assert run.exit_code == 0, run.stderr
        assert (run.json["quorum_threshold"], run.json["total_oracles"]) == (2, 3)
    status = await world.cli("check-status", "--contract-address", address)
    assert [m["quorum_status"] for m in status.json["milestones"]] == ["met"] * 3


async def test_processes_commit_at_the_same_time(world: World, address: str) -> None:
    signed_data = await payload(world, address)
    files = [str(world.directory / f"{number}.json") for number in range(3)]
    for number in range(3):
        world.key_file(f"oracle-{number}")
    await asyncio.gather(
        *(sign(world, f"oracle-{n}", signed_data, "--output", files[n]) for n in range(3))
    )
    runs = await asyncio.gather(*(commit(world, file) for file in files))
    assert [run.exit_code for run in runs] == [0, 0, 0]
    status = await world.cli("check-status", "--contract-address", address)
    assert status.json["milestones"][0]["signature_count"] == 3


async def test_what_is_not_there_has_exit_code_4(world: World, address: str) -> None:
    where = ("--contract-address", address)
    milestone = await world.cli("check-status", *where, "--milestone-identifier", "milestone-009")
    assert (milestone.exit_code, milestone.json["error"]["code"]) == (4, "not_found")
    stranger = world.address("stranger").to_bech32()
    beneficiary = await world.cli(
        "calculate-distribution", *where, "--beneficiary-address", stranger
    )
    assert beneficiary.exit_code == 4
    assert stranger in beneficiary.json["error"]["message"]


async def test_not_deployed_and_not_ours(world: World) -> None:
    distribution = Distribution.from_schedule(parse_schedule(world.schedule()), world.contract)
    where = ("--contract-address", distribution.address.to_bech32())
    missing = await world.cli("check-status", *where)
    assert (missing.exit_code, missing.json["error"]["code"]) == (4, "not_found")
    assert "has not been deployed" in missing.stderr
    ours = ("--contract-address", world.address("stranger").to_bech32())
    run = await world.cli("check-status", *ours)
    assert (run.exit_code, run.json["error"]["code"]) == (2, "invalid_address")


async def test_a_quorum_that_is_missing_stops_the_attestation(world: World, address: str) -> None:
    where = ("--contract-address", address, "--milestone-identifier", "milestone-001")
    run = await world.cli("attest", *where, key="stranger")
    assert (run.exit_code, run.json["error"]["details"]["rule"]) == (5, "quorum")
    no_key = await world.cli("attest", *where)
    assert (no_key.exit_code, no_key.json["error"]["code"]) == (2, "invalid_configuration")


async def test_a_forged_signature_is_named_with_exit_code_7(world: World, address: str) -> None:
    file = Path(signatures(world, address))
    entries = json.loads(file.read_text(encoding="utf-8"))
    entries[0]["signature"] = "00" * 64
    file.write_text(json.dumps(entries), encoding="utf-8")
    assert (await commit(world, str(file))).exit_code == 0
    run = await world.cli(
        *("attest", "--contract-address", address, "--milestone-identifier", "milestone-001"),
        key="stranger",
    )
    assert (run.exit_code, run.json["error"]["code"]) == (7, "rejected_by_the_chain")
    assert run.json["error"]["details"]["refused_oracles"] == [entries[0]["oracle_address"]]


async def test_a_wallets_answer_is_imported(world: World, address: str) -> None:
    """Out of a file or standard input; the hint says what to do with anything else."""
    key, oracle = world.keys["oracle-0"], world.address("oracle-0")
    signed_data = bytes.fromhex(await payload(world, address))
    protected = cbor2.dumps({1: -8, "address": oracle.to_bytes()})
    signature = key.sign(cbor2.dumps(["Signature1", protected, b"", signed_data]))
    answer = {
        "signature": cbor2.dumps([protected, {"hashed": False}, signed_data, signature]).hex(),
        "key": cbor2.dumps({1: 1, 3: -8, -1: 6, -2: key.verification_key}).hex(),
    }
    file = world.write_json("answer.json", answer)
    output = ("--output", str(world.directory / "signatures.json"))
    imported = await world.cli("oracle", "import", file, *output)
    assert imported.exit_code == 0, imported.stderr
    assert imported.json["oracle_address"] == oracle.to_bech32()
    assert "milestone 'milestone-001' was reached at 2026-01-01" in imported.stderr
    committed = await commit(world, output[1])
    assert committed.json["signature_count"] == 1
    pasted = subprocess.run(
        [sys.executable, "-m", "milestones", "oracle", "import", "-"],
        input=json.dumps(answer),
        cwd=world.directory,
        env={**os.environ, "CARDANO_NETWORK": "devnet"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(pasted.stdout) == imported.json
    other = await world.cli("oracle", "import", output[1])
    assert (other.exit_code, other.json["error"]["details"]["path"]) == (2, "answer")


async def test_the_bytes_that_others_signed_are_found_in_their_file(
    world: World, address: str
) -> None:
    """With the same words and another's file, without a time; or with the file that is added to."""
    file = signatures(world, address)
    where = ("--contract-address", address, "--milestone-identifier", "milestone-001")
    again = await world.cli("oracle", "payload", *where, "--signatures", file)
    assert again.json["signed_data"] == await payload(world, address)
    assert again.json["time_from"] == "signed"
    key = ("--signing-key-path", world.key_file("oracle-2"))
    signed = await world.cli("oracle", "sign", *where, *key, "--output", file)
    assert signed.exit_code == 0, signed.stderr
    assert signed.json["signed_data"] == again.json["signed_data"]
    unsaid = await world.cli("oracle", "payload", *where)
    assert unsaid.json["time_from"] == "clock"
    assert "warning: no time was given" in unsaid.stderr
