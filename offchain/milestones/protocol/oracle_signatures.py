"""The form of what oracles hand in.

All oracles of a milestone sign the same bytes, `signed_data` (see `statements`). Two forms of a signature
count: a raw Ed25519 signature over them, or a wallet's, made through CIP-30's `signData`: a COSE_Sign1 and
a COSE_Key (CIP-8, RFC 9052). Only the form is looked at here; whether a signature is genuine is decided by
the chain.

A wallet doesn't sign the payload but a `Sig_structure` around it. The contract takes the structure's
bytes up to the payload as the signature's prefix. It accepts just one form: `84`, `6a "Signature1"`,
`58 LL` and LL bytes of protected header, `40`, and the shortest head of the payload's length. Whatever
can't have this form is refused here, with the reason.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from milestones.cardano import cbor
from milestones.cardano.address import Address, key_credential
from milestones.cardano.cbor import Item
from milestones.cardano.hashes import blake2b_224
from milestones.domain.models import OracleSignature
from milestones.domain.posix_time import to_posix_seconds
from milestones.errors import InvalidAddress, InvalidEncoding, InvalidSignature
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import MilestoneStatement, NoticeStatement, parse_statement

KEY_LENGTH: Final = 32
SIGNATURE_LENGTH: Final = 64
COSE_SIGN1_TAG: Final = 18
SIGNATURE1: Final = b"\x84\x6aSignature1"
EDDSA: Final = -8
OKP: Final = 1
ED25519: Final = 6
SHORTEST_HEADER: Final = 24
LONGEST_HEADER: Final = 255
"""The header's length stands in exactly one byte after `58`."""
WALLET_ANSWERS: Final = (("signature", "key"), ("COSE_Sign1_hex", "COSE_Key_hex"))
"""What COSE_Sign1 and COSE_Key are called by CIP-30's `signData` and by cardano-signer."""
LEDGER_BYTES: Final = 99
"""What isn't text and is longer than this, a Ledger hashes before it signs. Source: app-cardano, signMsg.h."""
WHAT_HELPS: Final = (
    "a Ledger can sign a milestone with a short name and no evidence hash; a Trezor, a wallet without a"
    " device and a key file sign all"
)


def signers_limit(signed_data: bytes) -> str | None:
    """Why a Ledger can't sign these bytes, and what helps; None where it can."""
    if len(signed_data) <= LEDGER_BYTES:
        return None
    return (
        f"a Ledger signs at most {LEDGER_BYTES} bytes that are not text, and these are"
        f" {len(signed_data)}: it would sign their hash, which the contract can't see through;"
        f" {WHAT_HELPS}"
    )


def witness_of(entry: OracleSignature) -> OracleWitness:
    """What the chain needs of an entry of `signatures.json`, once its form was checked.

    Raises `InvalidSignature` with the field's path: wrong lengths, a key that isn't the oracle's or is
    missing, a `signed_data` that is no statement, a COSE pair that the contract would not accept.
    """
    witness = witness_if_complete(entry)
    if witness is None:
        raise _refusal(
            "verification_key",
            "this field is missing",
            "give the oracle's verification key (32 bytes), or cose_sign1 and cose_key from a wallet",
        )
    return witness


def witness_if_complete(entry: OracleSignature) -> OracleWitness | None:
    """As `witness_of`; None for an entry of the right form that lacks its `verification_key`.

    A signature can be handed in without its key, which can be found later: the contract needs both.
    """
    parse_statement(entry.signed_data)
    if entry.oracle_address.payment.kind != "key":
        raise _refusal("oracle_address", "a script can't sign")
    if entry.cose_sign1 is not None or entry.cose_key is not None:
        witness = _cose_witness(entry)
    elif entry.verification_key is None:
        _signature_of(entry)
        return None
    else:
        witness = _raw_witness(entry.verification_key, _signature_of(entry))
    if blake2b_224(witness.verification_key) != entry.oracle:
        raise _refusal(
            "verification_key" if entry.cose_key is None else "cose_key",
            "this is not the payment key of oracle_address",
            "sign with the payment key of the address that the schedule lists"
            " (in a wallet: not with the reward address)",
        )
    return witness


def with_key(entry: OracleSignature, keys: Mapping[bytes, bytes]) -> OracleSignature:
    """The entry with its oracle's verification key, where it lacks one and `keys` has it.

    `keys` are of 32 bytes, by their hash of 28.
    """
    known = keys.get(entry.oracle)
    if known is None or entry.verification_key is not None or entry.cose_key is not None:
        return entry
    return entry.model_copy(update={"verification_key": known})


