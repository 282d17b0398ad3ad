"""What goes back to the wallet: one output, or several where one value would be too large."""

from __future__ import annotations

from milestones.cardano import encoding
from milestones.cardano.address import Address
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.value import AssetId, Value
from milestones.transactions import fees
from milestones.transactions.draft import DraftOutput

_LARGEST_LOVELACE = 2**64 - 1


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
    """Outputs that hold exactly `surplus`, or what is missing for them: lovelace, tokens."""
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
