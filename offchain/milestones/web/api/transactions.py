"""Signed transactions: sent once they are written down, and followed into a block."""

from __future__ import annotations

import binascii
from typing import Annotated, Final

from pydantic import Field

from milestones.cardano.transaction import Transaction
from milestones.domain.reading import Record
from milestones.errors import InvalidInput, SignaturesMissing
from milestones.keys.assembling import assemble
from milestones.keys.envelopes import read_signatures, read_transaction
from milestones.services.transaction import (
    TransactionReport,
    TransactionSubmitted,
    submit_transaction,
    transaction_status,
)
from milestones.services.transaction.show import known_outputs
from milestones.transactions.required import required_signatures
from milestones.transactions.words import in_words
from milestones.web.api.operation import Asked, Operation
from milestones.web.serving import Served, Serving

MOST_WITNESS_SETS: Final = 50
Hexadecimal = Annotated[str, Field(max_length=66_000)]


class Signed(Record):
    """A transaction as it was built, and witness sets for it, as `signTx` answers them; all in hexadecimal."""

    transaction: Hexadecimal
    witnesses: Annotated[tuple[Hexadecimal, ...], Field(max_length=MOST_WITNESS_SETS)] = ()


def _content(text: str, path: str) -> bytes:
    try:
        return binascii.unhexlify(text)
    except ValueError:
        raise InvalidInput(
            "this is not hexadecimal", path=path, hint="give what the wallet returned"
        ) from None


async def _submit(asked: Asked) -> TransactionSubmitted:
    body: Signed = asked.body
    serving, served = asked.serving, asked.served
    transaction = read_transaction(_content(body.transaction, "transaction"), "transaction")
    offered = [
        read_signatures(_content(text, f"witnesses[{number}]"), f"witnesses[{number}]")
        for number, text in enumerate(body.witnesses)
    ]
    known = await known_outputs(serving.backend, transaction)
    addresses = {each.output.address for each in known}
    addresses |= {each.address for each in transaction.body.outputs}
    _must_be_about(serving, served, transaction, addresses)
    required = required_signatures(transaction, known)
    assembled = assemble(transaction, offered, required)
    if assembled.missing:
        raise SignaturesMissing(assembled.missing)
    sent = await submit_transaction(serving.backend, assembled.transaction)
    serving.kept.forget()
    return sent


def _must_be_about(
    serving: Serving, served: Served, transaction: Transaction, addresses: set[str]
) -> None:
    """It does something by the contract's rules with the distribution: nobody else's errands are run."""
    backend = serving.backend
    words = in_words(transaction, (), backend.versions or (backend.contract,))
    by_rule = any(action.script != "unknown" for action in words.actions)
    if not by_rule or served.address.to_bech32() not in addresses:
        raise InvalidInput(
            "the transaction does nothing with this distribution",
            path="transaction",
            hint="send one that was built for it here; others the wallet can send itself",
        )


async def _status(asked: Asked) -> TransactionReport:
    serving, transaction_hash = asked.serving, asked.path["transaction_hash"]
    return await serving.kept.get(
        ("transaction", transaction_hash[:80]),
        lambda: transaction_status(serving.backend, transaction_hash),
    )


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/distributions/{distribution}/transactions",
        name="submit",
        summary="Send a signed transaction; it is written down first, and can be sent again.",
        perform=_submit,
        answer=TransactionSubmitted,
        body=Signed,
    ),
    Operation(
        path="/transactions/{transaction_hash}",
        name="transaction",
        summary="What has become of a transaction.",
        perform=_status,
        answer=TransactionReport,
    ),
)
