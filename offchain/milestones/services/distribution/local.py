"""What the data directory knows of a distribution: its schedule, and terms that were seen on the chain."""

from __future__ import annotations

from typing import Any, Final

from milestones.cardano.address import Address, key_credential, script_credential
from milestones.domain.models import MilestoneSchedule
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidEncoding, InvalidInput
from milestones.protocol.distribution import Distribution
from milestones.protocol.terms import Terms
from milestones.services.backend import Workspace
from milestones.services.distribution.indexed import indexed_distribution

CACHED_TERMS: Final = "terms_cbor"
"""The field of a cached contract that holds its terms, in hexadecimal."""


def address_of(workspace: Workspace, distribution_id: bytes) -> Address:
    """The address of the distribution with this id (28 bytes), on the configured network.

    Where nothing is known here of its terms, they are taken to name no staking part.
    """
    terms = local_terms(workspace, distribution_id)
    if terms is not None:
        return terms.address(workspace.contract.vault_hash)
    payment = script_credential(workspace.contract.vault_hash)
    return Address(workspace.network.network_id, payment, key_credential(distribution_id))


def local_distribution(workspace: Workspace, distribution_id: bytes) -> Distribution | None:
    """The distribution whose index or schedule is in the data directory; None where none is, or none true."""
    indexed = indexed_distribution(workspace, distribution_id)
    if indexed is not None:
        return indexed
    document = workspace.storage.schedules.find(distribution_id)
    if document is None:
        return None
    try:
        found = Distribution.from_schedule(parse_schedule(document), workspace.contract)
    except InvalidInput:
        return None
    return found if found.id == distribution_id else None


def local_terms(workspace: Workspace, distribution_id: bytes) -> Terms | None:
    """The terms out of the schedule in the data directory, or out of the cache; None if neither has them."""
    found = local_distribution(workspace, distribution_id)
    if found is not None:
        return found.terms
    cache = workspace.storage.cache
    found_terms = (
        _cached_terms(each, distribution_id, workspace.network.network_id)
        for each in cache.about(distribution_id)
    )
    return next((terms for terms in found_terms if terms is not None), None)


def distribution_of(
    schedule: MilestoneSchedule, workspace: Workspace, distribution_id: bytes
) -> Distribution:
    """The distribution that a schedule file describes. Raises `InvalidInput` where it has another id."""
    found = Distribution.from_schedule(schedule, workspace.contract)
    if found.id != distribution_id:
        raise InvalidInput(
            f"it describes the distribution {found.id.hex()}, not {distribution_id.hex()}",
            path="schedule",
            hint="give the schedule file that register-milestone wrote for this distribution",
        )
    return found


def _cached_terms(
    document: dict[str, Any] | None, distribution_id: bytes, network_id: int
) -> Terms | None:
    raw = (document or {}).get(CACHED_TERMS)
    if not isinstance(raw, str):
        return None
    try:
        terms = Terms.found(bytes.fromhex(raw), network_id)
    except (ValueError, InvalidEncoding):
        return None
    return terms if terms.distribution_id == distribution_id else None
