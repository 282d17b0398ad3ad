"""Transaction outputs and the values in them: their forms on the wire, and what the rules read.

Source: Conway CDDL, `transaction_output` (the array of Alonzo and the map of Babbage), `value`, `mint`,
`multiasset`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import Script
from milestones.cardano.value import AssetId, Value
from milestones.devnet.ledger.addresses import LedgerAddress, decode_address
from milestones.devnet.ledger.plutus_data import check_plutus_data
from milestones.devnet.ledger.scripts import INT64_MAX, INT64_MIN, decode_reference_script
from milestones.errors import InvalidEncoding

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
    """What a transaction mints and burns. Quantities are non-zero and fit 64 bits, signed.

    Source: CDDL `nonzero_int64`.
    """
    assets = _multi_asset(item)
    if not assets:
        raise InvalidEncoding(f"an empty mint at byte {item.start}")
    if any(not INT64_MIN <= quantity <= INT64_MAX for quantity in assets.values()):
        raise InvalidEncoding(f"a minted quantity over 64 bits at byte {item.start}")
    return Value(0, assets)


def _multi_asset(item: Item) -> dict[AssetId, int]:
    found: dict[AssetId, int] = {}
    for policy, names in item.entries():
        policy_id = policy.definite_bytes(28)
        if not names.pairs():
            raise InvalidEncoding(f"a policy without tokens at byte {policy.start}")
        for name, quantity in names.entries():
            asset_name = name.definite_bytes()
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


@dataclass(frozen=True, slots=True)
class Output:
    """One output, with the bytes it was received in.

    `raw` is what its size is measured on; `address` the address' bytes. Of `datum_hash` (32 bytes) and
    `datum` (an inline datum's CBOR) at most one is set. `value_size` is the size of the value's
    encoding, bytes.
    """

    raw: bytes
    address: LedgerAddress
    value: Value
    value_size: int
    datum_hash: bytes | None = None
    datum: bytes | None = None
    script: Script | None = None

    @property
    def resolved_datum_hash(self) -> bytes | None:
        """The hash of the datum, whichever way it is attached; None without one."""
        return blake2b_256(self.datum) if self.datum is not None else self.datum_hash


def decode_output(raw: bytes) -> Output:
    """An output out of its own bytes. Raises `InvalidEncoding`."""
    return output_from_item(cbor.read(raw))


def output_from_item(item: Item) -> Output:
    """An output out of a transaction that is being read. Raises `InvalidEncoding`."""
    return _array_form(item) if item.kind == cbor.ARRAY else _map_form(item)


def _array_form(item: Item) -> Output:
    parts = item.array()
    if len(parts) not in (2, 3):
        raise InvalidEncoding(f"an output of {len(parts)} elements at byte {item.start}")
    value, size = decode_output_value(parts[1])
    return Output(
        raw=item.raw,
        address=decode_address(parts[0].definite_bytes()),
        value=value,
        value_size=size,
        datum_hash=parts[2].definite_bytes(32) if len(parts) == 3 else None,
    )


def _map_form(item: Item) -> Output:
    fields = {key.unsigned(): value for key, value in item.entries()}
    if not {0, 1} <= fields.keys() <= {0, 1, 2, 3}:
        raise InvalidEncoding(f"an output with fields {sorted(fields)} at byte {item.start}")
    datum_hash, datum = _datum(fields[2]) if 2 in fields else (None, None)
    value, size = decode_output_value(fields[1])
    return Output(
        raw=item.raw,
        address=decode_address(fields[0].definite_bytes()),
        value=value,
        value_size=size,
        datum_hash=datum_hash,
        datum=datum,
        script=decode_reference_script(fields[3]) if 3 in fields else None,
    )


def _datum(item: Item) -> tuple[bytes | None, bytes | None]:
    """(hash, None) or (None, inline datum). CDDL: `datum_option`."""
    parts = item.array()
    if len(parts) == 2 and parts[0].unsigned() == 0:
        return parts[1].definite_bytes(32), None
    if len(parts) == 2 and parts[0].unsigned() == 1 and parts[1].tag == 24:
        datum = parts[1].value.definite_bytes()
        check_plutus_data(cbor.read(datum))
        return None, datum
    raise InvalidEncoding(f"not a datum option at byte {item.start}")
