"""Phase 2: the Plutus scripts run, and do what the transaction says they do.

Ledger rules: Babbage's `UTXOS` (`expectScriptsToPass`, `babbageEvalScriptsTxInvalid`), Alonzo's
`collectPlutusScriptsWithContext`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.devnet.ledger import failures
from milestones.devnet.ledger.case import Case, Need
from milestones.devnet.ledger.evaluator import CannotEvaluate, Run, run_script
from milestones.devnet.ledger.failures import EvaluationFailure, LedgerFailure, Unsupported
from milestones.devnet.ledger.plutus_core import verdict
from milestones.devnet.ledger.script_context import TransactionInfo
from milestones.devnet.ledger.scripts import LANGUAGE_NUMBERS
from milestones.devnet.ledger.witnesses import Redeemer

NOT_OF_ONE_SCRIPT: Final = (3004, 3997)
"""Failures of an evaluation as a whole, which are not told script by script."""

PASSED_UNEXPECTEDLY: Final = "PassedUnexpectedly"
FAILED_UNEXPECTEDLY: Final = "FailedUnexpectedly"


class ScriptRunner:
    """Runs the scripts of one transaction, making each version's view of it once."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._infos: dict[str, TransactionInfo] = {}

    def run(self, need: Need, script: Script, redeemer: Redeemer, budget: ExecutionUnits) -> Run:
        """Runs one script. Raises 3115, 3004 or `Unsupported` where it can't be run."""
        finding = verdict(script, self._case.parameters.protocol_version[0])
        if finding.unsupported:
            raise Unsupported(finding.unsupported)
        arguments, model = self.prepare(need, script, redeemer)
        if finding.malformed:
            return Run(None, "the script is not well-formed")
        if finding.open:
            return Run(None, "the script has a free variable")
        try:
            return run_script(script, arguments, model, budget)
        except CannotEvaluate as excuse:
            raise Unsupported(excuse.message) from None

    def prepare(
        self, need: Need, script: Script, redeemer: Redeemer
    ) -> tuple[list[bytes], tuple[int, ...]]:
        """A script's arguments and the cost model it runs under. Raises 3115 or 3004."""
        model = self._case.parameters.cost_models.get(script.language)
        if model is None:
            raise failures.missing_cost_models([script.language])
        return self._info(script).arguments(need, redeemer), model

    def _info(self, script: Script) -> TransactionInfo:
        if script.language not in self._infos:
            version = LANGUAGE_NUMBERS[script.language] + 1
            self._infos[script.language] = TransactionInfo(self._case, version)
        return self._infos[script.language]


def context_failures(case: Case) -> Iterator[LedgerFailure]:
    """Why the scripts can't be run at all, which the ledger tells beside what is wrong in phase 1.

    Only the first obstacle is told. Of a redeemer that points to nothing phase 1 tells already (3110):
    the context, which fails on it too, is left alone then. Ledger: `CollectErrors`.
    """
    runner = ScriptRunner(case)
    redeemers = {each.pointer: each for each in case.transaction.witnesses.redeemers}
    subjects = {"spend": len(case.body.inputs), "mint": len(list(case.body.mint.policies()))}
    if any(pointer.index >= subjects.get(pointer.purpose, 0) for pointer in redeemers):
        return
    for need, script in case.plutus_needs:
        if need.pointer not in redeemers:
            return
        try:
            runner.prepare(need, script, redeemers[need.pointer])
        except LedgerFailure as failure:
            yield failure
            return


def check_phase_two(case: Case) -> None:
    """Raises the failure 3136 unless the scripts' outcome is the one declared. Ledger rule: `UTXOS`.

    Each script runs within the units that its redeemer declares. Raises 3115 or 3004 where scripts
    can't be run at all.
    """
    if not case.plutus_needs:
        if not case.transaction.is_valid:
            raise failures.spends_mismatch(declared_valid=False, reason=PASSED_UNEXPECTEDLY)
        return
    failed = _any_script_fails(case)
    if failed and case.transaction.is_valid:
        raise failures.spends_mismatch(declared_valid=True, reason=FAILED_UNEXPECTEDLY)
    if not failed and not case.transaction.is_valid:
        raise failures.spends_mismatch(declared_valid=False, reason=PASSED_UNEXPECTEDLY)


def _any_script_fails(case: Case) -> bool:
    runner = ScriptRunner(case)
    redeemers = {each.pointer: each for each in case.transaction.witnesses.redeemers}
    outcomes = []
    for need, script in case.plutus_needs:
        redeemer = redeemers[need.pointer]
        outcomes.append(runner.run(need, script, redeemer, redeemer.units))
    return any(outcome.units is None for outcome in outcomes)


def evaluate_case(case: Case) -> list[tuple[RedeemerPointer, ExecutionUnits]]:
    """The units that each script uses when it may use all that a transaction has.

    Ledger: `evalTxExUnitsWithLogs`. Raises 3010 with the failures by redeemer, 3004, or `Unsupported`.
    """
    if case.body.unsupported:
        raise Unsupported(", ".join(case.body.unsupported))
    redeemers = case.transaction.witnesses.redeemers
    if redeemers:
        _check_known(case)
    runner = ScriptRunner(case)
    needs = {need.pointer: need for need in case.needs}
    used: list[tuple[RedeemerPointer, ExecutionUnits]] = []
    failed: dict[RedeemerPointer, LedgerFailure] = {}
    for redeemer in redeemers:
        pointer = redeemer.pointer
        try:
            used.append((pointer, _evaluate_one(case, runner, needs.get(pointer), redeemer)))
        except LedgerFailure as failure:
            if failure.code in NOT_OF_ONE_SCRIPT:
                raise
            failed[pointer] = failure
    if failed:
        raise EvaluationFailure(failed)
    return used


def _check_known(case: Case) -> None:
    """Ledger: `TranslationLogicMissingInput`."""
    body = case.body
    unknown = {*body.inputs, *body.reference_inputs} - {*case.inputs, *case.reference_inputs}
    if unknown:
        names = ", ".join(str(reference) for reference in sorted(unknown))
        raise failures.cannot_create_context(f"Inputs that are unknown or spent already: {names}.")


def _evaluate_one(
    case: Case, runner: ScriptRunner, need: Need | None, redeemer: Redeemer
) -> ExecutionUnits:
    if need is None:
        raise failures.extraneous_redeemers([redeemer.pointer])
    script = case.scripts.get(need.script_hash)
    if script is None or script.language == "native":
        raise failures.evaluation_missing_scripts([redeemer.pointer])
    _check_datum(case, need, script)
    run = runner.run(need, script, redeemer, case.parameters.max_transaction_units)
    if run.units is None:
        raise failures.script_failed(run.error, run.traces)
    return run.units


def _check_datum(case: Case, need: Need, script: Script) -> None:
    """Only a Plutus V3 script can spend an output whose datum is missing."""
    if not isinstance(need.subject, OutputReference):
        return
    output = case.inputs[need.subject]
    if output.datum_hash is not None:
        if output.datum_hash not in case.transaction.witnesses.datums:
            raise failures.missing_datums([output.datum_hash])
    elif output.datum is None and script.language != "plutus:v3":
        raise failures.unsuitable_output_reference(need.subject)
