"""`milestones oracle`: what oracles sign, a signer for key files, and the replacement of the oracles."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

import milestones
from milestones import documents
from milestones.cli.loading import Later, new_typer
from milestones.cli.options import (
    CollateralFrom,
    ContractAddress,
    DryRun,
    EvidenceFile,
    EvidenceHash,
    OptionalContractAddress,
    OptionalMilestone,
    PayerAccount,
    PayerElsewhere,
    SaidAt,
    SeriesName,
    SigningKeyPath,
    UnsignedOut,
    ValidFor,
    VerificationTimestamp,
    Wait,
    Yes,
    address,
    distribution,
    evidence,
    hexadecimal,
    optional_moment,
    read_schedule,
)
from milestones.cli.session import Session, session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from milestones.cli.views import oracles as views
    from milestones.cli.views import sending
    from milestones.protocol.distribution import ContractAddress as Contract
    from milestones.services.oracle import OracleSigned

    Ask = Callable[[milestones.Backend], Awaitable[views.ToSign]]
    from milestones.cli.views import series as series_views
else:
    series_views = Later("milestones.cli.views.series")
    views = Later("milestones.cli.views.oracles")
    sending = Later("milestones.cli.views.sending")

oracle: Final = new_typer(
    no_args_is_help=True,
    help="What oracles sign, a signer for key files, and the replacement of the oracles.",
)


@oracle.command("payload")
def oracle_payload(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    milestone_identifier: OptionalMilestone = None,
    notice: Annotated[
        bool, typer.Option("--notice", help="That the distribution is to be ended.")
    ] = False,
    object_to: Annotated[
        str | None,
        typer.Option(
            "--object",
            help="That a proposal is wrong: its output <id>#<index>, or its milestone.",
            show_default=False,
        ),
    ] = None,
    bond_to: Annotated[
        str | None,
        typer.Option(help="With --object: the address its bond goes to.", show_default=False),
    ] = None,
    rotate_to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="<address>",
            help="That the oracles are replaced: an oracle to be; repeated, or with commas.",
            show_default=False,
        ),
    ] = None,
    next_quorum: Annotated[
        int | None,
        typer.Option(help="With --rotate-to: how many are a quorum.", show_default=False),
    ] = None,
    evidence_file: EvidenceFile = None,
    evidence_hash: EvidenceHash = None,
    verification_timestamp: VerificationTimestamp = None,
    said_at: SaidAt = None,
    signatures: Annotated[
        Path | None,
        typer.Option(
            help="What others have signed: without another time, theirs is taken.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the exact bytes that oracles sign. For a milestone and a notice it needs no network."""
    session = session_of(context)
    contract = distribution(contract_address)
    _must_be_one(milestone_identifier, notice, object_to, rotate_to)
    result: views.ToSign
    if object_to is not None:
        result = _asked(session, _objection(contract, object_to, bond_to))
    elif rotate_to:
        result = _asked(session, _rotation(contract, rotate_to, next_quorum))
    elif notice:
        result = asyncio.run(
            milestones.notice_payload(
                session.workspace,
                contract_address=contract,
                evidence_hash=evidence(evidence_file, evidence_hash),
                said_at_timestamp=optional_moment(said_at, "said_at"),
            )
        )
    else:
        result = asyncio.run(
            milestones.oracle_payload(
                session.workspace,
                contract_address=contract,
                milestone_identifier=milestone_identifier or "",
                evidence_hash=evidence(evidence_file, evidence_hash),
                verification_timestamp=optional_moment(
                    verification_timestamp, "verification_timestamp"
                ),
                collected=() if signatures is None else milestones.read_signature_file(signatures),
                ask=_when if session.output.asks else None,
            )
        )
    session.output.result(result, views.to_sign)


def _when() -> int | None:
    """Asks a person for the time; None for now."""
    answer: str = typer.prompt(
        "When was it reached? A UTC time or POSIX seconds; nothing for now",
        default="",
        show_default=False,
        err=True,
    )
    return optional_moment(answer.strip() or None, "verification_timestamp")


