"""What `commit-milestone` checks, and how entries come into the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from milestones.domain.models import MilestoneCompletion, MilestoneIdentifier, OracleSignature
from milestones.domain.quorum import merge_signatures
from milestones.domain.reading import Problem, refusal
from milestones.errors import InvalidSignature
from milestones.protocol.distribution import ContractAddress
from milestones.protocol.oracle_signatures import witness_if_complete
from milestones.protocol.statements import MilestoneStatement
from milestones.services.backend import Workspace, select_version
from milestones.services.commit_milestone.quorum import Quorum, quorum_of
from milestones.services.commit_milestone.report import MilestoneCommitted, committed
from milestones.services.distribution.claims import must_have_milestone
from milestones.services.distribution.local import local_distribution
from milestones.services.distribution.naming import known_name
from milestones.services.distribution.signatures import (
    must_be_for_contract,
    seen_on_chain,
    statement_seconds,
    usable_entries,
    with_known_keys,
)

FIELD = "oracle_signatures"


async def commit_milestone(
    workspace: Workspace,
    *,
    milestone_identifier: str,
    oracle_signatures: Sequence[OracleSignature],
    quorum_threshold: int | None = None,
    total_oracles: int | None = None,
    contract_address: ContractAddress | None = None,
    oracle_keys: Sequence[bytes] = (),
) -> MilestoneCommitted:
    """Checks the form of all entries, and merges them into the record: all of them, or none.

    The distribution is the one that the entries' `signed_data` names; `contract_address` may say which
    it has to be. The quorum is the terms', where the data directory knows them, and then the numbers
    given must agree. Where it doesn't, both numbers are needed, or a `Backend` to ask the chain with.
    Where the terms let oracles be replaced, those that sit now count, as far as a `Backend` can ask; a
    warning says where it could not.

    A raw signature may come without its `verification_key`: it is looked for among `oracle_keys` (32 bytes
    each) and in earlier entries; a warning says whose is missing, which `attest` needs. Raises
    `InvalidSignature` with a path such as `oracle_signatures[1].signed_data`.
    """
    MilestoneIdentifier.parse(milestone_identifier)
    workspace, distribution_id = _place_of(workspace, oracle_signatures, contract_address)
    entries = with_known_keys(workspace, oracle_signatures, oracle_keys)
    _judge(
        entries,
        lambda entry: _must_be_about(workspace, entry, distribution_id, milestone_identifier),
    )
    distribution = local_distribution(workspace, distribution_id)
    if distribution is not None:
        must_have_milestone(distribution, milestone_identifier)
    given = (quorum_threshold, total_oracles)
    quorum = await quorum_of(workspace, distribution_id, milestone_identifier, given)
    _must_be_oracles(entries, quorum)
    known: set[tuple[bytes, bytes]] = set()

    def change(record: MilestoneCompletion | None) -> MilestoneCompletion:
        before = with_known_keys(workspace, usable_entries(workspace, record), oracle_keys)
        known.update((entry.signed_data, entry.oracle) for entry in before)
        merged = merge_signatures(before, entries)
        _must_not_be_too_many(merged, quorum)
        return _record(distribution_id, milestone_identifier, merged, quorum, record)

    record = workspace.storage.records.update(distribution_id, milestone_identifier, change)
    new = {(entry.signed_data, entry.oracle) for entry in entries} - known
    return committed(workspace, record, quorum, added=len(new))


def _place_of(
    workspace: Workspace,
    entries: Sequence[OracleSignature],
    contract_address: ContractAddress | None,
) -> tuple[Workspace, bytes]:
    """The workspace with the version of the contract that it is about, and the distribution's id."""
    if not entries:
        raise InvalidSignature(
            "there is no signature",
            path=FIELD,
            hint="give a list with the entry of at least one oracle, as `milestones oracle sign` writes it",
        )
    if contract_address is not None:
        workspace = select_version(workspace, contract_address.payment.hash)
        return workspace, known_name(workspace, contract_address).distribution_id
    try:
        statement = MilestoneStatement.parse(entries[0].signed_data)
    except InvalidSignature as error:
        raise error.inside(f"{FIELD}[0]") from None
    return select_version(workspace, statement.policy_id), statement.distribution_id


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


def _judge(entries: Sequence[OracleSignature], judge: Callable[[OracleSignature], None]) -> None:
    """Raises `InvalidSignature` with what is wrong with each entry, all of them at once."""
    problems = []
    for index, entry in enumerate(entries):
        try:
            judge(entry)
        except InvalidSignature as error:
            inside = error.inside(f"{FIELD}[{index}]")
            problems.append(Problem(inside.path, inside.reason, inside.hint))
    if problems:
        raise refusal(problems, InvalidSignature)


def _must_be_about(
    workspace: Workspace,
    entry: OracleSignature,
    distribution_id: bytes,
    milestone_identifier: str,
) -> None:
    witness_if_complete(entry)
    statement = MilestoneStatement.parse(entry.signed_data)
    _must_name(workspace, statement, distribution_id, milestone_identifier)


def _must_name(
    workspace: Workspace,
    statement: MilestoneStatement,
    distribution_id: bytes,
    milestone_identifier: str,
) -> None:
    must_be_for_contract(statement, workspace.contract)
    if statement.distribution_id != distribution_id:
        raise InvalidSignature(
            f"the oracle signed for another distribution, {statement.distribution_id.hex()},"
            f" not {distribution_id.hex()}",
            path="signed_data",
            hint="commit the signatures of each distribution on their own",
        )
    if statement.milestone != milestone_identifier.encode():
        raise InvalidSignature(
            f"the oracle signed for another milestone, {statement.milestone_identifier!r},"
            f" not {milestone_identifier!r}",
            path="signed_data",
            hint="commit the signatures of each milestone on their own",
        )


def _must_be_oracles(entries: Sequence[OracleSignature], quorum: Quorum) -> None:
    if quorum.may_be_replaced:
        return

    def judge(entry: OracleSignature) -> None:
        if quorum.oracles is not None and entry.oracle not in quorum.oracles:
            raise InvalidSignature(
                f"{entry.oracle_address} is none of the distribution's oracles",
                path="oracle_address",
                hint="give the signatures of the oracles in the schedule's oracle_addresses or, where"
                " they were replaced, of those that sit now",
            )

    _judge(entries, judge)


def _must_not_be_too_many(entries: Sequence[OracleSignature], quorum: Quorum) -> None:
    signers = {entry.oracle for entry in entries}
    if quorum.oracles is not None:
        # What was committed before the terms were known counts no more, and must not get in the way.
        signers &= quorum.oracles
    if len(signers) > quorum.total:
        raise InvalidSignature(
            f"{len(signers)} oracles signed, but there are only {quorum.total}",
            path=FIELD,
            hint="see which of them are the distribution's oracles",
        )
