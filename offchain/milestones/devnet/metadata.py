"""Transaction metadata as clients see it: Ogmios' JSON and Kupo's.

Source: Conway CDDL, `auxiliary_data`: a bare map (Shelley), `[map, scripts]` (Allegra), or tag 259
around a map whose field 0 is the metadata.
"""

from __future__ import annotations

from typing import Any, Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.hashes import blake2b_256

_TAG: Final = 259
_TAG_HEAD: Final = cbor.head(cbor.TAG, _TAG)


def labels(auxiliary_data: bytes) -> dict[int, Item]:
    """The metadata by label, in ascending order."""
    item = _metadata_item(cbor.read(auxiliary_data))
    if item is None:
        return {}
    return dict(sorted((key.unsigned(), value) for key, value in item.pairs()))


def ogmios_json(auxiliary_data: bytes) -> dict[str, Any]:
    """Ogmios' `Metadata`: each label's plain JSON, or its CBOR where JSON can't show it."""
    shown = {}
    for label, item in labels(auxiliary_data).items():
        plain = _plain(item)
        shown[str(label)] = {"cbor": item.raw.hex()} if plain is _NO_JSON else {"json": plain}
    return {"hash": blake2b_256(auxiliary_data).hex(), "labels": shown}


def kupo_json(auxiliary_data: bytes) -> dict[str, Any]:
    """Kupo's `Metadata`. Its `raw` and `hash` are always of the form under tag 259."""
    raw = _tagged(cbor.read(auxiliary_data))
    schema = {str(label): _detailed(item) for label, item in labels(auxiliary_data).items()}
    return {"hash": blake2b_256(raw).hex(), "raw": raw.hex(), "schema": schema}


def _metadata_item(item: Item) -> Item | None:
    if item.kind == cbor.MAP:
        return item
    if item.kind == cbor.ARRAY:
        return item.array()[0]
    return next((value for key, value in item.value.pairs() if key.value == 0), None)


def _tagged(item: Item) -> bytes:
    if item.kind == cbor.TAG:
        return item.raw
    if item.kind == cbor.MAP:
        return _TAG_HEAD + b"\xa1\x00" + item.raw
    metadata, scripts = item.array()
    if not scripts.array():
        return _TAG_HEAD + b"\xa1\x00" + metadata.raw
    return _TAG_HEAD + b"\xa2\x00" + metadata.raw + b"\x01" + scripts.raw


_NO_JSON: Final = object()


def _plain(item: Item) -> Any:
    """JSON without a schema, or `_NO_JSON`: bytes, empty maps and most keys have none."""
    if item.kind in (cbor.UINT, cbor.NINT, cbor.TEXT):
        return item.value
    if item.kind == cbor.ARRAY:
        elements = [_plain(each) for each in item.array()]
        return _NO_JSON if _NO_JSON in elements else elements
    if item.kind != cbor.MAP or not item.pairs():
        return _NO_JSON
    shown = {}
    for key, value in item.pairs():
        if key.kind not in (cbor.UINT, cbor.NINT, cbor.TEXT):
            return _NO_JSON
        shown[str(key.value)] = _plain(value)
    return _NO_JSON if _NO_JSON in shown.values() else shown


def _detailed(item: Item) -> dict[str, Any]:
    """JSON that names the kind of everything. What the ledger lets pass is one of five kinds."""
    if item.kind in (cbor.UINT, cbor.NINT):
        return {"int": item.value}
    if item.kind == cbor.TEXT:
        return {"string": item.value}
    if item.kind == cbor.ARRAY:
        return {"list": [_detailed(each) for each in item.array()]}
    if item.kind == cbor.MAP:
        pairs = [{"k": _detailed(k), "v": _detailed(v)} for k, v in item.pairs()]
        return {"map": pairs}
    if item.kind == cbor.TAG:  # a bignum: tag 2 or 3
        magnitude = int.from_bytes(item.value.bytes(), "big")
        return {"int": magnitude if item.tag == 2 else -1 - magnitude}
    return {"bytes": item.bytes().hex()}
