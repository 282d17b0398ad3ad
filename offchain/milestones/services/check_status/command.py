"""`check-status`: how a distribution and its milestones stand. Local first, verified against the chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from milestones.domain.claims import KindState
from milestones.domain.models import MilestoneCompletion, MilestoneIdentifier
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.quorum import QuorumState, quorum_state
from milestones.errors import InvalidSchedule, NotFound
from milestones.protocol.distribution import ContractAddress, Distribution
from milestones.services.backend import (
    Backend,
    ChainTime,
    require_network,
    select_version,
    staleness,
    storage_warnings,
)
from milestones.services.check_status.powers import (
    board_status,
    notice_statuses,
    proposal_statuses,
)
from milestones.services.check_status.reconciliation import (
    Reconciled,
    reconcile_cache,
    reconcile_records,
)
from milestones.services.check_status.report import (
    AttestationStatus,
    ClaimRecord,
    ContractState,
    MilestoneStatus,
    StatusReport,
    Synchronization,
    VaultStatus,
)
from milestones.services.distribution.claims import unknown_milestone
from milestones.services.distribution.datum import credential_view
from milestones.services.distribution.history import History, history_of
from milestones.services.distribution.in_use import claims_repaid, notice_in_words
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.distribution.schedule_source import known_distribution
from milestones.services.distribution.signatures import split_signatures, usable_entries
from milestones.services.distribution.state import DistributionState, state_of


@dataclass(frozen=True, slots=True)
class _Seen:
    """All that a report is made of. `distribution` is None, and `kinds` empty, where it isn't known."""

    state: DistributionState
    history: History
    distribution: Distribution | None
    kinds: list[KindState]

    @property
    def on_chain(self) -> OnChain:
        return self.state.on_chain

    @property
    def time(self) -> ChainTime:
        return self.state.time


async def check_status(
    backend: Backend, *, contract_address: ContractAddress, milestone_identifier: str | None = None
) -> StatusReport:
    """The distribution's status, or with `milestone_identifier` that of one milestone in it.

    Records and cache in the data directory are repaired where the chain contradicts them, and made
    where they are missing. Raises `NotFound` where nothing was deployed at the address, and for a
    milestone that neither the schedule nor the chain nor a record knows.
    """
    if milestone_identifier is not None:
        MilestoneIdentifier.parse(milestone_identifier)
    backend = select_version(backend, contract_address.payment.hash)
    await require_network(backend)
    stale = await staleness(backend)
    seen, warnings = await _see(backend, await read_on_chain(backend, contract_address))
    on_chain = seen.on_chain
    had_records = bool(backend.storage.records.of_distribution(on_chain.distribution_id))
    reconciled = await reconcile_records(backend, on_chain)
    state = _contract_state(seen)
    had_cache, behind = reconcile_cache(backend, on_chain, state)
    milestones = tuple(_milestones(backend, seen, reconciled, milestone_identifier))
    return StatusReport(
        contract_address=on_chain.address,
        contract_name=str(on_chain.name),
        milestones=milestones,
        contract_state=state,
        vaults=tuple(_vaults(on_chain)),
        attestations=tuple(_attestations(seen)),
        board=board_status(on_chain),
        proposals=tuple(proposal_statuses(on_chain, seen.time.now_posix_ms)),
        notices=tuple(notice_statuses(on_chain)),
        claims=tuple(_claims(seen)),
        discrepancies=(*reconciled.discrepancies, *behind),
        rebuilt_records=tuple(reconciled.rebuilt),
        distribution_id=on_chain.distribution_id,
        now=seen.time.now,
        sync=await _synchronization(backend, stale),
        source="local_and_chain" if had_cache or had_records else "chain",
        warnings=(
            *stale,
            *warnings,
            *_notice(seen),
            *_split(backend, on_chain, milestones),
            *storage_warnings(backend),
        ),
    )


async def _see(backend: Backend, on_chain: OnChain) -> tuple[_Seen, list[str]]:
    state = await state_of(backend, on_chain)
    history = state.history or await history_of(backend, on_chain)
    warnings = _doubts(state, history)
    try:
        distribution = await known_distribution(backend, on_chain)
    except (NotFound, InvalidSchedule) as error:
        warnings.append(f"{error.message}; allocations are not shown")
        return _Seen(state, history, None, []), warnings
    return _Seen(state, history, distribution, state.kind_states(distribution)), warnings


def _doubts(state: DistributionState, history: History) -> list[str]:
    doubts, on_chain = [], state.on_chain
    if len(on_chain.vaults) > len(on_chain.terms.pages):
        doubts.append(
            "the same terms were opened more than once: each opening pays every allocation"
        )
    if not state.claimed <= {claim.index for claim in history.claims}:
        doubts.append("Kupo has forgotten spent outputs: the list of claims is not complete")
    return doubts


def _notice(seen: _Seen) -> Iterator[str]:
    words = notice_in_words(seen.on_chain, seen.time.now_posix_ms)
    if words is not None:
        yield words


def _split(
    backend: Backend, on_chain: OnChain, milestones: Iterable[MilestoneStatus]
) -> Iterator[str]:
    for milestone in milestones:
        if not milestone.attested:
            words = split_signatures(backend, on_chain, milestone.milestone_identifier)
            if words is not None:
                yield f"{milestone.milestone_identifier}: {words}"


