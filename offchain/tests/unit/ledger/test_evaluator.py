"""What is no script, and what can't be run: the evaluator says so. Outputs, as they are written and shown."""

from __future__ import annotations

import sys

import cbor2
import pytest

from milestones.cardano import cbor, encoding
from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits
from milestones.cardano.value import Value
from milestones.devnet.ledger.outputs import output_from_item
from milestones.devnet.ledger.parameters import PLUTUS_V3
from milestones.devnet.ledger.plutus import evaluate, functions_crypto
from milestones.devnet.ledger.plutus.functions_crypto import UnsupportedFunction
from milestones.devnet.ogmios.rendering import output_json

BUDGET = ExecutionUnits(14_000_000, 10_000_000_000)
JUNK = Script("plutus:v3", cbor2.dumps(b"\xff\xff\xff"))


def test_what_is_no_program_is_malformed() -> None:
    run = evaluate(JUNK, [cbor2.dumps(0)], PLUTUS_V3, BUDGET, 11)
    assert (run.failure, run.units) == ("malformed", ExecutionUnits(0, 0))


def test_without_the_curves_library_the_function_and_the_package_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyblst", None)
    with pytest.raises(UnsupportedFunction, match="bls12_381_G1_uncompress") as missing:
        functions_crypto.crypto_functions(True)["bls12_381_G1_uncompress"](bytes(48))
    assert "pip install pyblst" in missing.value.hint


@pytest.mark.parametrize("datum", ["inline", "hash", None])
@pytest.mark.parametrize("with_script", [True, False])
def test_outputs_are_written_as_the_ledger_reads_them(datum: str | None, with_script: bool) -> None:
    """Both sides have a codec of their own."""
    script = Script("plutus:v3", b"\x46\x01\x00\x00\x22\x22\x01") if with_script else None
    written = encoding.output(
        Address(0, key_credential(b"k" * 28)),
        Value(5_000_000),
        inline_datum=b"\x07" if datum == "inline" else None,
        datum_hash=b"h" * 32 if datum == "hash" else None,
        script=script,
    )
    output = output_from_item(cbor.read(written))
    assert output.datum == (b"\x07" if datum == "inline" else None)
    assert output.script == script
    shown = output_json(output)
    assert shown.get("datum") == ("07" if datum == "inline" else None)
    assert shown.get("datumHash") == ((b"h" * 32).hex() if datum == "hash" else None)
    assert ("script" in shown) is with_script
