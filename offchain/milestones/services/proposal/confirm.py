"""`proposal confirm`: a proposal that nobody objected to becomes an attestation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from milestones.domain.models import MilestoneIdentifier
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import HexField
from milestones.protocol.distribution import ContractAddress
from milestones.services.backend import Backend, chain_time, select_version
from milestones.services.board_preflight import must_be_due
from milestones.services.distribution.naming import identify
from milestones.services.distribution.proposals import proposal_named
from milestones.services.paying.confirming import confirmation
from milestones.services.preflight import must_be_open, must_not_be_attested
from milestones.services.proposal.common import ProposalEnded, ended_fields, is_about
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import DistributionCommand, perform
from milestones.storage.board_payloads import ConfirmationPayload
from milestones.transactions.board_drafts import LiveProposal


class ProposalConfirmed(ProposalEnded):
    """A proposal that became an attestation: its allocations can be claimed now.

    Its evidence and time (POSIX seconds) are the attestation's, which holds `deposit_lovelace`. Amounts in
    lovelace; size in bytes.
    """

    evidence_hash: HexField
    verification_timestamp: int
    deposit_lovelace: int


async def proposal_confirm(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    proposal: str,
    key: PaidBy,
    dry_run: bool = False,
    wait: bool = False,
) -> ProposalConfirmed:
    """Confirms a proposal that is due; the key pays, anybody's will do, and the bond returns.

    `proposal`: `<transaction id>#<index>`, or the milestone where it has only one. Raises `NotAllowedYet`
    (`closed`, `review_period`, `attested`), `NotFound`, `InvalidInput`, `ChainRejected`,
    `InsufficientFunds`, `OutcomeUnknown`.
    """
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    command = _Confirm(distribution_name=name, proposal=proposal)
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _Confirm(DistributionCommand[ProposalConfirmed]):
    """One confirmation, or the one that an earlier run sent without learning what became of it."""

    name = "proposal confirm"
    proposal: str

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks, checks, and builds the confirmation."""
        distribution = must_be_open(await self.look(run))
        if run.resume_instead(lambda sent: is_about(sent, ConfirmationPayload, self.proposal)):
            return
        live = proposal_named(distribution, self.proposal)
        must_not_be_attested(distribution, _milestone(live))
        must_be_due(live.proposal, await chain_time(run.backend))
        yield await confirmation(await run.context(), distribution, live)

    def report(self, run: Run) -> ProposalConfirmed:
        """The newest confirmation."""
        sent, payload = run.newest(ConfirmationPayload)
        return ProposalConfirmed(
            **ended_fields(self.distribution_name, sent, payload),
            evidence_hash=payload.evidence_hash,
            verification_timestamp=to_posix_seconds(payload.said_at_posix_ms),
            deposit_lovelace=payload.deposit_lovelace,
        )


def _milestone(live: LiveProposal) -> MilestoneIdentifier:
    return MilestoneIdentifier(live.proposal.milestone_identifier, live.proposal.milestone)
