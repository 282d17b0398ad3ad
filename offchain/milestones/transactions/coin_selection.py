"""Which of the wallet's outputs pay, which stand as collateral, and what goes back as change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, islice
from typing import Final

from milestones.cardano import encoding
from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.errors import InsufficientCollateral, InsufficientFunds, InsufficientTokens
from milestones.transactions import fees
from milestones.transactions.assembly import Collateral
from milestones.transactions.draft import DraftOutput

SENSIBLE_COLLATERAL_LOVELACE: Final = 5_000_000
"""An output of at most this much is put at stake whole: what wallets set aside as collateral.

It saves the return output, some 3,300 lovelace of fee; only a script failing in a block can take it.
"""


_LARGEST_LOVELACE = 2**64 - 1


def usable(wallet: Iterable[Utxo], *, reserved: Iterable[Utxo]) -> tuple[Utxo, ...]:
    """The wallet's outputs that may pay, each once: not those the draft names, none with a script."""
    taken = {utxo.reference for utxo in reserved}
    free = {
        utxo.reference: utxo
        for utxo in wallet
        if utxo.reference not in taken and utxo.output.script_hash is None
    }
    return tuple(free[reference] for reference in sorted(free))


def next_input(candidates: Sequence[Utxo], shortage: Value) -> Utxo | None:
    """The next output to spend: a missing token's largest holder first, then the most pure ADA."""
    for asset in shortage.assets:
        holders = [utxo for utxo in candidates if utxo.output.value.quantity(asset) > 0]
        if holders:
            return max(holders, key=lambda utxo: utxo.output.value.quantity(asset))
        return None
    return max(candidates, key=_preference, default=None)


def _preference(utxo: Utxo) -> tuple[bool, int]:
    return not utxo.output.value.assets, utxo.output.value.lovelace


def insufficient(shortage: Value, wallet: Sequence[Utxo]) -> InsufficientFunds:
    """The error that says what the transaction needs of the wallet and what there is."""
    total = sum((utxo.output.value for utxo in wallet), Value())
    for asset, missing in shortage.assets.items():
        available = total.quantity(asset)
        return InsufficientTokens(str(asset), available + missing, available)
    required = total.quantity(LOVELACE) + shortage.lovelace
    return InsufficientFunds("outputs, fee and change", required, total.lovelace)


def choose_collateral(
    wallet: Sequence[Utxo],
    *,
    fee_lovelace: int,
    change_address: Address,
    parameters: ProtocolParameters,
) -> Collateral:
    """The cheapest collateral for a transaction with this fee.

    One pure-ADA output without return where a small one suffices; else as few outputs as suffice, with
    a return output. Raises `InsufficientCollateral`.
    """
    required = fees.required_collateral_lovelace(fee_lovelace, parameters)
    whole = _whole(wallet, required)
    if whole is not None:
        return Collateral((whole,), None, whole.output.value.lovelace)
    ranked = filter(_is_key_locked, sorted(wallet, key=_preference, reverse=True))
    # Only so many are looked at: anybody can fill a wallet with thousands of small outputs.
    best = list(islice(ranked, parameters.max_collateral_inputs))
    for inputs in accumulate([utxo] for utxo in best):
        total = sum((utxo.output.value for utxo in inputs), Value())
        change = DraftOutput(address=change_address, value=total - Value(required))
        fits = len(encoding.value(change.value)) <= parameters.max_value_size
        if fits and change.value.lovelace >= fees.min_lovelace(change, parameters):
            return Collateral(tuple(inputs), change, required)
    # One more output, in the place of the last of so many, has to hold what the others lack.
    most = sum(
        (utxo.output.value for utxo in best[: parameters.max_collateral_inputs - 1]), Value()
    )
    # What tokens are among them would have to be returned, and makes the return dearer.
    returned = DraftOutput(address=change_address, value=Value(0, most.assets))
    raise InsufficientCollateral(
        "collateral, with what its change output must hold",
        required + fees.min_lovelace(returned, parameters),
        most.lovelace,
        hint="send ADA without tokens to the wallet, 5 ADA are plenty, and try again",
    )


def _whole(wallet: Sequence[Utxo], required: int) -> Utxo | None:
    limit = max(required, SENSIBLE_COLLATERAL_LOVELACE)
    fitting = [
        u
        for u in wallet
        if not u.output.value.assets and required <= u.output.value.lovelace <= limit
    ]
    fitting.sort(key=lambda utxo: utxo.output.value.lovelace)
    return next(filter(_is_key_locked, fitting), None)


def _is_key_locked(utxo: Utxo) -> bool:
    return Address.from_bech32(utxo.output.address).payment.kind == "key"


def bundles(tokens: Value, parameters: ProtocolParameters) -> list[Value]:
    """The tokens in as few values as the ledger's limit on a value's size allows; at least one value."""
    found: list[Value] = []
    current: dict[AssetId, int] = {}
    for asset, quantity in tokens.assets.items():
        grown = {**current, asset: quantity}
        size = len(encoding.value(Value(_LARGEST_LOVELACE, grown)))
        if current and size > parameters.max_value_size:
            found.append(Value(0, current))
            grown = {asset: quantity}
        current = grown
    return [*found, Value(0, current)]


def change_outputs(
    surplus: Value, address: Address, parameters: ProtocolParameters
) -> tuple[DraftOutput, ...] | Value:
    """Outputs that hold exactly `surplus`, or what is missing for them: lovelace, tokens.

    It is one output, or several where one value would be too large.
    """
    missing = {asset: -quantity for asset, quantity in surplus.assets.items() if quantity < 0}
    if missing:
        return Value(max(0, -surplus.lovelace), missing)
    parts = [
        fees.with_min_ada(DraftOutput(address=address, value=bundle), parameters)
        for bundle in bundles(surplus, parameters)
    ]
    spare = surplus.lovelace - sum(part.value.lovelace for part in parts)
    if spare < 0:
        return Value(-spare)
    return (*parts[:-1], parts[-1].with_lovelace(parts[-1].value.lovelace + spare))
