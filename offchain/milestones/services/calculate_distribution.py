"""`calculate-distribution`: what a beneficiary can claim now, later, and has claimed, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from milestones.cardano.address import Address
from milestones.domain.claims import ClaimState, ClaimStatus, amounts
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import AddressField, HexField
from milestones.protocol.claim_file import ClaimFile
from milestones.protocol.distribution import ContractAddress, Distribution
from milestones.services.backend import (
    Backend,
    ChainTime,
    require_network,
    select_version,
    staleness,
    storage_warnings,
)
from milestones.services.distribution.claims import allocations_of
from milestones.services.distribution.in_use import notice_in_words
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.distribution.schedule_source import known_distribution
from milestones.services.distribution.state import DistributionState, state_of
from milestones.services.results import Result, View


class CalculatedAllocation(View):
    """One allocation. `token_amount` in the token's smallest unit, `vesting_timestamp` in POSIX seconds.

    `reason` is for people, `status` for programs. `attested`: the milestone's attestation is on the chain.
    """

    beneficiary_index: int
    milestone_identifier: str
    token_amount: int
    claimable: bool
    reason: str
    vesting_passed: bool
    vesting_timestamp: int
    status: ClaimStatus
    attested: bool

    @classmethod
    def of(cls, state: ClaimState) -> CalculatedAllocation:
        """From its state."""
        return cls(
            beneficiary_index=state.index,
            milestone_identifier=state.allocation.milestone_identifier,
            token_amount=state.allocation.token_amount,
            claimable=state.claimable,
            reason=state.reason,
            vesting_passed=state.vesting_passed,
            vesting_timestamp=state.allocation.vesting_timestamp,
            status=state.status,
            attested=state.attested,
        )


class DistributionCalculated(Result):
    """A beneficiary's allocations and their sums, at the chain's time `now` (POSIX seconds).

    `claim_until` is the moment from which on the rest can be taken away: after a notice, or because the
    creator can take it back; None where no such time is known.
    """

    rows_in = "allocations"

    beneficiary_address: AddressField
    contract_address: AddressField
    token_policy_id: HexField
    token_name: HexField
    claimable_amount: int
    later_amount: int
    claimed_amount: int
    total_amount: int
    allocations: tuple[CalculatedAllocation, ...]
    now: int
    claim_until: int | None


class AllocationView(CalculatedAllocation):
    """One allocation, and whose it is."""

    beneficiary_address: AddressField

    @classmethod
    def of(cls, state: ClaimState) -> AllocationView:
        """From its state."""
        return cls(
            **CalculatedAllocation.of(state).model_dump(),
            beneficiary_address=state.allocation.beneficiary_address,
        )


@dataclass(frozen=True, kw_only=True)
class AllocationStates:
    """The allocations that are known of a distribution, as they stand at the chain's time."""

    on_chain: OnChain
    distribution: Distribution
    state: DistributionState
    time: ChainTime
    warnings: tuple[str, ...]

    @cached_property
    def states(self) -> tuple[ClaimState, ...]:
        """Every one of them; what is asked about an address alone looks at no other."""
        return tuple(self.state.claim_states(self.distribution))

    def of_beneficiary(self, address: Address) -> DistributionCalculated:
        """What an address gets. Raises `NotFound` for one without an allocation, and `InvalidAddress`."""
        own = allocations_of(self.distribution, address)
        states = self.state.claim_states(self.distribution, own)
        sums = amounts(states)
        notice = notice_in_words(self.on_chain, self.time.now_posix_ms)
        unpaid = any(state.status != "claimed" for state in states)
        return DistributionCalculated(
            beneficiary_address=address,
            contract_address=self.on_chain.address,
            token_policy_id=self.on_chain.terms.token.policy_id,
            token_name=self.on_chain.terms.token.asset_name,
            claimable_amount=sums.claimable,
            later_amount=sums.later,
            claimed_amount=sums.claimed,
            total_amount=sum(state.allocation.token_amount for state in states),
            allocations=tuple(CalculatedAllocation.of(state) for state in states),
            now=self.time.now,
            claim_until=_claim_until(self.on_chain),
            warnings=(*self.warnings, *([] if notice is None or not unpaid else [notice])),
        )


async def allocation_states(
    backend: Backend, *, contract_address: ContractAddress, claim_file: ClaimFile | None = None
) -> AllocationStates:
    """How every allocation stands. "Now" is the chain's time.

    Raises `NotFound` for a private distribution without its schedule or a `claim_file`, with which only
    those in the file are known.
    """
    backend = select_version(backend, contract_address.payment.hash)
    await require_network(backend)
    on_chain = await read_on_chain(backend, contract_address)
    distribution = await known_distribution(backend, on_chain, claim_file=claim_file)
    found = await state_of(backend, on_chain)
    return AllocationStates(
        on_chain=found.on_chain,
        distribution=distribution,
        state=found,
        time=found.time,
        warnings=(*await staleness(backend), *storage_warnings(backend)),
    )


async def calculate_distribution(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    beneficiary_address: Address,
    claim_file: ClaimFile | None = None,
) -> DistributionCalculated:
    """What the address gets out of the distribution. "Now" is the chain's time.

    Raises `NotFound` for an address without an allocation and for a private distribution without its
    schedule or a `claim_file`, and `InvalidAddress` for an address of another network.
    """
    known = await allocation_states(
        backend, contract_address=contract_address, claim_file=claim_file
    )
    return known.of_beneficiary(beneficiary_address)


def _claim_until(on_chain: OnChain) -> int | None:
    if on_chain.closed:
        return None
    moments = (on_chain.ends_at_posix_ms, on_chain.terms.reclaim_after_posix_ms)
    known = [moment for moment in moments if moment is not None]
    return to_posix_seconds(min(known)) if known else None
