"""`milestones find`: whom a distribution names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import milestones
from milestones.cli.loading import Later
from milestones.cli.options import address
from milestones.cli.session import session_of

if TYPE_CHECKING:
    from milestones.cli.views import finding
else:
    finding = Later("milestones.cli.views.finding")


def find(
    context: typer.Context,
    beneficiary: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Whose allocations.", show_default=False)
    ],
) -> None:
    """Find the distributions that name an address, and what can be claimed there.

    Other addresses of the same payment key or staking part are found as well.
    """
    wanted = address(beneficiary, "beneficiary")
    session_of(context).perform(
        lambda backend: milestones.find_distributions(backend, beneficiary_address=wanted),
        finding.found,
    )
