"""Where the evaluator's bounds lie: what just passes, and what just doesn't."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.cardano import cbor
from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.parameters import PLUTUS_V3
from milestones.devnet.ledger.plutus import Result, evaluate, is_well_formed, values
from milestones.devnet.ledger.plutus.data import decode_data
from milestones.devnet.ledger.plutus.functions_crypto import (
    UnsupportedFunction,
    crypto_functions,
    verify_ecdsa,
    verify_schnorr,
)
from milestones.devnet.ledger.plutus.functions_numbers import BuiltinFailure
from milestones.devnet.ledger.plutus.values import Kind, Tokens, cells
from tests.support.plutus_terms import (
    ERROR,
    UNIT,
    Term,
    application,
    call,
    case,
    const,
    constr,
    delay,
    force,
    lam,
    program,
    var,
)

PLENTY = ExecutionUnits(10**9, 10**13)
MOST = (1 << 127) - 1
MOST_SCALAR = (1 << 4095) - 1


def ran(term: Term, budget: ExecutionUnits = PLENTY) -> Result:
    return evaluate(script_of(term), [], PLUTUS_V3, budget, 11)


def script_of(term: Term) -> Script:
    return Script("plutus:v3", cbor.encode_bytes(program(term)))


def dropped(term: Term) -> Term:
    """The unit, once a term has a value."""
    return application(lam(UNIT), term)


def numbers(count: int) -> values.Cell:
    return cells(values.INTEGER, [0] * count)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("integerToByteString", (True, 8192, 1), (True, 8193, 1)),
        ("integerToByteString", (True, 0, (1 << 65_536) - 1), (True, 0, 1 << 65_536)),
        ("integerToByteString", (True, 1, 255), (True, 1, 256)),
        ("replicateByte", (8192, 0), (8193, 0)),
        ("writeBits", (bytes(4096), numbers(0), True), (bytes(4097), numbers(0), True)),
        ("expModInteger", (1, 1, (1 << 8191) - 1), (1, 1, 1 << 8191)),
        ("expModInteger", ((1 << 8191) - 1, 1, 7), (1 << 8191, 1, 7)),
        ("expModInteger", (-(1 << 8191), 1, 7), (-(1 << 8191) - 1, 1, 7)),
        ("insertCoin", (b"", b"", MOST, Tokens({})), (b"", b"", MOST + 1, Tokens({}))),
        ("insertCoin", (b"", b"", -MOST - 1, Tokens({})), (b"", b"", -MOST - 2, Tokens({}))),
        ("insertCoin", (bytes(32), bytes(32), 1, Tokens({})), (b"", bytes(33), 1, Tokens({}))),
        (
            "unionValue",
            (Tokens({b"": {b"": MOST - 1}}), Tokens({b"": {b"": 1}})),
            (Tokens({b"": {b"": MOST}}), Tokens({b"": {b"": 1}})),
        ),
        ("scaleValue", (-1, Tokens({b"": {b"": MOST}})), (-1, Tokens({b"": {b"": -MOST - 1}}))),
        ("readBit", (b"\x00", 7), (b"\x00", 8)),
        ("indexByteString", (b"\x00", 0), (b"\x00", -1)),
    ],
)
def test_functions_at_their_bounds(name: str, good: tuple[Any, ...], bad: tuple[Any, ...]) -> None:
    assert ran(dropped(call(name, *map(const, good)))).succeeded
    assert ran(dropped(call(name, *map(const, bad)))).failure == "function"


def test_a_value_of_40_000_entries_becomes_data_and_none_of_more() -> None:
    names = {number.to_bytes(2, "big"): 1 for number in range(40_000)}
    assert ran(dropped(call("valueData", const(Tokens({b"": names}))))).succeeded
    more = const(Tokens({b"": names, b"\x01": {b"": 1}}))
    assert ran(dropped(call("valueData", more))).failure == "function"


@pytest.mark.parametrize("raw", ["a2 40 a1 40 01 40 a1 40 01", "a1 40 a2 40 01 40 01"])
def test_keys_of_a_value_stand_once(raw: str) -> None:
    assert ran(call("unValueData", const(decode_data(bytes.fromhex(raw))))).failure == "function"


def equal(left: Term, right: Any) -> bool:
    """Whether a term that gives a value is worth another value."""
    data = call("valueData", const(right))
    test = call("equalsData", call("valueData", left), data)
    return ran(force(call("ifThenElse", test, delay(UNIT), delay(ERROR)))).succeeded


def test_what_is_taken_out_of_a_value_leaves_nothing_empty() -> None:
    full = Tokens({b"": {b"": 1}, b"\x01": {b"": 2, b"\x01": 3}})
    out = call("insertCoin", const(b""), const(b""), const(0), const(full))
    assert equal(out, Tokens({b"\x01": {b"": 2, b"\x01": 3}}))
    one = call("insertCoin", const(b"\x01"), const(b""), const(0), const(full))
    assert equal(one, Tokens({b"": {b"": 1}, b"\x01": {b"\x01": 3}}))
    union = call("unionValue", const(full), const(Tokens({b"": {b"": -1}})))
    assert equal(union, Tokens({b"\x01": {b"": 2, b"\x01": 3}}))
    assert equal(call("scaleValue", const(0), const(full)), Tokens({}))
    assert equal(
        call("scaleValue", const(-2), const(full)),
        Tokens({b"": {b"": -2}, b"\x01": {b"": -4, b"\x01": -6}}),
    )


@pytest.mark.parametrize(
    ("value", "branches", "good"),
    [
        (True, 2, True),
        (True, 1, False),
        (True, 3, False),
        (False, 1, True),
        (False, 3, False),
        (1, 2, True),
        (1, 1, False),
        (-1, 2, False),
        (None, 1, True),
        (None, 2, False),
        (cells(values.INTEGER, []), 2, True),
        (cells(values.INTEGER, []), 1, False),
        (cells(values.INTEGER, []), 3, False),
    ],
)
def test_how_many_branches_a_constant_may_have(value: Any, branches: int, good: bool) -> None:
    assert ran(case(const(value), *[UNIT] * branches)).succeeded is good


@pytest.mark.parametrize(("branches", "good"), [(1, True), (2, True), (3, False), (0, False)])
def test_a_list_and_its_branches(branches: int, good: bool) -> None:
    cons = lam(lam(UNIT))
    assert ran(case(const(numbers(1)), *[cons] * branches)).succeeded is good


def test_fields_and_pairs_come_to_their_branch_in_order() -> None:
    """`3 - 1`, not the other way round."""
    two = lam(lam(call("subtractInteger", var(2), var(1))))
    pair = const(values.Pair(("pair", values.INTEGER, values.INTEGER), 3, 1))
    for scrutinee in (constr(0, const(3), const(1)), pair):
        # An integer of 2 has a third branch.
        assert ran(case(case(scrutinee, two), ERROR, ERROR, UNIT)).succeeded


def test_steps_stand_open_up_to_200() -> None:
    """A force and a delay are two steps, the error none: 199 of them are never paid, 200 are."""
    for forces, more, paid in ((99, False, 0), (99, True, 0), (100, False, 200), (100, True, 200)):
        term: Term = force(ERROR) if more else ERROR
        for _ in range(forces):
            term = force(delay(term))
        assert ran(term).units.cpu == 100 + 16_000 * paid


def test_a_script_is_paid_to_its_last_step_in_both_units() -> None:
    needed = ran(UNIT).units
    assert needed == ExecutionUnits(200, 16_100)
    assert ran(UNIT, needed).succeeded
    assert ran(UNIT, ExecutionUnits(199, 16_100)).failure == "budget"
    assert ran(UNIT, ExecutionUnits(200, 16_099)).failure == "budget"


def test_a_functions_price_ends_a_budget_in_either_unit() -> None:
    term = call("sha2_256", const(b""))
    needed = ran(term).units
    for short in (ExecutionUnits(1, 0), ExecutionUnits(0, 1)):
        left = ExecutionUnits(needed.memory - short.memory, needed.cpu - short.cpu)
        assert ran(term, left).failure == "budget"
    assert ran(term, needed).failure == "return"


def test_a_free_variable_behind_one_that_is_hidden() -> None:
    term = application(lam(application(lam(UNIT), constr(0, var(9)))), UNIT)
    assert ran(term).failure == "error"
    assert ran(application(lam(constr(0, var(9))), delay(var(3)))).reason == "Free index: 3"


@pytest.mark.parametrize(("version", "bounded"), [(11, True), (10, False)])
def test_sizes_of_terms(version: int, bounded: bool) -> None:
    """1,024 fields, and 32 parts of a type: two a list, one for what it holds."""
    assert is_well_formed(script_of(constr(0, *[UNIT] * 1024)), version)
    assert is_well_formed(script_of(constr(0, *[UNIT] * 1025)), version) is not bounded
    kind: Kind = ("pair", "bool", "bool")
    for _ in range(13):
        kind = ("list", kind)
    assert is_well_formed(script_of(const([], kind)), version)
    pair: Kind = ("pair", values.BOOL, kind)
    empty = values.Pair(pair, True, cells(kind[1], []))
    assert is_well_formed(script_of(const(empty)), version) is not bounded


def test_values_as_constants_are_in_order_and_without_nothing() -> None:
    def well_formed(policies: list[tuple[bytes, dict[bytes, int]]]) -> bool:
        tokens = Tokens(dict(policies))
        tokens.policies = _Items(policies)  # type: ignore[assignment]
        return is_well_formed(script_of(const(tokens)), 11)

    one = {b"": 1}
    assert well_formed([(b"", one), (b"\x00", one)])
    assert not well_formed([(b"", one), (b"", one)])
    assert not well_formed([(b"", {b"": 0})])
    assert not well_formed([(b"", {})])
    assert well_formed([(bytes(32), {b"": -(1 << 127)})])
    assert not well_formed([(bytes(33), one)])
    assert not well_formed([(b"", {b"": 1 << 127})])


class _Items:
    """A dictionary's items, of which two may be the same."""

    def __init__(self, items: list[tuple[bytes, dict[bytes, int]]]) -> None:
        self._items = items

    def items(self) -> list[tuple[bytes, dict[bytes, int]]]:
        return self._items


