"""Where the evaluator has no verdict: it says so, and never that a script failed or succeeded."""

from __future__ import annotations

import cbor2
import pytest

from milestones.cardano import cbor, encoding
from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits
from milestones.cardano.value import Value
from milestones.devnet.ledger import evaluator
from milestones.devnet.ledger.evaluator import CannotEvaluate, EvaluatorMissing, run_script
from milestones.devnet.ledger.outputs import output_from_item
from milestones.devnet.ledger.parameters import PLUTUS_V3
from milestones.devnet.ogmios.rendering import output_json
from milestones.errors import ServiceUnavailable

BUDGET = ExecutionUnits(14_000_000, 10_000_000_000)
JUNK = Script("plutus:v3", cbor2.dumps(b"\xff\xff\xff"))


def test_what_is_no_program_has_no_verdict() -> None:
    with pytest.raises(CannotEvaluate, match="can't run a script"):
        run_script(JUNK, [cbor2.dumps(0)], PLUTUS_V3, BUDGET)


def test_without_the_library_the_package_to_install_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluator._library.cache_clear()
    monkeypatch.setattr(evaluator, "_library_path", lambda: None)
    try:
        with pytest.raises(EvaluatorMissing, match="not installed") as missing:
            run_script(JUNK, [cbor2.dumps(0)], PLUTUS_V3, BUDGET)
    finally:
        evaluator._library.cache_clear()
    assert isinstance(missing.value, ServiceUnavailable)
    assert "[devnet]" in missing.value.hint


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
