"""`milestones cancel`: notice that a distribution will be ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import (
    AnchorFile,
    AnchorHash,
    AnchorUrl,
    CollateralFrom,
    ContractAddress,
    DryRun,
    EvidenceFile,
    EvidenceHash,
    PayerAccount,
    PayerElsewhere,
    SaidAt,
    Signatures,
    SigningKeyPath,
    UnsignedOut,
    ValidFor,
    Wait,
    Yes,
    anchor_of,
    distribution,
    evidence,
    optional_moment,
)
from milestones.cli.session import session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.cli.views import sending as views
else:
    views = Later("milestones.cli.views.sending")


def cancel(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    signatures: Signatures = None,
    evidence_file: EvidenceFile = None,
    evidence_hash: EvidenceHash = None,
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
    """Give notice that a distribution will be ended; it can't be withdrawn, and `close` ends it later.

    By the creator's key or, with --signatures, by a quorum of oracles who signed what
    `oracle payload --notice` printed; that says time and evidence then. --anchor alone says where the
    evidence is.
    """
    session = session_of(context)
    contract = distribution(contract_address)
    entries = () if signatures is None else milestones.read_signature_file(signatures)
    if entries and (evidence_file or evidence_hash or said_at):
        raise InvalidInput(
            "what the oracles signed says time and evidence",
            path="evidence_hash" if evidence_file or evidence_hash else "said_at",
            hint="leave it out; it is given to `oracle payload --notice`",
        )
    digest, moment = evidence(evidence_file, evidence_hash), optional_moment(said_at, "said_at")
    document = anchor_of(anchor, anchor_hash, anchor_file, evidence_hash=digest)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.cancel(
            backend,
            contract_address=contract,
            key=key,
            signatures=entries,
            evidence_hash=digest,
            said_at_timestamp=moment,
            anchor=document,
            dry_run=dry_run,
            wait=wait,
        ),
        views.notice_given,
        yes=yes,
    )
