"""What a transaction does, in words: for whoever is asked before it is signed, and for the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from milestones.cardano.transaction import Transaction
from milestones.errors import SigningRefused
from milestones.services.backend import Backend
from milestones.transactions.signing import signing_request
from milestones.transactions.tx_builder import BalancedTransaction
from milestones.transactions.words import TransactionInWords, in_words

_LOG: Final = logging.getLogger(__name__)


def words_of(backend: Backend, balanced: BalancedTransaction) -> TransactionInWords:
    """What a transaction does, out of the bytes that are about to be signed."""
    request = signing_request(balanced)
    transaction = Transaction.read(request.transaction_cbor)
    return in_words(transaction, request.resolved, backend.versions or (backend.contract,))


async def must_be_approved(backend: Backend, sentences: Sequence[str]) -> None:
    """Whoever is to be asked before something is done for good agrees. Raises `SigningRefused`."""
    if backend.approve is not None and not await backend.approve(sentences):
        raise SigningRefused("whoever was asked", "they did not agree")


def log_words(backend: Backend, balanced: BalancedTransaction) -> None:
    """A line a sentence; nothing where nobody reads the log."""
    if not _LOG.isEnabledFor(logging.INFO):
        return
    words = words_of(backend, balanced)
    about = {"transaction_hash": words.transaction_hash}
    for sentence in (*words.summary, *words.doubts):
        _LOG.info("transaction %s", sentence, extra=about)
