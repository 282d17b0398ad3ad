"""Signatures from wherever they were made become a transaction's, and what is of no use is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from milestones.cardano import cbor
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.transaction import KeyWitness, Transaction
from milestones.keys.envelopes import Signatures
from milestones.transactions.required import RequiredSignatures
from milestones.transactions.signing import is_genuine

LeftOutReason = Literal["not_of_this_transaction", "not_needed", "more_than_needed"]
"""A signature that doesn't verify; one of a key that nothing asks for; one more than the fee pays for."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A signature that isn't taken, whose it is (28 bytes), which file it came in, and why."""

    source: str
    key_hash: bytes
    reason: LeftOutReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """A transaction with the signatures that it takes. `missing` could still sign, and are needed."""

    transaction: Transaction
    signed: frozenset[bytes]
    missing: frozenset[bytes]
    left_out: tuple[LeftOut, ...] = ()


def assemble(
    transaction: Transaction, offered: Iterable[Signatures], required: RequiredSignatures
) -> Assembled:
    """The transaction with the signatures it has and those offered, in any order, each key's once.

    Not one byte of the body changes, nor of its scripts and redeemers. Of a committee that has signed in
    greater number than is needed, as many are taken as are: the fee was sized for those.
    """
    own = Signatures(
        "the transaction", transaction.witnesses.keys, transaction.witnesses.bootstraps
    )
    good: dict[bytes, tuple[str, KeyWitness]] = {}
    bootstraps: set[bytes] = set()
    left_out: list[LeftOut] = []
    for signatures in (own, *offered):
        for witness in signatures.keys:
            whose = (signatures.source, witness.key_hash)
            if not is_genuine(witness, transaction.id.raw):
                left_out.append(LeftOut(*whose, "not_of_this_transaction"))
            elif not required.is_needed(witness.key_hash):
                left_out.append(LeftOut(*whose, "not_needed"))
            else:
                good.setdefault(witness.key_hash, (signatures.source, witness))
        for raw in signatures.bootstraps:
            bootstrap = _key_of(raw)
            if is_genuine(bootstrap, transaction.id.raw):
                bootstraps.add(raw)
            else:
                whose = (signatures.source, blake2b_224(bootstrap.verification_key))
                left_out.append(LeftOut(*whose, "not_of_this_transaction"))
    chosen = required.fewest(good)
    if chosen is not None:
        left_out += (
            LeftOut(good[key_hash][0], key_hash, "more_than_needed")
            for key_hash in sorted(good.keys() - chosen)
        )
        good = {key_hash: good[key_hash] for key_hash in chosen}
    taken = [witness for _, witness in good.values()]
    return Assembled(
        transaction=transaction.with_witnesses(taken, bootstraps),
        signed=frozenset(good),
        missing=required.missing(good),
        left_out=tuple(left_out),
    )


def _key_of(bootstrap: bytes) -> KeyWitness:
    key, signature, *_ = cbor.read(bootstrap).array()
    return KeyWitness(key.bytes(32), signature.bytes(64))