def _contract_state(seen: _Seen) -> ContractState:
    on_chain, terms, sitting = seen.on_chain, seen.on_chain.terms, seen.on_chain.sitting
    repaid = None
    if terms.allowance_lovelace and not on_chain.closed:
        repaid = claims_repaid(on_chain, seen.state.lovelace_per_utxo_byte)
    claimed = len(seen.state.claimed)
    reclaim_after, opening = terms.reclaim_after_posix_ms, on_chain.opening
    known = seen.distribution
    return ContractState(
        total_token_amount=terms.total_token_amount,
        remaining_token_amount=on_chain.remaining,
        claimed_count=claimed,
        unclaimed_count=None if known is None else len(known.allocations) - claimed,
        token_policy_id=terms.token.policy_id,
        token_name=terms.token.asset_name,
        quorum_threshold=sitting.quorum_threshold,
        total_oracles=len(sitting.oracles),
        reclaim_after=None if reclaim_after is None else to_posix_seconds(reclaim_after),
        closed=on_chain.closed,
        status=seen.state.status,
        returned_token_amount=seen.state.returned_amount,
        opening_transaction=opening.transaction_id.hex(),
        opened_at=_seconds(seen, opening.point.slot),
        staking=None if terms.staking is None else credential_view(terms.staking),
        allowance_lovelace=terms.allowance_lovelace,
        claims_repaid=repaid,
    )


def _milestones(
    backend: Backend, seen: _Seen, reconciled: Reconciled, wanted: str | None
) -> Iterator[MilestoneStatus]:
    states: dict[str, list[KindState]] = defaultdict(list)
    for state in seen.kinds:
        states[state.kind.milestone_identifier].append(state)
    names = states.keys() | reconciled.records.keys()
    if wanted is not None and wanted not in names and seen.distribution is not None:
        raise unknown_milestone(wanted, sorted(names))
    for name in sorted(names) if wanted is None else [wanted]:
        record = reconciled.records.get(name)
        yield _milestone(backend, seen, name, record, states.get(name, []))


def _milestone(
    backend: Backend,
    seen: _Seen,
    name: str,
    record: MilestoneCompletion | None,
    states: list[KindState],
) -> MilestoneStatus:
    sitting = seen.on_chain.sitting
    attestations = seen.on_chain.attestations.get(name.encode())
    quorum = _quorum_at_hand(backend, seen, record)
    count = len(attestations[0].attestation.signers) if attestations else quorum.signature_count
    met = bool(attestations) or quorum.quorum_status == "met"
    known = seen.distribution is not None
    return MilestoneStatus(
        milestone_identifier=name,
        verified=met,
        quorum_status="met" if met else "pending",
        signature_count=count,
        quorum_threshold=sitting.quorum_threshold,
        vesting_passed=all(state.vesting_passed for state in states) if known else None,
        total_oracles=len(sitting.oracles),
        attested=bool(attestations),
        source="chain" if attestations else "local" if met else None,
        verification_timestamp=record.verification_timestamp if record else None,
        allocation_count=sum(each.all.count for each in states) if known else None,
        vested_count=sum(each.all.count for each in states if each.vesting_passed)
        if known
        else None,
        claimed_count=sum(each.claimed.count for each in states) if known else None,
        token_amount=sum(each.all.amount for each in states) if known else None,
        claimable_count=sum(each.claimable.count for each in states) if known else None,
        claimable_amount=sum(each.claimable.amount for each in states) if known else None,
    )


def _quorum_at_hand(
    backend: Backend, seen: _Seen, record: MilestoneCompletion | None
) -> QuorumState:
    sitting = seen.on_chain.sitting
    return quorum_state(
        usable_entries(backend, record),
        quorum_threshold=sitting.quorum_threshold,
        total_oracles=len(sitting.oracles),
        oracles=sitting.oracles,
    )


def _vaults(on_chain: OnChain) -> Iterator[VaultStatus]:
    for vault in on_chain.vaults:
        yield VaultStatus(
            page=vault.state.page,
            reference=str(vault.utxo.reference),
            remaining_token_amount=vault.state.remaining,
            claimed_count=len(vault.state.claimed_leaves()),
        )


def _attestations(seen: _Seen) -> Iterator[AttestationStatus]:
    for live in (each for group in seen.on_chain.attestations.values() for each in group):
        attestation = live.attestation
        yield AttestationStatus(
            milestone_identifier=attestation.milestone_identifier,
            reference=str(live.utxo.reference),
            verification_timestamp=to_posix_seconds(attestation.verification_posix_ms),
            evidence_hash=attestation.evidence_hash,
            signers=attestation.signers,
            attested_at=_seconds(seen, live.point.slot),
        )


def _claims(seen: _Seen) -> Iterator[ClaimRecord]:
    known = seen.distribution.allocations if seen.distribution else {}
    for claim in seen.history.claims:
        allocation = known.get(claim.index)
        yield ClaimRecord(
            beneficiary_index=claim.index,
            milestone_identifier=claim.milestone_identifier,
            beneficiary_address=allocation.beneficiary_address if allocation else None,
            token_amount=allocation.token_amount if allocation else None,
            transaction_hash=claim.transaction_id.hex() if claim.transaction_id else None,
            slot=claim.point.slot,
            claimed_at=_seconds(seen, claim.point.slot),
        )


async def _synchronization(backend: Backend, stale: list[str]) -> Synchronization:
    health = await backend.kupo.health()
    syncing = health.connected and not health.in_sync
    return Synchronization(
        status="syncing" if syncing else "stale" if stale else "synced",
        checkpoint_slot=health.checkpoint_slot,
        node_slot=health.node_tip_slot,
    )


def _seconds(seen: _Seen, slot: int) -> int:
    return to_posix_seconds(seen.time.clock.start_of(slot))
