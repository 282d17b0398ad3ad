"""What spent outputs say of a distribution: what was paid, and how it came to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from milestones.cardano import plutus_data
from milestones.cardano.slots import Point
from milestones.cardano.value import AssetId
from milestones.clients.kupo_answers import Match, Spent
from milestones.domain.paging import Paging
from milestones.errors import InvalidEncoding
from milestones.protocol.datums import VaultState, vault_token_name
from milestones.protocol.redeemers import Release
from milestones.services.backend import Backend
from milestones.services.distribution.on_chain import (
    LiveAttestation,
    LiveNotice,
    OnChain,
    attestations_among,
    notices_among,
)

DistributionStatus = Literal["open", "completed", "cancelled", "ended"]
"""`open`: its terms are unspent. `completed`: it was closed once all was paid. `cancelled`: it was ended
after a notice's grace, with something left; `ended`: so it was by another right."""


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


@dataclass(frozen=True, slots=True)
class ClosedVault:
    """A vault as a closing found it, the transaction (32 bytes) that spent it, and its block."""

    state: VaultState
    transaction_id: bytes | None
    point: Point


@dataclass(frozen=True, slots=True)
class History:
    """Claims, oldest first; vaults that closings spent; attestations that are gone, by milestone.

    Kupo forgets what was spent long ago where it prunes: then claims are missing. `notices` are those that
    were spent, with the transaction that did it.
    """

    claims: tuple[PastClaim, ...]
    closed_vaults: tuple[ClosedVault, ...]
    attestations: Mapping[bytes, tuple[LiveAttestation, ...]]
    notices: tuple[tuple[LiveNotice, bytes | None], ...]

    @property
    def returned(self) -> int:
        """What closings took back of what was promised, in the token's smallest unit."""
        return sum(vault.state.remaining for vault in self.closed_vaults)


async def history_of(backend: Backend, on_chain: OnChain) -> History:
    """What Kupo remembers of a distribution's spent outputs."""
    matches = await backend.kupo.matches(on_chain.address.to_bech32(), spent=True)
    distribution_id, contract = on_chain.distribution_id, backend.contract
    token = AssetId(contract.policy_id, vault_token_name(distribution_id))
    claims: list[PastClaim] = []
    closed: list[ClosedVault] = []
    for match in matches:
        if match.spent is None or match.output.value.quantity(token) != 1:
            continue
        state = vault_state(match)
        if state is None:
            continue
        paid = claims_by(match.spent, state.page, on_chain.terms.paging)
        if paid is None:
            closed.append(ClosedVault(state, match.spent.transaction_id, match.spent.point))
        else:
            claims += paid
    spenders = {
        match.reference: match.spent.transaction_id for match in matches if match.spent is not None
    }
    return History(
        tuple(sorted(claims, key=lambda claim: (claim.point, claim.index))),
        tuple(closed),
        attestations_among(matches, distribution_id, contract),
        tuple(
            (live, spenders[live.utxo.reference])
            for live in notices_among(matches, distribution_id, contract)
        ),
    )


def vault_state(match: Match) -> VaultState | None:
    """What a vault's datum says; None where it can't be read."""
    try:
        return None if match.datum is None else VaultState.decode(match.datum)
    except InvalidEncoding:
        return None


def claims_by(spent: Spent, page: int, paging: Paging) -> tuple[PastClaim, ...] | None:
    """What a vault of this page was spent for; None for a closing, which pays nobody."""
    if spent.redeemer is None:
        return None
    try:
        release = Release.from_data(plutus_data.decode(spent.redeemer))
    except InvalidEncoding:
        return None
    return tuple(
        PastClaim(
            paging.index_of(page, claim.leaf), claim.milestone, spent.transaction_id, spent.point
        )
        for claim in release.claims
    )
