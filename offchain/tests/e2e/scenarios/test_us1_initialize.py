"""User story 1: an administrator initializes the off-chain environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from milestones.cardano.address import Address
from milestones.protocol.validator_loader import Contract
from milestones.testing.grant import FIRST, Grant, five_allocations, open_grant, set_up
from milestones.testing.processes import DevnetProcess, ProcessWorld
from tests.support.checkout import fresh_checkout

MAINNET = 764_824_073


def test_us1_1_initialization_verifies_and_confirms_all_three_services(
    checkout: ProcessWorld,
) -> None:
    ran = checkout.run("init", "--network", "testnet")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.json["status"] == "success"
    services = ran.json["services"]
    assert {name: each["connected"] for name, each in services.items()} == {
        "ogmios": True,
        "kupo": True,
        "cardano_node": True,
    }
    assert services["ogmios"]["version"].startswith("v6.14.0")
    assert services["kupo"]["sync_status"] == "synced"
    assert services["cardano_node"]["network"] == "testnet"
    assert services["cardano_node"]["network_magic"] == checkout.ready["network_magic"]
    # What it saw is kept, so that commands without a network know which one is meant.
    kept = json.loads((checkout.data / "cache" / "network.json").read_text())
    assert kept["network_magic"] == checkout.ready["network_magic"]


@pytest.mark.parametrize(
    ("interface", "fault", "missing", "guidance"),
    [
        ("kupo", "dropping", {"kupo"}, "Kupo"),
        ("ogmios", "dropping", {"ogmios", "cardano_node"}, "Ogmios"),
        ("ogmios", "disconnected", {"cardano_node"}, "start cardano-node"),
    ],
)
def test_us1_2_a_missing_service_is_named_with_guidance(
    blank: ProcessWorld, interface: str, fault: str, missing: set[str], guidance: str
) -> None:
    blank.control("freeze", interface=interface, fault=fault)
    ran = blank.run("init")
    assert ran.exit_code == 3
    assert ran.json["status"] == "failed"
    services = ran.json["services"]
    assert {name for name, each in services.items() if not each["connected"]} == missing
    called = {
        "ogmios": f"Ogmios at {blank.ready['ogmios_url']}",
        "kupo": f"Kupo at {blank.ready['kupo_url']}",
        "cardano_node": "cardano-node",
    }
    told = [line for line in ran.stderr.splitlines() if line.startswith("warning: ")]
    assert len(told) == len(missing)
    for name in missing:
        reason, hint = services[name]["reason"], services[name]["hint"]
        assert reason
        assert hint
        assert f"warning: {called[name]}: {reason}; {hint}" in told
    assert guidance in ran.stderr
    assert "docker compose up -d" in ran.stderr
    blank.control("unfreeze")
    assert blank.succeed("init")["status"] == "success"


def test_us1_2_all_services_are_missing_once_the_node_was_killed(
    fragile: tuple[ProcessWorld, DevnetProcess],
) -> None:
    checkout, devnet = fragile
    devnet.kill()
    ran = checkout.run("init")
    assert ran.exit_code == 3
    services = ran.json["services"]
    assert not any(each["connected"] for each in services.values())
    for name in ("ogmios", "kupo"):
        assert checkout.ready[f"{name}_url"] in ran.stderr
    assert "milestones devnet" in ran.stderr
    devnet.start()
    assert checkout.succeed("init")["status"] == "success"


def test_us1_3_commands_connect_after_the_initialization(tmp_path: Path) -> None:
    """Kupo indexes nothing that is ours, as a fresh one does, until `init` tells it what to watch."""
    nobody = "--kupo-match=*@" + 64 * "0"
    with fresh_checkout(tmp_path / "offchain", nobody) as (checkout, _):
        key = ("--signing-key-path", checkout.key_file("creator"))
        # What the first block pays stays unknown to a Kupo that is told later to watch it.
        checkout.control("faucet", address=checkout.address("creator"), lovelace=500_000_000)
        early = checkout.run("publish-script", *key)
        assert early.exit_code == 4
        assert "milestones init" in early.error["hint"]
        initialized = checkout.succeed("init", *key)
        assert initialized["status"] == "success"
        assert f"{checkout.keys['creator'].key_hash.hex()}/*" in initialized["indexed"]

        published = checkout.succeed("publish-script", *key, "--wait")
        assert published["status"] == "confirmed"
        grant = open_grant(checkout, five_allocations(checkout))
        assert grant.status()["contract_state"]["unclaimed_count"] == 5
        assert grant.amounts("beneficiary-0")["total_amount"] == 13_000
        found = checkout.succeed("transaction", published["transaction_hash"])
        assert found["status"] == "confirmed"
        assert checkout.succeed("verify", *grant.where)["verdict"] == "sound"


@pytest.mark.parametrize(
    ("network", "magic", "other"),
    [("mainnet", MAINNET, "preprod"), ("preview", 2, "mainnet")],
)
def test_us1_4_the_network_is_the_one_that_was_named(
    tmp_path: Path, contract: Contract, network: str, magic: int, other: str
) -> None:
    options = (f"--network-magic={magic}", "--start-time=1700000000")
    network_id = int(network == "mainnet")
    with fresh_checkout(
        tmp_path / "offchain", *options, network=network, network_id=network_id
    ) as (checkout, _):
        report = checkout.succeed("init", "--network", network)
        node = report["services"]["cardano_node"]
        assert (node["network"], node["network_magic"]) == (network, magic)
        assert node["tip_slot"] == checkout.state()["tip"]["slot"]

        refused = checkout.run("init", "--network", other)
        assert refused.exit_code == 3
        assert f"the node is on {network}, the configuration says {other}" in refused.stderr

        grant = _undeployed(checkout, contract, network_id)
        assert grant.address.startswith("addr1" if network_id else "addr_test1")
        missing = grant.check()
        assert (missing.exit_code, missing.error["code"]) == (4, "not_found")
        for question in (("check-status", *grant.where), ("transaction", 64 * "0")):
            wrong = checkout.run(*question, CARDANO_NETWORK=other)
            assert (wrong.exit_code, wrong.error["code"]) == (3, "network_mismatch")
            assert str(magic) in wrong.stderr


def test_us1_4_on_mainnet_a_distribution_is_opened_and_paid(tmp_path: Path) -> None:
    options = (f"--network-magic={MAINNET}", "--start-time=1700000000")
    folder = tmp_path / "offchain"
    with fresh_checkout(folder, *options, network="mainnet", network_id=1) as (checkout, _):
        set_up(checkout)
        grant = open_grant(checkout, five_allocations(checkout))
        assert grant.address.startswith("addr1")
        assert grant.registered["contract_metadata"]["network_magic"] == MAINNET
        grant.attest(FIRST)
        assert grant.milestone()["attested"] is True
        paid = grant.release("--beneficiary-index", "0", key="beneficiary-0")
        assert paid.exit_code == 0, paid.stderr
        assert paid.json["paid"][0]["beneficiary_address"] == checkout.address("beneficiary-0")
        assert checkout.address("beneficiary-0").startswith("addr1")
        assert checkout.tokens_of("beneficiary-0") == 1_000
        # An address of a test network is told for what it is.
        stranger = checkout.keys["beneficiary-1"].address(0).to_bech32()
        who = ("--beneficiary-address", stranger)
        wrong = checkout.run("calculate-distribution", *grant.where, *who)
        assert (wrong.exit_code, wrong.error["code"]) == (2, "invalid_address")
        assert "an address of a test network" in wrong.stderr


def _undeployed(checkout: ProcessWorld, contract: Contract, network_id: int) -> Grant:
    vault = Address.from_bytes(bytes([0x10 | network_id]) + contract.vault_hash + bytes(28))
    return Grant(checkout, {"contract_address": vault.to_bech32()})
