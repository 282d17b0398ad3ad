"""The edge cases of the specification, in its order. Services, lines, files and keys are broken for real."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from milestones.cardano.address import Address
from milestones.protocol.validator_loader import Contract
from milestones.testing.cast import ADA
from milestones.testing.cutting_proxy import Moment, cutting_proxy
from milestones.testing.grant import (
    FIRST,
    HOUR,
    Grant,
    allocation,
    five_allocations,
    open_grant,
    set_up,
)
from milestones.testing.processes import CommandResult, DevnetProcess, ProcessWorld
from tests.support.checkout import OFFCHAIN

BLUEPRINT = OFFCHAIN.parent / "contracts" / "compiled" / "plutus.json"
NOWHERE = {"OGMIOS_URL": "ws://127.0.0.1:9", "KUPO_URL": "http://127.0.0.1:9"}


def commands(grant: Grant) -> list[tuple[str, ...]]:
    """Every command that needs the services."""
    milestone = ("--milestone-identifier", FIRST)
    key = ("--signing-key-path", grant.world.key_file("creator"))
    return [
        ("check-status", *grant.where),
        (
            *("calculate-distribution", *grant.where),
            *("--beneficiary-address", grant.world.address("beneficiary-0")),
        ),
        ("submit-release", *grant.where, "--all", *key),
        ("attest", *grant.where, *milestone, *key),
        ("close", *grant.where, *key),
        ("verify", *grant.where),
        ("publish-script", *key),
        ("deploy", *grant.where, *key),
        ("transaction", 64 * "0"),
    ]


def all_at_once(
    checkout: ProcessWorld, lines: Sequence[tuple[str, ...]], **environment: str
) -> list[CommandResult]:
    """Runs commands side by side."""
    processes = [checkout.start(*line, **environment) for line in lines]
    outputs = [process.communicate(timeout=120) for process in processes]
    return [
        CommandResult(process.returncode, stdout, stderr)
        for process, (stdout, stderr) in zip(processes, outputs, strict=True)
    ]


# -- EC-1


def test_ec_1_without_a_node_every_command_says_so_and_how_to_start_it(
    fragile: tuple[ProcessWorld, DevnetProcess],
) -> None:
    checkout, devnet = fragile
    set_up(checkout)
    grant = open_grant(checkout, five_allocations(checkout))
    devnet.kill()
    for ran in all_at_once(checkout, commands(grant)):
        assert (ran.exit_code, ran.error["code"]) == (3, "service_unavailable")
        details = ran.error["details"]
        assert details["url"] in ran.stderr
        assert details["service"] in ("Ogmios", "Kupo")
        assert "docker compose up -d" in ran.error["hint"]
        assert "milestones devnet" in ran.error["hint"]
        assert f"hint: {ran.error['hint']}" in ran.stderr
    devnet.start()
    assert grant.status()["contract_state"]["unclaimed_count"] == 5


def test_ec_1_ogmios_runs_but_has_lost_its_node(grant: Grant) -> None:
    grant.world.control("freeze", interface="ogmios", fault="disconnected")
    report = grant.world.run("init")
    assert report.exit_code == 3
    services = report.json["services"]
    assert services["ogmios"]["connected"] is True
    assert services["cardano_node"]["connected"] is False
    assert "start cardano-node" in report.stderr
    assert services["cardano_node"]["reason"] == "Ogmios has no connection to its node"
    with grant.nothing_sent():
        for ran in (grant.check(), grant.release("--all")):
            assert (ran.exit_code, ran.error["code"]) == (3, "service_unavailable")
            assert ran.error["details"]["service"] == "Ogmios"
            assert "and the node" in ran.error["hint"]


# -- EC-2


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_ec_2_a_line_that_breaks_while_submitting_is_told_and_nothing_is_paid_twice(
    attested: Grant, moment: Moment
) -> None:
    url, first = attested.world.ready["ogmios_url"], ("--beneficiary-index", "0")
    async with cutting_proxy(url, moment) as proxy:
        lost = await asyncio.to_thread(attested.release, *first, OGMIOS_URL=proxy.url)
    assert proxy.cuts == 1
    assert (lost.exit_code, lost.error["code"]) == (8, "outcome_unknown")
    transaction = lost.error["details"]["transaction_id"]
    assert f"milestones transaction {transaction}" in lost.stderr
    assert attested.world.tokens_of("beneficiary-0") == (1_000 if moment == "after" else 0)

    # Built anew it would be another transaction by now: its time limits would be later ones.
    attested.reach(60)
    again = attested.release(*first, "--wait")
    assert (again.exit_code, again.json["status"]) == (0, "confirmed")
    assert again.json["transaction_hash"] == transaction
    assert attested.world.tokens_of("beneficiary-0") == 1_000
    third = attested.release(*first)
    assert third.error["details"]["rule"] == "claimed"


async def test_ec_2_what_never_arrived_is_told_once_it_has_expired_and_replaced(
    attested: Grant,
) -> None:
    checkout, first = attested.world, ("--beneficiary-index", "0")
    async with cutting_proxy(checkout.ready["ogmios_url"], "before") as proxy:
        lost = await asyncio.to_thread(attested.release, *first, OGMIOS_URL=proxy.url)
    transaction = lost.error["details"]["transaction_id"]
    assert checkout.succeed("transaction", transaction)["status"] == "unknown"
    attested.reach(3 * HOUR)
    told = checkout.succeed("transaction", transaction)
    assert (told["status"], told["command"]) == ("expired", "submit-release")
    assert "which has passed" in told["reason"]
    again = attested.release(*first, "--wait")
    assert (again.exit_code, again.json["status"]) == (0, "confirmed")
    assert again.json["transaction_hash"] != transaction
    assert checkout.tokens_of("beneficiary-0") == 1_000


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_ec_2_a_node_that_dies_while_submitting_costs_nothing_but_time(
    fragile: tuple[ProcessWorld, DevnetProcess], moment: Moment
) -> None:
    checkout, devnet = fragile
    set_up(checkout)
    grant = open_grant(checkout, five_allocations(checkout))
    grant.attest(FIRST)
    chosen = ("--milestone-identifier", FIRST)
    async with cutting_proxy(checkout.ready["ogmios_url"], moment, devnet.kill) as proxy:
        lost = await asyncio.to_thread(grant.release, *chosen, OGMIOS_URL=proxy.url)
    transaction = lost.error["details"]["transaction_id"]
    assert lost.exit_code == 8
    assert grant.release(*chosen).exit_code == 3

    devnet.start()
    again = grant.release(*chosen, "--wait")
    assert again.exit_code == 0, again.stderr
    assert again.json["transaction_hash"] == transaction
    assert (checkout.tokens_of("beneficiary-0"), checkout.tokens_of("beneficiary-1")) == (
        1_000,
        2_000,
    )
    assert len(grant.status()["claims"]) == 2


# -- EC-3


def test_ec_3_an_index_that_is_behind_is_reported_and_warned_of(attested: Grant) -> None:
    checkout = attested.world
    assert attested.status()["sync"]["status"] == "synced"
    checkout.control("freeze", interface="kupo", fault="stale")
    checkout.control("advance", seconds=1_000)
    report = checkout.run("init")
    assert (report.exit_code, report.json["status"]) == (0, "degraded")
    assert report.json["services"]["kupo"]["sync_status"] in ("syncing", "stale")
    assert report.json["services"]["kupo"]["slots_behind"] >= 1_000
    who = ("--beneficiary-address", checkout.address("beneficiary-0"))
    runs = [
        attested.check(),
        checkout.run("calculate-distribution", *attested.where, *who),
        attested.release("--beneficiary-index", "0", "--dry-run"),
        checkout.run("verify", *attested.where),
        checkout.run("transaction", 64 * "0"),
    ]
    for ran in runs:
        assert ran.exit_code == 0, ran.stderr
        assert "may be stale" in ran.stderr
        assert any(each.startswith("Kupo is ") for each in ran.json["warnings"])
    sync = runs[0].json["sync"]
    assert sync["status"] in ("syncing", "stale")
    assert sync["node_slot"] - sync["checkpoint_slot"] >= 1_000
    # What an index that is behind could make happen twice is not done.
    creator = ("--signing-key-path", checkout.key_file("creator"))
    with attested.nothing_sent():
        refused = checkout.run("publish-script", *creator)
        assert (refused.exit_code, refused.error["code"]) == (3, "service_out_of_sync")
        assert f"up to slot {sync['checkpoint_slot']}" in refused.stderr
    checkout.control("unfreeze")
    assert attested.check().stderr == ""


# -- EC-4


def truncated(path: Path) -> None:
    path.write_text(path.read_text()[:-100])


def tampered(path: Path) -> None:
    blueprint = json.loads(path.read_text())
    validator = blueprint["validators"][0]
    validator["compiledCode"] = validator["compiledCode"][:-2] + "00"
    path.write_text(json.dumps(blueprint))


def without_scripts(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "validators": []}))


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (truncated, "the file is not JSON"),
        (binary, "is not text in UTF-8"),
        (tampered, "the code's hash is"),
        (without_scripts, "no validator vault"),
        (Path.unlink, "there is no such file"),
    ],
)
def test_ec_4_a_validator_file_that_cannot_be_used_is_refused(
    attested: Grant, damage: Callable[[Path], None], told: str
) -> None:
    path = attested.world.folder / "plutus.json"
    shutil.copy(BLUEPRINT, path)
    check = ("check-status", *attested.where)
    assert attested.check(MILESTONES_BLUEPRINT="plutus.json").exit_code == 0
    damage(path)
    paying = ("--all", "--signing-key-path", attested.world.key_file("relayer"))
    release = ("submit-release", *attested.where, *paying)
    register = ("register-milestone", "--schedule", "schedule.json")
    lines = [check, release, register, ("init",)]
    with attested.nothing_sent():
        runs = all_at_once(attested.world, lines, MILESTONES_BLUEPRINT="plutus.json")
    for ran in runs:
        assert (ran.exit_code, ran.error["code"]) == (2, "invalid_blueprint")
        assert told in ran.error["message"]
        assert str(path) in ran.stderr


# -- EC-5


def test_ec_5_insufficient_collateral_is_calculated_and_reported_before_submission(
    blank: ProcessWorld,
) -> None:
    """The wallet could pay the fee, but what it would put at stake holds tokens, whose change needs ADA."""
    now = blank.now
    entries = [allocation(blank, "beneficiary-1", 5 * ADA, FIRST, now - 60)]
    grant = open_grant(blank, entries, policy_id="", CARDANO_NETWORK="devnet")
    grant.attest(FIRST)
    blank.control(
        "faucet", address=blank.address("beneficiary-2"), lovelace=1_300_000, tokens={"aa": 5}
    )
    with grant.nothing_sent():
        ran = grant.release("--all", key="beneficiary-2")
        assert (ran.exit_code, ran.error["code"]) == (6, "insufficient_collateral")
    details = ran.error["details"]
    assert details["required_lovelace"] > details["available_lovelace"] == 1_300_000
    assert f"{details['required_lovelace']} lovelace are needed" in ran.stderr
    assert "collateral" in ran.stderr
    missing = details["required_lovelace"] - 1_300_000
    blank.control("faucet", address=blank.address("beneficiary-2"), lovelace=max(missing, ADA))
    assert grant.release("--all", key="beneficiary-2").exit_code == 0


# -- EC-6


def test_ec_6_queries_run_side_by_side_in_one_folder(attested: Grant) -> None:
    who = ("--beneficiary-address", attested.world.address("beneficiary-0"))
    check = ("check-status", *attested.where)
    calculate = ("calculate-distribution", *attested.where, *who)
    shutil.rmtree(attested.world.data)
    runs = all_at_once(attested.world, 3 * [check, calculate])
    assert [ran.exit_code for ran in runs] == 6 * [0]
    assert {ran.stderr for ran in runs} == {""}
    states = [ran.json["contract_state"] for ran in runs[::2]]
    assert all(state == states[0] for state in states)
    assert {ran.json["claimable_amount"] for ran in runs[1::2]} == {1_000}
    assert attested.status()["discrepancies"] == []
    assert not list(attested.world.data.rglob("*.corrupt-*"))


def test_ec_6_a_query_that_hangs_holds_up_no_other(attested: Grant) -> None:
    """A service takes the first one's connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        check = ("check-status", *attested.where)
        hanging = attested.world.start(*check, KUPO_URL=f"http://127.0.0.1:{port}")
        connection, _ = silent.accept()
        try:
            assert attested.status()["contract_state"]["unclaimed_count"] == 5
            assert attested.amounts("beneficiary-0")["claimable_amount"] == 1_000
            assert hanging.poll() is None
        finally:
            connection.close()
            hanging.kill()
            hanging.communicate(timeout=20)


