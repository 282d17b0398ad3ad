"""`close`: takes a distribution off the chain; deposits, and tokens that nobody claimed, go back.

One transaction closes one opening: its terms, and a vault for each page. Where the same terms were
opened more than once, there is a transaction for each opening.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.domain.fields import AddressField, HexField
from milestones.services.backend import (
    Backend,
    ChainTime,
    chain_time,
    require_network,
    staleness,
    under,
)
from milestones.services.closing import (
    Closing,
    ClosingBuilder,
    ClosingTransaction,
    left_to_close,
)
from milestones.services.distribution.knowledge import recovery_warnings
from milestones.services.distribution.on_chain import OnChain, distribution_id_of, read_on_chain
from milestones.services.preflight import must_be_closable, must_be_open, must_be_the_creator
from milestones.services.results import Result
from milestones.services.submitting.contention import rebuilding
from milestones.services.submitting.earlier import Earlier, earlier_submissions
from milestones.services.submitting.funds import funds_of
from milestones.services.submitting.reference_scripts import require_published
from milestones.services.submitting.submission import Errand, SubmissionState, see_through, submit
from milestones.storage.submission import ClosingPayload
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
            payload=ClosingPayload(
                vaults=view.vaults,
                attestations_burnt=view.attestations_burnt,
                deposits_returned_lovelace=view.deposits_returned_lovelace,
                tokens_returned=view.tokens_returned,
            ),
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
    submission, payload = earlier.submission, earlier.submission.payload
    known = payload if isinstance(payload, ClosingPayload) else None
    return ClosingTransaction(
        transaction_hash=submission.transaction_id,
        status="confirmed" if earlier.in_block else "submitted",
        vaults=known.vaults if known else 0,
        attestations_burnt=known.attestations_burnt if known else 0,
        deposits_returned_lovelace=known.deposits_returned_lovelace if known else 0,
        tokens_returned=known.tokens_returned if known else 0,
        fee_lovelace=submission.fee_lovelace,
        collateral_lovelace=submission.collateral_lovelace,
        size=submission.size,
        memory=submission.memory,
        cpu=submission.cpu,
        resumed=True,
    )


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
