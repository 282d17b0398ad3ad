"""Transactions with signatures of oracles that were collected in a file: those that the chain takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from milestones.errors import ChainRejected
from milestones.protocol.redeemers import OracleWitness
from milestones.services.distribution.collected import Collected, signers_of
from milestones.services.distribution.on_chain import OpenDistribution
from milestones.services.sending.attestations import (
    alone,
    is_refused,
    refusal_warnings,
    too_few_good,
)
from milestones.services.sending.building import BuildContext
from milestones.services.sending.run import Run
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.tx_builder import BalancedTransaction

Witnesses: TypeAlias = Sequence[OracleWitness]
Draft: TypeAlias = Callable[[Witnesses], TransactionDraft]


async def build_signed(
    run: Run,
    context: BuildContext,
    known: OpenDistribution,
    signed: Collected[Any],
    *,
    draft: Draft,
) -> tuple[BalancedTransaction, tuple[bytes, ...]]:
    """The transaction with as many signatures as it takes, and who made them (28 bytes each).

    Where a script refuses it, each signature is tried alone, and the good ones are used, with a warning
    for each other. Raises `ChainRejected`, which names whose are bad where too few are left.
    """
    chosen = signed.witnesses[: signed.needed]
    try:
        return await context.build(draft(chosen)), signers_of(chosen)
    except ChainRejected as error:
        if not error.script_failed:
            raise
        good = [
            witness
            for witness in signed.witnesses
            if not await is_refused(context, *alone(signed.statement, witness, known, context))
        ]
        if len(good) == len(signed.witnesses):
            raise
        refused = frozenset(signers_of(signed.witnesses)) - frozenset(signers_of(good))
        if len(good) < signed.needed:
            raise too_few_good(known.terms, refused, error) from None
    run.warnings += refusal_warnings(known.terms, refused)
    chosen = tuple(good[: signed.needed])
    return await context.build(draft(chosen)), signers_of(chosen)
