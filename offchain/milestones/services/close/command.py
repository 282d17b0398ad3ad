"""`close`: takes a distribution off the chain; deposits, and tokens that nobody claimed, go back.

One transaction closes one opening: its terms, and a vault for each page. Where the same terms were
opened more than once, there is a transaction for each opening.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from milestones.cardano.outputs import Utxo
from milestones.cardano.value import LOVELACE
from milestones.domain.models import TransactionStatus
from milestones.domain.reading import AddressField, HexField
from milestones.errors import LimitsExceeded, NotFound
from milestones.protocol.distribution import ContractAddress, DistributionName
from milestones.protocol.terms import Terms
from milestones.services.backend import Backend, chain_time, select_version
from milestones.services.distribution.naming import identify
from milestones.services.distribution.on_chain import (
    LiveVault,
    OnChain,
    read_on_chain,
)
from milestones.services.preflight import must_be_closable, must_be_open, must_be_the_creator
from milestones.services.results import Result
from milestones.services.sending.building import BuildContext, LargestFit
from milestones.services.sending.runner import (
    CommandTransaction,
    Run,
    SendingCommand,
    SubmissionRequest,
    TransactionView,
    perform,
    transaction_fields,
)
from milestones.storage.submission import ClosingPayload
from milestones.transactions.closing_drafts import Remains, close_draft
from milestones.transactions.tx_builder import BalancedTransaction
from milestones.transactions.wallet import SigningKey


class ClosingTransaction(TransactionView):
    """One closing. Deposits are in lovelace, `tokens_returned` in the token's smallest unit."""

    vault_count: int
    attestations_burnt: int
    deposits_returned_lovelace: int
    tokens_returned: int


class Closed(Result):
    """The closing. The quickstart's fields as in `submit-release`; lovelace and the token's smallest unit.

    `deposits_returned_lovelace` is before the fee. `attestations_left` are outputs that had no room in
    the transaction: what they hold is lost for ever.
    """

    transaction_hash: str
    status: TransactionStatus
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
    contract_address: ContractAddress,
    key: SigningKey,
    dry_run: bool = False,
    wait: bool = False,
) -> Closed:
    """Closes every opening of a distribution; the creator's key signs, pays and gets everything.

    Every attestation that fits is burnt. Raises `NotAllowedYet` (`closed`, `irrevocable`,
    `reclaim_after`), `InvalidInput` (another key than the creator's), `NotFound`, `LimitsExceeded`
    (more vaults than one transaction can close), `InsufficientFunds`, `ChainRejected`, `OutcomeUnknown`.
    """
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    command = _Close(
        distribution_id=name.distribution_id,
        distribution_name=name,
    )
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(frozen=True, slots=True)
class _Opening:
    """What one transaction closes, beside attestations."""

    terms_utxo: Utxo
    vaults: tuple[LiveVault, ...]

    @property
    def remaining(self) -> int:
        """What its vaults still hold for their allocations."""
        return sum(vault.state.remaining for vault in self.vaults)


