"""`commit-milestone`: keeps oracles' signatures in the local record of a milestone.

Only their form is checked: whether a signature is genuine is decided by the chain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from milestones.domain.models import (
    MilestoneCompletion,
    MilestoneIdentifier,
    OracleSignature,
    QuorumStatus,
)
from milestones.domain.plausibility import moment_problems
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.quorum import QuorumState, merge_signatures, quorum_state
from milestones.domain.reading import AddressField, HexField, Problem, in_a_line, refusal
from milestones.errors import InvalidInput, InvalidSignature, NotFound, ServiceUnavailable
from milestones.protocol.distribution import ContractAddress
from milestones.protocol.oracle_signatures import witness_if_complete
from milestones.protocol.statements import MilestoneStatement
from milestones.protocol.terms import Terms
from milestones.services.backend import Backend, Workspace, select_version, storage_warnings
from milestones.services.distribution.claims import must_have_milestone
from milestones.services.distribution.local import address_of, local_distribution, local_terms
from milestones.services.distribution.naming import known_name, locate
from milestones.services.distribution.on_chain import read_on_chain
from milestones.services.distribution.signatures import (
    keyless_oracles,
    missing_keys,
    must_be_for_contract,
    seen_on_chain,
    split_in_words,
    statement_seconds,
    usable_entries,
    with_known_keys,
)
from milestones.services.results import Result, View
from milestones.transactions.contract_drafts import Sitting


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
    quorum = await _quorum_of(workspace, distribution_id, milestone_identifier, given)
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
    return _committed(workspace, record, quorum, added=len(new))


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
    quorum: _Quorum,
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


@dataclass(frozen=True, slots=True)
class _Quorum:
    """What counts as a quorum; `oracles` is None where nothing but their number is known.

    They `may_be_replaced` where the terms let others sit in their place and the chain was not asked: then
    entries of others are kept, and don't count here.
    """

    threshold: int
    total: int
    oracles: frozenset[bytes] | None
    may_be_replaced: bool = False

    @classmethod
    def of(cls, sitting: Sitting, *, may_be_replaced: bool = False) -> _Quorum:
        oracles = frozenset(sitting.oracles)
        return cls(sitting.quorum_threshold, len(oracles), oracles, may_be_replaced)

    def state(self, entries: Sequence[OracleSignature]) -> QuorumState:
        return quorum_state(
            entries,
            quorum_threshold=self.threshold,
            total_oracles=self.total,
            oracles=self.oracles,
        )


async def _quorum_of(
    workspace: Workspace,
    distribution_id: bytes,
    milestone_identifier: str,
    given: tuple[int | None, int | None],
) -> _Quorum:
    terms = local_terms(workspace, distribution_id)
    if terms is None:
        record = workspace.storage.records.find(distribution_id, milestone_identifier)
        earlier = (record.quorum_threshold, record.total_oracles) if record else (None, None)
        threshold, total = (
            new if new is not None else old for new, old in zip(given, earlier, strict=True)
        )
        if threshold is not None and total is not None:
            _must_be_possible(threshold, total)
            return _Quorum(threshold, total, None)
        quorum = _Quorum.of(await _sitting_on_chain(workspace, distribution_id))
    elif terms.rotatable is None:
        quorum = _Quorum.of(Sitting.under(terms))
    else:
        quorum = await _of_rotatable(workspace, terms)
    _must_agree(quorum, given)
    return quorum


async def _of_rotatable(workspace: Workspace, terms: Terms) -> _Quorum:
    """The board that sits, if the chain can be asked; else the terms' own oracles, and that may be old."""
    if isinstance(workspace, Backend):
        with suppress(ServiceUnavailable, NotFound):
            return _Quorum.of(await _sitting_on_chain(workspace, terms.distribution_id))
    return _Quorum.of(Sitting.under(terms), may_be_replaced=True)


async def _sitting_on_chain(workspace: Workspace, distribution_id: bytes) -> Sitting:
    hint = "give --quorum-threshold and --total-oracles, or register the schedule here"
    if not isinstance(workspace, Backend):
        raise InvalidInput(
            "the distribution's terms are not known here", path="quorum_threshold", hint=hint
        )
    try:
        on_chain = await read_on_chain(workspace, await locate(workspace, distribution_id))
    except ServiceUnavailable as error:
        error.hint = f"{error.hint}; or {hint}"
        raise
    return on_chain.sitting


