"""The terms' exact bytes, and everything that the contract would not have let anybody open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from milestones.cardano.address import Address, Credential, key_credential, script_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.outputs import OutputDatum, OutputReference
from milestones.cardano.plutus_data import Constr
from milestones.cardano.value import AssetId
from milestones.errors import InvalidEncoding
from milestones.protocol.terms import Refund, Terms, TermsMetadata

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
    refund=Refund(Address(0, key_credential(b"r" * 28))),
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
        + "01"
        + "9f" + node + node + "ff"
        + "00"
        + "9f" + "581c" + b"a".hex() * 28 + "581c" + b"b".hex() * 28 + "ff"
        + "02"
        + "d87a80"
        + "d8799f" + "581c" + b"c".hex() * 28 + "ff"
        + "d87a80"
        + "d8799f" + "1b000001941f297c00" + "ff"
        + "581c" + b"p".hex() * 28
        + "45" + b"TOKEN".hex()
        + "0e"
        + "d87a80"
        + "d8799f" + "d8799f" + "d8799f" + "581c" + b"r".hex() * 28 + "ff" + "d87a80" + "ff" + "d87980" + "ff"
        + "00" + "00" + "00" + "00" + "00"
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
        {"allowance_lovelace": 400_000},
        {"rotatable": OutputReference(b"t" * 32, 3)},
        {"waiver_after_posix_ms": 0},
        {"staking": script_credential(b"s" * 28)},
        {"refund": Refund(Address(0, key_credential(b"r" * 28)), OutputDatum(b"\xd8\x79\x80"))},
        {"refund": Refund(Address(0, key_credential(b"r" * 28)), OutputDatum(hash=b"h" * 32))},
        {"cancel_by": frozenset({"creator"}), "cancel_grace_ms": 1},
        {"cancel_by": frozenset({"quorum"})},
        {"cancel_by": frozenset({"creator", "quorum"})},
        {"objectors": 1, "review_period_ms": 5, "bond_lovelace": 7},
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
        ({"pages": (NODE, NODE[:-1])}, "pages"),
        ({"pages": (NODE, NODE, bytes(36))}, "promises nothing"),
        ({"oracles": (b"b" * 28, b"a" * 28)}, "ascending"),
        ({"oracles": (b"a" * 28, b"a" * 28)}, "ascending"),
        ({"oracles": (b"a" * 28, b"b" * 27)}, "oracles"),
        ({"quorum_threshold": 0}, "quorum_threshold"),
        ({"quorum_threshold": 3}, "quorum_threshold"),
        ({"oracles": tuple(bytes([n]) * 28 for n in range(101))}, "too many"),
        ({"allowance_lovelace": -1}, "allowance"),
    ],
)
def test_terms_that_nobody_could_have_opened(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidEncoding, match=words):
        Terms.decode(replace(TERMS, **changes).encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (1, NODE),
        (5, Constr(0, (b"t" * 32, 0))),
        (6, Constr(2, (b"c" * 28,))),
        (6, Constr(0, (b"c" * 27,))),
        (7, Constr(0, (-1,))),
        (8, 1735689600000),
        (8, Constr(0, (1, 2))),
        (8, Constr(0, (b"1",))),
        (8, Constr(1, (1,))),
        (9, 5),
        (11, b"14"),
        (12, Constr(0, (b"s" * 28,))),
        (13, Constr(0, (Constr(0, ()), Constr(0)))),
        (14, 4),
        (14, -1),
        (19, Constr(0, (1, 42, b"1.0.0"))),
        (19, Constr(0, (1, 42, b"1.0.0", b"\xff"))),
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
