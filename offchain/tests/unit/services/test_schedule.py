"""What `schedule` says of a list before anything is registered: sums, doubts, costs."""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from milestones import open_workspace
from milestones.cardano.address import Address, key_credential
from milestones.errors import InvalidInput, InvalidSchedule
from milestones.services.schedule import (
    AllocationsRead,
    ScheduleChecked,
    read_allocations,
    schedule_check,
    schedule_vesting,
)
from milestones.services.schedule.check import (
    CLAIM_FEE_LOVELACE,
    FEES_LOVELACE,
    FURTHER_CLAIM_FEE_LOVELACE,
)
from milestones.storage.records import ObservedNetwork

COSTS = Path(__file__).parents[4] / "docs" / "costs.md"
NEW_YEAR = 1_798_761_600


def person(number: int, staking: int | None = None) -> Address:
    """Somebody's address on a test network."""
    stake = None if staking is None else key_credential(bytes([staking]) * 28)
    return Address(0, key_credential(bytes([number]) * 28), stake)


def row(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "beneficiary_address": str(person(number)),
        "token_amount": 1000,
        "milestone_identifier": "audit",
        "vesting_timestamp": NEW_YEAR,
        **changes,
    }


def checked(folder: Path, *rows: Any, asked: bool = True, **options: Any) -> ScheduleChecked:
    workspace = open_workspace(folder, network="preprod")
    if asked:
        workspace.storage.network.save(
            ObservedNetwork(network_magic=1, lovelace_per_utxo_byte=4310, observed_at_posix_ms=1)
        )
    return schedule_check(workspace, AllocationsRead(list(rows), None), **options)


def test_totals_by_milestone_and_by_person(tmp_path: Path) -> None:
    result = checked(
        tmp_path,
        row(1),
        row(2, token_amount=5000, vesting_timestamp=NEW_YEAR + 86_400),
        row(1, milestone_identifier="launch", vesting_timestamp=0),
    )
    assert (result.allocation_count, result.beneficiary_count) == (3, 2)
    assert result.total_token_amount == 7000
    audit, launch = result.milestones
    assert (audit.token_amount, audit.vesting) == (6000, "2027-01-01 to 2027-01-02, 2 dates")
    assert (launch.token_amount, launch.vesting) == (1000, "at once")
    assert [(each.beneficiary_address, each.token_amount) for each in result.beneficiaries] == [
        (person(2), 5000),
        (person(1), 2000),
    ]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (row(), "equal in every field"),
        (row(2, milestone_identifier="Audit"), "look alike"),
        (row(2, milestone_identifier="adit"), "nearly equal"),
        (row(1, beneficiary_address=str(person(1, staking=9))), "of one payment key"),
    ],
)
def test_what_may_not_be_meant_is_said(tmp_path: Path, second: Any, words: str) -> None:
    assert any(words in each for each in checked(tmp_path, row(), second).warnings)


def test_what_is_meant_is_not_doubted(tmp_path: Path) -> None:
    rows = (row(1), row(2), row(1, milestone_identifier="phase 1"))
    token = bytes(28).replace(b"\0", b"\1")
    result = checked(tmp_path, *rows, row(3, milestone_identifier="phase 2"), token_policy_id=token)
    assert result.warnings == ()


def test_what_registration_would_refuse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSchedule) as error:
        checked(tmp_path, row(), row(token_amount=0, vesting_timestamp=1_798_761_600_000))
    assert [each["path"] for each in error.value.details["errors"]] == [
        "beneficiary_allocations[1].token_amount",
        "beneficiary_allocations[1].vesting_timestamp",
    ]


def test_a_table_is_refused_by_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "grants.csv"
    cells = (str(person(1)), "1000", "audit", "0")
    file.write_text(
        "\n".join(("Wallet;Tokens;Milestone;Vests", ";".join(cells), "addr1;5;audit;0", ""))
    )
    workspace = open_workspace(tmp_path, network="preprod")
    with pytest.raises(InvalidSchedule) as error:
        schedule_check(workspace, read_allocations(file))
    assert error.value.path == "line 3, column 'Wallet'"


