"""The ledger's own CBOR of outputs, values and sets, in the shortest form that Conway reads.

Source: the Conway era's CDDL. Output without inline datum and reference script take the older array
form: two bytes less, which lowers the fee and, times 160 more, the minimum of lovelace locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.address import Address
from milestones.cardano.cbor import ARRAY, MAP, NINT, TAG, UINT, encode_bytes
from milestones.cardano.outputs import OutputReference, Script, ScriptLanguage
from milestones.cardano.value import Value

SET_TAG: Final = 258
EMBEDDED_CBOR_TAG: Final = 24
LANGUAGE_TAGS: Final[dict[ScriptLanguage, int]] = {
    "native": 0,
    "plutus:v1": 1,
    "plutus:v2": 2,
    "plutus:v3": 3,
}


def integer(value: int) -> bytes:
    """An integer between -2^64 and 2^64 - 1."""
    return cbor.head(UINT, value) if value >= 0 else cbor.head(NINT, -1 - value)


def array(items: Sequence[bytes]) -> bytes:
    """A definite array of items that are encoded already."""
    return cbor.head(ARRAY, len(items)) + b"".join(items)


def mapping(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A definite map of encoded pairs, its keys in canonical order: by length first, then by bytes.

    Wallets and devices encode a transaction anew before they sign it. In any other order they would sign
    another id. Source: RFC 7049, 3.9; CIP-21.
    """
    parts = [key + value for key, value in sorted(pairs, key=lambda pair: (len(pair[0]), pair[0]))]
    return cbor.head(MAP, len(parts)) + b"".join(parts)


def tagged(number: int, item: bytes) -> bytes:
    """An item under a tag."""
    return cbor.head(TAG, number) + item


def tagged_set(items: Sequence[bytes]) -> bytes:
    """A set: an array under tag 258."""
    return tagged(SET_TAG, array(items))


def reference(reference: OutputReference) -> bytes:
    """An input: the transaction's id and the output's index."""
    return array((encode_bytes(reference.transaction_id), integer(reference.index)))


def references(items: Iterable[OutputReference]) -> bytes:
    """A set of inputs, in the order given."""
    return tagged_set([reference(item) for item in items])


def multi_asset(value: Value) -> bytes:
    """The tokens of a value, policy by policy, shorter names first; lovelace is left out."""
    by_policy: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for asset, quantity in value.assets.items():
        entry = (encode_bytes(asset.asset_name), integer(quantity))
        by_policy.setdefault(asset.policy_id, []).append(entry)
    return mapping((encode_bytes(policy), mapping(names)) for policy, names in by_policy.items())


def value(value: Value) -> bytes:
    """A value: an integer of lovelace, or lovelace and tokens."""
    if not value.assets:
        return integer(value.lovelace)
    return array((integer(value.lovelace), multi_asset(value)))


def reference_script(script: Script) -> bytes:
    """A script as an output carries it: language and script, embedded as bytes."""
    body = script.code if script.language == "native" else encode_bytes(script.code)
    return embedded(array((integer(LANGUAGE_TAGS[script.language]), body)))


def embedded(item: bytes) -> bytes:
    """CBOR inside a byte string, under tag 24."""
    return tagged(EMBEDDED_CBOR_TAG, encode_bytes(item))


def output(
    address: Address,
    held: Value,
    *,
    inline_datum: bytes | None = None,
    datum_hash: bytes | None = None,
    script: Script | None = None,
) -> bytes:
    """An output; datums are CBOR, their hashes have 32 bytes."""
    plain = [encode_bytes(address.to_bytes()), value(held)]
    if inline_datum is None and script is None:
        return array(plain + ([encode_bytes(datum_hash)] if datum_hash else []))
    fields = list(enumerate(plain))
    if inline_datum is not None:
        fields.append((2, array((integer(1), embedded(inline_datum)))))
    elif datum_hash is not None:
        fields.append((2, array((integer(0), encode_bytes(datum_hash)))))
    if script is not None:
        fields.append((3, reference_script(script)))
    return mapping((integer(key), item) for key, item in fields)
