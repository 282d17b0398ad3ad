"""Compiled Plutus scripts: from their bytes to terms that the machine runs, without recursion.

A script is read once into a list of nodes in the order of its bytes; what is wrong with it is seen
there. Terms are tuples made from that list, backwards: children before parents.
Source: the Plutus Core specification, appendix on the flat serialisation;
`PlutusLedgerApi.Common.ProtocolVersions` for what each version may use.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from milestones.cardano import cbor
from milestones.devnet.ledger.plutus.flat import FlatReader, MalformedScript, malformed
from milestones.devnet.ledger.plutus.signatures import SIGNATURES
from milestones.errors import InvalidEncoding

Term: TypeAlias = "tuple[Any, ...]"
"""A term's operation, then what it needs: see the operations."""

VAR, DELAY, LAMBDA, APPLY, CONSTANT, FORCE, ERROR, BUILTIN, CONSTR, CASE = range(10)
"""Operations, numbered as in the encoding.

`(VAR, slot, index)`, `(DELAY, body)`, `(LAMBDA, body, fresh)`, `(APPLY, function, argument)`,
`(CONSTANT, value)`, `(FORCE, body)`, `(ERROR,)`, `(BUILTIN, tag)`, `(CONSTR, tag, fields)`,
`(CASE, scrutinee, branches)`. A variable stands at `slot` of the environment; `fresh` lambdas begin
a new block of it.
"""

OUTER: Final = 10
"""A variable in a block further out: `(OUTER, slot, blocks, index)`."""

FREE: Final = 11
"""A variable that nothing binds: `(FREE, index)`."""

LET: Final = 12
"""A lambda applied at once: `(LET, body, fresh, argument, the same as APPLY)`."""

CALL: Final = 13
"""A built-in function with all that it wants: `(CALL, tag, arguments, the same as APPLY)`."""

BLOCK: Final = 32
"""Variables in one block of an environment: what a call copies at most, and a closure keeps."""

MAX_FIELDS: Final = 1024
"""Fields of a constructor, since protocol version 11. Source: `maxBoundsByPV`."""

LAST_BUILTIN: Final = 100
"""`scaleValue`, the last of protocol version 11."""


MOST_KEPT: Final = 1 << 19
"""Bytes of scripts whose terms are kept, some 200 times as large; the latest is, whatever its size."""


class Program:
    """A well-formed script. `free`: the index of the first free variable where the ledger looks for one."""

    __slots__ = ("free", "term", "version")

    def __init__(self, version: tuple[int, int, int], term: Term, free: int | None) -> None:
        self.version, self.term, self.free = version, term, free


def flat_bytes(code: bytes, language: str) -> bytes:
    """The flat program inside a script's CBOR byte string, in one piece. Only V3 refuses what follows it.

    Raises `MalformedScript`.
    """
    try:
        item = cbor.read_first(code)
        if language == "plutus:v3" and item.end != len(code):
            raise MalformedScript("bytes follow the script")
        return item.definite_bytes()
    except InvalidEncoding as error:
        raise MalformedScript(error.message) from None


def read_program(flat: bytes, language: str, protocol_version: int) -> Program:
    """Reads a flat program, or has it from before. Raises `MalformedScript`."""
    key = (flat, language, protocol_version)
    known = _KEPT.pop(key, None)
    program = _KEPT[key] = known or _read_program(*key)
    if known is None:
        kept = list(_KEPT)
        size = sum(len(each[0]) for each in kept)
        for oldest in kept[:-1]:
            if size <= MOST_KEPT:
                break
            size -= len(oldest[0])
            _KEPT.pop(oldest, None)
    return program


def _read_program(flat: bytes, language: str, protocol_version: int) -> Program:
    reader = FlatReader(flat, protocol_version)
    version = (reader.natural(), reader.natural(), reader.natural())
    nodes, free = _read_nodes(reader, version >= (1, 1, 0), language)
    reader.end()
    return Program(version, _term(nodes), free)


_KEPT: Final[dict[tuple[bytes, str, int], Program]] = {}
"""Programs that were read, the latest last."""


def is_core_version_available(
    version: tuple[int, int, int], language: str, protocol_version: int
) -> bool:
    """Whether a language may be written in a version of Plutus Core: else the script fails as it runs."""
    newer = language == "plutus:v3" or protocol_version >= 11
    return version == (1, 0, 0) or (newer and version == (1, 1, 0))


