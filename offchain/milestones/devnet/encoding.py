"""The few encodings that the chain needs to make transactions of its own: genesis and faucet.

Everything is definite and shortest, outputs are in the map form. Source: Conway CDDL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from milestones.cardano import cbor
from milestones.cardano.outputs import OutputReference
from milestones.cardano.value import Value


def array(items: Iterable[bytes]) -> bytes:
    """An array of encoded items."""
    encoded = list(items)
    return cbor.head(cbor.ARRAY, len(encoded)) + b"".join(encoded)


def mapping(entries: Mapping[bytes, bytes]) -> bytes:
    """A map of encoded keys and values, in the order given."""
    body = b"".join(key + value for key, value in entries.items())
    return cbor.head(cbor.MAP, len(entries)) + body


def integer(number: int) -> bytes:
    """An integer of either sign, up to 64 bits."""
    return cbor.head(cbor.UINT, number) if number >= 0 else cbor.head(cbor.NINT, -1 - number)


def fields(entries: Mapping[int, bytes]) -> bytes:
    """A map with small integers as keys: a body, an output, a witness set."""
    return mapping({integer(number): value for number, value in entries.items()})


def inputs(references: Iterable[OutputReference]) -> bytes:
    """A set of inputs, tagged as one."""
    pairs = (
        array((cbor.encode_bytes(each.transaction_id), integer(each.index))) for each in references
    )
    return cbor.head(cbor.TAG, 258) + array(pairs)


def assets(value: Value) -> bytes:
    """The tokens of a value, by policy and name."""
    by_policy = {
        cbor.encode_bytes(policy_id): mapping(
            {
                cbor.encode_bytes(asset.asset_name): integer(quantity)
                for asset, quantity in value.assets.items()
                if asset.policy_id == policy_id
            }
        )
        for policy_id in value.policies()
    }
    return mapping(by_policy)


def output(address: bytes, value: Value) -> bytes:
    """An output without datum or script."""
    lovelace = integer(value.lovelace)
    amount = array((lovelace, assets(value))) if value.assets else lovelace
    return fields({0: cbor.encode_bytes(address), 1: amount})


def transaction(body: bytes, witnesses: bytes, auxiliary_data: bytes = b"\xf6") -> bytes:
    """A transaction that claims to be valid; without auxiliary data, null stands in its place."""
    return array((body, witnesses, b"\xf5", auxiliary_data))
