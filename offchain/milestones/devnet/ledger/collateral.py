"""What a transaction with Plutus scripts puts at risk, in case they fail.

Source: Babbage's `validateTotalCollateral` and Alonzo's rules that it calls. All amounts are lovelace.
"""

from __future__ import annotations

from collections.abc import Iterator

from milestones.cardano.value import Value
from milestones.devnet.ledger import failures
from milestones.devnet.ledger.case import Case
from milestones.devnet.ledger.failures import LedgerFailure


def check_collateral(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateTotalCollateral`, of transactions with redeemers only."""
    if not case.transaction.witnesses.redeemers:
        return
    balance = collateral_balance(case)
    yield from _locked_by_keys(case)
    yield from _only_ada(balance)
    yield from _enough(case, balance.lovelace)
    yield from _as_declared(case, balance.lovelace)
    if not case.collateral:
        yield failures.missing_collateral_inputs()


def collateral_balance(case: Case) -> Value:
    """Collateral inputs less collateral return. Ledger: `collAdaBalance`."""
    total = sum((output.value for output in case.collateral.values()), Value())
    returned = case.body.collateral_return
    return total if returned is None else total - returned.value


def check_collateral_count(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateTooManyCollateralInputs`."""
    maximum, counted = case.parameters.max_collateral_inputs, len(case.body.collateral)
    if counted > maximum:
        yield failures.too_many_collateral_inputs(maximum, counted)


def _locked_by_keys(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateScriptsNotPaidUTxO`."""
    locked = [ref for ref, out in case.collateral.items() if out.address.script_hash is not None]
    if locked:
        yield failures.collateral_locked_by_script(locked)


def _only_ada(balance: Value) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateCollateralContainsNonADA`."""
    if balance.assets:
        yield failures.non_ada_collateral(balance)


def _enough(case: Case, balance: int) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateInsufficientCollateral`."""
    hundredfold = case.body.fee * case.parameters.collateral_percentage
    if balance * 100 < hundredfold:
        yield failures.insufficient_collateral(balance, -(-hundredfold // 100))


def _as_declared(case: Case, balance: int) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateCollateralEqBalance`."""
    declared = case.body.total_collateral
    if declared is not None and declared != balance:
        yield failures.total_collateral_mismatch(declared, balance)
