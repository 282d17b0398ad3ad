"""Terms and values as nodes print them where an evaluation failed: the notation of the specification.

Names are not part of a script: a variable is `i!` and its index, a lambda's own is `i!0`. Variables that
a value's environment knows are replaced by what they stand for. Sources: `PlutusCore.Pretty.Classic`,
`.PrettyConst`; `dischargeCekValue` in `UntypedPlutusCore.Evaluation.Machine.Cek.Internal`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from milestones.devnet.ledger.plutus import terms, values
from milestones.devnet.ledger.plutus.layout import (
    EDGE,
    LINE,
    Document,
    align,
    alternative,
    between,
    group,
    nest,
)
from milestones.devnet.ledger.plutus.signatures import SIGNATURES
from milestones.devnet.ledger.plutus.values import Array, Cell, Curve, Data, Kind, Pair, Tokens


def value_document(value: Any) -> Document:
    """A value of the machine as a term."""
    if type(value) is not tuple:
        return constant_document(value)
    kind = value[0]
    if kind == values.CLOSURE:
        return _form("lam", "i!0", partial(_term, value[4][1], value[3], 1))
    if kind == values.SUSPENSION:
        return _form("delay", partial(_term, value[3][1], value[2], 0))
    if kind == values.STRUCTURE:
        return _form("constr", str(value[1]), *(partial(value_document, each) for each in value[2]))
    _, function, to_come, arguments = value
    return application_document(function.tag, function.forces - to_come, arguments)


def application_document(tag: int, forces: int, arguments: Iterable[Any]) -> Document:
    """A built-in function, forced so many times and applied to values."""
    document: Document = _form("builtin", SIGNATURES[tag].name)
    for _ in range(forces):
        document = _form("force", document)
    for argument in arguments:
        document = _brackets(document, partial(value_document, argument))
    return document


def free_variable(index: int) -> Document:
    """A variable by itself."""
    return f"i!{index}"


ERROR_DOCUMENT: Final[Document] = "(error)"
"""The term that fails."""


def forced_document(document: Document) -> Document:
    """A term that is forced."""
    return _form("force", document)


def applied_document(function: Document, argument: Any) -> Document:
    """A term that is applied to a value."""
    return _brackets(function, partial(value_document, argument))


def _term(term: Any, environment: Any, inside: int) -> Document:  # noqa: PLR0911 - a kind each
    """A term in an environment, which has what is bound further out than `inside` lambdas."""
    while term[0] in (terms.LET, terms.CALL):
        term = term[-1]
    operation = term[0]
    of = partial(_within, environment, inside)
    if operation in (terms.VAR, terms.OUTER, terms.FREE):
        return _variable(term[-1], environment, inside)
    if operation == terms.LAMBDA:
        return _form("lam", "i!0", partial(_term, term[1], environment, inside + 1))
    if operation in (terms.DELAY, terms.FORCE):
        return _form("delay" if operation == terms.DELAY else "force", of(term[1]))
    if operation == terms.APPLY:
        return _brackets(of(term[1]), of(term[2]))
    if operation == terms.CONSTANT:
        return constant_document(term[1])
    if operation == terms.BUILTIN:
        return _form("builtin", SIGNATURES[term[1]].name)
    if operation == terms.ERROR:
        return ERROR_DOCUMENT
    first = str(term[1]) if operation == terms.CONSTR else of(term[1])
    return _form("constr" if operation == terms.CONSTR else "case", first, *map(of, term[2]))


def _within(environment: Any, inside: int, term: Any) -> Document:
    return partial(_term, term, environment, inside)


def _variable(index: int, environment: Any, inside: int) -> Document:
    outer = index - inside
    if outer > 0:
        while environment and outer >= len(environment):
            outer -= len(environment) - 1
            environment = environment[0]
        if environment:
            return value_document(environment[-outer])
    return free_variable(index)


def _form(word: str, *parts: Document) -> Document:
    opened = [f"({word}", LINE, group(between(LINE, list(parts)))]
    return group([nest(2, opened), EDGE, ")"])


def _brackets(function: Document, argument: Document) -> Document:
    return group([nest(2, ["[", LINE, group([function, LINE, argument])]), LINE, "]"])


def constant_document(value: Any) -> Document:
    """A constant with its type."""
    kind = values.kind_of(value)
    return _form("con", type_text(kind, inner=True), partial(_shown, kind, value, inner=True))


def type_text(kind: Kind, *, inner: bool = False) -> str:
    """A constant's type; in parentheses where it is part of another."""
    if isinstance(kind, str):
        return kind
    text = " ".join((kind[0], *(type_text(each, inner=True) for each in kind[1:])))
    return f"({text})" if inner else text


def shown(value: Any) -> Document:
    """A constant without its type."""
    return _shown(values.kind_of(value), value, inner=True)


