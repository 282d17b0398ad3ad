"""The mission's quickstart, as written there, against the program and the embedded chain as processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from milestones.testing.cast import TOKEN_NAME
from milestones.testing.processes import ProcessWorld

YEAR = 31_536_000


def allocations(checkout: ProcessWorld, now: int) -> list[dict[str, Any]]:
    """Two allocations of one beneficiary and one of another; the last vests in a year."""
    return [
        {
            "beneficiary_address": checkout.address("beneficiary-0"),
            "token_amount": 1_000_000,
            "milestone_identifier": "milestone-001",
            "vesting_timestamp": now - 60,
        },
        {
            "beneficiary_address": checkout.address("beneficiary-1"),
            "token_amount": 2_000_000,
            "milestone_identifier": "milestone-001",
            "vesting_timestamp": now - 60,
        },
        {
            "beneficiary_address": checkout.address("beneficiary-0"),
            "token_amount": 3_000_000,
            "milestone_identifier": "milestone-002",
            "vesting_timestamp": now + YEAR,
        },
    ]


def register(checkout: ProcessWorld) -> Any:
    """Steps 1 and 2."""
    checkout.succeed("init", "--network", "testnet", MILESTONES_SIGNING_KEY="creator.skey")
    now = checkout.state()["now_posix_ms"] // 1000
    checkout.write("allocations.json", allocations(checkout, now))
    return checkout.succeed(
        "register-milestone",
        "--token-policy-id",
        checkout.policy_id,
        "--token-name",
        TOKEN_NAME.decode(),
        "--beneficiary-allocations",
        "allocations.json",
        "--oracle-addresses",
        ",".join(checkout.address(f"oracle-{n}") for n in (0, 1, 2)),
        "--quorum-threshold",
        "2",
        "--creator",
        checkout.address("creator"),
        "--reclaim-after",
        str(now + 2 * YEAR),
        "--output",
        "schedule.json",
    )


def deploy(checkout: ProcessWorld) -> str:
    """Steps 1 to 3; the contract's address."""
    checkout.key_file("creator")
    registered = register(checkout)
    key = ("--signing-key-path", "creator.skey", "--wait")
    checkout.succeed("publish-script", *key)
    checkout.succeed("deploy", "--schedule", "schedule.json", *key)
    address: str = registered["contract_address"]
    return address


def sign(checkout: ProcessWorld, contract: str, milestone: str = "milestone-001") -> str:
    """Two oracles sign; the name of the file with their signatures."""
    payload = checkout.succeed(
        "oracle", "payload", "--contract-address", contract, "--milestone-identifier", milestone
    )
    file = f"signatures_{milestone}.json"
    for oracle in ("oracle-0", "oracle-1"):
        checkout.succeed(
            "oracle",
            "sign",
            "--signed-data",
            payload["signed_data"],
            "--signing-key-path",
            checkout.key_file(oracle),
            "--output",
            file,
        )
    return file


def commit(checkout: ProcessWorld, file: str) -> Any:
    """Step 4."""
    return checkout.succeed(
        "commit-milestone",
        "--milestone-identifier",
        "milestone-001",
        "--oracle-signatures",
        file,
        "--quorum-threshold",
        "2",
        "--total-oracles",
        "3",
    )


def status_of(checkout: ProcessWorld, contract: str) -> Any:
    """The milestone's entry in step 5, and the contract's state."""
    status = checkout.succeed(
        "check-status",
        "--contract-address",
        contract,
        "--milestone-identifier",
        "milestone-001",
    )
    (milestone,) = status["milestones"]
    return milestone, status["contract_state"]


