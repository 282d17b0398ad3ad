"""How every known allocation stands: the chain's word, the chain's time, and the signatures at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.slots import Point
from milestones.cardano.value import AssetId
from milestones.clients.kupo_answers import Match, Spent
from milestones.domain.claims import ClaimState, claim_states
from milestones.domain.paging import Paging
from milestones.domain.plausibility import meant_instead, moment_problems, name_problems
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import LISTED, in_a_line
from milestones.errors import InvalidEncoding, NotFound
from milestones.protocol.datums import VaultState, vault_token_name
from milestones.protocol.distribution import Distribution
from milestones.protocol.redeemers import Release
from milestones.protocol.statements import MilestoneStatement
from milestones.services.backend import Backend, ChainTime, chain_time
from milestones.services.distribution.naming import must_be_on_network
from milestones.services.distribution.on_chain import OnChain, attestations_among
from milestones.services.distribution.signatures import milestones_signed


@dataclass(frozen=True, slots=True)
class CurrentClaims:
    """The states at one moment, by index."""

    states: list[ClaimState]
    time: ChainTime


async def current_claims(
    backend: Backend,
    on_chain: OnChain,
    distribution: Distribution,
    *,
    history: list[PastClaim] | None = None,
) -> CurrentClaims:
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
    return CurrentClaims(states, time)


def allocations_of(distribution: Distribution, address: Address) -> tuple[int, ...]:
    """The indices of an address' allocations, ascending.

    Raises `NotFound` where it has none, `InvalidAddress` for an address of another network.
    """
    must_be_on_network(address, distribution.terms.network_id, "beneficiary_address")
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


def must_have_milestone(distribution: Distribution, milestone: str) -> None:
    """Some allocation waits for the milestone. Raises `NotFound` that names those there are."""
    names = sorted({a.milestone_identifier for a in distribution.allocations.values()})
    if milestone not in names:
        raise unknown_milestone(milestone, names)


def unknown_milestone(milestone: str, names: Sequence[str]) -> NotFound:
    """The error for a milestone that is none of a distribution's, the same in every command."""
    meant = meant_instead(milestone, names)
    question = "" if meant is None else f"did you mean {meant!r}? "
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return NotFound(
        f"no allocation of this distribution waits for milestone {milestone!r}",
        hint=f"{question}its milestones: {', '.join(names[:LISTED])}{more}",
        details={"milestones": list(names[:LISTED]), "milestone_count": len(names), "meant": meant},
    )


def doubts_about(
    statement: MilestoneStatement, distribution: Distribution | None
) -> tuple[str, ...]:
    """Warnings: a time or a name that can't be meant, a schedule that isn't known.

    Raises `NotFound` where nobody waits for the milestone. What a schedule has is typed as it stands there.
    """
    seconds = to_posix_seconds(statement.verification_posix_ms)
    magic = None if distribution is None else distribution.terms.metadata.network_magic
    doubts = list(moment_problems(seconds, "verification_timestamp", magic))
    if distribution is not None:
        must_have_milestone(distribution, statement.milestone_identifier)
        return tuple(in_a_line(doubt) for doubt in doubts)
    doubts += name_problems(statement.milestone_identifier, "milestone_identifier")
    return (
        "the schedule is not known here: the milestone's name could not be checked",
        *(in_a_line(doubt) for doubt in doubts),
    )


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
        for claim in _claims(match, match.spent, on_chain.terms.paging)
    ]
    return sorted(found, key=lambda claim: (claim.point, claim.index))


async def as_before_closing(backend: Backend, on_chain: OnChain) -> OnChain:
    """A closed distribution with the attestations it had, so that its story can be told; any other as it is."""
    if not on_chain.closed:
        return on_chain
    matches = await backend.kupo.matches(on_chain.address.to_bech32(), spent=True)
    known = attestations_among(matches, on_chain.distribution_id, backend.contract)
    return replace(on_chain, attestations=known)


def _claims(match: Match, spent: Spent, paging: Paging) -> Iterator[PastClaim]:
    if match.datum is None or spent.redeemer is None:
        return
    try:
        page = VaultState.decode(match.datum).page
        release = Release.from_data(plutus_data.decode(spent.redeemer))
    except InvalidEncoding:
        # Closing spends vaults too, and pays nobody.
        return
    for claim in release.claims:
        index = paging.index_of(page, claim.leaf)
        yield PastClaim(index, claim.milestone, spent.transaction_id, spent.point)
