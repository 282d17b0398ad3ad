"""What a person sees, at 80 columns: kept as it is expected."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.cli.views import (
    figures,
    finding,
    history,
    schedule,
)
from milestones.services.find import DistributionsFound, FoundAllocations
from milestones.services.history import DistributionHistory, HistoryLine
from milestones.services.list import DistributionsListed, ListedDistribution
from milestones.services.schedule.check import (
    BeneficiaryTotal,
    MilestoneTotal,
    ScheduleChecked,
    ScheduleCost,
)
from tests.support.screens import ADDRESS, GRANT, NAME, in_zone, printed

pytestmark = pytest.mark.usefixtures("in_utc")


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [
        (1_234_567, None, "1,234,567"),
        (1_234_567, 6, "1.234567"),
        (5, 2, "0.05"),
        (-1_000_050, 2, "-10,000.50"),
        (0, 6, "0.000000"),
    ],
)
def test_amounts(units: int, decimals: int | None, text: str) -> None:
    assert figures.amount(units, decimals) == text


def checked(milestones: int) -> ScheduleChecked:
    names = ("audit", "a milestone with a long name that somebody wrote", *map(str, range(99)))
    return ScheduleChecked(
        allocation_count=3 * milestones,
        beneficiary_count=2,
        total_token_amount=300_050 * milestones,
        milestones=tuple(
            MilestoneTotal(
                milestone_identifier=name,
                allocation_count=3,
                beneficiary_count=2,
                token_amount=300_050,
                first_vesting_timestamp=0,
                last_vesting_timestamp=0,
                vesting="2027-01-01 to 2027-06-30 12:00:00 UTC, 3 dates",
            )
            for name in names[:milestones]
        ),
        beneficiaries=tuple(
            BeneficiaryTotal(
                beneficiary_address=Address(0, key_credential(bytes([number]) * 28), None),
                allocation_count=number,
                token_amount=100_050 * number,
            )
            for number in (1, 2)
        ),
        cost=ScheduleCost(
            opening_deposits_lovelace=4_331_550,
            attestation_deposits_lovelace=1_961_050,
            payouts_lovelace=123_456_789,
            opening_fees_lovelace=281_632,
            attestation_fees_lovelace=274_751,
            payout_fees_lovelace=277_483,
            pay_everybody_lovelace=123_734_272,
        ),
    )


CHECKED = """\
6 payments to 2 people, 6,001.00 in all

milestone                     payments    amount  vests
audit                                3  3,000.50  2027-01-01 to 2027-06-30
                                                  12:00:00 UTC, 3 dates
a milestone with a long name         3  3,000.50  2027-01-01 to 2027-06-30
that somebody wrote                               12:00:00 UTC, 3 dates

beneficiary              payments    amount
addr_test1vqqs…qgasfzjt         1  1,000.50
addr_test1vqpq…qsw74k48         2  2,001.00

cost                  ADA
open it          4.331550  deposits, back when it is closed
                 0.281632  fees, about
attest it        1.961050  deposits, back as well
                 0.274751  fees, about
pay everybody  123.456789  go along and are theirs
                 0.277483  fees, about
Paying everybody takes about 123.734272 ADA.
"""


def test_schedule_check() -> None:
    assert printed(schedule.checked(checked(2), 2)) == CHECKED


def test_a_long_list_says_how_much_more_there_is() -> None:
    text = printed(schedule.checked(checked(11), None))
    assert "and 3 milestones more: `--full`" in text
    assert "(smallest unit)" in text


@pytest.mark.parametrize("width", [40, 60])
def test_narrow_terminals_lose_nothing(width: int) -> None:
    text = printed(schedule.checked(checked(2), 2), width)
    assert max(map(len, text.splitlines())) <= width
    assert all(each in text for each in ("3,000.50", "123.456789", "audit"))


def listed(**changes: Any) -> ListedDistribution:
    values: dict[str, Any] = {
        "contract_name": NAME,
        "distribution_id": bytes(28),
        "contract_address": ADDRESS,
        "contract_version": "2.0.0",
        "status": "open",
        "description": "Grant for the audit",
        **GRANT,
        "total_token_amount": 1_500_000,
        "remaining_amount": 1_000_000,
        "claimable_amount": 250_000,
        "allocation_count": 3,
        "roles": ("creator", "sent_here"),
        **changes,
    }
    return ListedDistribution(**values)


LISTED = f"""\
2 distributions, 1 of them your own (*)

