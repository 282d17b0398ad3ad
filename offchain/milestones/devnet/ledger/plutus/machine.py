"""The machine: runs a term within a budget, step by step, with a stack of its own.

An environment is a block `(outer block, value, value, …)` of up to `BLOCK` values. What is no constant
is a tuple: a closure of a lambda or a delay, a built-in function in the making, a constructor. Steps are
counted and paid when 200 stand open. A run of steps between which nothing can be seen from outside is
counted at once, unless the 200 would be reached within. Source: the Plutus Core specification, chapter
on the CEK machine; `UntypedPlutusCore.Evaluation.Machine.Cek.Internal`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from milestones.devnet.ledger.plutus.functions import TRACE, Function
from milestones.devnet.ledger.plutus.functions_numbers import BuiltinFailure
from milestones.devnet.ledger.plutus.prices import WrongArgument
from milestones.devnet.ledger.plutus.script_failures import (
    OVERSPENT,
    ScriptFailure,
    arguments_failure,
    branch,
    builtin_failure,
    error_term,
    not_a_function,
    not_delayed,
    open_term,
)
from milestones.devnet.ledger.plutus.terms import (
    APPLY,
    BUILTIN,
    CALL,
    CASE,
    CONSTANT,
    CONSTR,
    DELAY,
    ERROR,
    FORCE,
    FREE,
    LAMBDA,
    LET,
    OUTER,
    VAR,
    Term,
)
from milestones.devnet.ledger.plutus.values import CLOSURE, PARTIAL, STRUCTURE, SUSPENSION

Environment: TypeAlias = "tuple[Any, ...]"

Start: TypeAlias = "tuple[dict[str, tuple[int, int]], Sequence[Function], int, int, int]"
"""What a machine starts with."""

SLIPPAGE: Final = 200
"""Steps that may stand open."""

_DONE, _ARGUMENT, _CALLED, _FORCED, _BODY, _ARGUMENTS, _FIELDS, _BRANCHES, _APPLIED = range(9)
_SPLIT: Final = 80
_HALF: Final = 1 << (_SPLIT - 1)


class Machine:
    """One run: what is left of the budget, and what was logged."""

    def __init__(
        self,
        steps: dict[str, tuple[int, int]],
        functions: Sequence[Function],
        cpu: int,
        memory: int,
        protocol_version: int,
    ) -> None:
        self.cpu, self.memory = cpu, memory
        self.logs: list[str] = []
        self._functions, self._protocol_version = functions, protocol_version
        # Prices of steps beside that of a variable: mostly nothing, and small numbers add up quickly.
        self._base = base = steps["var"]
        self._extra = {
            name: price[0] - base[0] + ((price[1] - base[1]) << _SPLIT)
            for name, price in steps.items()
        }
        self._startup = steps["startup"]

    def _pay(self, cpu: int, memory: int) -> None:
        """Raises `ScriptFailure` where the budget ends."""
        self.cpu -= cpu
        self.memory -= memory
        if self.cpu < 0 or self.memory < 0:
            raise ScriptFailure("budget", OVERSPENT)

    def _settle(self, count: int, extra: int) -> None:
        """Pays open steps."""
        memory = (extra + _HALF) >> _SPLIT
        base_cpu, base_memory = self._base
        self._pay(count * base_cpu + extra - (memory << _SPLIT), count * base_memory + memory)

    def run(self, term: Term) -> Any:  # noqa: C901, PLR0912, PLR0915 - one loop, for speed
        """The value of a term without free variables around it. Raises `ScriptFailure`."""
        self._pay(*self._startup)
        functions, logs, settle = self._functions, self.logs, self._settle
        of = self._extra
        x_var, x_const, x_lam, x_delay = of["var"], of["const"], of["lam"], of["delay"]
        x_force, x_apply, x_builtin = of["force"], of["apply"], of["builtin"]
        x_constr, x_case = of["constr"], of["case"]
        limit = SLIPPAGE
        count = extra = 0
        environment: Environment = (None,)
        stack: list[tuple[Any, ...]] = [(_DONE,)]
        push, pop = stack.append, stack.pop
        value: Any
        while True:
            # A term is entered: its step is counted, then it has a value or waits for another's.
            operation = term[0]
            if operation == CALL:
                function = functions[term[1]]
                count += function.steps
                if count >= limit:
                    count -= function.steps
                    term = term[3]
                    continue
                extra += function.arity * x_apply + function.forces * x_force + x_builtin
                frame: tuple[Any, ...] = (_ARGUMENTS, function, term[2], [], environment)
                value = frame
            elif operation == VAR:
                count += 1
                extra += x_var
                if count == limit:
                    settle(count, extra)
                    count = extra = 0
                value = environment[term[1]]
                frame = pop()
            elif operation == FORCE:
                count += 1
                extra += x_force
                if count == limit:
                    settle(count, extra)
                    count = extra = 0
                push((_FORCED,))
                term = term[1]
                continue
            elif operation == LET:
                count += 2
                if count >= limit:
                    count -= 2
                    term = term[4]
                    continue
                extra += x_apply + x_lam
                push((_BODY, term[1], term[2], environment))
                term = term[3]
                continue
            elif operation == APPLY:
                count += 1
                extra += x_apply
                if count == limit:
                    settle(count, extra)
                    count = extra = 0
                push((_ARGUMENT, term[2], environment))
                term = term[1]
                continue
            elif operation == OUTER:
                count += 1
                extra += x_var
                if count == limit:
                    settle(count, extra)
                    count = extra = 0
                block = environment
                for _ in range(term[2]):
                    block = block[0]
                value = block[term[1]]
                frame = pop()
            elif operation == CONSTANT:
                count += 1
                extra += x_const
                if count == limit:
                    settle(count, extra)
                    count = extra = 0
                value = term[1]
                frame = pop()
            elif operation == LAMBDA:
                count += 1
                extra += x_lam
                if count == limit:
                    settle(count, extra)
                    count = extra = 0
                value = (CLOSURE, term[1], term[2], environment, term)
                frame = pop()
            elif operation == DELAY:
                count += 1
                extra += x_delay
                if count == limit:
                    settle(count, extra)
                    count = extra = 0
                value = (SUSPENSION, term[1], environment, term)
                frame = pop()
            elif operation == BUILTIN:
                count += 1
                extra += x_builtin
                if count == limit:
                    settle(count, extra)
                    count = extra = 0
                function = functions[term[1]]
                value = (PARTIAL, function, function.forces, ())
                frame = pop()
            elif operation == CONSTR:
                count += 1
                extra += x_constr
                if count == limit:
                    settle(count, extra)
                    count = extra = 0
                if term[2]:
                    push((_FIELDS, term, [], environment))
                    term = term[2][0]
                    continue
                value = (STRUCTURE, term[1], ())
                frame = pop()
            elif operation == CASE:
                count += 1
                extra += x_case
                if count == limit:
                    settle(count, extra)
                    count = extra = 0
                push((_BRANCHES, term[2], environment))
                term = term[1]
                continue
            elif operation == FREE:
                count += 1
                extra += x_var
                if count == limit:
                    settle(count, extra)
                raise open_term(term[1])
            else:
                assert operation == ERROR  # noqa: S101 - for whoever adds one
                raise error_term()

            while True:
                # A value goes to the frame that waits for it.
                kind = frame[0]
                if kind == _ARGUMENTS:
                    _, function, wanted, arguments, environment = frame
                    if value is not frame:
                        arguments.append(value)
                    waiting = False
                    for term in wanted[len(arguments) :]:
                        operation = term[0]
                        if operation == VAR:
                            value = environment[term[1]]
                            extra += x_var
                        elif operation == CONSTANT:
                            value = term[1]
                            extra += x_const
                        elif operation == DELAY:
                            value = (SUSPENSION, term[1], environment, term)
                            extra += x_delay
                        else:
                            waiting = True
                            break
                        count += 1
                        if count == limit:
                            settle(count, extra)
                            count = extra = 0
                        arguments.append(value)
                    if waiting:
                        push((_ARGUMENTS, function, wanted, arguments, environment))
                        break
                    try:
                        cpu, memory = function.price(*arguments)
                        self.cpu -= cpu
                        self.memory -= memory
                        if self.cpu < 0 or self.memory < 0:
                            raise ScriptFailure("budget", OVERSPENT)
                        value = function.call(*arguments)
                    except WrongArgument:
                        wrong = arguments_failure(function, arguments, self._protocol_version)
                        logs += wrong.lines
                        raise wrong from None
                    except BuiltinFailure as failed:
                        logs += failed.lines
                        raise builtin_failure(function, arguments, failed) from None
                    if function.tag == TRACE:
                        logs.append(arguments[0])
                    frame = pop()
                    continue
                if kind == _FORCED:
                    if type(value) is tuple:
                        if value[0] == SUSPENSION:
                            _, term, environment, _ = value
                            break
                        if value[0] == PARTIAL and value[2]:
                            value = (PARTIAL, value[1], value[2] - 1, value[3])
                            frame = pop()
                            continue
                    raise not_delayed(value)
                if kind == _BODY:
                    _, term, fresh, environment = frame
                    environment = (environment, value) if fresh else (*environment, value)
                    break
                if kind == _ARGUMENT:
                    _, term, environment = frame
                    operation = term[0]
                    if operation == VAR:
                        argument = environment[term[1]]
                        extra += x_var
                    elif operation == CONSTANT:
                        argument = term[1]
                        extra += x_const
                    elif operation == LAMBDA:
                        argument = (CLOSURE, term[1], term[2], environment, term)
                        extra += x_lam
                    elif operation == DELAY:
                        argument = (SUSPENSION, term[1], environment, term)
                        extra += x_delay
                    else:
                        push((_CALLED, value))
                        break
                    count += 1
                    if count == limit:
                        settle(count, extra)
                        count = extra = 0
                    called = value
                elif kind == _CALLED:
                    called, argument = frame[1], value
                elif kind == _APPLIED:
                    called, argument = value, frame[1]
                elif kind == _BRANCHES:
                    _, branches, environment = frame
                    term, given = branch(value, branches, self._protocol_version)
                    for each in reversed(given):
                        push((_APPLIED, each))
                    break
                elif kind == _FIELDS:
                    _, structure, made, environment = frame
                    made.append(value)
                    fields = structure[2]
                    if len(made) < len(fields):
                        push(frame)
                        term = fields[len(made)]
                        break
                    value = (STRUCTURE, structure[1], tuple(made))
                    frame = pop()
                    continue
                else:
                    settle(count, extra)
                    return value
                # A function value is applied to an argument.
                if type(called) is tuple:
                    if called[0] == CLOSURE:
                        _, term, fresh, environment, _ = called
                        environment = (environment, argument) if fresh else (*environment, argument)
                        break
                    if called[0] == PARTIAL and not called[2]:
                        function = called[1]
                        arguments = [*called[3], argument]
                        if len(arguments) == function.arity:
                            frame = value = (_ARGUMENTS, function, (), arguments, environment)
                            continue
                        value = (PARTIAL, function, 0, tuple(arguments))
                        frame = pop()
                        continue
                raise not_a_function(called, argument)


class SlowMachine(Machine):
    """The same, paying each kind of step by itself, in Plutus' order: what is left where a budget ends.

    Nodes say so in an error; nothing else can be seen of the order.
    """

    def __init__(self, steps: dict[str, tuple[int, int]], *rest: Any) -> None:
        super().__init__(steps, *rest)
        self._order = [steps[name] for name in _ORDER]
        # Steps of each kind are counted in eight bits of their own.
        self._extra = {name: 1 << (8 * place) for place, name in enumerate(_ORDER)}

    def _settle(self, _: int, extra: int) -> None:
        for cpu, memory in self._order:
            count = extra & 255
            extra >>= 8
            self._pay(count * cpu, count * memory)


_ORDER: Final = ("const", "var", "lam", "apply", "delay", "force", "builtin", "constr", "case")
"""Source: `StepKind` in `UntypedPlutusCore.Evaluation.Machine.Cek.StepCounter` and around it."""
