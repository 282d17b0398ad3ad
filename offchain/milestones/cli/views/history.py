"""What `history` says on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.views.figures import (
    ada,
    counted,
    figure,
    heading,
    of_token,
    short,
    table,
    whole,
)
from milestones.services.history import DistributionHistory, HistoryLine

NEWEST: Final = 12
"""Lines that are listed; all of them are with `--full`, or as a table."""


def history(result: DistributionHistory) -> Iterator[RenderableType]:
    """The newest lines, and the sums of all."""
    token = (result.token_policy_id, result.token_name)
    yield heading(f"{counted(len(result.lines), 'line')} of a distribution that is {result.status}")
    yield whole(result.contract_name)
    yield ""
    earlier = len(result.lines) - NEWEST
    if earlier > 0:
        yield f"{earlier:,} earlier: `--full`, or --format csv"
    yield table(
        ("when (UTC)", "what", "amount", "transaction"),
        (
            (
                line.at[:16],
                _what(line),
                _signed(line.token_change, token),
                short(line.transaction_hash.hex()),
            )
            for line in result.lines[-NEWEST:]
        ),
        numbers=("amount",),
    )
    yield ""
    yield (
        f"{of_token(result.paid_amount, *token)} paid,"
        f" {of_token(result.returned_amount, *token)} taken back,"
        f" {of_token(result.held_amount, *token)} held."
    )
    yield f"Its outputs hold {ada(result.held_lovelace)} in all."
    unknown = f"; of {counted(result.unknown_fee_count, 'transaction')} by others they aren't known"
    yield (f"Fees: {ada(result.fees_lovelace)}{unknown if result.unknown_fee_count else ''}.")


def _signed(change: int, token: tuple[bytes, bytes]) -> str:
    return f"{'+' if change > 0 else ''}{figure(change, *token)}" if change else ""


def _what(line: HistoryLine) -> str:
    number = "" if line.beneficiary_index is None else f" #{line.beneficiary_index}"
    about = "" if line.milestone_identifier is None else f": {line.milestone_identifier}"
    return f"{line.event.replace('_', ' ')}{number}{about}"