# -- EC-7


def test_ec_7_at_an_address_without_a_contract_nothing_is_found(
    blank: ProcessWorld, contract: Contract
) -> None:
    vault = Address.from_bytes(b"\x10" + contract.vault_hash + b"\xab" * 28)
    grant = Grant(blank, {"contract_address": vault.to_bech32()})
    queries = [line for line in commands(grant) if grant.address in line and "deploy" not in line]
    assert len(queries) == 6
    for ran in all_at_once(blank, queries):
        assert (ran.exit_code, ran.error["code"]) == (4, "not_found")
        assert grant.address in ran.error["message"]
        assert "has not been deployed" in ran.stderr


# -- EC-8


def test_ec_8_without_protocol_parameters_no_transaction_is_built(attested: Grant) -> None:
    attested.world.control("freeze", interface="ogmios", fault="dropping")
    release = ("--beneficiary-index", "0")
    building = [line for line in commands(attested) if "--signing-key-path" in line]
    assert len(building) == 5
    with attested.nothing_sent():
        dry = [(*line, "--dry-run") for line in building]
        for ran in all_at_once(attested.world, [*building, *dry]):
            assert (ran.exit_code, ran.error["code"]) == (3, "service_unavailable")
            assert ran.error["details"]["service"] == "Ogmios"
            assert attested.world.ready["ogmios_url"] in ran.stderr
            assert f"hint: {ran.error['hint']}" in ran.stderr
    attested.world.control("unfreeze")
    assert attested.release(*release).exit_code == 0


