"""`milestones register-milestone`: a schedule out of options, or out of a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

import milestones
from milestones import documents
from milestones.cli.loading import Later
from milestones.cli.options import (
    DecimalMark,
    Decimals,
    ScriptBeneficiaries,
    address,
    asset_name,
    duration,
    missing,
    moment,
    native_script,
)
from milestones.cli.session import Session, session_of
from milestones.errors import InvalidInput, InvalidSchedule

if TYPE_CHECKING:
    from milestones.cli.views import register_milestone as views
else:
    views = Later("milestones.cli.views.register_milestone")

Order = Literal["payout", "file"]
CREATOR: Final = "creator"
OLDEST: Final = "oldest"
USUAL_KEY: Final = Path("payment.skey")
NEEDED: Final = (
    "token_policy_id",
    "beneficiary_allocations",
    "oracle_addresses",
    "quorum_threshold",
)


def register_milestone(  # noqa: PLR0917 - an option each
    context: typer.Context,
    token_policy_id: Annotated[
        str | None,
        typer.Option(
            help="Policy of the token, hexadecimal; empty for ADA.  [required, or --schedule]"
        ),
    ] = None,
    token_name: Annotated[str, typer.Option(help="Name of the token: text, or 0x and hex.")] = "",
    beneficiary_allocations: Annotated[
        Path | None,
        typer.Option(
            help="Table (CSV) or JSON: who gets how much, when, for which milestone.  [required, or"
            " --schedule]"
        ),
    ] = None,
    decimals: Decimals = None,
    decimal_mark: DecimalMark = None,
    oracle_addresses: Annotated[
        str | None,
        typer.Option(
            help="The oracles' addresses, with commas between.  [required, or --schedule]"
        ),
    ] = None,
    quorum_threshold: Annotated[
        int | None,
        typer.Option(help="How many oracles must sign.  [required, or --schedule]"),
    ] = None,
    reclaim_after: Annotated[
        str | None,
        typer.Option(
            help="From when on the creator can take unclaimed tokens back: seconds or ISO; else a year after"
            " the last vesting."
        ),
    ] = None,
    irrevocable: Annotated[
        bool, typer.Option("--irrevocable", help="No time comes to take unclaimed tokens back.")
    ] = False,
    creator: Annotated[
        str | None,
        typer.Option(
            help="Who opens and closes; else the address of the configured key, or of payment.skey here."
        ),
    ] = None,
    description: Annotated[str, typer.Option(help="A few words, kept on chain.")] = "",
    created_at: Annotated[
        str | None, typer.Option(help="Seconds or ISO, else now: the same input gives the same id.")
    ] = None,
    schedule: Annotated[
        Path | None, typer.Option(help="A schedule file instead of these options.")
    ] = None,
    allowance: Annotated[
        int | None,
        typer.Option(help="Lovelace that whoever pays out may take from the vault for each claim."),
    ] = None,
    staking: Annotated[
        str | None,
        typer.Option(
            help="Who delegates the ADA in it: a stake address, `creator`, or a native script's JSON"
            " file of cardano-cli; for these two a stake script is made, unique to this distribution."
        ),
    ] = None,
    refund_address: Annotated[
        str | None,
        typer.Option(
            help="Where money returns when another than the creator's key ends it; else the creator's."
        ),
    ] = None,
    refund_datum: Annotated[
        str | None, typer.Option(help="The datum that a refund carries: CBOR in hexadecimal.")
    ] = None,
    cancel_by: Annotated[
        list[str] | None,
        typer.Option(
            help="Who may give notice that it will end: `creator` or `quorum`, each alone; may be"
            " repeated."
        ),
    ] = None,
    cancel_grace: Annotated[
        str | None,
        typer.Option(help="How long after a notice it goes on: seconds, 14d, 36h; at least 7d."),
    ] = None,
    waiver_after: Annotated[
        str | None,
        typer.Option(help="From when on the creator alone can attest: seconds or ISO."),
    ] = None,
    objectors: Annotated[
        int | None,
        typer.Option(help="Anybody may propose a milestone; so many oracles stop a proposal."),
    ] = None,
    review_period: Annotated[
        str | None,
        typer.Option(help="How long they have to object: seconds, 3d, 36h; at least 1d."),
    ] = None,
    review_bond: Annotated[
        int | None, typer.Option(help="Lovelace that a proposal must hold as its bond.")
    ] = None,
    rotatable: Annotated[
        str | None,
        typer.Option(
            metavar="OUTPUT",
            help="A quorum may replace the oracles. Takes an output of the wallet that will open,"
            " <transaction id>#<index>, or `oldest` to look it up.",
        ),
    ] = None,
    allow_script_beneficiaries: ScriptBeneficiaries = False,
    output: Annotated[
        Path | None, typer.Option(help="Where to write the complete schedule as well.")
    ] = None,
    part_size: Annotated[
        int | None,
        typer.Option(
            help="Cut into a series of distributions with so many allocations each, a multiple of 64; more"
            " than 65,536 allocations are a series of such always. Smaller ones make cheaper claims, and"
            " more openings.",
            show_default=False,
        ),
    ] = None,
    order: Annotated[
        Order | None,
        typer.Option(
            help="Of a series: `payout` (the default) puts together what is paid together, by milestone and"
            " time; `file` keeps the rows as they are.",
            show_default=False,
        ),
    ] = None,
    uri: Annotated[
        str | None,
        typer.Option(
            help="Of a series: where the file of its rows will be found; it is named in the terms.",
            show_default=False,
        ),
    ] = None,
    list_all: Annotated[
        bool, typer.Option("--list", help="Print every allocation, however many they are.")
    ] = False,
) -> None:
    """Validate a schedule; compute its datum, id and address; say its terms in words. Needs no network.

    Nothing of what follows `--schedule` is on unless it is asked for.
    """
    session = session_of(context)
    flags: dict[str, Any] = {
        "token_policy_id": token_policy_id,
        "token_name": asset_name(token_name, "token_name") if token_name else None,
        "beneficiary_allocations": beneficiary_allocations,
        "decimals": decimals,
        "decimal_mark": decimal_mark,
        "oracle_addresses": oracle_addresses,
        "quorum_threshold": quorum_threshold,
        "reclaim_after": _optional(moment, reclaim_after, "reclaim_after"),
        "irrevocable": irrevocable or None,
        "creator": creator,
        "description": description or None,
        "created_at": _optional(moment, created_at, "created_at"),
        "allowance_lovelace": allowance,
        "staking": staking,
        "refund_address": refund_address,
        "refund_datum": refund_datum,
        "cancel_by": cancel_by or None,
        "cancel_grace_seconds": _optional(duration, cancel_grace, "cancel_grace"),
        "waiver_after": _optional(moment, waiver_after, "waiver_after"),
        "objectors": objectors,
        "review_period_seconds": _optional(duration, review_period, "review_period"),
        "review_bond_lovelace": review_bond,
        "rotatable": rotatable,
    }
    given = {name: value for name, value in flags.items() if value is not None}
    if schedule is None:
        document, read = _from_flags(session, given)
    else:
        document = _from_file(schedule, given)
        read = milestones.AllocationsRead(document.get("beneficiary_allocations"), table=None)

    if _is_series(read, part_size, order, uri):
        _must_be_possible(
            staking=_stake_holder(document) is not None, output=output, list_all=list_all
        )
        try:
            series = asyncio.run(
                milestones.register_series(
                    session.workspace,
                    document,
                    part_allocations=part_size,
                    order=order or "payout",
                    uri=uri or "",
                    allow_script_beneficiaries=allow_script_beneficiaries,
                    progress=session.output.message,
                )
            )
        except InvalidSchedule as error:
            raise read.located(error) from None
        session.output.result(read.warned(series), views.series)
        return
    try:
        registered = asyncio.run(
            milestones.register_milestone(
                session.workspace,
                document,
                stake_holder=_stake_holder(document),
                allow_script_beneficiaries=allow_script_beneficiaries,
                output=output,
                list_all=list_all,
            )
        )
    except InvalidSchedule as error:
        raise read.located(error) from None
    session.show(read.warned(registered), views.registered)


def _is_series(
    read: milestones.AllocationsRead, part_size: int | None, order: str | None, uri: str | None
) -> bool:
    return read.is_for_a_series or any(each is not None for each in (part_size, order, uri))


def _must_be_possible(*, staking: bool, output: Path | None, list_all: bool) -> None:
    """What one distribution has and a series hasn't is refused by the option's name."""
    given = {"staking": staking, "output": output is not None, "list": list_all}
    for option in (name for name, is_given in given.items() if is_given):
        raise InvalidInput(
            "a series of distributions doesn't have it"
            if option != "staking"
            else "a stake script of its own is one distribution's, and this is a series of them",
            path=option,
            hint="leave it out, or register up to 65,536 allocations at a time",
        )


def _optional(read: Callable[[str, str], int], text: str | None, option: str) -> int | None:
    return None if text is None else read(text, option)


def _stake_holder(document: dict[str, Any]) -> Any:
    """Who shall hold a stake script of the distribution's own, taken out of the document."""
    given = document.get("staking")
    if not isinstance(given, str) or given.lower().startswith("stake"):
        return None
    del document["staking"]
    return given if given == CREATOR else native_script(given, "staking")


