"""How terms and constants are printed where a script failed.

The layout was compared once with the 655 results of Plutus' conformance suite: those without names are the
same, letter by letter, but for one that is written in an older way.
"""

from __future__ import annotations

from typing import Any

import pytest

from milestones.cardano import cbor
from milestones.cardano.outputs import Script
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.parameters import PLUTUS_V3
from milestones.devnet.ledger.plutus import errors, evaluate, printing, values
from milestones.devnet.ledger.plutus.data import decode_data
from milestones.devnet.ledger.plutus.layout import laid_out
from milestones.devnet.ledger.plutus.values import Array, Data, Pair, Tokens, cells
from tests.support.plutus_terms import (
    UNIT,
    Term,
    application,
    call,
    const,
    delay,
    force,
    lam,
    program,
    var,
)


def cause(term: Term) -> str:
    """The term that is to blame."""
    script = Script("plutus:v3", cbor.encode_bytes(program(term)))
    budget = ExecutionUnits(14_000_000, 10_000_000_000)
    result = evaluate(script, [], PLUTUS_V3, budget, 11)
    return result.reason.split("Caused by: ")[1]


def shown(value: Any) -> str:
    return laid_out(printing.value_document(value), errors.LONGEST_CAUSE)


def number(value: int) -> Data:
    return Data(values.NUMBER, value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-5, "(con integer -5)"),
        (True, "(con bool True)"),
        (b"\x00\xff", "(con bytestring #00ff)"),
        ('a"\\b', r'(con string "a\"\\b")'),
        ("é\t\x7f\x01\x0e", r'(con string "é\t\DEL\SOH\SO")'),
        ("\x0eH\u200b7\u200ba", r'(con string "\SO\&H\8203\&7\8203a")'),
        (cells("integer", [1, -2]), "(con (list integer) [1,-2])"),
        (cells("string", ["a", "b"]), '(con (list string) ["a", "b"])'),
        (
            cells(("list", "bool"), [cells("bool", [True, False])]),
            "(con (list (list bool)) [[True,False]])",
        ),
        (
            Pair(("pair", "integer", "bytestring"), 1, b"\x02"),
            "(con (pair integer bytestring) (1, #02))",
        ),
        (Array("unit", (None, None)), "(con (array unit) [(),()])"),
        (number(-1), "(con data (I -1))"),
        (decode_data(bytes.fromhex("41aa")), "(con data (B #aa))"),
        (
            decode_data(bytes.fromhex("d87a9f01a1024103ff")),
            "(con data (Constr 1 [I 1, Map [(I 2, B #03)]]))",
        ),
        (decode_data(b"\x80"), "(con data (List []))"),
        (
            Tokens({b"\x02": {b"": 5}, b"": {b"\x01": -1, b"": 2}}),
            "(con value [(#, [(#, 2), (#01, -1)]), (#02, [(#, 5)])])",
        ),
        ((values.STRUCTURE, 4, (1, None)), "(constr 4 (con integer 1) (con unit ()))"),
    ],
)
def test_constants_and_constructors_are_printed_as_in_plutus(value: Any, text: str) -> None:
    assert shown(value) == text


def test_variables_of_an_environment_are_replaced_and_bound_ones_are_not() -> None:
    inner = lam(application(var(1), application(var(2), var(3))))
    term = application(lam(application(lam(force(inner)), const(1))), delay(UNIT))
    assert cause(term) == "(lam i!0 [ i!1 [ (con integer 1) (delay (con unit ())) ] ])"


def test_what_does_not_fit_80_columns_is_broken_and_indented() -> None:
    data = Data(values.LIST, cells(values.DATA, [number(10**20 + each) for each in range(4)]))
    text = cause(call("unIData", const(data)))
    assert text.split("\n") == [
        "[",
        "  (builtin unIData)",
        "  (con",
        "    data",
        "    (List",
        "       [ I 100000000000000000000",
        "       , I 100000000000000000001",
        "       , I 100000000000000000002",
        "       , I 100000000000000000003 ])",
        "  )",
        "]",
    ]


def test_a_cause_without_end_is_cut() -> None:
    r"""Each lambda doubles what its argument stands for: 2^60 times `i!0`."""
    term: Term = lam(var(1))
    for _ in range(60):
        term = application(lam(lam(application(var(2), var(2)))), term)
    text = cause(force(term))
    assert len(text) == errors.LONGEST_CAUSE + 1
    assert text.endswith("…")


def test_a_deep_value_is_printed_without_recursion() -> None:
    depth = 20_000
    data = decode_data(b"\x81" * depth + b"\x00")
    text = cause(call("unIData", const(data)))
    assert "[List" in text or "[ List" in text
    assert text.endswith("…")
