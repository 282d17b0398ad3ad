"""`transaction submit`: sends a signed transaction, written down first, and safe to repeat."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from milestones.cardano.transaction import Transaction
from milestones.domain.models import TransactionStatus
from milestones.errors import InvalidWitness, SignaturesMissing
from milestones.services.backend import (
    Backend,
    chain_of,
    now_posix_ms,
    require_network,
    staleness,
    storage_warnings,
    tip_slot,
)
from milestones.services.results import Result
from milestones.services.sending.contention import Contended
from milestones.services.sending.submitting import see_through, send_bytes
from milestones.services.sending.tracking import state_of
from milestones.services.sending.words import must_be_approved
from milestones.services.transaction.files import transaction_in
from milestones.services.transaction.show import known_outputs
from milestones.services.transaction.waiting import in_place_of_another
from milestones.storage.submission import StatusChange, Submission, TransactionFacts
from milestones.transactions.required import required_signatures
from milestones.transactions.signing import is_genuine
from milestones.transactions.words import in_words

COMMAND: Final = "transaction submit"


class TransactionSubmitted(Result):
    """What was sent; `resumed` says that it was on its way already, or in a block."""

    transaction_hash: str
    status: TransactionStatus
    fee_lovelace: int
    size: int
    resumed: bool = False


async def submit_transaction(
    backend: Backend, subject: Path | Transaction, *, wait: bool = False
) -> TransactionSubmitted:
    """Sends a transaction, or the one in a file; again, it only reports. `wait` returns once a block has it.

    Raises `InvalidInput` for what is no transaction, `InvalidWitness` for a signature of another,
    `SignaturesMissing`, `SigningRefused` by whoever is asked, and `TransactionMismatch` for another
    transaction than one that waits for signatures and spends the same, all before anything is sent; then
    `ChainRejected`, `ServiceUnavailable` (it was not sent), `OutcomeUnknown`, or `NotAllowedYet` where it was
    lost and somebody else has done the same.
    """
    transaction = subject if isinstance(subject, Transaction) else transaction_in(subject)
    _must_verify(transaction)
    await require_network(backend)
    warnings = await staleness(backend)
    facts = TransactionFacts.read(transaction.raw)
    state = await state_of(backend, facts.transaction_id)
    resumed = state.status in ("submitted", "confirmed")
    status: TransactionStatus = state.status
    if not resumed:
        known = await known_outputs(backend, transaction)
        required = required_signatures(transaction, known)
        signed = {witness.key_hash for witness in transaction.witnesses.keys}
        if missing := required.missing(signed):
            raise SignaturesMissing(missing)
        if other := await in_place_of_another(backend, transaction):
            raise other
        if backend.approve is not None:
            versions, clock = (
                backend.versions or (backend.contract,),
                await backend.ogmios.slot_clock(),
            )
            words = in_words(transaction, known, versions, clock)
            await must_be_approved(backend, (*words.summary, *words.doubts))
        await _send(backend, transaction, facts)
        status = "submitted"
    if wait and status != "confirmed" and backend.storage.journal.find(facts.transaction_id):
        try:
            await see_through(backend, facts.transaction_id)
        except Contended as contended:
            raise contended.outcome from None
        status = "confirmed"
    return TransactionSubmitted(
        transaction_hash=facts.transaction_id,
        status=status,
        fee_lovelace=facts.fee_lovelace,
        size=facts.size,
        resumed=resumed,
        warnings=(*warnings, *storage_warnings(backend)),
    )


def _must_verify(transaction: Transaction) -> None:
    for witness in transaction.witnesses.keys:
        if not is_genuine(witness, transaction.id.raw):
            raise InvalidWitness(witness.key_hash, transaction.id.raw)


async def _send(backend: Backend, transaction: Transaction, facts: TransactionFacts) -> None:
    slot = await tip_slot(backend)
    known = backend.storage.journal.find(facts.transaction_id)
    fresh = Submission(
        transaction_id=facts.transaction_id,
        command=COMMAND,
        transaction_cbor=transaction.raw,
        inputs=facts.inputs,
        valid_until_slot=facts.valid_until_slot,
        chain=await chain_of(backend),
        fee_lovelace=facts.fee_lovelace,
        collateral_lovelace=facts.collateral_lovelace,
        size=facts.size,
        memory=facts.memory,
        cpu=facts.cpu,
        prepared_slot=slot,
        history=(StatusChange(status="prepared", at_posix_ms=now_posix_ms()),),
    )
    if known is not None:
        # What it was built for stays; the signatures are those that are here now.
        kept = {"command", "distribution_id", "sole", "payload", "change"}
        fresh = fresh.model_copy(update={name: getattr(known, name) for name in kept})
    written = backend.storage.journal.prepare(fresh, slot=slot)
    await send_bytes(backend, facts.transaction_id, written.transaction_cbor)
