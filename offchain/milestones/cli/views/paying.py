"""What `calculate-distribution` and `submit-release` say on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.views.figures import (
    ada,
    counted,
    figure,
    happened,
    heading,
    labelled,
    moment,
    more,
    of_token,
    short,
    table,
    whole,
)
from milestones.cli.views.sending import identifier, waiting
from milestones.services.calculate_distribution import DistributionCalculated
from milestones.services.paying.left_out import Unpaid
from milestones.services.submit_release import ReleaseReport

SHOWN: Final = 8
"""Allocations that are listed of a kind."""
NUMBERED: Final = 4
"""Allocations with one reason that are told by their numbers."""


def calculated(result: DistributionCalculated) -> Iterator[RenderableType]:
    """What somebody can claim now, what later, and why; the last moment for it."""
    token = (result.token_policy_id, result.token_name)
    yield heading(
        f"{of_token(result.claimable_amount, *token)} to claim now,"
        f" {figure(result.later_amount, *token)} later, {figure(result.claimed_amount, *token)} paid of"
        f" {figure(result.total_amount, *token)}"
    )
    yield whole(str(result.beneficiary_address))
    yield f"now: {moment(result.now)}"
    yield ""
    yield table(
        ("#", "milestone", "amount", "vests (UTC)", "why"),
        (
            (
                str(each.beneficiary_index),
                each.milestone_identifier,
                figure(each.token_amount, *token),
                moment(each.vesting_timestamp)[:16] if each.vesting_timestamp else "at once",
                each.reason,
            )
            for each in result.allocations[:SHOWN]
        ),
        numbers=("#", "amount"),
    )
    yield from more(len(result.allocations), SHOWN, "allocation")
    if result.claim_until is not None:
        yield (f"What is not claimed can be taken away from {moment(result.claim_until)} on.")


def _which(unpaid: Unpaid) -> str:
    """A few by their numbers, many by how many they are."""
    if unpaid.allocation_count > NUMBERED:
        return counted(unpaid.allocation_count, "allocation")
    return ", ".join(f"#{index}" for index in unpaid.beneficiary_indices)


def released(report: ReleaseReport) -> Iterator[RenderableType]:
    """Who is paid, what it costs whoever pays, and what was left out."""
    if report.status == "all_paid":
        yield heading(
            f"All are paid: nothing is left to do for {counted(report.claimed_before, 'allocation')}"
        )
        return
    token = (report.token_policy_id, report.token_name)
    yield heading(
        f"{happened(report.status, 'Paid')}: {counted(len(report.paid), 'payment')},"
        f" {of_token(report.paid_token_amount, *token)}"
    )
    yield ""
    if report.paid:
        yield table(
            ("#", "to", "amount", "milestone"),
            (
                (
                    str(each.beneficiary_index),
                    short(str(each.beneficiary_address)),
                    figure(each.token_amount, *token),
                    each.milestone_identifier,
                )
                for each in report.paid[:SHOWN]
            ),
            numbers=("#", "amount"),
        )
        yield from more(len(report.paid), SHOWN, "payment")
        yield ""
    for each in report.left_out[:SHOWN]:
        yield f"left out: {_which(each)}, {figure(each.token_amount, *token)}: {each.reason}"
    yield from more(len(report.left_out), SHOWN, "reason")
    for waits in report.skipped[:SHOWN]:
        amount = figure(waits.token_amount, *token)
        yield (
            f"not due yet: {_which(waits)}, {amount} for {waits.milestone_identifier}: {waits.reason}"
        )
    yield from more(len(report.skipped), SHOWN, "milestone and time", "milestones and times")
    back = f"; {ada(report.allowance_lovelace)} come back as an allowance"
    yield (
        f"Fees {ada(report.fee_estimate)}, and {ada(report.deposits_lovelace)} that go along and stay"
        f" theirs{back if report.allowance_lovelace else ''}."
    )
    yield from waiting(report)
    hashes = [identifier(report.status, each.transaction_hash) for each in report.transactions]
    yield from labelled(*(("transaction", each) for each in hashes[:SHOWN]))
    yield from more(len(report.transactions), SHOWN, "transaction")
