"""What `check-status` reports. Amounts in the token's smallest unit; times in POSIX seconds."""

from __future__ import annotations

from typing import Literal

from milestones.domain.models import QuorumStatus
from milestones.domain.reading import AddressField, HexField
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
    """The distribution as a whole. `unclaimed_count` is None where the schedule isn't known."""

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
    opening_transaction: str
    opened_at: int


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
    milestones whose local record was made from the chain by this call.
    """

    contract_address: AddressField
    milestones: tuple[MilestoneStatus, ...]
    contract_state: ContractState
    vaults: tuple[VaultStatus, ...]
    attestations: tuple[AttestationStatus, ...]
    claims: tuple[ClaimRecord, ...]
    discrepancies: tuple[Discrepancy, ...]
    rebuilt_records: tuple[str, ...]
    distribution_id: HexField
    now: int
    sync: Synchronization
    source: Literal["chain", "local_and_chain"]