def entry_of(
    witness: OracleWitness, statement: MilestoneStatement, network_id: int
) -> OracleSignature:
    """The entry of `signatures.json` that `witness_of` makes this witness from.

    Of the oracle's address nothing is known but the key. `signature_timestamp`, which isn't signed, is
    the moment that the statement names. Raises `InvalidSignature` for a prefix of another form.
    """
    key, signature, signed_data = witness.verification_key, witness.signature, statement.signed_data
    known = {
        "oracle_address": Address(network_id, key_credential(blake2b_224(key))),
        "signature": signature,
        "signed_data": signed_data,
        "signature_timestamp": to_posix_seconds(statement.verification_posix_ms),
        "verification_key": key,
    }
    if witness.prefix:
        cose_sign1, cose_key = cose_pair(key, signature, signed_data, witness.prefix)
        known |= {"cose_sign1": cose_sign1, "cose_key": cose_key}
    return OracleSignature.model_validate(known)


def entry_of_wallet_answer(raw: Any) -> OracleSignature | None:
    """The entry that a wallet's whole answer amounts to; None for JSON that is no such answer.

    `raw` has the names of one of `WALLET_ANSWERS` and no other but `address`. Everything that an entry
    has is in it: the oracle's address is in the protected header, the payload is what was signed. As in
    `entry_of`, `signature_timestamp` is the moment that the statement names; 0 where it names none. Raises
    `InvalidSignature`, whose path is a name of the answer.
    """
    names = raw.keys() - {"$schema", "address"} if isinstance(raw, dict) else frozenset()
    for sign1_name, key_name in WALLET_ANSWERS:
        if names == {sign1_name, key_name}:
            cose_sign1, cose_key = _hexadecimal(raw, sign1_name), _hexadecimal(raw, key_name)
            try:
                return _entry_of_cose_pair(cose_sign1, cose_key)
            except InvalidSignature as error:
                path = {"cose_sign1": sign1_name, "cose_key": key_name}.get(error.path, sign1_name)
                raise InvalidSignature(error.reason, path=path, hint=error.hint) from None
    return None


def _hexadecimal(answer: dict[str, Any], name: str) -> bytes:
    value = answer[name]
    try:
        return binascii.unhexlify(value.strip())
    except (AttributeError, ValueError):
        raise _refusal(
            name,
            "this is not hexadecimal, as a wallet's answer is",
            f"hand in what the wallet returned: {', '.join(answer)}",
        ) from None


def _entry_of_cose_pair(cose_sign1: bytes, cose_key: bytes) -> OracleSignature:
    cose = open_cose_pair(cose_sign1, cose_key)
    statement = parse_statement(cose.payload)
    match statement:
        case MilestoneStatement():
            moment_posix_ms = statement.verification_posix_ms
        case NoticeStatement():
            moment_posix_ms = statement.said_at_posix_ms
        case _:
            moment_posix_ms = 0
    entry = OracleSignature(
        oracle_address=_address_in(cose.protected),
        signature=cose.signature,
        signed_data=cose.payload,
        signature_timestamp=to_posix_seconds(moment_posix_ms),
        verification_key=cose.verification_key,
        cose_sign1=cose_sign1,
        cose_key=cose_key,
    )
    witness_of(entry)
    return entry


def _address_in(protected: bytes) -> Address:
    """The address in the protected header, which CIP-30 demands there."""
    hint = "sign with the payment address that the schedule lists, not with the reward address"
    for label, value in cbor.read(protected).entries():
        if label.kind == cbor.TEXT and label.value == "address":
            try:
                return Address.from_bytes(value.bytes())
            except (InvalidAddress, InvalidEncoding) as error:
                raise _refusal("cose_sign1", f"its address: {error.reason}", hint) from None
    raise _refusal("cose_sign1", "it names no address", hint)


def _signature_of(entry: OracleSignature) -> bytes:
    if entry.signature is None:
        raise _refusal("signature", "this field is missing")
    _must_have_length(entry.signature)
    return entry.signature


def _must_have_length(signature: bytes) -> None:
    if len(signature) != SIGNATURE_LENGTH:
        raise _refusal(
            "signature", f"a signature has {SIGNATURE_LENGTH} bytes, not {len(signature)}"
        )


def _raw_witness(key: bytes, signature: bytes) -> OracleWitness:
    if len(key) != KEY_LENGTH:
        raise _refusal("verification_key", f"a key has {KEY_LENGTH} bytes, not {len(key)}")
    return OracleWitness(key, signature)


def _cose_witness(entry: OracleSignature) -> OracleWitness:
    for field in ("cose_sign1", "cose_key"):
        if getattr(entry, field) is None:
            raise _refusal(field, "this field is missing", "a wallet returns both together")
    cose = open_cose_pair(entry.cose_sign1 or b"", entry.cose_key or b"")
    if cose.payload != entry.signed_data:
        raise _refusal("cose_sign1", "the wallet signed something else than signed_data")
    if entry.signature not in (None, cose.signature):
        raise _refusal("signature", "this is not the signature inside cose_sign1")
    if entry.verification_key not in (None, cose.verification_key):
        raise _refusal("verification_key", "this is not the key inside cose_key")
    _must_have_length(cose.signature)
    return OracleWitness(cose.verification_key, cose.signature, cose.prefix)