def test_the_quickstart_steps_1_to_7(checkout: ProcessWorld) -> None:
    """Every step works as written, and prints the quickstart's fields."""
    initialized = checkout.succeed("init", "--network", "testnet")
    assert initialized["status"] == "success"
    assert initialized["services"]["ogmios"]["connected"] is True
    assert initialized["services"]["ogmios"]["version"]
    assert initialized["services"]["kupo"]["connected"] is True
    assert initialized["services"]["kupo"]["sync_status"] == "synced"
    node = initialized["services"]["cardano_node"]
    assert (node["connected"], node["network"]) == (True, "testnet")

    contract = deploy(checkout)
    committed = commit(checkout, sign(checkout, contract))
    assert committed["verified"] is True
    record = checkout.folder / "data" / "milestones" / "milestone-001.json"
    assert len(json.loads(record.read_text())["oracle_signatures"]) == 2

    milestone, state = status_of(checkout, contract)
    assert milestone["milestone_identifier"] == "milestone-001"
    assert milestone["verified"] is True
    assert milestone["quorum_status"] == "met"
    assert (milestone["signature_count"], milestone["quorum_threshold"]) == (2, 2)
    assert milestone["vesting_passed"] is True
    assert state["total_token_amount"] == state["remaining_token_amount"] == 6_000_000
    assert (state["claimed_count"], state["unclaimed_count"]) == (0, 3)

    ada = checkout.address("beneficiary-0")
    calculated = checkout.succeed(
        "calculate-distribution", "--contract-address", contract, "--beneficiary-address", ada
    )
    assert calculated["beneficiary_address"] == ada
    assert calculated["claimable_amount"] == 1_000_000
    first = calculated["allocations"][0]
    assert first["milestone_identifier"] == "milestone-001"
    assert first["token_amount"] == 1_000_000
    assert (first["claimable"], first["vesting_passed"]) == (True, True)

    released = checkout.succeed(
        "submit-release",
        "--contract-address",
        contract,
        "--beneficiary-address",
        ada,
        "--beneficiary-index",
        "0",
        "--milestone-identifier",
        "milestone-001",
        "--signing-key-path",
        checkout.key_file("beneficiary-0"),
    )
    assert len(bytes.fromhex(released["transaction_hash"])) == 32
    assert released["status"] == "submitted"
    assert released["fee_estimate"] > 0
    assert released["collateral_amount"] > 0
    assert checkout.tokens_of("beneficiary-0") == 1_000_000


THE_MISSIONS_SCRIPT = """
set -e
python cli.py init --network testnet > init.json

python cli.py register-milestone \\
  --token-policy-id "$POLICY" \\
  --beneficiary-allocations allocations.json \\
  --oracle-addresses $ORACLES \\
  --quorum-threshold 2 > registered.json

python cli.py publish-script --signing-key-path payment.skey --wait > published.json
CONTRACT=$(of contract_address registered.json)
python cli.py deploy --contract-address "$CONTRACT" --signing-key-path payment.skey --wait > deployed.json

SIGNED_DATA=$(python cli.py oracle payload --contract-address "$CONTRACT" \\
  --milestone-identifier "milestone-001" | of signed_data)
sign "$SIGNED_DATA" > signatures.json
python cli.py commit-milestone \\
  --milestone-identifier "milestone-001" \\
  --oracle-signatures signatures.json \\
  --quorum-threshold 2 \\
  --total-oracles 3 > committed.json
test -f data/milestones/milestone-001.json

python cli.py check-status \\
  --contract-address "$CONTRACT" \\
  --milestone-identifier "milestone-001" > status.json

python cli.py attest --contract-address "$CONTRACT" --milestone-identifier "milestone-001" \\
  --oracle-keys oracle-0.vkey,oracle-1.vkey --signing-key-path payment.skey --wait > attested.json

python cli.py calculate-distribution \\
  --contract-address "$CONTRACT" \\
  --beneficiary-address "$BENEFICIARY" > calculated.json

python cli.py submit-release \\
  --contract-address "$CONTRACT" \\
  --beneficiary-address "$BENEFICIARY" \\
  --beneficiary-index 0 \\
  --milestone-identifier "milestone-001" \\
  --signing-key-path payment.skey > released.json
"""
"""The commands as they stand in the quickstart, and between them what it leaves to its reader.

That is: opening the distribution, signing, and giving the oracles' keys, which its signatures don't hold.
"""

SIGNER = """
import json, sys
from pathlib import Path
from nacl.signing import SigningKey
entries = []
for name in ("oracle-0", "oracle-1"):
    key = json.loads(Path(f"{name}.skey").read_text())
    signature = SigningKey(bytes.fromhex(key["cborHex"])[2:]).sign(bytes.fromhex(sys.argv[1])).signature
    address = json.loads(Path("addresses.json").read_text())[name]
    entries.append({
        "oracle_address": address,
        "signature": signature.hex(),
        "signed_data": sys.argv[1],
        "signature_timestamp": 1735689600,
    })
print(json.dumps(entries))
"""
"""A signer of somebody's own, which writes the quickstart's four fields."""

READER = """
import json, sys
print(json.load(open(sys.argv[2]) if len(sys.argv) > 2 else sys.stdin)[sys.argv[1]])
"""


