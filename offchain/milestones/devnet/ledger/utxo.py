"""Ledger rule `UTXO`: inputs, interval, fee, collateral, balance, outputs, network and size.

Source: Conway's and Babbage's `UTXO` and the rules of Alonzo, Mary and Shelley that they call:
`getConsumedMaryValue`, `getProducedMaryValue`, `validateOutputTooSmallUTxO`,
`validateOutputTooBigUTxO`, `validateOutputBootAddrAttrsTooBig`, `validateTotalCollateral`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.value import Value
from milestones.devnet.ledger import failures
from milestones.devnet.ledger.certs import total_deposits, total_refunds
from milestones.devnet.ledger.failures import LedgerFailure
from milestones.devnet.ledger.fees import (
    minimum_fee,
    minimum_lovelace,
    total_units,
    transaction_size,
)
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.resolved_transaction import ResolvedTransaction

LAST_VERSION_WITH_DISJOINT_INPUTS: Final = 10
"""Protocol versions 9 and 10 forbade to spend and to reference the same output. Source: Conway's
`disjointRefInputs`; from 11 on only Plutus V3 objects, when its context is made.
"""


def check_disjoint_inputs(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `disjointRefInputs`."""
    common = set(resolved.body.inputs) & set(resolved.body.reference_inputs)
    if common and resolved.parameters.protocol_version[0] <= LAST_VERSION_WITH_DISJOINT_INPUTS:
        yield failures.BabbageNonDisjointRefInputs(tuple(sorted(common)))


