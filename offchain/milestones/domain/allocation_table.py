"""The allocations of a distribution by their index, wherever they are held, and what is asked about many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from milestones.cardano.address import Address
from milestones.domain.columns import (
    SHORT_ADDRESS_BYTES,
    AllocationColumns,
    Kind,
    joined,
)
from milestones.domain.models import Allocation


@dataclass(frozen=True, slots=True)
class Total:
    """How many, and what they add up to in the token's smallest unit."""

    count: int
    amount: int


class AllocationTable(Mapping[int, Allocation]):
    """Allocations by their index in a distribution: all of them, or those that are known.

    Looping over it makes a record of each; what is asked about many goes through `pieces`.
    """

    __slots__ = ()

    def pieces(self) -> Iterator[tuple[Sequence[int], AllocationColumns]]:
        """All of them, in order, as columns of up to a page or so, each with its indices."""
        raise NotImplementedError

    def columns(self) -> AllocationColumns:
        """All of them in one piece, in order."""
        pieces = [columns for _, columns in self.pieces()]
        return pieces[0] if len(pieces) == 1 else joined(pieces)

    def with_payment(self, payment_hash: bytes) -> list[int]:
        """The indices, ascending, of those whose payment part has this hash."""
        return self._at(payment_hash, 1)

    def with_staking(self, staking_hash: bytes) -> list[int]:
        """The indices, ascending, of those whose staking part has this hash."""
        return self._at(staking_hash, SHORT_ADDRESS_BYTES)

    def _at(self, part: bytes, offset: int) -> list[int]:
        return [
            indices[row]
            for indices, columns in self.pieces()
            for row in columns.rows_with(part, offset)
        ]

    def of_address(self, address: Address) -> tuple[int, ...]:
        """The indices of an address' own allocations, ascending."""
        raw = address.to_bytes()
        return tuple(
            index
            for index in self.with_payment(address.payment.hash)
            if self.address_bytes(index) == raw
        )

    def address_bytes(self, index: int) -> bytes:
        """The address of one of them, 29 or 57 bytes."""
        return self[index].beneficiary_address.to_bytes()

    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that occur, in the order of first use."""
        found: dict[Kind, None] = {}
        for _, columns in self.pieces():
            found.update(dict.fromkeys(columns.first_rows()))
        return tuple(found)

    def totals(self) -> dict[Kind, Total]:
        """How many there are of each kind, and what they add up to."""
        counts, sums = Counter[Kind](), Counter[Kind]()
        for _, columns in self.pieces():
            numbers, table = Counter[int](), columns.table
            for kind, amount in zip(columns.kinds, columns.amounts, strict=True):
                numbers[kind] += amount
            for kind, amount in numbers.items():
                sums[table[kind]] += amount
            for kind, count in Counter(columns.kinds).items():
                counts[table[kind]] += count
        return {kind: Total(count, sums[kind]) for kind, count in counts.items()}

    def totals_of(self, indices: Collection[int]) -> dict[Kind, Total]:
        """As `totals`, of these alone; indices that aren't known are passed over."""
        found: dict[Kind, Total] = {}
        for known, columns in self._columns_of(indices):
            for row in known:
                kind = columns.table[columns.kinds[row]]
                before = found.get(kind, Total(0, 0))
                amount = before.amount + columns.amounts[row]
                found[kind] = Total(before.count + 1, amount)
        return found

    def _columns_of(
        self, indices: Collection[int]
    ) -> Iterator[tuple[Sequence[int], AllocationColumns]]:
        """The rows of these indices, in each piece that has any."""
        wanted = frozenset(indices)
        for known, columns in self.pieces():
            rows = [row for row, index in enumerate(known) if index in wanted]
            if rows:
                yield rows, columns

    def smaller_than(self, amount: int) -> list[int]:
        """The indices, ascending, of those with less than this amount."""
        return [
            indices[row]
            for indices, columns in self.pieces()
            if min(columns.amounts) < amount
            for row, each in enumerate(columns.amounts)
            if each < amount
        ]

    def with_datum(self) -> list[int]:
        """The indices, ascending, of those whose payout carries a datum, or the hash of one."""
        return [
            indices[row] for indices, columns in self.pieces() for row in sorted(columns.datums)
        ]

    def by_kind(self, milestone_identifier: str | None = None) -> dict[Kind, list[int]]:
        """The indices, ascending, of each kind: of this milestone's, or of all."""
        found: dict[Kind, list[int]] = {}
        for indices, columns in self.pieces():
            rows: dict[int, list[int]] = {}
            for index, number in zip(indices, columns.kinds, strict=True):
                rows.setdefault(number, []).append(index)
            for number, group in rows.items():
                kind = columns.table[number]
                if milestone_identifier in (None, kind.milestone_identifier):
                    found.setdefault(kind, []).extend(group)
        return found

    def kinds_of(self, indices: Iterable[int]) -> dict[Kind, list[int]]:
        """These alone by kind, ascending: a few, each of which is looked at. Raises KeyError."""
        found: dict[Kind, list[int]] = {}
        for index in sorted(indices):
            each = self[index]
            kind = Kind(each.milestone_identifier, each.vesting_timestamp)
            found.setdefault(kind, []).append(index)
        return found

    def people_of(self, indices: Collection[int]) -> int:
        """How many different addresses these have; indices that aren't known are passed over."""
        return len({self.address_bytes(index) for index in indices if index in self})

    def milestones(self) -> tuple[str, ...]:
        """The milestones that occur, in the order of first use."""
        return tuple(dict.fromkeys(kind.milestone_identifier for kind in self.kinds()))


class ColumnTable(AllocationTable):
    """A table over columns. `indices` are ascending; None: the rows' own numbers."""

    __slots__ = ("_columns", "_indices", "_rows")

    def __init__(self, columns: AllocationColumns, indices: Sequence[int] | None = None) -> None:
        self._columns = columns
        self._indices = range(len(columns)) if indices is None else indices
        self._rows = None if indices is None else {index: n for n, index in enumerate(indices)}

    @classmethod
    def of(cls, known: Mapping[int, Allocation]) -> ColumnTable:
        """Those that are known of a distribution."""
        indices = sorted(known)
        return cls(AllocationColumns.of([known[index] for index in indices]), indices)

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)

    def __contains__(self, index: object) -> bool:
        return index in (self._indices if self._rows is None else self._rows)

    def _row(self, index: int) -> int:
        if index not in self:
            raise KeyError(index)
        return index if self._rows is None else self._rows[index]

    def __getitem__(self, index: int) -> Allocation:
        return self._columns[self._row(index)]

    def address_bytes(self, index: int) -> bytes:
        """The address of one of them, 29 or 57 bytes."""
        return self._columns.address_bytes(self._row(index))

    def _columns_of(
        self, indices: Collection[int]
    ) -> Iterator[tuple[Sequence[int], AllocationColumns]]:
        yield [self._row(index) for index in indices if index in self], self._columns

    def pieces(self) -> Iterator[tuple[Sequence[int], AllocationColumns]]:
        """All of them in one piece."""
        yield self._indices, self._columns
