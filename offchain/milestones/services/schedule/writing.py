"""`schedule template` and `schedule vesting`: allocations that are written for somebody."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal

from milestones.cardano.address import Address
from milestones.documents import write_new
from milestones.domain.models import Allocation, MilestoneIdentifier
from milestones.domain.tables import DecimalMark, read_amount, template, write_table
from milestones.domain.vesting import Period, Tranche, graded, linear
from milestones.errors import InvalidInput
from milestones.services.results import Result
from milestones.storage.files import to_text

FileFormat = Literal["csv", "json"]
_EITHER: Final = "give --start, --duration and --every, or else --grade for each date"


class ScheduleTemplate(Result):
    """A table to begin with, and the file that it was written to; None where there is none."""

    text: str
    file: str | None


class VestingPlanned(Result):
    """Allocations that a plan of vesting comes to, as `text` in a format, and the file, if there is one."""

    allocations: tuple[Allocation, ...]
    total_token_amount: int
    format: FileFormat
    text: str
    file: str | None


def schedule_template(*, output: Path | None = None) -> ScheduleTemplate:
    """A table that shows what can stand in one. Raises `InvalidInput` where another file is there already."""
    text = template()
    return ScheduleTemplate(text=text, file=_kept(text, output))


def schedule_vesting(
    *,
    beneficiary_address: Address,
    milestone_identifier: str,
    token_amount: int | str,
    decimals: int | None = None,
    decimal_mark: DecimalMark | None = None,
    start: int | None = None,
    duration: str | None = None,
    every: str | None = None,
    cliff: str | None = None,
    grades: Sequence[tuple[int, Fraction]] = (),
    file_format: FileFormat = "csv",
    output: Path | None = None,
) -> VestingPlanned:
    """The allocations of a plan: equal parts after each step from `start` on, or a share at each grade.

    `token_amount` is in the smallest unit, or text that is read as in a table (see `read_allocations`); the
    parts add up to it. `start` and the grades' moments are POSIX
    seconds; periods are such as `30d`, `2w`, `1m` or `4y`. What vests before the cliff waits for it. Raises
    `InvalidInput` for a plan that can't be, or where another file is there already.
    """
    has_steps = None not in (start, duration, every)
    if has_steps == bool(grades):
        raise InvalidInput("a plan has either steps or grades", path="grade", hint=_EITHER)
    if isinstance(token_amount, str):
        token_amount = read_amount(token_amount, decimals=decimals, decimal_mark=decimal_mark)
    milestone = MilestoneIdentifier.parse(milestone_identifier)
    if start is None or duration is None or every is None:
        tranches = graded(token_amount, grades)
    else:
        tranches = linear(
            token_amount,
            start_posix_seconds=start,
            duration=Period.parse(duration, "duration"),
            every=Period.parse(every, "every"),
            cliff=None if cliff is None else Period.parse(cliff, "cliff"),
        )
    allocations = tuple(_allocation(beneficiary_address, milestone, each) for each in tranches)
    rows = [each.model_dump(mode="json", exclude_none=True) for each in allocations]
    text = write_table(rows) if file_format == "csv" else to_text(rows)
    return VestingPlanned(
        allocations=allocations,
        total_token_amount=sum(each.token_amount for each in allocations),
        format=file_format,
        text=text,
        file=_kept(text, output),
    )


def _allocation(address: Address, milestone: MilestoneIdentifier, tranche: Tranche) -> Allocation:
    return Allocation(
        beneficiary_address=address,
        token_amount=tranche.amount,
        milestone_identifier=milestone.text,
        vesting_timestamp=tranche.posix_seconds,
    )


def _kept(text: str, output: Path | None) -> str | None:
    if output is None:
        return None
    write_new(output, text, "output", InvalidInput)
    return str(output)
