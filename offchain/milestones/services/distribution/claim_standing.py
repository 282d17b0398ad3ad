"""How every known allocation stands: the chain's word, the chain's time, and the signatures at hand."""

from __future__ import annotations

from dataclasses import dataclass

from milestones.domain.claims import ClaimState, claim_states
from milestones.protocol.distribution import Distribution
from milestones.services.backend import Backend, ChainTime, chain_time
from milestones.services.distribution.history import PastClaim, past_claims
from milestones.services.distribution.on_chain import OnChain
from milestones.services.distribution.signatures_at_hand import milestones_signed


@dataclass(frozen=True, slots=True)
class ClaimStanding:
    """The states at one moment, by index."""

    states: list[ClaimState]
    time: ChainTime


async def claim_standing(
    backend: Backend,
    on_chain: OnChain,
    distribution: Distribution,
    *,
    history: list[PastClaim] | None = None,
) -> ClaimStanding:
    """The state of every allocation that `distribution` knows. `history` spares the question if known.

    The vaults' bits say what is claimed; once they are gone, the history does.
    """
    claimed = on_chain.claimed()
    if on_chain.closed:
        past = await past_claims(backend, on_chain) if history is None else history
        claimed = frozenset(claim.index for claim in past)
    time = await chain_time(backend)
    states = claim_states(
        distribution.allocations,
        claimed=claimed,
        attested=on_chain.attested(),
        now_posix_ms=time.now_posix_ms,
        signed=milestones_signed(backend, on_chain),
        closed=on_chain.closed,
    )
    return ClaimStanding(states, time)
