"""The ledger's front door: may this transaction enter the chain, and what does it change there?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.devnet.ledger.case import Case, open_case
from milestones.devnet.ledger.environment import Environment
from milestones.devnet.ledger.failures import LedgerFailure, most_urgent
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.phase_one import phase_one_failures
from milestones.devnet.ledger.phase_two import check_phase_two, context_failures, evaluate_case
from milestones.devnet.ledger.transaction import Transaction


def check(
    transaction: Transaction, utxo: Mapping[OutputReference, Output], environment: Environment
) -> None:
    """Raises the `LedgerFailure` that a submission is answered with; returns if there is none.

    Ledger rules: `LEDGER`, `UTXOW`, `UTXO` (phase 1), then `UTXOS` (phase 2), whose scripts run only
    when phase 1 found nothing. A transaction that declares its scripts to fail, and whose scripts do,
    passes: what it then changes is in `effects`.
    """
    case = open_case(transaction, utxo, environment)
    found = phase_one_failures(case)
    if worst := most_urgent(_with_context(case, found)):
        raise worst
    check_phase_two(case)


UNFIT_FOR_SCRIPTS: Final = frozenset({3997, 3117})
"""Beside these no context is made: it would only say again what is missing or beyond this chain."""


def _with_context(case: Case, found: list[LedgerFailure]) -> list[LedgerFailure]:
    """What phase 1 found and, if it found anything, what hinders the scripts from being run."""
    if not found or not UNFIT_FOR_SCRIPTS.isdisjoint(failure.code for failure in found):
        return found
    return [*found, *context_failures(case)]


def effects(
    transaction: Transaction,
) -> tuple[tuple[OutputReference, ...], dict[OutputReference, Output]]:
    """(outputs that the transaction spends, outputs that it creates). Ledger rule: `UTXOS`.

    A transaction declared invalid spends its collateral and creates only the collateral return, whose
    index is the number of its ordinary outputs.
    """
    body = transaction.body
    if transaction.is_valid:
        created = dict(enumerate(body.outputs))
        spent = body.inputs
    else:
        returned = body.collateral_return
        created = {} if returned is None else {len(body.outputs): returned}
        spent = body.collateral
    return spent, {
        OutputReference(transaction.id, index): output for index, output in created.items()
    }


def evaluate(
    transaction: Transaction, utxo: Mapping[OutputReference, Output], environment: Environment
) -> list[tuple[RedeemerPointer, ExecutionUnits]]:
    """What each script of a transaction uses, in the ledger's order of redeemers.

    Declared units, fee, signatures, collateral and balance do not matter, nor do scripts without a
    redeemer. Raises a `LedgerFailure` of `evaluateTransaction`: 3010 with the failures by redeemer, or
    3004, for unknown inputs too.
    """
    return evaluate_case(open_case(transaction, utxo, environment))
