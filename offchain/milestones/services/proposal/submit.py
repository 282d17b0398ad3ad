"""`proposal submit`: somebody says that a milestone is complete, and puts down a bond for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from milestones.cardano.address import Address
from milestones.domain.models import MilestoneIdentifier, TransactionStatus
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import AddressField, HexField
from milestones.errors import NotAllowedYet
from milestones.protocol.anchors import Anchor, metadata_of
from milestones.protocol.datums import Proposal
from milestones.protocol.distribution import ContractAddress
from milestones.services.backend import Backend, chain_time, select_version
from milestones.services.board_preflight import must_take_proposals
from milestones.services.distribution.claims import must_have_milestone
from milestones.services.distribution.evidence import checked_evidence, checked_moment
from milestones.services.distribution.local import local_distribution
from milestones.services.distribution.naming import identify, must_be_of_network
from milestones.services.distribution.on_chain import OpenDistribution
from milestones.services.preflight import must_be_open, must_not_be_attested
from milestones.services.sending.building import SaidAt, said_at
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.reports import SentResult, single_transaction_fields
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import DistributionCommand, perform
from milestones.storage.board_payloads import ProposalPayload
from milestones.transactions.board_drafts import Referenced, propose_draft


class ProposalSubmitted(SentResult):
    """The proposal. Amounts in lovelace, size in bytes, times in POSIX seconds.

    `proposal` is the output that holds it. From `due_at` on anybody can confirm it, unless oracles object
    before; from `forgotten_at` on anybody can retire it. `bond_lovelace` returns to `return_to` then.
    """

    status: TransactionStatus
    transaction_hash: str
    contract_address: AddressField
    distribution_id: HexField
    proposal: str
    milestone_identifier: str
    evidence_hash: HexField
    said_at: int
    due_at: int
    forgotten_at: int
    return_to: str
    bond_lovelace: int
    fee_estimate: int
    collateral_amount: int
    size: int
    resumed: bool = False


async def proposal_submit(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    milestone_identifier: str,
    key: PaidBy,
    evidence_hash: bytes = b"",
    return_to: Address | None = None,
    said_at_timestamp: int | None = None,
    anchor: Anchor | None = None,
    dry_run: bool = False,
    wait: bool = False,
) -> ProposalSubmitted:
    """Proposes that a milestone is complete; the key pays, and puts down the bond.

    `return_to` is where the bond returns, by default the address that change goes to. `said_at_timestamp`
    (POSIX seconds) is when the review period begins, by default the end of the transaction's validity.
    `anchor` names a document in the transaction's metadata. Raises `NotAllowedYet` (`closed`, `objectors`,
    `attested`, `proposed`), `NotFound`, `InvalidInput`, `InsufficientFunds`, `ChainRejected`,
    `OutcomeUnknown`.
    """
    milestone = MilestoneIdentifier.parse(milestone_identifier)
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    command = _Submit(
        distribution_name=name,
        milestone=milestone,
        evidence_hash=checked_evidence(evidence_hash),
        return_to=return_to,
        said_at_timestamp=said_at_timestamp,
        anchors=() if anchor is None else (anchor,),
    )
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _Submit(DistributionCommand[ProposalSubmitted]):
    """One proposal, or the one that an earlier run sent without learning what became of it."""

    name = "proposal submit"
    milestone: MilestoneIdentifier
    evidence_hash: bytes
    return_to: Address | None
    said_at_timestamp: int | None
    anchors: tuple[Anchor, ...]

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks, checks, and builds the proposal."""
        backend = run.backend
        distribution = must_be_open(await self.look(run))
        if run.resume_instead(lambda sent: self._is_about(sent.payload)):
            return
        must_take_proposals(distribution.terms)
        must_not_be_attested(distribution, self.milestone)
        self._must_be_new(distribution)
        schedule = local_distribution(backend, self.distribution_id)
        if schedule is not None:
            must_have_milestone(schedule, self.milestone.text)
        given = self.said_at_timestamp
        wanted = None if given is None else checked_moment(given, "said_at", backend.network)
        moment = said_at(
            await chain_time(backend), wanted, valid_for_seconds=run.payer.valid_for_seconds
        )
        context = await run.context()
        return_to = self._return_address(distribution, context.funds.change_address)
        proposal = self._proposal(backend, distribution, moment, return_to)
        draft = propose_draft(
            proposal,
            Referenced(terms=distribution.terms_utxo, scripts=context.scripts),
            bond_lovelace=distribution.terms.bond_lovelace,
            valid_until_slot=moment.valid_until_slot,
        )
        built = await context.build(replace(draft, metadata=metadata_of(self.anchors)))
        yield SubmissionRequest(
            transaction=built,
            # What was stopped can be proposed again.
            sole=f"propose {self.milestone} {self.evidence_hash.hex()}"
            + run.after(lambda sent: self._is_about(sent.payload)),
            payload=ProposalPayload(
                milestone_identifier=self.milestone.text,
                evidence_hash=self.evidence_hash,
                said_at_posix_ms=proposal.said_at_posix_ms,
                due_at_posix_ms=proposal.due_at_posix_ms,
                return_to=return_to.to_bech32(),
                bond_lovelace=built.outputs[0].output.value.lovelace,
            ),
        )

    def _proposal(
        self, backend: Backend, known: OpenDistribution, moment: SaidAt, return_to: Address
    ) -> Proposal:
        return Proposal(
            backend.contract.policy_id,
            self.distribution_id,
            self.milestone.raw,
            self.evidence_hash,
            moment.posix_ms,
            moment.posix_ms + known.terms.review_ms,
            return_to.to_data(),
        )

    def _return_address(self, known: OpenDistribution, usual: Address) -> Address:
        address = self.return_to or usual
        must_be_of_network(address, known.terms.network_id, "return_to")
        return address

    def _must_be_new(self, known: OpenDistribution) -> None:
        """The same, with the same evidence, doesn't wait already: a second bond would buy nothing."""
        what = (self.milestone.raw, self.evidence_hash)
        for live in known.proposals:
            if (live.proposal.milestone, live.proposal.evidence_hash) == what:
                raise NotAllowedYet(
                    "proposed",
                    f"this is proposed already, in {live.utxo.reference}",
                    hint="see how it stands with `milestones proposal show`",
                    details={"proposal": str(live.utxo.reference)},
                )

    def _is_about(self, payload: object) -> bool:
        return (
            isinstance(payload, ProposalPayload)
            and payload.milestone_identifier == self.milestone.text
            and payload.evidence_hash == self.evidence_hash
        )

    def report(self, run: Run) -> ProposalSubmitted:
        """The newest proposal."""
        sent, payload = run.newest(ProposalPayload)
        said, due = payload.said_at_posix_ms, payload.due_at_posix_ms
        return ProposalSubmitted(
            **single_transaction_fields(self.distribution_name, sent),
            proposal=f"{sent.submission.transaction_id}#0",
            milestone_identifier=payload.milestone_identifier,
            evidence_hash=payload.evidence_hash,
            said_at=to_posix_seconds(said),
            due_at=to_posix_seconds(due),
            forgotten_at=to_posix_seconds(2 * due - said),
            return_to=payload.return_to,
            bond_lovelace=payload.bond_lovelace,
        )
