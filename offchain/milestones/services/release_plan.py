"""Which allocations a release pays, and in which transactions: one spends one vault, so one page.

A milestone that is not on the chain yet is attested in the first transaction that needs it; each
transaction has room for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from milestones.cardano.address import Address
from milestones.domain.claims import ClaimState
from milestones.errors import InvalidInput, NotFound
from milestones.services.preflight import must_all_be_claimable, must_match, why_not


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the user asked for: allocations by index, or all that are claimable of some kind.

    With `indices`, the other fields only confirm them. `everything` is said aloud, so that nobody pays
    for all by leaving a flag out.
    """

    indices: tuple[int, ...] = ()
    beneficiary: Address | None = None
    milestone: str | None = None
    everything: bool = False

    def describes(self, state: ClaimState) -> bool:
        """Whether an allocation is of the kind asked for."""
        allocation = state.allocation
        return self.beneficiary in (None, allocation.beneficiary_address) and self.milestone in (
            None,
            allocation.milestone_identifier,
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """The allocations to pay, and those of the kind asked for that can't be paid now."""

    payable: tuple[ClaimState, ...]
    skipped: tuple[ClaimState, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Allocations of one page for one transaction; `attests` is the milestone that it puts on chain."""

    page: int
    indices: tuple[int, ...]
    attests: str | None = None


def choose(
    states: Sequence[ClaimState], selection: Selection, shortfall: Mapping[str, str]
) -> Chosen:
    """The allocations to pay. `shortfall` says, by milestone, how far its quorum is.

    Raises `NotFound` where nothing is of the kind asked for, `InvalidInput` for flags that contradict
    each other, and `NotAllowedYet` when an index named, or everything of the kind, can't be paid now.
    """
    if not (
        selection.indices or selection.beneficiary or selection.milestone or selection.everything
    ):
        raise InvalidInput(
            "nothing says which allocations to pay",
            path="beneficiary_index",
            hint="give --beneficiary-index, --beneficiary-address, --milestone-identifier or --all",
        )
    if selection.indices:
        return Chosen(_named(states, selection, shortfall), ())
    wanted = [state for state in states if selection.describes(state)]
    if not wanted:
        raise NotFound(
            "this distribution has no such allocation",
            hint="check the beneficiary's address and the milestone's identifier",
        )
    payable = tuple(state for state in wanted if state.claimable)
    skipped = tuple(state for state in wanted if not state.claimable)
    if not payable:
        first = min(skipped, key=lambda state: state.status == "claimed")
        raise why_not(first, _told(first, shortfall))
    return Chosen(payable, skipped)


def _named(
    states: Sequence[ClaimState], selection: Selection, shortfall: Mapping[str, str]
) -> tuple[ClaimState, ...]:
    by_index = {state.index: state for state in states}
    chosen = []
    for index in sorted(set(selection.indices)):
        if index not in by_index:
            raise NotFound(
                f"there is no allocation {index}; they are numbered from 0",
                hint="run calculate-distribution to see a beneficiary's allocations",
                details={"beneficiary_index": index},
            )
        state = by_index[index]
        must_match(state, beneficiary=selection.beneficiary, milestone=selection.milestone)
        must_all_be_claimable([state], _told(state, shortfall))
        chosen.append(state)
    return tuple(chosen)


def _told(state: ClaimState, shortfall: Mapping[str, str]) -> list[str]:
    told = shortfall.get(state.allocation.milestone_identifier)
    return [told] if told else []


def batches(payable: Sequence[ClaimState], page_depth: int) -> list[Batch]:
    """Transactions by page, and within a page by the milestone that must be attested along with it."""
    groups: dict[tuple[int, str], list[int]] = {}
    for state in payable:
        milestone = "" if state.attested else state.allocation.milestone_identifier
        groups.setdefault((state.index >> page_depth, milestone), []).append(state.index)
    ordered = sorted(groups.items())
    first_with: dict[str, int] = {}
    for (page, milestone), _ in ordered:
        first_with.setdefault(milestone, page)
    return [
        Batch(
            page,
            tuple(sorted(indices)),
            milestone if milestone and first_with[milestone] == page else None,
        )
        for (page, milestone), indices in ordered
    ]