def check_validity_interval(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateOutsideValidityIntervalUTxO`. The upper bound itself is outside."""
    before, after = resolved.body.invalid_before, resolved.body.invalid_after
    slot = resolved.environment.slot
    if (before is not None and slot < before) or (after is not None and slot >= after):
        yield failures.OutsideValidityIntervalUTxO(before, after, slot)


def check_forecast(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Scripts see times, not slots: the upper bound's time must be known. `validateOutsideForecast`."""
    after, horizon = resolved.body.invalid_after, resolved.environment.horizon_slot
    if after is None or horizon is None or not resolved.transaction.witnesses.redeemers:
        return
    if after >= horizon:
        yield failures.OutsideForecast(after)


def check_some_inputs(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateInputSetEmptyUTxO`."""
    if not resolved.body.inputs:
        yield failures.InputSetEmptyUTxO()


def check_fee(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `feesOK`, its first part."""
    required = minimum_fee(resolved)
    if resolved.body.fee < required:
        yield failures.FeeTooSmallUTxO(required, resolved.body.fee)


def check_known_inputs(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateBadInputsUTxO`, of spent, referenced and collateral inputs."""
    body = resolved.body
    named = {*body.inputs, *body.reference_inputs, *body.collateral}
    unknown = (
        named
        - resolved.inputs.keys()
        - resolved.reference_inputs.keys()
        - resolved.collateral.keys()
    )
    if unknown:
        yield failures.BadInputsUTxO(tuple(sorted(unknown)))


def check_network(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rules: `validateWrongNetwork` and `validateWrongNetworkInTxBody`."""
    expected = resolved.environment.network_id
    foreign = [out.address for out in resolved.outputs if out.address.network_id != expected]
    if foreign:
        yield failures.WrongNetwork(expected, tuple(foreign))
    if resolved.body.network_id not in (None, expected):
        yield failures.WrongNetworkInTxBody(expected)


def check_size(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateMaxTxSizeUTxO`."""
    measured, maximum = (
        transaction_size(resolved.transaction),
        resolved.parameters.max_transaction_size,
    )
    if measured > maximum:
        yield failures.MaxTxSizeUTxO(measured, maximum)


def check_execution_units(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateExUnitsTooBigUTxO`."""
    provided = total_units(resolved.transaction.witnesses.redeemers)
    maximum = resolved.parameters.max_transaction_units
    if provided.memory > maximum.memory or provided.cpu > maximum.cpu:
        yield failures.ExUnitsTooBigUTxO(provided, maximum)


MAX_BOOTSTRAP_ATTRIBUTES: Final = 64
"""Bytes of attributes that a Byron address may carry."""


def check_value_conserved(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateValueNotConservedUTxO`.

    Minted tokens, withdrawals and refunds go in; burned tokens and deposits come out.
    """
    mint = resolved.body.mint.assets.items()
    gained = sum(resolved.body.withdrawals.values()) + total_refunds(resolved)
    minted = Value(gained, {asset: n for asset, n in mint if n > 0})
    burned = Value(0, {asset: -n for asset, n in mint if n < 0})
    consumed = _total(resolved.inputs.values(), minted)
    paid = resolved.body.fee + total_deposits(resolved)
    produced = _total(resolved.body.outputs, burned + Value(paid))
    if consumed != produced:
        yield failures.ValueNotConservedUTxO(consumed, produced)


def _total(outputs: Iterable[Output], start: Value) -> Value:
    """One pass over all quantities: summing values pairwise would sort them again and again."""
    lovelace, assets = start.lovelace, dict(start.assets)
    for output in outputs:
        lovelace += output.value.lovelace
        for asset, quantity in output.value.assets.items():
            assets[asset] = assets.get(asset, 0) + quantity
    return Value(lovelace, assets)


def check_outputs(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """The rules of single outputs, the collateral return's too."""
    parameters = resolved.parameters
    needed = [(output, minimum_lovelace(output, parameters)) for output in resolved.outputs]
    if poor := [(output, minimum) for output, minimum in needed if output.value.lovelace < minimum]:
        yield failures.BabbageOutputTooSmallUTxO(tuple(poor))
    if large := [each for each in resolved.outputs if _exceeds(each, parameters.max_value_size)]:
        yield failures.OutputTooBigUTxO(tuple(large))
    attributes = MAX_BOOTSTRAP_ATTRIBUTES
    if byron := [each for each in resolved.outputs if each.address.attributes_size > attributes]:
        yield failures.OutputBootAddrAttrsTooBig(tuple(byron))


def _exceeds(output: Output, maximum: int) -> bool:
    """Ledger: `serSize` of a value is that of its own encoding, which is never longer than another."""
    return output.value_size > maximum and value_size(output.value) > maximum


def value_size(value: Value) -> int:
    """Bytes of a value in the ledger's own encoding."""
    coin = len(cbor.head(cbor.UINT, value.lovelace))
    if not value.assets:
        return coin
    size = 1 + coin + _map_head(len(list(value.policies())))
    counts: dict[bytes, int] = {}
    for (policy_id, name), quantity in value.assets.items():
        counts[policy_id] = counts.get(policy_id, 0) + 1
        size += len(cbor.encode_bytes(name)) + len(cbor.head(cbor.UINT, quantity))
    return size + sum(30 + _map_head(count) for count in counts.values())


def _map_head(entries: int) -> int:
    """The ledger writes maps of more than 23 entries with indefinite length: a byte at each end."""
    return 1 if entries <= 23 else 2


def check_collateral(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateTotalCollateral`, of transactions with redeemers only."""
    if not resolved.transaction.witnesses.redeemers:
        return
    balance = collateral_balance(resolved)
    yield from _locked_by_keys(resolved)
    yield from _only_ada(balance)
    yield from _enough(resolved, balance.lovelace)
    yield from _as_declared(resolved, balance.lovelace)
    if not resolved.collateral:
        yield failures.NoCollateralInputs()


def collateral_balance(resolved: ResolvedTransaction) -> Value:
    """Collateral inputs less collateral return. Ledger: `collAdaBalance`."""
    total = sum((output.value for output in resolved.collateral.values()), Value())
    returned = resolved.body.collateral_return
    return total if returned is None else total - returned.value


def check_collateral_count(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateTooManyCollateralInputs`."""
    maximum, counted = resolved.parameters.max_collateral_inputs, len(resolved.body.collateral)
    if counted > maximum:
        yield failures.TooManyCollateralInputs(maximum, counted)


def _locked_by_keys(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateScriptsNotPaidUTxO`."""
    locked = [
        ref for ref, out in resolved.collateral.items() if out.address.script_hash is not None
    ]
    if locked:
        yield failures.ScriptsNotPaidUTxO(tuple(locked))


def _only_ada(balance: Value) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateCollateralContainsNonADA`."""
    if balance.assets:
        yield failures.CollateralContainsNonADA(balance)


def _enough(resolved: ResolvedTransaction, balance: int) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateInsufficientCollateral`."""
    hundredfold = resolved.body.fee * resolved.parameters.collateral_percentage
    if balance * 100 < hundredfold:
        yield failures.InsufficientCollateral(balance, -(-hundredfold // 100))


def _as_declared(resolved: ResolvedTransaction, balance: int) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateCollateralEqBalance`."""
    declared = resolved.body.total_collateral
    if declared is not None and declared != balance:
        yield failures.IncorrectTotalCollateralField(declared, balance)
