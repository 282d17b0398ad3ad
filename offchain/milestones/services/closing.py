"""Builds the transactions that close a distribution, one for each opening, before any is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.value import LOVELACE
from milestones.errors import LimitsExceeded, NotFound
from milestones.protocol.datums import Terms
from milestones.services.backend import Backend, ChainTime
from milestones.services.distribution.on_chain import LiveVault, OnChain
from milestones.services.results import View
from milestones.services.submitting.earlier import Earlier
from milestones.services.submitting.fitting import largest_that_fits
from milestones.services.submitting.funds import Funds
from milestones.services.submitting.submission import SubmissionState, build, valid_until
from milestones.transactions.contract_drafts import PublishedScripts, close_draft
from milestones.transactions.signing import SignedTransaction


class ClosingTransaction(View):
    """One closing: fee, collateral and deposits in lovelace, size in bytes.

    `tokens_returned` is in the token's smallest unit. `resumed` says that an earlier run of the command
    had sent it.
    """

    transaction_hash: str
    status: SubmissionState
    vaults: int
    attestations_burnt: int
    deposits_returned_lovelace: int
    tokens_returned: int
    fee_lovelace: int
    collateral_lovelace: int
    size: int
    memory: int
    cpu: int
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Closable:
    """What one transaction closes, beside attestations."""

    terms_utxo: Utxo
    vaults: tuple[LiveVault, ...]

    @property
    def remaining(self) -> int:
        """What its vaults still hold for their allocations."""
        return sum(vault.state.remaining for vault in self.vaults)


@dataclass(frozen=True, slots=True)
class Closing:
    """A signed transaction, until when it is valid, and what to tell of it."""

    signed: SignedTransaction
    valid_until_slot: int
    view: ClosingTransaction


@dataclass(slots=True)
class ClosingBuilder:
    """Builds one closing on another's change."""

    backend: Backend
    terms: Terms
    scripts: PublishedScripts
    parameters: ProtocolParameters
    time: ChainTime
    funds: Funds
    _unseen: tuple[Utxo, ...] = ()

    async def build_all(
        self, openings: Sequence[Closable], attestations: Sequence[Utxo]
    ) -> tuple[list[Closing], Sequence[Utxo]]:
        """A transaction for each opening, and the attestations for which none has room."""
        closings = []
        for opening in openings:
            count, closing = await self._largest(opening, attestations)
            attestations = attestations[count:]
            closings.append(closing)
            self.funds = replace(self.funds, utxos=closing.signed.wallet_after(self.funds.utxos))
            self._unseen = closing.signed.change
        return closings, attestations

    async def _largest(
        self, opening: Closable, attestations: Sequence[Utxo]
    ) -> tuple[int, Closing]:
        try:
            return await largest_that_fits(
                len(attestations),
                lambda count: self._build(opening, attestations[:count]),
                least=0,
            )
        except LimitsExceeded as error:
            count = len(opening.vaults)
            raise LimitsExceeded(
                error.exceeded,
                error.budgets,
                what=f"the terms and {count} vaults can only be closed together, in one transaction,"
                " and that is too large",
                hint="this distribution can't be closed; every allocation can still be paid out",
            ) from None

    async def _build(self, opening: Closable, attestations: Sequence[Utxo]) -> Closing:
        until = valid_until(self.time)
        draft = close_draft(
            self.terms,
            terms_utxo=opening.terms_utxo,
            vaults=[vault.utxo for vault in opening.vaults],
            attestations=attestations,
            scripts=self.scripts,
            valid_from_slot=self._first_slot(opening),
        )
        signed = await build(
            self.backend,
            replace(draft, valid_until_slot=until),
            self.funds,
            self.parameters,
            not_on_chain_yet=self._unseen,
        )
        return Closing(signed, until, self._view(opening, attestations, signed))

    def _first_slot(self, opening: Closable) -> int | None:
        """The first slot that proves that unclaimed tokens may be taken back, where there are any."""
        reclaim_after = self.terms.reclaim_after_posix_ms
        if not opening.remaining or reclaim_after is None:
            return None
        clock = self.time.clock
        return clock.first_slot_from(max(reclaim_after, clock.system_start_posix_ms))

    def _view(
        self, opening: Closable, attestations: Sequence[Utxo], signed: SignedTransaction
    ) -> ClosingTransaction:
        spent = (opening.terms_utxo, *(vault.utxo for vault in opening.vaults), *attestations)
        lovelace = sum(utxo.output.value.lovelace for utxo in spent)
        is_ada = self.terms.token == LOVELACE
        return ClosingTransaction(
            transaction_hash=signed.id.hex(),
            status="dry_run",
            vaults=len(opening.vaults),
            attestations_burnt=len(attestations),
            deposits_returned_lovelace=lovelace - (opening.remaining if is_ada else 0),
            tokens_returned=opening.remaining,
            fee_lovelace=signed.fee_lovelace,
            collateral_lovelace=signed.collateral_lovelace,
            size=signed.size,
            memory=signed.units.memory,
            cpu=signed.units.cpu,
        )


def left_to_close(
    on_chain: OnChain, earlier: Sequence[Earlier]
) -> tuple[list[Closable], Sequence[Utxo]]:
    """The openings and attestations that no transaction on its way takes. Raises `NotFound`."""
    taken = {reference for each in earlier for reference in each.submission.inputs}
    terms = [utxo for utxo in on_chain.terms_utxos if utxo.reference not in taken]
    vaults = [vault for vault in on_chain.vaults if vault.utxo.reference not in taken]
    attestations = [
        live.utxo
        for group in on_chain.attestations.values()
        for live in group
        if live.utxo.reference not in taken
    ]
    pages = [
        [vault for vault in vaults if vault.state.page == page]
        for page in range(len(on_chain.terms.pages))
    ]
    if any(len(of_page) < len(terms) for of_page in pages):
        raise NotFound(
            "not every vault of this distribution can be found",
            hint="run `milestones init`: Kupo may not have indexed the contract from its beginning",
        )
    openings = [
        Closable(utxo, tuple(of_page[number] for of_page in pages))
        for number, utxo in enumerate(terms)
    ]
    return openings, attestations