def _must_be_one(*kinds: object) -> None:
    if sum(bool(each) for each in kinds) != 1:
        raise InvalidInput(
            "one thing to sign is needed, and not several",
            path="milestone_identifier",
            hint="give one of --milestone-identifier, --notice, --object and --rotate-to",
        )


def _objection(contract: Contract, proposal: str, bond_to: str | None) -> Ask:
    if bond_to is None:
        raise InvalidInput(
            "where the proposal's bond goes is missing",
            path="bond_to",
            hint="give an address with --bond-to: the oracles sign that, too",
        )
    to = address(bond_to, "bond_to")
    return lambda backend: milestones.objection_payload(
        backend, contract_address=contract, proposal=proposal, bond_to=to
    )


def _rotation(contract: Contract, rotate_to: list[str], next_quorum: int | None) -> Ask:
    if next_quorum is None:
        raise InvalidInput(
            "how many of the next oracles are a quorum is missing",
            path="next_quorum",
            hint="give a number with --next-quorum: the oracles sign that, too",
        )
    given = [part for text in rotate_to for part in text.split(",") if part.strip()]
    oracles = [address(each, "rotate_to") for each in given]
    return lambda backend: milestones.rotation_payload(
        backend, contract_address=contract, oracle_addresses=oracles, quorum_threshold=next_quorum
    )


def _asked(session: Session, ask: Ask) -> views.ToSign:
    async def run() -> views.ToSign:
        async with session.backend() as backend:
            return await ask(backend)

    return asyncio.run(run())


