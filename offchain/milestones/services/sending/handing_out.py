"""Transactions that leave unsigned: into a file, and into the journal, which keeps what they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
from milestones.storage.submission import Submission
from milestones.transactions.required import required_signatures
from milestones.transactions.signers import SigningRequest


def hand_out(backend: Backend, request: SigningRequest, file: Path, clock: SlotClock) -> HandedOut:
    """Writes the unsigned transaction into a file that isn't there yet.

    Where that fails, it waits no longer. Raises `InvalidInput` about `unsigned_out`.
    """
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
        signature_count=len(request.wanted),
        valid_until=None if until is None else to_posix_seconds(clock.start_of(until)),
    )


def needed_by(submission: Submission) -> list[OutputReference]:
    """What a transaction that waits spends, and what it puts up as collateral."""
    body = Transaction.read(submission.transaction_cbor).body
    return [*body.inputs, *body.collateral]


def must_not_wait(
    waiting: Iterable[Submission], effect: Effect, spent: Collection[OutputReference]
) -> None:
    """Nothing that waits for signatures has this effect, or spends any of these outputs.

    Raises `NotAllowedYet` (`waiting_for_signatures`).
    """
    names = set(effect.names)
    for each in waiting:
        same = names & set(Effect.of(each.transaction_cbor, each.purpose).names)
        if same or not set(each.inputs).isdisjoint(spent):
            raise NotAllowedYet(
                "waiting_for_signatures",
                f"transaction {each.transaction_id} of `milestones {each.command}` does the same, or"
                f" spends the same, and waits for signatures since"
                f" {in_words(to_posix_seconds(each.history[-1].at_posix_ms))}",
                hint="sign and send it, or give it up: `milestones transaction drop"
                f" {each.transaction_id}`",
                details={"transaction_hash": each.transaction_id},
            )
