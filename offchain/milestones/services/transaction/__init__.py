"""`transaction`: what became of one, what it does, and its way from one machine to another."""

from milestones.services.transaction.signing import (
    TransactionAssembled,
    TransactionSigned,
    assemble_known_transaction,
    assemble_transaction,
    sign_transaction,
)
from milestones.services.transaction.status import TransactionReport, transaction_status
from milestones.services.transaction.submit import TransactionSubmitted, submit_transaction

__all__ = [
    "TransactionAssembled",
    "TransactionReport",
    "TransactionSigned",
    "TransactionSubmitted",
    "assemble_known_transaction",
    "assemble_transaction",
    "sign_transaction",
    "submit_transaction",
    "transaction_status",
]