@dataclass(kw_only=True)
class _Close(SendingCommand[Closed]):
    """All closings of a distribution. `attestations_left` had no room in any."""

    name = "close"
    competing = True
    distribution_id: bytes
    distribution_name: DistributionName
    attestations_left: Sequence[Utxo] = ()

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks, checks, and builds all transactions before the first is sent."""
        earlier = run.resume(lambda _: True)
        on_chain = await read_on_chain(run.backend, self.distribution_name)
        must_be_the_creator(on_chain.terms, run.payer)
        if not earlier:
            must_be_open(on_chain)
        must_be_closable(on_chain, await chain_time(run.backend))
        openings, self.attestations_left = _left_to_close(on_chain, earlier)
        requests = []
        if openings:
            context = await run.context()
            for opening in openings:
                request = await self._closing(context, on_chain.terms, opening)
                context = context.after(request.transaction)
                requests.append(request)
        if self.attestations_left:
            run.warnings.append(
                f"{len(self.attestations_left)} attestations have no room in the transaction: what"
                " they hold can never be taken back"
            )
        for request in requests:
            yield request

    async def _closing(
        self, context: BuildContext, terms: Terms, opening: _Opening
    ) -> SubmissionRequest:
        """The closing of one opening, with as many attestations as have room."""
        fit = LargestFit(len(self.attestations_left), least=0)
        while not fit.found:
            burnt = self.attestations_left[: fit.count]
            try:
                built = await _built(context, terms, opening, burnt)
            except LimitsExceeded as error:
                fit.too_much(_too_many_vaults(opening, error))
            else:
                request = SubmissionRequest(
                    transaction=built, payload=_payload(terms, opening, burnt)
                )
                fit.fits()
        self.attestations_left = self.attestations_left[fit.largest :]
        return request

    def report(self, run: Run) -> Closed:
        """All closings, those of earlier runs that are still on their way included."""
        views = tuple(_view(each) for each in run.transactions.values())
        return Closed(
            transaction_hash=views[0].transaction_hash,
            status=run.status,
            fee_estimate=sum(view.fee_lovelace for view in views),
            collateral_amount=max(view.collateral_lovelace for view in views),
            contract_address=self.distribution_name.address,
            distribution_id=self.distribution_id,
            deposits_returned_lovelace=sum(view.deposits_returned_lovelace for view in views),
            tokens_returned=sum(view.tokens_returned for view in views),
            attestations_burnt=sum(view.attestations_burnt for view in views),
            attestations_left=tuple(str(utxo.reference) for utxo in self.attestations_left),
            transactions=views,
        )


def _view(sent: CommandTransaction) -> ClosingTransaction:
    payload = sent.submission.payload
    known = payload if isinstance(payload, ClosingPayload) else None
    return ClosingTransaction(
        **transaction_fields(sent),
        vault_count=known.vaults if known else 0,
        attestations_burnt=known.attestations_burnt if known else 0,
        deposits_returned_lovelace=known.deposits_returned_lovelace if known else 0,
        tokens_returned=known.tokens_returned if known else 0,
    )


def _left_to_close(
    on_chain: OnChain, earlier: Sequence[CommandTransaction]
) -> tuple[list[_Opening], Sequence[Utxo]]:
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
        _Opening(utxo, tuple(of_page[number] for of_page in pages))
        for number, utxo in enumerate(terms)
    ]
    return openings, attestations


async def _built(
    context: BuildContext, terms: Terms, opening: _Opening, attestations: Sequence[Utxo]
) -> BalancedTransaction:
    remains = Remains(
        terms=opening.terms_utxo,
        vaults=[vault.utxo for vault in opening.vaults],
        attestations=attestations,
    )
    draft = close_draft(
        terms,
        remains,
        scripts=context.scripts,
        valid_from_slot=_first_slot(context, terms, opening),
    )
    return await context.build(draft)


def _first_slot(context: BuildContext, terms: Terms, opening: _Opening) -> int | None:
    """The first slot that proves that unclaimed tokens may be taken back, where there are any."""
    reclaim_after = terms.reclaim_after_posix_ms
    if not opening.remaining or reclaim_after is None:
        return None
    clock = context.time.clock
    return clock.first_slot_from(max(reclaim_after, clock.system_start_posix_ms))


def _payload(terms: Terms, opening: _Opening, attestations: Sequence[Utxo]) -> ClosingPayload:
    spent = (opening.terms_utxo, *(vault.utxo for vault in opening.vaults), *attestations)
    lovelace = sum(utxo.output.value.lovelace for utxo in spent)
    is_ada = terms.token == LOVELACE
    return ClosingPayload(
        vaults=len(opening.vaults),
        attestations_burnt=len(attestations),
        deposits_returned_lovelace=lovelace - (opening.remaining if is_ada else 0),
        tokens_returned=opening.remaining,
    )


def _too_many_vaults(opening: _Opening, error: LimitsExceeded) -> LimitsExceeded:
    count = len(opening.vaults)
    return LimitsExceeded(
        error.exceeded,
        error.budgets,
        what=f"the terms and {count} vaults can only be closed together, in one transaction,"
        " and that is too large",
        hint="this distribution can't be closed; every allocation can still be paid out",
    )
