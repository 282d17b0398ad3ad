"""Which allocations a release pays, and in which transactions: one spends one vault.

A milestone that is not on the chain yet is attested in the first transaction that needs it. A transaction
has room for one attestation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from milestones.cardano.address import Address
from milestones.domain.claims import ClaimState
from milestones.domain.models import Allocation
from milestones.errors import InvalidInput, NotFound
from milestones.protocol.distribution import Distribution
from milestones.services.distribution.claims import allocations_of, must_have_milestone
from milestones.services.distribution.naming import must_be_of_network
from milestones.services.distribution.on_chain import LiveVault, OnChain
from milestones.services.preflight import must_match


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
    """The allocations to pay, those asked for that can't be paid now, and the one that forbids all.

    Where all of a kind are paid there is nothing to pay, and nothing that forbids it.
    """

    payable: tuple[ClaimState, ...] = ()
    skipped: tuple[ClaimState, ...] = ()
    refused: ClaimState | None = None


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
    """Somebody is paid, and some milestone is waited for, of those that are named as a kind.

    Raises `NotFound` that names what there is, and `InvalidAddress` for an address of another network.
    """
    if selection.beneficiary is not None:
        must_be_of_network(
            selection.beneficiary, distribution.terms.network_id, "beneficiary_address"
        )
    if selection.indices:
        return
    if selection.beneficiary is not None:
        allocations_of(distribution, selection.beneficiary)
    if selection.milestone is not None:
        must_have_milestone(distribution, selection.milestone)


def choose(
    states: Iterable[ClaimState], selection: Selection, *, ours: Collection[int] = ()
) -> Chosen:
    """The allocations to pay; `ours` are those that earlier transactions of this command pay.

    Raises `NotFound` where nothing is as asked for, and `InvalidInput` for an index whose allocation is
    another than the other flags say.
    """
    by_index = {state.index: state for state in states}
    for index in selection.indices:
        if index not in by_index:
            raise _no_such(index)
        must_match(
            by_index[index], beneficiary=selection.beneficiary, milestone=selection.milestone
        )
    wanted = [s for s in by_index.values() if selection.includes(s.index, s.allocation)]
    if not wanted:
        raise NotFound(
            "no allocation of this distribution is as asked for",
            hint="the beneficiary waits for other milestones: run calculate-distribution to see which",
        )
    left = [state for state in wanted if state.index not in ours]
    return _judged(left, strict=bool(selection.indices), something_sent=len(left) < len(wanted))


def _judged(wanted: Sequence[ClaimState], *, strict: bool, something_sent: bool) -> Chosen:
    # The builder says of each that is due and can't be paid what the chain has against it.
    payable = tuple(state for state in wanted if state.due)
    skipped = tuple(state for state in wanted if not state.due)
    if not something_sent and skipped and (strict or not payable):
        # What is still to come says more than what is already paid.
        refused = min(skipped, key=lambda state: state.status == "claimed")
        if strict or refused.status != "claimed":
            return Chosen(refused=refused)
    return Chosen(payable, skipped)


def _no_such(index: int) -> NotFound:
    return NotFound(
        f"allocation {index} is not known; allocations are numbered from 0",
        hint="run calculate-distribution to see a beneficiary's allocations",
        details={"beneficiary_index": index},
    )


def plan(
    payable: Iterable[ClaimState], on_chain: OnChain, *, attested: Collection[str] = ()
) -> list[Batch]:
    """One transaction a vault, and one more for each further milestone that has to be attested.

    `attested` are milestones that transactions on their way attest. Raises `NotFound` where the index does
    not show the vault of a page.
    """
    attested = {*on_chain.attested(), *attested}
    found = []
    for vault, states in _by_vault(payable, on_chain):
        fresh = sorted({s.allocation.milestone_identifier for s in states} - attested)
        parts: dict[str | None, list[int]] = {}
        for state in states:
            milestone = state.allocation.milestone_identifier
            new = milestone if milestone in fresh[1:] else next(iter(fresh), None)
            parts.setdefault(new, []).append(state.index)
        found += [Batch(vault, tuple(parts[new]), new) for new in sorted(parts, key=str)]
        attested.update(fresh)
    return found


def _by_vault(
    payable: Iterable[ClaimState], on_chain: OnChain
) -> list[tuple[LiveVault, list[ClaimState]]]:
    groups: dict[int, list[ClaimState]] = {}
    for state in sorted(payable, key=lambda state: state.index):
        page, leaf = on_chain.terms.paging.place_of(state.index)
        for number, vault in enumerate(on_chain.vaults):
            if vault.state.page == page and not vault.state.is_claimed(leaf):
                groups.setdefault(number, []).append(state)
                break
        else:
            raise NotFound(
                f"the vault of page {page} can't be found, though the distribution is open",
                hint="run `milestones init`: Kupo may not have indexed the contract from its beginning",
            )
    return [(on_chain.vaults[number], states) for number, states in sorted(groups.items())]
