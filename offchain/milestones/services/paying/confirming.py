"""The transaction that makes an attestation of a proposal."""

from __future__ import annotations

from milestones.services.board_preflight import bond_return
from milestones.services.distribution.on_chain import OpenDistribution
from milestones.services.sending.building import BuildContext
from milestones.services.sending.run import SubmissionRequest
from milestones.storage.board_payloads import ConfirmationPayload
from milestones.transactions.board_drafts import LiveProposal, Referenced, confirm_draft


async def confirmation(
    context: BuildContext, distribution: OpenDistribution, live: LiveProposal
) -> SubmissionRequest:
    """Confirms a proposal that is due; its bond returns. Raises `NotAllowedYet` (`return_to`)."""
    bond_to = bond_return(live, distribution.terms.network_id)
    draft = confirm_draft(
        live,
        Referenced(terms=distribution.terms_utxo, scripts=context.scripts),
        sitting=distribution.sitting,
        valid_from_slot=context.first_slot_from(live.proposal.due_at_posix_ms),
    )
    built = await context.build(draft)
    return SubmissionRequest(
        transaction=built,
        sole=f"confirm {live.utxo.reference}",
        payload=ConfirmationPayload(
            proposal=live.utxo.reference,
            milestone_identifier=live.proposal.milestone_identifier,
            evidence_hash=live.proposal.evidence_hash,
            said_at_posix_ms=live.proposal.said_at_posix_ms,
            bond_to=bond_to.to_bech32(),
            bond_lovelace=live.utxo.output.value.lovelace,
            deposit_lovelace=built.outputs[0].output.value.lovelace,
        ),
    )