# -- EC-9


def test_ec_9_execution_limits_are_reported_with_the_script_that_exceeds_them(
    fragile: tuple[ProcessWorld, DevnetProcess],
) -> None:
    checkout, devnet = fragile
    set_up(checkout)
    grant = open_grant(checkout, five_allocations(checkout))
    grant.attest(FIRST)
    allowed = grant.release("--beneficiary-index", "0", "--dry-run").json
    restart_with_memory_limit(checkout, devnet, 50_000)
    with grant.nothing_sent():
        ran = grant.release("--beneficiary-index", "0")
        assert (ran.exit_code, ran.error["code"]) == (2, "limits_exceeded")
    (exceeded,) = ran.error["details"]["exceeded"]
    assert exceeded["limit"].startswith("the execution of spend")
    assert exceeded["maximum"] == 50_000 < allowed["transactions"][0]["memory"]
    assert "50000 units of memory" in ran.stderr
    assert "fewer claims" in ran.error["hint"]


def test_ec_9_what_all_scripts_together_would_take_is_calculated(
    fragile: tuple[ProcessWorld, DevnetProcess],
) -> None:
    """Claim and attestation fit each on its own, and not in one transaction: the hint says so."""
    checkout, devnet = fragile
    set_up(checkout)
    grant = open_grant(checkout, five_allocations(checkout))
    grant.collect(FIRST)
    (together,) = grant.release("--beneficiary-index", "0", "--dry-run").json["transactions"]
    limit = together["memory"] - 1
    restart_with_memory_limit(checkout, devnet, limit)
    with grant.nothing_sent():
        ran = grant.release("--beneficiary-index", "0")
        assert (ran.exit_code, ran.error["code"]) == (2, "limits_exceeded")
    (exceeded,) = ran.error["details"]["exceeded"]
    assert (exceeded["limit"], exceeded["unit"]) == ("execution memory", "units")
    assert (exceeded["actual"], exceeded["maximum"]) == (limit + 1, limit)
    assert f"execution memory is {limit + 1} units, at most {limit} are allowed" in ran.stderr
    budgets = ran.error["details"]["budgets"]
    assert [name.split()[0] for name in budgets] == ["mint", "spend"]
    assert sum(each["memory"] for each in budgets.values()) == limit + 1
    assert "the attestation on its own" in ran.error["hint"]
    grant.attest(FIRST)
    assert grant.release("--beneficiary-index", "0").exit_code == 0


