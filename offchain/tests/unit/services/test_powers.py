"""The terms in words: each power is said where it is on, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.cardano.address import (
    Address,
    key_credential,
    script_credential,
)
from milestones.cardano.outputs import OutputDatum, OutputReference
from milestones.cardano.value import LOVELACE, AssetId
from milestones.domain.merkle import leaf_node
from milestones.protocol.terms import Refund, Terms, TermsMetadata
from milestones.services.distribution.powers import in_ada, powers_of, warnings_about

CREATOR = key_credential(b"c" * 28)
SCRIPT = script_credential(b"s" * 28)
DAY_MS = 86_400_000
HOME = Address(0, CREATOR)


def terms(**changes: Any) -> Terms:
    usual: dict[str, Any] = {
        "page_depth": 0,
        "pages": (leaf_node(b"x" * 28, 1_000),),
        "oracles": (b"1" * 28, b"2" * 28, b"3" * 28),
        "quorum_threshold": 2,
        "creator": CREATOR,
        "reclaim_after_posix_ms": 1_900_000_000_000,
        "token": AssetId(b"p" * 28, b"T"),
        "total_token_amount": 1_000,
        "refund": Refund(HOME),
        "metadata": TermsMetadata(0, 42, "2.0.0", ""),
    }
    return Terms(**{**usual, **changes})


def words_of(**changes: Any) -> dict[str, str]:
    return {power.name: power.words for power in powers_of(terms(**changes))}


def test_plain_terms_have_no_other_powers() -> None:
    words = words_of()
    assert list(words) == ["open", "attest", "pay", "close", "reclaim", "nobody"]
    assert words["reclaim"].startswith("From 2030-03-17 17:46:40 UTC on the creator's key")
    assert words["nobody"] == (
        "Nobody can cancel it, attest without the oracles, replace the oracles, take anything for"
        " paying out, stake or vote with the ADA in it or change these terms."
    )


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"reclaim_after_posix_ms": None}, "reclaim", "irrevocable"),
        (
            {"reclaim_after_posix_ms": None, "cancel_by": frozenset({"quorum"})},
            "reclaim",
            "Only a notice can end it",
        ),
        ({"creator": SCRIPT}, "reclaim", "anybody can send all that is not claimed"),
        ({"creator": SCRIPT}, "close", "a script isn't asked"),
        ({"creator": SCRIPT}, "refund", HOME.to_bech32()),
        ({"cancel_by": frozenset({"creator"})}, "cancel", "The creator can give notice"),
        ({"cancel_by": frozenset({"creator"})}, "cancel", "go on for 7 days"),
        ({"cancel_by": frozenset({"creator"})}, "cancel", "can't be withdrawn and doesn't expire"),
        ({"cancel_by": frozenset({"quorum"})}, "cancel", "A quorum of the oracles can give"),
        (
            {"cancel_by": frozenset({"creator", "quorum"}), "cancel_grace_ms": 8 * DAY_MS},
            "cancel",
            "The creator or a quorum of the oracles, each alone, can give notice",
        ),
        (
            {"cancel_by": frozenset({"creator"}), "refund": Refund(HOME, OutputDatum(b"\x00"))},
            "refund",
            ", with a datum. Whoever ends it",
        ),
        ({"waiver_after_posix_ms": 1_900_000_000_000}, "waive", "the creator alone can attest"),
        ({"objectors": 1}, "propose", "reached. Unless 1 oracle objects within 1 day"),
        (
            {"objectors": 2, "bond_lovelace": 2_500_000, "review_period_ms": 3 * DAY_MS},
            "propose",
            "with a bond of 2.5 ADA. Unless 2 oracles object within 3 days",
        ),
        ({"rotatable": OutputReference(bytes(32), 0)}, "rotate", "creator has no say"),
        ({"allowance_lovelace": 1}, "allowance", "takes 0.000001 ADA"),
        ({"allowance_lovelace": 1, "token": LOVELACE}, "allowance", "above the fee is wage"),
        ({"staking": SCRIPT}, "stake", f"the script {SCRIPT.hash.hex()}."),
        ({"oracles": (b"1" * 28,), "quorum_threshold": 1}, "attest", "The only oracle attests"),
    ],
)
def test_a_power_that_is_on(changes: dict[str, Any], name: str, words: str) -> None:
    assert words in words_of(**changes)[name]


def test_who_can_spend_from_a_script_creator_is_warned_of() -> None:
    powers = {"cancel_by": frozenset({"creator"}), "waiver_after_posix_ms": 1}
    (warning,) = warnings_about(terms(creator=SCRIPT, **powers))
    assert "whoever can spend there can give notice and waive what was not reached" in warning
    assert list(warnings_about(terms(**powers))) == []
    (warning,) = warnings_about(terms(creator=SCRIPT))
    assert "anybody can end the distribution" in warning


@pytest.mark.parametrize(
    ("lovelace", "words"),
    [(0, "0 ADA"), (1, "0.000001 ADA"), (1_500_000, "1.5 ADA"), (-2_000_000, "-2 ADA")],
)
def test_lovelace_in_words(lovelace: int, words: str) -> None:
    assert in_ada(lovelace) == words