@oracle.command("sign")
def oracle_sign(  # noqa: PLR0917 - an option each
    context: typer.Context,
    signed_data: Annotated[
        str | None, typer.Option(help="The bytes that `oracle payload` printed, hexadecimal.")
    ] = None,
    contract_address: OptionalContractAddress = None,
    series: SeriesName = None,
    milestone_identifier: OptionalMilestone = None,
    evidence_file: EvidenceFile = None,
    evidence_hash: EvidenceHash = None,
    verification_timestamp: VerificationTimestamp = None,
    schedule: Annotated[
        Path | None, typer.Option(help="The schedule file: then no service is asked.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="A signatures.json that the entry is added to.")
    ] = None,
    signing_key_path: SigningKeyPath = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking on a terminal.")] = False,
) -> None:
    """Sign with an oracle's key file, after saying what; print the entry for signatures.json.

    On a terminal it asks before it signs.
    """
    session = session_of(context)
    asks = session.output.asks and not yes

    def approve() -> None:
        if asks and not typer.confirm("Sign it?", err=True):
            session.output.message("nothing was signed")
            raise typer.Abort

    if series is not None:
        _only_a_series(signed_data, contract_address, schedule)
        _sign_in_series(
            session,
            series,
            milestone_identifier=milestone_identifier,
            output=output,
            key=session.signing_key(signing_key_path),
            evidence_hash=evidence(evidence_file, evidence_hash),
            verification_timestamp=optional_moment(
                verification_timestamp, "verification_timestamp"
            ),
            approve=approve,
        )
        return
    if signed_data is None:
        if contract_address is None or milestone_identifier is None:
            raise InvalidInput(
                "nothing to sign is given",
                path="signed_data",
                hint="give --signed-data, or --contract-address and --milestone-identifier",
            )
        made = asyncio.run(
            milestones.oracle_payload(
                session.workspace,
                contract_address=distribution(contract_address),
                milestone_identifier=milestone_identifier,
                evidence_hash=evidence(evidence_file, evidence_hash),
                verification_timestamp=optional_moment(
                    verification_timestamp, "verification_timestamp"
                ),
                collected=_collected(output),
                ask=_when if asks else None,
            )
        )
        signed_data = made.signed_data
        if made.time_from == "clock":
            session.output.message(f"warning: {made.warnings[-1]}")
    elif contract_address or milestone_identifier or evidence_file or evidence_hash:
        raise InvalidInput(
            "what to sign is given twice",
            path="signed_data",
            hint="give --signed-data alone, or the milestone without it",
        )
    key, show = session.signing_key(signing_key_path), session.output.message
    to_sign = hexadecimal(signed_data, "signed_data")

    async def run() -> OracleSigned:
        if schedule is not None:
            return await milestones.oracle_sign(
                session.workspace,
                signed_data=to_sign,
                key=key,
                schedule=read_schedule(schedule),
                output=output,
                show=show,
                approve=approve,
            )
        async with session.backend() as backend:
            return await milestones.oracle_sign(
                backend, signed_data=to_sign, key=key, output=output, show=show, approve=approve
            )

    _print_entry(session, asyncio.run(run()))


def _only_a_series(*others: object) -> None:
    if any(others):
        raise InvalidInput(
            "what to sign is given twice",
            path="series",
            hint="give --series, --milestone-identifier and --output, and no other distribution",
        )


def _sign_in_series(
    session: Session,
    series: str,
    *,
    milestone_identifier: str | None,
    output: Path | None,
    key: milestones.SigningKey,
    evidence_hash: bytes,
    verification_timestamp: int | None,
    approve: Callable[[], None],
) -> None:
    """Signs a milestone for every distribution of a series in which it lives, into one file."""
    if milestone_identifier is None or output is None:
        raise InvalidInput(
            "a milestone of a series is signed for all distributions in which it lives, into one file",
            path="series",
            hint="give --series with --milestone-identifier and --output",
        )
    session.output.result(
        asyncio.run(
            milestones.sign_in_series(
                session.workspace,
                milestones.find_series(session.workspace, series),
                milestone_identifier=milestone_identifier,
                key=key,
                output=output,
                evidence_hash=evidence_hash,
                verification_timestamp=verification_timestamp,
                show=session.output.message,
                approve=approve,
            )
        ),
        series_views.signed,
    )


def _collected(output: Path | None) -> tuple[milestones.OracleSignature, ...]:
    """The entries that are in a file already."""
    return () if output is None or not output.exists() else milestones.read_signature_file(output)


def _print_entry(session: Session, result: OracleSigned) -> None:
    if result.file is not None and session.output.as_json:
        session.output.message(f"{result.file} holds {result.file_entries} signature(s)")
    session.output.result(result.entry, lambda _: views.signed(result))


@oracle.command("import")
def oracle_import(
    context: typer.Context,
    answer: Annotated[
        Path,
        typer.Argument(
            help="JSON file with what the wallet's signData returned; - for standard input.",
            show_default=False,
            allow_dash=True,
        ),
    ],
    output: Annotated[
        Path | None, typer.Option(help="A signatures.json that the entry is added to.")
    ] = None,
) -> None:
    """Make an entry for signatures.json from what a wallet signed. Needs no network."""
    session = session_of(context)
    returned = documents.read_json(answer, documents.WALLET_ANSWER, "answer", InvalidInput)
    result = milestones.oracle_import(session.workspace, returned, output=output)
    for line in result.statement:
        session.output.message(line)
    _print_entry(session, result)


@oracle.command("rotate")
def oracle_rotate(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    signatures: Annotated[
        Path,
        typer.Option(help="JSON file that `oracle sign --output` wrote.", show_default=False),
    ],
    signing_key_path: SigningKeyPath = None,
    payer: PayerElsewhere = None,
    payer_account: PayerAccount = False,
    unsigned_out: UnsignedOut = None,
    valid_for: ValidFor = None,
    collateral: CollateralFrom = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
) -> None:
    """Put other oracles in the place of those that sit, as a quorum of them signed it."""
    session = session_of(context)
    contract = distribution(contract_address)
    entries = milestones.read_signature_file(signatures)
    key = session.payer(
        signing_key_path, payer, unsigned_out, valid_for, collateral, account=payer_account
    )
    session.perform(
        lambda backend: milestones.oracle_rotate(
            backend,
            contract_address=contract,
            signatures=entries,
            key=key,
            dry_run=dry_run,
            wait=wait,
        ),
        sending.replaced,
        yes=yes,
    )
