"""Allocations as columns: many of them in little memory, records made only of those that are looked at.

A row takes 57 bytes of address, 8 of amount, and 4 that say which of the *kinds* it is: a milestone with a
time, of which there are few. Payout data are kept beside, by row: hardly a row has one.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, overload

from milestones.cardano.address import Address
from milestones.cardano.bech32_blocks import decode_addresses, encode_addresses
from milestones.domain.models import Allocation, Allocations
from milestones.errors import InvalidAddress, InvalidInput

ADDRESS_BYTES: Final = 57
"""Of a row; an address without a staking part is filled up with zeros."""
SHORT_ADDRESS_BYTES: Final = 29
SHORT_ADDRESS_HEADER: Final = 0x60
"""From this header byte on an address has no staking part."""
_AMOUNTS: Final = 1 << 64
"""Amounts that a column holds are below this; whether they may be that large is for the rules."""
_REQUIRED: Final = frozenset(
    ("beneficiary_address", "token_amount", "milestone_identifier", "vesting_timestamp")
)
_DATUMS: Final = frozenset(("datum", "datum_hash"))

Datums = tuple[bytes | None, bytes | None]
"""A payout's datum and hash of a datum, as the row gives them."""


class Kind(NamedTuple):
    """What many rows share: the milestone, and the time before which nothing is paid (POSIX seconds)."""

    milestone_identifier: str
    vesting_timestamp: int


class AllocationColumns(Allocations):
    """A sequence of allocations. `addresses` has `ADDRESS_BYTES` a row, `kinds` a place in `table`.

    `datums` has the rows whose payout carries one. Slices are columns, too.
    """

    __slots__ = ("_groups", "addresses", "amounts", "datums", "kinds", "table")

    def __init__(
        self,
        addresses: bytes | bytearray,
        amounts: array[int],
        kinds: array[int],
        table: Sequence[Kind],
        datums: Mapping[int, Datums] | None = None,
    ) -> None:
        self.addresses, self.amounts, self.kinds = addresses, amounts, kinds
        self.table, self.datums = table, datums or {}
        self._groups: list[list[int]] | None = None

    @classmethod
    def of(cls, allocations: Sequence[Allocation]) -> AllocationColumns:
        """The same as columns. Raises `InvalidInput` for an amount outside 0 to 2^64 - 1."""
        if isinstance(allocations, cls):
            return allocations
        table: dict[Kind, int] = {}
        kinds = array(
            "I",
            (
                table.setdefault(
                    Kind(each.milestone_identifier, each.vesting_timestamp), len(table)
                )
                for each in allocations
            ),
        )
        for each in allocations:
            if not 0 <= each.token_amount < _AMOUNTS:
                raise InvalidInput(f"an amount of {each.token_amount} is outside 0 to 2^63 - 1")
        return cls(
            packed(each.beneficiary_address.to_bytes() for each in allocations),
            array("Q", (each.token_amount for each in allocations)),
            kinds,
            tuple(table),
            {
                row: (each.datum, each.datum_hash)
                for row, each in enumerate(allocations)
                if each.datum is not None or each.datum_hash is not None
            },
        )

    def __len__(self) -> int:
        return len(self.amounts)

    @overload
    def __getitem__(self, row: int) -> Allocation: ...

    @overload
    def __getitem__(self, row: slice) -> AllocationColumns: ...

    def __getitem__(self, row: int | slice) -> Allocation | AllocationColumns:
        if isinstance(row, slice):
            return self._part(row)
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        row %= len(self)
        kind = self.table[self.kinds[row]]
        datum, datum_hash = self.datums.get(row, (None, None))
        return Allocation(
            beneficiary_address=Address.from_bytes(self.address_bytes(row)),
            token_amount=self.amounts[row],
            milestone_identifier=kind.milestone_identifier,
            vesting_timestamp=kind.vesting_timestamp,
            datum=datum,
            datum_hash=datum_hash,
        )

    def _part(self, rows: slice) -> AllocationColumns:
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise ValueError("columns are cut into pieces of neighbouring rows")
        datums = {row - start: each for row, each in self.datums.items() if start <= row < stop}
        return AllocationColumns(
            self.addresses[ADDRESS_BYTES * start : ADDRESS_BYTES * stop],
            self.amounts[start:stop],
            self.kinds[start:stop],
            self.table,
            datums,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} allocations>"

    @property
    def total(self) -> int:
        """What they add up to, in the token's smallest unit."""
        return sum(self.amounts)

    def raw_addresses(self) -> list[bytes]:
        """The address of each row, 29 or 57 bytes."""
        held, width, short = bytes(self.addresses), ADDRESS_BYTES, SHORT_ADDRESS_BYTES
        return [
            held[at : at + (width if held[at] < SHORT_ADDRESS_HEADER else short)]
            for at in range(0, len(held), width)
        ]

    def address_bytes(self, row: int) -> bytes:
        """The address of a row, 29 or 57 bytes."""
        start = ADDRESS_BYTES * row
        short = self.addresses[start] >= SHORT_ADDRESS_HEADER
        return bytes(
            self.addresses[start : start + (SHORT_ADDRESS_BYTES if short else ADDRESS_BYTES)]
        )

    def rows_with(self, part: bytes, offset: int) -> list[int]:
        """The rows whose address has these bytes there (0: from its header on), ascending."""
        found: list[int] = []
        at = self.addresses.find(part)
        while at >= 0:
            row, place = divmod(at, ADDRESS_BYTES)
            # What stands across two rows, or in the middle of a part, is nobody's.
            if place == offset and place + len(part) <= ADDRESS_BYTES:
                found.append(row)
            at = self.addresses.find(part, at + 1)
        return found

    def first_rows(self) -> dict[Kind, int]:
        """Each kind that occurs, with its first row, in the order of these."""
        first = dict(zip(reversed(self.kinds), range(len(self) - 1, -1, -1), strict=True))
        return {self.table[kind]: row for kind, row in sorted(first.items(), key=lambda x: x[1])}

    def _by_person(self) -> list[list[int]]:
        """The rows of each payment part that has several, ascending."""
        if self._groups is not None:
            return self._groups
        addresses, width = self.addresses, ADDRESS_BYTES
        keys = array(
            "Q",
            [
                int.from_bytes(addresses[at + 1 : at + 9], "big")
                for at in range(0, len(addresses), width)
            ],
        )
        order = sorted(range(len(keys)), key=keys.__getitem__)
        before, start, groups = -1, 0, []
        for place, key in enumerate([*map(keys.__getitem__, order), -1]):
            if key != before:
                if place > start + 1:
                    groups.append(order[start:place])
                before, start = key, place
        self._groups = groups
        return groups

    def repeats(self) -> list[tuple[int, int]]:
        """(row, the first row that equals it in every field) of each row that repeats an earlier one."""
        found = []
        for rows in self._by_person():
            first: dict[tuple[object, ...], int] = {}
            for row in rows:
                key = (
                    self.address_bytes(row),
                    self.amounts[row],
                    self.kinds[row],
                    self.datums.get(row),
                )
                known = first.setdefault(key, row)
                if known != row:
                    found.append((row, known))
        return sorted(found)

    def people(self) -> int:
        """How many different addresses there are."""
        again = sum(
            len(rows) - len({self.address_bytes(row) for row in rows}) for rows in self._by_person()
        )
        return len(self) - again

    def headers(self) -> bytes:
        """The header byte of each row's address: its kind, and its network."""
        return bytes(self.addresses[::ADDRESS_BYTES])

    def documents(self, *, with_nulls: bool = False) -> tuple[dict[str, Any], ...]:
        """The rows as JSON has them. `with_nulls`: a datum that isn't there is named."""
        texts = encode_addresses(self.raw_addresses())
        nulls = dict.fromkeys(_ORDERED_DATUMS) if with_nulls else {}
        rows = tuple(
            {
                "beneficiary_address": text,
                "token_amount": amount,
                "milestone_identifier": self.table[kind].milestone_identifier,
                "vesting_timestamp": self.table[kind].vesting_timestamp,
                **nulls,
            }
            for text, amount, kind in zip(texts, self.amounts, self.kinds, strict=True)
        )
        for row, given in self.datums.items():
            for name, raw in zip(_ORDERED_DATUMS, given, strict=True):
                if raw is not None:
                    rows[row][name] = raw.hex()
        return rows