def restart_with_memory_limit(checkout: ProcessWorld, devnet: DevnetProcess, memory: int) -> None:
    """The same chain, on which a transaction's scripts may use only so much memory."""
    parameters = protocol_parameters(checkout)
    parameters["maxExecutionUnitsPerTransaction"]["memory"] = memory
    file = checkout.write("parameters.json", parameters)
    devnet.kill()
    devnet.options = [*devnet.options, f"--parameters={checkout.folder / file}"]
    devnet.start()


def protocol_parameters(checkout: ProcessWorld) -> Any:
    """What Ogmios answers, asked without the program."""
    url = checkout.ready["ogmios_url"].replace("ws://", "http://")
    question = {"jsonrpc": "2.0", "method": "queryLedgerState/protocolParameters", "id": None}
    return httpx.post(url, json=question, trust_env=False).raise_for_status().json()["result"]


# -- EC-10

ENVELOPE = {
    "type": "PaymentSigningKeyShelley_ed25519",
    "description": "",
    "cborHex": "5820" + 64 * "1",
}
WRONG_KEYS: list[tuple[Any, str]] = [
    (None, "there is no such file"),
    ("my key", "is not JSON"),
    ([], "is not a JSON object"),
    ({}, "has no text `type` and `cborHex`"),
    ({**ENVELOPE, "cborHex": "5820" + 62 * "1"}, "is not one CBOR byte string"),
    ({**ENVELOPE, "cborHex": "581f" + 62 * "1"}, "has 32 bytes, not 31"),
    ({**ENVELOPE, "type": "PaymentVerificationKeyShelley_ed25519"}, "is a verification key"),
    ({**ENVELOPE, "type": "StakeSigningKeyShelley_ed25519"}, "is a stake key, which can't pay"),
]


