"""Transactions and their witnesses, decoded in one pass; every hash is taken over the bytes as received.

Legal but unusual encodings (arrays and maps of indefinite length, sets with or without tag 258, both
forms of outputs and redeemers) are read as what they mean. Byte strings in chunks are legal in Plutus
Data and metadata only. Source: Conway CDDL, `transaction`, `transaction_body` and
`transaction_witness_set`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from milestones.cardano import cbor
from milestones.cardano.address import StakeAddress
from milestones.cardano.cbor import Item
from milestones.cardano.certificates import (
    Certificate,
    CommitteeAuthorization,
    CommitteeResignation,
    PoolRetirement,
    decode_certificates,
    decode_withdrawals,
)
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer, RedeemerPurpose
from milestones.cardano.value import Value
from milestones.devnet.ledger.auxiliary_data import check_auxiliary_form
from milestones.devnet.ledger.failures import DecodingFailure, TransactionRejected
from milestones.devnet.ledger.outputs import Output, decode_mint, output_from_item
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
    """A script's argument (CBOR), and the units that it is declared to use at most."""

    pointer: RedeemerPointer
    data: bytes
    units: ExecutionUnits


@dataclass(frozen=True, slots=True)
class Witnesses:
    """A decoded witness set.

    `bootstraps` counts the witnesses of Byron addresses. `datums` are by hash, their CBOR as received.
    `datums_raw` and `redeemers_raw` are the fields' bytes as received, over which the script integrity
    hash is taken; None where the field is absent.
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
        scripts += _plutus_scripts(version, _elements(fields, number))
    return Witnesses(
        raw=item.raw,
        keys=tuple(dict.fromkeys(_key_witness(each) for each in _elements(fields, 0))),
        bootstraps=_count_bootstraps(_elements(fields, 2)),
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


def _plutus_scripts(version: int, items: tuple[Item, ...]) -> list[Script]:
    """A field's scripts, none of them twice; native ones may be. Ledger: `scriptDecoderV9`."""
    scripts: dict[Script, None] = {}
    for item in items:
        script = plutus_script(version, item)
        if script in scripts:
            raise InvalidEncoding(f"a Plutus script stands twice, at byte {item.start}")
        scripts[script] = None
    return list(scripts)


def _datums(fields: Mapping[int, Item]) -> tuple[Item, ...]:
    datums = _elements(fields, 4)
    for datum in datums:
        check_plutus_data(datum)
    return datums


def _key_witness(item: Item) -> VerificationKeyWitness:
    parts = item.array()
    if len(parts) != 2:
        raise InvalidEncoding(f"not a key witness at byte {item.start}")
    return VerificationKeyWitness(parts[0].definite_bytes(32), parts[1].definite_bytes(64))


def _count_bootstraps(items: tuple[Item, ...]) -> int:
    """The number of bootstrap witnesses: each a key, a signature, a chain code and attributes.

    The last two are bytes of any length below protocol 12. Ledger: `BootstrapWitness`.
    """
    for item in items:
        parts = item.array()
        if len(parts) != 4:
            raise InvalidEncoding(f"not a bootstrap witness at byte {item.start}")
        for part, length in zip(parts, (32, 64, None, None), strict=True):
            part.definite_bytes(length)
    return len(items)


def _redeemers(item: Item) -> tuple[Redeemer, ...]:
    """Both forms: the array of Alonzo and the map of Conway.

    Of redeemers that stand twice, the last counts. Ledger: `decodeRedeemersWith`, over `Map.fromList`.
    """
    found = _redeemer_list(item) if item.kind == cbor.ARRAY else _redeemer_map(item)
    if not found:
        raise InvalidEncoding(f"no redeemer at byte {item.start}")
    last = {redeemer.pointer: redeemer for redeemer in found}
    return tuple(sorted(last.values(), key=_order))


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
    for key, value in item.pairs():
        pointer, content = key.array(), value.array()
        # The content is a tuple to the ledger (`decodeTuple`): of definite length below protocol 12.
        if len(pointer) != 2 or len(content) != 2 or value.indefinite:
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


