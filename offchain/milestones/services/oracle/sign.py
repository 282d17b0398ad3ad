"""`oracle sign`: a signer for key files, which says first what it signs; `oracle import`: wallets' answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from milestones.cardano.address import Address
from milestones.domain.models import MilestoneSchedule, OracleSignature
from milestones.domain.posix_time import to_posix_seconds
from milestones.errors import InvalidInput, InvalidSignature, NotFound
from milestones.keys.key_files import SigningKey
from milestones.protocol.distribution import Distribution, DistributionName
from milestones.protocol.oracle_signatures import entry_of_wallet_answer
from milestones.protocol.statements import (
    MilestoneStatement,
    NoticeStatement,
    ObjectionStatement,
    RotationStatement,
    Statement,
    parse_statement,
)
from milestones.protocol.terms import Terms
from milestones.services.backend import (
    Backend,
    Workspace,
    chain_time,
    now_posix_ms,
    require_network,
    select_version,
    staleness,
)
from milestones.services.board_preflight import (
    must_be_rotatable,
    must_let_cancel,
    must_take_proposals,
)
from milestones.services.distribution.claims import doubts_about
from milestones.services.distribution.evidence import doubts_about_moment
from milestones.services.distribution.local import distribution_of
from milestones.services.distribution.naming import locate
from milestones.services.distribution.on_chain import LiveBoard, OnChain, read_on_chain
from milestones.services.distribution.proposals import proposal_named
from milestones.services.distribution.schedule_source import known_distribution
from milestones.services.distribution.signatures import (
    doubts_about_agreement,
    must_be_for_contract,
    supported_statements,
)
from milestones.services.oracle.words import statement_in_words
from milestones.services.results import Result, View
from milestones.services.sending.building import said_at
from milestones.storage.signature_files import add_to_signature_file, read_signature_file


class SignatureEntry(View):
    """An entry of `signatures.json`, with the mission's fields and the key that goes with them."""

    oracle_address: str
    signature: str
    signed_data: str
    signature_timestamp: int
    verification_key: str


class WalletEntry(SignatureEntry):
    """An entry with what a wallet signed: a COSE_Sign1, and the COSE_Key that goes with it."""

    cose_sign1: str
    cose_key: str


class OracleSigned(Result):
    """A signature, what was signed in words, and the file it was added to with its number of entries."""

    entry: SignatureEntry | WalletEntry
    statement: tuple[str, ...]
    file: str | None = None
    file_entries: int | None = None


async def oracle_sign(
    workspace: Workspace,
    *,
    signed_data: bytes,
    key: SigningKey,
    schedule: MilestoneSchedule | None = None,
    output: Path | None = None,
    show: Callable[[str], None] = lambda _: None,
    approve: Callable[[], None] = lambda: None,
) -> OracleSigned:
    """Signs `signed_data` with an oracle's key, once it is seen what it says and of which network.

    Statements of every kind are recognised; `show` is called with what it says, a line each, and then
    `approve`, which may raise, before anything is signed. With a `schedule` nobody is asked, and its network
    must be the configured one; otherwise `workspace` is a `Backend`, the distribution is read from the
    chain, and its network must be the node's. `output` is a `signatures.json` that the entry is merged into.
    Raises `InvalidInput` (`InvalidSignature` for bytes that are no statement), `NotFound`, and
    `NotAllowedYet` for what the terms don't let oracles say.
    """
    statement = parse_statement(signed_data)
    workspace = select_version(workspace, statement.policy_id)
    must_be_for_contract(statement, workspace.contract)
    if schedule is not None:
        distribution = distribution_of(schedule, workspace, statement.distribution_id)
        checked = _offline(workspace, statement, distribution)
    elif isinstance(workspace, Backend):
        checked = await _on_chain(workspace, statement)
    else:
        raise InvalidInput(
            "the distribution's terms are not known", path="schedule", hint="give its schedule file"
        )
    _must_be_oracle(key, checked.oracles)
    address = _oracle_address(key, checked.name.address.network_id, schedule)
    words = _in_words(statement, checked.name, address)
    warnings = (*checked.warnings, *_disagreement(workspace, statement, output))
    for line in (*words, *(f"warning: {warning}" for warning in warnings)):
        show(line)
    approve()
    entry = OracleSignature(
        oracle_address=address,
        signature=key.sign(signed_data),
        signed_data=signed_data,
        signature_timestamp=to_posix_seconds(now_posix_ms()),
        verification_key=key.verification_key,
    )
    return _kept(entry, words, output, warnings)


