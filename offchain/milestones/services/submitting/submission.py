"""From a draft to the chain: balance, evaluate, sign, write down, submit.

What is about to be submitted is in the journal before it is sent. A lost answer is never taken for a
failure: the same bytes can be sent again, which the chain takes at most once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.clients.rejections import over_budget
from milestones.errors import (
    ChainRejected,
    ExceededLimit,
    LimitsExceeded,
    OutcomeUnknown,
    ServiceUnavailable,
)
from milestones.services.backend import Backend, ChainTime, chain_of
from milestones.services.submitting.earlier import send_bytes
from milestones.services.submitting.funds import Funds
from milestones.services.submitting.standing import (
    Standing,
    now_posix_ms,
    wait_for_block,
    whereabouts,
)
from milestones.storage.submission import ChangeOutput, Payload, StatusChange, Submission
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
    """A transaction to send and what the journal says of it. `payload` is what it finds again.

    `sole` names what may be under way only once for its command and distribution.
    """

    command: str
    signed: SignedTransaction
    distribution_id: bytes | None = None
    valid_until_slot: int | None = None
    sole: str | None = None
    payload: Payload | None = None


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
    in every case. `NotAllowedYet` where another run has sent the like since this one looked.
    """
    signed, tip = errand.signed, await backend.ogmios.network_tip()
    transaction_id = signed.id.hex()
    submission = Submission(
        transaction_id=transaction_id,
        command=errand.command,
        distribution_id=errand.distribution_id,
        transaction_cbor=signed.cbor,
        inputs=tuple(utxo.reference for utxo in signed.inputs),
        change=tuple(map(ChangeOutput.of, signed.change)),
        valid_until_slot=errand.valid_until_slot,
        chain=await chain_of(backend),
        sole=errand.sole,
        fee_lovelace=signed.fee_lovelace,
        collateral_lovelace=signed.collateral_lovelace,
        size=signed.size,
        memory=signed.units.memory,
        cpu=signed.units.cpu,
        payload=errand.payload,
        history=(StatusChange(status="prepared", at_posix_ms=now_posix_ms()),),
    )
    backend.storage.journal.prepare(submission, slot=tip.slot if tip else 0)
    await send_bytes(backend, transaction_id, signed.cbor)


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
) -> Standing:
    """Returns once a block has a transaction of the journal's.

    A node forgets its mempool when it restarts, and drops what another transaction has displaced: from
    time to time the transaction is looked for, and sent again where it is nowhere. Raises
    `ChainRejected` if it can't come any more, `OutcomeUnknown` when its time is up, or a service has
    failed meanwhile.
    """
    try:
        return await _awaited(backend, transaction_id, look_again_seconds)
    except ServiceUnavailable as error:
        raise OutcomeUnknown(transaction_id, error.message) from error


async def _awaited(backend: Backend, transaction_id: str, look_again_seconds: float) -> Standing:
    submission = backend.storage.journal.find(transaction_id)
    until = time.monotonic() + VALID_FOR_SECONDS
    while True:
        try:
            return await wait_for_block(backend, transaction_id, timeout_seconds=look_again_seconds)
        except OutcomeUnknown:
            if submission is None or time.monotonic() > until:
                raise
        if await whereabouts(backend, submission) in ("nowhere", "expired"):
            await send_bytes(backend, transaction_id, submission.transaction_cbor)
