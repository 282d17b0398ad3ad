"""`transaction`: what became of one, what it does, and its way from one machine to another."""

from milestones.services.transaction.drop import TransactionDropped, drop_transaction
from milestones.services.transaction.hardware import HardwareChecked, check_hardware
from milestones.services.transaction.show import (
    TransactionShown,
    show_known_transaction,
    show_transaction,
)
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
    "HardwareChecked",
    "TransactionAssembled",
    "TransactionDropped",
    "TransactionReport",
    "TransactionShown",
    "TransactionSigned",
    "TransactionSubmitted",
    "assemble_known_transaction",
    "assemble_transaction",
    "check_hardware",
    "drop_transaction",
    "show_known_transaction",
    "show_transaction",
    "sign_transaction",
    "submit_transaction",
    "transaction_status",
]
