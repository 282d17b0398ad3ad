"""Files that hold transactions and signatures: read within bounds, and never written over."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from milestones.cardano.transaction import Transaction
from milestones.errors import InvalidInput
from milestones.keys.envelopes import MOST_BYTES, Signatures, read_signatures, read_transaction

STANDARD_INPUT: Final = Path("-")


def transaction_in(file: Path) -> Transaction:
    """The transaction in a file; `-` is standard input. Raises `InvalidInput` that names the file."""
    return read_transaction(_content(file), str(file))


def signatures_in(file: Path) -> Signatures:
    """The signatures in a file; `-` is standard input. Raises `InvalidInput` that names the file."""
    return read_signatures(_content(file), str(file))


def _content(file: Path) -> bytes:
    if file == STANDARD_INPUT:
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise InvalidInput(
            "there is no such file", path=str(file), hint="check the file's name"
        ) from None
    except OSError as error:
        raise InvalidInput(
            f"can't be read: {error.strerror}", path=str(file), hint="check the file's permissions"
        ) from None


def write_new(output: Path, content: str) -> None:
    """Writes a file that isn't there yet. Raises `InvalidInput` about `output`."""
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise InvalidInput(
            f"{output} can't be written: {error.strerror}",
            path="output",
            hint="choose another name; a file that is there is never overwritten",
        ) from None
