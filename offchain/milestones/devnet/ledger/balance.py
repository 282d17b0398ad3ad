"""Nothing comes from nothing, and every output can bear its own weight.

Source: Mary's `getConsumedMaryValue` and `getProducedMaryValue`, Babbage's `validateOutputTooSmallUTxO`,
Alonzo's `validateOutputTooBigUTxO`, Shelley's `validateOutputBootAddrAttrsTooBig`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.value import Value
from milestones.devnet.ledger import failures
from milestones.devnet.ledger.case import Case
from milestones.devnet.ledger.failures import LedgerFailure
from milestones.devnet.ledger.fees import minimum_lovelace
from milestones.devnet.ledger.outputs import Output

MAX_BOOTSTRAP_ATTRIBUTES: Final = 64
"""Bytes of attributes that a Byron address may carry."""


def check_value_conserved(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateValueNotConservedUTxO`. Minted tokens go in, burned ones come out."""
    mint = case.body.mint.assets.items()
    minted = Value(0, {asset: n for asset, n in mint if n > 0})
    burned = Value(0, {asset: -n for asset, n in mint if n < 0})
    consumed = _total(case.inputs.values(), minted)
    produced = _total(case.body.outputs, burned + Value(case.body.fee))
    if consumed != produced:
        yield failures.value_not_conserved(consumed, produced)


def _total(outputs: Iterable[Output], start: Value) -> Value:
    """One pass over all quantities: summing values pairwise would sort them again and again."""
    lovelace, assets = start.lovelace, dict(start.assets)
    for output in outputs:
        lovelace += output.value.lovelace
        for asset, quantity in output.value.assets.items():
            assets[asset] = assets.get(asset, 0) + quantity
    return Value(lovelace, assets)


def check_outputs(case: Case) -> Iterator[LedgerFailure]:
    """The rules of single outputs, the collateral return's too."""
    parameters = case.parameters
    needed = [(output, minimum_lovelace(output, parameters)) for output in case.outputs]
    if poor := [(output, minimum) for output, minimum in needed if output.value.lovelace < minimum]:
        yield failures.insufficiently_funded_outputs(poor)
    if large := [each for each in case.outputs if _exceeds(each, parameters.max_value_size)]:
        yield failures.value_too_large(large)
    attributes = MAX_BOOTSTRAP_ATTRIBUTES
    if byron := [each for each in case.outputs if each.address.attributes_size > attributes]:
        yield failures.bootstrap_attributes_too_large(byron)


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