def test_ec_10_a_signing_key_is_validated_before_anything_else(attested: Grant) -> None:
    """No service is there in these runs: the key is looked at before anybody is asked."""
    lines = []
    for number, (content, _) in enumerate(WRONG_KEYS):
        path = attested.world.folder / f"{number}.skey"
        if content is not None:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        lines.append(("submit-release", *attested.where, "--all", "--signing-key-path", path.name))
    runs = all_at_once(attested.world, lines, **NOWHERE)
    for number, (ran, (_, told)) in enumerate(zip(runs, WRONG_KEYS, strict=True)):
        assert (ran.exit_code, ran.error["code"]) == (2, "invalid_key_file")
        assert told in ran.error["message"]
        assert f"{number}.skey" in ran.stderr
        assert "1" * 40 not in ran.stdout + ran.stderr
    without = attested.world.run("submit-release", *attested.where, "--all")
    assert (without.exit_code, without.error["details"]["path"]) == (2, "signing_key_path")


# -- EC-11


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text(path.read_text()[:-40]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(bytes(range(256))),
        lambda path: path.write_text('{"milestone_identifier": "milestone-001"}'),
    ],
    ids=["truncated", "empty", "binary", "of another shape"],
)
def test_ec_11_a_corrupted_record_is_rebuilt_from_the_chain_with_a_warning(
    attested: Grant, damage: Callable[[Path], Any]
) -> None:
    before = json.loads(attested.record().read_text())
    damage(attested.record())
    ran = attested.check()
    assert ran.exit_code == 0
    assert ran.json["rebuilt_records"] == [FIRST]
    assert "warning: " in ran.stderr
    assert str(attested.record()) in ran.stderr
    rebuilt = json.loads(attested.record().read_text())
    assert _signatures(rebuilt) == _signatures(before)
    assert rebuilt["quorum_status"] == "met"
    assert attested.record().with_name(f"{FIRST}.json.corrupt-1").exists()
    healthy = attested.check()
    assert (healthy.stderr, healthy.json["rebuilt_records"]) == ("", [])


def test_ec_11_everything_in_the_data_directory_may_be_damaged(attested: Grant) -> None:
    attested.status()
    journal = attested.world.data / "journal.sqlite3"
    files = [*attested.world.data.rglob("*.json"), journal]
    assert {path.parent.name for path in files[:-1]} == {"milestones", "cache", "schedules"}
    for path in files:
        path.write_text("{")
    ran = attested.check()
    assert ran.exit_code == 0
    assert ran.json["contract_state"]["unclaimed_count"] == 5
    (first, *_) = ran.json["milestones"]
    assert (first["verified"], first["source"]) == (True, "chain")
    paid = attested.release("--beneficiary-index", "0", "--wait")
    assert paid.exit_code == 0, paid.stderr
    assert attested.world.tokens_of("beneficiary-0") == 1_000
    told = ran.stderr + paid.stderr
    for path in files:
        # The network's price of storage is kept for the registration alone.
        assert (path.name in told) == (path.name != "network.json")
    assert "is rebuilt from the chain" in told
    (lost,) = [line for line in told.splitlines() if line.startswith(f"warning: {journal}")]
    assert "rebuilt" not in lost
    assert "transactions may still be on their way" in lost
    assert journal.with_name(f"{journal.name}.corrupt-1").read_text() == "{"


def test_ec_11_a_deleted_file_is_rebuilt_too(attested: Grant) -> None:
    """The quickstart's way: delete the corrupted file, and query the status."""
    attested.record().unlink()
    assert attested.status()["rebuilt_records"] == [FIRST]
    assert attested.record().exists()


def _signatures(record: Any) -> list[tuple[str, str]]:
    return sorted(
        (each["oracle_address"], each["signature"]) for each in record["oracle_signatures"]
    )
