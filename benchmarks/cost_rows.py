"""A row of the cost table, its mean over salts, and the distributions that transactions are measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from milestones.cardano.value import Value
from milestones.domain.models import Allocation, MilestoneSchedule
from milestones.protocol.distribution import Distribution
from milestones.testing.cast import ADA
from milestones.testing.contract import (
    FIRST_SLOT,
    MILESTONE,
    ContractHarness,
    Opened,
    base_address,
    moment,
    opened_by,
    opening_draft,
    schedule,
)
from milestones.transactions.signing import SignedTransaction

SALTS: Final = range(8)
"""A fee moves with ids, by which inputs are sorted: most rows are means over distributions that differ
in this number alone."""

Sent = tuple[str, SignedTransaction]
"""What kind of transaction it is, and the transaction that the chain took."""


@dataclass(frozen=True)
class Row:
    """A measured transaction. `landed_lovelace` is what contract 0.1.0 took, `target_lovelace` the budget;
    None where there is none."""

    kind: str
    size: int
    memory: int
    cpu: int
    fee_lovelace: int
    landed_lovelace: int | None = None
    target_lovelace: int | None = None

    @property
    def met(self) -> str:
        """Whether the target is met."""
        return met(self.fee_lovelace, self.target_lovelace)


def met(measured: int, most: int | None) -> str:
    """Whether a target is met, and by how much it isn't."""
    if most is None:
        return ""
    return "yes" if measured <= most else f"no, {measured - most:+,}"


@dataclass(frozen=True)
class Budget:
    """Fees in lovelace: what contract 0.1.0 took, and what the transaction may take now."""

    landed_lovelace: int | None = None
    target_lovelace: int | None = None


NO_BUDGET: Final = Budget()


def row(kind: str, sent: Iterable[SignedTransaction], budget: Budget = NO_BUDGET) -> Row:
    """The mean of transactions of one kind, rounded."""
    each = list(sent)

    def mean(values: Iterable[int]) -> int:
        return round(sum(values) / len(each))

    return Row(
        kind,
        mean(one.size for one in each),
        mean(one.units.memory for one in each),
        mean(one.units.cpu for one in each),
        mean(one.fee_lovelace for one in each),
        budget.landed_lovelace,
        budget.target_lovelace,
    )


def means(
    measure: Callable[[int], Iterable[Sent]], budgets: dict[str, Budget] | None = None
) -> list[Row]:
    """A row of each kind that `measure` sends, over all salts."""
    kinds: dict[str, list[SignedTransaction]] = {}
    for salt in SALTS:
        for kind, sent in measure(salt):
            kinds.setdefault(kind, []).append(sent)
    known = budgets or {}
    return [row(kind, sent, known.get(kind, NO_BUDGET)) for kind, sent in kinds.items()]


def beneficiaries(harness: ContractHarness, size: int) -> list[Allocation]:
    """As many equal allocations, vested, to an address with a staking part."""
    allocation = Allocation(
        beneficiary_address=base_address(harness, "beneficiary"),
        token_amount=1_000_000,
        milestone_identifier=MILESTONE,
        vesting_timestamp=moment(FIRST_SLOT),
    )
    return [allocation] * size


def planned(
    harness: ContractHarness,
    size: int,
    depth: int | None = None,
    *,
    salt: int = 0,
    oracle_count: int = 3,
    quorum: int = 2,
    **changes: Any,
) -> MilestoneSchedule:
    """A schedule of `size` allocations. The payer is its creator, so that one key signs."""
    plan = schedule(
        harness,
        beneficiaries(harness, size),
        token=harness.token,
        oracle_count=oracle_count,
        quorum=quorum,
        page_depth=depth,
        creator="payer",
    )
    metadata = plan.contract_metadata
    salted = metadata.model_copy(update={"created_at": metadata.created_at + salt})
    return plan.model_copy(update={"contract_metadata": salted, **changes})


def open_plan(
    harness: ContractHarness, plan: MilestoneSchedule
) -> tuple[Opened, SignedTransaction]:
    """Opens it; the wallet gets just what it takes."""
    distribution = Distribution.from_schedule(plan, harness.contract)
    total = Value.of(distribution.token, plan.total_token_amount)
    harness.give(Value(100 * ADA) + total)
    sent = harness.send(opening_draft(harness, distribution))
    return opened_by(harness, distribution, sent), sent
