"""Why a script ended without a value: each kind of failure, with the term that nodes name as its cause.

Source: `UntypedPlutusCore.Evaluation.Machine.Cek.Internal`, `PlutusCore.Default.Universe`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from milestones.devnet.ledger.plutus import errors, printing, values
from milestones.devnet.ledger.plutus.functions import Function
from milestones.devnet.ledger.plutus.functions_numbers import BuiltinFailure
from milestones.devnet.ledger.plutus.layout import Document
from milestones.devnet.ledger.plutus.terms import Term
from milestones.devnet.ledger.plutus.values import PARTIAL, STRUCTURE

OVERSPENT: Final = "the budget is used up"
"""Stands for the error until it is known what was left."""


class ScriptFailure(Exception):
    """A script ended without a value.

    `kind` is `error`, `function` or `budget`; `lines` are what a function logs as it fails. `text` is what
    nodes say, and takes time: the cause can be long.
    """

    def __init__(
        self, kind: str, message: str, cause: Document | None = None, lines: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.kind, self.message, self.cause, self.lines = kind, message, cause, lines

    @property
    def text(self) -> str:
        """What nodes say."""
        return errors.machine_text(self.message, self.cause)


def error_term() -> ScriptFailure:
    """The script came to an error term."""
    return ScriptFailure("error", errors.FAILED, printing.ERROR_DOCUMENT)


def open_term(index: int) -> ScriptFailure:
    """The script came to a free variable."""
    return ScriptFailure("error", errors.OPEN_TERM, printing.free_variable(index))


def not_delayed(value: Any) -> ScriptFailure:
    """A value that can't be forced."""
    cause = partial(printing.value_document, value)
    if type(value) is tuple and value[0] == PARTIAL:
        return ScriptFailure("error", errors.ARGUMENT_EXPECTED, printing.forced_document(cause))
    return ScriptFailure("error", errors.NOT_POLYMORPHIC, cause)


def not_a_function(called: Any, argument: Any) -> ScriptFailure:
    """A value that can't be applied to another."""
    cause = partial(printing.value_document, called)
    if type(called) is tuple and called[0] == PARTIAL:
        applied = printing.applied_document(cause, argument)
        return ScriptFailure("error", errors.ARGUMENT_UNEXPECTED, applied)
    return ScriptFailure("error", errors.NOT_A_FUNCTION, cause)


def arguments_failure(
    function: Function, arguments: Sequence[Any], protocol_version: int
) -> ScriptFailure:
    """A built-in function got an argument of another type, or out of its bounds."""
    newest = protocol_version >= 11
    message, lines = errors.argument_failure(function.kinds, arguments, newest)
    return ScriptFailure("function", message, _call(function, arguments), lines)


def builtin_failure(
    function: Function, arguments: Sequence[Any], failure: BuiltinFailure
) -> ScriptFailure:
    """A built-in function failed at what it does."""
    message = errors.unlifting(failure.structural) if failure.structural else errors.FAILED
    return ScriptFailure("function", message, _call(function, arguments))


def _call(function: Function, arguments: Sequence[Any]) -> Document:
    return partial(printing.application_document, function.tag, function.forces, arguments)


def branch(  # noqa: C901, PLR0911, PLR0912 - a table of cases
    value: Any, branches: tuple[Term, ...], protocol_version: int
) -> tuple[Term, Sequence[Any]]:
    """(the branch that a case takes, what it is applied to). Before protocol 11 constants have none.

    Raises `ScriptFailure`.
    """
    count = len(branches)
    if type(value) is tuple:
        if value[0] == STRUCTURE and value[1] < count:
            return branches[value[1]], value[2]
        message = errors.NOT_A_CONSTRUCTOR
        if value[0] == STRUCTURE:
            message = errors.missing_branch(value[1])
        raise ScriptFailure("error", message, partial(printing.value_document, value))
    if protocol_version < 11:
        pass
    elif value is None:
        if count == 1:
            return branches[0], ()
    elif type(value) is bool:
        if value < count <= 2:
            return branches[value], ()
    elif type(value) is int:
        if 0 <= value < count:
            return branches[value], ()
    elif type(value) is values.Cell:
        if value.tail is not None and 1 <= count <= 2:
            return branches[0], (value.head, value.tail)
        if value.tail is None and count == 2:
            return branches[1], ()
    elif type(value) is values.Pair and count == 1:
        return branches[0], (value.first, value.second)
    message = errors.case_failure(value, count, protocol_version)
    raise ScriptFailure("error", message, partial(printing.value_document, value))
