"""`list`: the distributions of the contract that this Kupo knows, and which of them are somebody's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from milestones.cardano.address import Address
from milestones.domain.reading import AddressField, HexField
from milestones.protocol.distribution import ContractAddress
from milestones.services.backend import (
    Backend,
    require_network,
    select_version,
    staleness,
    storage_warnings,
)
from milestones.services.distribution.history import DistributionStatus
from milestones.services.distribution.naming import must_be_of_network
from milestones.services.distribution.survey import Surveyed, survey, surveyed_at
from milestones.services.results import Result, View

Role = Literal["creator", "oracle", "beneficiary", "sent_here"]
"""What makes one somebody's own; `sent_here`: this data directory's journal has a transaction about it."""


class ListedDistribution(View):
    """One distribution; amounts in its token's smallest unit.

    `contract_name` is what commands take for it. `claimable_amount` and `allocation_count` are None where
    the allocations of a private one aren't known here. `roles` are of whoever asks.
    """

    contract_name: str
    distribution_id: HexField
    contract_address: AddressField
    contract_version: str
    status: DistributionStatus
    description: str
    token_policy_id: HexField
    token_name: HexField
    total_token_amount: int
    remaining_amount: int
    claimable_amount: int | None
    allocation_count: int | None
    roles: tuple[Role, ...]


class DistributionsListed(Result):
    """Those there are, the oldest opening first; `own_count` are those with a role."""

    rows_in = "distributions"

    distributions: tuple[ListedDistribution, ...]
    own_count: int


async def list_distributions(
    backend: Backend, *, own_address: Address | None = None, closed: bool = False
) -> DistributionsListed:
    """Every distribution of the contract, with what is claimable now by the chain's time.

    `own_address` is whose own are marked, by its payment key; those are as well about which something was
    sent from this data directory. `closed` lists closed ones too. Raises `InvalidAddress` for
    one of another network.
    """
    await require_network(backend)
    if own_address is not None:
        must_be_of_network(own_address, backend.network.network_id, "address")
    listed = [_listed(backend, each, own_address) async for each in survey(backend, closed=closed)]
    return DistributionsListed(
        distributions=tuple(listed),
        own_count=sum(bool(each.roles) for each in listed),
        warnings=(*await staleness(backend), *storage_warnings(backend)),
    )


async def listed_distribution(
    backend: Backend, *, contract_address: ContractAddress
) -> ListedDistribution:
    """One of them, open or closed. Raises `NotFound` where there never was one."""
    backend = select_version(backend, contract_address.payment.hash)
    await require_network(backend)
    return _listed(backend, await surveyed_at(backend, contract_address), None)


def _listed(
    backend: Backend, surveyed: Surveyed, own_address: Address | None
) -> ListedDistribution:
    state, distribution = surveyed.state, surveyed.distribution
    on_chain, terms = state.on_chain, state.on_chain.terms
    states = None if distribution is None else state.kind_states(distribution)
    return ListedDistribution(
        contract_name=str(on_chain.name if distribution is None else distribution.name),
        distribution_id=on_chain.distribution_id,
        contract_address=on_chain.address,
        contract_version=surveyed.contract_version,
        status=state.status,
        description=terms.metadata.description,
        token_policy_id=terms.token.policy_id,
        token_name=terms.token.asset_name,
        total_token_amount=terms.total_token_amount,
        remaining_amount=on_chain.remaining,
        claimable_amount=None if states is None else sum(each.claimable.amount for each in states),
        allocation_count=None if distribution is None else len(distribution.allocations),
        roles=tuple(_roles(backend, surveyed, own_address)),
    )


def _roles(backend: Backend, surveyed: Surveyed, own_address: Address | None) -> Iterator[Role]:
    on_chain, distribution = surveyed.state.on_chain, surveyed.distribution
    if own_address is not None:
        own = own_address.payment
        if on_chain.terms.creator == own:
            yield "creator"
        if own.hash in on_chain.sitting.oracles:
            yield "oracle"
        known = None if distribution is None else distribution.allocations
        if known is not None and any(
            known[index].beneficiary_address.payment == own
            for index in known.with_payment(own.hash)
        ):
            yield "beneficiary"
    if backend.storage.journal.of(on_chain.distribution_id):
        yield "sent_here"
