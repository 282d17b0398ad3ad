"""Who signs: what is asked of a signer, wherever its keys are, and what it answers.

A key file answers at once. Others take their time, and may say no: a device with buttons, a browser's
wallet, a machine without network, a committee. All of them are asked in the same words.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from milestones.cardano.outputs import TransactionId, Utxo
from milestones.cardano.transaction import KeyWitness


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """A transaction to witness, with all that a signer may need to show or to check.

    `transaction_id` is what is signed. `transaction_cbor` is the whole transaction, its witness set
    complete but for signatures. `resolved` are the outputs that it spends, references, or puts up as
    collateral: only a signer that sees them knows the amounts. `wanted` are the key hashes (28 bytes
    each) that are still to witness. After `valid_until_slot` the signatures are worthless; None: never.
    """

    transaction_id: TransactionId
    transaction_cbor: bytes
    resolved: tuple[Utxo, ...]
    wanted: frozenset[bytes]
    valid_until_slot: int | None


class Signer(Protocol):
    """Whoever can witness transactions.

    Key files, devices, wallets elsewhere and the members of a committee all fit: each knows its keys, and
    is asked for those that a transaction wants.
    """

    @property
    def key_hashes(self) -> frozenset[bytes]:
        """The key hashes (28 bytes each) that it can witness for. The fee is planned with them."""

    async def witness(self, request: SigningRequest) -> Collection[KeyWitness]:
        """Its witnesses; fewer than wanted, or more, are no error here: the transaction takes what it needs.

        May take as long as people take. The body's bytes must stay as they are: another encoding has
        another id. Raises `SigningRefused` where its owner says no.
        """