def _disagreement(
    workspace: Workspace, statement: Statement, output: Path | None
) -> tuple[str, ...]:
    """A warning where others signed something else about a milestone, as far as that is known here."""
    if not isinstance(statement, MilestoneStatement):
        return ()
    collected = read_signature_file(output) if output is not None and output.exists() else ()
    others = supported_statements(
        workspace, statement.distribution_id, statement.milestone_identifier, collected
    )
    return doubts_about_agreement(statement, others)


def oracle_import(workspace: Workspace, answer: Any, *, output: Path | None = None) -> OracleSigned:
    """The entry that a wallet's answer amounts to: `{signature, key}`, as CIP-30's `signData` returns it.

    Nobody is asked. `output` is a `signatures.json` that the entry is merged into. Raises
    `InvalidSignature` for what is no such answer, or is of a form that the contract can't take.
    """
    entry = entry_of_wallet_answer(answer)
    if entry is None:
        raise InvalidSignature(
            "this is not what a wallet's signData returns",
            path="answer",
            hint="give an object with `signature` (a COSE_Sign1) and `key` (a COSE_Key), both hexadecimal",
        )
    statement = parse_statement(entry.signed_data)
    workspace = select_version(workspace, statement.policy_id)
    must_be_for_contract(statement, workspace.contract)
    address = entry.oracle_address
    words = (
        f"oracle {address} signed",
        *statement_in_words(statement, address.network_id),
        f"in distribution {statement.distribution_id.hex()}",
    )
    return _kept(entry, words, output, ())


def _kept(
    entry: OracleSignature,
    words: tuple[str, ...],
    output: Path | None,
    warnings: tuple[str, ...],
) -> OracleSigned:
    """The result, once the entry is in the file."""
    fields = entry.model_dump(mode="json", exclude_none=True)
    return OracleSigned(
        entry=SignatureEntry(**fields) if entry.cose_key is None else WalletEntry(**fields),
        statement=words,
        file=None if output is None else str(output),
        file_entries=None if output is None else add_to_signature_file(output, entry),
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True)
class _Checked:
    """A statement is what this distribution's oracles may say; `oracles` are those who count now."""

    name: DistributionName
    oracles: tuple[bytes, ...]
    warnings: tuple[str, ...]


def _offline(workspace: Workspace, statement: Statement, distribution: Distribution) -> _Checked:
    """As far as the schedule alone can say."""
    terms = distribution.terms
    warnings: list[str] = []
    _must_be_configured(workspace, terms)
    if isinstance(statement, RotationStatement):
        raise InvalidInput(
            "only the chain says which board is the next",
            path="schedule",
            hint="leave --schedule out, so that the chain is asked",
        )
    if isinstance(statement, MilestoneStatement):
        warnings += doubts_about(statement, distribution)
        warnings += doubts_about_moment(statement.verification_posix_ms, now_posix_ms())
    if isinstance(statement, NoticeStatement):
        must_let_cancel(terms, "quorum")
    if isinstance(statement, ObjectionStatement):
        must_take_proposals(terms)
        warnings.append("the chain was not asked: whether there is such a proposal was not checked")
    if terms.rotatable is not None:
        warnings.append(
            "these terms let the oracles be replaced: whether this one still sits was not checked"
        )
    return _Checked(distribution.name, terms.oracles, tuple(warnings))


