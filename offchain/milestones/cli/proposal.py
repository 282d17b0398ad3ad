"""`milestones proposal`: milestones that count unless oracles object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

import milestones
from milestones.cli.loading import Later, new_typer
from milestones.cli.options import (
    AnchorFile,
    AnchorHash,
    AnchorUrl,
    CollateralFrom,
    ContractAddress,
    DryRun,
    EvidenceFile,
    EvidenceHash,
    MilestoneIdentifier,
    PayerAccount,
    PayerElsewhere,
    SaidAt,
    SigningKeyPath,
    UnsignedOut,
    ValidFor,
    Wait,
    Yes,
    address,
    anchor_of,
    distribution,
    evidence,
    optional_moment,
)
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import sending as views
else:
    views = Later("milestones.cli.views.sending")

ProposalName = Annotated[
    str,
    typer.Option(
        "--proposal",
        help="Its output, <transaction id>#<index>, or its milestone.",
        show_default=False,
    ),
]

proposal: Final = new_typer(
    no_args_is_help=True,
    help="Milestones that anybody says are complete, and that count unless oracles object.",
)


@proposal.command("submit")
def proposal_submit(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    milestone_identifier: MilestoneIdentifier,
    evidence_file: EvidenceFile = None,
    evidence_hash: EvidenceHash = None,
    return_to: Annotated[
        str | None,
        typer.Option(help="Where the bond returns; else to the payer.", show_default=False),
    ] = None,
    said_at: SaidAt = None,
    anchor: AnchorUrl = None,
    anchor_hash: AnchorHash = None,
    anchor_file: AnchorFile = None,
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Say that a milestone is complete, and put a bond down for it; anybody may.

    --anchor alone says where the evidence is.
    """
    session = session_of(context)
    contract, digest = distribution(contract_address), evidence(evidence_file, evidence_hash)
    to = None if return_to is None else address(return_to, "return_to")
    moment = optional_moment(said_at, "said_at")
    document = anchor_of(anchor, anchor_hash, anchor_file, evidence_hash=digest)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.proposal_submit(
            backend,
            contract_address=contract,
            milestone_identifier=milestone_identifier,
            key=key,
            evidence_hash=digest,
            return_to=to,
            said_at_timestamp=moment,
            anchor=document,
            dry_run=dry_run,
            wait=wait,
        ),
        views.proposed,
        yes=yes,
    )


@proposal.command("object")
def proposal_object(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    proposal_name: ProposalName,
    signatures: Annotated[
        Path,
        typer.Option(help="JSON file that `oracle sign --output` wrote.", show_default=False),
    ],
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Stop a proposal with oracles' signatures of what `oracle payload --object` printed."""
    session = session_of(context)
    contract = distribution(contract_address)
    entries = milestones.read_signature_file(signatures)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.proposal_object(
            backend,
            contract_address=contract,
            proposal=proposal_name,
            signatures=entries,
            key=key,
            dry_run=dry_run,
            wait=wait,
        ),
        views.proposal_ended,
        yes=yes,
    )


@proposal.command("confirm")
def proposal_confirm(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    proposal_name: ProposalName,
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Make an attestation of a proposal that is due; anybody may, and its bond returns."""
    session = session_of(context)
    contract = distribution(contract_address)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.proposal_confirm(
            backend,
            contract_address=contract,
            proposal=proposal_name,
            key=key,
            dry_run=dry_run,
            wait=wait,
        ),
        views.proposal_ended,
        yes=yes,
    )


@proposal.command("retire")
def proposal_retire(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    proposal_name: ProposalName,
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Return the bond of a proposal that nobody confirmed, also after the distribution's end."""
    session = session_of(context)
    contract = distribution(contract_address)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.proposal_retire(
            backend,
            contract_address=contract,
            proposal=proposal_name,
            key=key,
            dry_run=dry_run,
            wait=wait,
        ),
        views.proposal_ended,
        yes=yes,
    )


@proposal.command("show")
def proposal_show(context: typer.Context, contract_address: ContractAddress) -> None:
    """Show all proposals of a distribution, and how each stands."""
    contract = distribution(contract_address)
    session_of(context).perform(
        lambda backend: milestones.proposal_show(backend, contract_address=contract),
        views.proposals,
    )
