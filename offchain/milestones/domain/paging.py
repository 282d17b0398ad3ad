"""How a schedule is cut into pages: allocation n is leaf n mod 2^page_depth of page n div 2^page_depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from milestones.errors import InvalidSchedule

MOST_PAGES: Final = 16
USUAL_DEPTH: Final = 7
DEEPEST: Final = 12
MOST_ALLOCATIONS: Final = MOST_PAGES << DEEPEST


@dataclass(frozen=True, slots=True)
class Paging:
    """How a schedule is cut: `pages` full binary trees of 2^page_depth leaves each."""

    page_depth: int
    pages: int

    @property
    def page_size(self) -> int:
        """How many allocations a page has room for."""
        return 1 << self.page_depth

    @property
    def most_allocations(self) -> int:
        """How many allocations all pages have room for."""
        return self.pages << self.page_depth

    def place_of(self, index: int) -> tuple[int, int]:
        """(page, leaf) of the allocation with this index. All count from 0; no bound is checked."""
        return divmod(index, self.page_size)

    def index_of(self, page: int, leaf: int) -> int:
        """The index of the allocation that is this leaf of this page: the inverse of `place_of`."""
        return (page << self.page_depth) + leaf


def paging_for(allocations: int, page_depth: int | None = None) -> Paging:
    """Pages for a number of allocations: few and shallow, because small pages make cheap claims.

    Up to 128 allocations one page of the least depth that fits; up to 2,048 pages of depth 7; up to
    65,536 at most 16 pages of the least depth. A `page_depth` that is given is kept.
    """
    if not 1 <= allocations <= MOST_ALLOCATIONS:
        raise InvalidSchedule(
            f"a distribution has 1 to {MOST_ALLOCATIONS} allocations, not {allocations}",
            path="beneficiary_allocations",
            hint="cut it into several distributions, or give at least one allocation",
        )
    if page_depth is None:
        page_depth = min(USUAL_DEPTH, (allocations - 1).bit_length())
        while allocations > MOST_PAGES << page_depth:
            page_depth += 1
    return Paging(page_depth, -(-allocations >> page_depth))
