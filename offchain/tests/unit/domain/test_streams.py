"""Long lists are read in blocks, and give what the usual readers give; what is odd is left to those."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from milestones.domain import streams
from milestones.domain.columns import columns_of_rows
from milestones.domain.streams import Odd, stream_json, stream_table
from milestones.domain.tables import read_table
from tests.property.test_columns import rows

ROWS = rows(300)
ROWS[7]["milestone_identifier"] = 'a } in a name, \u00e4 and a \\ " with marks'


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows stand across the borders of pieces and blocks."""
    monkeypatch.setattr(streams, "PIECE", 1_000)
    monkeypatch.setattr(streams, "BLOCK", 64)
    monkeypatch.setattr(streams, "LONGEST_ROW", 1_500)


@pytest.mark.parametrize("indent", [None, 2, "\t"])
@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : ")])
def test_json_in_pieces_is_the_whole(indent: Any, separators: tuple[str, str]) -> None:
    text = json.dumps(ROWS, indent=indent, separators=separators)
    found = stream_json(io.StringIO(f"\n {text} \n"))
    assert found.allocations == columns_of_rows(ROWS)
    assert list(found.allocations.documents()) == ROWS


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-1],
        lambda text: text + "]",
        lambda text: text.replace("},{", "} {", 1),
        lambda text: text.replace("},{", "},,{", 1),
        lambda text: text.replace("},{", "},5,{", 1),
        lambda text: text[1:-1],
        lambda text: text.replace('"token_amount"', '"token_amount":1,"token_amount"', 1),
        lambda text: text.replace('"token_amount"', '"amount"', 1),
        lambda text: text.replace("milestone-3", "\\ud800", 1),
        lambda text: "[" + text + "]",
        lambda text: text[:-1] + ',{"' + "x" * 9_000 + "]",
        lambda _: "[]",
        lambda _: "",
        lambda _: "null",
    ],
)
def test_odd_json_is_left_to_the_usual_reader(damage: Any) -> None:
    text = json.dumps(ROWS, separators=(",", ":"), ensure_ascii=False)
    with pytest.raises(Odd):
        stream_json(io.StringIO(damage(text)))


def table(given: list[dict[str, Any]], *, delimiter: str = ",", terminator: str = "\n") -> str:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator=terminator)
    writer.writerow(("Milestone", "wallet", "amount", "vests", "datum", "datum hash", "remark"))
    for row in given:
        cells = ("milestone_identifier", "beneficiary_address", "token_amount", "vesting_timestamp")
        data = (row.get("datum"), row.get("datum_hash"))
        writer.writerow((*(row[name] for name in cells), *data, "two\nlines"))
    return written.getvalue()


@pytest.mark.parametrize(("delimiter", "terminator"), [(",", "\n"), (";", "\r\n"), ("\t", "\r\n")])
def test_a_table_in_blocks_is_the_whole(delimiter: str, terminator: str) -> None:
    text = table(ROWS, delimiter=delimiter, terminator=terminator)
    found = stream_table(io.StringIO(text, newline=""), decimals=None, decimal_mark=None)
    usual = read_table(text)
    assert list(found.allocations.documents()) == ROWS
    assert found.table is not None
    assert list(found.table.lines) == list(usual.lines)
    assert (found.table.columns, found.table.ignored) == (usual.columns, usual.ignored)


def test_amounts_and_times_are_read_as_people_write_them() -> None:
    text = "address,amount,milestone,vests\n" + "\n".join(
        f'{row["beneficiary_address"]},"1,000.5",one,2027-06-30' for row in ROWS
    )
    found = stream_table(io.StringIO(text, newline=""), decimals=6, decimal_mark=None)
    usual = read_table(text, decimals=6)
    assert list(found.allocations.documents()) == list(usual.rows)
    assert set(found.allocations.amounts) == {1_000_500_000}


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace(",amount,", ",sum total,", 1),
        lambda text: text.replace(",0,", ",tomorrow,", 1),
        lambda text: text.replace("milestone-3", "", 1),
        lambda text: text.replace("milestone-3", " ", 1),
        lambda text: text.replace("milestone-3", '"milestone-3', 1),
        lambda text: text.replace(",d87980,", ",d8 79 80,", 1),
        lambda text: text + "1,2\n",
        lambda text: text.partition("\n")[0],
        lambda _: "",
    ],
)
def test_an_odd_table_is_left_to_the_usual_reader(damage: Any) -> None:
    text = damage(table(ROWS))
    with pytest.raises(Odd):
        stream_table(io.StringIO(text, newline=""), decimals=None, decimal_mark=None)
