"""Each rule about what is off unless it is asked for, and what is only doubted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from milestones.cardano.address import (
    Address,
    StakeAddress,
    key_credential,
    script_credential,
)
from milestones.domain.posix_time import about, duration_in_words
from milestones.domain.powers import doubts_about
from milestones.domain.problems import Circumstances
from milestones.domain.schedule import check_schedule, parse_schedule
from milestones.errors import InvalidSchedule

OWN = script_credential(b"V" * 28)
NOW = Circumstances(now_posix_ms=1_735_000_000_000, own_scripts=frozenset((OWN.hash,)))
VESTING = 1_735_689_600
KEY = Address(0, key_credential(b"k" * 28)).to_bech32()
SCRIPT = Address(0, script_credential(b"s" * 28)).to_bech32()
DAY = 86_400


def schedule(**changes: Any) -> dict[str, Any]:
    return {
        "token_policy_id": "aa" * 28,
        "token_name": "",
        "beneficiary_allocations": [payout()],
        "oracle_addresses": [
            Address(0, key_credential(bytes([n]) * 28)).to_bech32() for n in range(3)
        ],
        "quorum_threshold": 2,
        "creator": KEY,
        "reclaim_after": VESTING + DAY,
        "contract_metadata": {"created_at": 1_735_000_000, "network_magic": 42},
        **changes,
    }


def payout(**changes: Any) -> dict[str, Any]:
    return {
        "beneficiary_address": KEY,
        "token_amount": 1_000_000,
        "milestone_identifier": "milestone-001",
        "vesting_timestamp": VESTING,
        **changes,
    }


def stake(digest: bytes, network_id: int = 0) -> str:
    return StakeAddress(network_id, script_credential(digest)).to_bech32()


EVERYTHING: dict[str, Any] = {
    "allowance_lovelace": 1_500_000,
    "staking": stake(b"t" * 28),
    "refund_address": SCRIPT,
    "refund_datum": "00",
    "cancel_by": ["creator", "quorum"],
    "cancel_grace_seconds": 7 * DAY,
    "waiver_after": VESTING,
    "objectors": 2,
    "review_period_seconds": DAY,
    "review_bond_lovelace": 5_000_000,
    "rotatable": "ab" * 32 + "#0",
}


def test_everything_at_once_may_be_asked_for() -> None:
    check_schedule(parse_schedule(schedule(**EVERYTHING)), NOW)
    assert list(doubts_about(parse_schedule(schedule(**EVERYTHING)))) == []


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"allowance_lovelace": -1}, "allowance_lovelace", "no amount"),
        ({"allowance_lovelace": 1 << 63}, "allowance_lovelace", "no amount"),
        ({"staking": stake(b"t" * 28, 1)}, "staking", "mainnet"),
        ({"staking": stake(b"V" * 28)}, "staking", "own scripts"),
        ({"staking": KEY}, "staking", "not a stake address"),
        (
            {"refund_address": Address(1, key_credential(b"k" * 28)).to_bech32()},
            "refund_address",
            "mainnet",
        ),
        ({"refund_address": Address(0, OWN).to_bech32()}, "refund_address", "would be lost"),
        ({"refund_datum": "ff"}, "refund_datum", "not Plutus Data"),
        ({"refund_datum": "00", "refund_datum_hash": "00" * 32}, "refund_datum_hash", "both"),
        ({"refund_datum_hash": "00" * 31}, "refund_datum_hash", "32 bytes, not 31"),
        ({"cancel_by": ["stranger"]}, "cancel_by[0]", "'creator' or 'quorum'"),
        ({"cancel_by": ["creator", "creator"]}, "cancel_by", "named twice"),
        ({"cancel_grace_seconds": 8 * DAY}, "cancel_grace_seconds", "nobody who may give notice"),
        (
            {"cancel_by": ["creator"], "cancel_grace_seconds": 7 * DAY - 1},
            "cancel_grace_seconds",
            "the chain would take 7 days",
        ),
        (
            {"cancel_by": ["creator"], "cancel_grace_seconds": 7 * DAY * 1000},
            "cancel_grace_seconds",
            "ten years",
        ),
        ({"cancel_by": ["creator"], "cancel_grace_seconds": -1}, "cancel_grace_seconds", "-1"),
        ({"waiver_after": 1_735_000_000}, "waiver_after", "in the past"),
        ({"waiver_after": VESTING * 1000}, "waiver_after", "milliseconds"),
        ({"waiver_after": VESTING + DAY}, "waiver_after", "not before reclaim_after"),
        ({"objectors": 3}, "objectors", "1 to 2"),
        ({"objectors": -1}, "objectors", "1 to 2"),
        ({"review_period_seconds": DAY}, "review_period_seconds", "there are none"),
        ({"review_bond_lovelace": 1}, "review_bond_lovelace", "there are none"),
        ({"objectors": 1, "review_period_seconds": DAY - 1}, "review_period_seconds", "1 day"),
        ({"objectors": 1, "review_bond_lovelace": -1}, "review_bond_lovelace", "no amount"),
        ({"rotatable": "ab"}, "rotatable", "not an output reference"),
    ],
)
def test_what_cant_be_meant(changes: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        check_schedule(parse_schedule(schedule(**changes)), NOW)
    assert refused.value.path == path
    assert words in refused.value.message
    assert refused.value.hint or path == "staking" or "[" in path


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"datum": "ff"}, "datum", "not Plutus Data"),
        ({"datum": "0000"}, "datum", "not Plutus Data"),
        ({"datum": ""}, "datum", "not Plutus Data"),
        ({"datum": "00" * 8_193}, "datum", "may not fit"),
        ({"datum": "00", "datum_hash": "00" * 32}, "datum_hash", "both given"),
        ({"datum_hash": "00"}, "datum_hash", "32 bytes, not 1"),
    ],
)
def test_a_payouts_datum(changes: dict[str, Any], field: str, words: str) -> None:
    raw = schedule(beneficiary_allocations=[payout(**changes)])
    with pytest.raises(InvalidSchedule) as refused:
        check_schedule(parse_schedule(raw), NOW)
    assert refused.value.path == f"beneficiary_allocations[0].{field}"
    assert words in refused.value.message


@pytest.mark.parametrize("datum", [{"datum": "d87980"}, {"datum_hash": "00" * 32}])
def test_a_script_with_a_datum_may_benefit_and_a_key_with_one_is_doubted(
    datum: dict[str, str],
) -> None:
    to_script = schedule(beneficiary_allocations=[payout(beneficiary_address=SCRIPT, **datum)])
    check_schedule(parse_schedule(to_script), NOW)
    assert list(doubts_about(parse_schedule(to_script))) == []
    to_key = parse_schedule(schedule(beneficiary_allocations=[payout(), payout(**datum)]))
    check_schedule(to_key, NOW)
    (doubt,) = doubts_about(to_key)
    assert "the first is allocation 1" in doubt


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"refund_address": SCRIPT}, "to a script without a datum"),
        ({"creator": SCRIPT}, "to a script without a datum"),
        ({"refund_datum": "00"}, "goes to a key's address"),
        ({"objectors": 1}, "need no bond"),
    ],
)
def test_what_is_only_doubted(changes: dict[str, Any], words: str) -> None:
    parsed = parse_schedule(schedule(**changes))
    check_schedule(parsed, NOW)
    (doubt,) = doubts_about(parsed)
    assert words in doubt


def test_a_hundred_oracles_and_no_more() -> None:
    oracles = [Address(0, key_credential(bytes([n]) * 28)).to_bech32() for n in range(101)]
    check_schedule(parse_schedule(schedule(oracle_addresses=oracles[1:])), NOW)
    with pytest.raises(InvalidSchedule, match="at most 100 oracles"):
        check_schedule(parse_schedule(schedule(oracle_addresses=oracles)), NOW)


def test_a_waiver_is_judged_at_the_time_of_opening() -> None:
    late = replace(NOW, now_posix_ms=VESTING * 1000)
    parsed = parse_schedule(schedule(waiver_after=VESTING))
    check_schedule(parsed, replace(late, now_posix_ms=VESTING * 1000 - 1))
    with pytest.raises(InvalidSchedule, match="in the past"):
        check_schedule(parsed, late)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (7 * DAY, "7 days"),
        (DAY + 12 * 3_600, "1 day 12 hours"),
        (61, "1 minute 1 second"),
        (-60, "minus 1 minute"),
    ],
)
def test_periods_in_words(seconds: int, words: str) -> None:
    assert duration_in_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (7 * DAY + 2 * 3_600 + 3_598, "7 days 2 hours"),
        (59, "59 seconds"),
        (0, "no time"),
        (-5, "no time"),
    ],
)
def test_what_is_left_in_words(seconds: int, words: str) -> None:
    assert about(seconds) == words
