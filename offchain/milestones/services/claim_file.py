"""`claim-file`: what one beneficiary of a private distribution needs to claim. Asks nobody."""

from __future__ import annotations

from pathlib import Path

from milestones.cardano.address import Address
from milestones.documents import write_new
from milestones.domain.models import MilestoneSchedule
from milestones.errors import InvalidInput
from milestones.protocol.claim_file import make_claim_file
from milestones.protocol.distribution import Distribution
from milestones.services.backend import Workspace, select_version
from milestones.services.distribution.claims import allocations_of
from milestones.services.results import Result
from milestones.storage.files import to_text


class ClaimFileWritten(Result):
    """The file, whose it is, and the numbers of the allocations in it."""

    file: str
    contract_address: str
    distribution_id: str
    beneficiary_address: str
    beneficiary_indices: tuple[int, ...]


def write_claim_file(
    workspace: Workspace, schedule: MilestoneSchedule, *, beneficiary_address: Address, output: Path
) -> ClaimFileWritten:
    """Writes all allocations of a beneficiary, each with its proof.

    The file stays good as long as the distribution lives: the roots that its proofs lead to never change.
    Raises `NotFound` for somebody without allocation, `InvalidInput` where another file is there already.
    """
    workspace = select_version(workspace, schedule.contract_metadata.contract_version)
    distribution = Distribution.from_schedule(schedule, workspace.contract)
    theirs = allocations_of(distribution, beneficiary_address)
    document = make_claim_file(distribution, theirs).model_dump(mode="json")
    write_new(output, to_text(document), "output", InvalidInput)
    return ClaimFileWritten(
        file=str(output),
        contract_address=distribution.address.to_bech32(),
        distribution_id=distribution.id.hex(),
        beneficiary_address=beneficiary_address.to_bech32(),
        beneficiary_indices=theirs,
    )
