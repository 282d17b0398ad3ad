"""What oracles and beneficiaries do with a series without asking anybody: sign everywhere, and write claims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from milestones.cardano.address import Address
from milestones.domain.models import OracleSignature
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import AddressField, HexField
from milestones.errors import InvalidSignature, NotFound
from milestones.keys.key_files import SigningKey
from milestones.protocol.statements import MilestoneStatement
from milestones.services.backend import Workspace, now_posix_ms
from milestones.services.claim_file import write_claim_file
from milestones.services.distribution.series import (
    part_distribution,
    parts_of,
    paying,
    waiting_for,
)
from milestones.services.oracle import oracle_payload, oracle_sign
from milestones.services.results import Result
from milestones.storage.series_files import SeriesFolder


class SeriesSigned(Result):
    """What an oracle signed about a milestone, in each distribution in which it lives; all in one file."""

    series_root: HexField
    milestone_identifier: str
    oracle_address: str
    verification_timestamp: int
    parts: tuple[int, ...]
    file: str


async def sign_in_series(
    workspace: Workspace,
    series: SeriesFolder,
    *,
    milestone_identifier: str,
    key: SigningKey,
    output: Path,
    evidence_hash: bytes = b"",
    verification_timestamp: int | None = None,
    show: Callable[[str], None] = lambda _: None,
    approve: Callable[[], None] = lambda: None,
) -> SeriesSigned:
    """Signs that a milestone is reached, for every distribution of a series in which somebody waits for it.

    All say the same, with one time (POSIX seconds; None: now). `show` hears the words of the first and how
    many there are, then `approve` is called, which may raise. The entries are merged into `output`. Raises
    `NotFound` for a milestone that the series doesn't have.
    """
    parts = parts_of(workspace, series, waiting_for(milestone_identifier))
    if not parts:
        raise NotFound(
            f"nobody in this series waits for milestone {milestone_identifier!r}",
            hint="see its milestones with `milestones check-status --series`",
        )
    when = verification_timestamp
    if when is None:
        when = to_posix_seconds(now_posix_ms())
    show(f"the same for {len(parts)} distributions of the series {series.record.series_root.hex()}")
    oracle = ""
    for number, (part, name) in enumerate(parts):
        made = await oracle_payload(
            workspace,
            contract_address=name,
            milestone_identifier=milestone_identifier,
            evidence_hash=evidence_hash,
            verification_timestamp=when,
        )
        signed = await oracle_sign(
            workspace,
            signed_data=bytes.fromhex(made.signed_data),
            key=key,
            schedule=part_distribution(workspace, series, part).schedule(),
            output=output,
            show=(lambda _: None) if number else show,
            approve=(lambda: None) if number else approve,
        )
        oracle = signed.entry.oracle_address
    return SeriesSigned(
        series_root=series.record.series_root,
        milestone_identifier=milestone_identifier,
        oracle_address=oracle,
        verification_timestamp=when,
        parts=tuple(part.part for part, _ in parts),
        file=str(output),
    )


def entries_about(
    entries: Sequence[OracleSignature], distribution_id: bytes
) -> tuple[OracleSignature, ...]:
    """Those entries of a file for a whole series that are about one distribution (id of 28 bytes)."""
    found = []
    for entry in entries:
        try:
            statement = MilestoneStatement.parse(entry.signed_data)
        except InvalidSignature:
            continue
        if statement.distribution_id == distribution_id:
            found.append(entry)
    return tuple(found)


class SeriesClaimFiles(Result):
    """The claim files of a beneficiary, one for each distribution that pays them."""

    series_root: HexField
    beneficiary_address: AddressField
    files: tuple[str, ...]


def write_claim_files(
    workspace: Workspace, series: SeriesFolder, *, beneficiary_address: Address, output: Path
) -> SeriesClaimFiles:
    """Writes a claim file for each distribution that pays an address: `output`, with the part in its name.

    Raises `NotFound` for somebody whom the series doesn't pay, `InvalidInput` where other files are there.
    """
    parts = parts_of(workspace, series, paying(beneficiary_address))
    if not parts:
        raise NotFound(
            f"{beneficiary_address} has no allocation in this series",
            hint="check the address, its staking part included",
        )
    files = []
    for part, _ in parts:
        file = output.with_name(f"{output.stem}-part-{part.part}{output.suffix or '.json'}")
        distribution = part_distribution(workspace, series, part)
        written = write_claim_file(
            workspace,
            distribution.schedule(),
            beneficiary_address=beneficiary_address,
            output=file,
        )
        files.append(written.file)
    return SeriesClaimFiles(
        series_root=series.record.series_root,
        beneficiary_address=beneficiary_address,
        files=tuple(files),
    )
