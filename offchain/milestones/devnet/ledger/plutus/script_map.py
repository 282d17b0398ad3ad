"""Where one is in a script: its functions by number, and the labels that a debug build leaves in it.

UPLC has no names. A lambda is called `i_n`, n counting the lambdas in the order of the script's bytes from 0:
the name that `aiken uplc decode` prints for its variable. Lambdas that follow each other directly are one
function of several arguments, named after the first; one that is applied where it is written is a `let`, and no
function.

A label is a text that stands among a call's arguments, as `trace "expect paid > 0" (delay error)` has it. It
names the check that it belongs to: the application or `case` that has the call for a branch, without its
branches.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from milestones.devnet.ledger.plutus.terms import (
    APPLY,
    CALL,
    CASE,
    CONSTANT,
    CONSTR,
    DELAY,
    ERROR,
    FORCE,
    LAMBDA,
    LET,
    Term,
)

LABEL_LENGTH: Final = 120
"""Characters that are kept of a label."""

SCRIPT: Final = "script"
"""What is outside all functions."""

_ALL: Final = 1 << 62
"""Lambdas that take all there is to take: a branch's the constructor's fields, a script's its arguments."""


class ScriptMap(NamedTuple):
    """The names of functions and checks, by the identity of terms: only for as long as these live.

    `functions`: of lambdas that begin one. `labels`: of the terms that are part of a check; `checks`: those of
    them that a check begins with. `labels_of`: the labels that are written in each function, in their order;
    those outside any are the script's.
    """

    functions: dict[int, str]
    labels: dict[int, str]
    checks: set[int]
    labels_of: dict[str, list[str]]


class _Visit(NamedTuple):
    """A term to look at: its label, the function it is in, and how many lambdas there are `let`.

    `continues`: a lambda here belongs to the function around it.
    """

    term: Term
    label: str | None
    function: str
    lets: int = 0
    continues: bool = False


def read_map(term: Term) -> ScriptMap:
    """Looks through a script, without recursion. The lambdas that take its own arguments are no functions."""
    found = ScriptMap({}, {}, set(), {})
    pending = [_Visit(term, None, SCRIPT, _ALL)]
    lambdas = 0
    while pending:
        visit = pending.pop()
        term = plain(visit.term)
        if visit.label is not None:
            found.labels[id(term)] = visit.label
        operation = term[0]
        if operation == LAMBDA:
            pending.append(_body(found, visit, f"i_{lambdas}"))
            lambdas += 1
        elif operation in (APPLY, CASE):
            pending += reversed(_parts(found, visit, term))
        elif operation in (DELAY, FORCE):
            pending.append(_Visit(term[1], visit.label, visit.function))
        elif operation == CONSTR:
            fields = [_Visit(each, visit.label, visit.function) for each in term[2]]
            pending += reversed(fields)
    return found


def plain(term: Term) -> Term:
    """The term itself, where it was put together for the machine."""
    return term[-1] if term[0] in (LET, CALL) else term


def _body(found: ScriptMap, visit: _Visit, name: str) -> _Visit:
    body = plain(visit.term)[1]
    if visit.lets:
        return _Visit(body, visit.label, visit.function, visit.lets - 1)
    if visit.continues:
        return _Visit(body, None, visit.function, continues=True)
    found.functions[id(plain(visit.term))] = name
    return _Visit(body, None, name, continues=True)


def _parts(found: ScriptMap, visit: _Visit, term: Term) -> list[_Visit]:
    """What an application or a `case` consists of, in the order of the bytes."""
    spine, head, arguments, branches = _taken_apart(term)
    label = _text_among(head, arguments) or _failure_among((*arguments, *branches))
    if label is None:
        label = visit.label
    else:
        found.checks.add(id(term))
        labels = found.labels_of.setdefault(visit.function, [])
        if label not in labels:
            labels.append(label)
    if label is not None:
        for each in spine:
            found.labels[id(each)] = label
    given = [_argument(found, visit, label, each) for each in arguments]
    if term[0] == APPLY:
        around = visit.label if head[0] == LAMBDA else label
        return [_Visit(head, around, visit.function, len(arguments)), *given]
    lets = len(arguments) if _is_many_applied(term) else _ALL
    if not _is_many_applied(term):
        given = [_Visit(term[1], label, visit.function)]
    return [*given, *(_Visit(each, visit.label, visit.function, lets) for each in branches)]


def _argument(found: ScriptMap, visit: _Visit, label: str | None, argument: Term) -> _Visit:
    """An argument; what a delayed one has inside, a branch, is no part of the check."""
    if argument[0] != DELAY:
        return _Visit(argument, label, visit.function)
    if label is not None:
        found.labels[id(argument)] = label
    return _Visit(argument[1], visit.label, visit.function)


def _taken_apart(
    term: Term,
) -> tuple[list[Term], Term, tuple[Term, ...], tuple[Term, ...]]:
    """(terms that are nothing but the application, what is applied, to what, branches)."""
    if term[0] == CASE:
        if _is_many_applied(term):
            return [term, term[1]], term[2][0], term[1][2], term[2]
        return [term], term[1], (), term[2]
    spine, arguments = [], []
    while term[0] == APPLY:
        spine.append(term)
        arguments.append(term[2])
        term = plain(term[1])
    return spine, term, tuple(reversed(arguments)), ()


def _is_many_applied(term: Term) -> bool:
    """Whether a `case` is Aiken's way to give a function several arguments: of a constructor on the spot."""
    return term[1][0] == CONSTR and term[1][1] == 0 and len(term[2]) == 1


def _text_among(head: Term, arguments: tuple[Term, ...]) -> str | None:
    """The text that is given to a call. A `let` that binds a text is none."""
    if head[0] == LAMBDA:
        return None
    for each in arguments:
        if each[0] == CONSTANT and isinstance(each[1], str) and each[1]:
            return one_line(each[1])
    return None


def _failure_among(branches: tuple[Term, ...]) -> str | None:
    """The text of a branch that does nothing but trace it, and then fails or is a constant: `expect`, `?`.

    A branch that goes on after its text is no failure: the text is that of a `trace` of its own.
    """
    for each in branches:
        inner = _undelayed(each)
        if inner[0] in (APPLY, CASE):
            _, head, arguments, _ = _taken_apart(inner)
            text = _text_among(head, arguments)
            if text and all(map(_is_an_end, arguments)):
                return text
    return None


def _is_an_end(term: Term) -> bool:
    """Whether a term is a constant or an error, which Aiken may apply to another."""
    term = _undelayed(term)
    while term[0] == APPLY:
        term = plain(term[1])
    return term[0] in (CONSTANT, ERROR)


def _undelayed(term: Term) -> Term:
    term = plain(term)
    while term[0] in (DELAY, FORCE):
        term = plain(term[1])
    return term


def one_line(text: str) -> str:
    """A text without line breaks, of `LABEL_LENGTH` at most."""
    words = " ".join(text[: 4 * LABEL_LENGTH].split())
    return words if len(words) <= LABEL_LENGTH else f"{words[: LABEL_LENGTH - 1]}…"
