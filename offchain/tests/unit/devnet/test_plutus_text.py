"""Plutus Data as text for a person: nothing is lost, and it fits a telephone."""

from __future__ import annotations

import re
from typing import Any

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from milestones.devnet.control.plutus_text import LINE, plutus_text

LEAVES = st.one_of(
    st.integers(-(1 << 200), 1 << 200), st.binary(max_size=40), st.text(max_size=12).map(str.encode)
)
DATA = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(st.tuples(inner, inner), max_size=3).map(lambda pairs: ("map", pairs)),
        st.tuples(st.integers(0, 200), st.lists(inner, max_size=4)).map(lambda c: ("constr", c)),
    ),
    max_leaves=25,
)


def encoded(value: Any) -> bytes:
    """The CBOR of Plutus Data, constructors by each of the three ways."""
    if isinstance(value, tuple) and value[0] == "map":
        body = b"".join(encoded(key) + encoded(item) for key, item in value[1])
        return bytes([0xA0 + len(value[1])]) + body
    if isinstance(value, tuple):
        number, fields = value[1]
        inner = encoded(list(fields))
        if number < 7:
            return cbor2.dumps(cbor2.CBORTag(121 + number, 0))[:-1] + inner
        if number < 128:
            return cbor2.dumps(cbor2.CBORTag(1280 + number - 7, 0))[:-1] + inner
        return b"\xd8\x66\x82" + cbor2.dumps(number) + inner
    if isinstance(value, list):
        return bytes([0x80 + len(value)]) + b"".join(map(encoded, value))
    return cbor2.dumps(value)


TOKEN = re.compile(
    r"""\s*(?:(Constr \d+)|h'([0-9a-f]*)'(?: "([^\n]*?)"(?=[\]},:\n]|$))?|(-?\d+)|(.))"""
)


def read_back(text: str) -> Any:
    """What the text says, in the form that `encoded` takes."""
    tokens = [match for match in TOKEN.finditer(text) if match[0].strip()]
    tokens.reverse()

    def sequence(closing: str) -> list[Any]:
        found = []
        while tokens[-1][5] != closing:
            found.append(value())
            if tokens[-1][5] in (",", ":"):
                tokens.pop()
        tokens.pop()
        return found

    def value() -> Any:
        token = tokens.pop()
        if token[1]:
            assert tokens.pop()[5] == "["
            return ("constr", (int(token[1].split()[1]), sequence("]")))
        if token[2] is not None:
            return bytes.fromhex(token[2])
        if token[4]:
            return int(token[4])
        if token[5] == "[":
            return sequence("]")
        assert token[5] == "{"
        parts = sequence("}")
        return ("map", list(zip(parts[::2], parts[1::2], strict=True)))

    found = value()
    assert not tokens
    return found


@given(DATA.filter(lambda data: b'"' not in encoded(data)))
def test_the_text_says_what_the_bytes_say(data: Any) -> None:
    assert read_back(plutus_text(encoded(data))) == data


def test_short_things_stand_on_one_line_and_long_ones_do_not() -> None:
    short = ("constr", (0, [5, b"mile", ("map", [(1, [])])]))
    assert plutus_text(encoded(short)) == "Constr 0 [5, h'6d696c65' \"mile\", {1: []}]"
    lines = plutus_text(encoded([short, short])).splitlines()
    assert lines[0] == "["
    assert lines[1].startswith("  Constr 0 [")
    assert max(map(len, lines)) <= LINE + 4


def test_data_as_deep_as_the_ledger_takes() -> None:
    text = plutus_text(b"\x81" * 499 + b"\x05")
    assert text.count("[") == 499
    assert max(map(len, text.splitlines())) < 100


def test_numbers_that_python_does_not_print() -> None:
    number = 1 << 60_000
    chunks = cbor2.dumps(number)
    assert plutus_text(chunks) == hex(number)
