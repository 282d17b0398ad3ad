"""Transactions that leave unsigned: into a file, and into the journal, which keeps what they need."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from milestones.cardano.outputs import OutputReference
from milestones.cardano.slots import SlotClock
from milestones.cardano.transaction import Transaction
from milestones.documents import write_new
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.errors import InvalidInput, MilestonesError, NotAllowedYet
from milestones.keys.envelopes import transaction_envelope
from milestones.services.backend import Backend, now_posix_ms
from milestones.services.sending.effects import Effect
from milestones.services.sending.reports import HandedOut
from milestones.storage.submission import Payload, Submission
from milestones.transactions.required import required_signatures
from milestones.transactions.signing import signing_request
from milestones.transactions.tx_builder import BalancedTransaction


def hand_out(
    backend: Backend, transaction: BalancedTransaction, file: Path, clock: SlotClock
) -> HandedOut:
    """Writes the unsigned transaction into a file that isn't there yet.

    Where that fails, it waits no longer. Raises `InvalidInput` about `unsigned_out`.
    """
    request = signing_request(transaction)
    transaction_id = request.transaction_id.raw.hex()
    try:
        write_new(
            file, transaction_envelope(request.transaction_cbor), "unsigned_out", InvalidInput
        )
    except MilestonesError:
        backend.storage.journal.mark(
            transaction_id, "dropped", at_posix_ms=now_posix_ms(), note="its file was not written"
        )
        raise
    required = required_signatures(Transaction.read(request.transaction_cbor), request.resolved)
    until = request.valid_until_slot
    return HandedOut(
        transaction_hash=transaction_id,
        file=str(file),
        to_sign=tuple(sorted(each.hex() for each in required.missing(()))),
        signature_count=len(transaction.key_hashes),
        valid_until=None if until is None else to_posix_seconds(clock.start_of(until)),
    )


def needed_by(submission: Submission) -> list[OutputReference]:
    """What a transaction that waits spends, and what it puts up as collateral."""
    body = Transaction.read(submission.transaction_cbor).body
    return [*body.inputs, *body.collateral]


def must_not_wait(
    waiting: Iterable[Submission], transaction: BalancedTransaction, payload: Payload | None
) -> None:
    """Nothing that waits for signatures does what this transaction would, or spends what it spends.

    Raises `NotAllowedYet` (`waiting_for_signatures`).
    """
    purpose = None if payload is None else payload.purpose
    names = set(Effect.of(transaction.unsigned(), purpose).names)
    spent = {utxo.reference for utxo in transaction.inputs}
    for each in waiting:
        same = names & set(Effect.of(each.transaction_cbor, each.purpose).names)
        if same or spent & set(each.inputs):
            raise NotAllowedYet(
                "waiting_for_signatures",
                f"transaction {each.transaction_id} of `milestones {each.command}` does the same, or"
                f" spends the same, and waits for signatures since"
                f" {in_words(to_posix_seconds(each.history[-1].at_posix_ms))}",
                hint="sign and send it, or give it up: `milestones transaction drop"
                f" {each.transaction_id}`",
                details={"transaction_hash": each.transaction_id},
            )
