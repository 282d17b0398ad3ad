"""User story 6: a beneficiary submits a token release transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import cbor2
import pytest

from milestones.testing.cast import ADA, FUNDS_LOVELACE, ORACLES
from milestones.testing.grant import (
    FIRST,
    HOUR,
    SECOND,
    Grant,
    five_allocations,
    open_grant,
    set_up,
)
from milestones.testing.processes import CommandResult, DevnetProcess, ProcessWorld


def vault_of(grant: Grant) -> Any:
    """The vault as Kupo knows it: all its generations, the oldest first."""
    return outputs_of(grant, b"VALT")


def outputs_of(grant: Grant, label: bytes) -> Any:
    """The outputs at the contract's address that hold one of its tokens with this label."""
    matches = grant.world.kupo(f"matches/{grant.address}?order=oldest_first&resolve_hashes")
    return [each for each in matches if f".{label.hex()}" in str(each["value"]["assets"])]


def fields_of(cbor_hex: str, constructor: int = 0) -> Any:
    """The fields of a datum or a redeemer, read without the program."""
    data = cbor2.loads(bytes.fromhex(cbor_hex))
    assert data.tag == 121 + constructor
    return data.value


def test_us6_1_a_verified_milestone_is_paid_by_the_beneficiarys_own_transaction(
    grant: Grant,
) -> None:
    """The quickstart's command: address, index, milestone and key, the signatures being at hand."""
    grant.collect(FIRST)
    ran = grant.release(
        *("--beneficiary-address", grant.world.address("beneficiary-0")),
        *("--beneficiary-index", "0", "--milestone-identifier", FIRST),
        key="beneficiary-0",
    )
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.json["status"] == "submitted"
    assert 150_000 < ran.json["fee_estimate"] < 500_000
    assert ran.json["collateral_amount"] >= ran.json["fee_estimate"] * 3 // 2
    assert ran.json["attested"] is True
    assert grant.world.tokens_of("beneficiary-0") == 1_000
    spent, current = vault_of(grant)
    transaction = ran.json["transaction_hash"]
    assert spent["spent_at"]["transaction_id"] == current["transaction_id"] == transaction
    # The redeemer claims leaf 0 for the first milestone, which this transaction attests itself.
    (_, runs, _) = fields_of(spent["spent_at"]["redeemer"])
    vesting = grant.registered["allocations"][0]["vesting_timestamp"]
    assert runs == [[FIRST.encode(), vesting * 1000, -1, 0]]
    # The datum: the same vault, 1,000 less, and the bit of allocation 0 set, no other.
    id_, page, remaining, claimed = fields_of(current["datum"])
    assert fields_of(spent["datum"]) == [id_, page, 31_000, b"\x00"]
    assert (id_.hex(), page) == (grant.registered["distribution_id"], 0)
    assert (remaining, claimed) == (30_000, b"\x01")
    (attestation,) = outputs_of(grant, b"ATST")
    assert attestation["transaction_id"] == transaction
    of, milestone, _, moment, signers = fields_of(attestation["datum"])
    assert (of, milestone, moment) == (id_, FIRST.encode(), 1_735_689_600_000)
    oracles = (grant.world.keys[name].key_hash for name in ORACLES[:2])
    assert signers == sorted(oracles)
    # The beneficiary's wallet paid for it: fee, deposits, nothing else.
    left = grant.world.lovelace_of("beneficiary-0")
    assert left == FUNDS_LOVELACE["beneficiary-0"] - ran.json["fee_estimate"] - deposit_of(
        attestation
    )
    assert grant.status()["contract_state"]["remaining_token_amount"] == 30_000


def deposit_of(output: Any) -> int:
    """The ADA that is locked in an output."""
    lovelace: int = output["value"]["coins"]
    return lovelace


@pytest.mark.parametrize(
    ("options", "exit_code", "told"),
    [
        (("--beneficiary-index", "0", "--beneficiary-address", "beneficiary-1"), 2, "belongs to"),
        (("--beneficiary-index", "0", "--milestone-identifier", SECOND), 2, "is for milestone"),
        (("--beneficiary-address", "relayer"), 4, "no allocation"),
        (("--milestone-identifier", "milestone-009"), 4, "no allocation"),
        (("--beneficiary-index", "7"), 4, "allocation 7 is not known"),
        (("--beneficiary-index", "-1"), 4, "allocation -1 is not known"),
        (("--beneficiary-address", "addr_test1nonsense"), 2, "beneficiary_address"),
        ((), 2, "nothing says which allocations"),
    ],
)
def test_us6_2_a_wrong_beneficiary_or_milestone_is_rejected_before_submission(
    grant: Grant, options: tuple[str, ...], exit_code: int, told: str
) -> None:
    grant.collect(FIRST)
    people = {name: grant.world.address(name) for name in ("beneficiary-1", "relayer")}
    with grant.nothing_sent():
        ran = grant.release(*(people.get(option, option) for option in options))
        assert ran.exit_code == exit_code
        assert told in ran.error["message"]


def refused(ran: CommandResult, rule: str) -> Any:
    assert (ran.exit_code, ran.error["code"]) == (5, "not_allowed_yet")
    assert ran.error["details"]["rule"] == rule
    return ran.error["details"]


