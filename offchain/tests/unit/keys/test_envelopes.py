"""Text envelopes are cardano-cli's to the byte, and all that it and others write is read."""

from __future__ import annotations

import json

import pytest

from milestones.cardano.transaction import KeyWitness
from milestones.errors import InvalidInput
from milestones.keys.envelopes import (
    read_signatures,
    read_transaction,
    transaction_envelope,
    witness_envelope,
)

BODY = bytes.fromhex(f"a300d9010281825820{bytes(32).hex()}00018002" + "1a00029810")
UNSIGNED = b"\x84" + BODY + b"\xa0\xf5\xf6"
WITNESS = KeyWitness(bytes(range(32)), bytes(range(64)))
PAIR = "825820" + bytes(range(32)).hex() + "5840" + bytes(range(64)).hex()
BOOTSTRAP = "84" + PAIR[2:] + "5820" + "00" * 32 + "41a0"


def test_what_is_written_is_cardano_clis_to_the_byte() -> None:
    assert transaction_envelope(UNSIGNED) == (
        '{\n    "type": "Tx ConwayEra",\n    "description": "Ledger Cddl Format",\n'
        f'    "cborHex": "{UNSIGNED.hex()}"\n}}\n'
    )
    assert witness_envelope(WITNESS) == (
        '{\n    "type": "TxWitness ConwayEra",\n    "description": "Key Witness ShelleyEra",\n'
        f'    "cborHex": "{PAIR}"\n}}\n'
    )


def envelope(kind: object, code: object, **more: object) -> bytes:
    return json.dumps({**more, "cborHex": code, "description": "", "type": kind}).encode()


@pytest.mark.parametrize(
    "content",
    [
        envelope("Tx ConwayEra", UNSIGNED.hex()),
        envelope("Unwitnessed Tx ConwayEra", UNSIGNED.hex()),
        envelope("Witnessed Tx ConwayEra", UNSIGNED.hex().upper(), other=1),
        b"\xef\xbb\xbf" + envelope("Tx ConwayEra", UNSIGNED.hex()),
        UNSIGNED.hex().encode() + b"\r\n",
        f'"{UNSIGNED.hex()}"'.encode(),
        UNSIGNED,
    ],
)
def test_transactions_in_all_their_forms(content: bytes) -> None:
    assert read_transaction(content, "file").raw == UNSIGNED


@pytest.mark.parametrize(
    "content",
    [
        envelope("TxWitness ConwayEra", PAIR),
        envelope("TxWitness ConwayEra", "8200" + PAIR),  # cardano-hw-cli, and cardano-cli before
        f"a10081{PAIR}".encode(),  # a wallet's signTx
        f'"a100d9010281{PAIR}"'.encode(),
        bytes.fromhex(f"84{BODY.hex()}a10081{PAIR}f5f6"),
    ],
)
def test_signatures_in_all_their_forms(content: bytes) -> None:
    assert read_signatures(content, "file").keys == (WITNESS,)


@pytest.mark.parametrize("code", [BOOTSTRAP, "8201" + BOOTSTRAP])
def test_a_byron_addresss_witness(code: str) -> None:
    found = read_signatures(envelope("TxWitness ConwayEra", code), "file")
    assert (found.keys, [raw.hex() for raw in found.bootstraps]) == ((), [BOOTSTRAP])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no transaction and no signature"),
        (b"{", "not JSON"),
        (b"{}", "without `type`"),
        (envelope("Tx BabbageEra", UNSIGNED.hex()), "'Tx BabbageEra', which is not read"),
        (envelope("Tx ConwayEra", "zz"), "not hexadecimal"),
        (envelope("Tx ConwayEra", 5), "no text `cborHex`"),
        (envelope("Tx ConwayEra", ""), "no transaction and no signature"),
        (envelope("PaymentSigningKeyShelley_ed25519", "5820" + "07" * 32), "a key's file"),
        (envelope("PaymentHWSigningFileShelley_ed25519", ""), "a key's file"),
        (bytes.fromhex("820000"), "no transaction and no signature"),
        (b"\xa1\x00\x81\x82\x40\x40", "expected 32 bytes"),
        (b"\x84\x80\xa0\xf5\xf6", "no transaction and no signature"),
        (b"\x84\xa0\xa0\xf5\xf6", "inputs, outputs and a fee"),
        (b"a" * (1 << 21), "over 1048576 bytes"),
        (PAIR.encode(), "and no transaction"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_by_name(content: bytes, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint) as caught:
        read_transaction(content, "file.json")
    assert caught.value.path == "file.json"
    assert caught.value.hint
    assert "07" * 32 not in str(caught.value.to_json())
