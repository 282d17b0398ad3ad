"""Wallet signatures: made here as CIP-30 describes them, opened by us, verified over our prefix."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_224
from milestones.errors import InvalidSignature
from milestones.protocol.oracle_signatures import open_cose_pair, signature_prefix

KEY = SigningKey(b"w" * 32)
PUBLIC = bytes(KEY.verify_key)
ADDRESS = Address(0, key_credential(blake2b_224(PUBLIC)), key_credential(b"s" * 28)).to_bytes()
PROTECTED: dict[Any, Any] = {1: -8, "address": ADDRESS}
COSE_KEY: dict[Any, Any] = {1: 1, 3: -8, -1: 6, -2: PUBLIC}
PAYLOAD = b"what oracles say " * 9


def wallet(
    payload: bytes = PAYLOAD,
    protected: dict[Any, Any] | None = None,
    unprotected: dict[Any, Any] | None = None,
) -> list[Any]:
    """The four elements of a COSE_Sign1, signed as RFC 9052 says."""
    header = cbor2.dumps(PROTECTED if protected is None else protected)
    structure = cbor2.dumps(["Signature1", header, b"", payload])
    signature = KEY.sign(structure).signature
    return [header, {"hashed": False} if unprotected is None else unprotected, payload, signature]


@pytest.mark.parametrize("payload", [b"p" * 23, b"p" * 24, b"p" * 255, b"p" * 256, PAYLOAD])
def test_what_the_wallet_signed_is_the_prefix_and_the_payload(payload: bytes) -> None:
    opened = open_cose_pair(cbor2.dumps(wallet(payload)), cbor2.dumps(COSE_KEY))
    assert (opened.payload, opened.verification_key) == (payload, PUBLIC)
    VerifyKey(opened.verification_key).verify(opened.prefix + payload, opened.signature)
    with pytest.raises(BadSignatureError):
        VerifyKey(opened.verification_key).verify(opened.prefix + payload + b".", opened.signature)


def test_the_prefix_has_just_the_form_that_the_contract_reads() -> None:
    header = b"h" * 44
    prefix = signature_prefix(header, 117)
    assert prefix.hex() == f"846a{b'Signature1'.hex()}582c{header.hex()}405875"


@pytest.mark.parametrize(
    ("length", "allowed"), [(23, False), (24, True), (255, True), (256, False)]
)
def test_the_header_has_a_length_of_one_byte(length: int, allowed: bool) -> None:
    if allowed:
        assert signature_prefix(b"h" * length, 117)[13] == length
    else:
        with pytest.raises(InvalidSignature, match="protected header"):
            signature_prefix(b"h" * length, 117)


def test_a_tagged_structure_and_a_key_without_algorithm_are_read() -> None:
    tagged = cbor2.dumps(cbor2.CBORTag(18, wallet()))
    bare = {label: value for label, value in COSE_KEY.items() if label != 3}
    assert open_cose_pair(tagged, cbor2.dumps(bare)).payload == PAYLOAD


@pytest.mark.parametrize(
    ("sign1", "words"),
    [
        (wallet(unprotected={"hashed": True}), "hash of the payload"),
        ([*wallet()[:2], None, wallet()[3]], "payload is not inside"),
        (wallet(protected={1: -8}), "protected header has 3 bytes"),
        (wallet(protected={1: -8, "address": b"a" * 250}), "protected header has 26"),
        (wallet(protected={1: -7, "address": ADDRESS}), "not EdDSA"),
        (wallet()[:3], "four elements"),
        ({}, "expected array"),
        ([b"\xff", *wallet()[1:]], "not a COSE_Sign1"),
        ([b"", *wallet()[1:]], "not a COSE_Sign1"),
        ([*wallet()[:3], "text"], "expected bytes"),
    ],
)
def test_what_the_contract_would_not_accept_is_refused_with_the_reason(
    sign1: Any, words: str
) -> None:
    with pytest.raises(InvalidSignature, match=words) as caught:
        open_cose_pair(cbor2.dumps(sign1), cbor2.dumps(COSE_KEY))
    assert caught.value.path == "cose_sign1"


@pytest.mark.parametrize(
    "changes", [{1: 2}, {3: -7}, {-1: 4}, {-2: PUBLIC[:31]}, {-2: None}, {1: None}, {-1: "6"}]
)
def test_keys_that_are_not_ed25519_are_refused(changes: dict[int, Any]) -> None:
    key = {label: value for label, value in {**COSE_KEY, **changes}.items() if value is not None}
    with pytest.raises(InvalidSignature) as caught:
        open_cose_pair(cbor2.dumps(wallet()), cbor2.dumps(key))
    assert caught.value.path == "cose_key"


@pytest.mark.parametrize("junk", [b"", b"\xff", b"\x81" * 600, cbor2.dumps(COSE_KEY) + b"\0"])
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(InvalidSignature):
        open_cose_pair(cbor2.dumps(wallet()), junk)
    with pytest.raises(InvalidSignature):
        open_cose_pair(junk, cbor2.dumps(COSE_KEY))
