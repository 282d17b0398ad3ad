"""One distribution's allocations out of an index: 64 are read where one is asked for, and proven."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from milestones.domain.allocation_table import AllocationTable, Total
from milestones.domain.columns import (
    ADDRESS_BYTES,
    SHORT_ADDRESS_BYTES,
    SHORT_ADDRESS_HEADER,
    AllocationColumns,
    Kind,
    from_big_endian,
    packed,
)
from milestones.domain.merkle import NODE_LENGTH, NodeAt, SumTree, inner_node, node_sum
from milestones.domain.models import Allocation
from milestones.domain.paging import Paging
from milestones.errors import InvalidInput
from milestones.protocol.leaves import leaf_nodes, page_trees
from milestones.storage.index import CHUNK_HEIGHT, AllocationIndex, IndexedPart

CHUNKS_KEPT: Final = 256


class IndexedTable(AllocationTable):
    """The table of one distribution, believed as far as it leads to the roots in its terms.

    Raises `InvalidConfiguration` for what doesn't; the index is then gone, to be made anew.
    """

    __slots__ = ("_chunks", "_index", "_nodes", "_paging", "_part", "_proven", "_roots", "_totals")

    def __init__(self, index: AllocationIndex, part: IndexedPart, roots: Sequence[bytes]) -> None:
        self._index, self._part, self._roots = index, part, roots
        self._paging = Paging(part.page_depth, len(roots))
        self._chunks: OrderedDict[tuple[int, int], tuple[AllocationColumns, SumTree]] = (
            OrderedDict()
        )
        self._nodes: dict[int, bytes] = {}
        self._proven: set[int] = set()
        self._totals: dict[Kind, Total] | None = None

    def __len__(self) -> int:
        return self._part.size

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._part.size))

    def __contains__(self, index: object) -> bool:
        return index in range(self._part.size)

    def __getitem__(self, index: int) -> Allocation:
        columns, row = self._place(index)
        return columns[row]

    def address_bytes(self, index: int) -> bytes:
        """The address of one of them, 29 or 57 bytes."""
        columns, row = self._place(index)
        return columns.address_bytes(row)

    def _place(self, index: int) -> tuple[AllocationColumns, int]:
        if index not in self:
            raise KeyError(index)
        page, leaf = self._paging.place_of(index)
        chunk, row = divmod(leaf, 1 << self._base)
        return self._chunk(page, chunk)[0], row

    @property
    def _base(self) -> int:
        return min(CHUNK_HEIGHT, self._part.page_depth)

    def _chunk(self, page: int, chunk: int) -> tuple[AllocationColumns, SumTree]:
        """Up to 64 rows and their subtree, which leads to the page's root. Raises where it doesn't."""
        known = self._chunks.get((page, chunk))
        if known is None:
            with self._doubting():
                known = self._read(page, chunk)
            self._chunks[page, chunk] = known
            if len(self._chunks) > CHUNKS_KEPT:
                self._chunks.popitem(last=False)
        return known

    def _read(self, page: int, chunk: int) -> tuple[AllocationColumns, SumTree]:
        size = 1 << self._base
        leaf = chunk * size
        start = self._part.first + self._paging.index_of(page, leaf)
        count = min(size, self._part.first + self._part.size - start)
        found = self._index.one(
            "SELECT substr(amounts, ?, ?), substr(kinds, ?, ?) FROM page WHERE number = ?",
            *(8 * leaf + 1, 8 * count, 4 * leaf + 1, 4 * count, self._part.first_page + page),
        )
        addresses = self._index.all("SELECT addresses FROM chunk WHERE number = ?", start // size)
        columns = self._columns(found, addresses, start, count)
        tree = SumTree(leaf_nodes(columns), self._base)
        node, position = tree.root, chunk
        for height in range(self._base, self._part.page_depth):
            if self._upper(page, height, position) != node:
                break
            sibling = self._upper(page, height, position ^ 1)
            node = inner_node(sibling, node) if position & 1 else inner_node(node, sibling)
            position >>= 1
        if node != self._roots[page]:
            raise self._index.wrong(f"allocations of page {page} don't lead to its root")
        return columns, tree

    @contextmanager
    def _doubting(self) -> Iterator[None]:
        """Whatever can't be read as what it should be is wrong, and of it nothing is believed."""
        try:
            yield
        except (InvalidInput, ValueError, TypeError, IndexError) as error:
            raise self._index.wrong(str(error) or "it can't be read") from None

    def _columns(
        self,
        found: tuple[Any, ...] | None,
        addresses: Sequence[tuple[bytes]],
        start: int,
        count: int,
    ) -> AllocationColumns:
        datums = {
            row - start: (datum, datum_hash)
            for row, datum, datum_hash in self._index.all(
                "SELECT row, datum, hash FROM datum WHERE row >= ? AND row < ?",
                *(start, start + count),
            )
        }
        raws = [raw for (blob,) in addresses for raw in _apart(blob)]
        if found is None or len(found[0]) != 8 * count or len(raws) != count:
            raise self._index.wrong("rows are missing")
        kinds = from_big_endian("I", found[1])
        if len(kinds) != count or max(kinds) >= len(self._index.kinds):
            raise self._index.wrong("rows are of no known kind")
        amounts = from_big_endian("Q", found[0])
        return AllocationColumns(packed(raws), amounts, kinds, self._index.kinds, datums)

    def _upper(self, page: int, height: int, position: int) -> bytes:
        """A node at or above the chunks' roots, as the file has it."""
        nodes = self._nodes.get(page)
        if nodes is None:
            found = self._index.one(
                "SELECT nodes FROM page WHERE number = ?", self._part.first_page + page
            )
            nodes = self._nodes[page] = found[0] if found else b""
        width = 1 << (self._part.page_depth - self._base)
        # The levels below hold 2 * width - 2 * (nodes of this level).
        level = 1 << (self._part.page_depth - height)
        at = NODE_LENGTH * (2 * (width - level) + position)
        return nodes[at : at + NODE_LENGTH]

    def node_at(self, page: int) -> NodeAt:
        """The nodes of a page's tree, for proofs."""

        def node(height: int, position: int) -> bytes:
            if height >= self._base:
                return self._upper(page, height, position)
            chunk = position >> (self._base - height)
            _, tree = self._chunk(page, chunk)
            return tree.node(height, position - (chunk << (self._base - height)))

        return node

    @property
    def nodes(self) -> Mapping[int, NodeAt]:
        """`node_at` of every page."""
        return {page: self.node_at(page) for page in range(len(self._roots))}

    def pieces(self) -> Iterator[tuple[Sequence[int], AllocationColumns]]:
        """Page by page, each hashed again and compared with its root."""
        size = self._paging.page_size
        for page in range(len(self._roots)):
            with self._doubting():
                columns = self._page(page)
            yield range(page * size, page * size + len(columns)), columns

    def _page(self, page: int) -> AllocationColumns:
        size, chunk = self._paging.page_size, 1 << self._base
        start = self._part.first + page * size
        count = min(size, self._part.first + self._part.size - start)
        number = self._part.first_page + page
        found = self._index.one("SELECT amounts, kinds FROM page WHERE number = ?", number)
        addresses = self._index.all(
            "SELECT addresses FROM chunk WHERE number >= ? AND number < ? ORDER BY number",
            *(start // chunk, -(-(start + count) // chunk)),
        )
        columns = self._columns(found, addresses, start, count)
        if page not in self._proven:
            trees = page_trees(columns, self._part.page_depth)
            if [tree.root for tree in trees] != [self._roots[page]]:
                raise self._index.wrong(f"page {page} does not lead to its root")
            self._proven.add(page)
        return columns

    def with_payment(self, payment_hash: bytes) -> list[int]:
        """The indices, ascending, of those whose payment part has this hash."""
        part = self._part
        rows = self._index.rows_with_payment(payment_hash)
        found = [row - part.first for row in rows if 0 <= row - part.first < part.size]
        return [index for index in found if self.address_bytes(index)[1:29] == payment_hash]

    def _amounts(self, page: int) -> array[int]:
        """What a page promises: its sum is what the root holds, row by row it is not proven."""
        found = self._index.one(
            "SELECT amounts FROM page WHERE number = ?", self._part.first_page + page
        )
        amounts = from_big_endian("Q", found[0] if found else b"")
        if sum(amounts) != node_sum(self._roots[page]):
            raise self._index.wrong(f"page {page} does not add up to what its root holds")
        return amounts

    def smaller_than(self, amount: int) -> list[int]:
        """The indices, ascending, of those with less than this amount."""
        found: list[int] = []
        for page in range(len(self._roots)):
            with self._doubting():
                amounts = self._amounts(page)
            if min(amounts) < amount:
                start = page * self._paging.page_size
                found += [start + leaf for leaf, each in enumerate(amounts) if each < amount]
        return found

    def with_datum(self) -> list[int]:
        """The indices, ascending, of those whose payout carries a datum, or the hash of one."""
        first, size = self._part.first, self._part.size
        rows = self._index.all(
            "SELECT row FROM datum WHERE row >= ? AND row < ? ORDER BY row", first, first + size
        )
        return [row - first for (row,) in rows]

    def totals_of(self, indices: Collection[int]) -> dict[Kind, Total]:
        """As `totals`, of these alone; only the pages that they are on are read."""
        groups: dict[int, list[int]] = {}
        for index in indices:
            if index in self:
                page, leaf = self._paging.place_of(index)
                groups.setdefault(page, []).append(leaf)
        found: dict[Kind, Total] = {}
        for page, leaves in groups.items():
            row = self._index.one(
                "SELECT kinds FROM page WHERE number = ?", self._part.first_page + page
            )
            with self._doubting():
                amounts = self._amounts(page)
                kinds = from_big_endian("I", row[0] if row else b"")
                for leaf in leaves:
                    kind = self._index.kinds[kinds[leaf]]
                    before = found.get(kind, Total(0, 0))
                    found[kind] = Total(before.count + 1, before.amount + amounts[leaf])
        return found

    def totals(self) -> dict[Kind, Total]:
        """How many there are of each kind, and what they add up to; each page's sum is its root's."""
        if self._totals is not None:
            return self._totals
        first, pages = self._part.first_page, len(self._roots)
        rows = self._index.all(
            "SELECT page, kind, count, amount FROM tally WHERE page >= ? AND page < ? ORDER BY kind",
            *(first, first + pages),
        )
        sums = [0] * pages
        found: dict[Kind, Total] = {}
        with self._doubting():
            for page, number, count, amount in rows:
                kind = self._index.kinds[number]
                before = found.get(kind, Total(0, 0))
                found[kind] = Total(before.count + count, before.amount + amount)
                sums[page - first] += amount
        if sums != [node_sum(root) for root in self._roots]:
            raise self._index.wrong("what it adds up by milestone is not what the pages hold")
        self._totals = found
        return found

    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that occur, in the order of first use."""
        return tuple(self.totals())


def _apart(blob: bytes) -> Iterator[bytes]:
    """The addresses in a chunk: the header of each says how long it is."""
    at = 0
    while at < len(blob):
        end = at + (SHORT_ADDRESS_BYTES if blob[at] >= SHORT_ADDRESS_HEADER else ADDRESS_BYTES)
        yield blob[at:end]
        at = end
