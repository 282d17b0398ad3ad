"""What `deploy` says on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.output import harmless
from milestones.cli.views.figures import ada, heading, whole
from milestones.services.deploy import Deployed

STATUS: Final = {
    "dry_run": "Nothing was sent: this is what would be opened",
    "waiting_for_signatures": "Waits for signatures",
    "submitted": "Submitted, and in no block yet",
    "confirmed": "Open, in a block",
}


def deployed(result: Deployed) -> Iterator[RenderableType]:
    """What is locked, who can do what with it, what it cost; name and transactions to be copied."""
    said = STATUS.get(result.status, result.status.replace("_", " ").capitalize())
    yield heading(f"{said}: {result.total_token_amount:,} (smallest unit) promised")
    yield ""
    for power in result.powers:
        yield harmless(f"- {power.words}")
    yield ""
    yield harmless(
        f"Deposits {ada(result.deposits.total_lovelace)}, which come back when it is closed; fees"
        f" {ada(result.fee_estimate)}."
    )
    if result.private:
        yield harmless("The schedule is private: every beneficiary needs a file, see `claim-file`.")
    yield whole(f"address      {result.contract_name}")
    for waiting in result.handed_out:
        yield whole(f"to be signed {waiting.file}")
    for each in result.transactions:
        yield whole(f"{each.role:<12} {each.transaction_hash}")
