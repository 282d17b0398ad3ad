"""What a report says in sentences; whatever is drawn is said here as well."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from milestones.look.figures import amount, counted, day, moment, token_unit
from milestones.services.report.model import BoardReport, Kind, MilestoneReport
from milestones.services.verify.checks import FAILED, WARNING

STATUS: Final = {
    "open": "open",
    "completed": "completed",
    "cancelled": "cancelled after a notice",
    "ended": "ended with something left",
}
EVENTS: Final = {
    "opening": "Opened",
    "attestation": "Attested",
    "proposal": "Proposed as reached",
    "confirmation": "Proposal confirmed",
    "proposal_ended": "Proposal ended",
    "notice": "Notice given",
    "replacement": "Oracles replaced",
    "closing": "Closed",
}
POWERS: Final = {
    "attest": "Say that a milestone is reached",
    "pay": "Pay out",
    "close": "Close it",
    "reclaim": "Take back what is not claimed",
    "cancel": "Give notice",
    "refund": "Where money returns",
    "waive": "Waive the oracles",
    "propose": "Propose, and object",
    "rotate": "Replace the oracles",
    "allowance": "Be repaid for paying out",
    "stake": "Stake and vote",
    "nobody": "Nobody",
}
"""What `verify` names for programs, for people. To open it nobody can any more."""


def token_name(report: BoardReport) -> str:
    """The token's name as a unit: `ADA`, its own, or what can be shown of it."""
    state = report.status.contract_state
    return token_unit(state.token_policy_id, state.token_name)


def amounts_of(report: BoardReport) -> Callable[[int], str]:
    """How amounts of the token are written, without its name."""
    return lambda units: amount(units, report.decimals)


def percent(part: int, whole: int) -> str:
    """A share as people say it, to a tenth: never 0% of something, nor 100% of less than all."""
    if not part or not whole:
        return "0%"
    tenths = (2_000 * part + whole) // (2 * whole)
    if not tenths or (tenths == 1_000 and part < whole):
        return "under 0.1%" if not tenths else "over 99.9%"
    return f"{tenths // 10}.{tenths % 10}%".replace(".0%", "%")


def sentence(text: str) -> str:
    """What another command says, as a sentence of a report: a capital, moments as they stand here, a stop."""
    said = _MOMENT.sub(lambda found: moment(_seconds(found[0])), text).rstrip(".")
    return f"{said[0].upper()}{said[1:]}." if said else ""


_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")


def _seconds(words: str) -> int:
    return int(datetime.strptime(f"{words}+0000", "%Y-%m-%d %H:%M:%S UTC%z").timestamp())


def what_became(report: BoardReport) -> str:
    """The sentence that a report begins with."""
    state, token = report.status.contract_state, token_name(report)
    number = amounts_of(report)
    opened = f"Opened on {day(state.opened_at)}"
    if state.status == "completed":
        return f"{opened}, and paid in full: {number(report.paid)} {token}."
    if state.closed:
        left = percent(report.returned, report.total)
        paid = percent(report.paid, report.total)
        return f"{opened}, and {STATUS[state.status]}: {paid} was paid, {left} went back."
    if report.paid == report.total:
        return f"{opened}. All of it is paid; only its deposits are left to be taken back."
    parts = [f"{percent(report.paid, report.total)} is paid"]
    if report.claimable:
        parts.append(f"{percent(report.claimable, report.total)} can be claimed now")
    if report.waiting:
        parts.append("the rest waits for its oracles or its date")
    return f"{opened}. Of {number(report.total)} {token}, {_listed(parts)}."


def _listed(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]


def milestone_word(report: BoardReport, each: MilestoneReport) -> str:
    """How a milestone stands, in two or three words."""
    if each.kind == "ready":
        return f"{amounts_of(report)(each.sums.claimable)} claimable"
    if each.kind == "ended":
        return "partly paid, the rest taken back" if each.sums.paid else "taken back"
    if each.kind == "waiting":
        status = each.status
        return (
            f"{'reached' if status.attested else 'signed'}, vesting" if status.verified else _WAITS
        )
    return {"done": "paid", "failed": "some can't be paid"}[each.kind]


_WAITS: Final = "waits for oracles"


def milestone_words(report: BoardReport, each: MilestoneReport) -> str:
    """A milestone's payments, dates and oracles in a line or two."""
    number, token, sums = amounts_of(report), token_name(report), each.sums
    if not sums.count:
        return reached(report, each) + "."
    parts = [f"{counted(sums.count, 'payment')}, {number(sums.total)} {token}"]
    if 0 < sums.paid < sums.total:
        parts[0] += f", {number(sums.paid)} of it paid"
    return f"{parts[0]}. {vests(each)}. {reached(report, each)}."


def vests(each: MilestoneReport) -> str:
    """When a milestone's allocations vest."""
    first, last = each.vestings[0], each.vestings[-1]
    if first == last:
        return f"Vests on {day(first)}" if first > 0 else "Vests at once"
    since = day(first) if first > 0 else "at once"
    return f"Vests from {since} to {day(last)}, in {len(each.vestings):,} steps"


def reached(report: BoardReport, each: MilestoneReport) -> str:
    """Who said that a milestone is reached, or that it may be."""
    status = each.status
    signed = f"{status.signature_count} of {counted(status.total_oracles, 'oracle')}"
    if status.attested:
        by = f", by {signed}" if status.signature_count else ", without an oracle's signature"
        return f"Reached{by}"
    if status.verified:
        return f"Signed by {signed}, not yet on the chain"
    proposed = {one.milestone_identifier: one for one in report.status.proposals}.get(each.name)
    if proposed is not None:
        until = moment(proposed.due_at)
        under_review = proposed.state == "under_review"
        then = f"oracles can object until {until}" if under_review else "anybody can confirm it"
        return f"Proposed as reached: {then}"
    if status.signature_count:
        return f"{signed} have signed, {status.quorum_threshold} are needed"
    return "Not yet reached"


def verdict(report: BoardReport) -> tuple[Kind, str]:
    """What the audit comes to, for a person."""
    checks = report.audit.checks
    passed = sum(each.outcome == "passed" for each in checks)
    failed = [each.name for each in checks if each.outcome == FAILED]
    known = sum(each.outcome == WARNING for each in checks)
    enforced = "The published schedule is the one that the contract enforces"
    if failed:
        count = counted(len(failed), "check fails", "checks fail")
        return "failed", f"Something is wrong here: {count} ({', '.join(failed)})."
    if report.audit.verdict == "incomplete":
        return (
            "attention",
            "The schedule is private and was not given: nobody can check from the chain alone who gets"
            " what. All else holds.",
        )
    if known:
        return (
            "attention",
            f"{enforced}: {counted(passed, 'check')} passed, and {counted(known, 'thing')} should be"
            " known.",
        )
    return "done", f"{enforced}: all {counted(passed, 'check')} passed."


def as_of(report: BoardReport) -> str:
    """Of which moment all of it is true."""
    return f"As of {moment(report.status.now)}, by the chain's own time"
