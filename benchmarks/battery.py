"""Everything that the Python suites ever show the contract's scripts, and what the scripts say to it.

A script is a function of its context. So the suites run once, with a tape in the embedded chain's
evaluator; a mutant is then shown the same contexts, a millisecond each, and must answer the same. The
contexts name the hashes of the contract as it is: a mutant is judged in its place.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger import plutus, utxos
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS
from milestones.devnet.ledger.plutus import Result, evaluate
from milestones.protocol.validator_loader import load_contract

SUITES: Final = Path(__file__).resolve().parents[1] / "offchain" / "tests" / "contract"


@dataclass(frozen=True, slots=True)
class Question:
    """A context (CBOR of Plutus Data) that one of the scripts, by name, was shown, and its answer."""

    script: str
    context: bytes
    accepted: bool


class Battery:
    """Questions, those first that have found the latest mutants."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self._questions = list(questions)

    def __len__(self) -> int:
        return len(self._questions)

    @property
    def accepted(self) -> int:
        """How many of the contexts the contract accepts."""
        return sum(question.accepted for question in self._questions)

    def finds(self, scripts: dict[str, Script]) -> bool:
        """Whether one of these scripts answers a question otherwise than the contract does."""
        for place, question in enumerate(self._questions):
            script = scripts.get(question.script)
            if script is not None and accepts(script, question.context) != question.accepted:
                self._questions.insert(0, self._questions.pop(place))
                return True
        return False


def accepts(script: Script, context: bytes) -> bool:
    """Whether a script succeeds on a context, within all the units that a transaction may have."""
    parameters = MAINNET_PARAMETERS
    model = parameters.cost_models[script.language]
    budget, version = parameters.max_transaction_units, parameters.protocol_version[0]
    return evaluate(script, [context], model, budget, version).succeeded


def recorded() -> Battery:
    """Runs the suites and keeps what they ask. Raises `RuntimeError` where one of their tests fails."""
    contract = load_contract()
    scripts = zip(("vault", "registry", "board"), contract.scripts, strict=True)
    names = {script.code: name for name, script in scripts}
    asked: dict[tuple[str, bytes], Script] = {}

    def noting(
        script: Script,
        arguments: Sequence[bytes],
        model: Sequence[int],
        budget: ExecutionUnits,
        protocol_version: int,
    ) -> Result:
        if script.code in names and len(arguments) == 1:
            asked[names[script.code], arguments[0]] = script
        return evaluate(script, arguments, model, budget, protocol_version)

    # The place that every script of a transaction goes through, and what a test calls that shows a script
    # what this chain takes no transactions for; tests are loaded after this.
    utxos.evaluate = noting  # type: ignore[attr-defined]
    plutus.evaluate = noting
    try:
        _run_suites()
    finally:
        utxos.evaluate = evaluate  # type: ignore[attr-defined]
        plutus.evaluate = evaluate
    return Battery(
        [Question(name, text, accepts(script, text)) for (name, text), script in asked.items()]
    )


def _run_suites() -> None:
    """Without the comparison of costs, which asks nothing new."""
    with Path(os.devnull).open("w") as nowhere:
        streams, sys.stdout = sys.stdout, nowhere
        try:
            options = ("-q", "-p", "no:cacheprovider", f"--ignore={SUITES / 'test_costs.py'}")
            # The package is loaded already; its assertions need not be explained.
            quiet = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
            code = pytest.main([*options, *quiet, str(SUITES)])
        finally:
            sys.stdout = streams
    if code != pytest.ExitCode.OK:
        raise RuntimeError(f"the suites in {SUITES} fail on the contract as it is: no score")
