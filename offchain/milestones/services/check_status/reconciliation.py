"""Local records and cache beside the chain: what differs is reported, and repaired.

Signatures are never thrown away for it: the chain knows which statement counts, not which signatures
somebody still collects.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from milestones.domain.models import MilestoneCompletion, OracleSignature
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.quorum import merge_signatures, quorum_state
from milestones.services.backend import Backend, Workspace
from milestones.services.check_status.report import ContractState, Discrepancy
from milestones.services.distribution.local import CACHED_TERMS
from milestones.services.distribution.on_chain import OnChain
from milestones.services.distribution.signatures import (
    attested_signatures,
    statement_seconds,
    usable_entries,
)

_LOG: Final = logging.getLogger(__name__)

COMPARED = ("claimed_count", "remaining_token_amount", "closed")
"""The fields of the cached state that are compared; the others never change, or come from them."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What the records say now, by milestone, what was wrong, and which were made anew."""

    records: dict[str, MilestoneCompletion]
    discrepancies: list[Discrepancy]
    rebuilt: list[str]


async def reconcile_records(backend: Backend, on_chain: OnChain) -> Reconciled:
    """Brings the records of a distribution in line with its terms and its attestations."""
    known = {
        record.milestone_identifier: record
        for record in backend.storage.records.of_distribution(on_chain.distribution_id)
    }
    reconciled = Reconciled({}, [], [])
    for milestone in sorted(known.keys() | on_chain.attested()):
        before = known.get(milestone)
        after = _true_record(backend, on_chain, milestone, before)
        if backend.storage.records.is_of_later_version(on_chain.distribution_id, milestone):
            pass  # It stays as it is; what the chain says is shown.
        elif before is None:
            _LOG.info(
                "milestone is attested, and has no record: made anew",
                extra={"milestone": milestone},
            )
            reconciled.rebuilt.append(milestone)
            after = await _rebuild(backend, on_chain, milestone)
        elif before != after:
            _LOG.info("record differs from the chain: repaired", extra={"milestone": milestone})
            reconciled.discrepancies.extend(_differences(before, after))
            after = _repair(backend, on_chain, milestone)
        reconciled.records[milestone] = after
    return reconciled


async def _rebuild(backend: Backend, on_chain: OnChain, milestone: str) -> MilestoneCompletion:
    attestation = on_chain.attestations[milestone.encode()][0]
    found = await attested_signatures(backend, on_chain, attestation)
    return _repair(backend, on_chain, milestone, found)


def _repair(
    backend: Backend,
    on_chain: OnChain,
    milestone: str,
    found: tuple[OracleSignature, ...] = (),
) -> MilestoneCompletion:
    def true(present: MilestoneCompletion | None) -> MilestoneCompletion:
        return _true_record(backend, on_chain, milestone, present, found)

    records, distribution_id = backend.storage.records, on_chain.distribution_id
    kept: MilestoneCompletion | None = None
    with backend.storage.if_possible():
        # Read again under the lock: signatures may have been committed since.
        kept = records.update(distribution_id, milestone, true)
    return kept or true(records.find(distribution_id, milestone))


def _true_record(
    workspace: Workspace,
    on_chain: OnChain,
    milestone: str,
    before: MilestoneCompletion | None,
    found: tuple[OracleSignature, ...] = (),
) -> MilestoneCompletion:
    sitting = on_chain.sitting
    state = quorum_state(
        [*found, *usable_entries(workspace, before)],
        quorum_threshold=sitting.quorum_threshold,
        total_oracles=len(sitting.oracles),
        oracles=sitting.oracles,
    )
    status, moment = state.quorum_status, statement_seconds(state)
    attestations = on_chain.attestations.get(milestone.encode())
    if attestations:
        status = "met"
        moment = to_posix_seconds(attestations[0].attestation.verification_posix_ms)
    return MilestoneCompletion(
        milestone_identifier=milestone,
        distribution_id=on_chain.distribution_id,
        oracle_signatures=merge_signatures(found, before.oracle_signatures if before else ()),
        verification_timestamp=moment,
        quorum_status=status,
        quorum_threshold=sitting.quorum_threshold,
        total_oracles=len(sitting.oracles),
    )


def _differences(before: MilestoneCompletion, after: MilestoneCompletion) -> Iterator[Discrepancy]:
    for field in ("quorum_status", "quorum_threshold", "total_oracles", "verification_timestamp"):
        local, chain = getattr(before, field), getattr(after, field)
        if local != chain:
            subject = f"record of milestone {after.milestone_identifier!r}: {field}"
            yield Discrepancy(subject=subject, local=str(local), chain=str(chain))


def reconcile_cache(
    backend: Backend, on_chain: OnChain, state: ContractState
) -> tuple[bool, list[Discrepancy]]:
    """Whether the contract was cached, and where the cache was behind; it is written anew."""
    name = str(on_chain.name)
    document = backend.storage.cache.load(name)
    found = state.model_dump(mode="json")
    fresh = {
        "contract_address": on_chain.address.to_bech32(),
        "distribution_id": on_chain.distribution_id.hex(),
        CACHED_TERMS: on_chain.terms.encode().hex(),
        "contract_state": found,
        "attested": sorted(on_chain.attested()),
    }
    if document != fresh:
        _LOG.info(
            "cache is missing or behind the chain: written anew", extra={"distribution": name}
        )
        with backend.storage.if_possible():
            backend.storage.cache.save(name, fresh)
    if document is None:
        return False, []
    return True, list(_behind(document, fresh))


def _behind(document: dict[str, Any], fresh: dict[str, Any]) -> Iterator[Discrepancy]:
    cached, found = document.get("contract_state"), fresh["contract_state"]
    if not isinstance(cached, dict):
        cached = {}
    pairs = [(field, cached.get(field), found[field]) for field in COMPARED]
    pairs.append(("attested", document.get("attested"), fresh["attested"]))
    for field, local, chain in pairs:
        if local != chain:
            yield Discrepancy(subject=f"cache: {field}", local=_shown(local), chain=_shown(chain))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "unknown" if value is None else str(value)
