"""`milestones commit-milestone`: the oracles' signatures, checked in form and kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli import options
from milestones.cli.loading import Later
from milestones.cli.options import (
    MilestoneIdentifier,
    OptionalContractAddress,
    OracleKeys,
    SeriesName,
    distribution,
)
from milestones.cli.series import must_be_one, perform_in_series
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import oracles as views
else:
    views = Later("milestones.cli.views.oracles")


def commit_milestone(  # noqa: PLR0917 - an option each
    context: typer.Context,
    milestone_identifier: MilestoneIdentifier,
    oracle_signatures: Annotated[
        Path, typer.Option(help="JSON file with the oracles' entries.", show_default=False)
    ],
    quorum_threshold: Annotated[
        int | None, typer.Option(help="How many oracles must sign; else what the terms say.")
    ] = None,
    total_oracles: Annotated[
        int | None, typer.Option(help="How many oracles there are; else what the terms say.")
    ] = None,
    contract_address: OptionalContractAddress = None,
    series: SeriesName = None,
    oracle_keys: OracleKeys = None,
) -> None:
    """Check the form of oracle signatures, and keep them. Needs no network where the terms are known."""
    session = session_of(context)
    keys = options.oracle_keys(oracle_keys)
    entries = milestones.read_signature_file(oracle_signatures)
    if series is not None:
        must_be_one(contract_address, series)
        perform_in_series(
            session,
            series,
            lambda backend, name: milestones.commit_milestone(
                backend,
                milestone_identifier=milestone_identifier,
                oracle_signatures=milestones.entries_about(entries, name.distribution_id),
                contract_address=name,
                oracle_keys=keys,
            ),
            concerned=milestones.waiting_for(milestone_identifier),
        )
        return
    contract = None
    if contract_address is not None:
        contract = distribution(contract_address)
    session.perform(
        lambda backend: milestones.commit_milestone(
            backend,
            milestone_identifier=milestone_identifier,
            oracle_signatures=entries,
            quorum_threshold=quorum_threshold,
            total_oracles=total_oracles,
            contract_address=contract,
            oracle_keys=keys,
        ),
        views.committed,
    )
