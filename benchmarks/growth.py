"""What transactions take as a distribution grows from 1 to a million people, and a batch from 1 to the limit.

Everything is built by the program's own builder on the embedded chain, claims out of an index. No clock and
no chance: the same contract gives the same figures.
"""

from __future__ import annotations

import random
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from cost_rows import beneficiaries
from figures import Block, Cell, Column, Table, Words
from plots import Line, Plot

from milestones.cardano.value import Value
from milestones.domain.columns import ADDRESS_BYTES, AllocationColumns, Kind
from milestones.domain.paging import MOST_ALLOCATIONS
from milestones.errors import LimitsExceeded
from milestones.protocol.distribution import Distribution
from milestones.protocol.series import SeriesMark, series_root
from milestones.storage.index import IndexFiles
from milestones.storage.index_writing import writing_index
from milestones.storage.indexed_table import IndexedTable
from milestones.testing.cast import ADA
from milestones.testing.contract import (
    FIRST_SLOT,
    MILESTONE,
    ContractHarness,
    Opened,
    moment,
    opened_by,
    opening_draft,
    schedule,
)
from milestones.transactions.draft import TransactionDraft

SIZES: Final = (1, 10, 100, 1_000, 10_000, MOST_ALLOCATIONS, 1_000_000)
BATCHES: Final = (1, 2, 5, 10, 20, 40, 60, 80, 100, 120, 140)
APART: Final = 12
"""How far from each other the claims are where neighbours wait for different milestones: every 12th."""
RECLAIM_SLOT: Final = FIRST_SLOT + 1_000_000
ANYBODY: Final = 7
"""The seed of the addresses."""


def columns_of(count: int) -> AllocationColumns:
    """Vested allocations of one milestone, a million each, to as many base addresses."""
    rng = random.Random(ANYBODY)  # noqa: S311 - no secret
    addresses = b"".join(b"\0" + rng.randbytes(ADDRESS_BYTES - 1) for _ in range(count))
    kind = Kind(MILESTONE, moment(FIRST_SLOT))
    return AllocationColumns(
        addresses, array("Q", [1_000_000]) * count, array("I", [0]) * count, (kind,)
    )