def test_costs(tmp_path: Path) -> None:
    """Everybody is paid in batches; ADA needs none beside it; nothing is guessed without a price."""
    rows = [row(1 + number) for number in range(41)]
    token = checked(tmp_path, *rows).cost
    ada = checked(
        tmp_path, *(row(n, token_amount=2_000_000) for n in range(1, 42)), token_policy_id=b""
    ).cost
    fees = 2 * CLAIM_FEE_LOVELACE + 39 * FURTHER_CLAIM_FEE_LOVELACE
    assert token is not None
    assert ada is not None
    assert (token.payout_fees_lovelace, ada.payout_fees_lovelace) == (fees, fees)
    assert ada.payouts_lovelace == 0
    assert token.pay_everybody_lovelace == token.payouts_lovelace + fees > 41 * 1_000_000
    unknown = checked(tmp_path / "fresh", row(), asked=False)
    assert unknown.cost is None
    assert any("costs are not estimated" in each for each in unknown.warnings)


def test_fees_are_those_of_the_page_on_costs() -> None:
    page = COSTS.read_text(encoding="utf-8")

    def fee(row_name: str) -> int:
        found = re.search(rf"^\| {re.escape(row_name)} \|(?:[^|]*\|){{3}} ([0-9,]+) \|", page, re.M)
        assert found is not None
        return int(found[1].replace(",", ""))

    assert fee("release of 1, page depth 7") == CLAIM_FEE_LOVELACE
    assert fee("attest 2 of 3") == FEES_LOVELACE["attestation"]
    assert fee("open, 1 page") == FEES_LOVELACE["opening"]
    sixteen = FEES_LOVELACE["opening"] + 15 * FEES_LOVELACE["page"]
    assert abs(fee("open, 16 pages of 4,096") / sixteen - 1) < 0.02
    assert f"(lovelace) | {FURTHER_CLAIM_FEE_LOVELACE:,} |" in page


def plan(**options: Any) -> Any:
    arguments: dict[str, Any] = {
        "beneficiary_address": person(1),
        "milestone_identifier": "audit",
        "token_amount": "1,000.01",
        "decimals": 2,
        **options,
    }
    return schedule_vesting(**arguments)


STEPS = {"start": NEW_YEAR, "duration": "1y", "every": "1m", "cliff": "3m"}


def test_a_plan_is_the_same_as_table_and_as_json(tmp_path: Path) -> None:
    table, listed = plan(**STEPS), plan(**STEPS, file_format="json")
    file = tmp_path / "plan.csv"
    file.write_text(table.text)
    assert list(read_allocations(file).allocations.documents()) == json.loads(listed.text)
    assert table.total_token_amount == 100_001 == sum(a.token_amount for a in table.allocations)
    assert len(list(csv.reader(io.StringIO(table.text)))) == 11


def test_a_plan_in_grades() -> None:
    grades = [(NEW_YEAR, Fraction(1, 3)), (NEW_YEAR + 86_400, Fraction(2, 3))]
    assert [each.token_amount for each in plan(grades=grades).allocations] == [33_333, 66_668]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "grade"),
        ({**STEPS, "grades": [(NEW_YEAR, Fraction(1))]}, "grade"),
        ({**STEPS, "every": None}, "grade"),
        ({**STEPS, "every": "5 months"}, "every"),
        ({**STEPS, "token_amount": "1,5001"}, "amount"),
        ({**STEPS, "milestone_identifier": "m" * 65}, "milestone_identifier"),
        ({**STEPS, "token_amount": "0.01"}, "amount"),
    ],
)
def test_plans_that_are_none(options: Any, path: str) -> None:
    with pytest.raises(InvalidInput) as error:
        plan(**options)
    assert error.value.path == path


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "plan.csv"
    file.write_text("mine")
    with pytest.raises(InvalidInput):
        plan(**STEPS, output=file)
    assert file.read_text() == "mine"
