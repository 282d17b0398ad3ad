"""Prices by the formulas, where protocol version 11 has its own: other evaluators can't be asked for those.

Each number of the cost models is another one here, so that none can stand for its neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from milestones.devnet.ledger.plutus import values
from milestones.devnet.ledger.plutus.data import data_size, decode_data
from milestones.devnet.ledger.plutus.prices import read_prices
from milestones.devnet.ledger.plutus.values import Array, Tokens, cells
from tests.support.plutus_terms import TAGS

MODEL = tuple(1_000 + 7 * number for number in range(350))
NEW = 297
"""Where the numbers of protocol 11's functions begin."""
COIN = NEW + 22
"""Where those of values begin."""

Formula = Callable[[Sequence[int]], int]
BIG, SMALL = 1 << 640, 1 << 128
"""Of 11 and 3 words."""


def price(
    name: str, *arguments: Any, language: str = "plutus:v3", version: int = 11
) -> tuple[int, int]:
    prices = read_prices(MODEL, language, version)
    return prices.functions[TAGS[name]](*arguments)


def tokens(*names: int) -> Tokens:
    """A value: for each policy the number of its names."""
    return Tokens(
        {
            bytes((policy,)): {bytes((name,)): 1 for name in range(count)}
            for policy, count in enumerate(names)
        }
    )


FOUR = cells(values.INTEGER, range(4))
UN_VALUE = decode_data(bytes.fromhex("a1 41 01 a2 41 01 05 41 02 06"))


@pytest.mark.parametrize(
    ("name", "arguments", "at", "cpu", "memory"),
    [
        (
            "expModInteger",
            (1, BIG, SMALL),
            NEW,
            lambda n: n[0] + n[1] * 11 * 3 + n[2] * 11 * 9,
            lambda n: n[3] + n[4] * 3,
        ),
        (
            "expModInteger",
            (SMALL, 1, SMALL),
            NEW,
            lambda n: n[0] + n[1] * 3 + n[2] * 9,
            lambda n: n[3] + n[4] * 3,
        ),
        (
            "expModInteger",
            (BIG, 1, SMALL),
            NEW,
            lambda n: (n[0] + n[1] * 3 + n[2] * 9) * 3 // 2,
            lambda n: n[3] + n[4] * 3,
        ),
        ("dropList", (-9, FOUR), NEW + 5, lambda n: n[0] + n[1] * 9, lambda n: n[2]),
        ("lengthOfArray", (Array("integer", ()),), NEW + 8, lambda n: n[0], lambda n: n[1]),
        (
            "listToArray",
            (FOUR,),
            NEW + 10,
            lambda n: n[0] + n[1] * 4,
            lambda n: n[2] + n[3] * 4,
        ),
        ("indexArray", (Array("integer", ()), 0), NEW + 14, lambda n: n[0], lambda n: n[1]),
        # Of 3 policies, the longest with 9 names: 2 bits and 4.
        (
            "insertCoin",
            (b"", b"", 1, tokens(1, 9, 8)),
            COIN,
            lambda n: n[0] + n[1] * 6,
            lambda n: n[2] + n[3] * 6,
        ),
        (
            "lookupCoin",
            (b"", b"", tokens(1, 9, 8)),
            COIN + 4,
            lambda n: n[0] + n[1] * 6,
            lambda n: n[2],
        ),
        (
            "unionValue",
            (tokens(2, 3), tokens(4)),
            COIN + 7,
            lambda n: n[0] + n[1] * 5 + n[2] * 4 + n[3] * 20,
            lambda n: n[4] + n[5] * 9,
        ),
        ("valueContains", (tokens(1), tokens(2)), COIN + 13, lambda n: n[0], lambda n: n[4]),
        (
            "valueContains",
            (tokens(2, 1), tokens(3)),
            COIN + 13,
            lambda n: n[1] + n[2] * 3 + n[3] * 3,
            lambda n: n[4],
        ),
        (
            "valueData",
            (tokens(2, 3),),
            COIN + 18,
            lambda n: n[0] + n[1] * 5,
            lambda n: n[2] + n[3] * 5,
        ),
        (
            "unValueData",
            (UN_VALUE,),
            COIN + 22,
            lambda n: n[0] + n[1] * 7 + n[2] * 49,
            lambda n: n[3] + n[4] * 7,
        ),
        (
            "scaleValue",
            (1, tokens(2, 3)),
            COIN + 27,
            lambda n: n[0] + n[1] * 5,
            lambda n: n[2] + n[3] * 5,
        ),
    ],
)
def test_functions_of_protocol_11(
    name: str, arguments: tuple[Any, ...], at: int, cpu: Formula, memory: Formula
) -> None:
    assert price(name, *arguments) == (cpu(MODEL[at:]), memory(MODEL[at:]))


