"""Tables as spreadsheets write them: what has one meaning is taken, all else is refused by line and column."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cli.options import moment
from milestones.domain.posix_time import read_moment
from milestones.domain.tables import COLUMNS, read_table, template, write_table
from milestones.errors import InvalidInput, InvalidSchedule
from milestones.recognition import is_table

NEW_YEAR = 1_798_761_600
"""2027-01-01 in POSIX seconds."""
HEADER = "address,amount,milestone,vests"


def one(cells: str, header: str = HEADER, **options: Any) -> dict[str, Any]:
    """The only row of a table."""
    (row,) = read_table(f"{header}\n{cells}\n", **options).rows
    return row


def refused(text: str, **options: Any) -> dict[str, Any]:
    """The details of a refusal."""
    with pytest.raises(InvalidSchedule) as error:
        read_table(text, **options)
    return {"message": error.value.message, "hint": error.value.hint, **error.value.details}


def test_a_row_is_what_json_would_have_said() -> None:
    assert one("addr1x,1000,m 1,2027-01-01") == {
        "beneficiary_address": "addr1x",
        "token_amount": 1000,
        "milestone_identifier": "m 1",
        "vesting_timestamp": NEW_YEAR,
    }


@pytest.mark.parametrize(
    "header",
    [
        "beneficiary_address,token_amount,milestone_identifier,vesting_timestamp",
        "Address;Amount;Milestone;Vests",
        "RECIPIENT\tTokens\tmilestone id\tVesting date",
        '"wallet","quantity","milestone-id","vests_at"',
    ],
)
def test_columns_have_many_names(header: str) -> None:
    delimiter = next(each for each in ";\t," if each in header)
    row = one(delimiter.join(("addr1x", "5", "m", "0")), header)
    assert set(row) == {*list(COLUMNS)[:4]}


def test_columns_stand_in_any_order_and_others_are_named() -> None:
    table = read_table("Name,vests,e-mail,milestone,amount,address\nAda,0,a@b,m,7,addr1x\n")
    assert table.rows[0]["token_amount"] == 7
    assert table.ignored == ("Name", "e-mail")


def test_quotes_carriage_returns_and_empty_lines() -> None:
    text = f'{HEADER}\r\n\r\n"addr1x","1000","phase ""one"", first","2027-01-01"\r\n,,,\r\n'
    table = read_table(text)
    assert table.rows[0]["milestone_identifier"] == 'phase "one", first'
    assert table.lines == (3,)


@pytest.mark.parametrize(
    ("cell", "options", "amount"),
    [
        ("1000", {}, 1000),
        ("1000", {"decimals": 0}, 1000),
        ("1000", {"decimals": 6}, 1_000_000_000),
        ("0.5", {"decimals": 6}, 500_000),
        ("1000,5", {"decimals": 2}, 100_050),
        ("1,000.50", {"decimals": 2}, 100_050),
        ("1.000,50", {"decimals": 2}, 100_050),
        ("1 234 567", {"decimals": 0}, 1_234_567),
        ("1\u202f234,5", {"decimals": 1}, 12_345),
        ("1'234'567.8", {"decimals": 6}, 1_234_567_800_000),
        ("1,000", {"decimals": 3, "decimal_mark": "."}, 1_000_000),
        ("1,000", {"decimals": 3, "decimal_mark": ","}, 1000),
        ("1,000,000", {"decimals": 0}, 1_000_000),
        ("2.50000000", {"decimals": 1}, 25),
    ],
)
def test_amounts_with_one_meaning(cell: str, options: dict[str, Any], amount: int) -> None:
    assert one(f"addr1x;{cell};m;0", HEADER.replace(",", ";"), **options)["token_amount"] == amount


@pytest.mark.parametrize(
    ("cell", "options", "words"),
    [
        ("1,000", {}, "no whole number"),
        ("1.5", {}, "no whole number"),
        ("1,000", {"decimals": 6}, "read in two ways"),
        ("1.000", {"decimals": 6}, "read in two ways"),
        ("1.23", {"decimals": 1}, "more than 1 decimals"),
        ("1,00,000", {"decimals": 0}, "no amount"),
        ("1 000,000.5", {"decimals": 2}, "no amount"),
        ("1E+06", {"decimals": 0}, "rounded by the spreadsheet"),
        ("-5", {"decimals": 0}, "no amount"),
        ("(5)", {"decimals": 0}, "no amount"),
        ("5 ADA", {"decimals": 6}, "no amount"),
        ("٣", {}, "no whole number"),
    ],
)
def test_amounts_that_are_not_guessed(cell: str, options: dict[str, Any], words: str) -> None:
    details = refused(f"address;amount;milestone;vests\naddr1x;{cell};m;0\n", **options)
    assert words in details["message"]
    assert details["errors"][0]["path"] == "line 2, column 'amount'"
    assert details["hint"]


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("0", 0),
        ("1798761600", NEW_YEAR),
        ("2027-01-01", NEW_YEAR),
        ("2027-01-01T00:00:00Z", NEW_YEAR),
        ("2027-01-01 01:00 +01:00", NEW_YEAR),
        ("2026-12-31T19:00-0500", NEW_YEAR),
        ("2027-01-01 00:00 UTC", NEW_YEAR),
    ],
)
def test_times_with_one_meaning(cell: str, moment: int) -> None:
    assert one(f"addr1x,1,m,{cell}")["vesting_timestamp"] == moment


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("01/02/2027", "read in two ways"),
        ("1.2.27", "read in two ways"),
        ("2027-01-01 12:00", "without its zone"),
        ("2027-13-01", "in no calendar"),
        ("soon", "no time"),
        ("45000.5", "no time"),
    ],
)
def test_times_that_are_not_guessed(cell: str, words: str) -> None:
    details = refused(f"{HEADER}\naddr1x,1,m,{cell}\n")
    assert words in details["message"]
    assert details["errors"][0]["path"] == "line 2, column 'vests'"


def test_all_problems_come_at_once() -> None:
    details = refused(f"{HEADER}\naddr1x,,m,0\naddr1x,1,m,0\naddr1x,x,m,soon\n")
    assert [each["path"] for each in details["errors"]] == [
        "line 2, column 'amount'",
        "line 4, column 'amount'",
        "line 4, column 'vests'",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("address,amount,milestone\nx,1,m\n", "no column is named vesting_timestamp"),
        ("adress,amount,milestone,vests\nx,1,m,0\n", "is it 'adress'?"),
        ("address,wallet,amount,milestone,vests\n", "both mean beneficiary_address"),
        (f"{HEADER}\n", "no rows"),
        (f"{HEADER}\nx,1,m,0,more\n", "has 5 cells, and the header 4"),
        (f'{HEADER}\nx,1,"m,0\n', "line"),
    ],
)
def test_tables_that_are_none(text: str, words: str) -> None:
    assert words in refused(text)["message"]


@given(st.integers(0, 10**24), st.integers(0, 12), st.sampled_from([".", ","]))
def test_any_amount_is_read_back_exactly(amount: int, decimals: int, mark: Any) -> None:
    whole, fraction = divmod(amount, 10**decimals)
    grouped = f"{whole:,}".replace(",", "." if mark == "," else ",")
    text = f"{grouped}{mark}{fraction:0{decimals}d}" if decimals else grouped
    row = one(f"x;{text};m;0", HEADER.replace(",", ";"), decimals=decimals, decimal_mark=mark)
    assert row["token_amount"] == amount


@given(st.integers(1_514_764_800, 6_942_000_000))
def test_any_minute_is_read_back_exactly(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds - seconds % 60, timezone.utc)
    row = one(f"x,1,m,{moment.isoformat()}")
    assert row["vesting_timestamp"] == moment.timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{HEADER}\n", True),
        (f"{HEADER}\nx,1,m,0\n", True),
        (HEADER.replace(",", "\t"), True),
        ('"address","amount","milestone","vests"\n', True),
        ("[]", False),
        ('  [{"a": 1}, 2]', False),
        ('{"a": 1, "b": 2}', False),
        ("", False),
        ("addresses: a, b\namounts: 1, 2\n", False),
        ("<p>a, b</p>\n<p>c, d</p>", False),
    ],
)
def test_a_table_is_known_by_its_content(text: str, expected: bool) -> None:
    assert is_table(text) is expected


def test_lines_within_cells_and_odd_line_ends_break_no_row() -> None:
    table = read_table(f'{HEADER}\n"x\n",1,"a\nb",0\ny,2,a\u2028b,0\n')
    assert table.lines == (2, 5)
    assert [row["milestone_identifier"] for row in table.rows] == ["a\nb", "a\u2028b"]


def test_places_are_said_in_lines_and_columns() -> None:
    table = read_table("\nWallet,vests,milestone,Tokens\n\nx,0,m,1\ny,0,m,2\n")
    assert table.placed("beneficiary_allocations[1].token_amount: too much") == (
        "line 5, column 'Tokens': too much"
    )
    assert table.placed("beneficiary_allocations[1] repeats beneficiary_allocations[0]") == (
        "line 5 repeats line 4"
    )
    assert table.placed("beneficiary_allocations[7]") == "beneficiary_allocations[7]"


def test_what_is_written_is_read_back() -> None:
    rows = (
        {
            "beneficiary_address": "addr1x",
            "token_amount": 10**15,
            "milestone_identifier": 'phase "1", last',
            "vesting_timestamp": NEW_YEAR,
        },
    )
    assert read_table(write_table(rows)).rows == rows


def test_the_template_is_a_table() -> None:
    assert len(read_table(template()).rows) == 2


@pytest.mark.parametrize("mark", [";", "\t", ","])
def test_a_spreadsheets_word_on_the_delimiter_is_heeded(mark: str) -> None:
    text = f"sep={mark}\r\n" + HEADER.replace(",", mark) + f"\r\nx{mark}1{mark}m{mark}0\r\n"
    assert is_table(text)
    table = read_table(text)
    assert (table.rows[0]["token_amount"], table.lines) == (1, (3,))


def test_a_column_without_a_name_is_named_where_it_holds_something() -> None:
    text = "address,,amount,milestone,vests,\nx,,1,m,0,\ny,secret,1,m,0,\n"
    assert read_table(text).ignored == ("column 2, without a name",)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1814356800", 1_814_356_800),
        ("2027-06-30", 1_814_313_600),
        ("2027-06-30T12:00Z", 1_814_356_800),
        ("2027-06-30 12:00:00 utc", 1_814_356_800),
        ("2027-06-30T14:00:00.000+0200", 1_814_356_800),
        ("2027-06-30T12:00", "is a time without its zone"),
        ("2027-06-31", "is in no calendar"),
        ("2027-06-30T25:00Z", "is in no calendar"),
        ("30.06.2027", "is a date that is read in two ways"),
        ("tomorrow", "is no time"),
        ("-5", "is no time"),
        ("", "is no time"),
    ],
)
def test_a_moment_is_read_in_one_way(text: str, seconds: int | str) -> None:
    if isinstance(seconds, str):
        with pytest.raises(ValueError, match=f"^{seconds}$"):
            read_moment(text)
    else:
        assert read_moment(text) == seconds


def test_an_option_takes_a_time_without_its_zone_as_utc() -> None:
    assert moment("2027-06-30T12:00", "reclaim_after") == 1_814_356_800
    with pytest.raises(InvalidInput) as refused:
        moment("30/06/2027", "reclaim_after")
    assert refused.value.to_json()["details"]["path"] == "reclaim_after"
