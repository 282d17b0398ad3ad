"""`proposal object`: oracles stop a proposal, and say where its bond goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from milestones.domain.models import OracleSignature
from milestones.domain.reading import AddressField
from milestones.errors import InvalidEncoding, InvalidSignature
from milestones.protocol.distribution import ContractAddress
from milestones.protocol.statements import ObjectionStatement
from milestones.services.backend import Backend, select_version
from milestones.services.board_preflight import must_take_proposals
from milestones.services.distribution.collected import FIELD, Wanted, collected
from milestones.services.distribution.naming import identify
from milestones.services.distribution.proposals import proposal_named
from milestones.services.preflight import must_be_open
from milestones.services.proposal.common import ProposalEnded, ended_fields, is_about
from milestones.services.sending.attestations import oracle_addresses
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import DistributionCommand, perform
from milestones.services.sending.signed import Witnesses, build_signed
from milestones.storage.board_payloads import ObjectionPayload
from milestones.transactions.board_drafts import Referenced, object_draft
from milestones.transactions.draft import TransactionDraft


class ProposalStopped(ProposalEnded):
    """A proposal that oracles stopped, and where they sent its bond. Amounts in lovelace; size in bytes."""

    signers: tuple[AddressField, ...]


async def proposal_object(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    proposal: str,
    signatures: Sequence[OracleSignature],
    key: PaidBy,
    dry_run: bool = False,
    wait: bool = False,
) -> ProposalStopped:
    """Stops a proposal with the oracles' signatures, which name it and the bond's address; the key pays.

    `proposal`: `<transaction id>#<index>`, or the milestone where it has only one. As many signatures are
    needed as the terms ask, or a quorum if that is fewer. Raises `NotAllowedYet` (`closed`, `objectors`,
    `quorum`), `NotFound`, `InvalidSignature`, `ChainRejected`, `InsufficientFunds`, `OutcomeUnknown`.
    """
    backend = select_version(backend, contract_address.payment.hash)
    name = await identify(backend, contract_address)
    command = _Object(distribution_name=name, proposal=proposal, signatures=signatures)
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _Object(DistributionCommand[ProposalStopped]):
    """One objection, or the one that an earlier run sent without learning what became of it."""

    name = "proposal object"
    proposal: str
    signatures: Sequence[OracleSignature]

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks, checks, and builds the objection."""
        distribution = must_be_open(await self.look(run))
        if run.resume_instead(lambda sent: is_about(sent, ObjectionPayload, self.proposal)):
            return
        terms, sitting = distribution.terms, distribution.sitting
        must_take_proposals(terms)
        live = proposal_named(distribution, self.proposal)
        reference, milestone = live.utxo.reference, live.proposal.milestone
        wanted = Wanted(
            kind=ObjectionStatement,
            named=f"the proposal {reference} is objected to",
            needed=min(terms.objectors, sitting.quorum_threshold),
            fits=lambda said: (said.proposal, said.milestone) == (reference, milestone),
        )
        signed = collected(wanted, self.signatures, distribution, run.backend.contract)
        try:
            bond_to = signed.statement.bond_address(terms.network_id)
        except InvalidEncoding as error:
            raise InvalidSignature(
                f"the bond would go where no output can be: {error.reason}",
                path=FIELD,
                hint="let the oracles sign the bytes of `milestones oracle payload --object`",
            ) from None
        context = await run.context()

        def draft(chosen: Witnesses) -> TransactionDraft:
            referenced = Referenced(terms=distribution.terms_utxo, scripts=context.scripts)
            return object_draft(
                live, referenced, sitting=sitting, bond_to=bond_to, witnesses=chosen
            )

        built, signers = await build_signed(
            run,
            context,
            distribution,
            signed,
            draft=draft,
        )
        yield SubmissionRequest(
            transaction=built,
            sole=f"object {reference}",
            payload=ObjectionPayload(
                proposal=reference,
                milestone_identifier=live.proposal.milestone_identifier,
                bond_to=bond_to.to_bech32(),
                bond_lovelace=live.utxo.output.value.lovelace,
                signers=signers,
            ),
        )

    def report(self, run: Run) -> ProposalStopped:
        """The newest objection."""
        sent, payload = run.newest(ObjectionPayload)
        return ProposalStopped(
            **ended_fields(self.distribution_name, sent, payload),
            signers=oracle_addresses(self.on_chain.terms, payload.signers),
        )
