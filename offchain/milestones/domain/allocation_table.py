"""The allocations of a distribution by their index, wherever they are held, and what is asked about many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from milestones.cardano.address import Address
from milestones.domain.columns import AllocationColumns, Kind, joined
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

    def with_part(self, part: bytes) -> list[int]:
        """The indices, ascending, of those whose address has these bytes: see `AllocationColumns.rows_with`."""
        return [
            indices[row] for indices, columns in self.pieces() for row in columns.rows_with(part)
        ]

    def of_address(self, address: Address) -> tuple[int, ...]:
        """The indices of an address' own allocations, ascending."""
        raw = address.to_bytes()
        return tuple(
            index
            for index in self.with_part(address.payment.hash)
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

    def pieces(self) -> Iterator[tuple[Sequence[int], AllocationColumns]]:
        """All of them in one piece."""
        yield self._indices, self._columns
