"""What `register-milestone` says on a terminal: who gets what and when, who can do what, what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.views.figures import (
    ada,
    counted,
    dates,
    heading,
    labelled,
    more,
    of_token,
    table,
)
from milestones.services.register_milestone import Registered

SHOWN: Final = 8
"""Milestones that are listed."""


def registered(result: Registered) -> Iterator[RenderableType]:
    """The sums by milestone, the powers in words, the deposits; address, id and file to be copied."""
    token = (result.datum.token_policy_id, result.datum.token_name)
    people = counted(result.beneficiary_count, "person", "people")
    yield heading(
        f"Registered, not on the chain: {counted(result.allocation_count, 'payment')} to {people},"
        f" {of_token(result.total_token_amount, *token)}"
    )
    if result.contract_metadata.description:
        yield (result.contract_metadata.description)
    yield ""
    parts = result.milestones
    yield table(
        ("milestone", "payments", "amount", "vests (UTC)"),
        (
            (
                each.milestone_identifier,
                f"{each.allocation_count:,}",
                of_token(each.token_amount, *token),
                dates((each.first_vesting_timestamp, each.last_vesting_timestamp)),
            )
            for each in parts[:SHOWN]
        ),
        numbers=("payments", "amount"),
    )
    yield from more(len(parts), SHOWN, "milestone")
    yield ""
    yield from (f"- {power.words}" for power in result.powers)
    yield ""
    deposits = result.estimated_deposits
    if deposits is not None:
        yield (
            f"To open it takes {ada(deposits.opening_lovelace)} of deposits,"
            f" {ada(deposits.total_lovelace)} with attestations; they come back when it is closed."
        )
    yield from labelled(
        ("address", result.contract_name),
        ("id", result.distribution_id.hex()),
        ("schedule", result.schedule_file),
    )
