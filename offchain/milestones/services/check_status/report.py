"""What `check-status` reports. Amounts in the token's smallest unit; times in POSIX seconds."""

from __future__ import annotations

from typing import Literal

from milestones.domain.models import QuorumStatus
from milestones.domain.reading import AddressField, HexField
from milestones.services.distribution.datum import CredentialView
from milestones.services.distribution.history import DistributionStatus
from milestones.services.distribution.in_use import ProposalState
from milestones.services.results import Result, View


class MilestoneStatus(View):
    """One milestone. `verified`: attested on the chain, or a quorum's signatures are at hand.

    `source` says which: `chain`, or `local` signatures, of which only the form was checked; None while
    not verified. `vesting_passed`: all its allocations are vested; None, like the numbers after it,
    where the schedule isn't known. `claimable_count` and `claimable_amount`: what can be paid out now.
    """

    milestone_identifier: str
    verified: bool
    quorum_status: QuorumStatus
    signature_count: int
    quorum_threshold: int
    vesting_passed: bool | None
    total_oracles: int
    attested: bool
    source: Literal["chain", "local"] | None
    verification_timestamp: int | None
    allocation_count: int | None
    vested_count: int | None
    claimed_count: int | None
    token_amount: int | None
    claimable_count: int | None
    claimable_amount: int | None


class ContractState(View):
    """The distribution as a whole. `unclaimed_count` is None where the schedule isn't known.

    `status`: `open`; `completed`, closed once all was paid; `cancelled`, ended after a notice; `ended`, by
    the creator or because everything went home, with something left. `returned_token_amount` is what was
    taken back then. Quorum and oracles are those that count now. `staking` is the credential of the
    vaults' stake, None where nobody holds it. `allowance_lovelace` is what whoever pays out takes for a
    claim, and `claims_repaid` for how many more claims that lasts; None where it is off.
    """

    total_token_amount: int
    remaining_token_amount: int
    claimed_count: int
    unclaimed_count: int | None
    token_policy_id: HexField
    token_name: HexField
    quorum_threshold: int
    total_oracles: int
    reclaim_after: int | None
    closed: bool
    status: DistributionStatus
    returned_token_amount: int
    opening_transaction: str
    opened_at: int
    staking: CredentialView | None = None
    allowance_lovelace: int = 0
    claims_repaid: int | None = None


class BoardStatus(View):
    """The oracles (key hashes) that count now, where they can be replaced; `sequence` counts from 0."""

    sequence: int
    quorum_threshold: int
    oracles: tuple[HexField, ...]
    reference: str


class ProposalStatus(View):
    """Somebody's word that a milestone is reached.

    `under_review`: oracles can object. `due`, from `due_at` on: anybody can confirm it. `forgotten`, from
    `forgotten_at` on: anybody can take it back as well. The bond returns to `return_address`, None where no
    address is written.
    """

    milestone_identifier: str
    state: ProposalState
    said_at: int
    due_at: int
    forgotten_at: int
    evidence_hash: HexField
    bond_lovelace: int
    return_address: AddressField | None
    reference: str


class NoticeStatus(View):
    """Word that the distribution will end: from `ends_at` on anybody can end it. It can't be withdrawn.

    `given_by` is None of the word that everything may go home, which takes effect once all is paid or can be
    taken back; it has no times. `signers` are the oracles' key hashes.
    """

    given_by: Literal["creator", "quorum"] | None
    said_at: int | None
    ends_at: int | None
    evidence_hash: HexField
    signers: tuple[HexField, ...]
    reference: str


class VaultStatus(View):
    """A page's vault. `reference` is `<transaction id>#<index>`."""

    page: int
    reference: str
    remaining_token_amount: int
    claimed_count: int


class AttestationStatus(View):
    """An attestation on the chain; `signers` are the oracles' payment key hashes."""

    milestone_identifier: str
    reference: str
    verification_timestamp: int
    evidence_hash: HexField
    signers: tuple[HexField, ...]
    attested_at: int


class ClaimRecord(View):
    """An allocation that was paid. Address and amount are None where the schedule isn't known."""

    beneficiary_index: int
    milestone_identifier: str
    beneficiary_address: AddressField | None
    token_amount: int | None
    transaction_hash: str | None
    slot: int
    claimed_at: int


class Discrepancy(View):
    """Something local that the chain contradicted, and that now says what the chain says."""

    subject: str
    local: str
    chain: str
    repaired: bool = True


class Synchronization(View):
    """How far Kupo, whose word this is, has read the chain."""

    status: Literal["synced", "syncing", "stale"]
    checkpoint_slot: int | None
    node_slot: int | None


class StatusReport(Result):
    """The status of a distribution, verified against the chain.

    `source` is `chain` where there was no local data, else `local_and_chain`. `rebuilt_records` are the
    milestones whose local record was made from the chain by this call. `contract_name` is what commands
    take for the distribution.
    """

    rows_in = "milestones"

    contract_address: AddressField
    contract_name: str
    milestones: tuple[MilestoneStatus, ...]
    contract_state: ContractState
    vaults: tuple[VaultStatus, ...]
    attestations: tuple[AttestationStatus, ...]
    board: BoardStatus | None
    proposals: tuple[ProposalStatus, ...]
    notices: tuple[NoticeStatus, ...]
    claims: tuple[ClaimRecord, ...]
    discrepancies: tuple[Discrepancy, ...]
    rebuilt_records: tuple[str, ...]
    distribution_id: HexField
    now: int
    sync: Synchronization
    source: Literal["chain", "local_and_chain"]
