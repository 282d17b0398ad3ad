"""Which allocations a release pays, and in which transactions: one spends one vault.

A milestone that is not on the chain yet is attested in the first transaction that needs it. A transaction
has room for one attestation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from milestones.cardano.address import Address
from milestones.domain.allocation_table import AllocationTable
from milestones.domain.claims import Standing, WaitingKind
from milestones.domain.columns import Kind
from milestones.domain.models import Allocation
from milestones.errors import InvalidInput, NotFound
from milestones.protocol.distribution import Distribution
from milestones.services.distribution.claims import allocations_of, must_have_milestone
from milestones.services.distribution.naming import must_be_of_network
from milestones.services.distribution.on_chain import LiveVault, OnChain


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the user asked for: allocations by index, or all that are claimable of some kind.

    With `indices`, beneficiary and milestone only confirm them. `everything` is said aloud, so that
    nobody pays for all by leaving a flag out.
    """

    indices: tuple[int, ...] = ()
    beneficiary: Address | None = None
    milestone: str | None = None
    everything: bool = False

    def among(self, known: AllocationTable) -> dict[Kind, list[int]]:
        """Those asked for that are known, by kind; all are looked through only where it may be any."""
        if self.indices:
            return known.kinds_of(index for index in self.indices if index in known)
        if self.beneficiary is None:
            return known.by_kind(self.milestone)
        own = known.kinds_of(known.of_address(self.beneficiary))
        return {
            kind: indices
            for kind, indices in own.items()
            if self.milestone in (None, kind.milestone_identifier)
        }

    def includes(self, index: int, allocation: Allocation) -> bool:
        """Whether an allocation is asked for."""
        if self.indices:
            return index in self.indices
        return self.beneficiary in (None, allocation.beneficiary_address) and self.milestone in (
            None,
            allocation.milestone_identifier,
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to pay, the rest of what was asked for, and the one that forbids all.

    Where all of a kind are paid there is nothing to pay, and nothing that forbids it.
    """

    payable: Mapping[int, Kind] = field(default_factory=dict)
    waiting: tuple[WaitingKind, ...] = ()
    claimed_count: int = 0
    refused: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Allocations of one vault, ascending; `attests` is the milestone to put on chain along with them."""

    vault: LiveVault
    indices: tuple[int, ...]
    attests: str | None = None

    def first(self, count: int) -> Batch:
        """The first of them, and the attestation."""
        return replace(self, indices=self.indices[:count])

    def without_first(self, count: int) -> Batch:
        """The others, for a later transaction, which finds the milestone attested."""
        return replace(self, indices=self.indices[count:], attests=None)

    def halves(self) -> tuple[Batch, Batch]:
        """Cut in the middle; both with the attestation."""
        middle = len(self.indices) // 2
        return self.first(middle), replace(self, indices=self.indices[middle:])


def must_agree(selection: Selection) -> None:
    """The flags say what to pay, and don't contradict each other."""
    kind = selection.beneficiary is not None or selection.milestone is not None
    if not (selection.indices or kind or selection.everything):
        raise InvalidInput(
            "nothing says which allocations to pay",
            path="beneficiary_index",
            hint="give --beneficiary-index, --beneficiary-address, --milestone-identifier or --all",
        )
    if selection.everything and (selection.indices or kind):
        raise InvalidInput(
            "--all means every claimable allocation of the distribution, and something else is named too",
            path="all",
            hint="leave --all out to pay only what is named",
        )


def must_be_there(selection: Selection, distribution: Distribution) -> None:
    """What is named is there: the allocations, or somebody and some milestone of a kind.

    Raises `NotFound` that names what there is, `InvalidInput` for an index whose allocation is another than the
    other flags say, and `InvalidAddress` for an address of another network.
    """
    if selection.beneficiary is not None:
        must_be_of_network(
            selection.beneficiary, distribution.terms.network_id, "beneficiary_address"
        )
    if selection.indices:
        must_be_as_named(selection, distribution.allocations)
        return
    if selection.beneficiary is not None:
        allocations_of(distribution, selection.beneficiary)
    if selection.milestone is not None:
        must_have_milestone(distribution, selection.milestone)


def must_be_as_named(selection: Selection, known: Mapping[int, Allocation]) -> None:
    """Allocations that are named by their index are those that the other flags describe.

    Raises `NotFound` and `InvalidInput`.
    """
    for index in selection.indices:
        if index not in known:
            raise _no_such(index)
        allocation = known[index]
        address, milestone = allocation.beneficiary_address, allocation.milestone_identifier
        if selection.beneficiary not in (None, address):
            raise InvalidInput(
                f"allocation {index} belongs to {address}, not to {selection.beneficiary}",
                path="beneficiary_address",
                hint="run calculate-distribution to see a beneficiary's allocations",
            )
        if selection.milestone not in (None, milestone):
            raise InvalidInput(
                f"allocation {index} is for milestone {milestone!r}, not for {selection.milestone!r}",
                path="milestone_identifier",
                hint="run calculate-distribution to see which allocation is for which milestone",
            )


def _no_such(index: int) -> NotFound:
    return NotFound(
        f"allocation {index} is not known; allocations are numbered from 0",
        hint="run calculate-distribution to see a beneficiary's allocations",
        details={"beneficiary_index": index},
    )


def choose(standing: Standing, *, strict: bool, ours: Collection[int] = ()) -> Chosen:
    """What to pay of the allocations that were asked for; where `strict`, all of them or none.

    `ours` are those that earlier transactions of this command pay. Raises `NotFound` where there is none.
    """
    if not standing.count:
        raise NotFound(
            "no allocation of this distribution is as asked for",
            hint="the beneficiary waits for other milestones: run calculate-distribution to see which",
        )
    left = standing.without(ours)
    if left.count == standing.count and (strict or not left.due):
        # What is still to come says more than what is already paid.
        still = min((each.indices[0] for each in left.waiting), default=None)
        if still is not None:
            return Chosen(refused=still)
        if strict and left.claimed:
            return Chosen(refused=left.claimed[0])
    return Chosen(left.due, left.waiting, len(left.claimed))


def plan(
    payable: Mapping[int, Kind], on_chain: OnChain, *, attested: Collection[str] = ()
) -> list[Batch]:
    """One transaction a vault, and one more for each further milestone that has to be attested.

    `payable` has the kind of each allocation by index, ascending. `attested` are milestones that
    transactions on their way attest. Raises `NotFound` where the index does not show the vault of a page.
    """
    attested = {*on_chain.attested(), *attested}
    found = []
    for vault, indices in _by_vault(payable, on_chain):
        fresh = sorted({payable[index].milestone_identifier for index in indices} - attested)
        parts: dict[str | None, list[int]] = {}
        for index in indices:
            milestone = payable[index].milestone_identifier
            new = milestone if milestone in fresh[1:] else next(iter(fresh), None)
            parts.setdefault(new, []).append(index)
        found += [Batch(vault, tuple(parts[new]), new) for new in sorted(parts, key=str)]
        attested.update(fresh)
    return found


def _by_vault(payable: Iterable[int], on_chain: OnChain) -> list[tuple[LiveVault, list[int]]]:
    groups: dict[int, list[int]] = {}
    of_page: dict[int, list[int]] = {}
    for number, vault in enumerate(on_chain.vaults):
        of_page.setdefault(vault.state.page, []).append(number)
    for index in payable:
        page, leaf = on_chain.terms.paging.place_of(index)
        for number in of_page.get(page, ()):
            if not on_chain.vaults[number].state.is_claimed(leaf):
                groups.setdefault(number, []).append(index)
                break
        else:
            raise NotFound(
                f"the vault of page {page} can't be found, though the distribution is open",
                hint="run `milestones init`: Kupo may not have indexed the contract from its beginning",
            )
    return [(on_chain.vaults[number], indices) for number, indices in sorted(groups.items())]
