"""Files that hold transactions and signatures."""

from __future__ import annotations

from pathlib import Path

from milestones.cardano.transaction import Transaction
from milestones.documents import TRANSACTION, read_bytes
from milestones.errors import InvalidInput
from milestones.keys.envelopes import Signatures, read_signatures, read_transaction


def transaction_in(file: Path) -> Transaction:
    """The transaction in a file; `-` is standard input. Raises `InvalidInput` that names the file."""
    return read_transaction(_content(file), str(file))


def signatures_in(file: Path) -> Signatures:
    """The signatures in a file; `-` is standard input. Raises `InvalidInput` that names the file."""
    return read_signatures(_content(file), str(file))


def _content(file: Path) -> bytes:
    return read_bytes(file, TRANSACTION, str(file), InvalidInput)
