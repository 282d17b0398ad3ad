"""The evaluator of Plutus scripts: exact in verdict, units and logs at protocol versions 10 and 11.

`evaluate` is the way in. Variants of the semantics, prices and bounds follow from the language and the
protocol version. Source: IntersectMBO/plutus 1.68.0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.plutus import errors
from milestones.devnet.ledger.plutus.data import decode_data
from milestones.devnet.ledger.plutus.flat import MalformedScript
from milestones.devnet.ledger.plutus.functions import functions_of
from milestones.devnet.ledger.plutus.machine import Machine, SlowMachine, Start
from milestones.devnet.ledger.plutus.profile import NOTHING_RUN, Profile
from milestones.devnet.ledger.plutus.profiler import Profiler
from milestones.devnet.ledger.plutus.script_failures import ScriptFailure
from milestones.devnet.ledger.plutus.terms import (
    APPLY,
    CONSTANT,
    Program,
    Term,
    flat_bytes,
    is_core_version_available,
    read_program,
)


@dataclass(frozen=True, slots=True)
class Result:
    """How a script ended.

    `failure` is empty where it succeeded, else the kind: `malformed`, `version` (of Plutus Core), `open` (a
    free variable), `error`, `function` (a built-in one failed), `budget`, `return` (no unit). `units` are
    those that were paid.
    """

    units: ExecutionUnits
    logs: tuple[str, ...] = ()
    failure: str = ""
    explain: Callable[[], str] = str

    @property
    def reason(self) -> str:
        """What nodes say of the failure; made when it is asked for."""
        return self.explain()

    @property
    def succeeded(self) -> bool:
        """Whether the script agrees."""
        return not self.failure


def is_well_formed(script: Script, protocol_version: int) -> bool:
    """Whether the ledger takes a script at a protocol version; native ones always.

    Ledger: `isValidPlutusScript`.
    """
    if script.language == "native":
        return True
    try:
        _read(script, protocol_version)
    except MalformedScript:
        return False
    return True


def evaluate(
    script: Script,
    arguments: Sequence[bytes],
    model: Sequence[int],
    budget: ExecutionUnits,
    protocol_version: int,
) -> Result:
    """Runs a Plutus script on arguments (CBOR of Plutus Data) within a budget.

    `model` is the language's cost model. Raises `InvalidEncoding` for arguments that are no data,
    `UnsupportedFunction` where a function's library is missing.
    """
    nothing, language = ExecutionUnits(0, 0), script.language
    try:
        program = _read(script, protocol_version)
    except MalformedScript as malformed:
        reason = f"Failed to deserialise a script: {malformed.message}"
        return Result(nothing, failure="malformed", explain=lambda: reason)
    if not is_core_version_available(program.version, language, protocol_version):
        text = errors.core_version(program.version, language, protocol_version)
        return Result(nothing, failure="version", explain=lambda: text)
    if program.free is not None:
        return Result(nothing, failure="open", explain=lambda: f"Free index: {program.free}")
    term = _applied(program, arguments)
    prices, functions = functions_of(tuple(model), language, protocol_version)
    start = (prices.steps, functions, budget.cpu, budget.memory, protocol_version)
    machine = Machine(*start)
    failure = ""
    explain: Callable[[], str] = str
    try:
        value = machine.run(term)
        if language == "plutus:v3" and value is not None:
            failure, explain = "return", lambda: errors.NOT_THE_UNIT
    except ScriptFailure as failed:
        failure, explain = failed.kind, partial(_explained, failed, start, term)
    units = ExecutionUnits(budget.memory - machine.memory, budget.cpu - machine.cpu)
    return Result(units, tuple(machine.logs), failure, explain)


def _explained(failed: ScriptFailure, start: Start, term: Term) -> str:
    """What nodes say. What was left of a budget comes out of a second run, step by step."""
    if failed.kind != "budget":
        return failed.text
    machine = SlowMachine(*start)
    with suppress(ScriptFailure):
        machine.run(term)
    return errors.machine_text(errors.overspent(machine.cpu, machine.memory), None)


def profile(
    script: Script,
    arguments: Sequence[bytes],
    model: Sequence[int],
    budget: ExecutionUnits,
    protocol_version: int,
) -> tuple[Result, Profile]:
    """How a script ends, as `evaluate` finds it, and what its run cost where. Raises as `evaluate` does.

    The profile adds up to the result's units, of a script that fails too.
    """
    result = evaluate(script, arguments, model, budget, protocol_version)
    if result.failure in ("malformed", "version", "open"):
        return result, NOTHING_RUN
    program = _read(script, protocol_version)
    prices, functions = functions_of(tuple(model), script.language, protocol_version)
    profiler = Profiler(prices.steps, functions, budget.cpu, budget.memory, protocol_version)
    found = profiler.run(_applied(program, arguments), program.term)
    units = ExecutionUnits(budget.memory - profiler.memory, budget.cpu - profiler.cpu)
    assert units == result.units, "both machines count alike"  # noqa: S101 - for whoever changes one
    return result, found


def _read(script: Script, protocol_version: int) -> Program:
    flat = flat_bytes(script.code, script.language)
    return read_program(flat, script.language, protocol_version)


def _applied(program: Program, arguments: Sequence[bytes]) -> Term:
    term = program.term
    for argument in arguments:
        term = (APPLY, term, (CONSTANT, decode_data(argument)))
    return term
