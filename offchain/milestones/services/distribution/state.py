"""How a distribution stands. What commands say of it is derived here, so that none contradicts another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from milestones.cardano.value import LOVELACE
from milestones.domain.claims import (
    ClaimState,
    KindState,
    Standing,
    claim_states,
    kind_states,
    standing,
)
from milestones.domain.columns import Kind
from milestones.domain.models import Allocation
from milestones.protocol.deposits import doubtful, payout_min_lovelace
from milestones.protocol.distribution import Distribution
from milestones.services.backend import Backend, ChainTime, chain_time
from milestones.services.distribution.history import DistributionStatus, History, history_of
from milestones.services.distribution.on_chain import OnChain
from milestones.services.distribution.signatures import milestones_signed


@dataclass(frozen=True, slots=True)
class DistributionState:
    """A distribution at one moment; of a closed one with the attestations that it had.

    `history` is None of an open one. `signed` are the milestones of which the
    local records have a quorum of signatures, `lovelace_per_utxo_byte` is the ledger's price.
    """

    on_chain: OnChain
    history: History | None
    time: ChainTime
    signed: frozenset[str]
    lovelace_per_utxo_byte: int

    @property
    def status(self) -> DistributionStatus:
        """Whether it is open and, if not, how it ended."""
        if not self.on_chain.closed:
            return "open"
        if not self.returned_amount:
            return "completed"
        return "cancelled" if self._ended_by_notice() else "ended"

    @property
    def returned_amount(self) -> int:
        """What closings took back of what was promised, in the token's smallest unit."""
        return 0 if self.history is None else self.history.returned

    @property
    def claimed(self) -> frozenset[int]:
        """The indices of the allocations that are paid.

        Where the same terms were opened several times and one opening still pays, those that all paid.
        """
        if not self.on_chain.closed or self.history is None:
            return self.on_chain.claimed()
        index_of = self.on_chain.terms.paging.index_of
        # The last bits say it all, also where Kupo has forgotten the claims themselves.
        return frozenset(
            index_of(vault.state.page, leaf)
            for vault in self.history.closed_vaults
            for leaf in vault.state.claimed_leaves()
        )

    def claim_states(
        self,
        distribution: Distribution,
        indices: Iterable[int] | None = None,
        *,
        signed: Collection[str] | None = None,
    ) -> list[ClaimState]:
        """The state of each of these allocations, in the order of their indices; of all that are known.

        `signed` replaces the milestones of which the local records have a quorum.
        """
        known = distribution.allocations
        allocations = {index: known[index] for index in (known if indices is None else indices)}
        return claim_states(
            allocations,
            claimed=self.claimed,
            attested=self.on_chain.attested(),
            now_posix_ms=self.time.now_posix_ms,
            signed=self.signed if signed is None else signed,
            unpayable=self._unpayable(distribution, allocations),
            closed=self.on_chain.closed,
        )

    def standing(self, kinds: Mapping[Kind, Iterable[int]]) -> Standing:
        """Where these allocations of an open distribution stand, by their kinds."""
        return standing(
            kinds,
            claimed=self.claimed,
            attested=self.on_chain.attested(),
            now_posix_ms=self.time.now_posix_ms,
            signed=self.signed,
        )

    def kind_states(self, distribution: Distribution) -> list[KindState]:
        """The state of all allocations that `distribution` knows, added up by milestone and time."""
        return kind_states(
            distribution.allocations,
            claimed=self.claimed,
            attested=self.on_chain.attested(),
            now_posix_ms=self.time.now_posix_ms,
            signed=self.signed,
            unpayable=self.unpayable(distribution),
            closed=self.on_chain.closed,
        )

    def unpayable(self, distribution: Distribution) -> dict[int, str]:
        """Why the chain would refuse a payout, by allocation; of all that are known."""
        table, network_id = distribution.allocations, distribution.terms.network_id
        few = doubtful(table, distribution.token, network_id, self.lovelace_per_utxo_byte)
        return self._unpayable(distribution, {index: table[index] for index in few})

    def _unpayable(
        self, distribution: Distribution, allocations: Mapping[int, Allocation]
    ) -> dict[int, str]:
        """Why the chain would refuse a payout, by allocation. Others may have opened what we would not."""
        found, price = {}, self.lovelace_per_utxo_byte
        for index, allocation in allocations.items():
            if not allocation.token_amount:
                found[index] = "an allocation of nothing: the contract refuses its payout"
            elif distribution.token == LOVELACE:
                least = payout_min_lovelace(allocation, LOVELACE, price)
                if allocation.token_amount < least:
                    found[index] = f"less than {least} lovelace, which an output must hold"
        return found

    def _ended_by_notice(self) -> bool:
        """Whether a closing that took something back spent a notice whose grace was over.

        One whose grace was not over is only taken along by the creator's key.
        """
        if self.history is None:
            return False
        grace_ms = self.on_chain.terms.grace_ms
        closings = {
            vault.transaction_id: self.time.clock.start_of(vault.point.slot)
            for vault in self.history.closed_vaults
            if vault.state.remaining
        }
        return any(
            not live.notice.is_home
            and spender in closings
            and live.notice.said_at_posix_ms + grace_ms <= closings[spender]
            for live, spender in self.history.notices
        )


async def state_of(backend: Backend, on_chain: OnChain) -> DistributionState:
    """How a distribution stands now, by the chain's time."""
    history = await history_of(backend, on_chain) if on_chain.closed else None
    if history is not None:
        on_chain = replace(on_chain, attestations=history.attestations)
    parameters = await backend.ogmios.protocol_parameters()
    return DistributionState(
        on_chain,
        history,
        await chain_time(backend),
        milestones_signed(backend, on_chain),
        parameters.lovelace_per_utxo_byte,
    )
