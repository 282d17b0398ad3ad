"""Random programs in Plutus Core, of right types mostly, so that they get far before they end.

A program gives a value of a type that was asked for: out of constants, variables, built-in functions on
programs of the types they take, functions and constructors made and taken apart, loops and traces. Now
and then something stands where another type belongs, or a script just fails.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Final

from nacl.signing import SigningKey

from milestones.devnet.ledger.plutus import values
from milestones.devnet.ledger.plutus.signatures import SIGNATURES
from milestones.devnet.ledger.plutus.values import Cell, Data, Kind, Pair, cells
from tests.support.plutus_terms import (
    ERROR,
    FORCES,
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
    var,
)

INTEGER, BYTES, TEXT, BOOL, DATA = "integer", "bytestring", "string", "bool", "data"
PAIRS: Final = ("list", values.PAIR_OF_DATA)
LIST_OF_DATA: Final = values.LIST_OF_DATA
KINDS: Final[tuple[Kind, ...]] = (
    *(INTEGER, BYTES, TEXT, "unit", BOOL, DATA, LIST_OF_DATA, PAIRS, values.PAIR_OF_DATA),
    *(("list", INTEGER), ("list", BYTES), ("pair", INTEGER, LIST_OF_DATA)),
    ("list", ("list", BOOL)),
)
WRONG: Final = 0.012
"""How often something of another type is put, or an error."""

_TABLE: Final = """
addInteger i i > i; subtractInteger i i > i; multiplyInteger i i > i; divideInteger i i > i
quotientInteger i i > i; remainderInteger i i > i; modInteger i i > i; equalsInteger i i > o
lessThanInteger i i > o; lessThanEqualsInteger i i > o; appendByteString b b > b
consByteString w b > b; sliceByteString n n b > b; lengthOfByteString b > i; indexByteString b n > i
equalsByteString b b > o; lessThanByteString b b > o; lessThanEqualsByteString b b > o
sha2_256 b > b; sha3_256 b > b; blake2b_256 b > b; appendString s s > s; equalsString s s > o
encodeUtf8 s > b; decodeUtf8 b > s; constrData n D > d; mapData P > d; listData D > d; iData i > d
bData b > d; unConstrData d > c; unMapData d > P; unListData d > D; unIData d > i; unBData d > b
equalsData d d > o; mkPairData d d > p; mkNilData u > D; mkNilPairData u > P; serialiseData d > b
keccak_256 b > b; blake2b_224 b > b; integerToByteString o n i > b; byteStringToInteger o b > i
andByteString o b b > b; orByteString o b b > b; xorByteString o b b > b; complementByteString b > b
readBit b n > o; writeBits b I o > b; replicateByte n w > b; shiftByteString b n > b
rotateByteString b n > b; countSetBits b > i; findFirstSetBit b > i; ripemd_160 b > b
fstPair p > d; sndPair p > d; fstPair c > i; sndPair c > D; headList D > d; headList I > i
headList P > p; tailList D > D; tailList I > I; tailList P > P; mkCons d D > D; mkCons i I > I
mkCons p P > P; nullList D > o; nullList I > o; nullList P > o
verifyEd25519Signature b b b > o; verifyEcdsaSecp256k1Signature b b b > o
verifySchnorrSecp256k1Signature b b b > o
"""
_LETTERS: Final[dict[str, Kind]] = {
    "i": INTEGER,
    "b": BYTES,
    "s": TEXT,
    "u": "unit",
    "o": BOOL,
    "d": DATA,
    "n": "small",
    "w": "byte",
    "D": LIST_OF_DATA,
    "P": PAIRS,
    "I": ("list", INTEGER),
    "p": values.PAIR_OF_DATA,
    "c": ("pair", INTEGER, LIST_OF_DATA),
}


def _functions() -> dict[str, list[tuple[str, tuple[Kind, ...]]]]:
    rows: dict[str, list[tuple[str, tuple[Kind, ...]]]] = {}
    for row in _TABLE.replace(";", "\n").strip().split("\n"):
        given, _, result = row.strip().partition(" > ")
        name, *letters = given.split(" ")
        takes = tuple(_LETTERS[letter] for letter in letters)
        rows.setdefault(str(_LETTERS[result]), []).append((name, takes))
    return rows


FUNCTIONS: Final = _functions()
"""By what they give: a function's name, and what it takes."""

