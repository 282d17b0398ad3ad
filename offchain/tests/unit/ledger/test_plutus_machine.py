"""The evaluator by itself: what budgets, versions and nesting do."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from milestones.cardano import cbor
from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.parameters import PLUTUS_V1, PLUTUS_V2, PLUTUS_V3
from milestones.devnet.ledger.plutus import crypto, data, evaluate, values
from milestones.devnet.ledger.plutus import terms as t
from milestones.devnet.ledger.plutus.functions import functions_of
from milestones.devnet.ledger.plutus.machine import SLIPPAGE, Machine
from milestones.devnet.ledger.plutus.prices import MOST, read_prices
from milestones.devnet.ledger.plutus.script_failures import ScriptFailure
from milestones.devnet.ledger.plutus.signatures import SIGNATURES
from milestones.devnet.ledger.plutus.terms import Term
from milestones.errors import InvalidEncoding

MODELS = {"plutus:v1": PLUTUS_V1, "plutus:v2": PLUTUS_V2, "plutus:v3": PLUTUS_V3}
TAGS = {each.name: each.tag for each in SIGNATURES}
STEP, STEP_MEMORY, STARTUP = 16_000, 100, 100
PLENTY = 1 << 62


def const(value: Any) -> Term:
    return (t.CONSTANT, value)


def apply(function: Term, *arguments: Term) -> Term:
    for argument in arguments:
        function = t._application(function, argument)
    return function


def plain(term: Term) -> Term:
    """The same without terms that count several steps at once, at the top of it."""
    return term[-1] if term[0] in (t.LET, t.CALL) else term


def call(name: str, *arguments: Term) -> Term:
    function: Term = (t.BUILTIN, TAGS[name])
    for _ in range(SIGNATURES[TAGS[name]].forces):
        function = (t.FORCE, function)
    return apply(function, *arguments)


def machine(
    cpu: int = PLENTY,
    *,
    language: str = "plutus:v3",
    version: int = 11,
    model: tuple[int, ...] = (),
) -> Machine:
    prices, functions = functions_of(model or MODELS[language], language, version)
    return Machine(prices.steps, functions, cpu, PLENTY, version)


def used(term: Term, **options: Any) -> tuple[Any, int]:
    """(value, CPU) of a run."""
    run = machine(**options)
    return run.run(term), PLENTY - run.cpu


def logged(term: Term) -> list[str]:
    """What a script logs that fails."""
    run = machine()
    with pytest.raises(ScriptFailure):
        run.run(term)
    return run.logs


def forced(count: int, term: Term) -> Term:
    """2·count + 1 steps and those of `term`."""
    for _ in range(count):
        term = (t.FORCE, (t.DELAY, term))
    return term


@pytest.mark.parametrize(("steps", "seen"), [(SLIPPAGE - 8, True), (SLIPPAGE + 2, False)])
def test_a_script_may_still_trace_while_steps_stand_open(steps: int, seen: bool) -> None:
    """`trace` is reached over a budget that lasts for the function alone."""
    trace = call("trace", const("here"), const(None))
    _, alone = used(trace)
    run = machine(alone)
    with pytest.raises(ScriptFailure) as failed:
        run.run(forced(steps // 2, trace))
    assert failed.value.kind == "budget"
    assert run.logs == (["here"] if seen else [])


def test_what_a_failing_script_leaves_open_is_not_paid() -> None:
    run = machine()
    with pytest.raises(ScriptFailure):
        run.run(forced(120, (t.ERROR,)))
    assert PLENTY - run.cpu == STARTUP + SLIPPAGE * STEP
    assert PLENTY - run.memory == STARTUP + SLIPPAGE * STEP_MEMORY


@pytest.mark.parametrize("pairs", range(96, 102))
@pytest.mark.parametrize(
    ("term", "steps"),
    [
        (apply((t.LAMBDA, (t.ERROR,), False), const(3)), 3),
        (call("headList", (t.ERROR,)), 3),
    ],
)
def test_steps_counted_together_are_paid_as_soon_as_200_stand_open(
    pairs: int, term: Term, steps: int
) -> None:
    """A script that fails right after them shows it."""
    assert term[0] in (t.LET, t.CALL)
    run = machine()
    with pytest.raises(ScriptFailure):
        run.run(forced(pairs, term))
    open_steps = 2 * pairs + steps
    assert PLENTY - run.cpu == STARTUP + (200 * STEP if open_steps >= 200 else 0)


@pytest.mark.parametrize("before", range(SLIPPAGE - 12, SLIPPAGE + 4))
def test_steps_counted_together_cost_what_they_cost_one_by_one(before: int) -> None:
    """Wherever the 200 fall; each kind of step has a price of its own."""
    model = list(PLUTUS_V3)
    for place in range(17, 33):
        model[place] += 1_000 * place
    own = tuple(model)
    addition = call("addInteger", (t.VAR, 1, 1), const(5))
    term = apply((t.LAMBDA, addition, False), const(3))
    apart = (t.APPLY, (t.LAMBDA, plain(addition), False), const(3))
    assert (term[0], addition[0], plain(addition)[0]) == (t.LET, t.CALL, t.APPLY)
    together, alone = (used(forced(before // 2, each), model=own) for each in (term, apart))
    assert together == alone
    prices = read_prices(own, "plutus:v3", 11)
    kinds = ("apply", "apply", "apply", "lam", "const", "const", "var", "builtin", "startup")
    price = sum(prices.steps[kind][0] for kind in kinds)
    price += before // 2 * (prices.steps["force"][0] + prices.steps["delay"][0])
    assert together == (8, price + prices.functions[TAGS["addInteger"]](3, 5)[0])


@pytest.mark.parametrize("language", MODELS)
def test_a_cost_models_last_numbers_are_the_last_functions(language: str) -> None:
    model = MODELS[language]
    name, words = "scaleValue", values.Tokens({b"": {b"": 1}})
    cpu, per_entry, memory, memory_per_entry = model[-4:]
    prices = read_prices(model, language, 11)
    price = prices.functions[TAGS[name]](1, words)
    assert price == (cpu + per_entry, memory + memory_per_entry)
    assert prices.steps["constr"] == prices.steps["case"] == (STEP, STEP_MEMORY)
    short = read_prices(model[:-1], language, 11)
    assert short.functions[TAGS[name]](1, words) == (cpu + per_entry, MOST)
    assert read_prices((*model, 7), language, 11).functions[TAGS[name]](1, words) == price


def test_a_constant_has_branches_since_protocol_11() -> None:
    term = (t.CASE, const(True), (const(1), const(2)))
    assert used(term)[0] == 2
    with pytest.raises(ScriptFailure, match="not supported in protocol version 10"):
        used(term, version=10)


def test_protocol_11_bounds_integers_and_byte_strings() -> None:
    for name, most, line in (
        ("addInteger", 1 << 262_143, "Integer out of bounds"),
        ("appendByteString", bytes(65_537), "ByteString overflow"),
    ):
        other: Any = 0 if isinstance(most, int) else b""
        assert used(call(name, const(most), const(other)), version=10)[0] == most
        assert logged(call(name, const(most), const(other))) == [line]


def test_division_by_a_longer_number_costs_more_since_protocol_11() -> None:
    term = call("divideInteger", const(1), const(1 << 640))
    assert used(term, version=11)[1] > used(term, version=10)[1]


def test_languages_differ_where_a_byte_is_put_before_others() -> None:
    term = call("consByteString", const(257), const(b"b"))
    assert used(term, language="plutus:v2")[0] == b"\x01b"
    assert logged(term) == ["257 is not within the bounds of Word8"]


def test_a_v3_script_must_return_the_unit() -> None:
    seven = cbor.encode_bytes(bytes.fromhex("010000480381"))
    budget = ExecutionUnits(10_000, 10_000_000)
    assert evaluate(Script("plutus:v2", seven), [], PLUTUS_V2, budget, 11).succeeded
    result = evaluate(Script("plutus:v3", seven), [], PLUTUS_V3, budget, 11)
    assert (result.failure, result.units) == ("return", ExecutionUnits(200, 16_100))


def test_variables_are_found_across_blocks_of_the_environment() -> None:
    r"""`(\a b c … -> a) 0 1 2 …`, and every other variable."""
    count = 3 * t.BLOCK + 1
    for wanted in (0, 1, t.BLOCK - 1, t.BLOCK, 2 * t.BLOCK, count - 1):
        term = t._variable(count - wanted, count)
        for bound in reversed(range(count)):
            term = (t.LAMBDA, term, bound > 0 and bound % t.BLOCK == 0)
        assert used(apply(term, *(const(each) for each in range(count))))[0] == wanted


def test_deep_data_is_read_written_compared_and_weighed() -> None:
    depth = 200_000
    raw = b"\x9f" * depth + b"\x00" + b"\xff" * depth
    one, other = data.decode_data(raw), data.decode_data(raw)
    assert data.encode_data(one) == raw
    assert data.data_equal(one, other)
    assert data.data_size(one) == (4 * depth + 5, depth + 1)
    assert data.smaller_data_size(one, values.Data(values.NUMBER, 0)) == 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("00", "01"),
        ("00", "40"),
        ("41 00", "41 01"),
        ("82 00 01", "82 00 02"),
        ("82 00 01", "81 00"),
        ("80", "a0"),
        ("a1 00 01", "a1 00 02"),
        ("a1 00 01", "a1 02 01"),
        ("a2 00 01 02 03", "a1 00 01"),
        ("a2 00 01 02 03", "a2 02 03 00 01"),
        ("d8 79 80", "d8 7a 80"),
        ("d8 79 81 00", "d8 79 81 01"),
        ("d8 79 81 00", "81 00"),
        ("a1 00 a1 00 81 01", "a1 00 a1 00 81 02"),
    ],
)
def test_data_that_differs_anywhere_is_not_equal(one: str, other: str) -> None:
    first, second = (data.decode_data(bytes.fromhex(raw)) for raw in (one, other))
    assert not data.data_equal(first, second)
    assert not data.data_equal(second, first)
    assert data.data_equal(first, data.decode_data(bytes.fromhex(one)))


@pytest.mark.parametrize(
    ("raw", "plain_raw"),
    [
        ("d8 66 9f 18 9f 80 ff", "d8 66 82 18 9f 80"),
        ("82 01 5f 41 61 41 62 ff", "9f 01 42 61 62 ff"),
        ("bf 01 02 ff", "a1 01 02"),
        ("c2 42 01 00", "19 01 00"),
        ("d9 05 00 80", "d9 05 00 80"),
        ("3b ff ff ff ff ff ff ff ff", "3b ff ff ff ff ff ff ff ff"),
    ],
)
def test_data_has_one_encoding_on_the_way_out(raw: str, plain_raw: str) -> None:
    read = data.decode_data(bytes.fromhex(raw))
    assert data.encode_data(read) == bytes.fromhex(plain_raw)


@pytest.mark.parametrize(
    ("index", "raw"),
    [
        (-1, "d8 66 82 20 80"),
        ((1 << 64) - 1, "d8 66 82 1b ff ff ff ff ff ff ff ff 80"),
        (1 << 64, "d8 66 82 c2 49 01 00 00 00 00 00 00 00 00 80"),
        (-1 - (1 << 64), "d8 66 82 c3 49 01 00 00 00 00 00 00 00 00 80"),
        (1 << 512, "d8 66 82 c2 58 41 01" + "00" * 64 + "80"),
    ],
)
def test_a_constructor_of_any_index_can_be_written(index: int, raw: str) -> None:
    """`constrData` builds one; a chain that could not write it would stop at its script."""
    assert data.encode_data(values.constructor(index, values.EMPTY_DATA)) == bytes.fromhex(raw)


@pytest.mark.parametrize(
    "raw",
    ["", "82 01", "bf 01 ff", "d8 79 01", "61 61", "f5", "00 00", "58 41" + "00" * 65, "1c", "ff"],
)
def test_what_is_no_data_is_refused(raw: str) -> None:
    with pytest.raises(InvalidEncoding):
        data.decode_data(bytes.fromhex(raw))


def test_hashes_that_are_written_out() -> None:
    assert crypto.keccak_256(b"").hex() == (
        "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    )
    # Source: the paper's own examples.
    assert crypto.plain_ripemd_160(b"").hex() == "9c1185a5c5e9fc54612808977ee8f548b2258d31"
    assert crypto.plain_ripemd_160(b"abc").hex() == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"
    for length in (55, 56, 63, 64, 65, 200):
        message = bytes(range(length))
        assert crypto.ripemd_160(message) == crypto.plain_ripemd_160(message)


def test_keys_and_signatures_of_other_lengths_fail() -> None:
    digest = hashlib.sha256(b"").digest()
    for name in ("Ed25519", "EcdsaSecp256k1", "SchnorrSecp256k1"):
        function = f"verify{name}Signature"
        (line,) = logged(call(function, const(b"\x02"), const(digest), const(bytes(64))))
        assert line.endswith("signature verification: Invalid verification key.")
