"""What nodes say of a script that failed, word for word; Ogmios passes it on as `validationError`.

Sources: `PlutusLedgerApi.Common.Eval`, `PlutusCore.Evaluation.Machine.Exception`,
`PlutusCore.Builtin.Result`, `PlutusCore.Default.Universe`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from milestones.devnet.ledger.plutus import values
from milestones.devnet.ledger.plutus.layout import Document, laid_out
from milestones.devnet.ledger.plutus.prices import INTEGER_BITS, LONGEST_BYTES
from milestones.devnet.ledger.plutus.printing import number_text, shown, type_text
from milestones.devnet.ledger.plutus.values import Kind

LONGEST_CAUSE: Final = 1 << 17
"""Characters of a printed term. A node has no bound: what a term stands for can be longer than memory."""

FAILED: Final = (
    "The machine terminated because of an error, either from a built-in function or from an explicit "
    "use of 'error'."
)
NOT_POLYMORPHIC: Final = "Attempted to instantiate a non-polymorphic term."
NOT_A_FUNCTION: Final = "Attempted to apply a non-function."
OPEN_TERM: Final = "Cannot evaluate an open term"
ARGUMENT_EXPECTED: Final = "A builtin expected a term argument, but something else was received"
ARGUMENT_UNEXPECTED: Final = "A builtin received a term argument when something else was expected"
NOT_A_CONSTRUCTOR: Final = (
    "A non-constructor/non-builtin value was scrutinized in a case expression"
)
NOT_THE_UNIT: Final = (
    "The evaluation finished but the result value is not valid. Plutus V3 scripts must return "
    "BuiltinUnit. Returning any other value is considered a failure."
)


def machine_text(message: str, cause: Document | None) -> str:
    """What the machine says, and the term that is to blame."""
    text = f"An error has occurred:\n{message}"
    if cause is None:
        return text
    label = "Caused by: "
    return f"{text}\n{label}{laid_out(cause, LONGEST_CAUSE, len(label))}"


def overspent(cpu: int, memory: int) -> str:
    """`cpu` and `memory` are what is left, one of them negative."""
    return (
        "The machine terminated part way through evaluation due to overspending the budget.\n"
        "The budget when the machine terminated was:\n"
        f"({{cpu: {cpu}\n| mem: {memory}}})\n"
        "Negative numbers indicate the overspent budget; note that this only indicates the budget "
        "that was needed for the next step, not to run the program to completion."
    )


def core_version(version: tuple[int, int, int], language: str, protocol_version: int) -> str:
    """A version of Plutus Core that the script's language does not have."""
    return (
        f"Your script has a Plutus Core version of {'.'.join(map(str, version))}. This is not supported "
        f"in Plutus{language[-2:].upper()} and major protocol version {protocol_version}."
    )


def missing_branch(tag: int) -> str:
    """A constructor's tag that a case has no branch for."""
    return f"Case expression missing the branch required by the scrutinee tag: {tag}"


def case_failure(value: Any, branches: int, protocol_version: int) -> str:
    """Why a case has no branch for a constant."""
    return f"'case' over a value of a built-in type failed with\n{_case(value, branches, protocol_version)}"


def _case(value: Any, branches: int, protocol_version: int) -> str:
    if protocol_version < 11:
        return (
            "'case' on values of built-in types is not supported in protocol version "
            f"{protocol_version}"
        )
    kind = values.kind_of(value)
    is_list = isinstance(value, values.Cell)
    is_pair = isinstance(value, values.Pair)
    if not (is_list or is_pair or kind in (values.UNIT, values.BOOL, values.INTEGER)):
        return f"{type_text(kind, inner=True)} isn't supported in 'case'"
    if is_list and branches == 1:
        return "Expected non-empty list, got empty list for casing list"
    text = laid_out(shown(value), LONGEST_CAUSE)
    return f"'case {text}' is out of bounds for the given number of branches: {branches}"


def unlifting(message: str) -> str:
    """A built-in function got what it can't take at all."""
    return f"Could not unlift a value:\n{message}"


_EXPECTED: Final[dict[str, Kind]] = {
    **dict.fromkeys(
        ("int", "int-b", "int-abs", "int-len", "int64", "word8", "word64"), values.INTEGER
    ),
    **dict.fromkeys(("bytes", "bytes-b"), values.BYTES),
    **dict.fromkeys(("text", "text-8"), values.TEXT),
    **dict.fromkeys(("data", "data-size", "data-n"), values.DATA),
    **dict.fromkeys(("value", "value-d"), values.TOKENS),
    "bool": values.BOOL,
    "unit": values.UNIT,
    "G1": values.G1,
    "G2": values.G2,
    "ml": values.ML,
    "list(data)": values.LIST_OF_DATA,
    "list(pair)": values.LIST_OF_PAIRS,
    "list(int)": ("list", values.INTEGER),
    "list(G1)": ("list", values.G1),
    "list(G2)": ("list", values.G2),
}
"""The type that an argument must have; the other kinds are of constants of several types."""

_SEVERAL: Final[dict[str, tuple[type, str]]] = {
    "list": (values.Cell, "a list"),
    "list-length": (values.Cell, "a list"),
    "pair": (values.Pair, "a pair"),
    "array": (values.Array, "an array"),
}


def argument_failure(
    kinds: Sequence[str], arguments: Sequence[Any], newest: bool
) -> tuple[str, tuple[str, ...]]:
    """(what is said of the first argument that is amiss, what the function logs)."""
    for kind, value in zip(kinds, arguments, strict=True):
        if kind == "any":
            continue
        if type(value) is tuple:
            return unlifting("Not a constant"), ()
        if kind not in _EXPECTED:
            continue
        expected, actual = _EXPECTED[kind], values.kind_of(value)
        if actual != expected:
            types = f"expected: {type_text(expected)}; actual: {type_text(actual)}"
            return unlifting(f"Type mismatch: {types}"), ()
        if line := _out_of_bounds(kind, value, newest):
            return FAILED, (line,)
    for kind, value in zip(kinds, arguments, strict=True):
        wanted, name = _SEVERAL.get(kind, (object, ""))
        if not isinstance(value, wanted):
            return unlifting(f"Expected {name} but got something else"), ()
    return FAILED, ()


_BOUNDS: Final[dict[str, tuple[int, int, str]]] = {
    "int64": (-(1 << 63), (1 << 63) - 1, "Int64"),
    "word8": (0, 255, "Word8"),
    "word64": (0, (1 << 64) - 1, "Word64"),
}


def _out_of_bounds(kind: str, value: Any, newest: bool) -> str:
    if kind in _BOUNDS:
        low, high, name = _BOUNDS[kind]
        if not low <= value <= high:
            return f"{number_text(value)} is not within the bounds of {name}"
    most = 1 << INTEGER_BITS
    if newest and kind == "int-b" and not -most <= value < most:
        return "Integer out of bounds"
    return (
        "ByteString overflow" if newest and kind == "bytes-b" and len(value) > LONGEST_BYTES else ""
    )
