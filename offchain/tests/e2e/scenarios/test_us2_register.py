"""User story 2: an administrator registers a milestone schedule.

The Merkle roots in the datum are recomputed here with nothing but a hash function and a CBOR library.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import cbor2
import pytest

from milestones.protocol.validator_loader import Contract
from milestones.testing.cast import ORACLES
from milestones.testing.grant import five_allocations, register
from milestones.testing.processes import ProcessWorld


def blake2b_224(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=28).digest()


def leaf(checkout: ProcessWorld, name: str, entry: Any) -> bytes:
    """A node: the digest of everything but the amount, then the amount."""
    key_hash = checkout.keys[name].key_hash
    no_staking_part = bytes.fromhex("d87a80")
    payment = bytes.fromhex("d8799f") + cbor2.dumps(key_hash) + b"\xff"
    address = bytes.fromhex("d8799f") + payment + no_staking_part + b"\xff"
    milestone = cbor2.dumps(entry["milestone_identifier"].encode())
    vesting = cbor2.dumps(entry["vesting_timestamp"] * 1000)
    no_datum = bytes.fromhex("d87980")
    content = b"\x9f" + address + no_datum + milestone + vesting + b"\xff"
    amount: int = entry["token_amount"]
    return blake2b_224(b"\x00" + content) + amount.to_bytes(8, "big")


def root(nodes: list[bytes]) -> bytes:
    """The root of a full tree of eight leaves."""
    nodes = nodes + [bytes(36)] * (8 - len(nodes))
    while len(nodes) > 1:
        pairs = zip(nodes[::2], nodes[1::2], strict=True)
        nodes = [
            blake2b_224(b"\x01" + left + right) + add(left, right).to_bytes(8, "big")
            for left, right in pairs
        ]
    return nodes[0]


def add(left: bytes, right: bytes) -> int:
    return int.from_bytes(left[28:], "big") + int.from_bytes(right[28:], "big")


def test_us2_1_a_schedule_for_five_beneficiaries_becomes_a_datum_with_every_allocation(
    blank: ProcessWorld,
) -> None:
    people = ("beneficiary-0", "beneficiary-1", "beneficiary-2", "relayer", "oracle-0")
    milestones = ("milestone-001", "milestone-002", "milestone-001", "étape 3", "milestone-001")
    entries = [
        {
            "beneficiary_address": blank.address(name),
            "token_amount": 1_000 + number,
            "milestone_identifier": milestones[number],
            "vesting_timestamp": 1_735_689_600 + number,
        }
        for number, name in enumerate(people)
    ]
    blank.succeed("init")
    ran = register(blank, entries)
    assert (ran.exit_code, ran.stderr) == (0, "")
    datum = cbor2.loads(bytes.fromhex(ran.json["datum_cbor"]))
    page_depth, pages, allowance, oracles, quorum = datum.value[:5]
    policy_id, token_name, total = datum.value[9:12]
    assert allowance == 0
    assert (policy_id.hex(), token_name) == (blank.policy_id, b"GRANT")
    assert (total, page_depth, quorum) == (5_010, 3, 2)
    assert oracles == sorted(blank.keys[oracle].key_hash for oracle in ORACLES)
    leaves = [leaf(blank, name, entry) for name, entry in zip(people, entries, strict=True)]
    assert pages == [root(leaves)]
    recorded = [{name: each[name] for name in entries[0]} for each in ran.json["allocations"]]
    assert recorded == entries


def change(index: int, **fields: Any) -> Callable[[list[dict[str, Any]]], None]:
    return lambda allocations: allocations[index].update(fields)


@pytest.mark.parametrize(
    ("damage", "path", "told"),
    [
        (change(1, beneficiary_address="addr_test1nonsense"), "beneficiary_address", "address"),
        (change(1, beneficiary_address=None), "beneficiary_address", "is text"),
        (change(1, token_amount=-5), "token_amount", "greater than zero, not -5"),
        (change(1, token_amount=0), "token_amount", "greater than zero, not 0"),
        (change(1, token_amount="1000"), "token_amount", "a whole number"),
        (change(1, token_amount=1 << 63), "token_amount", "the ledger's limit"),
        (change(1, milestone_identifier=""), "milestone_identifier", "1 to 64 bytes"),
        (change(1, milestone_identifier="m" * 65), "milestone_identifier", "not 65"),
        (change(1, vesting_timestamp=1_735_689_600_000), "vesting_timestamp", "milliseconds"),
        (change(1, vesting_timestamp=-1), "vesting_timestamp", "before 1970"),
    ],
)
def test_us2_2_invalid_allocations_are_rejected_with_the_field_and_the_reason(
    blank: ProcessWorld, damage: Callable[[list[dict[str, Any]]], None], path: str, told: str
) -> None:
    entries = five_allocations(blank)
    damage(entries)
    ran = register(blank, entries, CARDANO_NETWORK="devnet")
    assert ran.exit_code == 2
    assert ran.error["details"]["path"] == f"beneficiary_allocations[1].{path}"
    assert told in ran.error["message"]
    assert f"beneficiary_allocations[1].{path}" in ran.stderr
    assert not (blank.folder / "schedule.json").exists()
    assert not list(blank.data.glob("schedules/*.json"))


def test_us2_2_all_problems_are_reported_at_once(blank: ProcessWorld) -> None:
    entries = five_allocations(blank)
    entries[0]["token_amount"] = -1
    entries[2]["token_amount"] = 0
    entries[4]["beneficiary_address"] = blank.address("beneficiary-2").replace(
        "addr_test1", "addr1"
    )
    wrong_type = register(blank, entries, CARDANO_NETWORK="devnet")
    (only,) = wrong_type.error["details"]["errors"]
    assert only["path"] == "beneficiary_allocations[4].beneficiary_address"
    entries[4]["beneficiary_address"] = blank.address("beneficiary-2")
    entries[3]["vesting_timestamp"] = 2_400_000_000
    ran = register(blank, entries, CARDANO_NETWORK="devnet")
    paths = [each["path"] for each in ran.error["details"]["errors"]]
    assert paths == [
        "beneficiary_allocations[0].token_amount",
        "beneficiary_allocations[2].token_amount",
        "reclaim_after",
    ]
    for each in ran.error["details"]["errors"]:
        assert f"  {each['path']}: {each['message']}" in ran.stderr


def test_us2_3_the_generated_datum_can_be_viewed(blank: ProcessWorld) -> None:
    entries = five_allocations(blank)
    blank.succeed("init")
    ran = register(blank, entries, "--description", "first round")
    shown, datum = ran.json, ran.json["datum"]
    assert shown["total_token_amount"] == datum["total_token_amount"] == 31_000
    rows = [{name: each[name] for name in entries[0]} for each in shown["allocations"]]
    assert rows == entries
    assert [each["beneficiary_index"] for each in shown["allocations"]] == [0, 1, 2, 3, 4]
    token = (datum["token_policy_id"], bytes.fromhex(datum["token_name"]))
    assert token == (blank.policy_id, b"GRANT")
    assert datum["quorum_threshold"] == 2
    assert datum["oracles"] == sorted(blank.keys[oracle].key_hash.hex() for oracle in ORACLES)
    assert datum["creator"]["hash"] == blank.keys["creator"].key_hash.hex()
    metadata = shown["contract_metadata"]
    in_datum = {**metadata, "created_at_posix_ms": metadata["created_at"] * 1000}
    del in_datum["created_at"]
    assert datum["metadata"] == in_datum
    assert metadata["description"] == "first round"
    assert metadata["network_magic"] == blank.ready["network_magic"]
    assert metadata["contract_version"]
    assert abs(metadata["created_at"] - blank.now) < 60
    # The file that is deployed later says the same.
    kept = json.loads((blank.folder / "schedule.json").read_text())
    assert kept["beneficiary_allocations"] == entries
    assert kept["contract_metadata"] == metadata


def test_us2_4_the_datum_is_what_stands_on_the_chain_after_deployment(
    blank: ProcessWorld, contract: Contract
) -> None:
    blank.succeed("init")
    registered = register(blank, five_allocations(blank)).json
    key = ("--signing-key-path", blank.key_file("creator"))
    deployed = blank.succeed("deploy", "--schedule", "schedule.json", *key, "--wait")
    assert deployed["status"] == "confirmed"
    outputs = blank.kupo(f"matches/{registered['contract_address']}?unspent&resolve_hashes")
    assert {each["transaction_id"] for each in outputs} == {deployed["transaction_hash"]}
    terms, vault = sorted(outputs, key=lambda each: each["output_index"])
    assert terms["datum"] == registered["datum_cbor"]
    assert terms["datum_type"] == "inline"
    id_ = registered["distribution_id"]
    assert f"{contract.policy_id.hex()}.{b'TERM'.hex()}{id_}" in terms["value"]["assets"]
    assets = vault["value"]["assets"]
    assert assets[f"{blank.policy_id}.{b'GRANT'.hex()}"] == 31_000
    assert id_ == blake2b_224(bytes.fromhex(registered["datum_cbor"])).hex()