@dataclass(frozen=True, slots=True)
class Body:
    """A transaction's body. Amounts are lovelace, times are slots.

    `inputs`, `collateral` and `reference_inputs` are sorted, as the ledger's sets are; `outputs` stand
    in their own order. `invalid_before` is the first slot in which the transaction may enter the
    chain, `invalid_after` the first in which it no longer may. Withdrawals are in the ledger's order.
    `unsupported` names what only governance rules could judge.
    """

    raw: bytes
    inputs: tuple[OutputReference, ...]
    outputs: tuple[Output, ...]
    fee: int
    invalid_before: int | None = None
    invalid_after: int | None = None
    mint: Value = field(default=Value())
    collateral: tuple[OutputReference, ...] = ()
    collateral_return: Output | None = None
    total_collateral: int | None = None
    reference_inputs: tuple[OutputReference, ...] = ()
    required_signers: tuple[bytes, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    withdrawals: Mapping[StakeAddress, int] = field(default_factory=dict)
    network_id: int | None = None
    auxiliary_data_hash: bytes | None = None
    script_integrity_hash: bytes | None = None
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction as it was received.

    `id` is blake2b_256 of the body's bytes. `is_valid` is what its sender claims about its scripts:
    where it is false, the collateral is taken. `auxiliary_data` is the CBOR of metadata and auxiliary
    scripts; None without.
    """

    id: bytes
    raw: bytes
    body: Body
    witnesses: Witnesses
    is_valid: bool
    auxiliary_data: bytes | None


def decode_transaction(raw: bytes) -> Transaction:
    """Reads a transaction. Raises `TransactionRejected` with a `DecodingFailure`, which says why not."""
    try:
        return _transaction(cbor.read(raw))
    except InvalidEncoding as error:
        raise TransactionRejected(DecodingFailure(error.message)) from None


def _transaction(item: Item) -> Transaction:
    parts = item.array()
    if len(parts) != 4:
        raise InvalidEncoding(f"a transaction has 4 parts, not {len(parts)}")
    body, witnesses, is_valid, auxiliary = parts
    if not auxiliary.is_null():
        check_auxiliary_form(auxiliary)
    if is_valid.kind != cbor.SIMPLE or is_valid.tag not in (20, 21):
        raise InvalidEncoding(f"expected true or false at byte {is_valid.start}")
    return Transaction(
        id=blake2b_256(body.raw),
        raw=item.raw,
        body=_body(body),
        witnesses=witnesses_from_item(witnesses),
        is_valid=bool(is_valid.value),
        auxiliary_data=None if auxiliary.is_null() else auxiliary.raw,
    )


def _body(item: Item) -> Body:
    found: dict[str, Any] = {}
    unsupported = []
    for key, value in item.entries():
        number = key.unsigned()
        if number in UNSUPPORTED_FIELDS:
            unsupported.append(UNSUPPORTED_FIELDS[number])
        elif number in _FIELDS:
            name, decode = _FIELDS[number]
            found[name] = decode(value)
        else:
            raise InvalidEncoding(f"unknown field {number} at byte {key.start}")
    certified = {type(each) for each in found.get("certificates", ())}
    unsupported += [name for kind, name in UNSUPPORTED_CERTIFICATES.items() if kind in certified]
    for name in ("inputs", "outputs", "fee"):
        if name not in found:
            raise InvalidEncoding(f"the transaction has no {name}")
    return Body(raw=item.raw, unsupported=tuple(unsupported), **found)


def _inputs(item: Item) -> tuple[OutputReference, ...]:
    references = []
    for element in item.untagged(SET_TAG).array():
        parts = element.array()
        if len(parts) != 2 or parts[1].unsigned() > 65535:
            raise InvalidEncoding(f"not an input at byte {element.start}")
        references.append(OutputReference(parts[0].definite_bytes(32), parts[1].unsigned()))
    if len(set(references)) != len(references):
        raise InvalidEncoding(f"an input stands twice in the set at byte {item.start}")
    return tuple(sorted(references))


def _some_inputs(item: Item) -> tuple[OutputReference, ...]:
    set_elements(item, "inputs")
    return _inputs(item)


def _outputs(item: Item) -> tuple[Output, ...]:
    return tuple(output_from_item(each) for each in item.array())


def _signers(item: Item) -> tuple[bytes, ...]:
    hashes = [each.definite_bytes(28) for each in set_elements(item, "required signers")]
    if len(set(hashes)) != len(hashes):
        raise InvalidEncoding(f"a required signer stands twice at byte {item.start}")
    return tuple(sorted(hashes))


def _network(item: Item) -> int:
    if item.unsigned() > 1:
        raise InvalidEncoding(f"network id {item.unsigned()} at byte {item.start}")
    return item.unsigned()


def _hash(item: Item) -> bytes:
    return item.definite_bytes(32)


_FIELDS: Final[dict[int, tuple[str, Callable[[Item], Any]]]] = {
    0: ("inputs", _inputs),
    1: ("outputs", _outputs),
    2: ("fee", Item.unsigned),
    3: ("invalid_after", Item.unsigned),
    4: ("certificates", decode_certificates),
    5: ("withdrawals", decode_withdrawals),
    7: ("auxiliary_data_hash", _hash),
    8: ("invalid_before", Item.unsigned),
    9: ("mint", decode_mint),
    11: ("script_integrity_hash", _hash),
    13: ("collateral", _some_inputs),
    14: ("required_signers", _signers),
    15: ("network_id", _network),
    16: ("collateral_return", output_from_item),
    17: ("total_collateral", Item.unsigned),
    18: ("reference_inputs", _some_inputs),
}
"""Fields of the body by their number on the wire: the attribute, and how it is read."""

UNSUPPORTED_FIELDS: Final = {
    19: "votes",
    20: "proposals",
    21: "current treasury value",
    22: "treasury donation",
}
"""Fields whose rules this chain does not have: a transaction with one of them is refused."""

UNSUPPORTED_CERTIFICATES: Final[Mapping[type[Certificate], str]] = {
    PoolRetirement: "pool retirement",
    CommitteeAuthorization: "committee certificates",
    CommitteeResignation: "the resignation of a committee's member",
}
"""Certificates whose rules this chain does not have."""