@pytest.mark.parametrize("group", ["G1", "G2"])
@pytest.mark.parametrize(
    ("scalar", "good"),
    [
        (MOST_SCALAR, True),
        (MOST_SCALAR + 1, False),
        (-MOST_SCALAR - 1, True),
        (-MOST_SCALAR - 2, False),
    ],
)
def test_a_scalar_has_4096_signed_bits_since_protocol_11(
    group: str, scalar: int, good: bool
) -> None:
    """The bound is looked at first, so the curve's library is not needed to see it."""
    arguments = cells(values.INTEGER, [scalar]), cells(f"bls12_381_{group}_element", [])
    for newest in (True, False):
        function = crypto_functions(newest)[f"bls12_381_{group}_multiScalarMul"]
        refused = ""
        try:
            function(*arguments)
        except BuiltinFailure as failure:
            (refused,) = failure.lines
        except UnsupportedFunction:
            pass
        bound = f"Scalar exceeds 512-byte bound for {group}.multiScalarMul"
        assert refused == ("" if good or not newest else bound)


ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
X = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
"""The generator's: the point of the private key 1."""


def test_an_ecdsa_signature_with_a_high_s_is_false() -> None:
    """Made with the private key 1 and the nonce 1: r is X, s is the digest and r."""
    digest = (5).to_bytes(32, "big")
    s = (5 + X) % ORDER
    low, high = min(s, ORDER - s), max(s, ORDER - s)
    key = b"\x02" + X.to_bytes(32, "big")
    r = X.to_bytes(32, "big")
    assert verify_ecdsa(key, digest, r + low.to_bytes(32, "big"))
    assert not verify_ecdsa(key, digest, r + high.to_bytes(32, "big"))


def test_a_schnorr_signature_with_an_odd_nonce_point_is_false() -> None:
    """BIP 340 with the private key 1: s is the nonce and the challenge."""
    from hashlib import sha256

    x = X.to_bytes(32, "big")
    tag = sha256(b"BIP0340/challenge").digest()
    challenge = int.from_bytes(sha256(tag + tag + x + x + b"m").digest(), "big") % ORDER
    for nonce, good in ((1, True), (ORDER - 1, False)):
        signature = x + ((nonce + challenge) % ORDER).to_bytes(32, "big")
        assert verify_schnorr(x, b"m", signature) is good
