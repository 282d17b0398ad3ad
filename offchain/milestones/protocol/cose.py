"""What a wallet returns from CIP-30's `signData`: a COSE_Sign1 and a COSE_Key (CIP-8, RFC 9052).

A wallet doesn't sign the payload but a `Sig_structure` around it. The contract takes the structure's
bytes up to the payload as the signature's prefix and accepts just one form, `84`, `6a "Signature1"`,
`58 LL` and LL bytes of protected header, `40`, and the shortest head of the payload's length. Whatever
can't have this form is refused here, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.errors import InvalidEncoding, InvalidSignature

COSE_SIGN1_TAG: Final = 18
SIGNATURE1: Final = b"\x84\x6aSignature1"
EDDSA: Final = -8
OKP: Final = 1
ED25519: Final = 6
SHORTEST_HEADER: Final = 24
LONGEST_HEADER: Final = 255
"""The header's length stands in exactly one byte after `58`."""


@dataclass(frozen=True, slots=True)
class CoseSignature:
    """The parts of a wallet's answer: key (32 bytes), signature, payload, and the contract's prefix."""

    verification_key: bytes
    signature: bytes
    payload: bytes
    prefix: bytes


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
    return CoseSignature(key, signature, payload, signature_prefix(protected, len(payload)))


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
                "use a wallet that signs the payload itself, or hand in a raw signature",
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


def _refusal(path: str, message: str, hint: str = "") -> InvalidSignature:
    return InvalidSignature(message, path=path, hint=hint)
