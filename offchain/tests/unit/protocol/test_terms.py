"""The terms' exact bytes, and everything that the contract would not have let anybody open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from milestones.cardano.address import Address, Credential, key_credential, script_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.plutus_data import Constr
from milestones.cardano.value import AssetId
from milestones.errors import InvalidEncoding
from milestones.protocol.terms import Terms, TermsMetadata

NODE = b"d" * 28 + (7).to_bytes(8, "big")
TERMS = Terms(
    token=AssetId(b"p" * 28, b"TOKEN"),
    total_token_amount=14,
    page_depth=1,
    pages=(NODE, NODE),
    oracles=(b"a" * 28, b"b" * 28),
    quorum_threshold=2,
    creator=key_credential(b"c" * 28),
    reclaim_after_posix_ms=1735689600000,
    metadata=TermsMetadata(1735000000000, 42, "1.0.0", "x" * 65),
)


def test_every_byte_of_the_datum() -> None:
    node = "5824" + NODE.hex()
    metadata = (
        "d8799f" + "1b00000193f60f0600" + "182a" + "45" + b"1.0.0".hex()
        + "5f5840" + "78" * 64 + "4178ff" + "ff"
    )  # fmt: skip
    assert TERMS.encode().hex() == (
        "d8799f"
        + "581c" + b"p".hex() * 28
        + "45" + b"TOKEN".hex()
        + "0e" + "01"
        + "9f" + node + node + "ff"
        + "9f" + "581c" + b"a".hex() * 28 + "581c" + b"b".hex() * 28 + "ff"
        + "02"
        + "d8799f" + "581c" + b"c".hex() * 28 + "ff"
        + "d8799f" + "1b000001941f297c00" + "ff"
        + metadata
        + "ff"
    )  # fmt: skip


def test_the_id_is_the_hash_of_those_bytes_and_the_address_holds_it() -> None:
    assert TERMS.distribution_id == blake2b_224(TERMS.encode())
    address = TERMS.address(b"V" * 28)
    assert address == Address(
        0, script_credential(b"V" * 28), Credential("key", TERMS.distribution_id)
    )
    mainnet = replace(TERMS, metadata=replace(TERMS.metadata, network_magic=764824073))
    assert mainnet.address(b"V" * 28).to_bech32().startswith("addr1z")


@pytest.mark.parametrize(
    "changes",
    [
        {"reclaim_after_posix_ms": None},
        {"creator": script_credential(b"s" * 28)},
        {"token": AssetId(b"", b"")},
        {"token": AssetId(b"p" * 28, b"")},
    ],
)
def test_variants_come_back(changes: dict[str, Any]) -> None:
    terms = replace(TERMS, **changes)
    assert Terms.decode(terms.encode()) == terms


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token": AssetId(b"p" * 27, b"")}, "token_policy_id"),
        ({"token": AssetId(b"p" * 28, b"n" * 33)}, "token_name"),
        ({"token": AssetId(b"", b"n")}, "lovelace a token name"),
        ({"total_token_amount": 13}, "not the sum"),
        ({"page_depth": 15}, "page_depth"),
        ({"page_depth": -1}, "page_depth"),
        ({"pages": (), "total_token_amount": 0}, "total_token_amount"),
        ({"pages": (NODE, NODE[:-1])}, "a page"),
        ({"pages": (NODE, NODE, bytes(36))}, "promises nothing"),
        ({"oracles": (b"b" * 28, b"a" * 28)}, "ascending"),
        ({"oracles": (b"a" * 28, b"a" * 28)}, "ascending"),
        ({"oracles": (b"a" * 28, b"b" * 27)}, "an oracle"),
        ({"quorum_threshold": 0}, "quorum_threshold"),
        ({"quorum_threshold": 3}, "more than all"),
    ],
)
def test_terms_that_nobody_could_have_opened(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidEncoding, match=words):
        Terms.decode(replace(TERMS, **changes).encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (0, 5),
        (2, b"14"),
        (4, NODE),
        (7, Constr(2, (b"c" * 28,))),
        (7, Constr(0, (b"c" * 27,))),
        (8, 1735689600000),
        (8, Constr(0, (1, 2))),
        (9, Constr(0, (1, 42, b"1.0.0"))),
        (9, Constr(0, (1, 42, b"1.0.0", b"\xff"))),
    ],
)
def test_fields_of_another_shape_are_refused(field: int, value: Any) -> None:
    fields = list(TERMS.to_data().fields)
    fields[field] = value
    with pytest.raises(InvalidEncoding):
        Terms.from_data(Constr(0, tuple(fields)))


def test_more_or_fewer_fields_are_refused() -> None:
    fields = TERMS.to_data().fields
    for data in (Constr(0, (*fields, 1)), Constr(0, fields[:-1]), Constr(1, fields), fields):
        with pytest.raises(InvalidEncoding, match="not terms"):
            Terms.from_data(data)
