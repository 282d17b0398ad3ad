"""What `schedule` says on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from milestones.cli.views.figures import ada, amount, counted, heading, more, short, table
from milestones.services.schedule import ScheduleChecked

SHOWN = 8
"""Beneficiaries and milestones that are listed."""


def checked(result: ScheduleChecked, decimals: int | None) -> Iterator[RenderableType]:
    """Totals, by milestone and by person, and what it costs. `decimals` are those of the token, if known."""
    total = amount(result.total_token_amount, decimals)
    people = counted(result.beneficiary_count, "person", "people")
    yield heading(
        f"{counted(result.allocation_count, 'payment')} to {people}, {total} in all"
        + ("" if decimals is not None else " (smallest unit)")
    )
    yield ""
    yield table(
        ("milestone", "payments", "amount", "vests"),
        (
            (
                each.milestone_identifier,
                f"{each.allocation_count:,}",
                amount(each.token_amount, decimals),
                each.vesting,
            )
            for each in result.milestones[:SHOWN]
        ),
        numbers=("payments", "amount"),
    )
    yield from more(len(result.milestones), SHOWN, "milestone")
    yield ""
    yield table(
        ("beneficiary", "payments", "amount"),
        (
            (
                short(str(each.beneficiary_address)),
                f"{each.allocation_count:,}",
                amount(each.token_amount, decimals),
            )
            for each in result.beneficiaries[:SHOWN]
        ),
        numbers=("payments", "amount"),
    )
    yield from more(len(result.beneficiaries), SHOWN, "beneficiary", "beneficiaries")
    cost = result.cost
    if cost is None:
        return
    yield ""
    yield table(
        ("cost", "ADA", ""),
        (
            ("open it", _plain(cost.opening_deposits_lovelace), "deposits, back when it is closed"),
            ("", _plain(cost.opening_fees_lovelace), "fees, about"),
            ("attest it", _plain(cost.attestation_deposits_lovelace), "deposits, back as well"),
            ("", _plain(cost.attestation_fees_lovelace), "fees, about"),
            ("pay everybody", _plain(cost.payouts_lovelace), "go along and are theirs"),
            ("", _plain(cost.payout_fees_lovelace), "fees, about"),
        ),
        numbers=("ADA",),
    )
    yield f"Paying everybody takes about {ada(cost.pay_everybody_lovelace)}."


def _plain(lovelace: int) -> str:
    return ada(lovelace).removesuffix(" ADA")
