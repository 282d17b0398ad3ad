"""Native scripts: signatures and time locks, checked in phase 1.

Source: Allegra's `evalTimelock`; Conway CDDL, `native_script`. All six kinds.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.errors import InvalidEncoding

SIGNATURE: Final = 0
ALL: Final = 1
ANY: Final = 2
AT_LEAST: Final = 3
INVALID_BEFORE: Final = 4
INVALID_AFTER: Final = 5


def check_native_script(item: Item) -> None:
    """Raises `InvalidEncoding` unless `item` is a native script."""
    kind, argument, clauses = _parts(item)
    if kind == SIGNATURE:
        argument.bytes(28)
    elif kind == AT_LEAST:
        argument.integer()
    elif kind in (INVALID_BEFORE, INVALID_AFTER):
        argument.unsigned()
    for clause in clauses:
        check_native_script(clause)


def native_script_holds(
    code: bytes, signers: AbstractSet[bytes], invalid_before: int | None, invalid_after: int | None
) -> bool:
    """Whether the script agrees. Ledger rule: `evalTimelock`.

    `signers` are the key hashes whose signatures the transaction carries. A time lock compares with
    the transaction's validity interval, never with the clock: an open end proves nothing.
    """
    return _holds(cbor.read(code), signers, invalid_before, invalid_after)


def _holds(item: Item, signers: AbstractSet[bytes], before: int | None, after: int | None) -> bool:
    kind, argument, clauses = _parts(item)
    if kind == SIGNATURE:
        return argument.bytes() in signers
    if kind == INVALID_BEFORE:
        return before is not None and argument.unsigned() <= before
    if kind == INVALID_AFTER:
        return after is not None and after <= argument.unsigned()
    needed = {ALL: len(clauses), ANY: 1, AT_LEAST: argument.value}[kind]
    for clause in clauses:
        if needed <= 0:
            return True
        needed -= _holds(clause, signers, before, after)
    return bool(needed <= 0)


def native_script_json(code: bytes) -> dict[str, Any]:
    """Ogmios' `Script<Native>`."""
    return _json(cbor.read(code))


def _json(item: Item) -> dict[str, Any]:
    kind, argument, clauses = _parts(item)
    if kind == SIGNATURE:
        return {"clause": "signature", "from": argument.bytes().hex()}
    if kind == INVALID_BEFORE:
        return {"clause": "after", "slot": argument.unsigned()}
    if kind == INVALID_AFTER:
        return {"clause": "before", "slot": argument.unsigned()}
    inner = []
    for clause in clauses:
        inner.append(_json(clause))
    if kind == AT_LEAST:
        return {"clause": "some", "atLeast": argument.integer(), "from": inner}
    return {"clause": "all" if kind == ALL else "any", "from": inner}


def _parts(item: Item) -> tuple[int, Item, tuple[Item, ...]]:
    """(kind, its own argument, the clauses inside)."""
    parts = item.array()
    kind = parts[0].unsigned() if parts else -1
    if kind in (ALL, ANY) and len(parts) == 2:
        return kind, parts[1], parts[1].array()
    if kind == AT_LEAST and len(parts) == 3:
        return kind, parts[1], parts[2].array()
    if kind in (SIGNATURE, INVALID_BEFORE, INVALID_AFTER) and len(parts) == 2:
        return kind, parts[1], ()
    raise InvalidEncoding(f"not a native script at byte {item.start}")
