"""Whether a transaction is what was handed out to be signed, or another one in its place."""

from __future__ import annotations

from milestones.cardano.transaction import Transaction, network_id_of_address
from milestones.errors import Difference, TransactionMismatch
from milestones.services.backend import Backend, chain_of, tip_slot
from milestones.transactions.matching import Intent, differences


async def in_place_of_another(
    backend: Backend, transaction: Transaction
) -> TransactionMismatch | None:
    """The error for a transaction that spends what one needs that waits for signatures, and isn't it.

    None where it is what waits, or spends nothing of what waits.
    """
    slot = await tip_slot(backend)
    for each in backend.storage.journal.waiting(slot, await chain_of(backend)):
        if each.transaction_id == str(transaction.id):
            return None
        if not set(each.inputs).isdisjoint(transaction.body.inputs):
            return TransactionMismatch(
                str(transaction.id),
                changed_since(Transaction.read(each.transaction_cbor), transaction),
                hint=f"transaction {each.transaction_id} was handed out to be signed, and spends the same:"
                " find out who has changed it. Where the other one is meant, give this one up:"
                f" `milestones transaction drop {each.transaction_id}`",
            )
    return None


def changed_since(handed_out: Transaction, found: Transaction) -> tuple[Difference, ...]:
    """Where a transaction with another id differs: in its encoding alone, where it does the same."""
    outputs = handed_out.body.outputs
    network_id = network_id_of_address(outputs[0].address) if outputs else None
    changed = differences(Intent.of_transaction(handed_out, network_id or 0), found)
    return changed or (Difference("its encoding", "the bytes that left", "another"),)
