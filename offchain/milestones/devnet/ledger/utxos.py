"""Ledger rule `UTXOS`, phase 2: the Plutus scripts run, and do what the transaction says they do.

Source: Babbage's `expectScriptsToPass` and `babbageEvalScriptsTxInvalid`, Alonzo's
`collectPlutusScriptsWithContext`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.devnet.ledger import failures
from milestones.devnet.ledger.failures import LedgerFailure, TransactionRejected
from milestones.devnet.ledger.plutus import Result, evaluate, profile
from milestones.devnet.ledger.plutus.functions_crypto import UnsupportedFunction
from milestones.devnet.ledger.plutus.profile import Profile
from milestones.devnet.ledger.resolved_transaction import ResolvedTransaction, ScriptNeeded
from milestones.devnet.ledger.script_context import TransactionInfo
from milestones.devnet.ledger.scripts import LANGUAGE_NUMBERS
from milestones.devnet.ledger.transaction import Redeemer


class ScriptRunner:
    """Runs the scripts of one transaction, making each version's view of it once."""

    def __init__(self, resolved: ResolvedTransaction) -> None:
        self._resolved = resolved
        self._infos: dict[str, TransactionInfo] = {}

    def run(
        self, needed: ScriptNeeded, script: Script, redeemer: Redeemer, budget: ExecutionUnits
    ) -> Result:
        """Runs one script. Raises `TransactionRejected` where it can't be run, as `prepare` does."""
        arguments, model = self.prepare(needed, script, redeemer)
        version = self._resolved.parameters.protocol_version[0]
        try:
            return evaluate(script, arguments, model, budget, version)
        except UnsupportedFunction as unsupported:
            raise TransactionRejected(failures.Unsupported(unsupported.message)) from None

    def profile(
        self, needed: ScriptNeeded, script: Script, redeemer: Redeemer, budget: ExecutionUnits
    ) -> tuple[Result, Profile]:
        """How a script ends, and what it costs where. Raises as `run` does."""
        arguments, model = self.prepare(needed, script, redeemer)
        version = self._resolved.parameters.protocol_version[0]
        try:
            return profile(script, arguments, model, budget, version)
        except UnsupportedFunction as unsupported:
            raise TransactionRejected(failures.Unsupported(unsupported.message)) from None

    def prepare(
        self, needed: ScriptNeeded, script: Script, redeemer: Redeemer
    ) -> tuple[list[bytes], tuple[int, ...]]:
        """A script's arguments and the cost model it runs under.

        Raises `TransactionRejected` with `NoCostModel` or `BadTranslation`.
        """
        model = self._resolved.parameters.cost_models.get(script.language)
        if model is None:
            raise TransactionRejected(failures.NoCostModel(script.language))
        return self._info(script).arguments(needed, redeemer), model

    def _info(self, script: Script) -> TransactionInfo:
        if script.language not in self._infos:
            version = LANGUAGE_NUMBERS[script.language] + 1
            self._infos[script.language] = TransactionInfo(self._resolved, version)
        return self._infos[script.language]