* Grant for the audit: open; creator, sent here
  {NAME}
  1,000,000 GRANT left of 1,500,000 GRANT; 250,000 GRANT claimable

  (no description): open
  {NAME}
  1.000000 ADA left of 1.500000 ADA; not known here: private
"""


def test_list() -> None:
    other = listed(
        token_policy_id=b"", token_name=b"", description="", claimable_amount=None, roles=()
    )
    result = DistributionsListed(distributions=(listed(), other), own_count=1)
    assert printed(finding.listed(result)) == LISTED


FOUND = f"""\
1 distribution with allocations for
{ADDRESS}

  Grant for the audit: open
  {NAME}
  another address with the same staking part:
  {ADDRESS}
  1,000 GRANT claimable, 0 GRANT later, 7 GRANT paid
"""


def test_find() -> None:
    there = FoundAllocations(
        contract_name=NAME,
        contract_address=ADDRESS,
        distribution_id=bytes(28),
        status="open",
        description="Grant for the audit",
        token_policy_id=bytes(28),
        token_name=b"GRANT",
        beneficiary_address=ADDRESS,
        match="staking_part",
        beneficiary_indices=(0,),
        claimable_amount=1_000,
        later_amount=0,
        claimed_amount=7,
    )
    result = DistributionsFound(beneficiary_address=ADDRESS, found=(there,), unknown_count=0)
    assert printed(finding.found(result)) == FOUND


def line(event: str, **changes: Any) -> HistoryLine:
    values: dict[str, Any] = {
        "at_posix_seconds": 1_798_761_600,
        "at": "2027-01-01 00:00:00 UTC",
        "slot": 7,
        "transaction_hash": bytes([7]) * 32,
        "event": event,
        "milestone_identifier": None,
        "beneficiary_index": None,
        "beneficiary_address": None,
        "token_change": 0,
        "lovelace_change": 0,
        "fee_lovelace": 0,
        **changes,
    }
    return HistoryLine(**values)


def past(*lines: HistoryLine) -> DistributionHistory:
    return DistributionHistory(
        contract_address=ADDRESS,
        contract_name=NAME,
        distribution_id=bytes(28),
        status="open",
        **GRANT,
        lines=lines,
        paid_amount=5_000,
        returned_amount=0,
        held_amount=10_000,
        held_lovelace=6_292_600,
        fees_lovelace=812_345,
        unknown_fee_count=1,
        complete=True,
    )


HISTORY = f"""\
3 lines of a distribution that is open
{NAME}

when (UTC)        what                 amount  transaction
2027-01-01 00:00  opening             +15,000  07070707070707…07070707
2027-01-01 00:00  attestation: audit           07070707070707…07070707
2027-01-01 00:00  claim #3: audit      -5,000  07070707070707…07070707

5,000 GRANT paid, 0 GRANT taken back, 10,000 GRANT held.
Its outputs hold 6.292600 ADA in all.
Fees: 0.812345 ADA; of 1 transaction by others they aren't known.
"""


def test_history() -> None:
    lines = (
        line("opening", token_change=15_000),
        line("attestation", milestone_identifier="audit"),
        line("claim", milestone_identifier="audit", beneficiary_index=3, token_change=-5_000),
    )
    assert printed(history.history(past(*lines))) == HISTORY


def test_a_long_history_shows_the_newest() -> None:
    text = printed(history.history(past(*[line("claim")] * 100)))
    assert "88 earlier: `--full`, or --format csv" in text
    assert text.count("claim") == 12


def test_moments_are_said_in_utc_and_in_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert figures.moment(1_814_356_800) == "2027-06-30 12:00 UTC"
    assert figures.moment(1_814_356_801) == "2027-06-30 12:00:01 UTC"
    in_zone(monkeypatch, "CET-1CEST,M3.5.0,M10.5.0/3")
    assert figures.moment(1_814_356_800) == "2027-06-30 12:00 UTC (2027-06-30 14:00 CEST)"
    assert figures.moment(10**15) == "1000000000000000 s after 1970"
