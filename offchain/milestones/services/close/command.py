"""`close`: takes a distribution off the chain; deposits, and tokens that nobody claimed, go back.

One transaction closes one opening: its terms, a vault for each page, and what `board` keeps. Where the
same terms were opened more than once, there is a transaction for each opening. Where the creator is a
script, the word that all may go home comes before each, in a transaction of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from milestones.cardano.outputs import Utxo
from milestones.cardano.value import LOVELACE, Value
from milestones.errors import LimitsExceeded
from milestones.protocol.datums import Notice
from milestones.protocol.distribution import ContractAddress
from milestones.protocol.terms import Terms
from milestones.services.backend import Backend, chain_time, select_version
from milestones.services.close.ending import (
    Opening,
    Right,
    first_moment,
    left_to_close,
    right_to_end,
)
from milestones.services.close.report import Closed, report_of
from milestones.services.distribution.naming import identify
from milestones.services.distribution.on_chain import LiveNotice, OnChain
from milestones.services.preflight import must_be_open
from milestones.services.registered_token import amount_of
from milestones.services.sending.building import BuildContext, LargestFit
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.reports import CommandTransaction
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import DistributionCommand, perform
from milestones.storage.board_payloads import HomePayload
from milestones.storage.submission import ClosingPayload
from milestones.transactions.board_drafts import Referenced, notify_draft
from milestones.transactions.closing_drafts import Remains, close_draft
from milestones.transactions.contract_drafts import Sitting
from milestones.transactions.places import amount_in_words
from milestones.transactions.tx_builder import BalancedTransaction


async def close(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    key: PaidBy,
    dry_run: bool = False,
    wait: bool = False,
) -> Closed:
    """Closes every opening of a distribution; the key pays.

    The creator's key gets everything back, once all is paid or may be reclaimed. Any key can end it after
    a notice's grace, or where the creator is a script: then everything goes to the terms' refund. Every
    attestation that fits is burnt. Raises `NotAllowedYet` (`closed`, `grace`, `irrevocable`,
    `reclaim_after`), `InvalidInput` (another key than the creator's), `NotFound`, `LimitsExceeded`
    (more vaults than one transaction can close), `InsufficientFunds`, `ChainRejected`, `OutcomeUnknown`.
    """
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    command = _Close(distribution_name=name)
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _Close(DistributionCommand[Closed]):
    """All closings of a distribution. `left` had no room in any."""

    name = "close"
    left: Sequence[Utxo] = ()

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks, checks, and builds all transactions before the first is sent."""
        earlier = run.resume(lambda _: True)
        await run.see_through(_words_on_their_way(earlier))
        on_chain = await self.look(run)
        if not any(isinstance(each.submission.payload, ClosingPayload) for each in earlier):
            must_be_open(on_chain)
        elif on_chain.closed:
            return
        time = await chain_time(run.backend)
        right = right_to_end(on_chain, run.payer.credential, time)
        taken = {reference for each in earlier for reference in each.submission.inputs}
        openings, self.left = left_to_close(on_chain, right, time, taken)
        requests = []
        if openings:
            context = await run.context()
            for opening in openings:
                for request in await self._ended(context, on_chain, right, opening):
                    context = context.after(request.transaction)
                    requests.append(request)
        run.warnings += self._warnings(on_chain, right, len(taken), len(openings))
        meaning = await self._meaning(run.backend, on_chain, right, requests)
        for request in requests:
            yield replace(request, meaning=meaning)

    async def _meaning(
        self,
        backend: Backend,
        on_chain: OnChain,
        right: Right,
        requests: Sequence[SubmissionRequest],
    ) -> tuple[str, ...]:
        """What returns, and to whom."""
        terms, payloads = on_chain.terms, [each.payload for each in requests]
        closings = [each for each in payloads if isinstance(each, ClosingPayload)]
        returned = sum(each.tokens_returned for each in closings)
        unpaid = await amount_of(backend, terms.token, returned)
        deposits = Value(sum(each.deposits_returned_lovelace for each in closings))
        to = "the creator" if right == "creator" else f"{terms.refund.address}"
        fees = Value(sum(each.transaction.fee_lovelace for each in requests))
        return (
            f"ends the distribution at {self.distribution_name.address}, for good",
            f"returns {unpaid} that are not claimed, and {amount_in_words(deposits)} of"
            f" deposits, to {to}",
            f"costs {amount_in_words(fees)} of fees",
        )

    async def _ended(
        self, context: BuildContext, on_chain: OnChain, right: Right, opening: Opening
    ) -> list[SubmissionRequest]:
        """The closing of one opening and, where it is still to be said, the word before it."""
        if right != "home" or opening.word is not None:
            return [await self._closing(context, on_chain.terms, opening)]
        said, word = await _word(context, on_chain, opening)
        after = context.after(said.transaction)
        return [said, await self._closing(after, on_chain.terms, opening.with_word(word))]

    async def _closing(
        self, context: BuildContext, terms: Terms, opening: Opening
    ) -> SubmissionRequest:
        """The closing of one opening, with as much along as has room."""
        fit = LargestFit(len(self.left), least=0)
        while not fit.found:
            remains = _remains(context, opening, self.left[: fit.count])
            try:
                built = await _built(context, terms, opening, remains)
            except LimitsExceeded as error:
                fit.too_much(_too_many_vaults(opening, error))
            else:
                request = SubmissionRequest(
                    transaction=built, payload=_payload(terms, opening, remains)
                )
                fit.fits()
        self.left = self.left[fit.largest :]
        return request

    def _warnings(self, on_chain: OnChain, right: Right, taken: int, ended: int) -> list[str]:
        found = []
        if self.left:
            found.append(
                f"there is no room for {len(self.left)} more in the transaction: what is left behind can"
                " never be taken back"
            )
        if on_chain.proposals:
            found.append(
                f"proposals stay behind ({len(on_chain.proposals)}): once they are forgotten, their bonds"
                " return with `milestones proposal retire`"
            )
        if right == "home" and on_chain.notice is not None:
            found.append(
                "the notice that was given stays, and what it holds: its grace is not over"
            )
        if right == "notice" and not taken and ended < len(on_chain.terms_utxos):
            found.append(
                f"openings of the same terms stay ({len(on_chain.terms_utxos) - ended}): each needs a"
                " notice of its own"
            )
        return found

    def report(self, run: Run) -> Closed:
        """All closings, those of earlier runs that are still on their way included."""
        return report_of(run, self.distribution_name, self.on_chain.terms.token, self.left)


def _words_on_their_way(earlier: Sequence[CommandTransaction]) -> list[str]:
    """Words of earlier runs that no closing spends yet: only a block shows what they left."""
    spent = {
        reference.transaction_id.hex() for each in earlier for reference in each.submission.inputs
    }
    said = [each.submission for each in earlier]
    return [
        each.transaction_id
        for each in said
        if isinstance(each.payload, HomePayload) and each.transaction_id not in spent
    ]


async def _word(
    context: BuildContext, on_chain: OnChain, opening: Opening
) -> tuple[SubmissionRequest, LiveNotice]:
    """The word that everything may go home, and the output that will hold it."""
    word = Notice(context.backend.contract.policy_id, on_chain.distribution_id, 0, b"")
    draft = notify_draft(
        word,
        on_chain.terms,
        Referenced(terms=opening.terms_utxo, scripts=context.scripts),
        sitting=Sitting.under(on_chain.terms),
    )
    built = await context.build(draft)
    utxo = built.outputs[0]
    payload = HomePayload(deposit_lovelace=utxo.output.value.lovelace)
    return SubmissionRequest(transaction=built, payload=payload), LiveNotice(utxo, word)


def _remains(context: BuildContext, opening: Opening, along: Sequence[Utxo]) -> Remains:
    """What one transaction spends. The word goes first, since without it nothing ends."""
    boards = context.backend.contract.board_policy
    kept = [utxo for utxo in along if boards in utxo.output.value.policies()]
    word = () if opening.word is None else (opening.word.utxo,)
    return Remains(
        terms=opening.terms_utxo,
        vaults=[vault.utxo for vault in opening.vaults],
        attestations=[utxo for utxo in along if utxo not in kept],
        board_utxos=(*word, *kept),
    )


async def _built(
    context: BuildContext, terms: Terms, opening: Opening, remains: Remains
) -> BalancedTransaction:
    moment = first_moment(terms, opening)
    draft = close_draft(
        terms,
        remains,
        scripts=context.scripts,
        notice=None if opening.word is None else opening.word.utxo,
        valid_from_slot=None if moment is None else context.first_slot_from(moment),
    )
    return await context.build(draft)


def _payload(terms: Terms, opening: Opening, remains: Remains) -> ClosingPayload:
    lovelace = sum(utxo.output.value.lovelace for utxo in remains.all())
    is_ada = terms.token == LOVELACE
    return ClosingPayload(
        vaults=len(opening.vaults),
        attestations_burnt=len(remains.attestations),
        board_tokens_burnt=len(remains.board_utxos),
        deposits_returned_lovelace=lovelace - (opening.remaining if is_ada else 0),
        tokens_returned=opening.remaining,
        refund_address=None if opening.word is None else terms.refund.address.to_bech32(),
    )


def _too_many_vaults(opening: Opening, error: LimitsExceeded) -> LimitsExceeded:
    count = len(opening.vaults)
    return LimitsExceeded(
        error.exceeded,
        error.budgets,
        what=f"the terms and {count} vaults can only be closed together, in one transaction,"
        " and that is too large",
        hint="this distribution can't be closed; every allocation can still be paid out",
    )
