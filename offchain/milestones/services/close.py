"""`close`: takes a distribution off the chain; deposits, and tokens that nobody claimed, go back.

One transaction closes one opening: its terms, and a vault for each page. Where the same terms were
opened more than once, there is a transaction for each opening.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.value import LOVELACE
from milestones.domain.reading import AddressField, HexField
from milestones.errors import LimitsExceeded, NotFound
from milestones.protocol.datums import Terms
from milestones.services.backend import (
    Backend,
    ChainTime,
    chain_time,
    require_network,
    staleness,
    under,
)
from milestones.services.distribution.on_chain import (
    LiveVault,
    OnChain,
    distribution_id_of,
    read_on_chain,
)
from milestones.services.distribution.schedule_source import recovery_warnings
from milestones.services.preflight import must_be_closable, must_be_open, must_be_the_creator
from milestones.services.results import Result, View
from milestones.services.sending.contention import rebuilding
from milestones.services.sending.earlier import Earlier, earlier_submissions
from milestones.services.sending.fitting import largest_that_fits
from milestones.services.sending.funds import Funds, funds_of
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.submission import (
    Errand,
    SubmissionState,
    build,
    see_through,
    submit,
    valid_until,
)
from milestones.transactions.contract_drafts import close_draft
from milestones.transactions.contract_drafts import PublishedScripts
from milestones.transactions.signing import SignedTransaction
from milestones.transactions.wallet import SigningKey

COMMAND: Final = "close"


class Closed(Result):
    """The closing. The quickstart's fields as in `submit-release`; lovelace and the token's smallest unit.

    `deposits_returned_lovelace` is before the fee. `attestations_left` are outputs that had no room in
    the transaction: what they hold is lost for ever.
    """

    transaction_hash: str
    status: SubmissionState
    fee_estimate: int
    collateral_amount: int
    contract_address: AddressField
    distribution_id: HexField
    deposits_returned_lovelace: int
    tokens_returned: int
    attestations_burnt: int
    attestations_left: tuple[str, ...]
    transactions: tuple[ClosingTransaction, ...]


async def close(
    backend: Backend,
    *,
    contract_address: Address,
    key: SigningKey,
    dry_run: bool = False,
    wait: bool = False,
) -> Closed:
    """Closes every opening of a distribution; the creator's key signs, pays and gets everything.

    Every attestation that fits is burnt. Raises `NotAllowedYet` (`closed`, `irrevocable`,
    `reclaim_after`), `InvalidInput` (another key than the creator's), `NotFound`, `LimitsExceeded`
    (more vaults than one transaction can close), `InsufficientFunds`, `ChainRejected`, `OutcomeUnknown`.
    """
    backend = under(backend, contract_address.payment.hash)
    await require_network(backend)
    warnings = await staleness(backend)
    attempt = _Attempt(backend, contract_address, key, dry_run, wait)
    result = await rebuilding(backend, attempt.perform, warnings)
    if result.attestations_left:
        warnings.append(
            f"{len(result.attestations_left)} attestations have no room in the transaction: what they"
            " hold can never be taken back"
        )
    warnings += recovery_warnings(backend)
    return result.model_copy(update={"warnings": tuple(dict.fromkeys(warnings))})


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The command as it was asked for."""

    backend: Backend
    address: Address
    key: SigningKey
    dry_run: bool
    wait: bool

    async def perform(self) -> Closed:
        """Looks, checks, builds all transactions, and sends them."""
        earlier = await self._earlier()
        on_chain = await read_on_chain(self.backend, self.address)
        time = await chain_time(self.backend)
        must_be_the_creator(on_chain.terms, self.key)
        if not earlier:
            must_be_open(on_chain)
        must_be_closable(on_chain, time)
        openings, attestations = left_to_close(on_chain, earlier)
        closings: list[Closing] = []
        if openings:
            builder = await self._builder(on_chain, time)
            closings, attestations = await builder.build_all(openings, attestations)
        views = [_resumed(each) for each in earlier]
        views += [await self._sent(on_chain.distribution_id, closing) for closing in closings]
        return _result(on_chain, await self._seen_through(views), attestations)

    async def _earlier(self) -> list[Earlier]:
        if self.dry_run:
            return []
        distribution_id = distribution_id_of(self.address, self.backend.contract)
        return await earlier_submissions(
            self.backend, command=COMMAND, distribution_id=distribution_id
        )

    async def _builder(self, on_chain: OnChain, time: ChainTime) -> ClosingBuilder:
        return ClosingBuilder(
            self.backend,
            on_chain.terms,
            await require_published(self.backend),
            await self.backend.ogmios.protocol_parameters(),
            time,
            await funds_of(self.backend, self.key),
        )

    async def _sent(self, distribution_id: bytes, closing: Closing) -> ClosingTransaction:
        if self.dry_run:
            return closing.view
        view = closing.view.model_copy(update={"status": "submitted"})
        errand = Errand(
            command=COMMAND,
            signed=closing.signed,
            distribution_id=distribution_id,
            valid_until_slot=closing.valid_until_slot,
            details={"result": view.model_dump(mode="json")},
        )
        await submit(self.backend, errand)
        return view

    async def _seen_through(self, views: list[ClosingTransaction]) -> list[ClosingTransaction]:
        if self.dry_run or not self.wait:
            return views
        for view in views:
            await see_through(self.backend, view.transaction_hash)
        return [view.model_copy(update={"status": "confirmed"}) for view in views]


def _resumed(earlier: Earlier) -> ClosingTransaction:
    result: Any = earlier.submission.details["result"]
    view = ClosingTransaction.model_validate(result)
    status = "confirmed" if earlier.in_block else "submitted"
    return view.model_copy(update={"status": status, "resumed": True})


def _result(on_chain: OnChain, views: Sequence[ClosingTransaction], left: Sequence[Utxo]) -> Closed:
    states = {view.status for view in views}
    return Closed(
        transaction_hash=views[0].transaction_hash,
        status=views[0].status if len(states) == 1 else "submitted",
        fee_estimate=sum(view.fee_lovelace for view in views),
        collateral_amount=max(view.collateral_lovelace for view in views),
        contract_address=on_chain.address,
        distribution_id=on_chain.distribution_id,
        deposits_returned_lovelace=sum(view.deposits_returned_lovelace for view in views),
        tokens_returned=sum(view.tokens_returned for view in views),
        attestations_burnt=sum(view.attestations_burnt for view in views),
        attestations_left=tuple(str(utxo.reference) for utxo in left),
        transactions=tuple(views),
    )


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
