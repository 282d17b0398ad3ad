"""Key files: what is read, what is refused and how it is said, and that secrets stay secret."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import VerifyKey
from pycardano import ExtendedSigningKey, HDWallet, PaymentSigningKey, PaymentVerificationKey
from pycardano.address import Address as OtherAddress
from pycardano.network import Network

from milestones.errors import InvalidKeyFile
from milestones.keys.key_files import (
    EXTENDED,
    GENESIS,
    PAYMENT,
    STAKE,
    SigningKey,
    read_verification_key,
)

MNEMONIC = "test walk nut penalty hip pave soap entry language right filter choice"
"""The words of a public test vector (CIP-19)."""


def envelope(tmp_path: Path, kind: object, code: object) -> Path:
    path = tmp_path / "payment.skey"
    path.write_text(json.dumps({"type": kind, "description": "", "cborHex": code}))
    return path


def test_agrees_with_pycardano_on_key_hash_address_and_signature(tmp_path: Path) -> None:
    theirs = PaymentSigningKey.generate()
    theirs.save(str(tmp_path / "their.skey"))
    key = SigningKey.load(tmp_path / "their.skey")
    public = PaymentVerificationKey.from_signing_key(theirs)
    assert key.verification_key == public.payload
    assert key.key_hash == public.hash().payload
    assert str(key.address(0)) == str(OtherAddress(public.hash(), network=Network.TESTNET))
    assert str(key.address(1)) == str(OtherAddress(public.hash(), network=Network.MAINNET))
    assert key.sign(b"message") == theirs.sign(b"message")


def test_an_extended_key_signs_what_its_verification_key_verifies(tmp_path: Path) -> None:
    wallet = HDWallet.from_mnemonic(MNEMONIC).derive_from_path("m/1852'/1815'/0'/0/0")
    secret = ExtendedSigningKey.from_hdwallet(wallet).payload
    path = envelope(tmp_path, EXTENDED, "5880" + secret.hex())
    key = SigningKey.load(path)
    VerifyKey(key.verification_key).verify(b"message", key.sign(b"message"))
    assert key.verification_key == secret[64:96]


@given(st.text("abcdefgh", max_size=8), st.integers(0, (1 << 31) - 1), st.binary(max_size=80))
def test_an_extended_key_signs_as_pycardano_does(
    passphrase: str, index: int, message: bytes
) -> None:
    root = HDWallet.from_mnemonic(MNEMONIC, passphrase=passphrase)
    theirs = ExtendedSigningKey.from_hdwallet(root.derive_from_path(f"m/1852'/1815'/0'/0/{index}"))
    key = SigningKey.from_bytes(theirs.payload, EXTENDED)
    assert key.sign(message) == theirs.sign(message)
    VerifyKey(key.verification_key).verify(message, key.sign(message))


def test_an_extended_key_with_a_foreign_verification_key_is_refused(tmp_path: Path) -> None:
    wallet = HDWallet.from_mnemonic(MNEMONIC).derive_from_path("m/1852'/1815'/0'/0/0")
    secret = ExtendedSigningKey.from_hdwallet(wallet).payload
    wrong = secret[:64] + bytes(32) + secret[96:]
    with pytest.raises(InvalidKeyFile, match="does not belong to the secret"):
        SigningKey.load(envelope(tmp_path, EXTENDED, "5880" + wrong.hex()))


@pytest.mark.parametrize("kind", [PAYMENT, GENESIS])
def test_both_kinds_of_plain_key_are_read(tmp_path: Path, kind: str) -> None:
    path = envelope(tmp_path, kind, "5820" + bytes(range(32)).hex())
    key = SigningKey.load(path)
    VerifyKey(key.verification_key).verify(b"message", key.sign(b"message"))


@pytest.mark.parametrize(
    ("kind", "code", "complaint"),
    [
        ("PaymentVerificationKeyShelley_ed25519", "5820" + "00" * 32, "verification key"),
        ("StakeSigningKeyShelley_ed25519", "5820" + "00" * 32, "a stake key, which can't pay"),
        ("DRepSigningKey_ed25519", "5820" + "00" * 32, "not a signing key of payment or stake"),
        ("PaymentHWSigningFileShelley_ed25519", "5840" + "00" * 64, "in the device"),
        (PAYMENT, "581f" + "00" * 31, "has 32 bytes, not 31"),
        (EXTENDED, "5820" + "00" * 32, "has 128 bytes, not 32"),
        (PAYMENT, "582000", "not one CBOR byte string"),
        (PAYMENT, "5820" + "00" * 33, "not one CBOR byte string"),
        (PAYMENT, "8100", "not one CBOR byte string"),
        (PAYMENT, "zz", "not one CBOR byte string"),
        (PAYMENT, 5, "no text `type` and `cborHex`"),
        (None, "5820" + "00" * 32, "no text `type` and `cborHex`"),
    ],
)
def test_a_defective_envelope_is_refused_by_name(
    tmp_path: Path, kind: object, code: object, complaint: str
) -> None:
    path = envelope(tmp_path, kind, code)
    with pytest.raises(InvalidKeyFile, match=complaint) as caught:
        SigningKey.load(path)
    assert caught.value.path == str(path)
    assert caught.value.hint
    assert "00" * 8 not in str(caught.value.to_json())


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xff\xfe\x00", "not UTF-8 text: it is in UTF-16"),
        (b"\xff\xfd", "not text in UTF-8"),
        (b"not json", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"[" * 100_000, "too large for a key"),
        (b"[]", "not a JSON object"),
        (b" \n", "is empty"),
        (b"-----BEGIN PGP MESSAGE-----\n", "encrypted with GPG"),
        (b"\x85\x02\x0c\x03", "encrypted with GPG"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", "encrypted with age"),
        (b"age-encryption.org/v1\n-> X25519 ", "encrypted with age"),
        (b"Salted__\x00\x01", "encrypted with OpenSSL"),
        (b'{"type": "x", "encrHex": "00"}', "encrypted inside its envelope"),
        (MNEMONIC.encode(), "a phrase of words"),
    ],
)
def test_a_file_that_is_no_envelope_is_refused(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "payment.skey"
    path.write_bytes(content)
    with pytest.raises(InvalidKeyFile, match=complaint):
        SigningKey.load(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeyFile, match="no such file"):
        SigningKey.load(tmp_path / "absent.skey")
    SigningKey.generate().save(tmp_path / "own.skey")
    if os.geteuid():
        (tmp_path / "own.skey").chmod(0)
        with pytest.raises(InvalidKeyFile, match="belongs to somebody else"):
            SigningKey.load(tmp_path / "own.skey")
    with pytest.raises(InvalidKeyFile, match="can't be read"):
        SigningKey.load(tmp_path)


def test_a_generated_key_is_saved_for_its_owner_alone_and_never_overwritten(
    tmp_path: Path,
) -> None:
    key, path = SigningKey.generate(), tmp_path / "new.skey"
    key.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKey.load(path).sign(b"message") == key.sign(b"message")
    assert PaymentSigningKey.load(str(path)).sign(b"message") == key.sign(b"message")
    before = path.read_bytes()
    with pytest.raises(InvalidKeyFile, match="already there"):
        SigningKey.generate().save(path)
    assert path.read_bytes() == before
    with pytest.raises(InvalidKeyFile, match="can't be written"):
        key.save(tmp_path / "absent" / "new.skey")


def test_a_key_that_every_user_can_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "new.skey"
    SigningKey.generate().save(path)
    assert not SigningKey.load(path).is_exposed
    path.chmod(0o644)
    assert SigningKey.load(path).is_exposed


def test_a_stake_key_signs_where_one_may(tmp_path: Path) -> None:
    path = envelope(tmp_path, STAKE, "5820" + bytes(range(32)).hex())
    key = SigningKey.load(path, may_stake=True)
    VerifyKey(key.verification_key).verify(b"message", key.sign(b"message"))
    assert str(key.stake_address(0)).startswith("stake_test1u")


def test_a_key_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """No room on the disk, in the place of which there is a limit on files' sizes."""
    program = f"""
import resource, signal
from pathlib import Path
from milestones.errors import InvalidKeyFile
from milestones.keys.key_files import SigningKey
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))
try:
    SigningKey.generate().save(Path({str(tmp_path)!r}) / "new.skey")
except InvalidKeyFile as error:
    print(error.message)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "can't be written: File too large" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_no_text_shows_the_secret() -> None:
    secret = bytes(range(1, 33))
    key = SigningKey.from_bytes(secret)
    for shown in (repr(key), str(key), f"{key}"):
        assert secret.hex() not in shown
        assert repr(secret) not in shown


def test_a_kind_that_cannot_pay_is_refused() -> None:
    with pytest.raises(InvalidKeyFile, match="can't sign here"):
        SigningKey.from_bytes(bytes(32), "VrfSigningKey_PraosVRF")


def test_building_transactions_loads_no_second_of_imports() -> None:
    rooms = "contract_drafts, signing, tx_builder"
    program = f"import sys; from milestones.transactions import {rooms}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "milestones.transactions.contract_drafts" in loaded.stdout.split()
    assert not {"pycardano", "cbor2"} & set(loaded.stdout.split())


def test_verification_keys_are_read_from_files_and_hexadecimal(tmp_path: Path) -> None:
    """An extended key's chain code is left out; a signing key is not asked for."""
    key = SigningKey.generate()
    raw = key.verification_key
    assert read_verification_key(raw.hex()) == raw
    plain = tmp_path / "oracle.vkey"
    for kind, content in (
        ("PaymentVerificationKeyShelley_ed25519", raw),
        ("PaymentExtendedVerificationKeyShelley_ed25519_bip32", raw + bytes(32)),
    ):
        plain.write_text(json.dumps({"type": kind, "cborHex": cbor2.dumps(content).hex()}))
        assert read_verification_key(str(plain)) == raw
    key.save(tmp_path / "oracle.skey")
    for wrong, words in (
        (tmp_path / "oracle.skey", "its owner's alone"),
        (tmp_path / "absent.vkey", "no such file"),
        ("zz" * 32, "no such file"),
    ):
        with pytest.raises(InvalidKeyFile, match=words):
            read_verification_key(str(wrong))
