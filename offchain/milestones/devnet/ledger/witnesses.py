"""The witness set: signatures, scripts, datums, redeemers.

Source: Conway CDDL, `transaction_witness_set`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer, RedeemerPurpose
from milestones.devnet.ledger.plutus_data import check_plutus_data
from milestones.devnet.ledger.scripts import native_script, plutus_script
from milestones.errors import InvalidEncoding

PURPOSES: Final[tuple[RedeemerPurpose, ...]] = (
    "spend",
    "mint",
    "publish",
    "withdraw",
    "vote",
    "propose",
)
"""A redeemer's purpose by its tag on the wire."""

SET_TAG: Final = 258
"""The tag that marks an array as a set; optional in this era."""

PLUTUS_FIELDS: Final = {3: 1, 6: 2, 7: 3}
"""Fields of the witness set that hold Plutus scripts, and their version."""


@dataclass(frozen=True, slots=True)
class VerificationKeyWitness:
    """A signature over the transaction's id: key 32 bytes, signature 64 bytes."""

    key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Redeemer:
    """What a script is told: its argument's CBOR, and the units it declares."""

    pointer: RedeemerPointer
    data: bytes
    units: ExecutionUnits


@dataclass(frozen=True, slots=True)
class Witnesses:
    """A decoded witness set.

    `datums` are by hash, their CBOR as received. `datums_raw` and `redeemers_raw` are the fields'
    bytes as received, over which the script integrity hash is taken; None where the field is absent.
    """

    raw: bytes
    keys: tuple[VerificationKeyWitness, ...] = ()
    bootstraps: int = 0
    scripts: Mapping[bytes, Script] = field(default_factory=dict)
    datums: Mapping[bytes, bytes] = field(default_factory=dict)
    datums_raw: bytes | None = None
    redeemers: tuple[Redeemer, ...] = ()
    redeemers_raw: bytes | None = None


def witnesses_from_item(item: Item) -> Witnesses:
    """A witness set out of a transaction that is being read. Raises `InvalidEncoding`."""
    fields = {key.unsigned(): value for key, value in item.entries()}
    if unknown := fields.keys() - set(range(8)):
        raise InvalidEncoding(f"unknown witness fields {sorted(unknown)}")
    scripts = [native_script(each) for each in _elements(fields, 1)]
    for number, version in PLUTUS_FIELDS.items():
        scripts += [plutus_script(version, each) for each in _elements(fields, number)]
    return Witnesses(
        raw=item.raw,
        keys=tuple(dict.fromkeys(_key_witness(each) for each in _elements(fields, 0))),
        bootstraps=len(_elements(fields, 2)),
        scripts={script.hash(): script for script in scripts},
        datums={blake2b_256(each.raw): each.raw for each in _datums(fields)},
        datums_raw=fields[4].raw if 4 in fields else None,
        redeemers=_redeemers(fields[5]) if 5 in fields else (),
        redeemers_raw=fields[5].raw if 5 in fields else None,
    )


def set_elements(item: Item, what: str) -> tuple[Item, ...]:
    """The elements of a non-empty set, tagged or not."""
    elements = item.untagged(SET_TAG).array()
    if not elements:
        raise InvalidEncoding(f"an empty set of {what} at byte {item.start}")
    return elements


def _elements(fields: Mapping[int, Item], number: int) -> tuple[Item, ...]:
    return set_elements(fields[number], "witnesses") if number in fields else ()


def _datums(fields: Mapping[int, Item]) -> tuple[Item, ...]:
    datums = _elements(fields, 4)
    for datum in datums:
        check_plutus_data(datum)
    return datums


def _key_witness(item: Item) -> VerificationKeyWitness:
    parts = item.array()
    if len(parts) != 2:
        raise InvalidEncoding(f"not a key witness at byte {item.start}")
    return VerificationKeyWitness(parts[0].bytes(32), parts[1].bytes(64))


def _redeemers(item: Item) -> tuple[Redeemer, ...]:
    """Both forms: the array of Alonzo and the map of Conway."""
    found = _redeemer_list(item) if item.kind == cbor.ARRAY else _redeemer_map(item)
    if not found or len({redeemer.pointer for redeemer in found}) != len(found):
        raise InvalidEncoding(f"no redeemer, or one that stands twice, at byte {item.start}")
    return tuple(sorted(found, key=_order))


def _order(redeemer: Redeemer) -> tuple[int, int]:
    return PURPOSES.index(redeemer.pointer.purpose), redeemer.pointer.index


def _redeemer_list(item: Item) -> list[Redeemer]:
    found = []
    for entry in item.array():
        parts = entry.array()
        if len(parts) != 4:
            raise InvalidEncoding(f"not a redeemer at byte {entry.start}")
        found.append(_redeemer(parts[0], parts[1], parts[2], parts[3]))
    return found


def _redeemer_map(item: Item) -> list[Redeemer]:
    found = []
    for key, value in item.entries():
        pointer, content = key.array(), value.array()
        if len(pointer) != 2 or len(content) != 2:
            raise InvalidEncoding(f"not a redeemer at byte {key.start}")
        found.append(_redeemer(*pointer, *content))
    return found


def _redeemer(tag: Item, index: Item, data: Item, units: Item) -> Redeemer:
    purpose, position, budget = tag.unsigned(), index.unsigned(), units.array()
    if purpose >= len(PURPOSES) or position >= 1 << 32 or len(budget) != 2:
        raise InvalidEncoding(f"not a redeemer at byte {tag.start}")
    check_plutus_data(data)
    memory, cpu = budget[0].unsigned(), budget[1].unsigned()
    if max(memory, cpu) >= 1 << 63:
        raise InvalidEncoding(f"execution units over 63 bits at byte {units.start}")
    return Redeemer(
        RedeemerPointer(PURPOSES[purpose], position), data.raw, ExecutionUnits(memory, cpu)
    )
