"""Transactions of every kind are as hardware wallets take them, by our rules and by a third party's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from milestones.cardano.transaction import Transaction
from milestones.keys.assembling import assemble
from milestones.keys.envelopes import read_signatures
from milestones.services.transaction import check_hardware
from milestones.testing.cast import key_of
from milestones.transactions.hardware import body_alone, hardware_faults
from milestones.transactions.required import required_signatures
from tests.support.every_kind import every_kind

PACKAGES: Final = os.environ.get("MILESTONES_NODE_PACKAGES")
"""A folder where `npm install cardano-hw-interop-lib @emurgo/cardano-serialization-lib-nodejs` was run."""


def test_what_helps_is_said_and_written(tmp_path: Path) -> None:
    """A release with a long proof: the tool refuses it, and takes its body alone, which has the same id."""
    sent = dict(every_kind())["release of 1, page depth 7"]
    file, body = tmp_path / "release", tmp_path / "body.json"
    file.write_text(sent.cbor.hex())
    checked = check_hardware(file, body_output=body)
    assert (checked.devices_sign, checked.cardano_hw_cli_takes_it) == (True, False)
    assert "--body-output" in checked.warnings[0]
    alone = check_hardware(body)
    assert (alone.cardano_hw_cli_takes_it, alone.warnings) == (True, ())
    assert alone.transaction_hash == checked.transaction_hash == sent.id.hex()


needs_packages = pytest.mark.skipif(
    PACKAGES is None, reason="MILESTONES_NODE_PACKAGES names no folder"
)


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


@needs_packages
def test_a_third_party_says_the_same() -> None:
    """Of the whole transactions, and of the bodies alone, which are handed to the tool."""
    kinds = every_kind()
    raw = [sent.cbor for _, sent in kinds]
    answers = asked("interop.js", [each.hex() for each in (*raw, *map(body_alone, raw))])
    for (kind, _), answer in zip(kinds, answers, strict=False):
        assert answer == (
            '["transaction: CBOR is not canonical"]' if has_long_proof(kind) else "[]"
        ), kind
    assert set(answers[len(kinds) :]) == {"[]"}


@needs_packages
def test_a_wallet_that_encodes_anew_signs_what_is_assembled() -> None:
    """It decodes the whole, encodes the body itself, and signs that: the signatures are of what left."""
    key = key_of("payer")
    lines = [f"{key._secret.hex()} {sent.cbor.hex()}" for _, sent in every_kind()]
    for (kind, sent), answer in zip(every_kind(), asked("wallet.js", lines), strict=True):
        unsigned = Transaction.read(sent.cbor).with_witnesses([])
        came_back = read_signatures(answer.encode(), "the wallet")
        required = required_signatures(unsigned, sent.inputs)
        assembled = assemble(unsigned, [came_back], required)
        assert assembled.signed == {key.key_hash}, kind
        assert assembled.left_out == (), kind
        if not assembled.missing:
            assert assembled.transaction.raw == sent.cbor, kind


def asked(script: str, lines: list[str]) -> list[str]:
    """What a script answers, a line for each."""
    return subprocess.run(
        ["node", str(Path(__file__).parents[1] / "support" / script)],
        input="\n".join(lines),
        env={**os.environ, "NODE_PATH": str(Path(PACKAGES or "") / "node_modules")},
        capture_output=True,
        check=True,
        text=True,
    ).stdout.splitlines()
