"""Signed transactions: sent once they are written down, and followed into a block."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from milestones.cardano.outputs import TransactionId, Utxo
from milestones.cardano.transaction import Transaction
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import HexField, Record
from milestones.errors import InvalidInput, NotFound, SignaturesMissing
from milestones.keys.assembling import Assembled, assemble
from milestones.keys.envelopes import Signatures, read_signatures, read_transaction
from milestones.services.backend import now_posix_ms
from milestones.services.results import View
from milestones.services.transaction import (
    TransactionReport,
    TransactionSubmitted,
    submit_transaction,
    transaction_status,
)
from milestones.services.transaction.show import known_outputs
from milestones.storage.serving import SignedInPart
from milestones.transactions.required import RequiredSignatures, required_signatures
from milestones.transactions.words import TransactionInWords, in_words
from milestones.web.answers import RequestRefused
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


class SignedInPartShown(View):
    """A transaction that several people sign: what it is, and whose signatures it has. Key hashes.

    `missing` are those who could still sign, and `missing_count` how many more are enough; None where none are.
    After `valid_until` (POSIX seconds) all of them are worthless.
    """

    transaction_hash: str
    transaction_cbor: HexField
    signed_by: tuple[str, ...]
    missing: tuple[str, ...]
    missing_count: int | None
    left_out: tuple[str, ...]
    complete: bool
    valid_until: int | None
    words: TransactionInWords


async def _assembled(
    asked: Asked, transaction: Transaction, offered: Sequence[Signatures]
) -> tuple[Assembled, list[Utxo], RequiredSignatures]:
    """The transaction with all signatures that are offered, and those that were handed in before."""
    serving, served = asked.serving, asked.served
    known = await known_outputs(serving.backend, transaction)
    addresses = {each.output.address for each in known}
    addresses |= {each.address for each in transaction.body.outputs}
    _must_be_about(serving, served, transaction, addresses)
    required = required_signatures(transaction, known)
    kept = serving.backend.storage.serving.signed(str(transaction.id))
    before = () if kept is None else (read_signatures(kept.transaction_cbor, "signatures"),)
    return assemble(transaction, (*before, *offered), required), known, required


def _read(body: Signed) -> tuple[Transaction, list[Signatures]]:
    transaction = read_transaction(_content(body.transaction, "transaction"), "transaction")
    return transaction, [
        read_signatures(_content(text, f"witnesses[{number}]"), f"witnesses[{number}]")
        for number, text in enumerate(body.witnesses)
    ]


async def _submit(asked: Asked) -> TransactionSubmitted:
    assembled, _, _ = await _assembled(asked, *_read(asked.body))
    if assembled.missing:
        raise SignaturesMissing(assembled.missing)
    sent = await submit_transaction(asked.serving.backend, assembled.transaction)
    asked.serving.kept.forget()
    return sent


async def _collect(asked: Asked) -> SignedInPartShown:
    transaction, offered = _read(asked.body)
    assembled, known, required = await _assembled(asked, transaction, offered)
    if not assembled.signed:
        raise InvalidInput(
            "none of these signatures is one that the transaction needs",
            path="witnesses",
            hint="sign the very bytes that were built, with a key that has to sign",
        )
    now = now_posix_ms()
    name = await asked.serving.name(asked.served)
    there_is_room = asked.serving.backend.storage.serving.keep_signed(
        str(transaction.id),
        SignedInPart(
            distribution_id=name.distribution_id,
            transaction_cbor=assembled.transaction.raw,
            at_posix_ms=now,
        ),
        now_posix_ms=now,
    )
    if not there_is_room:
        raise RequestRefused(503, "too many transactions wait for signatures", path="witnesses")
    return await _in_part(asked.serving, assembled, known, required)


async def signed_in_part(asked: Asked) -> SignedInPartShown:
    """A transaction that some have signed, as the path's `transaction_hash` names it. Raises `NotFound`."""
    wanted = str(TransactionId.parse(asked.path["transaction_hash"]))
    kept = asked.serving.backend.storage.serving.signed(wanted)
    name = await asked.serving.name(asked.served)
    if kept is None or kept.distribution_id != name.distribution_id:
        raise NotFound(
            "nobody has handed in a signature of this transaction here",
            hint="hand one in first: POST …/signed",
        )
    transaction = read_transaction(kept.transaction_cbor, "transaction")
    return await _in_part(asked.serving, *await _assembled(asked, transaction, ()))


async def _in_part(
    serving: Serving, assembled: Assembled, known: Sequence[Utxo], required: RequiredSignatures
) -> SignedInPartShown:
    transaction = assembled.transaction
    clock = await serving.backend.ogmios.slot_clock()
    until = transaction.body.valid_until_slot
    versions = serving.backend.versions or (serving.backend.contract,)
    return SignedInPartShown(
        transaction_hash=str(transaction.id),
        transaction_cbor=transaction.raw,
        signed_by=tuple(sorted(each.hex() for each in assembled.signed)),
        missing=tuple(sorted(each.hex() for each in assembled.missing)),
        missing_count=required.missing_count(assembled.signed),
        left_out=tuple(f"{each.key_hash.hex()}: {each.reason}" for each in assembled.left_out),
        complete=not assembled.missing,
        valid_until=None if until is None else to_posix_seconds(clock.start_of(until)),
        words=in_words(transaction, known, versions, clock),
    )


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
        method="POST",
        path="/distributions/{distribution}/signed",
        name="collect",
        summary="Hand in signatures of a transaction that several people sign; they are kept.",
        perform=_collect,
        answer=SignedInPartShown,
        body=Signed,
    ),
    Operation(
        path="/distributions/{distribution}/signed/{transaction_hash}",
        name="signed",
        summary="A transaction that several people sign, and whose signatures it has.",
        perform=signed_in_part,
        answer=SignedInPartShown,
    ),
    Operation(
        path="/transactions/{transaction_hash}",
        name="transaction",
        summary="What has become of a transaction.",
        perform=_status,
        answer=TransactionReport,
    ),
)
