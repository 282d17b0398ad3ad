"""What `report` says on a terminal: where the file is, and its sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.output import harmless
from milestones.cli.views.figures import counted, heading, of_token, whole
from milestones.services.report import ReportWritten

VERDICTS: Final = {
    "sound": "The published schedule is the one that the contract enforces.",
    "unsound": "A check fails: see the report's proof, or `verify`.",
    "incomplete": "The schedule is private: give it with --schedule to have it checked.",
    "completed": "All was paid before it was closed.",
    "cancelled": "It was ended after a notice, with something left.",
    "ended": "It was ended with something left.",
}


def report(result: ReportWritten) -> Iterator[RenderableType]:
    """The file first, which is what somebody wants next."""
    yield heading(
        f"Report of {counted(result.payment_count, 'payment')}, {result.byte_count:,} bytes"
    )
    yield whole(result.file)
    yield ""
    token = (result.token_policy_id, result.token_name, result.decimals)
    sums = [f"{of_token(result.paid_amount, *token)} paid"]
    if result.status == "open":
        sums.append(f"{of_token(result.claimable_amount, *token)} claimable")
        sums.append(f"{of_token(result.waiting_amount, *token)} waiting")
    else:
        sums.append(f"{of_token(result.returned_amount, *token)} taken back")
    yield harmless(f"Of {of_token(result.total_amount, *token)}: {', '.join(sums)}.")
    yield harmless(VERDICTS[result.verdict])
