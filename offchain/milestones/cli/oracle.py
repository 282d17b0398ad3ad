"""`milestones oracle`: what oracles sign, and a signer for key files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

import milestones
from milestones.cli.loading import new_typer
from milestones.cli.options import (
    ContractAddress,
    MilestoneIdentifier,
    OptionalContractAddress,
    SigningKeyPath,
    distribution,
    hexadecimal,
    moment,
    read_schedule,
)
from milestones.cli.session import Session, session_of
from milestones.errors import InvalidInput

if TYPE_CHECKING:
    from milestones.services.oracle import OracleSigned


OptionalMilestone = Annotated[
    str | None, typer.Option("--milestone-identifier", help="The milestone.", show_default=False)
]
EvidenceFile = Annotated[
    Path | None, typer.Option(help="A report; blake2b-256 of the file is the evidence hash.")
]
EvidenceHash = Annotated[
    str | None, typer.Option(help="The evidence hash itself, hexadecimal, up to 64 bytes.")
]
VerificationTimestamp = Annotated[
    str | None,
    typer.Option(help="When the milestone was reached: POSIX seconds or ISO; default now."),
]

oracle: Final = new_typer(
    no_args_is_help=True,
    help="What oracles sign, and a signer for key files.",
)


@oracle.command("payload")
def oracle_payload(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    milestone_identifier: MilestoneIdentifier,
    evidence_file: EvidenceFile = None,
    evidence_hash: EvidenceHash = None,
    verification_timestamp: VerificationTimestamp = None,
) -> None:
    """Print the exact bytes that all oracles of a milestone sign. Needs no network."""
    session = session_of(context)
    result = asyncio.run(
        milestones.oracle_payload(
            session.workspace,
            contract_address=distribution(contract_address),
            milestone_identifier=milestone_identifier,
            evidence_hash=_evidence(evidence_file, evidence_hash),
            verification_timestamp=_moment(verification_timestamp),
        )
    )
    session.output.result(result)


@oracle.command("sign")
def oracle_sign(  # noqa: PLR0917 - an option each
    context: typer.Context,
    signed_data: Annotated[
        str | None, typer.Option(help="The bytes that `oracle payload` printed, hexadecimal.")
    ] = None,
    contract_address: OptionalContractAddress = None,
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
) -> None:
    """Sign for a milestone with an oracle's key file; print the entry for signatures.json."""
    session = session_of(context)
    if signed_data is None:
        if contract_address is None or milestone_identifier is None:
            raise InvalidInput(
                "nothing to sign is given",
                path="signed_data",
                hint="give --signed-data, or --contract-address and --milestone-identifier",
            )
        signed_data = _payload(
            session,
            contract_address,
            milestone_identifier,
            _evidence(evidence_file, evidence_hash),
            _moment(verification_timestamp),
        )
    elif contract_address or milestone_identifier or evidence_file or evidence_hash:
        raise InvalidInput(
            "what to sign is given twice",
            path="signed_data",
            hint="give --signed-data alone, or the milestone without it",
        )
    _sign(session, hexadecimal(signed_data, "signed_data"), schedule, output, signing_key_path)


def _payload(
    session: Session, contract: str, milestone: str, evidence: bytes, timestamp: int | None
) -> str:
    result = asyncio.run(
        milestones.oracle_payload(
            session.workspace,
            contract_address=distribution(contract),
            milestone_identifier=milestone,
            evidence_hash=evidence,
            verification_timestamp=timestamp,
        )
    )
    return result.signed_data


def _sign(
    session: Session,
    signed_data: bytes,
    schedule_file: Path | None,
    output: Path | None,
    signing_key_path: Path | None,
) -> None:
    key = session.signing_key(signing_key_path)

    async def run() -> OracleSigned:
        if schedule_file is not None:
            schedule = read_schedule(schedule_file)
            return await milestones.oracle_sign(
                session.workspace,
                signed_data=signed_data,
                key=key,
                schedule=schedule,
                output=output,
            )
        async with session.backend() as backend:
            return await milestones.oracle_sign(
                backend, signed_data=signed_data, key=key, output=output
            )

    result = asyncio.run(run())
    for line in (*result.statement, *(f"warning: {warning}" for warning in result.warnings)):
        session.output.message(line)
    if result.file is not None:
        session.output.message(f"{result.file} holds {result.file_entries} signature(s)")
    session.output.result(result.entry)


def _evidence(file: Path | None, digest: str | None) -> bytes:
    if file is not None and digest is not None:
        raise InvalidInput(
            "the evidence is given twice",
            path="evidence_hash",
            hint="give --evidence-file or --evidence-hash",
        )
    if file is not None:
        return milestones.evidence_hash_of(file)
    return b"" if digest is None else hexadecimal(digest, "evidence_hash")


def _moment(text: str | None) -> int | None:
    return None if text is None else moment(text, "verification_timestamp")
