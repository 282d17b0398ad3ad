"""Addresses of another network, and other addresses of the same key: what each command says of them."""

from __future__ import annotations

from dataclasses import replace

from milestones.cardano.address import Address, key_credential, script_credential
from milestones.testing.world import World

MILESTONE = ("--milestone-identifier", "milestone-001")
PROPOSAL = ("--proposal", "milestone-001")
COMMANDS = (
    ("attest", *MILESTONE),
    ("calculate-distribution", "--beneficiary-address", "BENEFICIARY"),
    ("cancel",),
    ("check-status",),
    ("claim-file", "--beneficiary-address", "BENEFICIARY", "--output", "mine.json"),
    ("close",),
    ("deploy",),
    ("oracle", "payload", *MILESTONE),
    ("oracle", "payload", "--notice"),
    ("oracle", "payload", "--object", "milestone-001", "--bond-to", "BENEFICIARY"),
    ("oracle", "payload", "--rotate-to", "BENEFICIARY", "--next-quorum", "1"),
    ("proposal", "submit", *MILESTONE),
    ("proposal", "confirm", *PROPOSAL),
    ("proposal", "retire", *PROPOSAL),
    ("proposal", "show"),
    ("submit-release", "--all"),
    ("verify",),
)


async def test_a_contract_address_of_another_network_is_named_as_such(world: World) -> None:
    vault = script_credential(world.contract.vault_hash)
    elsewhere = Address(1, vault, key_credential(bytes(28))).to_bech32()
    beneficiary = world.address("beneficiary-0").to_bech32()
    for command in COMMANDS:
        options = [beneficiary if each == "BENEFICIARY" else each for each in command]
        run = await world.cli(*options, "--contract-address", elsewhere, key="creator")

        assert (run.exit_code, run.error["code"]) == (2, "invalid_address"), command
        assert run.error["details"]["path"] == "contract_address", command
        assert "an address of mainnet" in run.error["message"], command


async def test_a_claim_file_is_written_for_the_address_in_the_schedule_alone(world: World) -> None:
    file = world.write_json("schedule.json", world.schedule())
    plain = world.address("beneficiary-0")
    staked = replace(plain, staking=key_credential(bytes(28)))
    options = ("claim-file", "--schedule", file, "--output", "mine.json")
    other = await world.cli(*options, "--beneficiary-address", staked.to_bech32())
    elsewhere = await world.cli(
        *options, "--beneficiary-address", replace(plain, network_id=1).to_bech32()
    )

    assert other.exit_code == 4
    assert plain.to_bech32() in other.error["hint"]
    assert elsewhere.exit_code == 2
    assert "mainnet" in elsewhere.error["message"]
