"""Whole transactions, read from their bytes: what the body says, and what the witness set holds.

For whoever shows, signs, merges or sends what somebody else has built. All legal encodings are read, and no
byte is changed: ids and hashes are those of what was given. Source: Conway CDDL, `transaction`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from milestones.cardano import base58, bech32, cbor, encoding, native_script
from milestones.cardano.address import Address, StakeAddress
from milestones.cardano.cbor import Item, encode_bytes
from milestones.cardano.certificates import (
    Certificate,
    decode_certificates,
    decode_withdrawals,
)
from milestones.cardano.encoding import EMBEDDED_CBOR_TAG, LANGUAGE_TAGS, SET_TAG
from milestones.cardano.hashes import blake2b_224, blake2b_256
from milestones.cardano.outputs import (
    OutputReference,
    Script,
    ScriptLanguage,
    TransactionId,
    TransactionOutput,
)
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer, RedeemerPurpose
from milestones.cardano.value import AssetId, Value
from milestones.errors import InvalidAddress, InvalidEncoding

AUXILIARY_DATA_TAG: Final = 259
_PURPOSES: Final[tuple[RedeemerPurpose, ...]] = (
    "spend",
    "mint",
    "publish",
    "withdraw",
    "vote",
    "propose",
)
_SCRIPT_FIELDS: Final[dict[int, ScriptLanguage]] = {
    1: "native",
    3: "plutus:v1",
    6: "plutus:v2",
    7: "plutus:v3",
}
_LANGUAGES: Final[dict[int, ScriptLanguage]] = {tag: name for name, tag in LANGUAGE_TAGS.items()}
_OTHER_FIELDS: Final = {
    6: "update",
    19: "votes",
    20: "proposals",
    21: "treasury",
    22: "donation",
}


class KeyWitness(NamedTuple):
    """A key (32 bytes) and its Ed25519 signature (64 bytes) of a transaction's id."""

    verification_key: bytes
    signature: bytes

    @property
    def key_hash(self) -> bytes:
        """28 bytes: what addresses, native scripts and required signers name."""
        return blake2b_224(self.verification_key)

    def encoded(self) -> bytes:
        """As a witness set has it."""
        return encoding.array((encode_bytes(self.verification_key), encode_bytes(self.signature)))


