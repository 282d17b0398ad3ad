"""The index says what the columns say, proves it, and is never believed where it is damaged."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from milestones.domain.allocation_table import AllocationTable, ColumnTable
from milestones.domain.columns import AllocationColumns, columns_of_rows
from milestones.domain.merkle import root_of_proof
from milestones.domain.models import Allocation
from milestones.errors import InvalidConfiguration
from milestones.protocol.distribution import Distribution
from milestones.protocol.leaves import leaf_of
from milestones.protocol.validator_loader import Contract
from milestones.storage.index import AllocationIndex, IndexFiles, open_index
from milestones.storage.index_writing import writing_index
from milestones.storage.indexed_table import IndexedTable
from tests.property.test_columns import rows, schedule_of

COUNT = 700
DEPTH = 8
"""Three pages, the last of them not full, of four subtrees of 64 rows each."""


@pytest.fixture(scope="module")
def columns() -> AllocationColumns:
    """Rows of which every seventh is a person that is there already."""
    given = rows(COUNT)
    for number in range(7, COUNT, 7):
        given[number]["beneficiary_address"] = given[number % 5]["beneficiary_address"]
    found = columns_of_rows(given)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def distribution(columns: AllocationColumns, contract: Contract) -> Distribution:
    return Distribution.from_schedule(schedule_of(columns, page_depth=DEPTH), contract)


@pytest.fixture
def path(distribution: Distribution, tmp_path: Path) -> Path:
    path = IndexFiles(tmp_path / "index").path_of(distribution.id)
    with writing_index(path) as writer:
        terms = distribution.terms
        nodes = [distribution.node_at(page) for page in range(len(terms.pages))]
        held = distribution.allocations.columns()
        writer.add(held, terms.page_depth, nodes)
        writer.finish([(distribution.id, terms.encode())], network_magic=1)
    return path


@pytest.fixture
def index(path: Path) -> Iterator[AllocationIndex]:
    found = open_index(path)
    assert found is not None
    with closing(found):
        yield found


def table_of(index: AllocationIndex, distribution: Distribution) -> IndexedTable:
    (part,) = index.parts
    return IndexedTable(index, part, distribution.terms.pages)


def answers(table: AllocationTable, columns: AllocationColumns) -> dict[str, object]:
    """Whatever can be asked of a table."""
    person = columns[3].beneficiary_address
    return {
        "all": [dict(table), len(table), list(table), 699 in table, 700 in table],
        "columns": table.columns(),
        "of_address": table.of_address(person),
        "with_payment": table.with_payment(person.payment.hash),
        "with_staking": [
            table.with_staking(row.beneficiary_address.staking.hash)
            for row in columns[:9]
            if row.beneficiary_address.staking
        ],
        "nobody": table.with_payment(bytes(28)),
        "kinds": table.kinds(),
        "milestones": table.milestones(),
        "totals": table.totals(),
        "totals_of": table.totals_of({0, 5, 255, 256, 699, 700}),
        "smaller_than": table.smaller_than(200),
        "with_datum": table.with_datum(),
        "by_kind": [table.by_kind(), table.by_kind("milestone-3")],
        "kinds_of": table.kinds_of([699, 3, 64]),
        "people_of": table.people_of({0, 5, 255, 256, 699, 700}),
    }


def test_the_index_answers_as_the_columns_do(
    index: AllocationIndex, distribution: Distribution, columns: AllocationColumns
) -> None:
    held, read = ColumnTable(columns), table_of(index, distribution)
    assert answers(read, columns) == answers(held, columns)


def test_a_distribution_over_its_index_proves_the_same(
    index: AllocationIndex, distribution: Distribution, contract: Contract
) -> None:
    table = table_of(index, distribution)
    read = Distribution(distribution.terms, contract, table, table.nodes, complete=True)
    assert read.id == distribution.id
    for indices in ([0], [63, 64], [300, 301, 511], [699], range(512, 640)):
        assert read.proof(indices) == distribution.proof(indices)
    page, leaf = read.place(699)
    root = root_of_proof(DEPTH, {leaf: leaf_of(table[699])}, read.proof([699]))
    assert root == distribution.terms.pages[page]


def test_little_is_read_for_one_claim(
    index: AllocationIndex, distribution: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One record, and 64 leaves, however many allocations there are."""
    made: list[int] = []
    usual = AllocationColumns.__getitem__

    def counting(self: AllocationColumns, row: int) -> Allocation:
        made.append(row)
        return usual(self, row)

    monkeypatch.setattr(AllocationColumns, "__getitem__", counting)
    queries: list[str] = []
    asked = index.one

    def remembering(query: str, *values: object) -> object:
        queries.append(query)
        return asked(query, *values)

    monkeypatch.setattr(index, "one", remembering)
    table = table_of(index, distribution)
    assert table[300].token_amount > 0
    assert table.people_of([300, 301]) == 2
    assert made == [300 % 64]
    assert len(queries) == 2


