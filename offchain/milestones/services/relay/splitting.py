"""A wallet's outputs for several lanes: split once, so that pages can be paid side by side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from milestones.cardano.value import Value
from milestones.services.paying.budget import Budget
from milestones.services.paying.lanes import LEAST_LOVELACE, MOST_LANES
from milestones.services.sending.reports import SentResult
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import SendingCommand
from milestones.storage.submission import Submission
from milestones.transactions.contract_drafts import PublishedScripts
from milestones.transactions.draft import DraftOutput, TransactionDraft

WORTH_LOVELACE: Final = 4 * LEAST_LOVELACE
"""What a lane gets at the least; a wallet that holds less is split into fewer."""


class Split(SentResult):
    """Whether anything was split, and into how many outputs."""

    transaction_hash: str | None
    output_count: int


def _is_split(sent: Submission) -> bool:
    return sent.sole is not None and sent.sole.startswith("split")


@dataclass(kw_only=True)
class SplitWallet(SendingCommand[Split]):
    """Makes as many outputs as there shall be lanes, where the wallet has fewer and enough ADA."""

    name = "relay"
    rehearses = False
    lanes: int
    budget: Budget
    outputs: int = 0

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """One transaction, or none where nothing is to be split or earlier ones are on their way."""
        if any(each.status != "confirmed" for each in run.pending):
            return
        context = await run.context(PublishedScripts(run.backend.contract))
        pure = [u for u in context.funds.utxos if not u.output.value.assets]
        large = [u for u in pure if u.output.value.lovelace >= LEAST_LOVELACE]
        held = sum(utxo.output.value.lovelace for utxo in pure)
        wanted = min(self.lanes, MOST_LANES, held // WORTH_LOVELACE)
        if len(large) >= wanted or wanted < 2:
            return
        share = DraftOutput(address=context.funds.change_address, value=Value(held // wanted))
        # The last share is the change: what is left after the fee.
        draft = TransactionDraft(outputs=(share,) * (wanted - 1))
        built = await context.build(draft)
        self.outputs = wanted
        shares = sum(u.output.value.lovelace for u in built.outputs[: wanted - 1])
        charge = self.budget.charge(built, own_lovelace=shares)
        yield SubmissionRequest(
            transaction=built, sole=f"split{run.after(_is_split)}", charge=charge
        )

    def report(self, run: Run) -> Split:
        """What was sent."""
        sent = next(iter(run.transactions), None)
        return Split(transaction_hash=sent, output_count=self.outputs)
