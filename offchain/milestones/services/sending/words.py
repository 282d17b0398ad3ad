"""What a transaction does, in words, for the log: before it is signed, and where it won't be."""

from __future__ import annotations

import logging
from typing import Final

from milestones.cardano.transaction import Transaction
from milestones.services.backend import Backend
from milestones.transactions.signing import signing_request
from milestones.transactions.tx_builder import BalancedTransaction
from milestones.transactions.words import in_words

_LOG: Final = logging.getLogger(__name__)


def log_words(backend: Backend, balanced: BalancedTransaction) -> None:
    """A line a sentence, out of the bytes that are about to be signed; nothing where nobody reads the log."""
    if not _LOG.isEnabledFor(logging.INFO):
        return
    request = signing_request(balanced)
    transaction = Transaction.read(request.transaction_cbor)
    words = in_words(transaction, request.resolved, backend.versions or (backend.contract,))
    about = {"transaction_hash": words.transaction_hash}
    for sentence in (*words.summary, *words.doubts):
        _LOG.info("transaction %s", sentence, extra=about)
