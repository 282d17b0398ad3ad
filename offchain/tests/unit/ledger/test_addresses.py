"""Addresses that the ledger can pay to, Byron's and pointers among them."""

from __future__ import annotations

import pytest

from milestones.cardano.address import Address, Credential
from milestones.devnet.ledger.addresses import decode_address
from milestones.errors import InvalidEncoding

BYRON = bytes.fromhex(
    "82d818582183581cba970ad36654d8dd8f74274b733452ddeab9a62a397746be3c42ccdda0001a9026da5b"
)


def test_a_byron_address() -> None:
    address = decode_address(BYRON)
    assert str(address) == "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi"
    assert (address.is_bootstrap, address.network_id, address.attributes_size) == (True, 1, 0)


def test_a_byron_address_with_a_wrong_checksum() -> None:
    with pytest.raises(InvalidEncoding, match="checksum"):
        decode_address(BYRON[:-1] + b"\x00")


def test_a_pointer_address() -> None:
    """CIP-19's own: slot 2498243, transaction 27, certificate 3."""
    raw = b"\x41" + bytes(28) + bytes.fromhex("8198bd431b03")
    address = decode_address(raw)
    assert address.staking == (2_498_243, 27, 3)
    for wrong in (raw[:-1], raw + b"\x00", raw[:-1] + b"\x83"):
        with pytest.raises(InvalidEncoding, match="three numbers"):
            decode_address(wrong)


@pytest.mark.parametrize("kind", ["key", "script"])
def test_shelley_addresses_are_the_vocabularys(kind: str) -> None:
    credential = Credential("script" if kind == "script" else "key", b"\x07" * 28)
    for staking in (None, credential):
        known = Address(0, credential, staking)
        address = decode_address(known.to_bytes())
        assert str(address) == known.to_bech32()
        assert (address.payment, address.staking) == (credential, staking)
        assert address.script_hash == (credential.hash if kind == "script" else None)
