"""`transaction sign` and `transaction assemble`: signatures are made here, or come from elsewhere.

Signing asks nobody and needs no data directory, so that a machine without network can do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from milestones.cardano.transaction import Transaction
from milestones.documents import write_new
from milestones.domain.posix_time import to_posix_seconds
from milestones.errors import InvalidInput, SigningRefused
from milestones.keys.assembling import Assembled, LeftOutReason, assemble
from milestones.keys.envelopes import Signatures, transaction_envelope, witness_envelope
from milestones.keys.key_files import SigningKey
from milestones.protocol.validator_loader import Contract, load_versions
from milestones.services.backend import Backend, require_network, staleness
from milestones.services.results import Result, View
from milestones.services.transaction.files import signatures_in, transaction_in
from milestones.services.transaction.show import known_outputs
from milestones.services.transaction.waiting import changed_since, in_place_of_another
from milestones.transactions.required import RequiredSignatures, required_signatures
from milestones.transactions.words import TransactionInWords, in_words

SHOWN: Final = 5
"""Differences that a warning names."""


class TransactionSigned(Result):
    """What was signed, by which keys (hashes in hexadecimal), and the file written.

    `signed_by` are all whose signatures are in the file, those of before too. `still_named` are keys that the
    transaction itself names, by required signers and native scripts, and that have not signed: who locks
    its inputs is not in its bytes. `summary` and `doubts` are what was signed, in words.
    """

    transaction_hash: str
    file: str
    summary: tuple[str, ...]
    doubts: tuple[str, ...]
    signed_by: tuple[str, ...]
    still_named: tuple[str, ...]


def sign_transaction(
    file: Path,
    keys: Sequence[SigningKey],
    *,
    output: Path,
    witness_only: bool = False,
    confirm: Callable[[TransactionInWords], bool] | None = None,
    contracts: Sequence[Contract] | None = None,
) -> TransactionSigned:
    """Adds the keys' signatures to a transaction, or writes one key's alone. Asks no service.

    `confirm` is shown the transaction in words before it is signed, and may say no; `contracts` are the
    versions that are recognised there, by default those of this program. Raises `InvalidInput` for what is no
    transaction, or where `output` is there already, and `SigningRefused`.
    """
    transaction = transaction_in(file)
    words = in_words(transaction, (), load_versions() if contracts is None else contracts)
    if confirm is not None and not confirm(words):
        raise SigningRefused("whoever was asked", "they did not agree")
    made = Signatures("the keys", tuple(key.witness_of(transaction.id.raw) for key in keys))
    if witness_only:
        if len(made.keys) != 1:
            raise InvalidInput(
                f"a witness is one key's, and {len(made.keys)} are given",
                path="signing_key_path",
                hint="give one key, or write the whole transaction",
            )
        content = witness_envelope(made.keys[0])
        signed = frozenset((made.keys[0].key_hash,))
    else:
        present = transaction.witnesses
        signed_transaction = transaction.with_witnesses(
            (*present.keys, *made.keys), present.bootstraps
        )
        content = transaction_envelope(signed_transaction.raw)
        signed = frozenset(each.key_hash for each in signed_transaction.witnesses.keys)
    write_new(output, content, "output", InvalidInput)
    return TransactionSigned(
        transaction_hash=str(transaction.id),
        file=str(output),
        summary=words.summary,
        doubts=words.doubts,
        signed_by=_named(signed),
        still_named=_named(required_signatures(transaction).missing(signed)),
    )


class SignatureLeftOut(View):
    """A signature that was not taken: the file it came in, whose it is, and why."""

    file: str
    key_hash: str
    reason: LeftOutReason


class TransactionAssembled(Result):
    """The transaction with the signatures that it takes. Key hashes are in hexadecimal.

    `missing` are needed still; of a committee all who could sign are named, and `missing_count` says how many
    more signatures are enough: None where a time lock keeps them from it. After `valid_until_slot`, at
    `valid_until` (POSIX seconds, where a node was asked), all of them are worthless. `unknown_inputs` counts
    inputs and other parts of which it isn't known who must sign for them: where there are any, `missing` may
    lack somebody.
    """

    transaction_hash: str
    file: str
    signed_by: tuple[str, ...]
    missing: tuple[str, ...]
    missing_count: int | None
    valid_until_slot: int | None
    valid_until: int | None = None
    left_out: tuple[SignatureLeftOut, ...] = ()
    unknown_inputs: int = 0


def assemble_transaction(
    file: Path, witnesses: Iterable[Path], *, output: Path
) -> TransactionAssembled:
    """Puts signatures into a transaction, from any number of files, in any order. Asks nobody.

    Who locks its inputs isn't known then: every signature that verifies is taken. Raises `InvalidInput`.
    """
    transaction = transaction_in(file)
    required = required_signatures(transaction)
    return _assembled(transaction, required, witnesses, output)


async def assemble_known_transaction(
    backend: Backend, file: Path, witnesses: Iterable[Path], *, output: Path
) -> TransactionAssembled:
    """As `assemble_transaction`, with just the signatures that are needed: the node knows who locks the inputs.

    Raises `InvalidInput`, and `NetworkMismatch` for a node of another network.
    """
    transaction = transaction_in(file)
    await require_network(backend)
    warnings = tuple(await staleness(backend))
    required = await required_on_chain(backend, transaction)
    report = _assembled(transaction, required, witnesses, output)
    if other := await in_place_of_another(backend, transaction):
        warnings = (*warnings, f"{other.message}; {other.hint}")
    until = transaction.body.valid_until_slot
    clock = await backend.ogmios.slot_clock()
    return report.model_copy(
        update={
            "valid_until": None if until is None else to_posix_seconds(clock.start_of(until)),
            "warnings": (*warnings, *report.warnings),
        }
    )


async def required_on_chain(backend: Backend, transaction: Transaction) -> RequiredSignatures:
    """Who must sign, by what the node knows of the outputs that it spends."""
    return required_signatures(transaction, await known_outputs(backend, transaction))


def _assembled(
    transaction: Transaction, required: RequiredSignatures, witnesses: Iterable[Path], output: Path
) -> TransactionAssembled:
    offered = [signatures_in(each) for each in witnesses]
    found = assemble(transaction, offered, required)
    envelope = transaction_envelope(found.transaction.raw)
    write_new(output, envelope, "output", InvalidInput)
    return TransactionAssembled(
        transaction_hash=str(transaction.id),
        file=str(output),
        signed_by=_named(found.signed),
        missing=_named(found.missing),
        missing_count=required.missing_count(found.signed),
        valid_until_slot=transaction.body.valid_until_slot,
        left_out=tuple(
            SignatureLeftOut(file=each.source, key_hash=each.key_hash.hex(), reason=each.reason)
            for each in found.left_out
        ),
        unknown_inputs=required.unknown,
        warnings=_warnings(found, offered),
    )


def _warnings(found: Assembled, offered: Iterable[Signatures]) -> tuple[str, ...]:
    """A whole transaction that came back under another id was encoded anew: its signatures are worthless."""
    return tuple(
        f"{each.source} holds another transaction, {each.transaction.id}: {_how(found, each.transaction)}"
        for each in offered
        if each.transaction is not None and each.transaction.id != found.transaction.id
    )


def _how(found: Assembled, other: Transaction) -> str:
    """What another transaction does that this one doesn't: its signatures are worthless for this one."""
    changed = changed_since(found.transaction, other)
    more = f", and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return "; ".join(str(each) for each in changed[:SHOWN]) + more


def _named(hashes: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(sorted(each.hex() for each in hashes))