@dataclass(frozen=True, slots=True)
class RedeemerEntry:
    """A script's argument (CBOR of Plutus Data), and the units it is declared to use."""

    data: bytes
    units: ExecutionUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionBody:
    """What a transaction does. Amounts are lovelace, times slots; hashes have 32 or 28 bytes.

    Inputs, collateral and reference inputs are sorted, as redeemers count them. From `valid_until_slot` on
    it is void; None: never. Withdrawals are lovelace, in the ledger's order. `other` names the fields of
    governance that are there.
    """

    inputs: tuple[OutputReference, ...]
    outputs: tuple[TransactionOutput, ...]
    fee_lovelace: int
    valid_from_slot: int | None = None
    valid_until_slot: int | None = None
    mint: Value = field(default_factory=Value)
    certificates: tuple[Certificate, ...] = ()
    withdrawals: Mapping[StakeAddress, int] = field(default_factory=dict)
    collateral: tuple[OutputReference, ...] = ()
    collateral_return: TransactionOutput | None = None
    total_collateral_lovelace: int | None = None
    required_signers: tuple[bytes, ...] = ()
    reference_inputs: tuple[OutputReference, ...] = ()
    network_id: int | None = None
    auxiliary_data_hash: bytes | None = None
    script_data_hash: bytes | None = None
    other: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessSet:
    """Signatures, scripts, datums by hash, and redeemers. `bootstraps` are of Byron addresses, as CBOR."""

    keys: tuple[KeyWitness, ...] = ()
    bootstraps: tuple[bytes, ...] = ()
    scripts: tuple[Script, ...] = ()
    datums: Mapping[bytes, bytes]
    redeemers: Mapping[RedeemerPointer, RedeemerEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction and its bytes. `metadata` is CBOR by label; `is_valid` what it claims of its scripts."""

    raw: bytes
    id: TransactionId
    body: TransactionBody
    witnesses: WitnessSet
    is_valid: bool
    metadata: Mapping[int, bytes]

    @classmethod
    def read(cls, raw: bytes) -> Transaction:
        """Raises `InvalidEncoding` for what is no transaction."""
        body, witnesses, validity, auxiliary = _parts(raw)
        if validity.kind != cbor.SIMPLE or validity.tag not in (20, 21):
            raise InvalidEncoding("a transaction says whether its scripts pass, true or false")
        return cls(
            raw=raw,
            id=TransactionId(blake2b_256(body.raw)),
            body=_body(body),
            witnesses=read_witness_set(witnesses.raw),
            is_valid=bool(validity.value),
            metadata=_metadata(auxiliary),
        )

    def with_witnesses(
        self, keys: Iterable[KeyWitness], bootstraps: Iterable[bytes] = ()
    ) -> Transaction:
        """The same with just these signatures; every other byte stays as it is."""
        body, witnesses, validity, auxiliary = _parts(self.raw)
        fields = {key.raw: value.raw for key, value in witnesses.pairs()}
        for name, items in (
            (b"\x00", [key.encoded() for key in sorted(set(keys))]),
            (b"\x02", sorted(set(bootstraps))),
        ):
            fields.pop(name, None)
            if items:
                fields[name] = encoding.tagged_set(items)
        parts = (body.raw, encoding.mapping(fields.items()), validity.raw, auxiliary.raw)
        return Transaction.read(encoding.array(parts))


def _parts(raw: bytes) -> tuple[Item, ...]:
    parts = cbor.read(raw).array()
    if len(parts) != 4:
        raise InvalidEncoding("a transaction has a body, witnesses, validity and metadata")
    return parts


def read_witness_set(raw: bytes) -> WitnessSet:
    """A witness set on its own, as CIP-30's `signTx` answers. Raises `InvalidEncoding`."""
    fields = {key.unsigned(): value for key, value in cbor.read(raw).entries()}
    if unknown := fields.keys() - set(range(8)):
        raise InvalidEncoding(f"a witness set has no field {min(unknown)}")
    scripts = [
        _script(language, each)
        for number, language in _SCRIPT_FIELDS.items()
        for each in _set(fields, number)
    ]
    return WitnessSet(
        keys=tuple(key_witness(each) for each in _set(fields, 0)),
        bootstraps=tuple(_bootstrap(each) for each in _set(fields, 2)),
        scripts=tuple(scripts),
        datums={blake2b_256(each.raw): each.raw for each in _set(fields, 4)},
        redeemers=_redeemers(fields[5]) if 5 in fields else {},
    )


def key_witness(item: Item) -> KeyWitness:
    """A key and its signature: an array of 32 and 64 bytes. Raises `InvalidEncoding`."""
    key, signature = _tuple(item, 2, "a key's witness")
    return KeyWitness(key.bytes(32), signature.bytes(64))


def _bootstrap(item: Item) -> bytes:
    key, signature, _, _ = _tuple(item, 4, "a bootstrap witness")
    key.bytes(32)
    signature.bytes(64)
    return item.raw


def _set(fields: Mapping[int, Item], number: int) -> tuple[Item, ...]:
    return fields[number].untagged(SET_TAG).array() if number in fields else ()


def _tuple(item: Item, length: int, what: str) -> tuple[Item, ...]:
    parts = item.array()
    if len(parts) != length:
        raise InvalidEncoding(f"{what} has {length} parts, not {len(parts)}, at byte {item.start}")
    return parts


def _redeemers(item: Item) -> dict[RedeemerPointer, RedeemerEntry]:
    """Both forms: Alonzo's array, and Conway's map."""
    if item.kind == cbor.ARRAY:
        found = [_tuple(each, 4, "a redeemer") for each in item.array()]
    else:
        found = [
            (*_tuple(key, 2, "a redeemer's key"), *_tuple(value, 2, "a redeemer"))
            for key, value in item.pairs()
        ]
    return dict(_redeemer(*parts) for parts in found)


def _redeemer(
    tag: Item, index: Item, data: Item, units: Item
) -> tuple[RedeemerPointer, RedeemerEntry]:
    memory, cpu = _tuple(units, 2, "a script's execution units")
    if tag.unsigned() >= len(_PURPOSES):
        raise InvalidEncoding(f"a redeemer's purpose {tag.unsigned()} is not known")
    pointer = RedeemerPointer(_PURPOSES[tag.unsigned()], index.unsigned())
    return pointer, RedeemerEntry(data.raw, ExecutionUnits(memory.unsigned(), cpu.unsigned()))


# -- the body


def _body(item: Item) -> TransactionBody:
    found: dict[str, Any] = {}
    other = []
    for key, value in item.entries():
        number = key.unsigned()
        if number in _OTHER_FIELDS:
            other.append(_OTHER_FIELDS[number])
        elif number in _FIELDS:
            name, read = _FIELDS[number]
            found[name] = read(value)
        else:
            raise InvalidEncoding(f"a transaction has no field {number}")
    if not found.keys() >= {"inputs", "outputs", "fee_lovelace"}:
        raise InvalidEncoding("a transaction has inputs, outputs and a fee")
    return TransactionBody(other=tuple(other), **found)


def _references(item: Item) -> tuple[OutputReference, ...]:
    found = []
    for each in item.untagged(SET_TAG).array():
        transaction_id, index = _tuple(each, 2, "an input")
        found.append(OutputReference(transaction_id.bytes(32), index.unsigned()))
    return tuple(sorted(found))


def _outputs(item: Item) -> tuple[TransactionOutput, ...]:
    return tuple(output_from_item(each) for each in item.array())


def output_from_item(item: Item) -> TransactionOutput:
    """An output in either of its forms. Raises `InvalidEncoding`."""
    if item.kind == cbor.ARRAY:
        fields = dict(enumerate(item.array()))
        if not {0, 1} <= fields.keys() <= {0, 1, 2}:
            raise InvalidEncoding(f"an output of {len(fields)} parts at byte {item.start}")
        datum_hash = fields[2].bytes(32) if 2 in fields else None
        return TransactionOutput(address_text(fields[0].bytes()), value_of(fields[1]), datum_hash)
    fields = {key.unsigned(): value for key, value in item.entries()}
    if not {0, 1} <= fields.keys() <= {0, 1, 2, 3}:
        raise InvalidEncoding(f"an output without address or value at byte {item.start}")
    datum_hash, inline = _datum(fields[2]) if 2 in fields else (None, None)
    script = _reference_script(fields[3]) if 3 in fields else None
    return TransactionOutput(
        address=address_text(fields[0].bytes()),
        value=value_of(fields[1]),
        datum_hash=datum_hash,
        inline_datum=inline,
        script_hash=None if script is None else script.hash(),
        script=script,
    )


def _datum(item: Item) -> tuple[bytes | None, bytes | None]:
    kind, content = _tuple(item, 2, "a datum")
    if kind.unsigned() == 0:
        return content.bytes(32), None
    if kind.unsigned() == 1 and content.kind == cbor.TAG and content.tag == EMBEDDED_CBOR_TAG:
        return None, content.untagged(EMBEDDED_CBOR_TAG).bytes()
    raise InvalidEncoding(f"not a datum at byte {item.start}")


def _reference_script(item: Item) -> Script:
    language, code = _tuple(cbor.read(item.untagged(EMBEDDED_CBOR_TAG).bytes()), 2, "a script")
    if language.unsigned() not in _LANGUAGES:
        raise InvalidEncoding(f"a script's language {language.unsigned()} is not known")
    return _script(_LANGUAGES[language.unsigned()], code)


def _script(language: ScriptLanguage, code: Item) -> Script:
    """A script in the bytes that it is hashed by; a native one is read, so that it can be relied upon."""
    if language != "native":
        return Script(language, code.bytes())
    native_script.from_cbor(code.raw)
    return Script("native", code.raw)


def value_of(item: Item) -> Value:
    """An output's value. Raises `InvalidEncoding`."""
    if item.kind == cbor.UINT:
        return Value(item.unsigned())
    lovelace, assets = _tuple(item, 2, "a value")
    return Value(lovelace.unsigned(), _assets(assets))


def _assets(item: Item) -> dict[AssetId, int]:
    return {
        AssetId(policy.bytes(28), name.bytes()): quantity.integer()
        for policy, names in item.entries()
        for name, quantity in names.entries()
    }


def _mint(item: Item) -> Value:
    return Value(0, _assets(item))


def _key_hashes(item: Item) -> tuple[bytes, ...]:
    return tuple(sorted({each.bytes(28) for each in item.untagged(SET_TAG).array()}))


def _hash(item: Item) -> bytes:
    return item.bytes(32)


_FIELDS: Final[dict[int, tuple[str, Callable[[Item], Any]]]] = {
    0: ("inputs", _references),
    1: ("outputs", _outputs),
    2: ("fee_lovelace", Item.unsigned),
    3: ("valid_until_slot", Item.unsigned),
    4: ("certificates", decode_certificates),
    5: ("withdrawals", decode_withdrawals),
    7: ("auxiliary_data_hash", _hash),
    8: ("valid_from_slot", Item.unsigned),
    9: ("mint", _mint),
    11: ("script_data_hash", _hash),
    13: ("collateral", _references),
    14: ("required_signers", _key_hashes),
    15: ("network_id", Item.unsigned),
    16: ("collateral_return", output_from_item),
    17: ("total_collateral_lovelace", Item.unsigned),
    18: ("reference_inputs", _references),
}


def address_text(raw: bytes) -> str:
    """An address of any kind as people write it: Bech32, or Base58 for Byron's."""
    try:
        return Address.from_bytes(raw).to_bech32()
    except InvalidAddress:
        pass
    if raw and raw[0] >> 4 == 8:
        return base58.encode(raw)
    return bech32.encode("addr" if raw and raw[0] & 15 == 1 else "addr_test", raw)


def network_id_of_address(text: str) -> int | None:
    """The network that an address names: 1 is mainnet; None where it doesn't say."""
    return {"addr1": 1, "addr_": 0}.get(text[:5])


def _metadata(item: Item) -> dict[int, bytes]:
    """Labels and their CBOR, out of any of the three forms of auxiliary data."""
    if item.is_null():
        return {}
    if item.kind == cbor.ARRAY:
        item = _tuple(item, 2, "auxiliary data")[0]
    elif item.kind == cbor.TAG:
        fields = {k.unsigned(): v for k, v in item.untagged(AUXILIARY_DATA_TAG).entries()}
        if 0 not in fields:
            return {}
        item = fields[0]
    return {label.unsigned(): value.raw for label, value in item.entries()}