def test_us6_3_without_a_quorum_nothing_is_submitted(grant: Grant) -> None:
    first = ("--beneficiary-index", "0")
    with grant.nothing_sent():
        details = refused(grant.release(*first), "quorum")
        assert (details["signature_count"], details["quorum_threshold"]) == (0, 2)
    grant.collect(FIRST, "oracle-0")
    with grant.nothing_sent():
        ran = grant.release(*first)
        assert refused(ran, "quorum")["signature_count"] == 1
        assert "1 of the 2 signatures it needs" in ran.stderr
        assert "commit-milestone" in ran.error["hint"]
        refused(grant.release("--all"), "quorum")
        refused(
            grant.release("--beneficiary-address", grant.world.address("beneficiary-1")), "quorum"
        )
    grant.collect(FIRST, "oracle-1")
    assert grant.release(*first).exit_code == 0


def test_us6_3_before_the_vesting_time_nothing_is_submitted(attested: Grant) -> None:
    with attested.nothing_sent():
        ran = attested.release("--beneficiary-index", "4")
        assert refused(ran, "vesting")["beneficiary_index"] == 4
        assert "vesting until" in ran.stderr
    attested.reach(HOUR)
    assert attested.release("--beneficiary-index", "4").exit_code == 0
    assert attested.world.tokens_of("beneficiary-2") == 16_000


def test_us6_4_the_transaction_is_followed_into_its_block_and_the_transfer_confirmed(
    attested: Grant,
) -> None:
    released = attested.release("--beneficiary-index", "1").json
    transaction = released["transaction_hash"]
    found = attested.world.succeed("transaction", transaction)
    assert (found["status"], found["command"]) == ("confirmed", "submit-release")
    height = attested.world.state()["tip"]["height"]
    attested.world.control("mine", count=3)
    deeper = attested.world.succeed("transaction", transaction)
    assert deeper["slot"] == found["slot"]
    assert deeper["depth"] >= found["depth"] + 3
    assert attested.world.state()["tip"]["height"] >= height + 3

    (claim,) = attested.status()["claims"]
    assert claim["transaction_hash"] == transaction
    assert (claim["beneficiary_index"], claim["token_amount"]) == (1, 2_000)
    assert attested.world.tokens_of("beneficiary-1") == 2_000
    with attested.nothing_sent():
        again = attested.release("--beneficiary-index", "1")
        assert refused(again, "claimed")["transaction_hash"] == transaction


def test_us6_4_waiting_returns_once_a_block_has_it_and_no_sooner(
    fragile: tuple[ProcessWorld, DevnetProcess],
) -> None:
    checkout, devnet = fragile
    set_up(checkout)
    grant = open_grant(checkout, five_allocations(checkout))
    grant.attest(FIRST)
    devnet.kill()
    devnet.options = [*devnet.options, "--manual-blocks"]
    devnet.start()
    key = ("--signing-key-path", checkout.key_file("relayer"))
    second = ("--beneficiary-index", "1")
    waiting = checkout.start("submit-release", *grant.where, *second, *key, "--wait")
    (transaction,) = until(lambda: checkout.state()["mempool"])
    found = checkout.succeed("transaction", transaction)
    assert (found["status"], found["command"]) == ("submitted", "submit-release")
    assert waiting.poll() is None
    assert checkout.tokens_of("beneficiary-1") == 0
    checkout.control("mine")
    stdout, stderr = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, stderr
    waited = json.loads(stdout)
    assert (waited["status"], waited["transaction_hash"]) == ("confirmed", transaction)
    assert checkout.succeed("transaction", transaction)["status"] == "confirmed"
    assert checkout.tokens_of("beneficiary-1") == 2_000


def until(look: Callable[[], Any]) -> Any:
    """What somebody sees as soon as there is something to see."""
    deadline = time.monotonic() + 60
    while not (seen := look()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.1)
    return seen


@pytest.mark.parametrize("lovelace", [0, 1_200_000])
def test_us6_5_a_wallet_that_cannot_pay_learns_the_fee(attested: Grant, lovelace: int) -> None:
    wallet = attested.world.address("beneficiary-2")
    if lovelace:
        attested.world.control("faucet", address=wallet, lovelace=lovelace)
    with attested.nothing_sent():
        ran = attested.release("--beneficiary-index", "0", key="beneficiary-2")
        assert (ran.exit_code, ran.error["code"]) == (6, "insufficient_funds")
    details = ran.error["details"]
    assert details["available_lovelace"] == lovelace
    assert f"the fee is {details['fee_lovelace']} lovelace" in ran.stderr
    assert wallet in ran.error["hint"]
    # What was asked for is enough.
    missing = max(details["required_lovelace"] - lovelace, ADA)
    attested.world.control("faucet", address=wallet, lovelace=missing)
    paid = attested.release("--beneficiary-index", "0", key="beneficiary-2")
    assert paid.exit_code == 0, paid.stderr
    assert paid.json["fee_estimate"] <= details["fee_lovelace"] + 5_000


def test_us6_5_the_fee_is_shown_without_submitting(attested: Grant) -> None:
    with attested.nothing_sent():
        shown = attested.release("--beneficiary-index", "0", "--dry-run")
        assert (shown.exit_code, shown.json["status"]) == (0, "dry_run")
    paid = attested.release("--beneficiary-index", "0")
    assert paid.json["fee_estimate"] == shown.json["fee_estimate"]
    assert paid.json["collateral_amount"] == shown.json["collateral_amount"]
