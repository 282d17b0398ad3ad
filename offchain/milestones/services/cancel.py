"""`cancel`: gives notice that a distribution will be ended. `close` ends it once the grace is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from milestones.domain.models import OracleSignature, TransactionStatus
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.domain.reading import AddressField, HexField
from milestones.protocol.datums import Notice
from milestones.protocol.distribution import ContractAddress, DistributionName
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import NoticeStatement
from milestones.protocol.terms import Terms
from milestones.services.backend import Backend, chain_time, select_version
from milestones.services.board_preflight import must_let_cancel, must_not_be_cancelled
from milestones.services.distribution.collected import FIELD, Wanted, collected
from milestones.services.distribution.evidence import checked_evidence, checked_moment
from milestones.services.distribution.naming import identify
from milestones.services.distribution.on_chain import OnChain, OpenDistribution, read_on_chain
from milestones.services.preflight import must_be_open, must_be_the_creator
from milestones.services.results import Result
from milestones.services.sending.attestations import oracle_addresses
from milestones.services.sending.building import SaidAt, said_at
from milestones.services.sending.runner import Run, SendingCommand, SubmissionRequest, perform
from milestones.services.sending.signed import build_signed
from milestones.storage.board_payloads import NoticePayload
from milestones.transactions.board_drafts import Referenced, notify_draft
from milestones.transactions.wallet import SigningKey


class NoticeGiven(Result):
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
    key: SigningKey,
    signatures: Sequence[OracleSignature] = (),
    evidence_hash: bytes = b"",
    said_at_timestamp: int | None = None,
    dry_run: bool = False,
    wait: bool = False,
) -> NoticeGiven:
    """Gives notice: by the creator's key, or with `signatures` of a quorum of oracles and anybody's key.

    `said_at_timestamp` (POSIX seconds) is when the grace begins, by default the end of the transaction's
    validity; with signatures they say time and evidence. Raises `NotAllowedYet` (`closed`, `cancelled`,
    `cancel_by`, `quorum`), `InvalidInput` (another key than the creator's, a time that has passed),
    `InvalidSignature`, `ChainRejected`, `InsufficientFunds`, `OutcomeUnknown`.
    """
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    command = _Cancel(
        distribution_id=name.distribution_id,
        distribution_name=name,
        signatures=signatures,
        evidence_hash=checked_evidence(evidence_hash),
        said_at_timestamp=said_at_timestamp,
    )
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _Cancel(SendingCommand[NoticeGiven]):
    """One notice, or the one that an earlier run sent without learning what became of it."""

    name = "cancel"
    distribution_id: bytes
    distribution_name: DistributionName
    signatures: Sequence[OracleSignature]
    evidence_hash: bytes
    said_at_timestamp: int | None
    on_chain: OnChain | None = None

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks, checks, and builds the notice."""
        self.on_chain = await read_on_chain(run.backend, self.distribution_name)
        distribution = must_be_open(self.on_chain)
        if run.resume_instead(lambda sent: isinstance(sent.payload, NoticePayload)):
            return
        must_not_be_cancelled(distribution)
        notice, moment, witnesses = await self._notice(run, distribution)
        context = await run.context()
        draft = notify_draft(
            notice,
            distribution.terms,
            Referenced(terms=distribution.terms_utxo, scripts=context.scripts),
            sitting=distribution.sitting,
            witnesses=witnesses,
            valid_until_slot=moment.valid_until_slot,
        )
        built = await build_signed(context, draft, notice.signers)
        yield SubmissionRequest(
            transaction=built,
            sole="cancel",
            payload=NoticePayload(
                said_at_posix_ms=notice.said_at_posix_ms,
                evidence_hash=notice.evidence_hash,
                signers=notice.signers,
                deposit_lovelace=built.outputs[0].output.value.lovelace,
            ),
        )

    async def _notice(
        self, run: Run, distribution: OpenDistribution
    ) -> tuple[Notice, SaidAt, Sequence[OracleWitness]]:
        backend, terms, time = run.backend, distribution.terms, await chain_time(run.backend)
        whose = (backend.contract.policy_id, self.distribution_id)
        if not self.signatures:
            must_let_cancel(terms, "creator")
            must_be_the_creator(terms, run.payer)
            given = self.said_at_timestamp
            moment = said_at(time, None if given is None else checked_moment(given, "said_at"))
            return Notice(*whose, moment.posix_ms, self.evidence_hash), moment, ()
        must_let_cancel(terms, "quorum")
        wanted = Wanted(
            kind=NoticeStatement,
            named="it is to be ended",
            needed=distribution.sitting.quorum_threshold,
        )
        signed = collected(wanted, self.signatures, distribution, backend.contract)
        statement = signed.statement
        moment = said_at(time, statement.said_at_posix_ms, path=FIELD)
        notice = Notice(*whose, statement.said_at_posix_ms, statement.evidence_hash, signed.signers)
        return notice, moment, signed.witnesses

    def report(self, run: Run) -> NoticeGiven:
        """The newest notice."""
        *_, sent = run.transactions.values()
        submission, payload = sent.submission, sent.submission.payload
        if self.on_chain is None or not isinstance(payload, NoticePayload):
            raise AssertionError("a notice was built or taken up")
        terms = self.on_chain.terms
        ends_at = -(-(payload.said_at_posix_ms + terms.grace_ms) // 1000)
        return NoticeGiven(
            status=sent.status,
            transaction_hash=submission.transaction_id,
            contract_address=self.distribution_name.address,
            distribution_id=self.distribution_id,
            said_at=to_posix_seconds(payload.said_at_posix_ms),
            ends_at=ends_at,
            evidence_hash=payload.evidence_hash,
            signers=oracle_addresses(terms, payload.signers),
            refund_address=terms.refund.address,
            meaning=_meaning(terms, ends_at),
            fee_estimate=submission.fee_lovelace,
            collateral_amount=submission.collateral_lovelace,
            deposit_lovelace=payload.deposit_lovelace,
            size=submission.size,
            resumed=sent.resumed,
        )


def _meaning(terms: Terms, ends_at: int) -> str:
    return (
        f"until {in_words(ends_at)} milestones are attested and claims are paid as before; from then on"
        f" anybody can end the distribution, and what is left goes to {terms.refund.address}."
        " The notice doesn't expire and can't be withdrawn"
    )