def test_the_missions_commands_run_as_they_stand(checkout: ProcessWorld) -> None:
    """A shell script of them, with the quickstart's own times; the token has no name, as there."""
    checkout.control("faucet", address=checkout.address("creator"), tokens={"": 3_000_000})
    checkout.keys["creator"].save(checkout.folder / "payment.skey")
    oracles = ("oracle-0", "oracle-1", "oracle-2")
    for name in oracles:
        checkout.key_file(name)
        key = {"type": "PaymentVerificationKeyShelley_ed25519", "description": ""}
        key["cborHex"] = "5820" + checkout.keys[name].verification_key.hex()
        checkout.write(f"{name}.vkey", key)
    checkout.write("addresses.json", {name: checkout.address(name) for name in oracles})
    beneficiary = checkout.address("beneficiary-0")
    rows = (("milestone-001", 1_000_000, 1735689600), ("milestone-002", 2_000_000, 1738281600))
    checkout.write(
        "allocations.json",
        [
            {
                "beneficiary_address": beneficiary,
                "token_amount": amount,
                "milestone_identifier": milestone,
                "vesting_timestamp": moment,
            }
            for milestone, amount, moment in rows
        ],
    )
    programs = checkout.folder / ".bin"
    programs.mkdir()
    for name, source in (("sign", SIGNER), ("of", READER)):
        (programs / name).write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    for program in programs.iterdir():
        program.chmod(0o755)
    variables = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "POLICY": checkout.policy_id,
        "ORACLES": ",".join(checkout.address(name) for name in oracles),
        "BENEFICIARY": beneficiary,
    }
    done = subprocess.run(
        ["sh", "-c", THE_MISSIONS_SCRIPT],
        cwd=checkout.folder,
        env=checkout.environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    def printed(name: str) -> Any:
        return json.loads((checkout.folder / f"{name}.json").read_text(encoding="utf-8"))

    registered = printed("registered")
    assert any("neither reclaim_after nor irrevocable" in each for each in registered["warnings"])
    committed = printed("committed")
    assert (committed["verified"], committed["quorum_status"]) == (True, "met")
    assert any("--oracle-keys" in warning for warning in committed["warnings"])
    (milestone,) = printed("status")["milestones"]
    assert (milestone["verified"], milestone["signature_count"]) == (True, 2)
    assert printed("calculated")["claimable_amount"] == 1_000_000
    assert printed("released")["status"] == "submitted"
    found = checkout.kupo(f"matches/{beneficiary}?unspent")
    held = sum(each["value"]["assets"].get(checkout.policy_id, 0) for each in found)
    assert held == 1_000_000


def test_everything_on_chain_is_rebuilt_after_the_data_directory_is_gone(
    checkout: ProcessWorld,
) -> None:
    """Without local files, each command works on, the announced schedule included."""
    contract = deploy(checkout)
    file = sign(checkout, contract)
    commit(checkout, file)
    relayer = ("--signing-key-path", checkout.key_file("relayer"), "--wait")
    milestone = ("--milestone-identifier", "milestone-001")
    checkout.succeed("attest", "--contract-address", contract, *milestone, *relayer)

    data = checkout.folder / "data"
    shutil.rmtree(data)
    found, state = status_of(checkout, contract)
    assert (found["verified"], found["quorum_status"]) == (True, "met")
    assert state["unclaimed_count"] == 3

    shutil.rmtree(data, ignore_errors=True)
    ben = ("--beneficiary-address", checkout.address("beneficiary-1"))
    calculated = checkout.succeed("calculate-distribution", "--contract-address", contract, *ben)
    assert calculated["claimable_amount"] == 2_000_000

    shutil.rmtree(data, ignore_errors=True)
    verified = checkout.succeed("verify", "--contract-address", contract)
    assert verified["verdict"] == "sound"

    shutil.rmtree(data, ignore_errors=True)
    checkout.succeed("submit-release", "--contract-address", contract, *ben, *relayer)
    assert checkout.tokens_of("beneficiary-1") == 2_000_000

    shutil.rmtree(data, ignore_errors=True)
    _, state = status_of(checkout, contract)
    assert (state["claimed_count"], state["remaining_token_amount"]) == (1, 4_000_000)
    published = checkout.succeed("publish-script", "--signing-key-path", "creator.skey")
    assert published["status"] == "already_published"
    again = checkout.run(
        "deploy", "--schedule", "schedule.json", "--signing-key-path", "creator.skey"
    )
    assert again.exit_code == 5, again.stdout


def test_a_beneficiary_with_nothing_but_address_and_key_can_claim(checkout: ProcessWorld) -> None:
    """In an empty folder elsewhere, with the contract's address, a key and the two services."""
    contract = deploy(checkout)
    commit(checkout, sign(checkout, contract))
    key = checkout.key_file("relayer")
    attested = ("--signing-key-path", key, "--wait", "--milestone-identifier", "milestone-001")
    checkout.succeed("attest", "--contract-address", contract, *attested)

    elsewhere = checkout.folder.parent / "elsewhere"
    elsewhere.mkdir()
    checkout.keys["beneficiary-0"].save(elsewhere / "ada.skey")
    claim = ("submit-release", "--contract-address", contract)
    who = (
        "--beneficiary-address",
        checkout.address("beneficiary-0"),
        "--signing-key-path",
        "ada.skey",
    )
    claimed = checkout.run_in(elsewhere, *claim, *who)
    assert claimed.exit_code == 0, claimed.stderr
    assert checkout.tokens_of("beneficiary-0") == 1_000_000


def test_a_relayer_pays_for_others_and_gets_no_token(checkout: ProcessWorld) -> None:
    """Somebody who is in no allocation pays a milestone out, along with the oracles' signatures."""
    contract = deploy(checkout)
    commit(checkout, sign(checkout, contract))
    released = checkout.succeed(
        "submit-release",
        "--contract-address",
        contract,
        "--milestone-identifier",
        "milestone-001",
        "--signing-key-path",
        checkout.key_file("relayer"),
        "--wait",
    )
    assert released["status"] == "confirmed"
    held = {
        name: checkout.tokens_of(name) for name in ("beneficiary-0", "beneficiary-1", "relayer")
    }
    assert held == {"beneficiary-0": 1_000_000, "beneficiary-1": 2_000_000, "relayer": 0}


def test_the_data_directory_is_where_it_was_said_to_be(
    checkout: ProcessWorld, tmp_path: Path
) -> None:
    """By `--data-dir`, by the variable, by the configuration file; nothing goes to `data/` then."""
    key = {"MILESTONES_SIGNING_KEY": checkout.key_file("creator")}
    (checkout.folder / "config.yaml").write_text("data_directory: kept\n")
    variable = {"MILESTONES_DATA_DIR": str(tmp_path / "variable")}
    option = ("--data-dir", str(tmp_path / "option"))
    checkout.succeed("init", **key)
    checkout.succeed("init", **key, **variable)
    checkout.succeed(*option, "init", **key, **variable)
    for chosen in (checkout.folder / "kept", tmp_path / "variable", tmp_path / "option"):
        assert (chosen / "cache" / "network.json").is_file()
    assert not checkout.data.exists()
    # What one command keeps there, the next one finds there; elsewhere it is not known.
    contract = register_in(checkout, *option)
    named = ("deploy", "--contract-address", contract, "--dry-run")
    unknown = checkout.run(*named, **key)
    assert unknown.error["code"] == "not_found"
    assert str(checkout.folder / "kept") in unknown.stderr
    found = checkout.run(*option, *named, **key)
    assert "the contract's scripts are not published" in found.error["message"]


def register_in(checkout: ProcessWorld, *options: str) -> str:
    """A schedule, registered with these global options; the contract's address."""
    now = checkout.state()["now_posix_ms"] // 1000
    oracles = ",".join(checkout.address(f"oracle-{n}") for n in (0, 1, 2))
    registered = checkout.succeed(
        *options,
        *(
            "register-milestone",
            "--token-policy-id",
            checkout.policy_id,
            "--token-name",
            TOKEN_NAME.decode(),
        ),
        *("--beneficiary-allocations", checkout.write("some.json", allocations(checkout, now))),
        *("--oracle-addresses", oracles, "--quorum-threshold", "2", "--irrevocable"),
        *("--creator", checkout.address("creator")),
    )
    address: str = registered["contract_address"]
    return address


@pytest.mark.parametrize(
    "entry", [("cli.py",), ("-m", "milestones")], ids=["cli.py", "python -m milestones"]
)
def test_both_names_are_the_same_program(checkout: ProcessWorld, entry: tuple[str, ...]) -> None:
    """`python cli.py --version` and `python -m milestones --version` agree."""
    done = subprocess.run(
        [sys.executable, *entry, "--version"],
        cwd=checkout.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    from milestones import __version__

    assert done.stdout.strip() == __version__
