"""`milestones attest`: a quorum on the chain, without paying anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli import options
from milestones.cli.loading import Later
from milestones.cli.options import (
    CollateralFrom,
    DryRun,
    EvidenceFile,
    EvidenceHash,
    MilestoneIdentifier,
    OptionalContractAddress,
    OracleKeys,
    PayerAccount,
    PayerElsewhere,
    SeriesName,
    SigningKeyPath,
    UnsignedOut,
    ValidFor,
    VerificationTimestamp,
    Wait,
    Yes,
    evidence,
    optional_moment,
)
from milestones.cli.series import perform_named
from milestones.cli.session import session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.cli.views import sending as views
else:
    views = Later("milestones.cli.views.sending")


def attest(  # noqa: PLR0917 - an option each
    context: typer.Context,
    milestone_identifier: MilestoneIdentifier,
    contract_address: OptionalContractAddress = None,
    series: SeriesName = None,
    waive: Annotated[
        bool,
        typer.Option(
            "--waive", help="Without signatures, by the creator's key, once the terms allow it."
        ),
    ] = False,
    evidence_file: EvidenceFile = None,
    evidence_hash: EvidenceHash = None,
    verification_timestamp: VerificationTimestamp = None,
    oracle_keys: OracleKeys = None,
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
    """Put the signatures of a quorum of oracles on the chain, which verifies them."""
    session = session_of(context)
    waiver = None
    if waive:
        waiver = milestones.Waiver(
            evidence_hash=evidence(evidence_file, evidence_hash),
            verification_timestamp=optional_moment(
                verification_timestamp, "verification_timestamp"
            ),
        )
    elif evidence_file or evidence_hash or verification_timestamp:
        raise InvalidInput(
            "what the oracles signed says evidence and time",
            path="evidence_hash",
            hint="leave it out; it is given with --waive alone",
        )
    keys = options.oracle_keys(oracle_keys)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    perform_named(
        session,
        contract_address,
        series,
        lambda backend, contract: milestones.attest(
            backend,
            contract_address=contract,
            milestone_identifier=milestone_identifier,
            key=key,
            waiver=waiver,
            oracle_keys=keys,
            dry_run=dry_run,
            wait=wait,
        ),
        views.attested,
        concerned=milestones.waiting_for(milestone_identifier),
        done_before=("attested",),
        yes=yes,
    )
