"""User story 4: a user checks the milestone completion state."""

from __future__ import annotations

import json
from typing import Any

from milestones.cardano.address import Address
from milestones.testing.grant import FIRST, HOUR, SECOND, THIRD, Grant, five_allocations, register
from milestones.testing.processes import ProcessWorld


def verified(status: Any) -> dict[str, bool]:
    return {each["milestone_identifier"]: each["verified"] for each in status["milestones"]}


def test_us4_1_the_status_of_each_milestone_comes_from_the_cache_and_the_chain(
    attested: Grant,
) -> None:
    # Somebody without any local data learns the same from the chain alone.
    visitor = attested.elsewhere("visitor")
    first_time = visitor.status()
    assert first_time["source"] == "chain"
    assert verified(first_time) == {FIRST: True, SECOND: False, THIRD: False}
    again = visitor.status()
    assert again["source"] == "local_and_chain"
    assert again["discrepancies"] == []
    assert verified(again) == verified(first_time) == verified(attested.status())
    cached = json.loads(next((visitor.world.data / "cache").glob("contract_*")).read_text())
    assert cached["contract_state"] == first_time["contract_state"]
    state = first_time["contract_state"]
    assert (state["total_token_amount"], state["remaining_token_amount"]) == (31_000, 31_000)
    assert (state["claimed_count"], state["unclaimed_count"]) == (0, 5)


def test_us4_2_a_milestone_verified_by_enough_oracles_is_complete_and_claimable(
    grant: Grant,
) -> None:
    grant.collect(FIRST)
    at_hand = grant.milestone()
    assert (at_hand["verified"], at_hand["quorum_status"]) == (True, "met")
    assert (at_hand["source"], at_hand["attested"]) == ("local", False)
    # Those of beneficiaries 0 and 1; that of 2 vests in an hour.
    assert (at_hand["claimable_count"], at_hand["claimable_amount"]) == (2, 3_000)
    assert (at_hand["allocation_count"], at_hand["vesting_passed"]) == (3, False)
    assert grant.amounts("beneficiary-0")["claimable_amount"] == 1_000

    grant.attest(FIRST)
    on_chain = grant.milestone()
    assert (on_chain["verified"], on_chain["source"]) == (True, "chain")
    assert on_chain["attested"] is True
    assert on_chain["claimable_amount"] == 3_000
    for name, amount in {"beneficiary-0": 1_000, "beneficiary-1": 2_000}.items():
        found = grant.elsewhere("visitor").amounts(name)
        assert found["claimable_amount"] == amount
        assert found["allocations"][0]["reason"] == "claimable"
    assert grant.release("--beneficiary-index", "1", "--wait").exit_code == 0
    grant.reach(HOUR)
    later = grant.milestone()
    assert (later["claimable_amount"], later["claimed_count"]) == (17_000, 1)
    assert later["vesting_passed"] is True


def test_us4_3_signatures_present_and_required_are_told(grant: Grant) -> None:
    grant.collect(FIRST, "oracle-2")
    pending = grant.milestone()
    assert (pending["verified"], pending["quorum_status"]) == (False, "pending")
    assert (pending["signature_count"], pending["quorum_threshold"]) == (1, 2)
    assert pending["total_oracles"] == 3
    assert (pending["source"], pending["claimable_amount"]) == (None, 0)
    # Nobody has signed for the second one.
    nothing = grant.milestone(SECOND)
    assert (nothing["verified"], nothing["signature_count"]) == (False, 0)
    # From the chain, where nothing is local.
    grant.attest(FIRST)
    elsewhere = grant.elsewhere("visitor").milestone()
    assert (elsewhere["signature_count"], elsewhere["quorum_threshold"]) == (2, 2)


def test_us4_4_an_address_where_nothing_was_deployed_is_told(blank: ProcessWorld) -> None:
    registered = register(blank, five_allocations(blank), CARDANO_NETWORK="devnet").json
    grant = Grant(blank, registered)
    ran = grant.check()
    assert (ran.exit_code, ran.error["code"]) == (4, "not_found")
    assert "has not been deployed" in ran.stderr
    assert grant.address in ran.stderr
    vault, staking = grant.registered["contract_address"], bytes(range(28))
    of_somebody = Address.from_bytes(b"\x00" + blank.keys["beneficiary-0"].key_hash + staking)
    of_another_script = Address.from_bytes(b"\x10" + 28 * b"\x05" + staking)
    of_no_distribution = Address.from_bytes(b"\x70" + Address.from_bech32(vault).payment.hash)
    invalid = {
        blank.address("beneficiary-0"): "not an address of this contract",
        of_somebody.to_bech32(): "not an address of this contract",
        of_another_script.to_bech32(): "not an address of this contract",
        of_no_distribution.to_bech32(): "names no distribution",
        vault[:-1] + ("q" if vault[-1] != "q" else "p"): "checksum",
        "addr1": "",
    }
    for address, told in invalid.items():
        wrong = blank.run("check-status", "--contract-address", address)
        assert (wrong.exit_code, wrong.error["code"]) == (2, "invalid_address")
        assert wrong.error["details"]["path"] == "contract_address"
        assert told in wrong.stderr


def test_us4_5_stale_local_data_is_corrected_from_the_chain(grant: Grant) -> None:
    grant.collect(FIRST, "oracle-0")
    before = grant.status()
    assert verified(before)[FIRST] is False
    # Somebody else attests and pays; this folder hears nothing of it.
    colleague = grant.elsewhere("colleague")
    colleague.attest(FIRST)
    assert colleague.release("--beneficiary-index", "1", "--wait").exit_code == 0

    after = grant.status()
    assert verified(after)[FIRST] is True
    assert after["contract_state"]["claimed_count"] == 1
    told = {each["subject"]: (each["local"], each["chain"]) for each in after["discrepancies"]}
    assert told["cache: claimed_count"] == ("0", "1")
    assert told["cache: remaining_token_amount"] == ("31000", "29000")
    assert told["cache: attested"] == ("none", FIRST)
    assert told[f"record of milestone {FIRST!r}: quorum_status"] == ("pending", "met")
    assert all(each["repaired"] for each in after["discrepancies"])
    assert json.loads(grant.record().read_text())["quorum_status"] == "met"
    assert grant.status()["discrepancies"] == []


def test_us4_5_what_the_chain_has_taken_back_is_corrected_as_well(grant: Grant) -> None:
    visitor = grant.elsewhere("visitor")
    before = grant.world.control("snapshot")["snapshot"]
    grant.attest(FIRST)
    assert verified(visitor.status())[FIRST] is True
    # The other branch of the fork never had the attestation.
    grant.world.control("revert", snapshot=before)
    grant.world.control("mine")
    after = visitor.status()
    (first, *_) = after["milestones"]
    assert (first["attested"], first["source"]) == (False, "local")
    told = {each["subject"]: (each["local"], each["chain"]) for each in after["discrepancies"]}
    assert told["cache: attested"] == (FIRST, "none")
    # The signatures were kept when the chain showed them: they can be put there again.
    (allocation, *_) = visitor.amounts("beneficiary-0")["allocations"]
    assert allocation["reason"] == "claimable together with the oracles' signatures"
