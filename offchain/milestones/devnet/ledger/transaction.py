"""Conway transactions, decoded in one pass; every hash is taken over the bytes as received.

Legal but unusual encodings (indefinite lengths, sets with or without tag 258, both forms of outputs
and redeemers) are read as what they mean. Source: Conway CDDL, `transaction` and `transaction_body`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference
from milestones.cardano.value import Value
from milestones.devnet.ledger.auxiliary_form import check_auxiliary_form
from milestones.devnet.ledger.failures import DecodingFailure
from milestones.devnet.ledger.outputs import Output, output_from_item
from milestones.devnet.ledger.values import decode_mint
from milestones.devnet.ledger.witnesses import (
    SET_TAG,
    Witnesses,
    set_elements,
    witnesses_from_item,
)
from milestones.errors import InvalidEncoding


@dataclass(frozen=True, slots=True)
class Body:
    """A transaction's body. Amounts are lovelace, times are slots.

    `inputs`, `collateral` and `reference_inputs` are sorted, as the ledger's sets are; `outputs` stand
    in their own order. `invalid_before` is the first slot in which the transaction may enter the
    chain, `invalid_after` the first in which it no longer may. `unsupported` names the fields that
    only the ledger's staking and governance rules could judge.
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
    """Reads a transaction. Raises `DecodingFailure`, which says why not and where."""
    try:
        return _transaction(cbor.read(raw))
    except InvalidEncoding as error:
        raise DecodingFailure(error.message) from None


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
        references.append(OutputReference(parts[0].bytes(32), parts[1].unsigned()))
    if len(set(references)) != len(references):
        raise InvalidEncoding(f"an input stands twice in the set at byte {item.start}")
    return tuple(sorted(references))


def _some_inputs(item: Item) -> tuple[OutputReference, ...]:
    set_elements(item, "inputs")
    return _inputs(item)


def _outputs(item: Item) -> tuple[Output, ...]:
    return tuple(output_from_item(each) for each in item.array())


def _signers(item: Item) -> tuple[bytes, ...]:
    hashes = [each.bytes(28) for each in set_elements(item, "required signers")]
    if len(set(hashes)) != len(hashes):
        raise InvalidEncoding(f"a required signer stands twice at byte {item.start}")
    return tuple(sorted(hashes))


def _network(item: Item) -> int:
    if item.unsigned() > 1:
        raise InvalidEncoding(f"network id {item.unsigned()} at byte {item.start}")
    return item.unsigned()


def _hash(item: Item) -> bytes:
    return item.bytes(32)


_FIELDS: Final[dict[int, tuple[str, Callable[[Item], Any]]]] = {
    0: ("inputs", _inputs),
    1: ("outputs", _outputs),
    2: ("fee", Item.unsigned),
    3: ("invalid_after", Item.unsigned),
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
    4: "certificates",
    5: "withdrawals",
    19: "votes",
    20: "proposals",
    21: "current treasury value",
    22: "treasury donation",
}
"""Fields whose rules this chain does not have: a transaction with one of them is refused."""
