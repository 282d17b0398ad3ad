"""What `check-status` says on a terminal: what is paid, what can be, and what everybody waits for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.views.figures import (
    counted,
    figure,
    heading,
    moment,
    more,
    of_token,
    short,
    table,
    whole,
)
from milestones.services.check_status import StatusReport
from milestones.services.check_status.report import ContractState, MilestoneStatus

MILESTONES: Final = 10
NEWEST: Final = 3
"""How many milestones, and how many of the newest payments, are listed."""


def status(report: StatusReport) -> Iterator[RenderableType]:
    """The sums, each milestone, what is about to happen, the newest payments."""
    state = report.contract_state
    token = (state.token_policy_id, state.token_name)
    paid = state.total_token_amount - state.remaining_token_amount - state.returned_token_amount
    if state.closed:
        paid = state.total_token_amount - state.returned_token_amount
    yield heading(
        f"{state.status.capitalize()}: {of_token(paid, *token)} of"
        f" {of_token(state.total_token_amount, *token)} paid{_counts(state)}"
    )
    yield whole(report.contract_name)
    yield f"now: {moment(report.now)}"
    yield ""
    yield table(
        ("milestone", "oracles", "state", "paid", "to claim"),
        (_row(each, token) for each in report.milestones[:MILESTONES]),
        numbers=("to claim",),
    )
    yield from more(len(report.milestones), MILESTONES, "milestone")
    yield ""
    yield from _to_come(report)
    if report.claims:
        yield table(
            ("newest payments (UTC)", "to", "amount", "transaction"),
            (
                (
                    moment(each.claimed_at)[:16],
                    short(str(each.beneficiary_address or f"#{each.beneficiary_index}")),
                    "?" if each.token_amount is None else figure(each.token_amount, *token),
                    f"{(each.transaction_hash or '?')[:8]}…",
                )
                for each in report.claims[-NEWEST:]
            ),
            numbers=("amount",),
        )


def _counts(state: ContractState) -> str:
    if state.unclaimed_count is None:
        return f", in {counted(state.claimed_count, 'payment')}"
    return (
        f", in {state.claimed_count:,} of {state.claimed_count + state.unclaimed_count:,} payments"
    )


def _row(each: MilestoneStatus, token: tuple[bytes, bytes]) -> tuple[str, ...]:
    if each.attested:
        state = "attested"
    elif each.verified:
        state = "signed, not attested"
    else:
        state = "waits for oracles"
    if (each.attested or each.verified) and each.vesting_passed is False:
        state += ", vesting"
    known = None not in (each.claimed_count, each.allocation_count)
    return (
        each.milestone_identifier,
        f"{each.signature_count} of {each.quorum_threshold}",
        state,
        f"{each.claimed_count} of {each.allocation_count}" if known else "?",
        "?" if each.claimable_amount is None else figure(each.claimable_amount, *token),
    )


def _to_come(report: StatusReport) -> Iterator[RenderableType]:
    state = report.contract_state
    for proposal in report.proposals:
        words = {
            "under_review": f"oracles can object until {moment(proposal.due_at)}",
            "due": "anybody can confirm it now",
        }.get(proposal.state, "it can be taken back")
        yield f"{proposal.milestone_identifier} is proposed: {words}."
    for notice in report.notices:
        if notice.ends_at is not None:
            yield (f"Notice was given: from {moment(notice.ends_at)} on anybody can end it.")
    if not state.closed:
        yield (
            "Unclaimed tokens can't be taken back."
            if state.reclaim_after is None
            else f"Unclaimed tokens can be taken back from {moment(state.reclaim_after)} on."
        )
    if report.discrepancies:
        yield (f"{counted(len(report.discrepancies), 'record')} here differed from the chain.")
    if report.sync.status != "synced":
        yield f"Kupo is {report.sync.status}: it may not have read the newest blocks."
