"""What can be claimed, when, and why not. Pure: the state of the chain and the time are arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

from milestones.domain.allocation_table import AllocationTable, Total
from milestones.domain.columns import Kind
from milestones.domain.models import Allocation
from milestones.domain.posix_time import in_words, to_posix_ms

ClaimStatus = Literal[
    "claimable", "claimed", "vesting", "milestone_not_attested", "unpayable", "closed"
]
"""`unpayable`: it is due, and the chain would refuse any payout of it."""


@dataclass(frozen=True, slots=True)
class ClaimState:
    """One allocation as it stands. `reason` is a short phrase for people."""

    index: int
    allocation: Allocation
    status: ClaimStatus
    attested: bool
    vesting_passed: bool
    reason: str

    @property
    def claimable(self) -> bool:
        """Whether it can be paid out now."""
        return self.status == "claimable"

    @property
    def due(self) -> bool:
        """Whether neither time nor oracles stand before it, though the chain may refuse its payout."""
        return self.status in {"claimable", "unpayable"}


@dataclass(frozen=True, slots=True)
class Amounts:
    """Sums over some allocations, in the token's smallest unit: paid, payable now, and not yet payable."""

    claimed: int
    claimable: int
    later: int


@dataclass(frozen=True, slots=True)
class KindState:
    """The allocations of one kind: all of them, those that are paid, and those that can't be.

    `status` is that of the others.
    """

    kind: Kind
    all: Total
    claimed: Total
    unpayable: Total
    status: ClaimStatus
    attested: bool
    vesting_passed: bool

    @property
    def claimable(self) -> Total:
        """How many can be paid out now, and what they add up to in the token's smallest unit."""
        if self.status != "claimable":
            return Total(0, 0)
        return Total(
            self.all.count - self.claimed.count - self.unpayable.count,
            self.all.amount - self.claimed.amount - self.unpayable.amount,
        )


@dataclass(frozen=True, slots=True)
class WaitingKind:
    """Allocations of one kind that are neither paid nor due, ascending. `reason` is a phrase for people."""

    kind: Kind
    indices: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where allocations of an open distribution stand, by their indices: no record is made of any.

    `due` has the kind of each before which neither time nor oracles stand, though the chain may refuse its
    payout. Indices are ascending.
    """

    due: Mapping[int, Kind]
    claimed: tuple[int, ...] = ()
    waiting: tuple[WaitingKind, ...] = ()

    @property
    def count(self) -> int:
        """All of them."""
        return len(self.due) + len(self.claimed) + sum(len(each.indices) for each in self.waiting)

    def without(self, indices: Collection[int]) -> Standing:
        """The others."""
        gone = frozenset(indices)
        left = (
            replace(each, indices=tuple(i for i in each.indices if i not in gone))
            for each in self.waiting
        )
        return Standing(
            {index: kind for index, kind in self.due.items() if index not in gone},
            tuple(index for index in self.claimed if index not in gone),
            tuple(each for each in left if each.indices),
        )


def standing(
    kinds: Mapping[Kind, Iterable[int]],
    *,
    claimed: Collection[int],
    attested: Collection[str],
    now_posix_ms: int,
    signed: Collection[str] = (),
) -> Standing:
    """What `claim_states` says of these allocations, by their kinds. The other arguments are as there."""
    due: dict[int, Kind] = {}
    waiting = []
    for kind, indices in kinds.items():
        status, reason, _, _ = _judgement(kind, attested, signed, now_posix_ms)
        left = tuple(index for index in indices if index not in claimed)
        if status == "claimable":
            due.update(dict.fromkeys(left, kind))
        elif left:
            waiting.append(WaitingKind(kind, left, reason))
    paid = (index for indices in kinds.values() for index in indices if index in claimed)
    return Standing(dict(sorted(due.items())), tuple(sorted(paid)), tuple(waiting))


def kind_states(
    table: AllocationTable,
    *,
    claimed: Collection[int],
    attested: Collection[str],
    now_posix_ms: int,
    signed: Collection[str] = (),
    unpayable: Collection[int] = (),
    closed: bool = False,
) -> list[KindState]:
    """What `claim_states` says, added up by milestone and time: no allocation is looked at alone."""
    nothing = Total(0, 0)
    paid = table.totals_of(claimed)
    refused = table.totals_of(frozenset(unpayable) - frozenset(claimed))
    states = []
    for kind, total in table.totals().items():
        status, _, on_chain, vested = _judgement(kind, attested, signed, now_posix_ms)
        states.append(
            KindState(
                kind=kind,
                all=total,
                claimed=paid.get(kind, nothing),
                unpayable=refused.get(kind, nothing),
                status="closed" if closed else status,
                attested=on_chain,
                vesting_passed=vested,
            )
        )
    return states


def claim_states(
    allocations: Mapping[int, Allocation],
    *,
    claimed: Collection[int],
    attested: Collection[str],
    now_posix_ms: int,
    signed: Collection[str] = (),
    unpayable: Mapping[int, str] = MappingProxyType({}),
    closed: bool = False,
) -> list[ClaimState]:
    """The state of every allocation, in the order of their indices.

    `claimed` are the indices whose bit is set in a vault; `attested` the milestones with an attestation
    on the chain, `signed` those whose quorum of signatures is at hand, so that one transaction can
    attest and pay. `unpayable` says why, by index, of those whose payout the chain would refuse.
    `now_posix_ms` is the chain's time: the start of the slot that a transaction would name as its lower
    bound. In a `closed` distribution what was not claimed never will be.
    """
    states = []
    for index, allocation in sorted(allocations.items()):
        kind = Kind(allocation.milestone_identifier, allocation.vesting_timestamp)
        status, reason, on_chain, vested = _judgement(kind, attested, signed, now_posix_ms)
        if index in claimed:
            status, reason = "claimed", "already claimed"
        if status == "claimable" and index in unpayable:
            status, reason = "unpayable", unpayable[index]
        if closed and status != "claimed":
            status, reason = "closed", "the distribution was closed"
        states.append(ClaimState(index, allocation, status, on_chain, vested, reason))
    return states


def _judgement(
    kind: Kind, attested: Collection[str], signed: Collection[str], now_posix_ms: int
) -> tuple[ClaimStatus, str, bool, bool]:
    """The status of what nobody has claimed, the reason, whether it is attested, whether its time has come."""
    on_chain = kind.milestone_identifier in attested
    vested = now_posix_ms >= to_posix_ms(kind.vesting_timestamp)
    if not on_chain and kind.milestone_identifier not in signed:
        return "milestone_not_attested", "milestone not attested", on_chain, vested
    if not vested:
        return "vesting", f"vesting until {in_words(kind.vesting_timestamp)}", on_chain, vested
    if not on_chain:
        return "claimable", "claimable together with the oracles' signatures", on_chain, vested
    return "claimable", "claimable", on_chain, vested


def amounts(states: Iterable[ClaimState]) -> Amounts:
    """Adds up the amounts by what has become of them; what a closing took back is in none of them."""
    sums = dict.fromkeys(get_args(ClaimStatus), 0)
    for state in states:
        sums[state.status] += state.allocation.token_amount
    later = sums["vesting"] + sums["milestone_not_attested"] + sums["unpayable"]
    return Amounts(sums["claimed"], sums["claimable"], later)
