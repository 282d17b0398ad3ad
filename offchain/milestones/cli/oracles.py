"""What oracles sign, and what becomes of their signatures."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from milestones.cli.json_files import read_object
from milestones.cli.options import (
    ContractAddress,
    DryRun,
    SigningKeyPath,
    Wait,
    address,
    hexadecimal,
    moment,
)
from milestones.cli.session import Session, session_of
from milestones.errors import InvalidInput

MilestoneIdentifier = Annotated[
    str, typer.Option("--milestone-identifier", help="The milestone.", show_default=False)
]
OptionalMilestone = Annotated[
    str | None, typer.Option("--milestone-identifier", help="The milestone.", show_default=False)
]
OptionalAddress = Annotated[
    str | None, typer.Option("--contract-address", help="The distribution's address.")
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

oracle = typer.Typer(no_args_is_help=True, help="What oracles sign, and a signer for key files.")


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

    from milestones.services.oracle import oracle_payload as service  # noqa: PLC0415

    result = asyncio.run(
        service(
            session.workspace,
            contract_address=address(contract_address, "contract_address"),
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
    contract_address: OptionalAddress = None,
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
    from milestones.services.oracle import oracle_payload as service  # noqa: PLC0415

    result = asyncio.run(
        service(
            session.workspace,
            contract_address=address(contract, "contract_address"),
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
    from milestones.domain.schedule import parse_schedule  # noqa: PLC0415 - only where needed
    from milestones.services.oracle import OracleSigned  # noqa: PLC0415
    from milestones.services.oracle import oracle_sign as service  # noqa: PLC0415

    key = session.signing_key(signing_key_path)

    async def run() -> OracleSigned:
        if schedule_file is not None:
            schedule = parse_schedule(read_object(schedule_file, "schedule"))
            return await service(
                session.workspace,
                signed_data=signed_data,
                key=key,
                schedule=schedule,
                output=output,
            )
        async with session.backend() as backend:
            return await service(backend, signed_data=signed_data, key=key, output=output)

    result = asyncio.run(run())
    for line in (*result.statement, *(f"warning: {warning}" for warning in result.warnings)):
        session.output.message(line)
    if result.file is not None:
        session.output.message(f"{result.file} holds {result.file_entries} signature(s)")
    session.output.result(result.entry)


def commit_milestone(  # noqa: PLR0917 - an option each
    context: typer.Context,
    milestone_identifier: MilestoneIdentifier,
    oracle_signatures: Annotated[
        Path, typer.Option(help="JSON file with the oracles' entries.", show_default=False)
    ],
    quorum_threshold: Annotated[
        int | None, typer.Option(help="How many oracles must sign; else what the terms say.")
    ] = None,
    total_oracles: Annotated[
        int | None, typer.Option(help="How many oracles there are; else what the terms say.")
    ] = None,
    contract_address: OptionalAddress = None,
) -> None:
    """Check the form of oracle signatures, and keep them. Needs no network where the terms are known."""
    session = session_of(context)

    from milestones.services.commit_milestone import (  # noqa: PLC0415 - only where needed
        commit_milestone as service,
    )
    from milestones.storage.signature_files import read_signature_file  # noqa: PLC0415

    entries = read_signature_file(oracle_signatures)
    contract = None
    if contract_address is not None:
        contract = address(contract_address, "contract_address")
    session.perform(
        lambda backend: service(
            backend,
            milestone_identifier=milestone_identifier,
            oracle_signatures=entries,
            quorum_threshold=quorum_threshold,
            total_oracles=total_oracles,
            contract_address=contract,
        )
    )


def attest(  # noqa: PLR0917 - an option each
    context: typer.Context,
    contract_address: ContractAddress,
    milestone_identifier: MilestoneIdentifier,
    signing_key_path: SigningKeyPath = None,
    dry_run: DryRun = False,
    wait: Wait = False,
) -> None:
    """Put the signatures of a quorum of oracles on the chain, which verifies them."""
    session = session_of(context)
    contract = address(contract_address, "contract_address")
    key = session.signing_key(signing_key_path)

    from milestones.services.attest import attest as service  # noqa: PLC0415 - only where needed

    session.perform(
        lambda backend: service(
            backend,
            contract_address=contract,
            milestone_identifier=milestone_identifier,
            key=key,
            dry_run=dry_run,
            wait=wait,
        )
    )


def _evidence(file: Path | None, digest: str | None) -> bytes:
    if file is not None and digest is not None:
        raise InvalidInput(
            "the evidence is given twice",
            path="evidence_hash",
            hint="give --evidence-file or --evidence-hash",
        )
    if file is not None:
        from milestones.services.oracle import evidence_hash_of  # noqa: PLC0415

        return evidence_hash_of(file)
    return b"" if digest is None else hexadecimal(digest, "evidence_hash")


def _moment(text: str | None) -> int | None:
    return None if text is None else moment(text, "verification_timestamp")