DIVIDE, MOD = 49, 114
"""Where version 3 lists the two."""


@pytest.mark.parametrize(("name", "at"), [("divideInteger", DIVIDE), ("modInteger", MOD)])
@pytest.mark.parametrize(("x", "y"), [(BIG, SMALL), (SMALL, BIG), (SMALL, SMALL)])
def test_division_costs_by_the_longer_and_the_shorter_number(
    name: str, at: int, x: int, y: int
) -> None:
    """Version 3's has seven numbers; before protocol 11 the first alone, where x is shorter."""
    c, c00, c01, c02, c10, c11, c20, least = MODEL[at : at + 8]
    long, short = (11, 3) if x != y else (3, 3)
    full = c00 + c10 * long + c01 * short + c20 * long**2 + c11 * long * short + c02 * short**2
    assert full > least
    assert price(name, x, y)[0] == full
    assert price(name, x, y, version=10)[0] == (c if x < y else full)


def test_division_costs_no_less_than_the_least() -> None:
    model = list(MODEL)
    model[DIVIDE + 1 : DIVIDE + 8] = [1, -2, -2, -2, -2, -2, 77]
    prices = read_prices(tuple(model), "plutus:v3", 11)
    assert prices.functions[TAGS["divideInteger"]](BIG, SMALL)[0] == 77


@pytest.mark.parametrize("language", ["plutus:v1", "plutus:v2"])
def test_older_versions_divide_at_the_price_of_a_product(language: str) -> None:
    c, i, s, *_ = MODEL[DIVIDE:]
    for x, y in ((BIG, SMALL), (SMALL, BIG)):
        assert price("divideInteger", x, y, language=language)[0] == i + s * 33
        older = price("divideInteger", x, y, language=language, version=10)[0]
        assert older == (c if x < y else i + s * 33)


def test_texts_are_measured_in_bytes_since_protocol_11() -> None:
    text = "é" * 6
    now, before = (price("encodeUtf8", text, version=version) for version in (11, 10))
    # 12 bytes, in fours; 6 characters.
    (cpu, cpu_each), (memory, memory_each) = _slopes("encodeUtf8")
    assert now == (cpu + 3 * cpu_each, memory + 3 * memory_each)
    assert before == (cpu + 6 * cpu_each, memory + 6 * memory_each)


def _slopes(name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    empty, one = price(name, ""), price(name, "abcd")
    return (empty[0], one[0] - empty[0]), (empty[1], one[1] - empty[1])


def test_data_is_weighed_by_its_nodes_and_what_they_hold() -> None:
    """4 a node, and one word at least for every integer and string, the empty ones too."""
    assert data_size(decode_data(b"\x00")) == (5, 1)
    assert data_size(decode_data(b"\x40")) == (5, 1)
    assert data_size(decode_data(b"\x49" + bytes(9))) == (6, 1)
    assert data_size(UN_VALUE) == (4 * 7 + 5, 7)


def test_a_length_costs_by_its_eighths_rounded_up() -> None:
    """8 bytes are a word, 9 are two, none are none; so `integerToByteString` and `replicateByte`."""
    at = [price("replicateByte", length, 0) for length in (0, 1, 8, 9, 16, 17)]
    (base, _), (each, _) = at[0], tuple(one - zero for one, zero in zip(at[1], at[0], strict=True))
    assert [cpu for cpu, _ in at] == [base + each * words for words in (0, 1, 1, 2, 2, 3)]
    widths = [price("integerToByteString", True, width, 1)[1] for width in (8, 9, 16, 17)]
    assert widths[0] + 1 == widths[1]
    assert widths[1:] == [widths[1], widths[1], widths[1] + 1]


def test_bounds_of_arguments_are_part_of_the_range() -> None:
    """The lowest and the highest number, the longest string."""
    for least in (-(1 << 262_143), (1 << 262_143) - 1):
        assert price("addInteger", least, 0)
    assert price("sha2_256", bytes(65_536))
    assert price("indexByteString", b"", -(1 << 63))
    assert price("constrData", (1 << 64) - 1, values.EMPTY_DATA)
