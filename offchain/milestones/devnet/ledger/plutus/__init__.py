"""The evaluator of Plutus scripts: exact in verdict, units and logs at protocol versions 10 and 11.

`evaluate` is the way in. Variants of the semantics, prices and bounds follow from the language and the
protocol version. Source: IntersectMBO/plutus 1.68.0.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.plutus.data import decode_data
from milestones.devnet.ledger.plutus.flat import MalformedScript
from milestones.devnet.ledger.plutus.functions import functions_of
from milestones.devnet.ledger.plutus.machine import Machine, ScriptFailure
from milestones.devnet.ledger.plutus.profile import NOTHING_RUN, Profile
from milestones.devnet.ledger.plutus.profiler import Profiler
from milestones.devnet.ledger.plutus.terms import (
    APPLY,
    CONSTANT,
    Program,
    Term,
    flat_bytes,
    read_program,
)

_OVERSPENT: Final = (
    "The machine terminated part way through evaluation due to overspending the budget.\n"
    "The budget when the machine terminated was:\n({{cpu: {cpu}\n| mem: {memory}}})"
)
"""How nodes say it. Source: `UntypedPlutusCore.Evaluation.Machine.Cek`."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a script ended.

    `failure` is empty where it succeeded, else the kind: `malformed`, `open` (a free variable), `error`,
    `function` (a built-in one failed), `budget`, `return` (no unit); `reason` says more. `units` are
    those that were paid.
    """

    units: ExecutionUnits
    logs: tuple[str, ...] = ()
    failure: str = ""
    reason: str = ""

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
        reason = f"the script is not well-formed: {malformed.message}"
        return Result(nothing, failure="malformed", reason=reason)
    if program.is_open:
        return Result(nothing, failure="open", reason="the script has a free variable")
    term = _applied(program, arguments)
    prices, functions = functions_of(tuple(model), language, protocol_version)
    machine = Machine(
        prices.steps, functions, budget.cpu, budget.memory, case_constants=protocol_version >= 11
    )
    failure = reason = ""
    try:
        value = machine.run(term)
        if language == "plutus:v3" and value is not None:
            failure, reason = "return", "a V3 script must return the unit"
    except ScriptFailure as failed:
        failure, reason = failed.kind, failed.reason
    if failure == "budget":
        reason = _OVERSPENT.format(cpu=machine.cpu, memory=machine.memory)
    units = ExecutionUnits(budget.memory - machine.memory, budget.cpu - machine.cpu)
    return Result(units, tuple(machine.logs), failure, reason)


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
    if result.failure in ("malformed", "open"):
        return result, NOTHING_RUN
    program = _read(script, protocol_version)
    prices, functions = functions_of(tuple(model), script.language, protocol_version)
    profiler = Profiler(
        prices.steps, functions, budget.cpu, budget.memory, case_constants=protocol_version >= 11
    )
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
