"""The evaluator of Plutus scripts: exact in verdict, units and logs at protocol versions 10 and 11.

`evaluate` is the way in. Variants of the semantics, prices and bounds follow from the language and the
protocol version. Source: IntersectMBO/plutus 1.68.0.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.plutus.data import decode_data
from milestones.devnet.ledger.plutus.flat import MalformedScript
from milestones.devnet.ledger.plutus.functions import functions_of
from milestones.devnet.ledger.plutus.machine import Machine, ScriptFailure
from milestones.devnet.ledger.plutus.terms import (
    APPLY,
    CONSTANT,
    Term,
    flat_bytes,
    read_program,
)


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


def evaluate(
    code: bytes,
    arguments: Sequence[bytes],
    *,
    language: str,
    protocol_version: int,
    model: Sequence[int],
    budget: ExecutionUnits,
) -> Result:
    """Runs a script (a CBOR byte string) on arguments (CBOR of Plutus Data) within a budget.

    `language` is `plutus:v1` to `plutus:v3`. Raises `InvalidEncoding` for arguments that are no data,
    `UnsupportedFunction` where a function's library is missing.
    """
    nothing = ExecutionUnits(0, 0)
    try:
        program = read_program(flat_bytes(code, language), language, protocol_version)
    except MalformedScript as malformed:
        return Result(nothing, failure="malformed", reason=malformed.message)
    if program.is_open:
        return Result(nothing, failure="open", reason="the script has a free variable")
    term: Term = program.term
    for argument in arguments:
        term = (APPLY, term, (CONSTANT, decode_data(argument)))
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
    units = ExecutionUnits(budget.memory - machine.memory, budget.cpu - machine.cpu)
    return Result(units, tuple(machine.logs), failure, reason)
