"""`attest`: puts the signatures of a quorum of oracles on the chain, once for a milestone.

Where the terms let the creator waive them, from a moment on the creator's key alone attests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from milestones.domain.models import MilestoneCompletion, MilestoneIdentifier, TransactionStatus
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import AddressField, HexField
from milestones.errors import ChainRejected, NotAllowedYet
from milestones.protocol.datums import Attestation
from milestones.protocol.distribution import ContractAddress
from milestones.services.backend import Backend, chain_time, select_version
from milestones.services.board_preflight import must_be_waivable
from milestones.services.distribution.claims import must_have_milestone
from milestones.services.distribution.evidence import (
    checked_evidence,
    checked_moment,
    doubts_about_moment,
)
from milestones.services.distribution.local import local_distribution
from milestones.services.distribution.naming import identify
from milestones.services.distribution.on_chain import OpenDistribution
from milestones.services.distribution.signatures import (
    SignedStatement,
    shortfall,
    statements_at_hand,
    with_known_keys,
)
from milestones.services.preflight import must_be_open, must_be_the_creator, must_not_be_attested
from milestones.services.sending.attestations import (
    GoodSignatures,
    oracle_addresses,
    refusal_warnings,
)
from milestones.services.sending.building import BuildContext
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.reports import SentResult, single_transaction_fields
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import DistributionCommand, perform
from milestones.storage.submission import AttestationPayload
from milestones.transactions.contract_drafts import attest_draft, waive_draft
from milestones.transactions.tx_builder import BalancedTransaction


class MilestoneAttested(SentResult):
    """The attestation. Fee, collateral and deposit in lovelace; size in bytes; times in POSIX seconds.

    `signers` is empty where the creator waived them. `refused_oracles` are those whose signature the
    chain refuses and that were left out. `resumed` says that an earlier run of the command had sent the
    transaction.
    """

    status: TransactionStatus
    transaction_hash: str
    contract_address: AddressField
    distribution_id: HexField
    milestone_identifier: str
    verification_timestamp: int
    evidence_hash: HexField
    signers: tuple[AddressField, ...]
    refused_oracles: tuple[AddressField, ...] = ()
    fee_estimate: int
    collateral_amount: int
    deposit_lovelace: int
    size: int
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """What the creator says of a milestone in the oracles' place.

    `evidence_hash`: up to 64 bytes. `verification_timestamp`: when it was reached, POSIX seconds; None:
    now, by the chain's time.
    """

    evidence_hash: bytes = b""
    verification_timestamp: int | None = None


async def attest(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    milestone_identifier: str,
    key: PaidBy,
    waiver: Waiver | None = None,
    oracle_keys: Sequence[bytes] = (),
    dry_run: bool = False,
    wait: bool = False,
) -> MilestoneAttested:
    """Attests a milestone with the local record's signatures; the key pays, anybody's will do.

    `oracle_keys` (32 bytes each) are verification keys of oracles whose signature came without; the record
    keeps them. With a `waiver` no signature is needed, and the key must be the creator's; it takes terms
    that let the creator waive, once their time has come (`NotAllowedYet`, `waiver_after`). Where the
    chain's evaluation refuses signatures, each is tried alone: those that are good are used if they make a
    quorum. Raises
    `NotAllowedYet` (`closed`, `attested`, `quorum`), `NotFound`, `ChainRejected` that names the oracles
    with bad signatures, `InsufficientFunds`, `OutcomeUnknown`.
    """
    milestone = MilestoneIdentifier.parse(milestone_identifier)
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    _remember_keys(backend, name.distribution_id, milestone.text, oracle_keys)
    command = _Attest(
        distribution_name=name,
        milestone=milestone,
        waiver=waiver,
    )
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _Attest(DistributionCommand[MilestoneAttested]):
    """One attestation, or the one that an earlier run sent without learning what became of it."""

    name = "attest"
    milestone: MilestoneIdentifier
    waiver: Waiver | None

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks, checks, and finds signatures that the chain takes."""
        backend = run.backend
        distribution = must_be_open(await self.look(run))
        if run.resume_instead(lambda sent: self._is_about(sent.payload)):
            return
        must_not_be_attested(distribution, self.milestone)
        schedule = local_distribution(backend, self.distribution_id)
        if schedule is not None:
            must_have_milestone(schedule, self.milestone.text)
        if self.waiver is not None:
            yield await self._waived(run, distribution, self.waiver)
            return
        quorums = _quorums(backend, distribution, self.milestone)
        context = await run.context()
        signatures = GoodSignatures(context, distribution, quorums)
        built = await _built(context, distribution, signatures)
        run.warnings += refusal_warnings(distribution.terms, signatures.refused)
        yield self._request(built, signatures.attesting.attestation, signatures.refused)

    async def _waived(
        self, run: Run, distribution: OpenDistribution, waiver: Waiver
    ) -> SubmissionRequest:
        terms, time = distribution.terms, await chain_time(run.backend)
        waiver_after = must_be_waivable(terms, time)
        must_be_the_creator(terms, run.payer.credential)
        given = waiver.verification_timestamp
        moment = (
            time.now_posix_ms
            if given is None
            else checked_moment(given, "verification_timestamp", run.backend.network)
        )
        run.warnings += doubts_about_moment(moment, time.now_posix_ms)
        attestation = Attestation(
            self.distribution_id,
            self.milestone.raw,
            checked_evidence(waiver.evidence_hash),
            moment,
            (),
        )
        context = await run.context()
        draft = waive_draft(
            attestation,
            terms,
            terms_utxo=distribution.terms_utxo,
            scripts=context.scripts,
            valid_from_slot=context.first_slot_from(waiver_after),
        )
        return self._request(await context.build(draft), attestation)

    def _request(
        self,
        built: BalancedTransaction,
        attestation: Attestation,
        refused: frozenset[bytes] = frozenset(),
    ) -> SubmissionRequest:
        return SubmissionRequest(
            transaction=built,
            sole=f"attest {self.milestone}",
            payload=AttestationPayload(
                milestone_identifier=self.milestone.text,
                verification_posix_ms=attestation.verification_posix_ms,
                evidence_hash=attestation.evidence_hash,
                signers=attestation.signers,
                refused_oracles=tuple(sorted(refused)),
                deposit_lovelace=built.outputs[0].output.value.lovelace,
            ),
        )

    def _is_about(self, payload: object) -> bool:
        return (
            isinstance(payload, AttestationPayload)
            and payload.milestone_identifier == self.milestone.text
        )

    def report(self, run: Run) -> MilestoneAttested:
        """The newest transaction about the milestone."""
        sent, payload = run.newest(AttestationPayload)
        terms = self.on_chain.terms
        return MilestoneAttested(
            **single_transaction_fields(self.distribution_name, sent),
            milestone_identifier=payload.milestone_identifier,
            verification_timestamp=to_posix_seconds(payload.verification_posix_ms),
            evidence_hash=payload.evidence_hash,
            signers=oracle_addresses(terms, payload.signers),
            refused_oracles=oracle_addresses(terms, payload.refused_oracles),
            deposit_lovelace=payload.deposit_lovelace,
        )


