"""`find`: which distributions name a beneficiary, and what there is to claim."""

from __future__ import annotations

from typing import Literal

from milestones.cardano.address import Address
from milestones.domain.claims import amounts
from milestones.domain.reading import AddressField, HexField
from milestones.services.backend import Backend, require_network, staleness, storage_warnings
from milestones.services.distribution.history import DistributionStatus
from milestones.services.distribution.naming import must_be_of_network
from milestones.services.distribution.survey import Surveyed, survey
from milestones.services.results import Result, View

Match = Literal["address", "payment_part", "staking_part"]
"""What an allocation's address and the one that was asked for have in common: all of it, or a part."""


class FoundAllocations(View):
    """One address' allocations in one distribution; amounts in its token's smallest unit."""

    contract_name: str
    contract_address: AddressField
    distribution_id: HexField
    status: DistributionStatus
    description: str
    token_policy_id: HexField
    token_name: HexField
    beneficiary_address: AddressField
    match: Match
    beneficiary_indices: tuple[int, ...]
    claimable_amount: int
    later_amount: int
    claimed_amount: int


class DistributionsFound(Result):
    """Where the beneficiary is named. `unknown_count` distributions are private, and may name it as well."""

    rows_in = "found"

    beneficiary_address: AddressField
    found: tuple[FoundAllocations, ...]
    unknown_count: int


async def find_distributions(
    backend: Backend, *, beneficiary_address: Address
) -> DistributionsFound:
    """The open distributions that pay this address, or another of the same payment key or staking part.

    Raises `InvalidAddress` for an address of another network.
    """
    await require_network(backend)
    must_be_of_network(beneficiary_address, backend.network.network_id, "beneficiary")
    found: list[FoundAllocations] = []
    unknown = 0
    async for surveyed in survey(backend):
        unknown += surveyed.distribution is None
        found += _in(surveyed, beneficiary_address)
    private = (f"{unknown} distributions are private: ask whoever opened them for a claim file",)
    return DistributionsFound(
        beneficiary_address=beneficiary_address,
        found=tuple(found),
        unknown_count=unknown,
        warnings=(
            *await staleness(backend),
            *(private if unknown else ()),
            *storage_warnings(backend),
        ),
    )


def _in(surveyed: Surveyed, wanted: Address) -> list[FoundAllocations]:
    distribution, state = surveyed.distribution, surveyed.state
    if distribution is None:
        return []
    theirs: dict[Address, Match] = {}
    known = distribution.allocations
    indices = set(known.with_payment(wanted.payment.hash))
    if wanted.staking is not None:
        indices.update(known.with_staking(wanted.staking.hash))
    for index in sorted(indices):
        address = known[index].beneficiary_address
        shared = _shared(address, wanted)
        if shared is not None:
            theirs[address] = shared
    states = state.claim_states(distribution, sorted(indices))
    found = []
    for address, shared in theirs.items():
        own = [each for each in states if each.allocation.beneficiary_address == address]
        sums = amounts(own)
        found.append(
            FoundAllocations(
                contract_name=str(distribution.name),
                contract_address=distribution.address,
                distribution_id=distribution.id,
                status=state.status,
                description=distribution.terms.metadata.description,
                token_policy_id=distribution.token.policy_id,
                token_name=distribution.token.asset_name,
                beneficiary_address=address,
                match=shared,
                beneficiary_indices=tuple(each.index for each in own),
                claimable_amount=sums.claimable,
                later_amount=sums.later,
                claimed_amount=sums.claimed,
            )
        )
    return found


def _shared(address: Address, wanted: Address) -> Match | None:
    if address == wanted:
        return "address"
    if address.payment == wanted.payment:
        return "payment_part"
    if wanted.staking is not None and address.staking == wanted.staking:
        return "staking_part"
    return None
