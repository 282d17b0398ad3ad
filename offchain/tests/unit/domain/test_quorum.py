"""Who counts towards a quorum: each oracle once, and only those who signed the same bytes."""

from __future__ import annotations

from milestones.cardano.address import Address, key_credential
from milestones.domain.models import OracleSignature
from milestones.domain.quorum import QuorumState, merge_signatures, quorum_state


def entry(oracle: str, signed_data: bytes = b"one", signature: bytes = b"s") -> OracleSignature:
    return OracleSignature(
        oracle_address=Address(0, key_credential(oracle.encode() * 28)),
        signature=signature * 64,
        signed_data=signed_data,
        signature_timestamp=1735689600,
    )


def state(*entries: OracleSignature, oracles: set[bytes] | None = None) -> QuorumState:
    return quorum_state(entries, quorum_threshold=2, total_oracles=3, oracles=oracles)


def test_nobody_has_signed() -> None:
    empty = state()
    assert (empty.signed_data, empty.signature_count, empty.missing) == (None, 0, 2)
    assert empty.quorum_status == "pending"


def test_two_of_two() -> None:
    met = state(entry("b"), entry("a"))
    assert (met.quorum_status, met.signature_count, met.missing) == ("met", 2, 0)
    assert [e.oracle for e in met.signatures] == [b"a" * 28, b"b" * 28]


def test_the_same_oracle_counts_once() -> None:
    assert state(entry("a"), entry("a", signature=b"t")).signature_count == 1


def test_the_same_key_at_two_addresses_counts_once() -> None:
    staked = Address(0, key_credential(b"a" * 28), key_credential(b"k" * 28))
    twin = entry("a").model_copy(update={"oracle_address": staked})
    assert state(entry("a"), twin).signature_count == 1
    assert len(merge_signatures([entry("a")], [twin])) == 1


def test_different_statements_do_not_add_up() -> None:
    split = state(entry("a", b"one"), entry("b", b"two"), entry("c", b"three"))
    assert split.quorum_status == "pending"
    assert split.signed_data == b"one"


def test_the_best_supported_statement_wins() -> None:
    best = state(entry("a", b"one"), entry("b", b"two"), entry("c", b"two"), entry("a", b"three"))
    assert (best.signed_data, best.quorum_status) == (b"two", "met")


def test_strangers_do_not_count() -> None:
    assert state(entry("a"), entry("z"), oracles={b"a" * 28, b"b" * 28}).signature_count == 1


def test_merging_keeps_the_newer_of_two() -> None:
    merged = merge_signatures(
        [entry("a"), entry("b")], [entry("a", signature=b"new"), entry("a", b"two")]
    )
    assert [(e.oracle[:1], e.signed_data, e.signature) for e in merged] == [
        (b"a", b"one", b"new" * 64),
        (b"b", b"one", b"s" * 64),
        (b"a", b"two", b"s" * 64),
    ]
