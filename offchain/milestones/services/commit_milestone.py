"""`commit-milestone`: keeps oracles' signatures in the local record of a milestone.

Only their form is checked: whether a signature is genuine is decided by the chain.
"""

from __future__ import annotations

from collections.abc import Sequence

from milestones.cardano.address import Address
from milestones.domain.models import MilestoneCompletion, OracleSignature
from milestones.domain.quorum import merge_signatures
from milestones.errors import InvalidSignature
from milestones.protocol.oracle_signatures import Statement
from milestones.services.backend import Workspace, under
from milestones.services.committing.form import (
    FIELD,
    must_be_about,
    must_be_awaited,
    must_be_oracles,
    must_not_be_too_many,
)
from milestones.services.committing.quorum import Quorum, quorum_of
from milestones.services.committing.report import MilestoneCommitted, committed
from milestones.services.distribution.on_chain import distribution_id_of
from milestones.services.distribution.signatures_at_hand import (
    seen_on_chain,
    statement_seconds,
    usable_entries,
)
from milestones.services.preflight import must_be_milestone


async def commit_milestone(
    workspace: Workspace,
    *,
    milestone_identifier: str,
    oracle_signatures: Sequence[OracleSignature],
    quorum_threshold: int | None = None,
    total_oracles: int | None = None,
    contract_address: Address | None = None,
) -> MilestoneCommitted:
    """Checks the form of all entries, and merges them into the record: all of them, or none.

    The distribution is the one that the entries' `signed_data` names; `contract_address` may say which
    it has to be. The quorum is the terms', where the data directory knows them, and then the numbers
    given must agree. Where it doesn't, both numbers are needed, or a `Backend` to ask the chain with.
    Raises `InvalidSignature` with a path such as `oracle_signatures[1].signed_data`.
    """
    must_be_milestone(milestone_identifier)
    workspace, distribution_id = _place_of(workspace, oracle_signatures, contract_address)
    for index, entry in enumerate(oracle_signatures):
        must_be_about(workspace, entry, index, distribution_id, milestone_identifier)
    must_be_awaited(workspace, distribution_id, milestone_identifier)
    given = (quorum_threshold, total_oracles)
    quorum = await quorum_of(workspace, distribution_id, milestone_identifier, given)
    must_be_oracles(oracle_signatures, quorum)
    known: set[tuple[bytes, bytes]] = set()

    def change(record: MilestoneCompletion | None) -> MilestoneCompletion:
        before = usable_entries(workspace, record)
        known.update((entry.signed_data, entry.oracle) for entry in before)
        merged = merge_signatures(before, oracle_signatures)
        must_not_be_too_many(merged, quorum)
        return _record(distribution_id, milestone_identifier, merged, quorum, record)

    record = workspace.storage.records.update(distribution_id, milestone_identifier, change)
    new = {(entry.signed_data, entry.oracle) for entry in oracle_signatures} - known
    return committed(workspace, record, quorum, added=len(new))


def _place_of(
    workspace: Workspace, entries: Sequence[OracleSignature], contract_address: Address | None
) -> tuple[Workspace, bytes]:
    """The workspace with the release of the contract that it is about, and the distribution's id."""
    if not entries:
        raise InvalidSignature(
            "there is no signature",
            path=FIELD,
            hint="give a list with the entry of at least one oracle, as `milestones oracle sign` writes it",
        )
    if contract_address is not None:
        workspace = under(workspace, contract_address.payment.hash)
        return workspace, distribution_id_of(contract_address, workspace.contract)
    try:
        statement = Statement.parse(entries[0].signed_data)
    except InvalidSignature as error:
        raise error.under(f"{FIELD}[0]") from None
    return under(workspace, statement.policy_id), statement.distribution_id


def _record(
    distribution_id: bytes,
    milestone_identifier: str,
    entries: tuple[OracleSignature, ...],
    quorum: Quorum,
    earlier: MilestoneCompletion | None,
) -> MilestoneCompletion:
    state = quorum.state(entries)
    status, moment = state.quorum_status, statement_seconds(state)
    if earlier is not None and seen_on_chain(earlier):
        status, moment = earlier.quorum_status, earlier.verification_timestamp
    return MilestoneCompletion(
        milestone_identifier=milestone_identifier,
        distribution_id=distribution_id,
        oracle_signatures=entries,
        verification_timestamp=moment,
        quorum_status=status,
        quorum_threshold=quorum.threshold,
        total_oracles=quorum.total,
    )
