"""User story 3: an administrator commits milestone completion data."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from milestones.testing.grant import FIRST, Grant, five_allocations, register
from milestones.testing.processes import ProcessWorld

NOWHERE = {"OGMIOS_URL": "ws://127.0.0.1:9", "KUPO_URL": "http://127.0.0.1:9"}


def test_us3_1_signatures_of_a_quorum_are_stored_and_the_milestone_is_verified(
    grant: Grant,
) -> None:
    entries = grant.entries(FIRST, "oracle-0", "oracle-2")
    ran = grant.commit(FIRST, entries, "--quorum-threshold", "2", "--total-oracles", "3")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.json["status"] == "stored"
    assert ran.json["verified"] is True
    assert (ran.json["quorum_status"], ran.json["signature_count"]) == ("met", 2)
    assert ran.json["file"] == str(grant.record())
    stored = json.loads(grant.record().read_text())
    assert stored["milestone_identifier"] == FIRST
    assert stored["quorum_status"] == "met"
    assert stored["verification_timestamp"] == 1_735_689_600
    assert stored["oracle_signatures"] == entries


def test_us3_1_needs_no_service_and_no_deployment(blank: ProcessWorld) -> None:
    """The quorum is known from the registered schedule."""
    registered = register(blank, five_allocations(blank), CARDANO_NETWORK="devnet").json
    grant = Grant(blank, registered)
    file = blank.write("signatures.json", grant.entries(FIRST, "oracle-0", "oracle-1"))
    named = ("--milestone-identifier", FIRST, "--oracle-signatures", file)
    stored = blank.succeed("commit-milestone", *named, **NOWHERE)
    assert (stored["verified"], stored["total_oracles"]) == (True, 3)


def test_us3_2_additional_signatures_update_the_stored_file(grant: Grant) -> None:
    first, second, third = grant.entries(FIRST, "oracle-0", "oracle-1", "oracle-2")
    seen = []
    for entries in ([first], [second, first], [third]):
        ran = grant.commit(FIRST, entries)
        assert ran.exit_code == 0, ran.stderr
        stored = json.loads(grant.record().read_text())
        assert stored["quorum_status"] == ran.json["quorum_status"]
        added = ran.json["signatures_added"]
        seen.append((added, len(stored["oracle_signatures"]), stored["quorum_status"]))
    assert seen == [(1, 1, "pending"), (1, 2, "met"), (1, 3, "met")]
    assert stored["oracle_signatures"] == [first, second, third]
    # An oracle that hands in another signature of the same statement corrects itself.
    corrected = {**first, "signature": "5a" * 64}
    again = grant.commit(FIRST, [corrected]).json
    assert (again["signatures_added"], again["signature_count"]) == (0, 3)
    stored = json.loads(grant.record().read_text())
    assert stored["oracle_signatures"] == [corrected, second, third]
    assert [path.name for path in grant.record().parent.glob("*.json")] == [grant.record().name]


def test_us3_3_the_state_comes_from_local_storage(grant: Grant) -> None:
    assert grant.milestone()["signature_count"] == 0
    grant.collect(FIRST, "oracle-1")
    pending = grant.milestone()
    assert (pending["verified"], pending["signature_count"]) == (False, 1)
    grant.collect(FIRST, "oracle-0")
    met = grant.milestone()
    assert (met["verified"], met["signature_count"], met["source"]) == (True, 2, "local")
    assert met["attested"] is False
    # It is this file that says so: nobody else knows of it, nor we without it.
    assert grant.elsewhere("colleague").milestone()["signature_count"] == 0
    grant.record().unlink()
    assert grant.milestone()["signature_count"] == 0


def set_to(field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda entry: entry.update({field: value})


MALFORMED: list[tuple[Callable[[dict[str, Any]], Any], str, str]] = [
    (set_to("signature", "xyz"), "signature", "hexadecimal"),
    (set_to("signature", "00" * 63), "signature", "64 bytes"),
    (set_to("signature", 5), "signature", "text"),
    (lambda entry: entry.pop("signature"), "signature", ""),
    (lambda entry: entry.pop("signed_data"), "signed_data", "missing"),
    (set_to("signed_data", "00"), "signed_data", ""),
    (set_to("signature_timestamp", "now"), "signature_timestamp", "whole number"),
    (set_to("oracle_address", "addr1"), "oracle_address", "address"),
    (set_to("verification_key", "00" * 31), "verification_key", "32 bytes"),
    (set_to("verification_key", "00" * 32), "verification_key", "oracle"),
    (set_to("signer", "me"), "signer", "no such field"),
]


def test_us3_4_malformed_signatures_are_rejected_by_their_path(grant: Grant) -> None:
    for damage, field, told in MALFORMED:
        entries = grant.entries(FIRST, "oracle-0", "oracle-1")
        damage(entries[1])
        ran = grant.commit(FIRST, entries)
        assert (ran.exit_code, ran.error["code"]) == (2, "invalid_signature")
        assert ran.error["details"]["path"] == f"oracle_signatures[1].{field}"
        assert told in ran.error["message"]
        assert not grant.record().exists()


@pytest.mark.parametrize(
    ("identifier", "told"),
    [("", "1 to 64 bytes"), ("m" * 65, "1 to 64 bytes"), ("milestone-009", FIRST)],
)
def test_us3_4_an_invalid_milestone_identifier_is_rejected(
    grant: Grant, identifier: str, told: str
) -> None:
    ran = grant.commit(identifier, grant.entries(FIRST, "oracle-0"))
    assert ran.exit_code == 2
    assert told in ran.stderr
    assert not list(grant.world.data.glob("milestones/*.json"))


def test_us3_4_only_the_form_is_checked_here_and_the_rest_on_the_chain(grant: Grant) -> None:
    """A forged signature of the right form is stored; it is the chain that refuses it."""
    entries = grant.entries(FIRST, "oracle-0", "oracle-1")
    entries[1]["signature"] = "5a" * 64
    stored = grant.commit(FIRST, entries)
    assert (stored.exit_code, stored.json["verified"]) == (0, True)
    with grant.nothing_sent():
        key = ("--signing-key-path", grant.world.key_file("relayer"))
        named = ("--milestone-identifier", FIRST)
        refused = grant.world.run("attest", *grant.where, *named, *key)
        assert (refused.exit_code, refused.error["code"]) == (7, "rejected_by_the_chain")
        assert entries[1]["oracle_address"] in refused.stderr
