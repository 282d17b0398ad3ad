"""`milestones schedule`: who gets what, before it is registered."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

import milestones
from milestones.cli.loading import Later, new_typer
from milestones.cli.options import (
    DecimalMark,
    Decimals,
    MilestoneIdentifier,
    ScriptBeneficiaries,
    address,
    asset_name,
    hexadecimal,
    moment,
    optional_moment,
)
from milestones.cli.session import session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.cli.views import looking
    from milestones.cli.views import schedule as views
else:
    looking = Later("milestones.cli.views.looking")
    views = Later("milestones.cli.views.schedule")

ADA_DECIMALS: Final = 6

schedule: Final = new_typer(
    no_args_is_help=True,
    help="Who gets what, as a table: checked, begun, or made of a plan of vesting. Needs no network.",
)
Output = Annotated[
    Path | None,
    typer.Option("--output", help="The file to write; else it is printed.", show_default=False),
]


@schedule.command("template")
def schedule_template(context: typer.Context, output: Output = None) -> None:
    """Write a table to begin with: the columns that there must be, and two rows."""
    written = milestones.schedule_template(output=output)
    if written.file is None:
        session_of(context).output.text(written.text)
    else:
        session_of(context).output.result(written, looking.template)


@schedule.command("check")
def schedule_check(  # noqa: PLR0917 - an option each
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="Table (CSV) or JSON: who gets what.", show_default=False)
    ],
    decimals: Decimals = None,
    decimal_mark: DecimalMark = None,
    token_policy_id: Annotated[
        str | None,
        typer.Option(
            help="Policy of the token, hexadecimal; empty for ADA. Costs depend on it a little.",
            show_default=False,
        ),
    ] = None,
    token_name: Annotated[str, typer.Option(help="Name of the token: text, or 0x and hex.")] = "",
    allow_script_beneficiaries: ScriptBeneficiaries = False,
) -> None:
    """Say what a file adds up to, by milestone and by person, what is odd in it, and what it will cost.

    Whatever registration would refuse is refused here, by line and column of a table.
    """
    session = session_of(context)
    is_ada = token_policy_id is not None and not token_policy_id.strip()
    policy = None if token_policy_id is None else hexadecimal(token_policy_id, "token_policy_id")
    name = asset_name(token_name, "token_name")
    registered = None if policy is None else session.registered(policy.hex() + name)
    checked = milestones.schedule_check(
        session.workspace,
        milestones.read_allocations(
            file,
            is_ada=is_ada,
            decimals=decimals,
            decimal_mark=decimal_mark,
            registered=registered,
        ),
        token_policy_id=policy,
        token_name=bytes.fromhex(name),
        allow_script_beneficiaries=allow_script_beneficiaries,
    )
    known = decimals if registered is None else registered.decimals
    shown = ADA_DECIMALS if is_ada else known
    session.output.result(checked, partial(views.checked, decimals=shown))


@schedule.command("vesting")
def schedule_vesting(  # noqa: PLR0917 - an option each
    context: typer.Context,
    beneficiary_address: Annotated[str, typer.Option(help="Who gets it.", show_default=False)],
    milestone_identifier: MilestoneIdentifier,
    amount: Annotated[
        str,
        typer.Option(
            help="How much in all: the smallest unit, or see --decimals.", show_default=False
        ),
    ],
    start: Annotated[
        str | None, typer.Option(help="When the plan begins: POSIX seconds or ISO.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option(help="How long it takes: 90d, 12w, 24m (months) or 4y.")
    ] = None,
    every: Annotated[str | None, typer.Option(help="How often a part vests: 1m, 2w.")] = None,
    cliff: Annotated[
        str | None, typer.Option(help="How long nothing vests; what would have, vests then.")
    ] = None,
    grade: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATE=SHARE",
            help="Instead: a share at a date, such as 2027-06-30=25% or =1/3; repeated, 100% in all.",
        ),
    ] = None,
    decimals: Decimals = None,
    decimal_mark: DecimalMark = None,
    output: Output = None,
) -> None:
    """Make allocations of a plan of vesting: equal parts, with a cliff or without, or shares at dates.

    They add up to the amount, to the last unit. Amounts are written in the smallest unit. A file whose name
    ends with `.json` is a JSON list, any other a table; without a file `--format json` prints that list.
    """
    session = session_of(context)
    is_json = session.output.form == "json" if output is None else output.suffix == ".json"
    planned = milestones.schedule_vesting(
        beneficiary_address=address(beneficiary_address, "beneficiary_address"),
        milestone_identifier=milestone_identifier,
        token_amount=amount,
        decimals=decimals,
        decimal_mark=decimal_mark,
        start=optional_moment(start, "start"),
        duration=duration,
        every=every,
        cliff=cliff,
        grades=[_grade(each) for each in grade or ()],
        file_format="json" if is_json else "csv",
        output=output,
    )
    if planned.file is None:
        session.output.text(planned.text)
    else:
        session.output.result(planned, looking.planned)


def _grade(text: str) -> tuple[int, Fraction]:
    """A moment (POSIX seconds) and a share. Raises `InvalidInput` about `grade`."""
    date, _, share = text.partition("=")
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)%|([0-9]{1,9})/([1-9][0-9]{0,8})", share)
    if found is None:
        raise InvalidInput(
            f"{share[:40]!r} is no share",
            path="grade",
            hint="write a date and a share, such as 2027-06-30=25% or 2027-06-30=1/3",
        )
    when = moment(date, "grade")
    return when, Fraction(found[1]) / 100 if found[1] else Fraction(int(found[2]), int(found[3]))
