"""Transactions of every kind are as hardware wallets take them, by our rules and by a third party's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from milestones.transactions.hardware import body_alone, hardware_faults
from tests.support.every_kind import every_kind

INTEROP: Final = os.environ.get("MILESTONES_HW_INTEROP")
"""A folder where `npm install cardano-hw-interop-lib` was run; without it that library isn't asked."""


def has_long_proof(kind: str) -> bool:
    """Whether a Merkle proof is over 64 bytes, which Plutus Data has in chunks."""
    return kind.startswith("release of 1")


def test_every_kind_is_signed_by_devices_and_by_their_tool() -> None:
    """What is said of the one exception is that it stops the tool, and not devices."""
    assert len(every_kind()) == 24
    for kind, sent in every_kind():
        faults = hardware_faults(sent.cbor)
        assert {fault.stops for fault in faults} == (
            {"cardano_hw_cli"} if has_long_proof(kind) else set()
        ), kind
        assert hardware_faults(body_alone(sent.cbor)) == (), kind


@pytest.mark.skipif(INTEROP is None, reason="MILESTONES_HW_INTEROP names no folder")
def test_a_third_party_says_the_same() -> None:
    """Of the whole transactions, and of the bodies alone, which are handed to the tool."""
    kinds = every_kind()
    raw = [sent.cbor for _, sent in kinds]
    answers = asked([*raw, *map(body_alone, raw)])
    for (kind, _), answer in zip(kinds, answers, strict=False):
        assert answer == (
            '["transaction: CBOR is not canonical"]' if has_long_proof(kind) else "[]"
        ), kind
    assert set(answers[len(kinds) :]) == {"[]"}


def asked(transactions: list[bytes]) -> list[str]:
    """What the library says, a line each."""
    script = Path(__file__).parents[1] / "support" / "interop.js"
    return subprocess.run(
        ["node", str(script)],
        input="\n".join(each.hex() for each in transactions),
        env={**os.environ, "NODE_PATH": str(Path(INTEROP or "") / "node_modules")},
        capture_output=True,
        check=True,
        text=True,
    ).stdout.splitlines()
