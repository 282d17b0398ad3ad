"""Native scripts out of Ogmios' JSON, for a server that leaves their bytes out.

The bytes are the canonical ones, which every common tool writes; the ledger's own may differ in form.
Source: the ledger's CDDL, `native_script`.
"""

from __future__ import annotations

from typing import Any, Final

from milestones.cardano import cbor
from milestones.clients.answers import digest, integer

_MAX_DEPTH: Final = 100
_LISTS: Final = {"all": 1, "any": 2}
_SLOTS: Final = {"after": 4, "before": 5}


def encode(clause: Any, depth: int = 0) -> bytes:
    """The CBOR of a clause: `signature`, `all`, `any`, `some`, `after` or `before`."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
    kind = clause["clause"]
    if kind == "signature":
        return _array(_number(0), cbor.encode_bytes(digest(clause["from"], 28)))
    if kind in _LISTS:
        return _array(_number(_LISTS[kind]), _clauses(clause["from"], depth))
    if kind == "some":
        required = _number(integer(clause["atLeast"]))
        return _array(_number(3), required, _clauses(clause["from"], depth))
    return _array(_number(_SLOTS[kind]), _number(integer(clause["slot"])))


def _clauses(clauses: Any, depth: int) -> bytes:
    return _array(*(encode(clause, depth + 1) for clause in clauses))


def _array(*items: bytes) -> bytes:
    return cbor.head(cbor.ARRAY, len(items)) + b"".join(items)


def _number(value: int) -> bytes:
    return cbor.head(cbor.UINT, value) if value >= 0 else cbor.head(cbor.NINT, -1 - value)