def context_failures(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Why the scripts can't be run at all. Ledger: `CollectErrors`.

    Only the first obstacle is reported. A redeemer that points to nothing is reported by phase 1
    (`ExtraRedeemers`): the context, which fails on it too, is left alone then.
    """
    runner = ScriptRunner(resolved)
    redeemers = {each.pointer: each for each in resolved.transaction.witnesses.redeemers}
    body = resolved.body
    subjects = {
        "spend": len(body.inputs),
        "mint": len(list(body.mint.policies())),
        "publish": len(body.certificates),
        "withdraw": len(body.withdrawals),
    }
    if any(pointer.index >= subjects.get(pointer.purpose, 0) for pointer in redeemers):
        return
    for needed, script in resolved.plutus_scripts_needed:
        if needed.pointer not in redeemers:
            return
        try:
            runner.prepare(needed, script, redeemers[needed.pointer])
        except TransactionRejected as rejected:
            yield from rejected.failures
            return


def check_scripts(resolved: ResolvedTransaction) -> None:
    """Raises `TransactionRejected` unless the scripts' outcome is the one declared. Rule: `UTXOS`.

    Each script runs within the units that its redeemer declares. Failures: `ValidationTagMismatch`,
    and where scripts can't be run at all `NoCostModel`, `BadTranslation` or `Unsupported`.
    """
    declared = resolved.transaction.is_valid
    if _all_scripts_pass(resolved) != declared:
        raise TransactionRejected(failures.ValidationTagMismatch(declared))


def _all_scripts_pass(resolved: ResolvedTransaction) -> bool:
    """Every script is run, also after one has failed: one that can't be run must be seen."""
    runner = ScriptRunner(resolved)
    redeemers = {each.pointer: each for each in resolved.transaction.witnesses.redeemers}
    outcomes = []
    for needed, script in resolved.plutus_scripts_needed:
        redeemer = redeemers[needed.pointer]
        outcomes.append(runner.run(needed, script, redeemer, redeemer.units))
    return all(outcome.succeeded for outcome in outcomes)


def evaluate_scripts(
    resolved: ResolvedTransaction,
) -> list[tuple[RedeemerPointer, ExecutionUnits]]:
    """The units that each script uses when it may use all that a transaction has.

    Ledger: `evalTxExUnitsWithLogs`. Raises `TransactionRejected` with `TransactionScriptFailures`, or
    with the `BadTranslation` or `Unsupported` that no script can be run for.
    """
    redeemers = resolved.transaction.witnesses.redeemers
    if redeemers:
        _check_known(resolved)
    runner = ScriptRunner(resolved)
    needed = {each.pointer: each for each in resolved.scripts_needed}
    used: list[tuple[RedeemerPointer, ExecutionUnits]] = []
    failed: dict[RedeemerPointer, LedgerFailure] = {}
    for redeemer in redeemers:
        pointer = redeemer.pointer
        try:
            used.append((pointer, _evaluate(resolved, runner, needed.get(pointer), redeemer)))
        except TransactionRejected as rejected:
            (failure,) = rejected.failures
            if isinstance(failure, (failures.BadTranslation, failures.Unsupported)):
                raise
            failed[pointer] = failure
    if failed:
        raise TransactionRejected(failures.TransactionScriptFailures(failed))
    return used


@dataclass(frozen=True, slots=True)
class ScriptProfile:
    """One script of a transaction: what was run, how it ended, and what it cost where.

    `script_hash` is the one that the transaction names, also where another script was run in its stead.
    """

    redeemer: Redeemer
    script_hash: bytes
    script: Script
    result: Result
    profile: Profile


def profile_scripts(
    resolved: ResolvedTransaction,
    stand_ins: Mapping[bytes, bytes],
    *,
    within_declared: bool,
) -> list[ScriptProfile]:
    """Profiles of a transaction's scripts, in the ledger's order of redeemers; those that fail, too.

    A script whose hash is in `stand_ins` is replaced by the code there, of the same language, which may use all
    that a transaction may; others may, too, or what their redeemers declare. Raises `TransactionRejected` where
    a script can't be run.
    """
    redeemers = resolved.transaction.witnesses.redeemers
    if redeemers:
        _check_known(resolved)
    runner = ScriptRunner(resolved)
    by_pointer = {each.pointer: each for each in resolved.scripts_needed}
    most = resolved.parameters.max_transaction_units
    found = []
    for redeemer in redeemers:
        needed, own = _at_hand(resolved, by_pointer.get(redeemer.pointer), redeemer)
        code = stand_ins.get(needed.script_hash)
        script = own if code is None else Script(own.language, code)
        budget = redeemer.units if within_declared and code is None else most
        run = runner.profile(needed, script, redeemer, budget)
        found.append(ScriptProfile(redeemer, needed.script_hash, script, *run))
    return found


def _check_known(resolved: ResolvedTransaction) -> None:
    """Ledger: `TranslationLogicMissingInput`."""
    body = resolved.body
    named = {*body.inputs, *body.reference_inputs}
    unknown = named - {*resolved.inputs, *resolved.reference_inputs}
    if unknown:
        names = ", ".join(str(reference) for reference in sorted(unknown))
        reason = f"Inputs that are unknown or spent already: {names}."
        raise TransactionRejected(failures.BadTranslation(reason))


def _evaluate(
    resolved: ResolvedTransaction,
    runner: ScriptRunner,
    needed: ScriptNeeded | None,
    redeemer: Redeemer,
) -> ExecutionUnits:
    needed, script = _at_hand(resolved, needed, redeemer)
    run = runner.run(needed, script, redeemer, resolved.parameters.max_transaction_units)
    if not run.succeeded:
        raise TransactionRejected(failures.ValidationFailure(run.reason, run.logs))
    return run.units


def _at_hand(
    resolved: ResolvedTransaction, needed: ScriptNeeded | None, redeemer: Redeemer
) -> tuple[ScriptNeeded, Script]:
    """What a redeemer is for, with the script. Raises `TransactionRejected` where it can't be run."""
    if needed is None:
        pointer = redeemer.pointer
        raise TransactionRejected(failures.RedeemerPointsToUnknownScriptHash(pointer))
    script = resolved.scripts.get(needed.script_hash)
    if script is None or script.language == "native":
        raise TransactionRejected(failures.MissingScript(redeemer.pointer))
    _check_datum(resolved, needed, script)
    return needed, script


def _check_datum(resolved: ResolvedTransaction, needed: ScriptNeeded, script: Script) -> None:
    """Only a Plutus V3 script can spend an output whose datum is missing."""
    if not isinstance(needed.subject, OutputReference):
        return
    output = resolved.inputs[needed.subject]
    if output.datum_hash is not None:
        if output.datum_hash not in resolved.transaction.witnesses.datums:
            raise TransactionRejected(failures.MissingDatum(output.datum_hash))
    elif output.datum is None and script.language != "plutus:v3":
        raise TransactionRejected(failures.InvalidTxIn(needed.subject))
