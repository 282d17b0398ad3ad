"""All transactions of a release, and what has to be left out of them so that the rest can be paid.

What is asked for as a kind ("all", a beneficiary's, a milestone's) is paid as far as the chain allows: a
milestone whose signatures it refuses, or a leaf that can't be paid, stops nothing else. What is named by its
index is paid as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.value import LOVELACE, Value
from milestones.domain.claims import ClaimState
from milestones.errors import (
    ChainRejected,
    InsufficientCollateral,
    InsufficientFunds,
    InsufficientTokens,
    InvalidInput,
    MilestonesError,
)
from milestones.services.backend import Backend
from milestones.services.distribution.on_chain import OnChain
from milestones.services.preflight import must_hold_min_ada
from milestones.services.sending.funds import Funds
from milestones.services.submit_release.blame import LeftOut, blamed, is_of_the_content
from milestones.services.submit_release.building import BuiltRelease, ReleaseBuilder, Site
from milestones.services.submit_release.plan import plan
from milestones.transactions.draft import DraftOutput
from milestones.transactions.fees import min_lovelace

RICH_LOVELACE: Final = 10**12
"""What a wallet is given to find out what a release that it can't pay would cost."""
NEVER_SENT: Final = OutputReference(bytes(32), 1)
"""Where it is given: no transaction has this id."""


@dataclass(frozen=True, slots=True)
class Built:
    """Transactions in the order in which they must be sent, and what is in none of them.

    `warnings` tell of oracles whose signatures were left out.
    """

    releases: tuple[BuiltRelease, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Till:
    """Where releases are built: the chain, what all have in common, and whether all must be paid."""

    backend: Backend
    on_chain: OnChain
    site: Site
    whole: bool

    async def build(self, payable: Sequence[ClaimState], funds: Funds) -> Built:
        """Transactions for as many of the allocations as the chain would pay.

        Raises what forbids one where all must be paid; `InsufficientFunds` with the fee of all together.
        """
        try:
            return await self._built(payable, funds)
        except (InsufficientCollateral, InsufficientTokens):
            raise
        except InsufficientFunds:
            raise await self._requirement(payable, funds) from None

    async def _built(self, payable: Sequence[ClaimState], funds: Funds, *unseen: Utxo) -> Built:
        left_out = self._too_small(payable)
        while True:
            out = {each.state.index for each in left_out}
            rest = [state for state in payable if state.index not in out]
            if left_out and self.whole:
                raise left_out[0].error
            builder = ReleaseBuilder(self.backend, self.site, funds, _unseen=unseen)
            try:
                releases = await builder.build_all(plan(rest, self.on_chain))
            except (ChainRejected, InvalidInput) as error:
                if self.whole or not is_of_the_content(error):
                    raise
                found = await blamed(builder, rest, error)
                if not found:
                    raise
                left_out += found
            else:
                return Built(tuple(releases), tuple(left_out), tuple(builder.warnings))

    def _too_small(self, payable: Iterable[ClaimState]) -> list[LeftOut]:
        """ADA allocations under the ledger's minimum: scripts agree to them, and no block takes them."""
        if self.site.terms.token != LOVELACE:
            return []
        found = []
        for state in payable:
            try:
                must_hold_min_ada(state, self.site.parameters.lovelace_per_utxo_byte)
            except MilestonesError as error:
                found.append(LeftOut(state, error))
        return found

    async def _requirement(self, payable: Sequence[ClaimState], funds: Funds) -> InsufficientFunds:
        """What it would take, found by building for a wallet that has plenty."""
        address = funds.change_address.to_bech32()
        gift = Utxo(NEVER_SENT, TransactionOutput(address, Value(RICH_LOVELACE)))
        built = await self._built(payable, replace(funds, utxos=(*funds.utxos, gift)), gift)
        fee = sum(release.signed.fee_lovelace for release in built.releases)
        deposits = sum(release.deposits_lovelace for release in built.releases)
        held = sum((utxo.output.value for utxo in funds.utxos), Value())
        change = DraftOutput(address=funds.change_address, value=Value(0, held.assets))
        return InsufficientFunds(
            f"the fee is {fee} lovelace, and {deposits} lovelace go with the tokens",
            fee + deposits + min_lovelace(change, self.site.parameters),
            funds.lovelace,
            hint=f"send ADA to {address} and try again, or let somebody else submit it for you",
            details={"fee_lovelace": fee, "deposits_lovelace": deposits, "address": address},
        )
