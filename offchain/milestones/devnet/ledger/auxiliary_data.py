"""Auxiliary data on the wire: metadata, and scripts that nothing runs.

Source: Conway CDDL, `auxiliary_data` in its three forms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.outputs import Script
from milestones.devnet.ledger.scripts import native_script, plutus_script
from milestones.errors import InvalidEncoding

ALONZO_TAG: Final = 259
"""The tag of the form that can carry Plutus scripts."""

LONGEST_METADATUM: Final = 64
"""Bytes of a byte string, or of a text in UTF-8, in metadata. Source: CDDL `metadatum`."""

PLUTUS_FIELDS: Final = frozenset((2, 3, 4))
"""Its fields with scripts of Plutus versions 1 to 3."""


def decode_metadata(raw: bytes) -> dict[int, Item]:
    """Metadata by label, in ascending order. Raises `InvalidEncoding` unless `raw` is auxiliary data."""
    return dict(sorted(_metadata(cbor.read(raw)).items()))


def decode_plutus_scripts(raw: bytes) -> list[Script]:
    """The Plutus scripts in auxiliary data, which only the form with the tag can carry."""
    item = cbor.read(raw)
    fields = _fields(item) if item.kind == cbor.TAG else {}
    return [
        plutus_script(number - 1, script)
        for number in PLUTUS_FIELDS & fields.keys()
        for script in fields[number].array()
    ]


def check_auxiliary_form(item: Item) -> None:
    """Raises `InvalidEncoding` unless `item` is auxiliary data of one of the three forms."""
    for value in _metadata(item).values():
        for leaf in _leaves(value):
            _check_leaf(leaf)


def _check_leaf(item: Item) -> None:
    """The ledger looks at lengths as it reads: too long a string is no transaction. `decodeMetadatum`."""
    if item.kind not in (cbor.UINT, cbor.NINT, cbor.BYTES, cbor.TEXT):
        raise InvalidEncoding(f"byte {item.start} holds no metadata")
    if item.kind == cbor.BYTES and len(item.bytes()) > LONGEST_METADATUM:
        raise InvalidEncoding(f"metadata at byte {item.start}: a byte string exceeds 64 bytes")
    if item.kind == cbor.TEXT and len(item.text().encode()) > LONGEST_METADATUM:
        raise InvalidEncoding(f"metadata at byte {item.start}: a text exceeds 64 bytes")


def _metadata(item: Item) -> dict[int, Item]:
    if item.kind == cbor.MAP:
        return _labels(item)
    if item.kind == cbor.ARRAY:
        return _labels(_allegra(item))
    if item.kind != cbor.TAG or item.tag != ALONZO_TAG:
        raise InvalidEncoding(f"not auxiliary data at byte {item.start}")
    fields = _fields(item)
    _check_scripts(fields)
    return _labels(fields[0]) if 0 in fields else {}


def _fields(item: Item) -> dict[int, Item]:
    return {key.unsigned(): value for key, value in item.value.entries()}


def _allegra(item: Item) -> Item:
    parts = item.array()
    if len(parts) != 2:
        raise InvalidEncoding(f"not auxiliary data at byte {item.start}")
    for script in parts[1].array():
        native_script(script)
    return parts[0]


def _check_scripts(fields: Mapping[int, Item]) -> None:
    if unknown := fields.keys() - set(range(5)):
        raise InvalidEncoding(f"unknown fields of auxiliary data {sorted(unknown)}")
    for number in range(1, 5):
        for script in fields[number].array() if number in fields else ():
            native_script(script) if number == 1 else script.definite_bytes()


def _labels(item: Item) -> dict[int, Item]:
    return {key.unsigned(): value for key, value in item.entries()}


def _leaves(item: Item) -> Iterator[Item]:
    """What a metadatum holds at any depth besides lists and maps."""
    pending = [item]
    while pending:
        current = pending.pop()
        if current.kind in (cbor.ARRAY, cbor.MAP):
            pending += current.members()
        else:
            yield current
