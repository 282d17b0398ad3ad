"""A data directory, a schedule and its oracles; no chain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from milestones.cardano.address import Address, key_credential
from milestones.domain.models import (
    Allocation,
    ContractMetadata,
    MilestoneSchedule,
    OracleSignature,
)
from milestones.keys.key_files import SigningKey
from milestones.protocol.distribution import Distribution
from milestones.protocol.statements import MilestoneStatement
from milestones.protocol.validator_loader import Contract
from milestones.services.backend import Network, Workspace
from milestones.storage.storage import Storage
from milestones.testing.cast import key_of

REACHED = 1_735_689_600
"""When the milestones were reached, in POSIX seconds."""


@dataclass(frozen=True)
class Desk:
    """Where signatures arrive: a workspace, a schedule with oracles 0 to 2 and quorum 2."""

    workspace: Workspace
    schedule: MilestoneSchedule
    distribution: Distribution

    @staticmethod
    def key(number: int) -> SigningKey:
        """An oracle's key; numbers from 3 on are strangers."""
        return key_of(f"oracle-{number}")

    def know_schedule(self) -> None:
        """Puts the schedule where registering puts it."""
        document = self.schedule.model_dump(mode="json", exclude_none=True)
        self.workspace.storage.schedules.save(self.distribution.id, document)

    def statement(self, milestone: str = "milestone-001", **changes: Any) -> MilestoneStatement:
        """What oracles say of a milestone."""
        usual = MilestoneStatement(
            self.workspace.contract.policy_id,
            self.distribution.id,
            milestone.encode(),
            b"",
            REACHED * 1000,
        )
        return replace(usual, **changes)

    def entry(
        self, number: int, milestone: str = "milestone-001", **changes: Any
    ) -> OracleSignature:
        """A genuine entry; changes are the statement's."""
        key, signed_data = self.key(number), self.statement(milestone, **changes).signed_data
        return OracleSignature(
            oracle_address=key.address(0),
            signature=key.sign(signed_data),
            signed_data=signed_data,
            signature_timestamp=REACHED + number,
            verification_key=key.verification_key,
        )


def desk_in(folder: Path, contract: Contract) -> Desk:
    """A desk whose data directory doesn't exist yet."""
    beneficiary = Address(0, key_credential(bytes(28)))
    schedule = MilestoneSchedule(
        token_policy_id=b"\x01" * 28,
        token_name=b"GRANT",
        beneficiary_allocations=tuple(
            Allocation(
                beneficiary_address=beneficiary,
                token_amount=1000 * number,
                milestone_identifier=f"milestone-00{number}",
                vesting_timestamp=REACHED,
            )
            for number in (1, 2)
        ),
        oracle_addresses=tuple(Desk.key(number).address(0) for number in range(3)),
        quorum_threshold=2,
        creator=beneficiary,
        irrevocable=True,
        contract_metadata=ContractMetadata(created_at=REACHED, network_magic=42),
    )
    workspace = Workspace(
        contract=contract, network=Network("devnet", 42), storage=Storage(folder / "data")
    )
    return Desk(workspace, schedule, Distribution.from_schedule(schedule, contract))
