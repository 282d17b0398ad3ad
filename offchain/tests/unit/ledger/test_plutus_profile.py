"""Profiles: they add up to what the machine takes, and say where. The script's map, and its labels."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milestones.cardano import cbor
from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.parameters import PLUTUS_V3
from milestones.devnet.ledger.plutus import profile, values
from milestones.devnet.ledger.plutus import terms as t
from milestones.devnet.ledger.plutus.functions import functions_of
from milestones.devnet.ledger.plutus.machine import SLIPPAGE, Machine
from milestones.devnet.ledger.plutus.profile import (
    DEEPEST,
    MOST_STACKS,
    MOST_TEXTS,
    Cost,
    FunctionCost,
    Profile,
)
from milestones.devnet.ledger.plutus.profiler import Profiler
from milestones.devnet.ledger.plutus.script_failures import ScriptFailure
from milestones.devnet.ledger.plutus.script_map import LABEL_LENGTH, read_map
from milestones.devnet.ledger.plutus.signatures import SIGNATURES
from milestones.devnet.ledger.plutus.terms import Term
from tests.support.profiles import sums
from tests.support.random_scripts import FINGERPRINT_V3

PLENTY = 1 << 62
TAGS = {each.name: each.tag for each in SIGNATURES}
ERROR: Term = (t.ERROR,)


def const(value: Any) -> Term:
    return (t.CONSTANT, value)


def var(slot: int) -> Term:
    return (t.VAR, slot, 1)


def lam(body: Term) -> Term:
    return (t.LAMBDA, body, False)


def apply(function: Term, *arguments: Term) -> Term:
    for argument in arguments:
        function = t._application(function, argument)
    return function


def call(name: str, *arguments: Term) -> Term:
    function: Term = (t.BUILTIN, TAGS[name])
    for _ in range(SIGNATURES[TAGS[name]].forces):
        function = (t.FORCE, function)
    return apply(function, *arguments)


def expect(condition: Term, label: str, then: Term) -> Term:
    """As Aiken compiles it with traces."""
    failure = (t.FORCE, call("trace", const(label), (t.DELAY, ERROR)))
    branches = ((t.DELAY, then), (t.DELAY, failure))
    return (t.FORCE, call("ifThenElse", condition, *branches))


def forced(count: int, term: Term) -> Term:
    for _ in range(count):
        term = (t.FORCE, (t.DELAY, term))
    return term


def profiled(term: Term, cpu: int = PLENTY, *, memory: int = PLENTY) -> Profile:
    """A profile that is held against the machine."""
    prices, functions = functions_of(PLUTUS_V3, "plutus:v3", 11)
    machine = Machine(prices.steps, functions, cpu, memory, 11)
    failed = None
    try:
        machine.run(term)
    except ScriptFailure as failure:
        failed = failure.kind
    profiler = Profiler(prices.steps, functions, cpu, memory, 11)
    found = profiler.run(term, term)
    assert (profiler.cpu, profiler.memory) == (machine.cpu, machine.memory), failed
    paid = ExecutionUnits(memory - machine.memory, cpu - machine.cpu)
    assert sums(found) == [paid] * 4
    return found


def stacks(found: Profile) -> set[tuple[str, ...]]:
    return {each.frames for each in found.stacks}


def of(found: Profile, frame: str) -> FunctionCost:
    (cost,) = (each for each in found.functions if each.frame == frame)
    return cost


def test_kinds_of_steps_and_functions_are_counted() -> None:
    addition = call("addInteger", var(1), const(5))
    found = profiled(apply(lam(addition), const(3)))
    assert {kind: cost.count for kind, cost in found.steps.items()} == {
        "apply": 3,
        "const": 2,
        "lam": 1,
        "var": 1,
        "builtin": 1,
        "startup": 1,
    }
    assert found.steps["apply"] == Cost(3, 300, 48_000)
    assert found.steps["startup"] == Cost(1, 100, 100)
    (name, cost), *others = found.builtins.items()
    assert (name, cost.count, others) == ("addInteger", 1, [])


@pytest.mark.parametrize("steps", [SLIPPAGE - 2, SLIPPAGE, SLIPPAGE + 2, 3 * SLIPPAGE])
@pytest.mark.parametrize("last", ["error", "free", "function", "wrong", "case", "none"])
def test_of_a_failing_script_only_what_is_paid_is_in_it(steps: int, last: str) -> None:
    ends: dict[str, Term] = {
        "error": ERROR,
        "free": (t.FREE, 7),
        "function": call("headList", const(values.Cell(values.INTEGER))),
        "wrong": call("addInteger", const(1), const(b"")),
        "case": (t.CASE, const(5), (const(1),)),
        "none": const(1),
    }
    for more in range(5):
        found = profiled(forced(steps // 2 - 2 + more, ends[last]))
        assert sum(each.count for each in found.steps.values()) >= 1


def test_however_small_the_budget_is_what_was_paid_is_in_it() -> None:
    body = expect(call("lessThanInteger", var(1), const(9)), "below 9", forced(150, var(1)))
    function = lam(
        apply(lam(call("addInteger", var(2), call("addInteger", var(2), const(1)))), body)
    )
    term = call("trace", const("begun"), apply(function, const(3)))
    whole = sums(profiled(term))[0]
    for number in range(60):
        profiled(term, whole.cpu * number // 59)
        profiled(term, memory=whole.memory * number // 59)


def test_a_v3_script_is_profiled_with_its_verdict() -> None:
    script = Script("plutus:v3", FINGERPRINT_V3)
    budget = ExecutionUnits(14_000_000, 10_000_000_000)
    for argument in (b"\x07", b"\xd8\x79\x80"):
        result, found = profile(script, [argument], PLUTUS_V3, budget, 11)
        assert sums(found) == [result.units] * 4
    malformed = Script("plutus:v3", cbor.encode_bytes(b"\xff"))
    result, found = profile(malformed, [b"\x07"], PLUTUS_V3, budget, 11)
    assert (result.failure, sums(found)) == ("malformed", [ExecutionUnits(0, 0)] * 4)


def test_functions_are_named_by_the_number_of_their_lambda() -> None:
    r"""`(\f -> f 1 (f 2 3)) (\x y -> x + y)`: the first is a `let`; the second and third are one function."""
    addition = lam(lam(call("addInteger", var(2), var(3))))
    script = lam(apply(lam(apply(var(2), const(1), apply(var(2), const(2), const(3)))), addition))
    found = profiled(apply(script, const(None)))
    assert {each.frame: each.own.count for each in found.functions} == {"script": 1, "i_2": 2}
    assert stacks(found) == {("script",), ("script", "i_2"), ("script", "i_2", "addInteger")}
    assert of(found, "script").total.units == sums(found)[0]
    assert of(found, "i_2").own.units == of(found, "i_2").total.units


def test_several_arguments_may_be_given_by_a_case() -> None:
    r"""As Aiken does it: `case (constr 0 1 2) (\x y -> x + y)` is a `let`, of a variable it is a call."""
    addition = lam(lam(call("addInteger", var(1), var(2))))
    pair = (t.CONSTR, 0, (const(1), const(2)))
    assert stacks(profiled((t.CASE, pair, (addition,)))) == {("script",), ("script", "addInteger")}
    called = apply(lam((t.CASE, pair, (var(1),))), addition)
    assert stacks(profiled(called)) == {
        ("script",),
        ("script", "i_1"),
        ("script", "i_1", "addInteger"),
    }


def test_a_closure_of_too_few_arguments_is_a_function() -> None:
    r"""`(\f -> f 2 + f 3) ((\x -> \y -> x + y) 1)`: of the two lambdas in a row only the first is a `let`."""
    twice = lam(call("addInteger", apply(var(1), const(2)), apply(var(1), const(3))))
    partial = apply(lam(lam(call("addInteger", var(1), var(2)))), const(1))
    assert of(profiled(apply(twice, partial)), "i_2").own.count == 2


def test_recursion_makes_no_stack_deeper() -> None:
    r"""`(\f -> f f 50) (\self n -> if n < 1 then n else self self (n - 1))`."""
    smaller = call("subtractInteger", var(2), const(1))
    again = (t.DELAY, apply(var(1), var(1), smaller))
    done = call("lessThanInteger", var(2), const(1))
    body = (t.FORCE, call("ifThenElse", done, (t.DELAY, var(2)), again))
    found = profiled(apply(lam(apply(var(1), var(1), const(50))), lam(lam(body))))
    assert max(map(len, stacks(found))) == 3
    assert of(found, "i_1").own.count == 51
    assert found.builtins["lessThanInteger"].count == 51


def test_what_is_delayed_belongs_to_where_it_was_written() -> None:
    r"""`(\f -> f (delay (1 + 2))) (\x -> force x)`."""
    thunk = (t.DELAY, call("addInteger", const(1), const(2)))
    term = apply(lam(apply(var(1), thunk)), lam((t.FORCE, var(1))))
    assert ("script", "addInteger") in stacks(profiled(term))


def test_a_checks_condition_goes_by_its_label_and_what_follows_does_not() -> None:
    then = expect(call("lessThanInteger", const(2), const(1)), "one  is\nmore", const(1))
    condition = call("equalsInteger", call("addInteger", const(1), const(1)), const(2))
    traced = (t.FORCE, call("trace", const("so far"), (t.DELAY, then)))
    found = profiled(expect(condition, "sum", traced))
    assert {("script", "“sum”", "addInteger"), ("script", "“sum”", "equalsInteger")} < stacks(found)
    assert ("script", "“one is more”", "lessThanInteger") in stacks(found)
    assert ("script", "“so far”", "trace") in stacks(found)
    assert of(found, "script").labels == ("sum", "so far", "one is more")
    assert of(found, "“sum”").own.count == 1
    assert list(found.traces) == ["", "so far", "one is more"]


def test_a_label_names_a_check_that_is_a_case() -> None:
    failure = (t.FORCE, call("trace", const("is true"), (t.DELAY, ERROR)))
    condition = call("lessThanInteger", const(1), const(2))
    found = profiled((t.CASE, condition, (failure, call("addInteger", const(1), const(2)))))
    assert ("script", "“is true”", "lessThanInteger") in stacks(found)
    assert ("script", "addInteger") in stacks(found)


def test_conditions_that_call_functions_have_them_inside() -> None:
    r"""`(\f -> expect f 1) (\x -> x < 2)`; what `&&` delays belongs to the check too."""
    both = (
        t.FORCE,
        call("ifThenElse", const(True), (t.DELAY, apply(var(1), const(1))), const(None)),
    )
    script = apply(
        lam(expect(both, "below 2", const(1))), lam(call("lessThanInteger", var(1), const(2)))
    )
    assert ("script", "“below 2”", "i_1", "lessThanInteger") in stacks(profiled(script))


def test_a_text_that_is_only_bound_is_no_label() -> None:
    assert read_map(apply(lam(call("encodeUtf8", var(1))), const("text"))).labels == {}


def test_long_labels_are_cut() -> None:
    term = expect(const(True), "x" * 500, const(1))
    (label,) = read_map(term).labels_of["script"]
    assert label == "x" * (LABEL_LENGTH - 1) + "…"


def test_scripts_are_looked_through_without_recursion() -> None:
    for wrap in (lam, lambda each: (t.DELAY, each), lambda each: (t.CONSTR, 0, (each,))):
        term = const(1)
        for _ in range(50_000):
            term = wrap(term)
        read_map(term)


def test_a_profile_has_bounds_and_still_adds_up() -> None:
    """A stack over `DEEPEST`, more places than `MOST_STACKS`, more texts than `MOST_TEXTS`."""
    chain: Term = const(1)
    for _ in range(2 * DEEPEST):
        chain = apply((t.FORCE, (t.DELAY, (t.LAMBDA, chain, True))), const(1))
    assert max(map(len, stacks(profiled(chain)))) == DEEPEST
    wide: Term = const(1)
    for number in range(MOST_STACKS + 50):
        step = apply((t.FORCE, (t.DELAY, (t.LAMBDA, const(number), True))), const(1))
        wide = call("addInteger", step, wide)
    found = profiled(wide)
    assert len(found.functions) == MOST_STACKS
    texts: Term = const(1)
    for number in range(MOST_TEXTS + 50):
        texts = call("trace", const(f"text {number}"), (t.FORCE, (t.DELAY, texts)))
    assert len(profiled(texts).traces) == MOST_TEXTS


@settings(max_examples=200)
@given(st.data(), st.sampled_from((PLENTY, 400_000, 3_000_000)))
def test_any_term_costs_the_same_in_both_machines(data: st.DataObject, cpu: int) -> None:
    profiled(data.draw(terms(4, 0)), cpu)


@cache
def terms(depth: int, bound: int) -> st.SearchStrategy[Term]:
    """Terms of all kinds with so many variables to choose from; many fail."""
    leaves = st.builds(const, st.sampled_from((1, 2, True, False, None, b"ab", "text")))
    if bound:
        leaves |= st.builds(var, st.integers(1, bound))
    if not depth:
        return leaves
    inner, more = terms(depth - 1, bound), terms(depth - 1, bound + 1)
    several = st.lists(inner, max_size=3).map(tuple)
    names = st.sampled_from(("addInteger", "lessThanInteger", "chooseUnit", "trace"))
    return st.one_of(
        leaves,
        st.builds(lam, more),
        st.builds(lambda body, given: apply(lam(body), given), more, inner),
        st.builds(apply, inner, inner),
        st.builds(lambda each: (t.FORCE, each), inner),
        st.builds(lambda each: (t.DELAY, each), inner),
        st.builds(lambda tag, fields: (t.CONSTR, tag, fields), st.integers(0, 2), several),
        st.builds(lambda given, branches: (t.CASE, given, branches), inner, several),
        st.builds(expect, inner, st.sampled_from(("one", "two")), inner),
        st.builds(call, names, inner, inner),
    )
