"""Compiled Plutus scripts: whether they are well-formed, and whether the evaluator knows all in them.

The evaluator charges as protocol version 10 did. Version 11 changed the price of three functions of
text, which are refused here by name, and of `divideInteger` and `modInteger` where the divisor is
longer than the dividend by whole words of 64 bits: the one difference that a script's bytes don't show.

Reads the flat encoding once, without building terms. Source: the Plutus Core specification, appendix
on the flat serialisation; `PlutusLedgerApi.Common.ProtocolVersions` for what each version may use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from milestones.cardano import cbor
from milestones.cardano.outputs import Script
from milestones.devnet.ledger.flat import FlatReader, MalformedFlat
from milestones.errors import InvalidEncoding

EVALUATED_BUILTINS: Final = {
    "plutus:v1": frozenset(range(51)),
    "plutus:v2": frozenset((*range(54), 73, 74)),
    "plutus:v3": frozenset(range(87)),
}
"""What the evaluator knows the price of, by language: what each had before protocol version 11, which
gave all to all and added those from `expModInteger` on.
"""

LAST_BUILTIN: Final = 100
"""`scaleValue`, the last of protocol 11."""

REPRICED_BUILTINS: Final = {22: "appendString", 23: "equalsString", 24: "encodeUtf8"}
"""Functions of text that protocol 11 charges otherwise than the evaluator does."""

MAX_TERM_DEPTH: Final = 60_000
"""Nesting of terms that the evaluator was tried with; a script of 16 KiB can nest half as deep."""

VAR, DELAY, LAMBDA, APPLY, CONSTANT, FORCE, ERROR, BUILTIN, CONSTR, CASE = range(10)

CHILDREN: Final = {
    DELAY: ("term",),
    LAMBDA: ("term",),
    APPLY: ("term", "term"),
    CONSTANT: (),
    FORCE: ("term",),
    ERROR: (),
    CONSTR: ("terms",),
    CASE: ("terms", "term"),
}
"""What follows each kind of term, in reverse."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a script: `malformed` for the ledger, `unsupported` for the evaluator.

    An `open` one, with a variable that nothing binds, is well-formed, and fails whenever it is run: the
    ledger looks at it before the first step. Source: `PlutusLedgerApi.Common.Eval`, `mkTermToEvaluate`.
    """

    malformed: bool = False
    unsupported: str = ""
    open: bool = False


@lru_cache(maxsize=1024)
def verdict(script: Script, protocol_version: int) -> Verdict:
    """Judges a script by its bytes. Ledger: `isValidPlutusScript`; native scripts always pass."""
    if script.language == "native":
        return Verdict()
    try:
        return _judge(script, protocol_version)
    except (MalformedFlat, InvalidEncoding):
        return Verdict(malformed=True)


def flat_bytes(script: Script) -> bytes:
    """The flat program inside the script's CBOR byte string. Only V3 refuses what follows it."""
    item = cbor.read_first(script.code)
    if script.language == "plutus:v3" and item.end != len(script.code):
        raise MalformedFlat("bytes follow the script")
    return item.bytes()


def _judge(script: Script, protocol_version: int) -> Verdict:
    reader = FlatReader(flat_bytes(script))
    version = (reader.natural(), reader.natural(), reader.natural())
    newer_terms = version == (1, 1, 0)
    if not newer_terms and version != (1, 0, 0):
        raise MalformedFlat(f"Plutus Core {version}")
    if newer_terms and script.language != "plutus:v3" and protocol_version < 11:
        raise MalformedFlat("this version's language has no constructors and cases")
    contents = _walk(reader, newer_terms)
    reader.end()
    if any(not _available(tag, script.language, protocol_version) for tag in contents.builtins):
        raise MalformedFlat("a built-in function that the language does not have")
    if contents.free:
        return Verdict(open=True)
    beyond = _beyond_evaluator(script.language, contents, protocol_version)
    if newer_terms and script.language != "plutus:v3":
        beyond = "a script of an older language that uses constructors and cases"
    return Verdict(unsupported=beyond)


class _Place(NamedTuple):
    """Where a term stands, or a list of terms: its depth, and how many variables are bound there.

    `looked_over`: inside a constructor or a case, where the ledger checks no variables beforehand.
    """

    is_list: bool = False
    depth: int = 1
    bound: int = 0
    looked_over: bool = False


@dataclass(slots=True)
class _Contents:
    """What a script is made of: the tags of its built-in functions, its depth, its free variables."""

    builtins: set[int] = field(default_factory=set)
    depth: int = 0
    free: bool = False
    free_where_nobody_looks: bool = False

    def see_variable(self, index: int, place: _Place) -> None:
        """De Bruijn: 1 is the innermost that is bound. Source: `UntypedPlutusCore.Check.Scope`."""
        if 0 < index <= place.bound:
            return
        if place.looked_over:
            self.free_where_nobody_looks = True
        else:
            self.free = True


def _walk(reader: FlatReader, newer_terms: bool) -> _Contents:
    contents = _Contents()
    pending = [_Place()]
    while pending:
        place = pending.pop()
        if place.is_list:
            if reader.bit():
                pending += (place, place._replace(is_list=False))
            continue
        contents.depth = max(contents.depth, place.depth)
        tag = reader.bits(4)
        if tag == BUILTIN:
            contents.builtins.add(reader.bits(7))
        elif tag == VAR:
            contents.see_variable(reader.natural(), place)
        else:
            pending += _children(reader, tag, newer_terms, place)
    return contents


def _children(reader: FlatReader, tag: int, newer_terms: bool, place: _Place) -> list[_Place]:
    """What follows a term's tag, the next to be read last."""
    if tag == CONSTR:
        reader.natural()
    elif tag == CONSTANT:
        reader.constant()
    newer = tag in (CONSTR, CASE)
    if newer and not newer_terms:
        raise MalformedFlat("a constructor or case in a language that has none")
    if tag not in CHILDREN:
        raise MalformedFlat(f"term tag {tag}")
    inside = _Place(
        depth=place.depth + 1,
        bound=place.bound + (tag == LAMBDA),
        looked_over=place.looked_over or newer,
    )
    return [inside._replace(is_list=each == "terms") for each in CHILDREN[tag]]


def _available(tag: int, language: str, protocol_version: int) -> bool:
    """Whether a language may use a built-in function at a protocol version."""
    if protocol_version >= 11:
        return tag <= LAST_BUILTIN
    if language == "plutus:v3":
        return tag <= (86 if protocol_version >= 10 else 74)
    if language == "plutus:v2":
        return tag <= 53 or (tag in (73, 74) and protocol_version >= 10)
    return tag <= 50


def _beyond_evaluator(language: str, contents: _Contents, protocol_version: int) -> str:
    builtins = contents.builtins
    if contents.depth > MAX_TERM_DEPTH:
        return f"a script whose terms nest over {MAX_TERM_DEPTH} deep"
    if contents.free_where_nobody_looks:
        return "a script with a free variable inside a constructor or a case"
    if builtins - EVALUATED_BUILTINS[language]:
        return f"a {language} script that uses a built-in function of protocol version 11"
    names = [REPRICED_BUILTINS[tag] for tag in sorted(builtins) if tag in REPRICED_BUILTINS]
    if names and protocol_version >= 11:
        return f"a script that uses {', '.join(names)}, whose price protocol version 11 changed"
    return ""