_ORDERED_DATUMS: Final = ("datum", "datum_hash")


def packed(addresses: Iterable[bytes]) -> bytes:
    """Addresses of 29 or 57 bytes in one piece, each with `ADDRESS_BYTES`."""
    return b"".join([raw.ljust(ADDRESS_BYTES, b"\0") for raw in addresses])


def kinds_of(allocations: Sequence[Allocation]) -> dict[Kind, int]:
    """Each kind that occurs, with its first row, in the order of these."""
    if isinstance(allocations, AllocationColumns):
        return allocations.first_rows()
    found: dict[Kind, int] = {}
    for row, each in enumerate(allocations):
        found.setdefault(Kind(each.milestone_identifier, each.vesting_timestamp), row)
    return found


def rows_of_kinds(allocations: Sequence[Allocation], wanted: Collection[Kind]) -> list[int]:
    """The rows of these kinds, ascending."""
    if not wanted:
        return []
    if isinstance(allocations, AllocationColumns):
        numbers = {n for n, kind in enumerate(allocations.table) if kind in wanted}
        return [row for row, kind in enumerate(allocations.kinds) if kind in numbers]
    return [
        row
        for row, each in enumerate(allocations)
        if (each.milestone_identifier, each.vesting_timestamp) in wanted
    ]


def rows_with_datum(allocations: Sequence[Allocation]) -> list[int]:
    """The rows whose payout carries a datum, or the hash of one, ascending."""
    if isinstance(allocations, AllocationColumns):
        return sorted(allocations.datums)
    return [
        row
        for row, each in enumerate(allocations)
        if each.datum is not None or each.datum_hash is not None
    ]


