"""What was paid, by which transaction: read out of the redeemers that spent a distribution's vaults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from milestones.cardano import plutus_data
from milestones.cardano.slots import Point
from milestones.cardano.value import AssetId
from milestones.clients.kupo_answers import Match, Spent
from milestones.errors import InvalidEncoding
from milestones.protocol.datums import VaultState, vault_token_name
from milestones.protocol.redeemers import Release
from milestones.services.backend import Backend
from milestones.services.distribution.on_chain import OnChain, attestations_among


@dataclass(frozen=True, slots=True)
class PastClaim:
    """An allocation (by its index) that was paid, the transaction (32 bytes) and its block."""

    index: int
    milestone: bytes
    transaction_id: bytes | None
    point: Point

    @property
    def milestone_identifier(self) -> str:
        """The milestone as text; bytes that are no UTF-8 are shown as `\\xNN`."""
        return self.milestone.decode(errors="backslashreplace")


async def past_claims(backend: Backend, on_chain: OnChain) -> list[PastClaim]:
    """All claims that Kupo remembers, oldest first; fewer than the vaults' bits where it was pruned."""
    matches = await backend.kupo.matches(on_chain.address.to_bech32(), spent=True)
    name = vault_token_name(on_chain.distribution_id)
    token = AssetId(backend.contract.policy_id, name)
    found = [
        claim
        for match in matches
        if match.spent is not None and match.output.value.quantity(token) == 1
        for claim in _claims(match, match.spent, on_chain.terms.page_depth)
    ]
    return sorted(found, key=lambda claim: (claim.point, claim.index))


async def as_before_closing(backend: Backend, on_chain: OnChain) -> OnChain:
    """A closed distribution with the attestations it had, so that its story can be told; any other as it is."""
    if not on_chain.closed:
        return on_chain
    matches = await backend.kupo.matches(on_chain.address.to_bech32(), spent=True)
    known = attestations_among(matches, on_chain.distribution_id, backend.contract)
    return replace(on_chain, attestations=known)


def _claims(match: Match, spent: Spent, page_depth: int) -> Iterator[PastClaim]:
    if match.datum is None or spent.redeemer is None:
        return
    try:
        page = VaultState.decode(match.datum).page
        release = Release.from_data(plutus_data.decode(spent.redeemer))
    except InvalidEncoding:
        # Closing spends vaults too, and pays nobody.
        return
    for claim in release.claims:
        index = (page << page_depth) + claim.leaf
        yield PastClaim(index, claim.milestone, spent.transaction_id, spent.point)