def _refusal(path: str, message: str, hint: str = "") -> InvalidSignature:
    return InvalidSignature(message, path=path, hint=hint)


@dataclass(frozen=True, slots=True)
class CoseSignature:
    """The parts of a wallet's answer: key (32 bytes), signature, payload, and the contract's prefix.

    `protected` is the header that the wallet signed, a CBOR map.
    """

    verification_key: bytes
    signature: bytes
    payload: bytes
    prefix: bytes
    protected: bytes


def open_cose_pair(cose_sign1: bytes, cose_key: bytes) -> CoseSignature:
    """Takes both apart. Raises `InvalidSignature`, which says what the contract would not accept."""
    try:
        key = _key(cbor.read(cose_key))
    except InvalidEncoding as error:
        raise _refusal("cose_key", f"not a COSE_Key: {error.reason}") from None
    try:
        parts = cbor.read(cose_sign1).untagged(COSE_SIGN1_TAG).array()
        if len(parts) != 4:
            raise InvalidEncoding(f"four elements are expected, not {len(parts)}")
        protected, signature = parts[0].bytes(), parts[3].bytes()
        _must_be_plain(parts[1], parts[2])
        _must_be_eddsa(protected)
        payload = parts[2].bytes()
    except InvalidEncoding as error:
        raise _refusal("cose_sign1", f"not a COSE_Sign1: {error.reason}") from None
    prefix = signature_prefix(protected, len(payload))
    return CoseSignature(key, signature, payload, prefix, protected)


def signature_prefix(protected: bytes, payload_length: int) -> bytes:
    """The bytes of the `Sig_structure` before its payload. Raises `InvalidSignature` for a bad header."""
    if not SHORTEST_HEADER <= len(protected) <= LONGEST_HEADER:
        raise _refusal(
            "cose_sign1",
            f"the protected header has {len(protected)} bytes; the contract reads"
            f" {SHORTEST_HEADER} to {LONGEST_HEADER}",
            "sign through a wallet that puts its address in the header, as CIP-30 demands,"
            " or hand in a raw signature",
        )
    header = b"\x58" + bytes((len(protected),)) + protected
    return SIGNATURE1 + header + b"\x40" + cbor.head(cbor.BYTES, payload_length)


def cose_pair(
    verification_key: bytes, signature: bytes, payload: bytes, prefix: bytes
) -> tuple[bytes, bytes]:
    """(COSE_Sign1, COSE_Key) of a signature as the contract took it: the inverse of `open_cose_pair`.

    Raises `InvalidSignature` for a prefix that the contract does not accept.
    """
    start = len(SIGNATURE1) + 2
    protected = prefix[start : start + prefix[start - 1]] if len(prefix) > start else b""
    if signature_prefix(protected, len(payload)) != prefix:
        raise _refusal("cose_sign1", "not the beginning of a Sig_structure with this payload")
    parts = (cbor.encode_bytes(protected), b"\xa0", cbor.encode_bytes(payload))
    cose_sign1 = b"\x84" + b"".join(parts) + cbor.encode_bytes(signature)
    # {1: 1 (OKP), 3: -8 (EdDSA), -1: 6 (Ed25519), -2: the key}
    cose_key = b"\xa4\x01\x01\x03\x27\x20\x06\x21" + cbor.encode_bytes(verification_key)
    return cose_sign1, cose_key


def _key(item: Item) -> bytes:
    labels = _integer_labels(item.entries())
    expected = ((1, OKP, "kty"), (3, EDDSA, "alg"), (-1, ED25519, "crv"))
    for label, value, name in expected:
        found = labels.get(label)
        if found is None and name == "alg":
            continue
        if found is None or found.kind not in (cbor.UINT, cbor.NINT) or found.value != value:
            raise InvalidEncoding(f"{name} is not {value}: only Ed25519 keys count")
    if -2 not in labels:
        raise InvalidEncoding("the key itself (label -2) is missing")
    return labels[-2].bytes(32)


def _must_be_plain(unprotected: Item, payload: Item) -> None:
    for label, value in unprotected.entries():
        if label.kind == cbor.TEXT and label.value == "hashed" and value.value is not False:
            raise _refusal(
                "cose_sign1",
                "the wallet signed a hash of the payload, which the contract can't see through",
                f"hardware wallets do that, a Ledger from {LEDGER_BYTES + 1} bytes on; {WHAT_HELPS}",
            )
    if payload.is_null():
        raise _refusal("cose_sign1", "the payload is not inside", "ask the wallet to attach it")


def _must_be_eddsa(protected: bytes) -> None:
    labels = _integer_labels(cbor.read(protected).entries())
    if 1 in labels and labels[1].integer() != EDDSA:
        raise InvalidEncoding("the algorithm is not EdDSA")


def _integer_labels(entries: Iterable[tuple[Item, Item]]) -> dict[int, Item]:
    return {
        label.integer(): value for label, value in entries if label.kind in (cbor.UINT, cbor.NINT)
    }
