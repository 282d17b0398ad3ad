"""Values on the wire: lovelace, or lovelace and tokens.

Source: Conway CDDL, `value`, `mint`, `multiasset`.
"""

from __future__ import annotations

from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.value import AssetId, Value
from milestones.errors import InvalidEncoding

INT64_MAX: Final = (1 << 63) - 1
"""Largest quantity that can be minted at once; the least is -2^63. Source: CDDL `nonzero_int64`."""

COMPACT_LIMIT: Final = 65535
"""Bytes that the ledger's packed form of a token bundle may take. Source: `isMultiAssetSmallEnough`."""


def decode_output_value(item: Item) -> tuple[Value, int]:
    """An output's value and the size of its encoding in bytes. Quantities are 1 to 2^64 - 1."""
    size = item.end - item.start
    if item.kind == cbor.UINT:
        return Value(item.unsigned()), size
    parts = item.array()
    if len(parts) != 2:
        raise InvalidEncoding(f"a value of {len(parts)} elements at byte {item.start}")
    assets = _multi_asset(parts[1])
    if any(quantity <= 0 for quantity in assets.values()):
        raise InvalidEncoding(f"a quantity of zero or less at byte {parts[1].start}")
    return Value(parts[0].unsigned(), assets), size


def decode_mint(item: Item) -> Value:
    """What a transaction mints and burns. Quantities are non-zero and fit 64 bits, signed."""
    assets = _multi_asset(item)
    if not assets:
        raise InvalidEncoding(f"an empty mint at byte {item.start}")
    if any(not -INT64_MAX - 1 <= quantity <= INT64_MAX for quantity in assets.values()):
        raise InvalidEncoding(f"a minted quantity over 64 bits at byte {item.start}")
    return Value(0, assets)


def _multi_asset(item: Item) -> dict[AssetId, int]:
    found: dict[AssetId, int] = {}
    for policy, names in item.entries():
        policy_id = policy.bytes(28)
        if not names.pairs():
            raise InvalidEncoding(f"a policy without tokens at byte {policy.start}")
        for name, quantity in names.entries():
            asset_name = name.bytes()
            if len(asset_name) > 32:
                raise InvalidEncoding(f"an asset name over 32 bytes at byte {name.start}")
            if not quantity.integer():
                raise InvalidEncoding(f"a quantity of zero at byte {quantity.start}")
            found[AssetId(policy_id, asset_name)] = quantity.integer()
    if _compact_size(found) > COMPACT_LIMIT:
        raise InvalidEncoding(f"too many tokens in one bundle at byte {item.start}")
    return found


def _compact_size(assets: dict[AssetId, int]) -> int:
    """Bytes of the ledger's packed form: 12 a token, its policy and its name each once."""
    policies = {asset.policy_id for asset in assets}
    names = {asset.asset_name for asset in assets}
    return 12 * len(assets) + 28 * len(policies) + sum(map(len, names))
