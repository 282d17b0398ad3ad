"""`proposal retire`: a proposal that nobody confirmed leaves the chain, and its bond returns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from milestones.protocol.distribution import ContractAddress
from milestones.services.backend import Backend, chain_time, select_version
from milestones.services.board_preflight import bond_return, must_be_forgotten
from milestones.services.distribution.naming import identify
from milestones.services.distribution.proposals import proposal_named
from milestones.services.proposal.common import ProposalEnded, ended_fields, is_about
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import DistributionCommand, perform
from milestones.storage.board_payloads import RetirementPayload
from milestones.transactions.board_drafts import retire_draft


class ProposalRetired(ProposalEnded):
    """A proposal that was forgotten, and that its bond was returned. Amounts in lovelace; size in bytes."""


async def proposal_retire(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    proposal: str,
    key: PaidBy,
    dry_run: bool = False,
    wait: bool = False,
) -> ProposalRetired:
    """Takes a forgotten proposal off the chain, also once its distribution has ended; the key pays.

    `proposal`: `<transaction id>#<index>`, or the milestone where it has only one. Raises `NotAllowedYet`
    (`forgotten`), `NotFound`, `InvalidInput`, `ChainRejected`, `InsufficientFunds`, `OutcomeUnknown`.
    """
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    command = _Retire(distribution_name=name, proposal=proposal)
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _Retire(DistributionCommand[ProposalRetired]):
    """One retirement, or the one that an earlier run sent without learning what became of it."""

    name = "proposal retire"
    proposal: str

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks, checks, and builds the retirement."""
        on_chain = await self.look(run)
        if run.resume_instead(lambda sent: is_about(sent, RetirementPayload, self.proposal)):
            return
        live = proposal_named(on_chain, self.proposal)
        must_be_forgotten(live.proposal, await chain_time(run.backend))
        bond_to = bond_return(live, on_chain.terms.network_id)
        context = await run.context()
        forgotten_at = live.proposal.forgotten_at_posix_ms
        draft = retire_draft(
            live,
            scripts=context.scripts,
            valid_from_slot=context.first_slot_from(forgotten_at),
        )
        yield SubmissionRequest(
            transaction=await context.build(draft),
            sole=f"retire {live.utxo.reference}",
            payload=RetirementPayload(
                proposal=live.utxo.reference,
                milestone_identifier=live.proposal.milestone_identifier,
                bond_to=bond_to.to_bech32(),
                bond_lovelace=live.utxo.output.value.lovelace,
            ),
        )

    def report(self, run: Run) -> ProposalRetired:
        """The newest retirement."""
        sent, payload = run.newest(RetirementPayload)
        return ProposalRetired(**ended_fields(self.distribution_name, sent, payload))