def _shown(kind: Kind, value: Any, *, inner: bool = False) -> Document:
    if isinstance(kind, tuple):
        if kind[0] == "pair":
            return _tuple(
                partial(_shown, kind[1], value.first), partial(_shown, kind[2], value.second)
            )
        items: Iterable[Any] = value.items if isinstance(value, Array) else value
        return _list_of(kind[1], list(items))
    if kind in _PLAIN:
        return _PLAIN[kind](value)
    if isinstance(value, Data):
        return _data(value, inner=inner)
    if isinstance(value, Tokens):
        return _tokens(value)
    assert isinstance(value, Curve)  # noqa: S101 - no other kind is left
    return "<opaque>" if kind == values.ML else "0x" + bytes(value.point.compress()).hex()


def number_text(value: int) -> str:
    """An integer in decimal digits, whatever Python's bound on those."""
    if value.bit_length() < 12_000:
        return str(value)
    sign, rest, parts = ("-" if value < 0 else ""), abs(value), []
    base = 10**4000
    while rest:
        rest, part = divmod(rest, base)
        parts.append(f"{part:04000d}")
    return sign + "".join(reversed(parts)).lstrip("0")


_CONTROL: Final = (
    *(
        "NUL",
        "SOH",
        "STX",
        "ETX",
        "EOT",
        "ENQ",
        "ACK",
        "a",
        "b",
        "t",
        "n",
        "v",
        "f",
        "r",
        "SO",
        "SI",
    ),
    *(
        "DLE",
        "DC1",
        "DC2",
        "DC3",
        "DC4",
        "NAK",
        "SYN",
        "ETB",
        "CAN",
        "EM",
        "SUB",
        "ESC",
        "FS",
        "GS",
    ),
    *("RS", "US"),
)


def _text(value: str) -> str:
    """A text in quotes, as Haskell escapes it, but for letters beyond ASCII."""
    out: list[str] = []
    following = ""
    for character in reversed(value):
        piece = _escaped(character, following)
        out.append(piece)
        following = piece[0]
    return f'"{"".join(reversed(out))}"'


def _escaped(character: str, following: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    category = unicodedata.category(character)
    if category[0] in "LMNPS" or category == "Zs":
        return character
    if character == "\x7f":
        return "\\DEL"
    if character > "\x7f":
        return f"\\{ord(character)}" + ("\\&" if following and following in "0123456789" else "")
    name = _CONTROL[ord(character)]
    return f"\\{name}" + ("\\&" if name == "SO" and following == "H" else "")


_PLAIN: Final[dict[Kind, Callable[[Any], str]]] = {
    values.INTEGER: number_text,
    values.BYTES: lambda value: f"#{value.hex()}",
    values.TEXT: _text,
    values.UNIT: lambda _: "()",
    values.BOOL: str,
}


def _list_of(kind: Kind, items: list[Any]) -> Document:
    if kind in (values.INTEGER, values.UNIT, values.BOOL):
        return "[" + ",".join(_PLAIN[kind](each) for each in items) + "]"
    documents = _listed([partial(_shown, kind, each) for each in items])
    return documents if kind == values.TEXT else align(documents)


def _listed(items: list[Document], opening: str = "[", closing: str = "]") -> Document:
    first = alternative(f"{opening} ", opening)
    last = alternative(f" {closing}", closing)
    if len(items) < 2:
        return group([first, *items, last])
    rows: list[Document] = [[first, items[0]], *([", ", each] for each in items[1:])]
    return group([group(between(EDGE, rows)), last])


def _tuple(first: Document, second: Document) -> Document:
    return _listed([first, second], "(", ")")


def _data(data: Data, *, inner: bool = False) -> Document:
    document = _data_of(data)
    return ["(", document, ")"] if inner else document


def _data_of(data: Data) -> Document:
    value = data.value
    if data.tag == values.NUMBER:
        return f"I {number_text(value)}"
    if data.tag == values.STRING:
        return f"B #{value.hex()}"
    head, items = ("Map", value) if data.tag == values.MAP else ("List", value)
    if data.tag == values.CONSTR:
        head, items = f"Constr {number_text(value.first)}", value.second
    return align(nest(2, group([head, LINE, partial(_entries, items)])))


def _entries(items: Cell) -> Document:
    return align(_listed([partial(_entry, each) for each in items]))


def _entry(entry: Data | Pair) -> Document:
    if isinstance(entry, Data):
        return _data(entry)
    return _tuple(partial(_data, entry.first), partial(_data, entry.second))


def _tokens(tokens: Tokens) -> Document:
    rows: list[Document] = []
    for policy, names in sorted(tokens.policies.items()):
        inner = [
            _tuple(f"#{name.hex()}", number_text(quantity))
            for name, quantity in sorted(names.items())
        ]
        rows.append(_tuple(f"#{policy.hex()}", align(_listed(inner))))
    return align(_listed(rows))
