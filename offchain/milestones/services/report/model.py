"""What a report is made of: the answers of `check-status`, `history` and `verify`, and sums of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from milestones.cardano.address import Address
from milestones.domain.claims import ClaimState, KindState, amounts
from milestones.services.check_status import StatusReport
from milestones.services.check_status.report import MilestoneStatus
from milestones.services.history import DistributionHistory, HistoryLine
from milestones.services.verify import Verified

Kind = Literal["done", "ready", "waiting", "attention", "failed", "ended"]
"""How something stands, as the look draws it."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some allocations, in the token's smallest unit: paid, payable now, not yet payable, taken back."""

    count: int
    paid_count: int
    total: int
    paid: int
    claimable: int
    waiting: int
    returned: int

    @classmethod
    def of_kinds(cls, kinds: Iterable[KindState]) -> Sums:
        """Adds up what is added up by milestone and time already."""
        listed = list(kinds)
        total = sum(each.all.amount for each in listed)
        paid = sum(each.claimed.amount for each in listed)
        claimable = sum(each.claimable.amount for each in listed)
        returned = sum(
            each.all.amount - each.claimed.amount for each in listed if each.status == "closed"
        )
        return cls(
            sum(each.all.count for each in listed),
            sum(each.claimed.count for each in listed),
            total,
            paid,
            claimable,
            total - paid - claimable - returned,
            returned,
        )

    @classmethod
    def of(cls, states: Iterable[ClaimState]) -> Sums:
        """Adds up."""
        listed = list(states)
        found = amounts(listed)
        total = sum(state.allocation.token_amount for state in listed)
        return cls(
            len(listed),
            sum(state.status == "claimed" for state in listed),
            total,
            found.claimed,
            found.claimable,
            found.later,
            total - found.claimed - found.claimable - found.later,
        )


@dataclass(frozen=True, slots=True)
class MilestoneReport:
    """A milestone with its allocations, by when they vest: none where the schedule isn't known."""

    status: MilestoneStatus
    kinds: tuple[KindState, ...]
    sums: Sums

    @property
    def name(self) -> str:
        """Its identifier."""
        return self.status.milestone_identifier

    @property
    def vestings(self) -> tuple[int, ...]:
        """When its allocations vest, POSIX seconds, in order, each once."""
        return tuple(sorted({each.kind.vesting_timestamp for each in self.kinds}))

    @property
    def kind(self) -> Kind:
        """How it stands."""
        sums = self.sums
        if sums.count and sums.paid_count == sums.count:
            return "done"
        if sums.returned:
            return "ended"
        if any(each.status == "claimable" and each.unpayable.count for each in self.kinds):
            return "failed"
        return "ready" if sums.claimable else "waiting"


@dataclass(frozen=True, slots=True)
class BeneficiaryReport:
    """An address, and what it is given in all."""

    address: Address
    sums: Sums


@dataclass(frozen=True, slots=True)
class BoardReport:
    """A distribution at one moment. `decimals` are the token's, None where nobody has said them.

    `decimals_source` is who says them, in words; empty where whoever asked for the report did. `network` is the
    network's name. Milestones stand in the order in which they vest, beneficiaries by what they are given, the
    most first; there are none where the schedule is private, and isn't known here.
    """

    status: StatusReport
    history: DistributionHistory
    audit: Verified
    milestones: tuple[MilestoneReport, ...]
    beneficiaries: tuple[BeneficiaryReport, ...]
    network: str
    decimals: int | None
    decimals_source: str = ""

    @property
    def total(self) -> int:
        """What was promised, in the token's smallest unit, as all sums here."""
        return self.status.contract_state.total_token_amount

    @property
    def returned(self) -> int:
        """What was taken back."""
        return self.status.contract_state.returned_token_amount

    @property
    def paid(self) -> int:
        """What was paid: what is neither held nor taken back."""
        return self.total - self.returned - self.status.contract_state.remaining_token_amount

    @property
    def claimable(self) -> int:
        """What can be paid now."""
        return sum(each.claimable_amount or 0 for each in self.status.milestones)

    @property
    def waiting(self) -> int:
        """What is held, and can't be paid yet."""
        return self.status.contract_state.remaining_token_amount - self.claimable

    @property
    def payments(self) -> tuple[HistoryLine, ...]:
        """What was paid, the oldest first."""
        return tuple(line for line in self.history.lines if line.event == "claim")

    @property
    def events(self) -> tuple[HistoryLine, ...]:
        """What else happened, the oldest first."""
        return tuple(line for line in self.history.lines if line.event != "claim")
