"""`cancel`: gives notice that a distribution will be ended. `close` ends it once the grace is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from milestones.cardano.value import Value
from milestones.domain.models import OracleSignature, TransactionStatus
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.domain.reading import AddressField, HexField
from milestones.protocol.anchors import Anchor, metadata_of
from milestones.protocol.datums import Notice
from milestones.protocol.distribution import ContractAddress
from milestones.protocol.statements import NoticeStatement
from milestones.protocol.terms import Terms
from milestones.services.backend import Backend, ChainTime, chain_time, select_version
from milestones.services.board_preflight import must_let_cancel, must_not_be_cancelled
from milestones.services.distribution.collected import FIELD, Wanted, collected, signers_of
from milestones.services.distribution.evidence import checked_evidence, checked_moment
from milestones.services.distribution.naming import identify
from milestones.services.distribution.on_chain import OpenDistribution
from milestones.services.preflight import must_be_open, must_be_the_creator
from milestones.services.sending.attestations import oracle_addresses
from milestones.services.sending.building import said_at
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.reports import SentResult, single_transaction_fields
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import DistributionCommand, perform
from milestones.services.sending.signed import Witnesses, build_signed
from milestones.storage.board_payloads import NoticePayload
from milestones.transactions.board_drafts import Referenced, notify_draft
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.places import amount_in_words
from milestones.transactions.tx_builder import BalancedTransaction


class NoticeGiven(SentResult):
    """The notice. Fee, collateral and deposit in lovelace; size in bytes; times in POSIX seconds.

    Its grace runs from `said_at` on; from `ends_at` on anybody can end the distribution. `signers` are
    the oracles who gave it, none where the creator did. `meaning` says in words what it means.
    """

    status: TransactionStatus
    transaction_hash: str
    contract_address: AddressField
    distribution_id: HexField
    said_at: int
    ends_at: int
    evidence_hash: HexField
    signers: tuple[AddressField, ...]
    refund_address: AddressField
    meaning: str
    fee_estimate: int
    collateral_amount: int
    deposit_lovelace: int
    size: int
    resumed: bool = False


async def cancel(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    key: PaidBy,
    signatures: Sequence[OracleSignature] = (),
    evidence_hash: bytes = b"",
    said_at_timestamp: int | None = None,
    anchor: Anchor | None = None,
    dry_run: bool = False,
    wait: bool = False,
) -> NoticeGiven:
    """Gives notice: by the creator's key, or with `signatures` of a quorum of oracles and anybody's key.

    `said_at_timestamp` (POSIX seconds) is when the grace begins, by default the end of the transaction's
    validity; with signatures they say time and evidence. `anchor` names a document in the transaction's
    metadata. Raises `NotAllowedYet` (`closed`, `cancelled`,
    `cancel_by`, `quorum`), `InvalidInput` (another key than the creator's, a time that has passed),
    `InvalidSignature`, `ChainRejected`, `InsufficientFunds`, `OutcomeUnknown`.
    """
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    command = _Cancel(
        distribution_name=name,
        signatures=signatures,
        evidence_hash=checked_evidence(evidence_hash),
        said_at_timestamp=said_at_timestamp,
        anchors=() if anchor is None else (anchor,),
    )
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _Cancel(DistributionCommand[NoticeGiven]):
    """One notice, or the one that an earlier run sent without learning what became of it."""

    name = "cancel"
    signatures: Sequence[OracleSignature]
    evidence_hash: bytes
    said_at_timestamp: int | None
    anchors: tuple[Anchor, ...]

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks, checks, and builds the notice."""
        distribution = must_be_open(await self.look(run))
        if run.resume_instead(lambda sent: isinstance(sent.payload, NoticePayload)):
            return
        must_not_be_cancelled(distribution)
        given = self._by_quorum if self.signatures else self._by_creator
        time = await chain_time(run.backend)
        built, notice = await given(run, distribution, time)
        yield SubmissionRequest(
            transaction=built,
            # A notice ends one opening: of terms that were opened twice a second one is none too many.
            sole=f"cancel {len(distribution.notices)}",
            payload=NoticePayload(
                said_at_posix_ms=notice.said_at_posix_ms,
                evidence_hash=notice.evidence_hash,
                signers=notice.signers,
                deposit_lovelace=built.outputs[0].output.value.lovelace,
            ),
            meaning=(
                f"gives notice that the distribution will be ended, at {self.distribution_name.address}",
                _meaning(distribution.terms, _ends_at(distribution.terms, notice.said_at_posix_ms)),
                f"costs a fee of {amount_in_words(Value(built.fee_lovelace))}",
            ),
        )

    def _naming(self, draft: TransactionDraft) -> TransactionDraft:
        """The same, with what the metadata names."""
        return replace(draft, metadata=metadata_of(self.anchors))

    async def _by_creator(
        self, run: Run, known: OpenDistribution, time: ChainTime
    ) -> tuple[BalancedTransaction, Notice]:
        must_let_cancel(known.terms, "creator")
        must_be_the_creator(known.terms, run.payer.credential)
        given = self.said_at_timestamp
        moment = said_at(
            time,
            None if given is None else checked_moment(given, "said_at", run.backend.network),
            valid_for_seconds=run.payer.valid_for_seconds,
        )
        policy_id = run.backend.contract.policy_id
        notice = Notice(policy_id, self.distribution_id, moment.posix_ms, self.evidence_hash)
        context = await run.context()
        draft = notify_draft(
            notice,
            known.terms,
            Referenced(terms=known.terms_utxo, scripts=context.scripts),
            sitting=known.sitting,
            valid_until_slot=moment.valid_until_slot,
        )
        return await context.build(self._naming(draft)), notice

    async def _by_quorum(
        self, run: Run, known: OpenDistribution, time: ChainTime
    ) -> tuple[BalancedTransaction, Notice]:
        must_let_cancel(known.terms, "quorum")
        wanted = Wanted(
            kind=NoticeStatement,
            named="it is to be ended",
            needed=known.sitting.quorum_threshold,
        )
        signed = collected(wanted, self.signatures, known, run.backend.contract)
        said = signed.statement
        moment = said_at(
            time,
            said.said_at_posix_ms,
            path=FIELD,
            valid_for_seconds=run.payer.valid_for_seconds,
        )
        context = await run.context()

        def notice(signers: tuple[bytes, ...]) -> Notice:
            whose = (said.policy_id, said.distribution_id)
            return Notice(*whose, said.said_at_posix_ms, said.evidence_hash, signers)

        def draft(chosen: Witnesses) -> TransactionDraft:
            named = notify_draft(
                notice(signers_of(chosen)),
                known.terms,
                Referenced(terms=known.terms_utxo, scripts=context.scripts),
                sitting=known.sitting,
                witnesses=chosen,
                valid_until_slot=moment.valid_until_slot,
            )
            return self._naming(named)

        built, signers = await build_signed(
            run,
            context,
            known,
            signed,
            draft=draft,
        )
        return built, notice(signers)

    def report(self, run: Run) -> NoticeGiven:
        """The newest notice."""
        sent, payload = run.newest(NoticePayload)
        terms = self.on_chain.terms
        ends_at = _ends_at(terms, payload.said_at_posix_ms)
        return NoticeGiven(
            **single_transaction_fields(self.distribution_name, sent),
            said_at=to_posix_seconds(payload.said_at_posix_ms),
            ends_at=ends_at,
            evidence_hash=payload.evidence_hash,
            signers=oracle_addresses(terms, payload.signers),
            refund_address=terms.refund.address,
            meaning=_meaning(terms, ends_at),
            deposit_lovelace=payload.deposit_lovelace,
        )


def _ends_at(terms: Terms, said_at_posix_ms: int) -> int:
    """From when on anybody can end it, POSIX seconds."""
    return -(-(said_at_posix_ms + terms.grace_ms) // 1000)


def _meaning(terms: Terms, ends_at: int) -> str:
    return (
        f"until {in_words(ends_at)} milestones are attested and claims are paid as before; from then on"
        f" anybody can end the distribution, and what is left goes to {terms.refund.address}."
        " The notice doesn't expire and can't be withdrawn"
    )
