"""From a draft to the chain: balance, evaluate, sign, write down, submit.

What is about to be submitted is in the journal before it is sent. A lost answer is never taken for a
failure: the same bytes can be sent again, which the chain takes at most once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.clients.rejections import inputs_are_spent
from milestones.errors import ChainRejected, OutcomeUnknown
from milestones.services.backend import Backend, ChainTime
from milestones.services.funds import Funds, change_to_json
from milestones.services.standing import find_block, now_posix_ms, wait_for_block
from milestones.storage.journal import Submission
from milestones.transactions.tx_builder import (
    SignedTransaction,
    TransactionDraft,
    balance,
    sign,
)
from milestones.transactions.wallet import SigningKey

VALID_FOR_SECONDS: Final = 7200
"""How long a transaction can be included; after that it is known to be void, and safe to replace."""

SubmissionState = Literal["submitted", "confirmed", "dry_run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A transaction to send and what the journal says of it. `details` are JSON values."""

    command: str
    signed: SignedTransaction
    distribution_id: bytes | None = None
    valid_until_slot: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


def valid_until(time: ChainTime) -> int:
    """The first slot in which a transaction built now shall be void."""
    slots = VALID_FOR_SECONDS * 1000 // time.clock.eras[-1].slot_length_ms
    horizon = time.clock.horizon_slot
    wanted = time.slot + slots
    return wanted if horizon is None else min(wanted, horizon - 1)


async def build(
    backend: Backend,
    draft: TransactionDraft,
    funds: Funds,
    parameters: ProtocolParameters,
    *,
    cosigners: Iterable[SigningKey] = (),
    not_on_chain_yet: Sequence[Utxo] = (),
) -> SignedTransaction:
    """Balances the draft with the exact execution units that the node finds, and signs it.

    `not_on_chain_yet` are outputs of transactions that are only built so far. Raises
    `InsufficientFunds`, `LimitsExceeded`, and `ChainRejected` when a script refuses.
    """
    keys = [funds.key, *cosigners]
    balanced = balance(
        draft,
        parameters=parameters,
        wallet=funds.utxos,
        change_address=funds.change_address,
        signers={key.key_hash for key in keys} if len(keys) > 1 else None,
    )
    if balanced.needs_evaluation:
        units = await backend.ogmios.evaluate(balanced.unsigned(), not_on_chain_yet)
        balanced = balanced.with_units(units)
    return sign(balanced, keys)


async def submit(backend: Backend, errand: Errand) -> None:
    """Writes the transaction down and sends it.

    Raises `ChainRejected`, `ServiceUnavailable` (it was not sent) or `OutcomeUnknown`; the journal knows
    in every case.
    """
    signed, journal = errand.signed, backend.storage.journal
    transaction_id = signed.id.hex()
    journal.prepare(
        transaction_id=transaction_id,
        command=errand.command,
        transaction_cbor=signed.cbor,
        inputs=tuple(utxo.reference for utxo in signed.inputs),
        at_posix_ms=now_posix_ms(),
        distribution_id=errand.distribution_id,
        valid_until_slot=errand.valid_until_slot,
        details={**errand.details, "change": change_to_json(signed.change)},
    )
    await send_bytes(backend, transaction_id, signed.cbor)


async def send_bytes(backend: Backend, transaction_id: str, transaction_cbor: bytes) -> None:
    """Sends what the journal holds already, and writes down what came of it."""
    journal = backend.storage.journal
    try:
        await backend.ogmios.submit(transaction_cbor)
    except OutcomeUnknown as error:
        journal.mark(transaction_id, "unknown", at_posix_ms=now_posix_ms(), note=error.reason)
        raise
    except ChainRejected as error:
        if not (inputs_are_spent(error) and await _is_in_already(backend, transaction_id)):
            note = error.message
            journal.mark(transaction_id, "rejected", at_posix_ms=now_posix_ms(), note=note)
            raise
    journal.mark(transaction_id, "submitted", at_posix_ms=now_posix_ms())


async def _is_in_already(backend: Backend, transaction_id: str) -> bool:
    if await backend.ogmios.has_transaction(transaction_id):
        return True
    return await find_block(backend, transaction_id) is not None


async def deliver(
    backend: Backend, errand: Errand, *, dry_run: bool = False, wait: bool = False
) -> SubmissionState:
    """Submits, or not where it is a dry run; with `wait`, returns once a block has it."""
    if dry_run:
        return "dry_run"
    await submit(backend, errand)
    if not wait:
        return "submitted"
    await wait_for_block(backend, errand.signed.id.hex())
    return "confirmed"


async def still_pending(
    backend: Backend, *, command: str, distribution_id: bytes | None
) -> list[Submission]:
    """Earlier transactions of the same command that the chain may still take.

    Each is looked for first; one that is nowhere, though it is still valid and nothing else has spent
    its inputs, is sent again as it was: that is how a command that was cut off is finished.
    """
    pending = []
    journal = backend.storage.journal
    for submission in journal.pending(distribution_id=distribution_id, command=command):
        if await _settled(backend, submission):
            continue
        try:
            await send_bytes(backend, submission.transaction_id, submission.transaction_cbor)
        except ChainRejected:
            continue
        pending.append(submission)
    return pending


async def _settled(backend: Backend, submission: Submission) -> bool:
    """Whether a block has it, or none ever will."""
    point = await find_block(backend, submission.transaction_id)
    if point is not None:
        note = f"in the block at slot {point.slot}"
        backend.storage.journal.mark(
            submission.transaction_id, "confirmed", at_posix_ms=now_posix_ms(), note=note
        )
        return True
    tip = await backend.ogmios.network_tip()
    limit = submission.valid_until_slot
    if limit is None or tip is None or tip.slot < limit:
        return False
    backend.storage.journal.mark(
        submission.transaction_id,
        "expired",
        at_posix_ms=now_posix_ms(),
        note=f"slot {limit} passed",
    )
    return True