def _oldest(session: Session, creator: str) -> str:
    async def look() -> str:
        async with session.backend() as backend:
            return await milestones.oldest_output(backend, address(creator, "creator"))

    return asyncio.run(look())


def _from_file(schedule: Path, given: dict[str, Any]) -> dict[str, Any]:
    if given:
        name = next(iter(given))
        option = "--" + name.removesuffix("_lovelace").removesuffix("_seconds").replace("_", "-")
        raise InvalidInput(
            f"{option} can't be combined with a schedule file",
            path="schedule",
            hint=f"write it into {schedule}, or leave --schedule out",
        )
    return documents.read_object(schedule, documents.SCHEDULE, "schedule", InvalidInput)


def _from_flags(
    session: Session, given: dict[str, Any]
) -> tuple[dict[str, Any], milestones.AllocationsRead]:
    """The document, and how its allocations were read."""
    lacking = [name for name in NEEDED if name not in given]
    if "creator" not in given and _key_path(session) is None:
        lacking.append("creator")
    if lacking:
        raise missing(lacking, _what_to_give(lacking))
    metadata = {name: given.pop(name) for name in ("created_at", "description") if name in given}
    subject = given["token_policy_id"].strip() + given.get("token_name", "")
    read = milestones.read_allocations(
        given["beneficiary_allocations"],
        registered=session.registered(subject),
        is_ada=not given["token_policy_id"],
        decimals=given.pop("decimals", None),
        decimal_mark=given.pop("decimal_mark", None),
    )
    if "creator" in given:
        creator = session.address_of(given["creator"], "creator").to_bech32()
    else:
        creator = _address_of_the_key(session)
    if given.get("rotatable") == OLDEST:
        given["rotatable"] = _oldest(session, creator)
    addresses = [each.strip() for each in given["oracle_addresses"].split(",") if each.strip()]
    document = {
        "token_name": "",
        **given,
        "beneficiary_allocations": read.allocations,
        "oracle_addresses": addresses,
        "creator": creator,
        "contract_metadata": metadata,
    }
    return document, read


def _what_to_give(lacking: list[str]) -> str:
    if lacking == [CREATOR]:
        return (
            "give --creator, set signing_key_path (MILESTONES_SIGNING_KEY), or have the key in"
            f" {USUAL_KEY} here"
        )
    return "give them, or a file with --schedule"


def _key_path(session: Session) -> Path | None:
    """The configured key, else the one that lies where the program runs."""
    configured = session.config.signing_key_path
    return configured or (USUAL_KEY if USUAL_KEY.is_file() else None)


def _address_of_the_key(session: Session) -> str:
    path = _key_path(session)
    address = session.signing_key(path).address(session.config.network_id).to_bech32()
    session.output.message(f"creator: {address}, whose key is {path}")
    return address
