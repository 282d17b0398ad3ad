"""What `relay` says on a terminal at its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.output import harmless
from milestones.cli.views.figures import ada, counted, heading, whole
from milestones.services.relay import Relayed

WHY: Final = {
    "stopped": "Stopped when asked to",
    "budget_spent": "The budget is spent",
    "all_paid": "All is paid",
}


def relayed(result: Relayed) -> Iterator[RenderableType]:
    """Why it ended, what it has paid, and what is left of the budget."""
    yield heading(
        f"{WHY[result.ended]}: {counted(result.claim_count, 'claim')} in"
        f" {counted(result.transaction_count, 'transaction')}"
    )
    yield ""
    for each in result.contract_addresses:
        yield whole(each)
    yield harmless(
        f"Fees {ada(result.fee_lovelace)}, and {ada(result.added_lovelace)} that went along and stay theirs."
    )
    limit = "" if result.most_lovelace is None else f" of {ada(result.most_lovelace)}"
    yield harmless(f"Book {result.book}: {ada(result.spent_lovelace)}{limit} spent in all.")
    if result.confirmation_count:
        yield harmless(f"Confirmed {counted(result.confirmation_count, 'proposal')}.")
    if result.rebuilt_count:
        yield harmless(f"Others were faster {counted(result.rebuilt_count, 'time')}.")
