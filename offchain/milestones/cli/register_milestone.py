"""`milestones register-milestone`: a schedule out of options, or out of a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

import milestones
from milestones.cli.options import (
    ScriptBeneficiaries,
    asset_name,
    moment,
    read_json,
    read_object,
)
from milestones.cli.session import Session, session_of
from milestones.errors import InvalidInput


def register_milestone(  # noqa: PLR0917 - an option each
    context: typer.Context,
    token_policy_id: Annotated[
        str | None, typer.Option(help="Policy of the token, hexadecimal; empty for ADA.")
    ] = None,
    token_name: Annotated[str, typer.Option(help="Name of the token: text, or 0x and hex.")] = "",
    beneficiary_allocations: Annotated[
        Path | None, typer.Option(help="JSON file: who gets how much, when, for which milestone.")
    ] = None,
    oracle_addresses: Annotated[
        str | None, typer.Option(help="The oracles' addresses, with commas between.")
    ] = None,
    quorum_threshold: Annotated[
        int | None, typer.Option(help="How many oracles must sign.")
    ] = None,
    reclaim_after: Annotated[
        str | None,
        typer.Option(
            help="From when on the creator can take unclaimed tokens back: seconds or ISO."
        ),
    ] = None,
    irrevocable: Annotated[
        bool, typer.Option("--irrevocable", help="Unclaimed tokens can never be taken back.")
    ] = False,
    creator: Annotated[
        str | None, typer.Option(help="Who opens and closes; else the configured key's address.")
    ] = None,
    description: Annotated[str, typer.Option(help="A few words, kept on chain.")] = "",
    created_at: Annotated[
        str | None, typer.Option(help="Seconds or ISO, else now: the same input gives the same id.")
    ] = None,
    schedule: Annotated[
        Path | None, typer.Option(help="A schedule file instead of these options.")
    ] = None,
    allow_script_beneficiaries: ScriptBeneficiaries = False,
    output: Annotated[
        Path | None, typer.Option(help="Where to write the complete schedule as well.")
    ] = None,
) -> None:
    """Validate a schedule; compute its datum, id and address. Needs no network."""
    session = session_of(context)
    flags: dict[str, Any] = {
        "token_policy_id": token_policy_id,
        "token_name": asset_name(token_name, "token_name") if token_name else None,
        "beneficiary_allocations": beneficiary_allocations,
        "oracle_addresses": oracle_addresses,
        "quorum_threshold": quorum_threshold,
        "reclaim_after": None if reclaim_after is None else moment(reclaim_after, "reclaim_after"),
        "irrevocable": irrevocable or None,
        "creator": creator,
        "description": description or None,
        "created_at": None if created_at is None else moment(created_at, "created_at"),
    }
    given = {name: value for name, value in flags.items() if value is not None}
    document = _from_flags(session, given) if schedule is None else _from_file(schedule, given)

    registered = asyncio.run(
        milestones.register_milestone(
            session.workspace,
            document,
            allow_script_beneficiaries=allow_script_beneficiaries,
            output=output,
        )
    )
    session.output.result(registered)


def _from_file(schedule: Path, given: dict[str, Any]) -> dict[str, Any]:
    if given:
        option = "--" + next(iter(given)).replace("_", "-")
        raise InvalidInput(
            f"{option} can't be combined with a schedule file",
            path="schedule",
            hint=f"write it into {schedule}, or leave --schedule out",
        )
    return read_object(schedule, "schedule")


def _from_flags(session: Session, given: dict[str, Any]) -> dict[str, Any]:
    for name in (
        "token_policy_id",
        "beneficiary_allocations",
        "oracle_addresses",
        "quorum_threshold",
    ):
        if name not in given:
            option = "--" + name.replace("_", "-")
            raise InvalidInput(
                f"{option} is missing", path=name, hint=f"give {option}, or a file with --schedule"
            )
    metadata = {name: given.pop(name) for name in ("created_at", "description") if name in given}
    allocations = read_json(given["beneficiary_allocations"], "beneficiary_allocations")
    addresses = [each.strip() for each in given["oracle_addresses"].split(",") if each.strip()]
    return {
        "token_name": "",
        **given,
        "beneficiary_allocations": allocations,
        "oracle_addresses": addresses,
        "creator": given.get("creator") or _configured_address(session),
        "contract_metadata": metadata,
    }


def _configured_address(session: Session) -> str:
    if session.config.signing_key_path is None:
        raise InvalidInput(
            "nobody is named as creator, and no key is configured",
            path="creator",
            hint="give --creator, or set signing_key_path (MILESTONES_SIGNING_KEY)",
        )
    key = session.signing_key(None)
    return key.address(session.config.network_id).to_bech32()
