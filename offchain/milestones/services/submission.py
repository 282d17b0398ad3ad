"""From a draft to the chain: balance, evaluate, sign, write down, submit.

What is about to be submitted is in the journal before it is sent. A lost answer is never taken for a
failure: the same bytes can be sent again, which the chain takes at most once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.clients.rejections import inputs_are_spent, over_budget
from milestones.errors import ChainRejected, ExceededLimit, LimitsExceeded, OutcomeUnknown
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

LOOK_AGAIN_SECONDS: Final = 30.0
"""How long a transaction is waited for before the mempool is asked whether it still has it."""

SubmissionState = Literal["submitted", "confirmed", "dry_run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A transaction to send and what the journal says of it. `details` are JSON values."""

    command: str
    signed: SignedTransaction
    distribution_id: bytes | None = None
    valid_until_slot: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


def valid_until(now: ChainTime) -> int:
    """The first slot in which a transaction built now shall be void."""
    slots = VALID_FOR_SECONDS * 1000 // now.clock.eras[-1].slot_length_ms
    horizon = now.clock.horizon_slot
    wanted = now.slot + slots
    return wanted if horizon is None else min(wanted, horizon - 1)


async def build(
    backend: Backend,
    draft: TransactionDraft,
    funds: Funds,
    parameters: ProtocolParameters,
    *,
    cosigners: Iterable[SigningKey] = (),
    include: Sequence[Utxo] = (),
    not_on_chain_yet: Sequence[Utxo] = (),
) -> SignedTransaction:
    """Balances the draft with the exact execution units that the node finds, and signs it.

    `include` are outputs of the wallet to spend in any case; `not_on_chain_yet` those of transactions
    that are only built so far. Raises `InsufficientFunds`, `LimitsExceeded`, and `ChainRejected` when a
    script refuses.
    """
    keys = [funds.key, *cosigners]
    balanced = balance(
        draft,
        parameters=parameters,
        wallet=funds.utxos,
        change_address=funds.change_address,
        signers={key.key_hash for key in keys} if len(keys) > 1 else None,
        include=include,
    )
    while balanced.needs_evaluation:
        try:
            units = await backend.ogmios.evaluate(balanced.unsigned(), not_on_chain_yet)
        except ChainRejected as error:
            raise _overspent(error, parameters) or error from None
        balanced = balanced.with_units(units)
    return sign(balanced, keys)


def _overspent(error: ChainRejected, parameters: ProtocolParameters) -> LimitsExceeded | None:
    """The limits that an evaluation ran into; None where the scripts had another reason to fail."""
    most = parameters.max_execution_units
    unit = f"units of memory or the {most.cpu} steps"
    exceeded = tuple(
        ExceededLimit(f"the execution of {run}", None, most.memory, unit)
        for run in over_budget(error)
    )
    return LimitsExceeded(exceeded, {}) if exceeded else None


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
    await see_through(backend, errand.signed.id.hex())
    return "confirmed"


async def see_through(
    backend: Backend, transaction_id: str, *, look_again_seconds: float = LOOK_AGAIN_SECONDS
) -> None:
    """Returns once a block has a transaction of the journal's.

    A node forgets its mempool when it restarts, and drops what another transaction has displaced: from
    time to time the transaction is looked for, and sent again where it is nowhere. Raises
    `ChainRejected` if it can't come any more, `OutcomeUnknown` when its time is up.
    """
    submission = backend.storage.journal.find(transaction_id)
    until = time.monotonic() + VALID_FOR_SECONDS
    while True:
        try:
            await wait_for_block(backend, transaction_id, timeout_seconds=look_again_seconds)
            return
        except OutcomeUnknown:
            if submission is None or time.monotonic() > until:
                raise
        if await _is_nowhere(backend, transaction_id):
            await send_bytes(backend, transaction_id, submission.transaction_cbor)


async def _is_nowhere(backend: Backend, transaction_id: str) -> bool:
    """Whether neither the mempool has it nor any block up to the tip."""
    if await backend.ogmios.has_transaction(transaction_id):
        return False
    tip = await backend.ogmios.network_tip()
    read = (await backend.kupo.health()).checkpoint_slot
    if tip is None or read is None or read < tip.slot:
        return False
    return await find_block(backend, transaction_id) is None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A transaction that an earlier run sent, and of which that run did not learn what became of it."""

    submission: Submission
    in_block: bool


async def earlier_submissions(
    backend: Backend, *, command: str, distribution_id: bytes | None
) -> list[Earlier]:
    """What earlier runs of the same command left open: in a block by now, or on its way. Oldest first.

    Each is looked for first; one that is nowhere, though it is still valid and nothing else has spent
    its inputs, is sent again as it was: that is how a command that was cut off is finished.
    """
    found = []
    journal = backend.storage.journal
    for submission in journal.pending(distribution_id=distribution_id, command=command):
        fate = await _fate(backend, submission)
        if fate == "in_block" or (fate == "open" and await _is_taken_again(backend, submission)):
            found.append(Earlier(submission, fate == "in_block"))
    return found


async def still_pending(
    backend: Backend, *, command: str, distribution_id: bytes | None
) -> list[Submission]:
    """Those of the `earlier_submissions` that no block has yet."""
    earlier = await earlier_submissions(backend, command=command, distribution_id=distribution_id)
    return [each.submission for each in earlier if not each.in_block]


async def settle_what_is_lost(backend: Backend) -> None:
    """Sends again, or gives up, whatever is in the journal as on its way and is nowhere.

    Else its change would be counted on, which is not there.
    """
    for submission in backend.storage.journal.pending():
        lost = await _is_nowhere(backend, submission.transaction_id)
        if lost and await _fate(backend, submission) == "open":
            await _is_taken_again(backend, submission)


async def _is_taken_again(backend: Backend, submission: Submission) -> bool:
    try:
        await send_bytes(backend, submission.transaction_id, submission.transaction_cbor)
    except ChainRejected:
        return False
    return True


async def _fate(backend: Backend, submission: Submission) -> Literal["in_block", "expired", "open"]:
    """What has become of a transaction, as the journal is told as well."""
    journal, transaction_id = backend.storage.journal, submission.transaction_id
    point = await find_block(backend, transaction_id)
    if point is not None:
        note = f"in the block at slot {point.slot}"
        journal.mark(transaction_id, "confirmed", at_posix_ms=now_posix_ms(), note=note)
        return "in_block"
    tip = await backend.ogmios.network_tip()
    limit = submission.valid_until_slot
    if limit is None or tip is None or tip.slot < limit:
        return "open"
    note = f"slot {limit} passed"
    journal.mark(transaction_id, "expired", at_posix_ms=now_posix_ms(), note=note)
    return "expired"
