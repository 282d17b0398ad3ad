"""A second machine, which books what every step costs, and where it was taken.

It takes each step by itself and knows no shortcuts, and it is several times slower than `machine`, which is
left as it is for that. It gives no reasons: where a script fails it just ends. Both machines are held against
each other whenever a profile is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from milestones.devnet.ledger.plutus.functions import TRACE, Function
from milestones.devnet.ledger.plutus.functions_numbers import BuiltinFailure
from milestones.devnet.ledger.plutus.machine import SLIPPAGE, Environment
from milestones.devnet.ledger.plutus.prices import WrongArgument
from milestones.devnet.ledger.plutus.profile import (
    CLOSING_MARK,
    LABEL_MARK,
    Account,
    Place,
    Profile,
)
from milestones.devnet.ledger.plutus.script_failures import ScriptFailure, branch
from milestones.devnet.ledger.plutus.script_map import ScriptMap, one_line, plain, read_map
from milestones.devnet.ledger.plutus.terms import (
    APPLY,
    BUILTIN,
    CASE,
    CONSTANT,
    CONSTR,
    DELAY,
    FORCE,
    FREE,
    LAMBDA,
    OUTER,
    VAR,
    Term,
)
from milestones.devnet.ledger.plutus.values import CLOSURE, PARTIAL, STRUCTURE, SUSPENSION

_ARGUMENT, _CALLED, _FORCED, _FIELDS, _BRANCHES, _APPLIED = range(6)

_State: TypeAlias = "tuple[Term, Environment, Place]"
"""A term to enter, its variables, and the function that is being run."""


class _Stopped(Exception):
    """The script failed."""


class Profiler:
    """One run within a budget. Values are as in `machine`, with the place that a closure was made in."""

    def __init__(
        self,
        steps: dict[str, tuple[int, int]],
        functions: Sequence[Function],
        cpu: int,
        memory: int,
        protocol_version: int,
    ) -> None:
        self.cpu, self.memory = cpu, memory
        self._prices, self._functions, self._protocol_version = steps, functions, protocol_version
        self._account = Account()
        self._map = ScriptMap({}, {}, set(), {})
        self._open: list[tuple[str, Place]] = []
        self._frames: list[tuple[Any, ...]] = []

    def run(self, term: Term, script: Term) -> Profile:
        """Runs a term, which applies a script, as far as it comes."""
        self._map = read_map(script)
        state: _State | None = (term, (None,), self._account.root)
        try:
            self._settle([("startup", self._account.root)])
            while state is not None:
                state = self._give(self._enter(*state))
            self._settle(self._open)
        except (_Stopped, ScriptFailure, BuiltinFailure, WrongArgument):
            # Steps that still stand open are not paid.
            pass
        return self._account.profile(self._map.labels_of)

    # -- what is paid

    def _step(self, kind: str, place: Place) -> None:
        self._open.append((kind, place))
        if len(self._open) == SLIPPAGE:
            self._settle(self._open)

    def _settle(self, steps: list[tuple[str, Place]]) -> None:
        for kind, place in steps:
            price = self._prices[kind]
            self.cpu -= price[0]
            self.memory -= price[1]
            self._account.step(kind, place, price)
        steps.clear()
        self._must_be_within_budget()

    def _must_be_within_budget(self) -> None:
        if self.cpu < 0 or self.memory < 0:
            raise _Stopped

    def _call(self, function: Function, arguments: list[Any], here: Place) -> Any:
        cpu, memory = function.price(*arguments)
        self.cpu -= cpu
        self.memory -= memory
        self._account.function(function.name, here, cpu, memory)
        self._must_be_within_budget()
        value = function.call(*arguments)
        if function.tag == TRACE:
            self._account.traced(one_line(arguments[0]))
        return value

    # -- terms

    def _here(self, term: Term, place: Place) -> Place:
        """The place of a term: the check that it is part of, in the function that is being run."""
        label = self._map.labels.get(id(term))
        return (
            place if label is None else self._entered(f"{LABEL_MARK}{label}{CLOSING_MARK}", place)
        )

    def _entered(self, frame: str, place: Place) -> Place:
        return place.reach(frame, self._account.places)

    def _enter(self, term: Term, environment: Environment, place: Place) -> Any:
        """Goes into a term until there is a value."""
        while True:
            term = plain(term)
            here = self._here(term, place)
            here.own.count += id(term) in self._map.checks
            operation = term[0]
            if operation in _KINDS:
                self._step(_KINDS[operation], here)
            if operation == APPLY:
                frame: tuple[Any, ...] = (_ARGUMENT, term[2], environment, place, here)
                inner = term[1]
            elif operation == FORCE:
                frame, inner = (_FORCED,), term[1]
            elif operation == CASE:
                frame, inner = (_BRANCHES, term[2], environment, place, here), term[1]
            elif operation == CONSTR and term[2]:
                frame, inner = (_FIELDS, term, [], environment, place), term[2][0]
            else:
                return self._value(term, environment, place)
            self._frames.append(frame)
            term = inner

    def _value(self, term: Term, environment: Environment, place: Place) -> Any:
        """What a term without others to wait for stands for."""
        operation = term[0]
        if operation in (VAR, OUTER):
            for _ in range(term[2] if operation == OUTER else 0):
                environment = environment[0]
            return environment[term[1]]
        if operation == CONSTANT:
            return term[1]
        if operation == LAMBDA:
            return (CLOSURE, term, environment, place)
        if operation == DELAY:
            return (SUSPENSION, term[1], environment, place)
        if operation == BUILTIN:
            function = self._functions[term[1]]
            return (PARTIAL, function, function.forces, ())
        if operation == CONSTR:
            return (STRUCTURE, term[1], ())
        raise _Stopped  # an error term or a free variable

    # -- values

    def _give(self, value: Any) -> _State | None:
        """Hands a value to the frames that wait for it, until there is a term to enter. None at the end."""
        while self._frames:
            kind, *frame = self._frames.pop()
            if kind == _ARGUMENT:
                term, environment, place, here = frame
                self._frames.append((_CALLED, value, here))
                return term, environment, place
            if kind == _BRANCHES:
                return self._branch(value, *frame)
            if kind == _FIELDS:
                state, value = self._field(value, *frame)
            elif kind == _FORCED:
                state, value = _forced(value)
            elif kind == _CALLED:
                state, value = self._applied(frame[0], value, frame[1])
            else:
                state, value = self._applied(value, *frame)
            if state is not None:
                return state
        return None

    def _branch(
        self,
        value: Any,
        branches: tuple[Term, ...],
        environment: Environment,
        place: Place,
        here: Place,
    ) -> _State:
        term, given = branch(value, branches, self._protocol_version)
        self._frames += [(_APPLIED, each, here) for each in reversed(given)]
        return term, environment, place

    def _field(
        self, value: Any, term: Term, made: list[Any], environment: Environment, place: Place
    ) -> tuple[_State | None, Any]:
        made.append(value)
        if len(made) == len(term[2]):
            return None, (STRUCTURE, term[1], tuple(made))
        self._frames.append((_FIELDS, term, made, environment, place))
        return (term[2][len(made)], environment, place), None

    def _applied(self, called: Any, argument: Any, here: Place) -> tuple[_State | None, Any]:
        """(a function's body to enter, or a value)."""
        if type(called) is not tuple:
            raise _Stopped
        if called[0] == CLOSURE:
            _, term, environment, place = called
            name = self._map.functions.get(id(term))
            if name is not None:
                place = self._entered(name, here)
                place.own.count += place.frame == name
            environment = (environment, argument) if term[2] else (*environment, argument)
            return (term[1], environment, place), None
        if called[0] != PARTIAL or called[2]:
            raise _Stopped
        _, function, _, arguments = called
        if len(arguments) + 1 == function.arity:
            return None, self._call(function, [*arguments, argument], here)
        return None, (PARTIAL, function, 0, (*arguments, argument))


def _forced(value: Any) -> tuple[_State | None, Any]:
    """(a delayed term to enter, or a value). What is delayed belongs to where it was delayed."""
    if type(value) is tuple and value[0] == SUSPENSION:
        return value[1:], None
    if type(value) is tuple and value[0] == PARTIAL and value[2]:
        return None, (PARTIAL, value[1], value[2] - 1, value[3])
    raise _Stopped


_KINDS: Final = {
    VAR: "var",
    OUTER: "var",
    FREE: "var",
    CONSTANT: "const",
    LAMBDA: "lam",
    APPLY: "apply",
    DELAY: "delay",
    FORCE: "force",
    BUILTIN: "builtin",
    CONSTR: "constr",
    CASE: "case",
}