SPOILINGS = [
    "UPDATE page SET amounts = zeroblob(length(amounts)) WHERE number = 1",
    "UPDATE page SET kinds = zeroblob(length(kinds)) WHERE number = 1",
    "UPDATE page SET kinds = zeroblob(3) WHERE number = 1",
    "UPDATE page SET nodes = zeroblob(length(nodes)) WHERE number = 1",
    "DELETE FROM page WHERE number = 1",
    "UPDATE kind SET milestone = milestone || 'x'",
    "UPDATE kind SET vesting = vesting + 1",
    "DELETE FROM kind WHERE number > 0",
    "DELETE FROM chunk WHERE number = 4",
    "UPDATE chunk SET addresses = (SELECT addresses FROM chunk WHERE number = 5) WHERE number = 4",
    "UPDATE datum SET datum = x'd87a80'",
    "DELETE FROM datum",
    "UPDATE tally SET amount = amount + 1 WHERE page = 1 AND kind = 2",
    "DROP TABLE chunk",
]


@pytest.mark.parametrize("spoiling", SPOILINGS)
def test_nothing_is_believed_of_a_file_that_is_not_true(
    path: Path, distribution: Distribution, columns: AllocationColumns, spoiling: str
) -> None:
    """It is found out before anything that is read from there is used, and the file is gone."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(spoiling)
        connection.commit()
    found = open_index(path)
    if found is None:
        return
    with closing(found), pytest.raises(InvalidConfiguration, match="is not true"):
        answers(table_of(found, distribution), columns)
    assert not path.exists()


def test_bytes_at_random_are_an_error_or_do_not_matter(
    path: Path, distribution: Distribution, columns: AllocationColumns
) -> None:
    """Neither a traceback of SQLite's nor a wrong row comes out of a file with damaged bytes."""
    whole, rng = path.read_bytes(), random.Random(11)  # noqa: S311
    expected = {index: columns[index] for index in range(0, COUNT, 50)}
    refused = 0
    for _ in range(60):
        spoilt = bytearray(whole)
        for _ in range(20):
            spoilt[rng.randrange(len(spoilt))] ^= rng.randrange(1, 256)
        path.write_bytes(spoilt)
        found = open_index(path)
        if found is None:
            refused += 1
            continue
        with closing(found):
            try:
                table = table_of(found, distribution) if found.parts else None
                if table is not None:
                    assert {index: table[index] for index in expected} == expected
            except InvalidConfiguration:
                refused += 1
    assert refused


def test_a_file_of_another_kind_is_no_index(path: Path, tmp_path: Path) -> None:
    assert open_index(tmp_path / "missing.sqlite") is None
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert open_index(path) is None
    path.write_text("no database")
    assert open_index(path) is None


def test_nothing_is_left_of_an_index_that_was_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "index" / "some.sqlite"
    with pytest.raises(RuntimeError), writing_index(path):
        raise RuntimeError
    assert [each.name for each in path.parent.iterdir()] == [".lock"]