def _quorums(
    backend: Backend, distribution: OpenDistribution, milestone: MilestoneIdentifier
) -> list[SignedStatement]:
    """The statements that enough oracles signed. Raises `NotAllowedYet` where there is none."""
    threshold = distribution.sitting.quorum_threshold
    statements = statements_at_hand(backend, distribution, milestone.text)
    complete = [signed for signed in statements if len(signed.witnesses) >= threshold]
    if complete:
        return complete
    lack = shortfall(backend, distribution, milestone.text)
    raise NotAllowedYet(
        "quorum",
        f"milestone {milestone.text!r} has {lack.words}",
        hint=lack.hint,
        details={
            "milestone_identifier": milestone.text,
            "signature_count": lack.signature_count,
            "quorum_threshold": threshold,
            "statement_count": len(statements),
            "missing_verification_keys": list(lack.keyless),
        },
    )


def _remember_keys(
    backend: Backend, distribution_id: bytes, milestone: str, oracle_keys: Sequence[bytes]
) -> None:
    """Completes the record's entries that came without a key."""
    records = backend.storage.records
    if not oracle_keys or records.find(distribution_id, milestone) is None:
        return

    def change(record: MilestoneCompletion | None) -> MilestoneCompletion:
        if record is None:
            raise AssertionError("records are never deleted")
        entries = with_known_keys(backend, record.oracle_signatures, oracle_keys)
        return record.model_copy(update={"oracle_signatures": tuple(entries)})

    records.update(distribution_id, milestone, change)


async def _built(
    context: BuildContext, distribution: OpenDistribution, signatures: GoodSignatures
) -> BalancedTransaction:
    while True:
        draft = attest_draft(
            signatures.attesting, terms=distribution.terms_utxo, scripts=context.scripts
        )
        try:
            return await context.build(draft)
        except ChainRejected as error:
            await signatures.leave_out_bad_ones(error)