async def _on_chain(backend: Backend, statement: Statement) -> _Checked:
    magic = await require_network(backend)
    on_chain = await read_on_chain(backend, await locate(backend, statement.distribution_id))
    _must_be_on(on_chain.terms, magic, f"the node at {backend.ogmios.url} runs")
    warnings = await staleness(backend)
    time = await chain_time(backend)
    match statement:
        case MilestoneStatement():
            warnings += await _doubts(backend, on_chain, statement)
            warnings += doubts_about_moment(statement.verification_posix_ms, time.now_posix_ms)
        case NoticeStatement():
            must_let_cancel(on_chain.terms, "quorum")
            said_at(time, statement.said_at_posix_ms, path="signed_data")
        case ObjectionStatement():
            must_take_proposals(on_chain.terms)
            _must_be_that_proposal(on_chain, statement)
        case RotationStatement():
            _must_be_next(must_be_rotatable(on_chain), statement)
    return _Checked(on_chain.name, on_chain.sitting.oracles, tuple(warnings))


async def _doubts(
    backend: Backend, on_chain: OnChain, statement: MilestoneStatement
) -> tuple[str, ...]:
    try:
        distribution = await known_distribution(backend, on_chain)
    except NotFound:
        distribution = None
    return doubts_about(statement, distribution)


def _must_be_that_proposal(on_chain: OnChain, statement: ObjectionStatement) -> None:
    live = proposal_named(on_chain, str(statement.proposal))
    if live.proposal.milestone != statement.milestone:
        raise InvalidSignature(
            f"the proposal {statement.proposal} is about milestone"
            f" {live.proposal.milestone_identifier!r}, not {statement.milestone_identifier!r}",
            path="signed_data",
            hint="ask for the bytes that `milestones oracle payload --object` prints",
        )


def _must_be_next(live: LiveBoard, statement: RotationStatement) -> None:
    following = live.board.sequence + 1
    if statement.sequence != following:
        raise InvalidSignature(
            f"this is about board {statement.sequence}, and the next one is {following}",
            path="signed_data",
            hint="ask for the bytes that `milestones oracle payload --rotate-to` prints now",
            details={"sequence": statement.sequence, "next_sequence": following},
        )


def _must_be_configured(workspace: Workspace, terms: Terms) -> None:
    if not workspace.network.admits(terms.metadata.network_magic):
        raise _other_network(terms, f"the configuration names {workspace.network.name}")


def _must_be_on(terms: Terms, magic: int, whose: str) -> None:
    if terms.metadata.network_magic != magic:
        raise _other_network(terms, f"{whose} the one with magic {magic}")


def _other_network(terms: Terms, instead: str) -> InvalidInput:
    return InvalidInput(
        f"the distribution is for the network with magic {terms.metadata.network_magic}, but {instead}",
        path="network",
        hint="ask who made the distribution: a signature could be used on another network",
        details={"network_magic": terms.metadata.network_magic},
    )


def _must_be_oracle(key: SigningKey, oracles: tuple[bytes, ...]) -> None:
    if key.key_hash not in oracles:
        raise InvalidInput(
            f"the key {key.key_hash.hex()} is none of the distribution's {len(oracles)} oracles",
            path="signing_key_path",
            hint="sign with the payment key of an address among the schedule's oracle_addresses or,"
            " where the oracles were replaced, of one that sits now",
            details={"oracles": [oracle.hex() for oracle in oracles]},
        )


def _oracle_address(
    key: SigningKey, network_id: int, schedule: MilestoneSchedule | None
) -> Address:
    for address in schedule.oracle_addresses if schedule else ():
        if address.payment.hash == key.key_hash:
            return address
    return key.address(network_id)


def _in_words(statement: Statement, name: DistributionName, oracle: Address) -> tuple[str, ...]:
    says = statement_in_words(statement, name.address.network_id)
    return (
        f"oracle {oracle} signs",
        *says,
        f"in distribution {statement.distribution_id.hex()}",
        f"at {name.address}",
    )
