"""What `calculate-distribution` and `submit-release` say on a terminal. Amounts are in the smallest unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.output import harmless
from milestones.cli.views.figures import ada, counted, heading, moment, short, table, whole
from milestones.services.calculate_distribution import DistributionCalculated
from milestones.services.submit_release import ReleaseReport

SHOWN: Final = 8
"""Allocations that are listed of a kind."""
STATUS: Final = {
    "dry_run": "Nothing was sent: this is what would be",
    "waiting_for_signatures": "Waits for signatures",
    "submitted": "Submitted, and in no block yet",
    "confirmed": "Paid, in a block",
}


def calculated(result: DistributionCalculated) -> Iterator[RenderableType]:
    """What somebody can claim now, what later, and why; the last moment for it."""
    yield heading(
        f"{result.claimable_amount:,} to claim now, {result.later_amount:,} later,"
        f" {result.claimed_amount:,} paid of {result.total_amount:,} (smallest unit)"
    )
    yield whole(str(result.beneficiary_address))
    yield harmless(f"now: {moment(result.now)}")
    yield ""
    yield table(
        ("#", "milestone", "amount", "vests (UTC)", "why"),
        (
            (
                str(each.beneficiary_index),
                each.milestone_identifier,
                f"{each.token_amount:,}",
                moment(each.vesting_timestamp)[:16] if each.vesting_timestamp else "at once",
                each.reason,
            )
            for each in result.allocations[:SHOWN]
        ),
        numbers=("#", "amount"),
    )
    yield from _more(len(result.allocations), "allocation")
    if result.claim_until is not None:
        yield harmless(
            f"What is not claimed can be taken away from {moment(result.claim_until)} on."
        )


def released(report: ReleaseReport) -> Iterator[RenderableType]:
    """Who is paid, what it costs whoever pays, and what was left out."""
    if report.status == "all_paid":
        yield heading(
            f"All are paid: nothing is left to do for {counted(report.claimed_before, 'allocation')}"
        )
        return
    said = STATUS.get(report.status, report.status.replace("_", " ").capitalize())
    yield heading(
        f"{said}: {counted(len(report.paid), 'payment')}, {report.paid_token_amount:,} (smallest unit)"
    )
    yield ""
    if report.paid:
        yield table(
            ("#", "to", "amount", "milestone"),
            (
                (
                    str(each.beneficiary_index),
                    short(str(each.beneficiary_address)),
                    f"{each.token_amount:,}",
                    each.milestone_identifier,
                )
                for each in report.paid[:SHOWN]
            ),
            numbers=("#", "amount"),
        )
        yield from _more(len(report.paid), "payment")
        yield ""
    for reason, rows in (("left out", report.left_out), ("not due yet", report.skipped)):
        for each in rows[:SHOWN]:
            yield harmless(
                f"{reason}: #{each.beneficiary_index}, {each.token_amount:,}: {each.reason}"
            )
        yield from _more(len(rows), "allocation")
    back = f"; {ada(report.allowance_lovelace)} come back as an allowance"
    yield harmless(
        f"Fees {ada(report.fee_estimate)}, and {ada(report.deposits_lovelace)} that go along and stay"
        f" theirs{back if report.allowance_lovelace else ''}."
    )
    for waiting in report.handed_out:
        yield whole(f"to be signed  {waiting.file}")
    for transaction in report.transactions[:SHOWN]:
        yield whole(f"transaction   {transaction.transaction_hash}")
    yield from _more(len(report.transactions), "transaction")


def _more(count: int, one: str) -> Iterator[RenderableType]:
    if count > SHOWN:
        yield harmless(f"and {counted(count - SHOWN, one)} more: `--full`")
