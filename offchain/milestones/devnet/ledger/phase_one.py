"""Phase 1: every rule that can be judged without running a Plutus script, from the top down.

The ledger goes on after a rule has failed and reports all failures; the network's answer is the most
urgent of them. Ledger rules: Conway's `LEDGER`, `UTXOW`, `UTXO`. What only staking and governance
rules could judge is refused first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from milestones.devnet.ledger import failures
from milestones.devnet.ledger.auxiliary_data import check_auxiliary_data
from milestones.devnet.ledger.balance import check_outputs, check_value_conserved
from milestones.devnet.ledger.case import Case
from milestones.devnet.ledger.collateral import check_collateral, check_collateral_count
from milestones.devnet.ledger.failures import LedgerFailure, Unsupported
from milestones.devnet.ledger.fees import (
    minimum_fee,
    reference_scripts_size,
    total_units,
    transaction_size,
)
from milestones.devnet.ledger.script_integrity import check_script_integrity
from milestones.devnet.ledger.script_witnesses import (
    check_datums,
    check_native_scripts,
    check_needed_scripts,
    check_redeemers,
    check_scripts_well_formed,
)
from milestones.devnet.ledger.signatures import check_needed_signatures, check_signatures

LAST_VERSION_WITH_DISJOINT_INPUTS: Final = 10
"""Protocol versions 9 and 10 forbade to spend and to reference the same output. Source: Conway's
`disjointRefInputs`; from 11 on only Plutus V3 objects, when its context is made.
"""


def phase_one_failures(case: Case) -> list[LedgerFailure]:
    """Every rule of phase 1 that is broken."""
    return [failure for rule in RULES for failure in rule(case)]


def check_supported(case: Case) -> Iterator[LedgerFailure]:
    """What this chain has no rules for: refused, never ignored."""
    if case.body.unsupported:
        yield Unsupported(", ".join(case.body.unsupported))
    if case.transaction.witnesses.bootstraps:
        yield Unsupported("Byron (bootstrap) witnesses")
    spent = (*case.inputs.values(), *case.collateral.values())
    if any(output.address.is_bootstrap for output in spent):
        yield Unsupported("an input locked by a Byron address")


def check_disjoint_inputs(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `disjointRefInputs`."""
    common = set(case.body.inputs) & set(case.body.reference_inputs)
    if common and case.parameters.protocol_version[0] <= LAST_VERSION_WITH_DISJOINT_INPUTS:
        yield failures.conflicting_inputs(sorted(common))


def check_validity_interval(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateOutsideValidityIntervalUTxO`. The upper bound itself is outside."""
    before, after = case.body.invalid_before, case.body.invalid_after
    slot = case.environment.slot
    if (before is not None and slot < before) or (after is not None and slot >= after):
        yield failures.outside_of_validity_interval(before, after, slot)


def check_forecast(case: Case) -> Iterator[LedgerFailure]:
    """Scripts see times, not slots: the upper bound's time must be known. `validateOutsideForecast`."""
    after, horizon = case.body.invalid_after, case.environment.horizon_slot
    if after is None or horizon is None or not case.transaction.witnesses.redeemers:
        return
    if after >= horizon:
        yield failures.unforeseeable_slot(after)


def check_some_inputs(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateInputSetEmptyUTxO`."""
    if not case.body.inputs:
        yield failures.empty_input_set()


def check_fee(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `feesOK`, its first part."""
    required = minimum_fee(case)
    if case.body.fee < required:
        yield failures.fee_too_small(required, case.body.fee)


def check_known_inputs(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateBadInputsUTxO`, of spent, referenced and collateral inputs."""
    body = case.body
    named = {*body.inputs, *body.reference_inputs, *body.collateral}
    unknown = named - case.inputs.keys() - case.reference_inputs.keys() - case.collateral.keys()
    if unknown:
        yield failures.unknown_output_references(sorted(unknown))


def check_network(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rules: `validateWrongNetwork` and `validateWrongNetworkInTxBody`."""
    expected = case.environment.network_id
    foreign = {str(out.address) for out in case.outputs if out.address.network_id != expected}
    if foreign:
        yield failures.network_mismatch(expected, foreign)
    if case.body.network_id not in (None, expected):
        yield failures.network_mismatch(expected, None)


def check_size(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateMaxTxSizeUTxO`."""
    measured, maximum = transaction_size(case.transaction), case.parameters.max_transaction_size
    if measured > maximum:
        yield failures.transaction_too_large(measured, maximum)


def check_execution_units(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateExUnitsTooBigUTxO`."""
    provided = total_units(case.transaction.witnesses.redeemers)
    maximum = case.parameters.max_transaction_units
    if provided.memory > maximum.memory or provided.cpu > maximum.cpu:
        yield failures.execution_units_too_large(provided, maximum)


def check_reference_scripts_size(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `LEDGER`, `ConwayTxRefScriptsSizeTooBig`."""
    measured, maximum = reference_scripts_size(case), case.parameters.max_reference_scripts_size
    if measured > maximum:
        yield failures.reference_scripts_too_large(measured, maximum)


RULES: Final[tuple[Callable[[Case], Iterator[LedgerFailure]], ...]] = (
    check_supported,
    check_reference_scripts_size,
    # UTXOW
    check_native_scripts,
    check_needed_scripts,
    check_datums,
    check_redeemers,
    check_signatures,
    check_needed_signatures,
    check_auxiliary_data,
    check_scripts_well_formed,
    check_script_integrity,
    # UTXO
    check_disjoint_inputs,
    check_validity_interval,
    check_forecast,
    check_some_inputs,
    check_fee,
    check_collateral,
    check_known_inputs,
    check_value_conserved,
    check_outputs,
    check_network,
    check_size,
    check_execution_units,
    check_collateral_count,
)
"""The rules in the ledger's order."""
