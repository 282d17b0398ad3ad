"""Whether hardware wallets can sign a transaction: the rules of CIP-21, and what `cardano-hw-cli` adds.

A device never sees a transaction's bytes. It is given the body's fields, encodes them canonically, and
signs the hash of that. A body in any other encoding has another id, and the signature is worthless.
Sources: CIP-21; vacuumlabs/cardano-hw-interop-lib 3.0.2, `validateTx`; RFC 7049, 3.9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from milestones.cardano import cbor, encoding
from milestones.cardano.cbor import Item
from milestones.cardano.encoding import SET_TAG
from milestones.errors import InvalidEncoding

Stops = Literal["device", "cardano_hw_cli"]
"""Whom a fault stops: every device; or only the tool, which wants witnesses and metadata canonical too."""

MOST_ELEMENTS: Final = 65_535
INT64_MIN, INT64_MAX, UINT64_MAX = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1
_BODY_FIELDS: Final = {
    0: "inputs",
    1: "outputs",
    2: "fee",
    3: "valid_until_slot",
    4: "certificates",
    5: "withdrawals",
    6: "update",
    7: "auxiliary_data_hash",
    8: "valid_from_slot",
    9: "mint",
    11: "script_data_hash",
    13: "collateral",
    14: "required_signers",
    15: "network_id",
    16: "collateral_return",
    17: "total_collateral",
    18: "reference_inputs",
    19: "votes",
    20: "proposals",
    21: "treasury",
    22: "donation",
}
_SETS: Final = (0, 4, 13, 14, 18)
_UNSIGNED: Final = (2, 3, 8, 15, 17, 21, 22)
_NOT_SHOWN: Final = (6, 20)
_CERTIFICATES_NOT_SHOWN: Final = (5, 6, 10, 11, 12, 13)
"""Two of Shelley's that are gone, and Conway's that do two or three things at once."""
_POOL_REGISTRATION: Final = 3
_BESIDE_NO_POOL: Final = (5, 9, 11, 13, 14, 16, 17, 18, 19, 21, 22)


@dataclass(frozen=True, slots=True)
class HardwareFault:
    """What stops a signature by a device, where, and whom it stops."""

    path: str
    reason: str
    stops: Stops = "device"


def hardware_faults(transaction_cbor: bytes) -> tuple[HardwareFault, ...]:
    """All that stands between a transaction and a device's signature; none if it can be signed as it is.

    Raises `InvalidEncoding` for what is no transaction.
    """
    transaction = cbor.read(transaction_cbor)
    parts = transaction.array()
    if len(parts) != 4:
        raise InvalidEncoding("a transaction has four parts: body, witnesses, validity, metadata")
    body, witnesses, _, auxiliary = parts
    faults = list(_not_canonical(body, "body"))
    faults += _body_faults(body)
    for item, path in ((witnesses, "witnesses"), (auxiliary, "metadata")):
        faults += (
            HardwareFault(fault.path, fault.reason, "cardano_hw_cli")
            for fault in _not_canonical(item, path)
        )
    return tuple(faults)


def body_alone(transaction_cbor: bytes) -> bytes:
    """The transaction with an empty witness set and without metadata: the same body, so the same id.

    Devices sign bodies. What stops `cardano-hw-cli` in witnesses or metadata is not in it, and the
    signature it gives is one of the whole transaction.
    """
    body = cbor.read(transaction_cbor).array()[0]
    return encoding.array((body.raw, b"\xa0", b"\xf5", b"\xf6"))


def _not_canonical(root: Item, path: str) -> Iterator[HardwareFault]:
    """Whatever RFC 7049, 3.9 would write otherwise, once for each item that is to blame."""
    # A list of what is still to do, not recursion: data may be nested deeply.
    waiting = [(root, path)]
    while waiting:
        item, at = waiting.pop()
        if item.indefinite:
            what = "a byte string in chunks" if item.kind == cbor.BYTES else "of indefinite length"
            yield HardwareFault(at, f"{what}, which no canonical encoding has")
        elif not item.source.startswith(_shortest_head(item), item.start):
            yield HardwareFault(at, "its head is longer than it must be")
        if item.kind == cbor.MAP:
            keys = [key.raw for key, _ in item.pairs()]
            if keys != sorted(set(keys), key=lambda key: (len(key), key)):
                yield HardwareFault(at, "keys are not in order, by length and then by bytes")
            for key, value in item.pairs():
                waiting += ((key, at), (value, f"{at}.{_name(key, at)}"))
        elif item.kind == cbor.ARRAY:
            waiting += ((each, f"{at}[{place}]") for place, each in enumerate(item.array()))
        elif item.kind == cbor.TAG:
            waiting.append((item.value, at))


def _shortest_head(item: Item) -> bytes:
    value = item.value
    match item.kind:
        case cbor.UINT:
            return cbor.head(cbor.UINT, value)
        case cbor.NINT:
            return cbor.head(cbor.NINT, -1 - value)
        case cbor.TEXT:
            return cbor.head(cbor.TEXT, len(value.encode()))
        case cbor.TAG:
            return cbor.head(cbor.TAG, item.tag)
        case cbor.SIMPLE:
            return b""
    return cbor.head(item.kind, len(value))


def _name(key: Item, at: str) -> str:
    if key.kind == cbor.UINT:
        number = key.unsigned()
        return _BODY_FIELDS.get(number, str(number)) if at == "body" else str(number)
    return key.raw.hex()[:80]


def _body_faults(body: Item) -> Iterator[HardwareFault]:
    fields = {key.unsigned(): value for key, value in body.pairs()}
    yield from _field_faults(fields)
    outputs = fields[1].array() if 1 in fields else ()
    for place, output in enumerate(outputs):
        yield from _output_faults(output, f"body.outputs[{place}]")
    if 16 in fields:
        yield from _output_faults(fields[16], "body.collateral_return", plain=True)
    if 9 in fields:
        yield from _assets_faults(fields[9], "body.mint")
    if 19 in fields:
        yield from _vote_faults(fields[19])
    if 4 in fields:
        yield from _certificate_faults(fields)


def _field_faults(fields: Mapping[int, Item]) -> Iterator[HardwareFault]:
    for number, item in fields.items():
        path = f"body.{_BODY_FIELDS.get(number, number)}"
        if number in _NOT_SHOWN or number not in _BODY_FIELDS:
            yield HardwareFault(path, "devices don't know this field")
        elif number in _UNSIGNED and item.kind != cbor.UINT:
            yield HardwareFault(path, "not an unsigned integer of 64 bits")
        elif number in _SETS or number in {1, 5, 9}:
            yield from _size_faults(item.untagged(SET_TAG), path, optional=number > 1)
    if 15 in fields:
        yield HardwareFault("body.network_id", "wallets leave it out, and sign another id")
    if len({fields[number].kind for number in _SETS if number in fields}) > 1:
        yield HardwareFault("body", "some sets have tag 258, and others don't")


def _size_faults(item: Item, path: str, *, optional: bool = True) -> Iterator[HardwareFault]:
    count = len(item.pairs() if item.kind == cbor.MAP else item.array())
    if count == 0 and optional:
        yield HardwareFault(path, "an empty list or map must be left out")
    if count > MOST_ELEMENTS:
        yield HardwareFault(path, f"{count} elements, where devices take {MOST_ELEMENTS}")


def _output_faults(output: Item, path: str, *, plain: bool = False) -> Iterator[HardwareFault]:
    fields = _output_fields(output)
    if 1 in fields and fields[1].kind == cbor.ARRAY:
        value = fields[1].array()
        if len(value) != 2 or not value[1].pairs():
            yield HardwareFault(f"{path}.amount", "a value without tokens must be a plain number")
        else:
            yield from _assets_faults(value[1], f"{path}.amount")
    if plain and fields.keys() - {0, 1}:
        yield HardwareFault(path, "a collateral return has no datum and no script")
    if 2 in fields and output.kind == cbor.MAP:
        kind, *rest = fields[2].array()
        if kind.unsigned() == 1 and rest and not rest[0].untagged(24).bytes():
            yield HardwareFault(f"{path}.datum", "an inline datum is not empty")
    if 3 in fields and not fields[3].untagged(24).bytes():
        yield HardwareFault(f"{path}.script", "a reference script is not empty")


def _output_fields(output: Item) -> Mapping[int, Item]:
    if output.kind == cbor.MAP:
        return {key.unsigned(): value for key, value in output.pairs()}
    return dict(enumerate(output.array()))


def _assets_faults(assets: Item, path: str) -> Iterator[HardwareFault]:
    for policy, names in assets.pairs():
        yield from _size_faults(names, f"{path}.{policy.bytes().hex()}")
        for name, quantity in names.pairs():
            least, most = (INT64_MIN, INT64_MAX) if path == "body.mint" else (0, UINT64_MAX)
            if quantity.kind == cbor.TAG or not least <= quantity.integer() <= most:
                where = f"{path}.{policy.bytes().hex()}.{name.bytes().hex()}"
                yield HardwareFault(where, f"a quantity is from {least} to {most}")


def _vote_faults(votes: Item) -> Iterator[HardwareFault]:
    voters = votes.pairs()
    if len(voters) != 1 or len(voters[0][1].pairs()) != 1:
        yield HardwareFault("body.votes", "devices sign one vote of one voter")


def _certificate_faults(fields: Mapping[int, Item]) -> Iterator[HardwareFault]:
    certificates = fields[4].untagged(SET_TAG).array()
    kinds = [part.unsigned() for each in certificates for part in each.array()[:1]]
    for place, kind in enumerate(kinds):
        if kind in _CERTIFICATES_NOT_SHOWN:
            yield HardwareFault(f"body.certificates[{place}]", "devices don't know this kind")
    if _POOL_REGISTRATION in kinds and (len(kinds) > 1 or _any(_BESIDE_NO_POOL, fields)):
        yield HardwareFault("body.certificates", "a pool's registration must stand alone")


def _any(numbers: Iterable[int], fields: Mapping[int, Item]) -> bool:
    return any(number in fields for number in numbers)