def series_words(count: int) -> str:
    """What the terms of one of its distributions say of a series of so many; nothing where it is alone."""
    if count <= MOST_ALLOCATIONS:
        return ""
    mark = SeriesMark(series_root([]), part=7, of=-(-count // MOST_ALLOCATIONS), file=bytes(32))
    return mark.description()


def harness_with_scripts() -> ContractHarness:
    """A chain on which the contract's scripts are published, and a wallet with some ADA."""
    harness = ContractHarness()
    harness.give(Value(1_000 * ADA))
    harness.publish()
    return harness


@contextmanager
def indexed(distribution: Distribution) -> Iterator[Distribution]:
    """The same out of an index, as the program has large ones."""
    with tempfile.TemporaryDirectory() as folder:
        indices, terms = IndexFiles(Path(folder) / "index"), distribution.terms
        with writing_index(indices.path_of(distribution.id)) as writer:
            nodes = [distribution.node_at(page) for page in range(len(terms.pages))]
            writer.add(distribution.allocations.columns(), terms.page_depth, nodes)
            writer.finish([(distribution.id, terms.encode())], terms.metadata.network_magic)
        found = indices.of(distribution.id)
        if found is None:
            raise SystemExit("the index that was just written can't be read")
        table = IndexedTable(*found, terms.pages)
        yield Distribution(terms, distribution.contract, table, table.nodes, complete=True)
        indices.close()


def planned(harness: ContractHarness, count: int, depth: int | None = None) -> Distribution:
    """The distribution of so many, or one of those that a series of so many is cut into."""
    plan = schedule(
        harness,
        beneficiaries(harness, 1),
        token=harness.token,
        reclaim_slot=RECLAIM_SLOT,
        creator="payer",
        page_depth=depth,
    )
    described = plan.contract_metadata.model_copy(update={"description": series_words(count)})
    rows = columns_of(min(count, MOST_ALLOCATIONS))
    changes = {"beneficiary_allocations": rows, "contract_metadata": described}
    return Distribution.from_schedule(plan.model_copy(update=changes), harness.contract)


def row(harness: ContractHarness, draft: TransactionDraft, persons: int = 1) -> list[Cell]:
    """Bytes, memory, steps, fee of a draft, and the fee for each of so many persons. Nothing is sent."""
    balanced = harness.balanced(draft)
    units, fee = balanced.units, balanced.fee_lovelace
    return [balanced.size, units.memory, units.cpu, fee, fee / persons]


def most(fits: Callable[[int], bool], limit: int) -> int:
    """The largest number up to a limit that fits; 1 does."""
    low, high = 1, limit + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def fits(harness: ContractHarness, draft: Callable[[], TransactionDraft]) -> bool:
    """Whether a transaction is within the ledger's limits."""
    try:
        harness.balanced(draft())
    except LimitsExceeded:
        return False
    return True


def opened(harness: ContractHarness, distribution: Distribution) -> tuple[Opened, list[Cell]]:
    """Opens a distribution that nothing is announced of, and what that takes."""
    total = Value.of(distribution.token, distribution.terms.total_token_amount)
    harness.give(Value(100 * ADA) + total)
    draft = opening_draft(harness, distribution)
    figures = row(harness, draft)
    return opened_by(harness, distribution, harness.send(draft)), figures


def most_neighbours(world: Opened) -> int:
    """How many neighbours a transaction can pay."""
    page = min(1 << world.distribution.terms.page_depth, len(world.distribution.allocations))
    return most(
        lambda count: fits(world.harness, lambda: world.release_draft(range(count))),
        min(page, max(BATCHES)),
    )


def life(harness: ContractHarness, count: int) -> Iterator[list[Cell]]:
    """Every transaction of a distribution for so many people: one row each."""
    distribution = planned(harness, count)
    depth, pages = distribution.terms.page_depth, len(distribution.terms.pages)
    world, opening = opened(harness, distribution)
    yield ["open", count, depth, pages, 1, *opening]
    yield ["attest 2 of 3", count, depth, pages, 1, *row(harness, world.attest_draft())]
    with indexed(distribution) as read:
        world = replace(world, distribution=read).attest()[0]
        last = len(distribution.allocations) - 1
        yield ["claim", count, depth, pages, 1, *row(harness, world.release_draft([last]))]
        many = most_neighbours(world)
        batch = row(harness, world.release_draft(range(many)), many)
        yield ["batch", count, depth, pages, many, *batch]
    with harness.undone():
        harness.reach(RECLAIM_SLOT + 1)
        close = row(harness, world.close_draft(slot=RECLAIM_SLOT))
        yield ["close", count, depth, pages, 1, *close]


def by_size(*, smallest: bool = False) -> list[Block]:
    """Transactions of distributions of all sizes; of the two smallest only, for a test."""
    harness = harness_with_scripts()
    rows = [each for size in SIZES[: 2 if smallest else None] for each in life(harness, size)]
    kinds = list(dict.fromkeys(each[0] for each in rows))
    ordered = [each for kind in kinds for each in rows if each[0] == kind]
    claims = [each for each in rows if each[0] == "claim"]
    batches = [each for each in rows if each[0] == "batch"]
    first, last, shared = claims[0], claims[-1], batches[-1]
    whole = [
        (float(size), whole_fee(rows, size) / size)
        for size in dict.fromkeys(_size(each) for each in rows)
    ]
    columns = ("bytes", "memory", "steps", "fee (lovelace)", "a person (lovelace)")
    return [
        Words(
            f"Whoever sends a claim pays {_ada(first[8])} where there is one allocation, and {_ada(last[8])}"
            f" where there are {last[1]:,}. In a batch of {shared[4]} neighbours each costs {_ada(shared[9])}."
            f" Everything together, from opening to closing, comes to {_ada(whole[-1][1])} a person."
        ),
        Plot(
            "performance-claim",
            "The fee of one claim, by how many people there are",
            "allocations",
            "lovelace",
            [Line("one claim", [(_n(each[1]), _n(each[8])) for each in claims])],
            f"The fee of a claim grows from {first[8]:,} lovelace for one allocation to {last[8]:,} for"
            f" {last[1]:,}: by {_n(last[8]) / _n(first[8]) - 1:.0%}.",
            log_across=True,
        ),
        Plot(
            "performance-whole",
            "All fees for each person, from opening to closing",
            "allocations",
            "lovelace a person",
            [
                Line("paid in batches", whole),
                Line("one claim", [(_n(each[1]), _n(each[8])) for each in claims]),
            ],
            "All fees (opening, one attestation, batches as large as they go, closing), shared by everybody:"
            f" {whole[0][1]:,.0f} lovelace for one person, {whole[-1][1]:,.0f} for each of {last[1]:,}."
            " One claim beside it.",
            log_across=True,
            log_up=True,
        ),
        Table(
            [
                Column("transaction", None),
                *map(Column, ("allocations", "page depth", "pages", "claims", *columns)),
            ],
            ordered,
        ),
    ]


def whole_fee(rows: Sequence[Sequence[Cell]], size: int) -> float:
    """Lovelace of all transactions for so many people, of one milestone, paid by batches."""
    fees = {each[0]: _n(each[8]) for each in rows if each[1] == size}
    batch = next(_size(each, 4) for each in rows if each[:2] == ["batch", size])
    distributions, batches = -(-size // MOST_ALLOCATIONS), -(-size // batch)
    once = fees["open"] + fees["attest 2 of 3"] + fees["close"]
    return distributions * once + batches * fees["batch"]


def by_batch(*, smallest: bool = False) -> list[Block]:
    """Batches of neighbours, and of every twelfth, in the largest distribution; one of 100 for a test."""
    harness = harness_with_scripts()
    distribution = planned(harness, 100 if smallest else MOST_ALLOCATIONS)
    with indexed(distribution) as read:
        world = replace(opened(harness, distribution)[0], distribution=read).attest()[0]
        near = _batches(world, 1)
        far = _batches(world, APART)
    fees = {name: [(_n(each[1]), _n(each[6])) for each in rows] for name, rows in (near, far)}
    best, worst = near[1][-1], far[1][-1]
    return [
        Words(
            f"A transaction takes up to {best[1]} neighbours, or {worst[1]} where every {APART}th row is paid;"
            f" each then costs {_ada(best[6])} or {_ada(worst[6])}, where alone it costs {_ada(near[1][0][6])}."
        ),
        Plot(
            "performance-batch",
            f"The fee for each person in a batch, page depth {distribution.terms.page_depth}",
            "claims in the transaction",
            "lovelace a person",
            [Line(name, points) for name, points in fees.items()],
            f"The fee for each person falls from {near[1][0][6]:,.0f} lovelace alone to {best[6]:,.0f} in a"
            f" batch of {best[1]} neighbours; with every {APART}th row to {worst[6]:,.0f} in one of"
            f" {worst[1]}.",
            log_across=True,
            log_up=True,
        ),
        Table(
            [
                Column("rows", None),
                *map(
                    Column,
                    ("claims", "bytes", "memory", "steps", "fee (lovelace)", "a person (lovelace)"),
                ),
            ],
            [*near[1], *far[1]],
        ),
    ]


def _batches(world: Opened, step: int) -> tuple[str, list[list[Cell]]]:
    """The rows of batches of claims so far apart, up to the most that fit."""
    name = "neighbours" if step == 1 else f"every {step}th"
    page = min(1 << world.distribution.terms.page_depth, len(world.distribution.allocations))

    def draft(count: int) -> TransactionDraft:
        return world.release_draft(range(0, count * step, step))

    limit = min(-(-page // step), max(BATCHES))
    largest = most(lambda count: fits(world.harness, lambda: draft(count)), limit)
    sizes = [*(count for count in BATCHES if count < largest), largest]
    return name, [[name, size, *row(world.harness, draft(size), size)] for size in sizes]


def _n(cell: Cell) -> float:
    """A cell that is a number."""
    if not isinstance(cell, (int, float)):
        raise TypeError(f"{cell!r} is no number")
    return cell


def _size(row: Sequence[Cell], column: int = 1) -> int:
    """How many allocations a row is about, or another whole number of it."""
    return int(_n(row[column]))


def _ada(cell: Cell) -> str:
    return f"{_n(cell) / 1e6:.4f} ADA"
