"""Whether a transaction is what was asked for: the last thing to know before it is signed or sent.

An intent is compared with what the bytes say, part by part. It is made of what was balanced, or of a
transaction that is trusted, such as the one in the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from milestones.cardano.address import Address, StakeAddress
from milestones.cardano.certificates import Certificate
from milestones.cardano.outputs import OutputReference, Script, TransactionOutput
from milestones.cardano.parameters import RedeemerPointer
from milestones.cardano.transaction import Transaction, network_id_of_address
from milestones.cardano.value import Value
from milestones.errors import Difference, TransactionMismatch
from milestones.transactions.tx_builder import BalancedTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a transaction shall do, whole: everything beside signatures. `network_id` is of all addresses."""

    network_id: int
    inputs: tuple[OutputReference, ...]
    outputs: tuple[TransactionOutput, ...]
    fee_lovelace: int
    valid_from_slot: int | None
    valid_until_slot: int | None
    mint: Value
    certificates: tuple[Certificate, ...]
    withdrawals: Mapping[StakeAddress, int]
    collateral: tuple[OutputReference, ...]
    collateral_return: TransactionOutput | None
    required_signers: tuple[bytes, ...]
    reference_inputs: tuple[OutputReference, ...]
    scripts: tuple[Script, ...]
    redeemers: Mapping[RedeemerPointer, bytes]
    metadata: Mapping[int, bytes]

    @classmethod
    def of(cls, balanced: BalancedTransaction) -> Intent:
        """What was drafted, and settled by balancing."""
        assembly, draft = balanced.assembly, balanced.assembly.draft
        collateral = assembly.collateral
        returned = collateral.change if collateral is not None else None
        at_stake = collateral.inputs if collateral is not None else ()
        return cls(
            network_id=_network_id(balanced),
            inputs=tuple(utxo.reference for utxo in assembly.inputs),
            outputs=tuple(output.settled() for output in assembly.outputs),
            fee_lovelace=assembly.fee_lovelace,
            valid_from_slot=draft.valid_from_slot or None,
            valid_until_slot=draft.valid_until_slot,
            mint=draft.minted(),
            certificates=tuple(each.certificate for each in draft.certificates),
            withdrawals=draft.withdrawn(),
            collateral=tuple(sorted(utxo.reference for utxo in at_stake)),
            collateral_return=None if returned is None else returned.settled(),
            required_signers=tuple(sorted(set(draft.required_signers))),
            reference_inputs=assembly.layout.reference_inputs,
            scripts=_in_order(draft.scripts),
            redeemers=assembly.redeemers(),
            metadata=dict(draft.metadata),
        )

    @classmethod
    def of_transaction(cls, transaction: Transaction, network_id: int) -> Intent:
        """What a transaction does that is trusted."""
        body = transaction.body
        return cls(
            network_id=network_id,
            inputs=body.inputs,
            outputs=body.outputs,
            fee_lovelace=body.fee_lovelace,
            valid_from_slot=body.valid_from_slot,
            valid_until_slot=body.valid_until_slot,
            mint=body.mint,
            certificates=body.certificates,
            withdrawals=body.withdrawals,
            collateral=body.collateral,
            collateral_return=body.collateral_return,
            required_signers=body.required_signers,
            reference_inputs=body.reference_inputs,
            scripts=_in_order(transaction.witnesses.scripts),
            redeemers={
                pointer: entry.data for pointer, entry in transaction.witnesses.redeemers.items()
            },
            metadata=transaction.metadata,
        )


def _in_order(scripts: tuple[Script, ...]) -> tuple[Script, ...]:
    return tuple(sorted(set(scripts), key=lambda script: (script.language, script.code)))


def _network_id(balanced: BalancedTransaction) -> int:
    first = balanced.assembly.inputs[0].output.address
    return Address.from_bech32(first).network_id


def differences(intent: Intent, transaction: Transaction) -> tuple[Difference, ...]:
    """Where a transaction isn't what was asked for, each by its path; none where it is."""
    found = Intent.of_transaction(transaction, intent.network_id)
    parts = (field.name for field in fields(Intent) if field.name != "network_id")
    return (
        *_of_networks(intent.network_id, transaction),
        *(
            each
            for name in parts
            for each in _of_part(name, getattr(intent, name), getattr(found, name))
        ),
        *(Difference(name, "nothing", "something") for name in transaction.body.other),
        *_of_rest(transaction),
    )


def must_match(intent: Intent, transaction: Transaction) -> None:
    """Raises `TransactionMismatch`, which names every part that isn't as it was asked for."""
    found = differences(intent, transaction)
    if found:
        raise TransactionMismatch(str(transaction.id), found)


def _of_networks(network_id: int, transaction: Transaction) -> Iterator[Difference]:
    for index, output in enumerate(transaction.body.outputs):
        if network_id_of_address(output.address) != network_id:
            yield Difference(f"outputs[{index}].network", str(network_id), output.address)
    for account in transaction.body.withdrawals:
        if account.network_id != network_id:
            yield Difference(f"withdrawals[{account}].network", str(network_id), str(account))
    if transaction.body.network_id not in (None, network_id):
        yield Difference("network_id", str(network_id), str(transaction.body.network_id))


def _of_rest(transaction: Transaction) -> Iterator[Difference]:
    if not transaction.is_valid:
        yield Difference("is_valid", "true", "false")


def _of_part(path: str, wanted: Any, found: Any) -> Iterator[Difference]:
    if wanted == found:
        return
    if isinstance(wanted, TransactionOutput) and isinstance(found, TransactionOutput):
        for name in ("address", "value", "datum_hash", "inline_datum", "script"):
            yield from _of_part(f"{path}.{name}", getattr(wanted, name), getattr(found, name))
    elif isinstance(wanted, tuple) and isinstance(found, tuple):
        for index in range(max(len(wanted), len(found))):
            here = wanted[index] if index < len(wanted) else None
            there = found[index] if index < len(found) else None
            yield from _of_part(f"{path}[{index}]", here, there)
    elif isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key in sorted({*wanted, *found}, key=str):
            name = f"{key.purpose} {key.index}" if isinstance(key, RedeemerPointer) else key
            yield from _of_part(f"{path}[{name}]", wanted.get(key), found.get(key))
    else:
        yield Difference(path, _shown(wanted), _shown(found))


def _shown(part: Any) -> str:
    if part is None:
        return "nothing"
    if isinstance(part, bytes):
        return part.hex()
    if isinstance(part, Value):
        return ", ".join([f"{part.lovelace} lovelace", *_tokens(part)])
    if isinstance(part, TransactionOutput):
        return f"{part.address}: {_shown(part.value)}"
    if isinstance(part, Script):
        return part.hash().hex()
    return str(part)


def _tokens(value: Value) -> Iterator[str]:
    return (f"{quantity} {asset}" for asset, quantity in value.assets.items())
