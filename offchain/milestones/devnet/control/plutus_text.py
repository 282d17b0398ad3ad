"""Plutus Data and metadata as text for a person: short things on one line, long ones indented.

`Constr 0 [5, h'6d696c65' "mile", {1: []}]`: integers, byte strings (with their text where they are
one), lists, maps in their own order, and constructors by their number.
"""

from __future__ import annotations

from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.plutus_data import constructor_parts

LINE: Final = 44
"""Characters that stay on one line, about what a telephone shows."""

DEEPEST: Final = 12
"""Levels that are indented; what is nested deeper stays at this margin."""


def plutus_text(data: bytes) -> str:
    """The text of Plutus Data, given as CBOR that the ledger has accepted."""
    return item_text(cbor.read(data))


def item_text(whole: Item) -> str:
    """The text of Plutus Data or of a metadatum."""
    shown: list[list[str]] = []
    # Each node's children stand on the stack of results when its turn comes: no recursion, since data
    # may be nested hundreds of levels deep.
    waiting: list[tuple[Item, int, bool]] = [(whole, 0, False)]
    while waiting:
        item, level, ready = waiting.pop()
        children = _children(item)
        if not children:
            shown.append([_margin(level) + _leaf(item)])
        elif not ready:
            waiting.append((item, level, True))
            waiting += [(child, level + 1, False) for child in reversed(children)]
        else:
            parts = shown[-len(children) :]
            del shown[-len(children) :]
            shown.append(_joined(item, parts, _margin(level)))
    (lines,) = shown
    return "\n".join(lines)


def _margin(level: int) -> str:
    return "  " * min(level, DEEPEST)


def _children(item: Item) -> tuple[Item, ...]:
    if item.kind == cbor.ARRAY:
        return item.array()
    if item.kind == cbor.MAP:
        return tuple(part for pair in item.pairs() for part in pair)
    if item.kind == cbor.TAG and item.tag not in (2, 3):
        return constructor_parts(item)[1]
    return ()


def _leaf(item: Item) -> str:
    if item.kind == cbor.BYTES:
        return _bytes(item.bytes())
    if item.kind == cbor.TEXT:
        return f'"{printable(item.text())}"'
    if item.kind in (cbor.ARRAY, cbor.MAP):
        return "[]" if item.kind == cbor.ARRAY else "{}"
    if item.kind != cbor.TAG:
        return str(item.integer())
    if item.tag not in (2, 3):
        return f"Constr {constructor_parts(item)[0]} []"
    inner: Item = item.value
    magnitude = int.from_bytes(inner.bytes(), "big")
    # Python refuses to print integers of thousands of digits in base 10.
    number = magnitude if item.tag == 2 else -1 - magnitude
    return str(number) if len(inner.bytes()) <= 128 else hex(number)


def printable(text: str) -> str:
    """A text whose invisible characters, those that turn lines around among them, are written out."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


def _bytes(value: bytes) -> str:
    shown = f"h'{value.hex()}'"
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return shown
    return f'{shown} "{text}"' if text and text.isprintable() else shown


def _joined(item: Item, parts: list[list[str]], margin: str) -> list[str]:
    """A node out of the lines of its parts, which have their margins already."""
    opening, closing = ("{", "}") if item.kind == cbor.MAP else ("[", "]")
    if item.kind == cbor.TAG:
        opening = f"Constr {constructor_parts(item)[0]} ["
    if item.kind == cbor.MAP:
        parts = [_entry(key, value) for key, value in zip(parts[::2], parts[1::2], strict=True)]
    if all(len(part) == 1 for part in parts):
        line = f"{opening}{', '.join(part[0].lstrip() for part in parts)}{closing}"
        if len(line) <= LINE:
            return [margin + line]
    lines = [margin + opening]
    for part in parts:
        lines += part
        lines[-1] += ","
    return [*lines, margin + closing]


def _entry(key: list[str], value: list[str]) -> list[str]:
    return [*key[:-1], f"{key[-1]}: {value[0].lstrip()}", *value[1:]]
