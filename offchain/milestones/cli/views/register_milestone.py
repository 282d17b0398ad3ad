"""What `register-milestone` says on a terminal: who gets what and when, who can do what, what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from rich.console import RenderableType

from milestones.cli.output import harmless
from milestones.cli.views.figures import ada, counted, dates, heading, of_token, table, whole
from milestones.services.register_milestone import Registered, RegisteredAllocation

SHOWN: Final = 8
"""Milestones that are listed."""


def registered(result: Registered) -> Iterator[RenderableType]:
    """The sums by milestone, the powers in words, the deposits; address, id and file to be copied."""
    token = (result.datum.token_policy_id, result.datum.token_name)
    rows = result.allocations
    people = len({each.beneficiary_address for each in rows})
    yield heading(
        f"Registered: {counted(len(rows), 'payment')} to {counted(people, 'person', 'people')},"
        f" {of_token(result.total_token_amount, *token)}. Nothing is on the chain yet."
    )
    if result.contract_metadata.description:
        yield harmless(result.contract_metadata.description)
    yield ""
    parts: dict[str, list[RegisteredAllocation]] = {}
    for each in rows:
        parts.setdefault(each.milestone_identifier, []).append(each)
    yield table(
        ("milestone", "payments", "amount", "vests (UTC)"),
        (
            (
                name,
                f"{len(part):,}",
                of_token(sum(each.token_amount for each in part), *token),
                dates(each.vesting_timestamp for each in part),
            )
            for name, part in islice(parts.items(), SHOWN)
        ),
        numbers=("payments", "amount"),
    )
    if len(parts) > SHOWN:
        yield harmless(f"and {len(parts) - SHOWN:,} milestones more: `--full`")
    yield ""
    for power in result.powers:
        yield harmless(f"- {power.words}")
    yield ""
    deposits = result.estimated_deposits
    if deposits is not None:
        yield harmless(
            f"To open it takes {ada(deposits.opening_lovelace)} of deposits,"
            f" {ada(deposits.total_lovelace)} with attestations; they come back when it is closed."
        )
    yield whole(f"address   {result.contract_name}")
    yield whole(f"id        {result.distribution_id.hex()}")
    yield whole(f"schedule  {result.schedule_file}")
