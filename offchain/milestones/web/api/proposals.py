"""Proposals: somebody says that a milestone is reached, oracles may object, and anybody confirms it later."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from milestones.domain.reading import AddressField, HexField
from milestones.errors import InvalidInput
from milestones.protocol.anchors import Anchor
from milestones.services.proposal import (
    ProposalConfirmed,
    ProposalRetired,
    ProposalsShown,
    ProposalStopped,
    ProposalSubmitted,
    proposal_confirm,
    proposal_object,
    proposal_retire,
    proposal_show,
    proposal_submit,
)
from milestones.services.sending.payer import Payer
from milestones.web.api.operation import Asked, Operation
from milestones.web.api.oracles import Evidence, Identifier, board_entries
from milestones.web.api.wallets import Built, WalletPays, building


class ProposalWanted(WalletPays):
    """A milestone that is said to be reached. The bond returns to `return_to`, else where change goes.

    `anchor_url` is where a document is, and `anchor_hash` its blake2b-256; by default the evidence's.
    """

    milestone_identifier: Identifier
    evidence_hash: Evidence = b""
    return_to: AddressField | None = None
    said_at: int | None = None
    anchor_url: Annotated[str, Field(max_length=1_000)] | None = None
    anchor_hash: Annotated[HexField, Field(max_length=32)] | None = None


class ProposalNamed(WalletPays):
    """Which proposal: `<transaction id>#<index>`, or the milestone where it has only one."""

    proposal: Annotated[str, Field(max_length=80)]


class ProposalBuilt(Built):
    """The proposal, to be signed by whoever makes it and puts down the bond."""

    report: ProposalSubmitted


class ObjectionBuilt(Built):
    """The end of a proposal that oracles have objected to."""

    report: ProposalStopped


class ConfirmationBuilt(Built):
    """The attestation that a proposal becomes."""

    report: ProposalConfirmed


class RetirementBuilt(Built):
    """The end of a forgotten proposal: its bond returns."""

    report: ProposalRetired


async def _show(asked: Asked) -> ProposalsShown:
    serving, served = asked.serving, asked.served
    return await serving.kept.get(
        ("proposals", served),
        lambda: proposal_show(serving.backend, contract_address=served.contract_address),
    )


def _anchor(body: ProposalWanted) -> Anchor | None:
    if body.anchor_url is None:
        return None
    digest = body.anchor_hash or body.evidence_hash
    if not digest:
        raise InvalidInput(
            "a document is named by its hash as well",
            path="anchor_hash",
            hint="give its blake2b-256, or the same as evidence_hash",
        )
    return Anchor(body.anchor_url, digest)


async def _propose(asked: Asked, payer: Payer) -> ProposalSubmitted:
    body: ProposalWanted = asked.body
    anchor = _anchor(body)
    return await proposal_submit(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        milestone_identifier=body.milestone_identifier,
        key=payer,
        evidence_hash=body.evidence_hash,
        return_to=body.return_to,
        said_at_timestamp=body.said_at,
        anchor=anchor,
        dry_run=True,
    )


async def _object(asked: Asked, payer: Payer) -> ProposalStopped:
    body: ProposalNamed = asked.body
    entries = await board_entries(asked)
    return await proposal_object(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        proposal=body.proposal,
        signatures=entries,
        key=payer,
        dry_run=True,
    )


async def _confirm(asked: Asked, payer: Payer) -> ProposalConfirmed:
    body: ProposalNamed = asked.body
    return await proposal_confirm(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        proposal=body.proposal,
        key=payer,
        dry_run=True,
    )


async def _retire(asked: Asked, payer: Payer) -> ProposalRetired:
    body: ProposalNamed = asked.body
    return await proposal_retire(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        proposal=body.proposal,
        key=payer,
        dry_run=True,
    )


OPERATIONS: Final = (
    Operation(
        path="/distributions/{distribution}/proposals",
        name="proposals",
        summary="The proposals that wait, and how each stands.",
        perform=_show,
        answer=ProposalsShown,
    ),
    building(
        path="/proposals",
        name="propose",
        summary="Build a proposal.",
        service=_propose,
        answer=ProposalBuilt,
        body=ProposalWanted,
    ),
    building(
        path="/proposals/objection",
        name="object",
        summary="Build the end of a proposal that enough oracles have objected to; anybody can.",
        service=_object,
        answer=ObjectionBuilt,
        body=ProposalNamed,
    ),
    building(
        path="/proposals/confirmation",
        name="confirm",
        summary="Build the confirmation of a proposal that is due; anybody can.",
        service=_confirm,
        answer=ConfirmationBuilt,
        body=ProposalNamed,
    ),
    building(
        path="/proposals/retirement",
        name="retire",
        summary="Build the end of a proposal that was forgotten; anybody can.",
        service=_retire,
        answer=RetirementBuilt,
        body=ProposalNamed,
    ),
)