EDGES: Final = (
    0,
    1,
    -1,
    2,
    7,
    255,
    256,
    -256,
    (1 << 63) - 1,
    1 << 63,
    -(1 << 63),
    1 << 64,
    -(1 << 200),
)
SIGNED: Final = (SigningKey(bytes(32)), b"what is signed")


class Programs:
    """Makes programs for one language at one protocol version; the same seed makes the same ones."""

    def __init__(self, random: Random, available: Callable[[int], bool], newer: bool) -> None:
        self.random, self._newer = random, newer
        self._tags = [each.tag for each in SIGNATURES if available(each.tag)]
        self._names = {SIGNATURES[tag].name for tag in self._tags}

    def one(self, size: int) -> Term:
        """A closed program."""
        return self.term(self.kind(), [], size)

    def kind(self) -> Kind:
        return self.random.choice(KINDS)

    def term(self, kind: Kind, scope: list[Kind], size: int) -> Term:
        """A program of a type, in which variables of some types are bound."""
        chance = self.random.random()
        if chance < WRONG:
            return self._wrong(scope, size)
        bound = [at for at, each in enumerate(reversed(scope), 1) if each == kind]
        if bound and chance < 0.35:
            return var(self.random.choice(bound))
        if size <= 0:
            return const(self.constant(kind))
        makers = [self._applied] * 3
        makers += [self._let, self._delayed, self._chosen, self._traced, self._looped]
        if self._newer:
            makers.append(self._matched)
        return self.random.choice(makers)(kind, scope, size - 1)

    def _several(self, kinds: Iterable[Kind], scope: list[Kind], size: int) -> list[Term]:
        wanted = list(kinds)
        return [self.term(each, scope, size - len(wanted) // 2) for each in wanted]

    def _wrong(self, scope: list[Kind], size: int) -> Term:  # noqa: PLR0911 - a table
        which = self.random.randrange(6)
        if which == 0:
            return ERROR
        if which == 1:
            signature = SIGNATURES[self.random.choice(self._tags)]
            kinds = [self.kind() for _ in range(self.random.randrange(len(signature.kinds) + 2))]
            arguments = self._several(kinds, scope, min(size, 1))
            if self.random.random() < 0.8:
                return call(signature.name, *arguments)
            return application(function(signature.name), *arguments)
        if which == 2:
            return lam(self.term(self.kind(), [*scope, self.kind()], size - 1))
        if which == 3:
            return force(self.term(self.kind(), scope, size - 1))
        if which == 4:
            return application(*self._several([self.kind(), self.kind()], scope, size - 1))
        return self.term(self.kind(), scope, size - 1)

    def _applied(self, kind: Kind, scope: list[Kind], size: int) -> Term:
        known = [row for row in FUNCTIONS.get(str(kind), ()) if row[0] in self._names]
        if not known:
            return self._let(kind, scope, size)
        name, takes = self.random.choice(known)
        if name == "verifyEd25519Signature" and self.random.random() < 0.5:
            key, message = SIGNED
            signature = bytearray(key.sign(message).signature)
            signature[self.random.randrange(64)] ^= self.random.choice((0, 0, 1))
            return call(name, *map(const, (key.verify_key.encode(), message, bytes(signature))))
        arguments = self._several(takes, scope, size)
        if self.random.random() < 0.9:
            return call(name, *arguments)
        # In pieces: a function on its way to all that it wants is a value, too.
        called = function(name)
        for _ in range(FORCES[name]):
            called = force(called)
        last = application(var(1), arguments[-1])
        return application(lam(_lifted(last)), application(called, *arguments[:-1]))

    def _let(self, kind: Kind, scope: list[Kind], size: int) -> Term:
        other = self.kind()
        body = self.term(kind, [*scope, other], size)
        return application(lam(body), self.term(other, scope, size))

    def _delayed(self, kind: Kind, scope: list[Kind], size: int) -> Term:
        term = self.term(kind, scope, size)
        for _ in range(self.random.choice((1, 1, 1, 2, 90))):
            term = force(delay(term))
        return term

    def _chosen(self, kind: Kind, scope: list[Kind], size: int) -> Term:
        name, by, count = self.random.choice(_CHOICES)
        asked = self.term(by, scope, size)
        choices = [self.term(kind, scope, size) for _ in range(count)]
        if self.random.random() < 0.7:
            return force(call(name, asked, *map(delay, choices)))
        return call(name, asked, *choices)

    def _traced(self, kind: Kind, scope: list[Kind], size: int) -> Term:
        return call("trace", self.term(TEXT, scope, size // 2), self.term(kind, scope, size))

    def _looped(self, kind: Kind, scope: list[Kind], size: int) -> Term:
        """`count` times a function of what came before: itself, the number left, the value so far."""
        count = self.random.choice((0, 1, 2, 5, 30))
        inner = [*scope, "itself", INTEGER, kind]
        step = self.term(kind, inner, min(size, 1))
        again = application(var(3), var(3), call("subtractInteger", var(2), const(1)), step)
        over = call("lessThanEqualsInteger", var(2), const(0))
        body = force(call("ifThenElse", over, delay(var(1)), delay(again)))
        start = self.term(kind, [*scope, "itself"], min(size, 2))
        return application(
            lam(application(var(1), var(1), const(count), start)), lam(lam(lam(body)))
        )

    def _matched(self, kind: Kind, scope: list[Kind], size: int) -> Term:
        tag = self.random.randrange(3)
        fields = [self.kind() for _ in range(self.random.randrange(3))]
        branches = [self.term(kind, scope, size // 2) for _ in range(tag)]
        branch = self.term(kind, [*scope, *fields], size)
        for _ in fields:
            branch = lam(branch)
        more = [self.term(kind, scope, 0)] if self.random.random() < 0.5 else []
        if self.random.random() < WRONG:
            branch = UNIT
        scrutinee = constr(tag, *self._several(fields, scope, size))
        return case(scrutinee, *branches, branch, *more)

    def constant(self, kind: Kind) -> Any:  # noqa: PLR0911 - a kind each
        random = self.random
        if isinstance(kind, tuple):
            if kind[0] == "pair":
                return Pair(kind, self.constant(kind[1]), self.constant(kind[2]))
            return cells(kind[1], [self.constant(kind[1]) for _ in range(random.randrange(4))])
        if kind == "small":
            return random.choice((0, 1, 2, 3, 7, 8, 9, 31, 64, random.randrange(-3, 70)))
        if kind == "byte":
            return random.randrange(256)
        if kind == INTEGER:
            few = random.randrange(-10, 20)
            return random.choice((few, few, random.choice(EDGES), random.randrange(1 << 70)))
        if kind == BYTES:
            length = random.choice((0, 1, 2, 8, 9, 32, 33, 64, random.randrange(300)))
            return random.randbytes(length)
        if kind == TEXT:
            return "".join(
                random.choices(f'{string.ascii_letters} é€\U0001f600\n"\\', k=random.randrange(9))
            )
        if kind == DATA:
            return self._data(3)
        return random.random() < 0.5 if kind == BOOL else None

    def _data(self, depth: int) -> Data:
        which = (
            self.random.choice((values.NUMBER, values.STRING))
            if depth == 0
            else self.random.randrange(5)
        )
        if which == values.NUMBER:
            return Data(which, self.constant(INTEGER))
        if which == values.STRING:
            return Data(which, self.constant(BYTES))
        if which == values.MAP:
            kind = values.PAIR_OF_DATA
            pairs = [
                Pair(kind, self._data(depth - 1), self._data(depth - 1))
                for _ in range(self.random.randrange(3))
            ]
            return Data(which, cells(kind, pairs))
        items: Cell = cells(DATA, [self._data(depth - 1) for _ in range(self.random.randrange(4))])
        if which == values.LIST:
            return Data(which, items)
        return values.constructor(self.random.choice((0, 1, 6, 7, 127, 128, 1 << 40)), items)


_CHOICES: Final[tuple[tuple[str, Kind, int], ...]] = (
    *(("ifThenElse", BOOL, 2), ("ifThenElse", BOOL, 2), ("chooseList", LIST_OF_DATA, 2)),
    *(("chooseData", DATA, 5), ("chooseUnit", "unit", 1), ("chooseList", ("list", INTEGER), 2)),
)


def _lifted(term: Term) -> Term:
    """`[ v1 argument ]` below one lambda more: the argument's free variables stand one further out."""
    _, head, argument = term
    return application(head, _shifted(argument, 0))


def _shifted(term: Term, inside: int) -> Term:
    tag = term[0]
    if tag == 0:
        return var(term[1] + 1) if term[1] > inside else term
    if tag in (4, 6, 7):
        return term
    if tag == 2:
        return lam(_shifted(term[1], inside + 1))
    if tag in (8, 9):
        first = term[1] if tag == 8 else _shifted(term[1], inside)
        return tag, first, tuple(_shifted(each, inside) for each in term[2])
    return (tag, *(_shifted(each, inside) for each in term[1:]))
