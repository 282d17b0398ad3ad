"""Signing: a balanced transaction becomes one to submit.

    signed = await signed_by(balanced, signers)

`signing_request` and `with_witnesses` are its two halves, for witnesses that are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from milestones.cardano.outputs import TransactionId, Utxo
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.cardano.transaction import KeyWitness, Transaction
from milestones.errors import InvalidWitness, SignaturesMissing
from milestones.transactions.matching import Intent, must_match
from milestones.transactions.signers import Signer, SigningRequest
from milestones.transactions.tx_builder import BalancedTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """A transaction to submit. `id` has 32 bytes; `size` is that of `cbor`.

    `collateral_lovelace` is what a failing script would cost, 0 without scripts. `outputs` are all of
    them as they will stand on chain, `change` the last ones, which are the wallet's.
    """

    cbor: bytes
    id: bytes
    fee_lovelace: int
    size: int
    collateral_lovelace: int
    budgets: dict[RedeemerPointer, ExecutionUnits]
    inputs: tuple[Utxo, ...]
    outputs: tuple[Utxo, ...]
    change: tuple[Utxo, ...]

    @property
    def units(self) -> ExecutionUnits:
        """The execution units of all scripts together."""
        return sum(self.budgets.values(), ExecutionUnits(0, 0))

    def wallet_after(self, wallet: Iterable[Utxo]) -> tuple[Utxo, ...]:
        """The wallet once this transaction is in: less what it spends, and its change."""
        spent = {utxo.reference for utxo in self.inputs}
        return (*(utxo for utxo in wallet if utxo.reference not in spent), *self.change)


def signing_request(balanced: BalancedTransaction) -> SigningRequest:
    """What a signer is asked: every key hash that the fee pays for is wanted."""
    assembly = balanced.assembly
    collateral = assembly.collateral.inputs if assembly.collateral else ()
    resolved = (*assembly.inputs, *collateral, *assembly.draft.reference_inputs)
    return SigningRequest(
        transaction_id=TransactionId(balanced.id),
        transaction_cbor=assembly.transaction([]),
        resolved=tuple({utxo.reference: utxo for utxo in resolved}.values()),
        wanted=balanced.key_hashes,
        valid_until_slot=assembly.draft.valid_until_slot,
    )


def checked_request(balanced: BalancedTransaction) -> SigningRequest:
    """As `signing_request`, where its bytes say what was drafted. Raises `TransactionMismatch`."""
    request = signing_request(balanced)
    must_match(Intent.of(balanced), Transaction.read(request.transaction_cbor))
    return request


async def signed_by(balanced: BalancedTransaction, signers: Iterable[Signer]) -> SignedTransaction:
    """Asks the signers, one after the other, each for what is still wanted of its keys.

    What its bytes say is compared with what was drafted before: `TransactionMismatch` where it is something
    else. Raises what `with_witnesses` raises, and `SigningRefused` where a signer's owner says no.
    """
    request = checked_request(balanced)
    found: list[KeyWitness] = []
    for signer in signers:
        missing = request.wanted - {witness.key_hash for witness in found}
        if missing & signer.key_hashes:
            asked = replace(request, wanted=missing & signer.key_hashes)
            found += await signer.witness(asked)
    return with_witnesses(balanced, found)


def with_witnesses(
    balanced: BalancedTransaction, witnesses: Iterable[KeyWitness]
) -> SignedTransaction:
    """The transaction with these witnesses, wherever they were made.

    Just those are taken that the fee pays for, each once. Raises `SignaturesMissing`, which names who has
    not signed, and `InvalidWitness` for a signature that isn't one of this transaction.
    """
    transaction_id = balanced.id
    found = {witness.key_hash: witness for witness in witnesses}
    missing = balanced.key_hashes - found.keys()
    if missing:
        raise SignaturesMissing(missing)
    wanted = [found[key_hash] for key_hash in balanced.key_hashes]
    for witness in wanted:
        if not is_genuine(witness, transaction_id):
            raise InvalidWitness(witness.key_hash, transaction_id)
    return _attached(balanced, wanted)


def is_genuine(witness: KeyWitness, transaction_id: bytes) -> bool:
    """Whether the signature is the key's, of the transaction with this id (32 bytes)."""
    from nacl.exceptions import CryptoError  # noqa: PLC0415
    from nacl.signing import VerifyKey  # noqa: PLC0415

    try:
        VerifyKey(witness.verification_key).verify(transaction_id, witness.signature)
    except (CryptoError, ValueError):
        return False
    return True


class KeyAtHand(Protocol):
    """A key that signs at once."""

    def witness_of(self, transaction_id: bytes) -> KeyWitness:
        """Its witness of the transaction with this id (32 bytes)."""


def sign(balanced: BalancedTransaction, keys: Iterable[KeyAtHand]) -> SignedTransaction:
    """Signs with every key given, each once, wanted or not.

    Nothing is checked: more keys than were expected make the fee too small, fewer are too few.
    """
    transaction_id = balanced.id
    return _attached(balanced, {key.witness_of(transaction_id) for key in keys})


def _attached(balanced: BalancedTransaction, witnesses: Iterable[KeyWitness]) -> SignedTransaction:
    cbor = balanced.assembly.transaction(sorted(witnesses))
    return SignedTransaction(
        cbor=cbor,
        id=balanced.id,
        fee_lovelace=balanced.fee_lovelace,
        size=len(cbor),
        collateral_lovelace=balanced.collateral_lovelace,
        budgets=balanced.assembly.budgets(),
        inputs=balanced.inputs,
        outputs=balanced.outputs,
        change=balanced.change,
    )
