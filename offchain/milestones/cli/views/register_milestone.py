"""What `register-milestone` says on a terminal: who gets what and when, who can do what, what it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from milestones.services.register_milestone import Registered, SeriesRegistered

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


def series(result: SeriesRegistered) -> Iterator[RenderableType]:
    """The distributions, the milestones with the parts they live in, what opening takes; root and folder."""
    people = counted(result.beneficiary_count, "person", "people")
    parts = counted(len(result.distributions), "distribution")
    yield heading(
        f"Registered: {counted(result.allocation_count, 'payment')} to {people}, in a series of"
        f" {parts}. Nothing is on the chain yet."
    )
    yield ""
    yield table(
        ("milestone", "payments", "parts"),
        (
            (each.milestone_identifier, f"{each.allocation_count:,}", _ranges(each.parts))
            for each in result.milestones[:SHOWN]
        ),
        numbers=("payments",),
    )
    if len(result.milestones) > SHOWN:
        yield (f"and {len(result.milestones) - SHOWN:,} milestones more: `--full`")
    yield ""
    for power in result.powers:
        yield (f"- {power.words}")
    yield ""
    if result.cost is not None:
        yield (
            f"To open them it takes {ada(result.cost.opening_deposits_lovelace)} of deposits, which come"
            f" back when they are closed, and {ada(result.cost.opening_fees_lovelace)} of fees. To announce"
            f" the rows in metadata, too: {ada(result.cost.publication_fees_lovelace)} of fees and"
            f" {result.cost.publication_hours:g} hours of the whole chain; the file costs nothing."
        )
    yield (
        f"{result.hashes_per_second / 1e6:.1f} million hashes a second; a bare loop makes"
        f" {result.plain_hashes_per_second / 1e6:.1f} here"
    )
    yield from labelled(
        ("series", result.series_root.hex()),
        ("rows", result.rows_file),
        ("deploy", f"milestones deploy --series {result.series_root.hex()[:12]}"),
    )


def _ranges(parts: Sequence[int]) -> str:
    """Numbers in a sentence: neighbours as from and to."""
    if len(parts) > 1 and parts[-1] - parts[0] == len(parts) - 1:
        return f"{parts[0]} to {parts[-1]}"
    return ", ".join(map(str, parts))