def gathered(columns: AllocationColumns, rows: Sequence[int]) -> AllocationColumns:
    """Some rows, in the order in which they are named."""
    addresses, width = columns.addresses, ADDRESS_BYTES
    datums: dict[int, Datums] = {}
    if columns.datums:
        known = columns.datums
        datums = {place: known[row] for place, row in enumerate(rows) if row in known}
    return AllocationColumns(
        b"".join([addresses[width * row : width * row + width] for row in rows]),
        array("Q", [columns.amounts[row] for row in rows]),
        array("I", [columns.kinds[row] for row in rows]),
        columns.table,
        datums,
    )


def joined(pieces: Sequence[AllocationColumns]) -> AllocationColumns:
    """Pieces one after the other, with one table of kinds."""
    amounts, kinds, table = array("Q"), array("I"), KindTable()
    shared = {id(piece.table) for piece in pieces}
    datums: dict[int, Datums] = {}
    for piece in pieces:
        datums.update((len(amounts) + row, each) for row, each in piece.datums.items())
        amounts.extend(piece.amounts)
        if len(shared) == 1:
            kinds.extend(piece.kinds)
            continue
        numbers = table.numbers(*zip(*piece.table, strict=True))
        kinds.extend([numbers[kind] for kind in piece.kinds])
    addresses = b"".join(piece.addresses for piece in pieces)
    whole = pieces[0].table if len(shared) == 1 else table.table
    return AllocationColumns(addresses, amounts, kinds, whole, datums)


def big_endian(numbers: array[int]) -> bytes:
    """The bytes of a column, each number's highest first."""
    swapped = numbers[:]
    if sys.byteorder == "little":
        swapped.byteswap()
    return swapped.tobytes()


def from_big_endian(code: Literal["Q", "I"], raw: bytes) -> array[int]:
    """The column that `big_endian` wrote. Raises ValueError for a length that no column has."""
    numbers = array(code)
    numbers.frombytes(raw)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


class KindTable:
    """Kinds and their numbers, in the order of first use, while columns grow."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: dict[Kind, int] = {}

    def numbers(self, milestones: Sequence[str], times: Sequence[int]) -> array[int]:
        """The number of each row's kind; a new one gets the next."""
        known = self._numbers
        return array(
            "I",
            [
                known.setdefault(Kind(*each), len(known))
                for each in zip(milestones, times, strict=True)
            ],
        )

    @property
    def table(self) -> tuple[Kind, ...]:
        """The kinds by number."""
        return tuple(self._numbers)


def columns_of_rows(
    rows: Sequence[Any], kinds: KindTable | None = None
) -> AllocationColumns | None:
    """Rows as JSON has them; None where anything about any of them is odd, which others have to name."""
    table = kinds or KindTable()
    datums: dict[int, Datums] = {}
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or not row.keys() >= _REQUIRED:
            return None
        if len(row) > len(_REQUIRED):
            given = _datums_of(row)
            if given is None:
                return None
            if given != (None, None):
                datums[number] = given
    columns = [[row[name] for row in rows] for name in _ORDERED_FIELDS]
    if any(set(map(type, column)) - {kind} for column, kind in zip(columns, _TYPES, strict=True)):
        return None
    texts, amounts, milestones, times = columns
    if rows and not (min(amounts) >= 0 and max(amounts) < _AMOUNTS and _are_text(milestones)):
        return None
    addresses = addresses_of(texts)
    if addresses is None:
        return None
    numbers = table.numbers(milestones, times)
    return AllocationColumns(packed(addresses), array("Q", amounts), numbers, table.table, datums)


_ORDERED_FIELDS: Final = (
    "beneficiary_address",
    "token_amount",
    "milestone_identifier",
    "vesting_timestamp",
)
_TYPES: Final = (str, int, str, int)


def addresses_of(texts: Sequence[str]) -> list[bytes] | None:
    """The bytes of each address, in whatever case it is written; None where one is no address."""
    found = decode_addresses(texts)
    for place, raw in enumerate(found):
        if raw is None:
            try:
                found[place] = Address.from_bech32(texts[place]).to_bytes()
            except InvalidAddress:
                return None
    return [raw for raw in found if raw is not None]


def _datums_of(row: Mapping[str, Any]) -> Datums | None:
    if not row.keys() <= _REQUIRED | _DATUMS:
        return None
    given: list[bytes | None] = []
    for name in _ORDERED_DATUMS:
        text = row.get(name)
        if text is not None and not (isinstance(text, str) and text.isascii()):
            return None
        try:
            given.append(None if text is None else bytes.fromhex(text))
        except ValueError:
            return None
        if text is not None and len(text) != 2 * len(given[-1] or b""):
            return None
    return given[0], given[1]


def _are_text(names: Iterable[str]) -> bool:
    try:
        return all(name.encode() is not None for name in set(names))
    except UnicodeEncodeError:
        return False