def is_available(tag: int, language: str, protocol_version: int) -> bool:
    """Whether a language may use a built-in function at a protocol version."""
    if protocol_version >= 11:
        return tag <= LAST_BUILTIN
    if language == "plutus:v3":
        return tag <= (86 if protocol_version >= 10 else 74)
    if language == "plutus:v2":
        return tag <= 53 or (tag in (73, 74) and protocol_version >= 10)
    return tag <= 50


_Node: TypeAlias = "list[Any]"
"""[operation, what it holds, variables bound there, children of a constructor or case]"""


def _read_nodes(  # noqa: C901, PLR0912 - one branch a kind of term
    reader: FlatReader, newer: bool, language: str
) -> tuple[list[_Node], int | None]:
    """(nodes in the order of the bytes, the first free variable where the ledger looks).

    The ledger looks nowhere inside constructors and cases: `UntypedPlutusCore.Check.Scope`.
    """
    nodes: list[_Node] = []
    free: int | None = None
    version = reader.protocol_version
    most_fields = MAX_FIELDS if version >= 11 else None
    # (variables bound, inside a constructor or a case, the node whose children are being read)
    pending: list[tuple[int, bool, _Node | None]] = [(0, False, None)]
    while pending:
        bound, hidden, parent = place = pending.pop()
        if parent is not None:
            if reader.bits(1):
                parent[3] += 1
                if parent[0] == CONSTR and most_fields is not None and parent[3] > most_fields:
                    malformed(f"a constructor with over {most_fields} fields")
                pending += (place, (bound, True, None))
            continue
        operation = reader.bits(4)
        node: _Node = [operation, None, bound, 0]
        nodes.append(node)
        if operation == VAR:
            node[1] = index = reader.word()
            if not 0 < index <= bound:
                free = index if free is None and not hidden else free
        elif operation == LAMBDA:
            pending.append((bound + 1, hidden, None))
        elif operation == APPLY:
            pending += (place, place)
        elif operation in (DELAY, FORCE):
            pending.append(place)
        elif operation == CONSTANT:
            node[1] = reader.constant()
        elif operation == BUILTIN:
            node[1] = tag = reader.bits(7)
            if not is_available(tag, language, version):
                malformed("a built-in function that the language does not have")
        elif operation in (CONSTR, CASE):
            if not newer:
                malformed("a constructor or case in a version that has none")
            if operation == CONSTR:
                node[1] = reader.word()
            pending.append((bound, True, node))
            if operation == CASE:
                pending.append((bound, True, None))
        elif operation != ERROR:
            malformed(f"term tag {operation}")
    return nodes, free


def _term(nodes: list[_Node]) -> Term:
    """The term of nodes in the order of the bytes: from the last to the first, children stand ready."""
    made: list[Term] = []
    for operation, held, bound, count in reversed(nodes):
        term: Term
        if operation == VAR:
            term = _variable(held, bound)
        elif operation == LAMBDA:
            term = (LAMBDA, made.pop(), bound > 0 and bound % BLOCK == 0)
        elif operation == APPLY:
            term = _application(made.pop(), made.pop())
        elif operation in (CONSTANT, BUILTIN):
            term = (operation, held)
        elif operation == ERROR:
            term = (ERROR,)
        elif operation in (DELAY, FORCE):
            term = (operation, made.pop())
        else:
            first = made.pop() if operation == CASE else held
            term = (operation, first, tuple(made.pop() for _ in range(count)))
        made.append(term)
    return made[0]


def _variable(index: int, bound: int) -> Term:
    position = bound - index
    if not 0 <= position < bound:
        return (FREE, index)
    blocks = (bound - 1) // BLOCK - position // BLOCK
    slot = 1 + position % BLOCK
    return (OUTER, slot, blocks, index) if blocks else (VAR, slot, index)


def _application(function: Term, argument: Term) -> Term:
    plain = (APPLY, function, argument)
    if function[0] == LAMBDA:
        return (LET, function[1], function[2], argument, plain)
    arguments = [argument]
    head = function
    while head[0] == APPLY and len(arguments) < 6:
        arguments.append(head[2])
        head = head[1]
    forces = 0
    while head[0] == FORCE and forces < 2:
        head = head[1]
        forces += 1
    if head[0] == BUILTIN and ARITIES[head[1]] == (forces, len(arguments)):
        return (CALL, head[1], tuple(reversed(arguments)), plain)
    return plain


ARITIES: Final = {each.tag: (each.forces, len(each.kinds)) for each in SIGNATURES}
"""(forces, arguments) of every built-in function."""