def _must_be_possible(threshold: int, total: int) -> None:
    if threshold < 1:
        raise InvalidInput(
            f"a quorum is at least 1, not {threshold}",
            path="quorum_threshold",
            hint="give the number in the schedule",
        )
    if threshold > total:
        raise InvalidInput(
            f"a quorum of {threshold} can't be reached by {total} oracles",
            path="quorum_threshold",
            hint="give the numbers in the schedule",
        )


def _must_agree(quorum: _Quorum, given: tuple[int | None, int | None]) -> None:
    if quorum.may_be_replaced:
        return
    facts = (
        ("quorum_threshold", given[0], quorum.threshold),
        ("total_oracles", given[1], quorum.total),
    )
    for field, said, true in facts:
        if said not in (None, true):
            raise InvalidInput(
                f"the distribution's terms say {true}, not {said}",
                path=field,
                hint="leave it out: the terms decide",
                details={"terms": true, "given": said},
            )


FIELD = "oracle_signatures"


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


def _must_be_oracles(entries: Sequence[OracleSignature], quorum: _Quorum) -> None:
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


def _must_not_be_too_many(entries: Sequence[OracleSignature], quorum: _Quorum) -> None:
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


class StatementGroup(View):
    """How many oracles signed the same bytes. `verification_timestamp` is in POSIX seconds."""

    signed_data: HexField
    count: int
    verification_timestamp: int
    evidence_hash: HexField


class MilestoneCommitted(Result):
    """The record as it is now. `signature_count` is that of the statement with most signatures."""

    status: Literal["stored"] = "stored"
    milestone_identifier: str
    distribution_id: HexField
    contract_address: AddressField
    verified: bool
    quorum_status: QuorumStatus
    signature_count: int
    quorum_threshold: int
    total_oracles: int
    signatures_added: int
    file: str
    groups: tuple[StatementGroup, ...]


def _committed(
    workspace: Workspace, record: MilestoneCompletion, quorum: _Quorum, *, added: int
) -> MilestoneCommitted:
    state = quorum.state(record.oracle_signatures)
    warnings = storage_warnings(workspace)
    if quorum.may_be_replaced:
        warnings.append(
            "these terms let the oracles be replaced, and the chain was not asked who sits now: the terms'"
            " own oracles were counted"
        )
    groups = _groups(record)
    if len(groups) > 1:
        counted = [(MilestoneStatement.parse(each.signed_data), each.count) for each in groups]
        warnings.append(
            f"oracles signed {len(groups)} different statements about this milestone:"
            f" {split_in_words(counted, quorum.threshold)}"
        )
    warnings += _odd_times(groups, record, workspace.network.magic)
    missing = keyless_oracles(record.oracle_signatures)
    if missing:
        warnings.append(missing_keys(missing))
    return MilestoneCommitted(
        milestone_identifier=record.milestone_identifier,
        distribution_id=record.distribution_id,
        contract_address=address_of(workspace, record.distribution_id),
        verified=record.quorum_status == "met",
        quorum_status=record.quorum_status,
        signature_count=state.signature_count,
        quorum_threshold=quorum.threshold,
        total_oracles=quorum.total,
        signatures_added=added,
        file=workspace.storage.records.path_of(record),
        groups=groups,
        warnings=tuple(warnings),
    )


def _odd_times(
    groups: Sequence[StatementGroup], record: MilestoneCompletion, network_magic: int | None
) -> list[str]:
    """Times that can't be meant: what is signed already is kept, and reported."""
    signed = [(each.verification_timestamp, "verification_timestamp") for each in groups]
    notes = [(each.signature_timestamp, "signature_timestamp") for each in record.oracle_signatures]
    return [
        in_a_line(problem)
        for moment, field in dict.fromkeys(signed + [each for each in notes if each[0]])
        for problem in moment_problems(moment, field, network_magic)
    ]


def _groups(record: MilestoneCompletion) -> tuple[StatementGroup, ...]:
    counts = Counter(entry.signed_data for entry in record.oracle_signatures)
    return tuple(_group(signed_data, count) for signed_data, count in counts.most_common())


def _group(signed_data: bytes, count: int) -> StatementGroup:
    statement = MilestoneStatement.parse(signed_data)
    return StatementGroup(
        signed_data=signed_data,
        count=count,
        verification_timestamp=to_posix_seconds(statement.verification_posix_ms),
        evidence_hash=statement.evidence_hash,
    )
