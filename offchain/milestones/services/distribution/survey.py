"""All distributions of the contract that Kupo knows: where they are, and how each stands."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from milestones.cardano.address import Address
from milestones.errors import InvalidInput, NotFound
from milestones.protocol.datums import TERMS_LABEL
from milestones.protocol.distribution import ContractAddress, Distribution, DistributionName
from milestones.services.backend import Backend, select_version
from milestones.services.distribution.on_chain import read_on_chain
from milestones.services.distribution.schedule_source import known_distribution
from milestones.services.distribution.state import DistributionState, state_of

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A distribution as it stands; `distribution` is None where its allocations aren't known here."""

    state: DistributionState
    distribution: Distribution | None
    contract_version: str


async def survey(backend: Backend, *, closed: bool = False) -> AsyncIterator[Surveyed]:
    """Each distribution of any version of the contract, the oldest opening first; closed ones if asked for."""
    versions = {each.version: each for each in (*backend.versions, backend.contract)}
    for contract in versions.values():
        chosen = select_version(backend, contract.version)
        for name in await _names(chosen, closed=closed):
            backend.doing(f"looking at {name.address}")
            try:
                yield await surveyed_at(chosen, name)
            except (NotFound, InvalidInput) as unreadable:
                # Of others, or gone since: it hides none of the rest.
                _LOG.info("%s is passed over: %s", name, unreadable.message)


async def surveyed_at(backend: Backend, contract_address: ContractAddress) -> Surveyed:
    """One of the backend's version of the contract. Raises as `read_on_chain`."""
    on_chain = await read_on_chain(backend, contract_address)
    try:
        distribution = await known_distribution(backend, on_chain)
    except (NotFound, InvalidInput):
        # A private one, or what others have announced in a way that can't be read.
        distribution = None
    return Surveyed(await state_of(backend, on_chain), distribution, backend.contract.version)


async def _names(backend: Backend, *, closed: bool) -> list[DistributionName]:
    policy_id, vault = backend.contract.policy_id, backend.contract.vault_hash
    matches = await backend.kupo.matches(
        f"{policy_id.hex()}.*", unspent=not closed, resolve_hashes=False, order="oldest_first"
    )
    found: dict[DistributionName, None] = {}
    for match in matches:
        names = [each.asset_name for each in match.output.value.assets if each[0] == policy_id]
        terms = next((each for each in names if each.startswith(TERMS_LABEL)), None)
        if terms is None:
            continue
        address = Address.from_bech32(match.output.address)
        if address.payment.hash == vault:
            found[DistributionName(address, terms[len(TERMS_LABEL) :])] = None
    return list(found)
