"""Transactions that carry signatures of oracles: where a script refuses one, who may be to blame."""

from __future__ import annotations

from collections.abc import Collection

from milestones.errors import ChainRejected
from milestones.services.sending.building import BuildContext
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.tx_builder import BalancedTransaction


async def build_signed(
    context: BuildContext, draft: TransactionDraft, signers: Collection[bytes]
) -> BalancedTransaction:
    """As `BuildContext.build`; a script's refusal says whose signatures (28 bytes each) were used."""
    try:
        return await context.build(draft)
    except ChainRejected as error:
        if signers and error.script_failed:
            named = [signer.hex() for signer in signers]
            error.hint = (
                "a signature may not be genuine: let the oracles sign the bytes of"
                " `milestones oracle payload` again"
            )
            error.details["signers"] = named
        raise
