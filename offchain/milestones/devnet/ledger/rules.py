"""The ledger's front door: may this transaction enter the chain, and what does it change there?

Ledger rule `LEDGER`, and the order of the rules below it. The ledger goes on after a rule has failed,
and reports all failures. What only governance rules could judge is refused first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.devnet.ledger import certs, utxo, utxow
from milestones.devnet.ledger.failures import (
    BadInputsUTxO,
    ConwayTxRefScriptsSizeTooBig,
    LedgerFailure,
    TransactionRejected,
    Unsupported,
)
from milestones.devnet.ledger.fees import reference_scripts_size
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.resolved_transaction import (
    Environment,
    ResolvedTransaction,
    resolve,
)
from milestones.devnet.ledger.transaction import Transaction
from milestones.devnet.ledger.utxos import (
    ScriptProfile,
    check_scripts,
    context_failures,
    evaluate_scripts,
    profile_scripts,
)


def check(
    transaction: Transaction, unspent: Mapping[OutputReference, Output], environment: Environment
) -> None:
    """Raises `TransactionRejected` with every failure that the ledger finds; returns if there is none.

    Ledger rules: `LEDGER`, `CERTS`, `UTXOW`, `UTXO` (phase 1), then `UTXOS` (phase 2), whose scripts run only
    when phase 1 found nothing. A transaction that declares its scripts to fail, and whose scripts do,
    passes: what it then changes is in `effects`.
    """
    resolved = resolve(transaction, unspent, environment)
    if found := [failure for rule in PHASE_ONE for failure in rule(resolved)]:
        raise TransactionRejected(*found, *_hindrances(resolved, found))
    check_scripts(resolved)


def _hindrances(
    resolved: ResolvedTransaction, found: list[LedgerFailure]
) -> Iterator[LedgerFailure]:
    """What hinders the scripts from being run, which the ledger reports beside phase 1's failures.

    Where inputs are missing, or something is beyond this chain, that would only be said again.
    """
    if not any(isinstance(failure, (BadInputsUTxO, Unsupported)) for failure in found):
        yield from context_failures(resolved)


def check_supported(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """What this chain has no rules for: refused, never ignored."""
    if resolved.body.unsupported:
        yield Unsupported(", ".join(resolved.body.unsupported))
    if resolved.transaction.witnesses.bootstraps:
        yield Unsupported("Byron (bootstrap) witnesses")
    spent = (*resolved.inputs.values(), *resolved.collateral.values())
    if any(output.address.is_bootstrap for output in spent):
        yield Unsupported("an input locked by a Byron address")


def check_reference_scripts_size(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `LEDGER`, `ConwayTxRefScriptsSizeTooBig`."""
    measured = reference_scripts_size(resolved)
    maximum = resolved.parameters.max_reference_scripts_size
    if measured > maximum:
        yield ConwayTxRefScriptsSizeTooBig(measured, maximum)


PHASE_ONE: Final[tuple[Callable[[ResolvedTransaction], Iterator[LedgerFailure]], ...]] = (
    check_supported,
    check_reference_scripts_size,
    certs.check_withdrawals_delegated,
    certs.check_withdrawals,
    certs.check_certificates,
    utxow.check_native_scripts,
    utxow.check_needed_scripts,
    utxow.check_datums,
    utxow.check_redeemers,
    utxow.check_signatures,
    utxow.check_needed_signatures,
    utxow.check_auxiliary_data,
    utxow.check_scripts_well_formed,
    utxow.check_script_integrity,
    utxo.check_disjoint_inputs,
    utxo.check_validity_interval,
    utxo.check_forecast,
    utxo.check_some_inputs,
    utxo.check_fee,
    utxo.check_collateral,
    utxo.check_known_inputs,
    utxo.check_value_conserved,
    utxo.check_outputs,
    utxo.check_network,
    certs.check_withdrawals_network,
    utxo.check_size,
    utxo.check_execution_units,
    utxo.check_collateral_count,
)
"""The rules that can be judged without running a Plutus script, in the ledger's order."""


def still_holds(
    transaction: Transaction, unspent: Mapping[OutputReference, Output], environment: Environment
) -> bool:
    """Whether what registrations decide is still so of a transaction that was valid before.

    Ledger rule: `reapplyTx`, which asks again for all but signatures and scripts.
    """
    if not transaction.body.certificates and not transaction.body.withdrawals:
        return True
    resolved = resolve(transaction, unspent, environment)
    return not any(failure for rule in OF_REGISTRATIONS for failure in rule(resolved))


OF_REGISTRATIONS: Final[tuple[Callable[[ResolvedTransaction], Iterator[LedgerFailure]], ...]] = (
    certs.check_withdrawals_delegated,
    certs.check_withdrawals,
    certs.check_certificates,
    utxo.check_value_conserved,
)
"""The rules whose answer depends on who is registered."""


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
    transaction: Transaction, unspent: Mapping[OutputReference, Output], environment: Environment
) -> list[tuple[RedeemerPointer, ExecutionUnits]]:
    """What each script of a transaction uses, in the ledger's order of redeemers.

    Declared units, fee, signatures, collateral and balance do not matter, nor do scripts without a
    redeemer. Raises `TransactionRejected`: with `TransactionScriptFailures`, or with what keeps every
    script from being run (`BadTranslation`, for unknown inputs too, or `Unsupported`).
    """
    return evaluate_scripts(_supported(transaction, unspent, environment))


def profile(
    transaction: Transaction,
    unspent: Mapping[OutputReference, Output],
    environment: Environment,
    stand_ins: Mapping[bytes, bytes],
    *,
    within_declared: bool,
) -> list[ScriptProfile]:
    """What each script of a transaction uses where. As little matters as to `evaluate`.

    Arguments, result and errors are those of `profile_scripts`.
    """
    resolved = _supported(transaction, unspent, environment)
    return profile_scripts(resolved, stand_ins, within_declared=within_declared)


def _supported(
    transaction: Transaction, unspent: Mapping[OutputReference, Output], environment: Environment
) -> ResolvedTransaction:
    resolved = resolve(transaction, unspent, environment)
    if beyond := list(check_supported(resolved)):
        raise TransactionRejected(*beyond)
    return resolved
