"""Phrases give the keys that software wallets have; what is wrong with one is said without its words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mnemonic import Mnemonic
from nacl.signing import VerifyKey
from pycardano import ExtendedSigningKey, HDWallet

from milestones.errors import InvalidInput, InvalidKeyFile
from milestones.keys.key_files import EXTENDED, STAKE_EXTENDED
from milestones.keys.phrases import DerivationPath, Phrase

WORDS = "test walk nut penalty hip pave soap entry language right filter choice"
"""A public test vector (CIP-19). Three libraries agree on its hashes."""
CIP_3 = "eight country switch draw meat scout mystery blade tip drift useless good keep usage title"
"""CIP-0003/Icarus.md."""


def at(path: str) -> DerivationPath:
    return DerivationPath.parse(path)


def test_the_vector_that_three_libraries_agree_on() -> None:
    phrase = Phrase.parse(WORDS)
    payment, stake = phrase.key(at("m/1852'/1815'/0'/0/0")), phrase.key(at("m/1852H/1815H/0H/2/0"))
    assert payment.key_hash.hex() == "9493315cd92eb5d8c4304e67b7e16ae36d61d34502694657811a2c8e"
    assert stake.key_hash.hex() == "32c728d3861e164cab28cb8f006448139c8f1740ffb8e7aa9e5232dc"
    assert (payment.kind, stake.kind) == (EXTENDED, STAKE_EXTENDED)


@pytest.mark.parametrize(
    ("passphrase", "root"),
    [
        ("", "c065afd2832cd8b087c4d9ab7011f481ee1e0721e78ea5dd609f3ab3f156d245"
             "d176bd8fd4ec60b4731c3918a2a72a0226c0cd119ec35b47e4d55884667f552a"
             "23f7fdcd4a10c6cd2c7393ac61d877873e248f417634aa3d812af327ffe9d620"),
        ("foo", "70531039904019351e1afb361cd1b312a4d0565d4ff9f8062d38acf4b15cce41"
                "d7b5738d9c893feea55512a3004acb0d222c35d3e3d5cde943a15a9824cbac59"
                "443cf67e589614076ba01e354b1a432e0e6db3b59e37fc56b5fb0222970a010e"),
    ],
)  # fmt: skip
def test_cip_3s_own_vectors(passphrase: str, root: str) -> None:
    assert Phrase.parse(CIP_3, passphrase)._root.hex() == root


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([128, 160, 192, 224, 256]),
    st.integers(0, (1 << 31) - 1),
    st.sampled_from([0, 1, 2]),
    st.integers(0, (1 << 31) - 1),
    st.binary(max_size=80),
)
def test_any_phrase_and_path_agrees_with_pycardano(
    strength: int, account: int, role: int, index: int, message: bytes
) -> None:
    words = Mnemonic("english").generate(strength)
    path = f"m/1852'/1815'/{account}'/{role}/{index}"
    theirs = ExtendedSigningKey.from_hdwallet(HDWallet.from_mnemonic(words).derive_from_path(path))
    key = Phrase.parse(f" {words.upper()}\n").key(at(path))
    assert key.verification_key == theirs.payload[64:96]
    assert key.sign(message) == theirs.sign(message)
    VerifyKey(key.verification_key).verify(message, key.sign(message))


def test_addresses_are_those_that_wallets_show() -> None:
    """CIP-19's vectors."""
    phrase = Phrase.parse(WORDS)
    tail = (
        "2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3jcu5d8ps7zex2k2xt3uqxgjqnnj83ws8lhrn648jjxtw"
    )
    assert phrase.address(at("m/1852'/1815'/0'/0/0"), 1) == f"addr1qx{tail}qfjkjv7"
    assert phrase.address(at("m/1852'/1815'/0'/0/0"), 0) == f"addr_test1qz{tail}q2ytjqp"
    assert phrase.address(at("m/1852'/1815'/0'/2/0"), 0).startswith("stake_test1u")


SECRET = "zebra"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has 12, 15, 18, 21 or 24 words, not 0"),
        (f"{SECRET} {SECRET}", "not 2"),
        (WORDS.replace("walk", "walkk").replace("soap", "saop"), "number 2, 7"),
        (" ".join(reversed(WORDS.split())), "checksum is wrong"),
        (f"{SECRET} " * 12, "checksum is wrong"),
    ],
)
def test_what_is_wrong_is_said_without_the_words(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "words"
    file.write_text(text)
    with pytest.raises(InvalidKeyFile, match=complaint) as caught:
        Phrase.load(file)
    said = str(caught.value.to_json())
    assert str(file) in said
    assert not any(f"{word} " in said or f"{word}'" in said for word in ("walkk", "saop", SECRET))


def test_no_text_shows_the_root() -> None:
    phrase = Phrase.parse(WORDS)
    shown = f"{phrase!r} {phrase}"
    assert phrase._root.hex()[:16] not in shown
    assert repr(phrase._root)[2:20] not in shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m/1852'/1815'/0'/0",
        "m/44'/1815'/0'/0/0",
        "m/1852'/1815'/0'/3/0",
        "m/1852/1815/0/0/0",
        f"m/1852'/1815'/{1 << 31}'/0/0",
        f"m/1852'/1815'/0'/0/{1 << 31}",
    ],
)
def test_a_path_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not the path of a key"):
        at(text)


def test_a_path_is_written_as_it_is_read() -> None:
    assert str(at("m/1854H/1815h/7'/1/19")) == "m/1854'/1815'/7'/1/19"
