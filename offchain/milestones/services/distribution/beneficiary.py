"""What a beneficiary has in a distribution."""

from __future__ import annotations

from milestones.cardano.address import Address
from milestones.errors import NotFound
from milestones.protocol.distribution import Distribution


def allocations_of(distribution: Distribution, address: Address) -> tuple[int, ...]:
    """The indices of an address' allocations, ascending. Raises `NotFound` where it has none."""
    own = tuple(
        index
        for index, allocation in sorted(distribution.allocations.items())
        if allocation.beneficiary_address == address
    )
    if not own:
        raise NotFound(
            f"{address} has no allocation in this distribution",
            hint=_similar(distribution, address) or "check the address, its staking part included",
            details={"beneficiary_address": address.to_bech32()},
        )
    return own


def _similar(distribution: Distribution, address: Address) -> str:
    """The same key's other address, if that is what the schedule has."""
    for allocation in distribution.allocations.values():
        if allocation.beneficiary_address.payment == address.payment:
            return f"the schedule pays {allocation.beneficiary_address}, which has the same payment part"
    return ""
