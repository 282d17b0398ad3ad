"""What is said of a script that failed, in Plutus' own words, the term to blame, and all that was logged."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.cardano import cbor
from milestones.cardano.outputs import Script, ScriptLanguage
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.parameters import PLUTUS_V1, PLUTUS_V2, PLUTUS_V3
from milestones.devnet.ledger.plutus import errors, evaluate, values
from milestones.devnet.ledger.plutus.data import decode_data
from milestones.devnet.ledger.plutus.values import Array, Tokens, cells
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
    function,
    lam,
    program,
    var,
)

MODELS = {"plutus:v1": PLUTUS_V1, "plutus:v2": PLUTUS_V2, "plutus:v3": PLUTUS_V3}
PLENTY = ExecutionUnits(14_000_000, 10_000_000_000)
MACHINE_ERROR = (
    "The machine terminated because of an error, either from a built-in function or from an explicit "
    "use of 'error'."
)


def failed(
    term: Term,
    *arguments: bytes,
    version: int = 11,
    language: ScriptLanguage = "plutus:v3",
    core: tuple[int, int, int] = (1, 1, 0),
    budget: ExecutionUnits = PLENTY,
) -> tuple[str, tuple[str, ...]]:
    """(what is said, what was logged)."""
    script = Script(language, cbor.encode_bytes(program(term, core)))
    result = evaluate(script, arguments, MODELS[language], budget, version)
    assert result.failure
    return result.reason, result.logs


def said(message: str, cause: str) -> str:
    return f"An error has occurred:\n{message}\nCaused by: {cause}"


def test_an_error_term() -> None:
    assert failed(ERROR) == (said(MACHINE_ERROR, "(error)"), ())


def test_everything_that_was_traced_comes_in_order() -> None:
    traced = call("trace", const("first"), call("trace", const("second"), UNIT))
    term = application(lam(call("headList", const([], ("list", "integer")))), traced)
    text, logs = failed(term)
    assert logs == ("second", "first", "Expected a non-empty list but got an empty one")
    cause = "[ (force (builtin headList)) (con (list integer) []) ]"
    assert text == said(MACHINE_ERROR, cause)


@pytest.mark.parametrize(
    ("term", "message", "cause"),
    [
        (force(UNIT), errors.NOT_POLYMORPHIC, "(con unit ())"),
        (force(function("addInteger")), errors.ARGUMENT_EXPECTED, "(force (builtin addInteger))"),
        (application(const(5), UNIT), errors.NOT_A_FUNCTION, "(con integer 5)"),
        (
            application(function("headList"), UNIT),
            errors.ARGUMENT_UNEXPECTED,
            "[ (builtin headList) (con unit ()) ]",
        ),
        (application(delay(var(7)), UNIT), "Free index: 7", ""),
        (case(lam(var(1)), UNIT), errors.NOT_A_CONSTRUCTOR, "(lam i!0 i!1)"),
        (
            case(constr(3, UNIT), UNIT),
            "Case expression missing the branch required by the scrutinee tag: 3",
            "(constr 3 (con unit ()))",
        ),
        (
            case(const(2), UNIT, UNIT),
            "'case' over a value of a built-in type failed with\n"
            "'case 2' is out of bounds for the given number of branches: 2",
            "(con integer 2)",
        ),
        (
            case(const([], ("list", "integer")), UNIT),
            "'case' over a value of a built-in type failed with\n"
            "Expected non-empty list, got empty list for casing list",
            "(con (list integer) [])",
        ),
        (
            case(const(b"\x0f"), UNIT),
            "'case' over a value of a built-in type failed with\nbytestring isn't supported in 'case'",
            "(con bytestring #0f)",
        ),
    ],
)
def test_terms_that_do_not_fit_together(term: Term, message: str, cause: str) -> None:
    wanted = said(message, cause) if cause else message
    assert failed(term) == (wanted, ())


def test_before_protocol_11_no_constant_has_branches() -> None:
    text, _ = failed(case(UNIT, UNIT), version=10)
    assert "'case' on values of built-in types is not supported in protocol version 10\n" in text


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (call("addInteger", const(1), lam(var(1))), "Not a constant"),
        (
            call("addInteger", const(1), const(b"")),
            "Type mismatch: expected: integer; actual: bytestring",
        ),
        (
            call("mapData", const([], ("list", ("pair", "data", "integer")))),
            "Type mismatch: expected: list (pair data data); actual: list (pair data integer)",
        ),
        (call("headList", UNIT), "Expected a list but got something else"),
        (call("fstPair", UNIT), "Expected a pair but got something else"),
        (call("lengthOfArray", UNIT), "Expected an array but got something else"),
        (
            call("mkCons", UNIT, const([], ("list", "integer"))),
            "The type of the value does not match the type of elements in the list",
        ),
    ],
)
def test_arguments_of_the_wrong_type(term: Term, message: str) -> None:
    """They are told by what is said, and leave nothing in the logs."""
    text, logs = failed(term)
    assert text.startswith(
        f"An error has occurred:\nCould not unlift a value:\n{message}\nCaused by: ["
    )
    assert logs == ()


NUMBERS: tuple[tuple[str, tuple[Any, ...], list[str]], ...] = (
    ("divideInteger", (1, 0), ["Cannot divide by zero"]),
    ("modInteger", (1, 0), ["Cannot divide by zero"]),
    ("quotientInteger", (1, 0), ["Cannot divide by zero"]),
    ("remainderInteger", (1, 0), ["Cannot divide by zero"]),
    ("indexByteString", (b"ab", 2), ["Index out of bounds"]),
    ("indexByteString", (b"", 1 << 63), [f"{1 << 63} is not within the bounds of Int64"]),
    ("decodeUtf8", (b"\xff",), ["decodeUtf8: invalid input"]),
    ("constrData", (-1, cells(values.DATA, [])), ["-1 is not within the bounds of Word64"]),
    ("readBit", (b"", 0), ["readBit: index out of bounds", "Index: 0"]),
    (
        "integerToByteString",
        (True, -3, 7),
        ["integerToByteString: negative length argument", "Length requested: -3"],
    ),
    (
        "integerToByteString",
        (True, 1, 256),
        [
            "integerToByteString: cannot represent Integer in given number of bytes",
            "Input: 256",
            "Bytes requested: 1",
        ],
    ),
    (
        "writeBits",
        (bytes(4097), cells(values.INTEGER, []), True),
        ["writeBits: input too long (maximum is 4096 bytes)", "Length: 4097"],
    ),
    ("replicateByte", (-1, 0), ["replicateByte: negative length requested"]),
    ("expModInteger", (1, 1, -1), ["expModInteger: negative modulus"]),
    ("expModInteger", (1, 1, 0), ["expMod: invalid modulus"]),
    ("expModInteger", (1 << 8191, 1, 7), ["expMod: out of bounds"]),
    ("expModInteger", (0, -(1 << 8192), 7), ["expMod: 0 is not invertible modulo 7"]),
    ("expModInteger", (2, -1, 4), ["expMod: 2 is not invertible modulo 4"]),
)

DATA: tuple[tuple[str, tuple[Any, ...], list[str]], ...] = (
    *(
        (
            f"un{name}Data",
            (decode_data(b"\x00" if name == "B" else b"\x40"),),
            [f"Expected the {name} constructor but got a different one"],
        )
        for name in ("Constr", "Map", "List", "I", "B")
    ),
    ("indexArray", (Array("integer", (1,)), 1), ["Array index out of bounds"]),
    (
        "insertCoin",
        (bytes(33), b"", 1, Tokens({})),
        [f"insertCoin: invalid currency: [{','.join(['0'] * 33)}]"],
    ),
    (
        "insertCoin",
        (b"", b"", 1 << 127, Tokens({})),
        [f"insertCoin: quantity out of bounds: {1 << 127}"],
    ),
    (
        "valueContains",
        (Tokens({}), Tokens({b"": {b"": -1}})),
        ["valueContains: second value contains negative amounts"],
    ),
    (
        "unionValue",
        (Tokens({b"": {b"": (1 << 127) - 1}}), Tokens({b"": {b"": 1}})),
        ["unionValue: quantity is out of the signed 128-bit integer bounds"],
    ),
    (
        "scaleValue",
        (2, Tokens({b"": {b"": 1 << 126}})),
        [f"scaleValue: quantity out of bounds: 2 * {1 << 126}"],
    ),
)

UN_VALUE = (
    ("00", "non-Map constructor"),
    ("a1 00 a0", "non-B constructor"),
    ("a1 40 00", "non-Map constructor"),
    ("a1 40 a0", "empty inner map"),
    ("a1 40 a1 40 40", "non-I constructor"),
    ("a1 40 a1 40 00", "zero quantity"),
    ("a1 40 a2 40 01 40 01", "token names not strictly ascending"),
    ("a2 40 a1 40 01 40 a1 40 01", "currency symbols not strictly ascending"),
    ("a1 58 21" + "00" * 33 + "a0", f"invalid key: [{','.join(['0'] * 33)}]"),
    ("a1 40 a1 40 c2 50 80" + "00" * 15, "invalid quantity"),
)


@pytest.mark.parametrize(("name", "arguments", "lines"), NUMBERS + DATA)
def test_functions_that_fail_say_why_in_the_logs(
    name: str, arguments: tuple[Any, ...], lines: list[str]
) -> None:
    text, logged = failed(call(name, *map(const, arguments)))
    assert logged == tuple(lines)
    assert text.startswith(said(MACHINE_ERROR, "["))


@pytest.mark.parametrize(("raw", "line"), UN_VALUE)
def test_data_that_is_no_value(raw: str, line: str) -> None:
    data = decode_data(bytes.fromhex(raw))
    _, logs = failed(call("unValueData", const(data)))
    assert logs == (f"unValueData: {line}",)


def test_a_modulus_of_1_is_looked_at_before_the_other_numbers() -> None:
    """Plutus gives 0 for numbers that are too large then."""
    term = call("expModInteger", const(1 << 9000), const(1), const(1))
    script = Script("plutus:v2", cbor.encode_bytes(program(term, (1, 0, 0))))
    assert evaluate(script, [], PLUTUS_V2, PLENTY, 11).succeeded


def test_a_script_of_version_3_that_gives_something_else_than_the_unit() -> None:
    text = (
        "The evaluation finished but the result value is not valid. Plutus V3 scripts must return "
        "BuiltinUnit. Returning any other value is considered a failure."
    )
    assert failed(const(True)) == (text, ())
    assert failed(lam(UNIT)) == (text, ())


def test_a_version_of_plutus_core_that_the_language_does_not_have() -> None:
    assert failed(constr(0), language="plutus:v2", version=10)[0] == (
        "Your script has a Plutus Core version of 1.1.0. This is not supported in PlutusV2 and major "
        "protocol version 10."
    )
    assert "version of 1.2.0" in failed(UNIT, core=(1, 2, 0))[0]
    assert "version of 0.9.0" in failed(UNIT, core=(0, 9, 0))[0]


def test_an_argument_too_many_and_one_too_few() -> None:
    one = failed(lam(UNIT), b"\x00", b"\x18\x2a")
    assert one == (said(errors.NOT_A_FUNCTION, "(con unit ())"), ())
    assert failed(lam(lam(UNIT)), b"\x00")[0] == errors.NOT_THE_UNIT


@pytest.mark.parametrize(
    ("budget", "cpu", "memory"),
    [
        (ExecutionUnits(10_000, 50), -50, 9_900),
        # The constant alone is paid, before the delay that came first.
        (ExecutionUnits(10_000, 16_000), -100, 9_800),
        (ExecutionUnits(150, 100_000), 83_900, -50),
        # The constant and the force, then the delay.
        (ExecutionUnits(10_000, 40_000), -8_100, 9_600),
    ],
)
def test_what_is_left_of_a_budget_where_it_ends(
    budget: ExecutionUnits, cpu: int, memory: int
) -> None:
    """Steps that stand open are paid kind by kind: constants, variables, lambdas, applications, …"""
    text, logs = failed(force(delay(UNIT)), budget=budget)
    assert text == (
        "An error has occurred:\n"
        "The machine terminated part way through evaluation due to overspending the budget.\n"
        f"The budget when the machine terminated was:\n({{cpu: {cpu}\n| mem: {memory}}})\n"
        "Negative numbers indicate the overspent budget; note that this only indicates the budget that "
        "was needed for the next step, not to run the program to completion."
    )
    assert logs == ()


def test_what_a_functions_price_leaves_of_a_budget() -> None:
    text, logs = failed(
        call("trace", const("seen"), call("sha2_256", const(bytes(65_000)))),
        budget=ExecutionUnits(100_000, 1_000_000),
    )
    left = 1_000_000 - 100 - 270_652 - 22_588 * 8_125
    assert f"({{cpu: {left}\n| mem: 99896}})" in text
    assert logs == ()
