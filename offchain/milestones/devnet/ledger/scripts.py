"""Scripts as they travel: in witness sets, in reference outputs, in auxiliary data; native ones in full.

Source: Conway CDDL, `script`, `script_ref` and `native_script`; Allegra's `evalTimelock`.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.outputs import Script, ScriptLanguage
from milestones.errors import InvalidEncoding

SIGNATURE: Final = 0
ALL: Final = 1
ANY: Final = 2
AT_LEAST: Final = 3
INVALID_BEFORE: Final = 4
INVALID_AFTER: Final = 5

INT64_MIN: Final = -(1 << 63)
INT64_MAX: Final = (1 << 63) - 1
"""Range of a signed number of 64 bits. Source: CDDL `int64`."""


def check_native_script(item: Item) -> None:
    """Raises `InvalidEncoding` unless `item` is a native script."""
    kind, argument, clauses = native_script_parts(item)
    if kind == SIGNATURE:
        argument.definite_bytes(28)
    elif kind == AT_LEAST:
        _check_at_least(argument)
    elif kind in (INVALID_BEFORE, INVALID_AFTER):
        argument.unsigned()
    for clause in clauses:
        check_native_script(clause)


def _check_at_least(item: Item) -> None:
    """The number wanted is a signed one of 64 bits; of none or less, everything agrees."""
    if not INT64_MIN <= item.integer() <= INT64_MAX:
        raise InvalidEncoding(f"a native script's number over 64 bits at byte {item.start}")


class _Everybody(frozenset[bytes]):
    def __contains__(self, key_hash: object) -> bool:
        return True


EVERYBODY: Final = _Everybody()
"""Signers among whom is every key: an impersonated script asks for none, and its time locks still hold."""


def native_script_holds(
    code: bytes, signers: AbstractSet[bytes], invalid_before: int | None, invalid_after: int | None
) -> bool:
    """Whether the script agrees. Ledger rule: `evalTimelock`.

    `signers` are the key hashes whose signatures the transaction carries. A time lock compares with
    the transaction's validity interval, never with the clock: an open end proves nothing.
    """
    return _holds(cbor.read(code), signers, invalid_before, invalid_after)


def _holds(item: Item, signers: AbstractSet[bytes], before: int | None, after: int | None) -> bool:
    kind, argument, clauses = native_script_parts(item)
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


def native_script_parts(item: Item) -> tuple[int, Item, tuple[Item, ...]]:
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


LANGUAGES: Final[tuple[ScriptLanguage, ...]] = ("native", "plutus:v1", "plutus:v2", "plutus:v3")
"""A script's language by its tag on the wire."""

LANGUAGE_NUMBERS: Final[Mapping[str, int]] = {"plutus:v1": 0, "plutus:v2": 1, "plutus:v3": 2}
"""A Plutus language's number in cost models and language views."""


def decode_reference_script(item: Item) -> Script:
    """The script of an output: tag 24 around the bytes of `[language, script]`."""
    if item.tag != 24 or item.kind != cbor.TAG:
        raise InvalidEncoding(f"not a reference script at byte {item.start}")
    parts = cbor.read(item.value.definite_bytes()).array()
    language = parts[0].unsigned() if len(parts) == 2 else -1
    if not 0 <= language < len(LANGUAGES):
        raise InvalidEncoding(f"not a script of a known language at byte {item.start}")
    return native_script(parts[1]) if language == 0 else plutus_script(language, parts[1])


def native_script(item: Item) -> Script:
    """A native script; its bytes are those it was received in."""
    check_native_script(item)
    return Script("native", item.raw)


def plutus_script(language: int, item: Item) -> Script:
    """A Plutus script of version `language` (1 to 3). Whether it is well-formed is a rule's business."""
    return Script(LANGUAGES[language], item.definite_bytes())
