"""The evaluator against the programs of Plutus' conformance suite: result, CPU and memory of each.

The folder that MILESTONES_PLUTUS_CONFORMANCE names has them, in `programs.jsonl`.
"""

from __future__ import annotations

import importlib.util
import json
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from milestones.devnet.ledger.parameters import PLUTUS_V3
from milestones.devnet.ledger.plutus import terms, values
from milestones.devnet.ledger.plutus.data import encode_data
from milestones.devnet.ledger.plutus.flat import MalformedScript
from milestones.devnet.ledger.plutus.functions import functions_of
from milestones.devnet.ledger.plutus.functions_crypto import UnsupportedFunction
from milestones.devnet.ledger.plutus.machine import Machine
from milestones.devnet.ledger.plutus.prices import MOST
from milestones.devnet.ledger.plutus.profiler import Profiler
from milestones.devnet.ledger.plutus.script_failures import ScriptFailure
from milestones.devnet.ledger.plutus.values import CLOSURE, PARTIAL, STRUCTURE, SUSPENSION

VARIABLE = "MILESTONES_PLUTUS_CONFORMANCE"
PROGRAMS = 901
BUDGET = 1 << 80


@lru_cache(maxsize=1)
def programs() -> list[dict[str, Any]]:
    path = Path(os.environ[VARIABLE]) / "programs.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(flat: bytes) -> tuple[Any, ...]:
    """(the resulting program, CPU, memory)."""
    program = terms.read_program(flat, "plutus:v3", 11)
    if program.free is not None:
        raise MalformedScript("a free variable")
    prices, functions = functions_of(PLUTUS_V3, "plutus:v3", 11)
    machine = Machine(prices.steps, functions, BUDGET, BUDGET, 11)
    value = machine.run(program.term)
    # Sums saturate.
    used = (min(BUDGET - left, MOST) for left in (machine.cpu, machine.memory))
    return (discharged(value), *used)


def outcome(program: dict[str, Any]) -> Any:
    try:
        return run(bytes.fromhex(program["flat"]))
    except ScriptFailure:
        return "evaluation failure"
    except MalformedScript:
        return "not well-formed"


def expected(program: dict[str, Any]) -> Any:
    if "expected" in program:
        return program["expected"]
    result = terms.read_program(bytes.fromhex(program["result"]), "plutus:v3", 11)
    return shown(result.term, 0, ()), program["cpu"], program["memory"]


def discharged(value: Any) -> Any:
    """A value of the machine as a term: closures' environments put in."""
    if not isinstance(value, tuple):
        return ("constant", constant(value))
    if value[0] == CLOSURE:
        return shown(value[4], 0, value[3])
    if value[0] == SUSPENSION:
        return shown(value[3], 0, value[2])
    if value[0] == STRUCTURE:
        return ("constr", value[1], [discharged(each) for each in value[2]])
    assert value[0] == PARTIAL
    _, function, forces, arguments = value
    term: Any = ("builtin", function.tag)
    for _ in range(function.forces - forces):
        term = ("force", term)
    for argument in arguments:
        term = ("apply", term, discharged(argument))
    return term


def flattened(environment: tuple[Any, ...]) -> list[Any]:
    bound: list[Any] = []
    while environment:
        bound = [*environment[1:], *bound]
        environment = environment[0] or ()
    return bound


def shown(term: Any, inside: int, environment: tuple[Any, ...]) -> Any:  # noqa: C901, PLR0911
    """A term, whose free variables an environment has; `inside` so many lambdas of its own."""
    if term[0] in (terms.LET, terms.CALL):
        term = term[-1]
    operation = term[0]
    if operation in (terms.VAR, terms.OUTER, terms.FREE):
        index = term[-1]
        bound = flattened(environment)
        if inside < index <= inside + len(bound):
            return discharged(bound[-(index - inside)])
        return ("var", index)
    if operation == terms.LAMBDA:
        return ("lam", shown(term[1], inside + 1, environment))
    if operation in (terms.DELAY, terms.FORCE):
        name = "delay" if operation == terms.DELAY else "force"
        return (name, shown(term[1], inside, environment))
    if operation == terms.APPLY:
        return ("apply", *(shown(each, inside, environment) for each in term[1:]))
    if operation == terms.CONSTANT:
        return ("constant", constant(term[1]))
    if operation == terms.BUILTIN:
        return ("builtin", term[1])
    if operation == terms.CONSTR:
        return ("constr", term[1], [shown(each, inside, environment) for each in term[2]])
    if operation == terms.CASE:
        branches = [shown(each, inside, environment) for each in term[2]]
        return ("case", shown(term[1], inside, environment), branches)
    return ("error",)


def constant(value: Any) -> Any:  # noqa: PLR0911
    """A constant with its type, to compare."""
    kind = values.kind_of(value)
    if isinstance(value, values.Cell):
        return kind, [constant(each) for each in value]
    if isinstance(value, values.Array):
        return kind, [constant(each) for each in value.items]
    if isinstance(value, values.Pair):
        return kind, constant(value.first), constant(value.second)
    if isinstance(value, values.Data):
        return kind, encode_data(value)
    if isinstance(value, values.Tokens):
        return kind, value.policies
    if isinstance(value, values.Curve):
        return kind, value.point.compress()
    return kind, value


def profiled(flat: bytes) -> tuple[Any, ...]:
    """What the machine takes, what the profiler does, and what its profile adds up to: (CPU, memory) each."""
    program = terms.read_program(flat, "plutus:v3", 11)
    prices, functions = functions_of(PLUTUS_V3, "plutus:v3", 11)
    machine = Machine(prices.steps, functions, BUDGET, BUDGET, 11)
    with suppress(ScriptFailure):
        machine.run(program.term)
    profiler = Profiler(prices.steps, functions, BUDGET, BUDGET, 11)
    stacks = profiler.run(program.term, program.term).stacks
    added_up = (sum(each.units.cpu for each in stacks), sum(each.units.memory for each in stacks))
    return *((BUDGET - each.cpu, BUDGET - each.memory) for each in (machine, profiler)), added_up


def test_every_program_costs_the_same_step_by_step() -> None:
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} names no folder with the conformance programs")
    differences, count = [], 0
    for program in programs():
        try:
            costs = profiled(bytes.fromhex(program["flat"]))
        except (MalformedScript, UnsupportedFunction):
            continue
        count += 1
        if len(set(costs)) > 1:
            differences.append(f"{program['name']}: {costs}")
    assert differences == []
    assert count > PROGRAMS * 4 // 5


def test_every_program_of_the_suite_ends_as_expected() -> None:
    """Without the library for BLS12-381 its programs are refused by name, and the others run."""
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} names no folder with the conformance programs")
    assert len(programs()) == PROGRAMS
    differences, refused = [], []
    for program in programs():
        try:
            found, wanted = outcome(program), expected(program)
        except UnsupportedFunction as unsupported:
            refused.append(unsupported.function)
            continue
        if found != wanted:
            differences.append(f"{program['name']}: {str(found)[:300]}, not {str(wanted)[:300]}")
    assert differences == []
    assert all(function.startswith("bls12_381_") for function in refused)
    assert not refused or importlib.util.find_spec("pyblst") is None
