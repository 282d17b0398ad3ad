"""What oracles have signed so far, and how much of it a transaction takes: of everything that is still open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

from milestones.domain.models import OracleSignature
from milestones.domain.reading import AddressField, HexField
from milestones.protocol.distribution import ContractAddress
from milestones.protocol.statements import (
    MilestoneStatement,
    NoticeStatement,
    ObjectionStatement,
    RotationStatement,
    Statement,
    parse_statement,
)
from milestones.services.backend import (
    Backend,
    chain_time,
    require_network,
    select_version,
    staleness,
)
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.distribution.signatures import statements_at_hand
from milestones.services.oracle.words import statement_in_words
from milestones.services.results import Result, View
from milestones.services.sending.attestations import oracle_addresses

StatementKind: TypeAlias = Literal["milestone", "notice", "objection", "rotation"]
KINDS: dict[type[Statement], StatementKind] = {
    MilestoneStatement: "milestone",
    NoticeStatement: "notice",
    ObjectionStatement: "objection",
    RotationStatement: "rotation",
}


class SignedSoFar(View):
    """A statement: its bytes, what it says, who has signed, and how many it takes.

    `milestone_identifier` and `proposal` say what it is about, where it is about one.
    """

    kind: StatementKind
    signed_data: HexField
    statement: str
    signers: tuple[AddressField, ...]
    signatures_needed: int
    complete: bool
    milestone_identifier: str | None = None
    proposal: str | None = None


class SignaturesCollected(Result):
    """All statements that are still open, the best supported first; `oracles` are those who sit."""

    contract_address: AddressField
    oracles: tuple[AddressField, ...]
    quorum_threshold: int
    statements: tuple[SignedSoFar, ...]


async def signatures_collected(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    entries: Sequence[OracleSignature] = (),
) -> SignaturesCollected:
    """The data directory's signatures about milestones, and those among `entries` about all else.

    What is settled is left out: milestones that are attested, proposals that are gone, boards that sit, a
    notice whose time has passed. Raises `NotFound` where there never was a distribution.
    """
    backend = select_version(backend, contract_address.payment.hash)
    await require_network(backend)
    on_chain = await read_on_chain(backend, contract_address)
    now = (await chain_time(backend)).now_posix_ms
    found = [*_about_milestones(backend, on_chain), *_about_all_else(backend, on_chain, entries)]
    still_open = [each for each in found if _is_open(on_chain, each[0], now)]
    views = [_view(on_chain, statement, signers) for statement, signers in still_open]
    sitting = on_chain.sitting
    return SignaturesCollected(
        contract_address=on_chain.address,
        oracles=oracle_addresses(on_chain.terms, frozenset(sitting.oracles)),
        quorum_threshold=sitting.quorum_threshold,
        statements=tuple(sorted(views, key=lambda view: -len(view.signers))),
        warnings=tuple(await staleness(backend)),
    )


Supported: TypeAlias = tuple[Statement, frozenset[bytes]]


def _about_milestones(backend: Backend, on_chain: OnChain) -> Iterator[Supported]:
    for record in backend.storage.records.of_distribution(on_chain.distribution_id):
        for signed in statements_at_hand(backend, on_chain, record.milestone_identifier):
            yield signed.statement, frozenset(signed.witnesses)


def _about_all_else(
    backend: Backend, on_chain: OnChain, entries: Sequence[OracleSignature]
) -> Iterable[Supported]:
    signers: dict[Statement, set[bytes]] = {}
    whose = (backend.contract.policy_id, on_chain.distribution_id)
    for entry in entries:
        statement = parse_statement(entry.signed_data)
        of_this = (statement.policy_id, statement.distribution_id) == whose
        if of_this and entry.oracle in on_chain.sitting.oracles:
            signers.setdefault(statement, set()).add(entry.oracle)
    return [(statement, frozenset(who)) for statement, who in signers.items()]


def _is_open(on_chain: OnChain, statement: Statement, now_posix_ms: int) -> bool:
    if on_chain.closed:
        return False
    match statement:
        case MilestoneStatement():
            return statement.milestone not in on_chain.attestations
        case NoticeStatement():
            return on_chain.notice is None and statement.said_at_posix_ms > now_posix_ms
        case ObjectionStatement():
            waiting = {live.utxo.reference for live in on_chain.proposals}
            return statement.proposal in waiting
        case RotationStatement():
            board = on_chain.board
            return board is not None and statement.sequence == board.board.sequence + 1
    return False


def _view(on_chain: OnChain, statement: Statement, signers: frozenset[bytes]) -> SignedSoFar:
    terms, needed = on_chain.terms, on_chain.sitting.quorum_threshold
    milestone = proposal = None
    if isinstance(statement, ObjectionStatement):
        needed, proposal = min(terms.objectors, needed), str(statement.proposal)
    if isinstance(statement, (MilestoneStatement, ObjectionStatement)):
        milestone = statement.milestone_identifier
    return SignedSoFar(
        kind=KINDS[type(statement)],
        signed_data=statement.signed_data,
        statement=" ".join(statement_in_words(statement, terms.network_id)),
        signers=oracle_addresses(terms, signers),
        signatures_needed=needed,
        complete=len(signers) >= needed,
        milestone_identifier=milestone,
        proposal=proposal,
    )
