"""Which milestones have a quorum of oracle signatures in the local records, ready to be put on chain.

Only the form of a signature is looked at; the chain alone says whether it is genuine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from milestones.cardano import plutus_data
from milestones.cardano.hashes import blake2b_224
from milestones.clients.chain_walk import BlockTransaction, RollForward
from milestones.domain.models import MilestoneCompletion, OracleSignature
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.domain.quorum import QuorumState, quorum_state
from milestones.errors import InvalidEncoding, InvalidSignature, NotFound
from milestones.protocol.oracle_signatures import (
    entry_of,
    open_cose_pair,
    with_key,
    witness_if_complete,
    witness_of,
)
from milestones.protocol.redeemers import Attest, OracleWitness
from milestones.protocol.statements import MilestoneStatement, Statement
from milestones.protocol.validator_loader import Contract
from milestones.services.backend import Backend, Workspace
from milestones.services.distribution.on_chain import LiveAttestation, OnChain
from milestones.transactions.contract_drafts import Attesting, Sitting


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement about a milestone, and a well-formed signature of each oracle that made it.

    `witnesses` are by oracle (the key's hash, 28 bytes), ascending as in the terms.
    """

    statement: MilestoneStatement
    witnesses: dict[bytes, OracleWitness]

    def attesting(self, sitting: Sitting, *, without: frozenset[bytes] = frozenset()) -> Attesting:
        """The attestation by the first oracles that make a quorum, those in `without` passed over."""
        usable = [witness for oracle, witness in self.witnesses.items() if oracle not in without]
        return Attesting.of(sitting, self.statement, usable[: sitting.quorum_threshold])


def must_be_for_contract(statement: Statement, contract: Contract) -> None:
    """What is signed is about this contract. Raises `InvalidSignature` about `signed_data`."""
    if statement.policy_id != contract.policy_id:
        raise InvalidSignature(
            f"the statement is for another contract, {statement.policy_id.hex()}, not for"
            f" {contract.policy_id.hex()}",
            path="signed_data",
            hint="name the blueprint of the version that opened the distribution",
        )


def statements_at_hand(
    workspace: Workspace, on_chain: OnChain, milestone_identifier: str
) -> list[SignedStatement]:
    """All statements about a milestone that oracles who count now signed, the best supported first."""
    record = workspace.storage.records.find(on_chain.distribution_id, milestone_identifier)
    return [] if record is None else list(_statements(workspace, on_chain.sitting, record))


def complete_statements(
    workspace: Workspace, on_chain: OnChain, milestone_identifier: str
) -> list[SignedStatement]:
    """The statements about a milestone that a quorum of oracles signed, the best supported first."""
    statements = statements_at_hand(workspace, on_chain, milestone_identifier)
    needed = on_chain.sitting.quorum_threshold
    return [signed for signed in statements if len(signed.witnesses) >= needed]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why the signatures at hand are no quorum: in words that follow "has", and what to do.

    `signature_count` is that of the best supported statement; `keyless` are the addresses (Bech32) of oracles
    who sit and of whose signature the verification key is missing.
    """

    signature_count: int
    keyless: tuple[str, ...]
    words: str
    hint: str


def shortfall(workspace: Workspace, on_chain: OnChain, milestone_identifier: str) -> Shortfall:
    """What a milestone lacks of which no statement has its quorum."""
    sitting = on_chain.sitting
    statements = statements_at_hand(workspace, on_chain, milestone_identifier)
    record = workspace.storage.records.find(on_chain.distribution_id, milestone_identifier)
    entries = usable_entries(workspace, record)
    keyless = keyless_oracles(entry for entry in entries if entry.oracle in sitting.oracles)
    count = len(statements[0].witnesses) if statements else 0
    words = f"{count} of the {sitting.quorum_threshold} signatures it needs"
    hint = "commit the missing oracle signatures with `milestones commit-milestone`"
    if len(statements) > 1:
        words = _split(statements, sitting)
        best = statements[0].statement.signed_data.hex()
        hint = f"let the others sign the same bytes: `milestones oracle sign --signed-data {best}`"
    if keyless:
        words = f"{words}; {missing_keys(keyless)}"
        hint = (
            "give the keys to `milestones attest` with --oracle-keys, as .vkey files or hexadecimal"
        )
    return Shortfall(count, keyless, words, hint)


def split_signatures(
    workspace: Workspace, on_chain: OnChain, milestone_identifier: str
) -> str | None:
    """How the signatures at hand are split, where a milestone has no quorum because of that; else None."""
    statements = statements_at_hand(workspace, on_chain, milestone_identifier)
    if len(statements) < 2 or len(statements[0].witnesses) >= on_chain.sitting.quorum_threshold:
        return None
    return _split(statements, on_chain.sitting)


def _split(statements: Sequence[SignedStatement], sitting: Sitting) -> str:
    counted = [(signed.statement, len(signed.witnesses)) for signed in statements]
    return split_in_words(counted, sitting.quorum_threshold)


def milestones_signed(workspace: Workspace, on_chain: OnChain) -> frozenset[str]:
    """The milestones of a distribution of which the local records have a quorum of signatures."""
    records = workspace.storage.records.of_distribution(on_chain.distribution_id)
    return frozenset(
        record.milestone_identifier
        for record in records
        if complete_statements(workspace, on_chain, record.milestone_identifier)
    )


def _statements(
    workspace: Workspace, sitting: Sitting, record: MilestoneCompletion
) -> Iterator[SignedStatement]:
    entries = [entry for entry in usable_entries(workspace, record) if witness_if_complete(entry)]
    while True:
        state = quorum_state(
            entries,
            quorum_threshold=sitting.quorum_threshold,
            total_oracles=len(sitting.oracles),
            oracles=sitting.oracles,
        )
        if state.signed_data is None:
            return
        witnesses = [witness_of(entry) for entry in state.signatures]
        by_oracle = {blake2b_224(witness.verification_key): witness for witness in witnesses}
        yield SignedStatement(MilestoneStatement.parse(state.signed_data), by_oracle)
        entries = [entry for entry in entries if entry.signed_data != state.signed_data]


def usable_entries(
    workspace: Workspace, record: MilestoneCompletion | None
) -> list[OracleSignature]:
    """A record's entries that are well-formed and about its milestone: somebody may have edited the file.

    One that came without its verification key has it where the data directory knows it, and counts
    without; the chain needs it.
    """
    if record is None:
        return []
    about = (
        workspace.contract.policy_id,
        record.distribution_id,
        record.milestone_identifier.encode(),
    )
    usable = [entry for entry in record.oracle_signatures if _is_usable(entry, about)]
    return with_known_keys(workspace, usable)


def supported_statements(
    workspace: Workspace,
    distribution_id: bytes,
    milestone_identifier: str,
    collected: Iterable[OracleSignature] = (),
) -> list[tuple[MilestoneStatement, int]]:
    """What has been said of a milestone, and by how many oracles; the best supported first.

    Counted are the local record's entries and those `collected` elsewhere. Whether the oracles sit, and
    whether a signature is genuine, isn't asked.
    """
    about = (workspace.contract.policy_id, distribution_id, milestone_identifier.encode())
    record = workspace.storage.records.find(distribution_id, milestone_identifier)
    entries = [*(record.oracle_signatures if record else ()), *collected]
    signers: dict[bytes, set[bytes]] = {}
    for entry in entries:
        if _is_usable(entry, about):
            signers.setdefault(entry.signed_data, set()).add(entry.oracle)
    counted = [(MilestoneStatement.parse(data), len(who)) for data, who in signers.items()]
    return sorted(counted, key=lambda each: -each[1])


def doubts_about_agreement(
    statement: MilestoneStatement, others: Sequence[tuple[MilestoneStatement, int]]
) -> tuple[str, ...]:
    """A warning where oracles have signed already, and all of them something else."""
    if not others or any(statement == each for each, _ in others):
        return ()
    return (
        f"oracles have signed other bytes about this milestone already: {spread_in_words(others)};"
        " only equal bytes add up",
    )


def with_known_keys(
    workspace: Workspace, entries: Sequence[OracleSignature], given: Iterable[bytes] = ()
) -> list[OracleSignature]:
    """Entries with their oracles' verification keys: the `given` (32 bytes each), else earlier ones."""
    keys = {blake2b_224(key): key for key in given}
    if any(_lacks_key(entry) and entry.oracle not in keys for entry in entries):
        keys = {**_keys_of_earlier_entries(workspace), **keys}
    return [with_key(entry, keys) for entry in entries]


def keyless_oracles(entries: Iterable[OracleSignature]) -> tuple[str, ...]:
    """The addresses (Bech32) of oracles of whose signature the verification key is missing, in order."""
    return tuple(sorted({str(entry.oracle_address) for entry in entries if _lacks_key(entry)}))


def missing_keys(oracles: Sequence[str]) -> str:
    """That the verification keys of these oracles are missing, and what to do."""
    return (
        f"the verification key of {', '.join(oracles)} is not known: `attest` needs it to put the"
        " signature on the chain; give it with --oracle-keys"
    )


def _lacks_key(entry: OracleSignature) -> bool:
    return entry.verification_key is None and entry.cose_key is None


def _keys_of_earlier_entries(workspace: Workspace) -> Mapping[bytes, bytes]:
    """The verification keys in all records of the data directory, by their hash."""
    found = {}
    for record in workspace.storage.records.all():
        for entry in record.oracle_signatures:
            with suppress(InvalidSignature):
                key = _key_in(entry)
                found[blake2b_224(key)] = key
    return found


def _key_in(entry: OracleSignature) -> bytes:
    if entry.cose_sign1 is not None and entry.cose_key is not None:
        return open_cose_pair(entry.cose_sign1, entry.cose_key).verification_key
    return entry.verification_key or b""


def split_in_words(
    supporters: Sequence[tuple[MilestoneStatement, int]], quorum_threshold: int
) -> str:
    """How signatures are split over several statements, each with how many oracles signed it, best first."""
    most = supporters[0][1]
    end = (
        f"no statement has its quorum of {quorum_threshold}"
        if most < quorum_threshold
        else "they don't add up"
    )
    return f"{spread_in_words(supporters)}: {end}"


def spread_in_words(supporters: Sequence[tuple[MilestoneStatement, int]]) -> str:
    """Statements, each with how many oracles signed it, the best supported first."""
    shown_evidence = any(statement.evidence_hash for statement, _ in supporters)
    first, *others = (
        f"{count} for the {'one' if number else 'statement'} at {_moment(statement, shown_evidence)}"
        for number, (statement, count) in enumerate(supporters)
    )
    plural = "signature" if supporters[0][1] == 1 else "signatures"
    return ", ".join((first.replace(" ", f" {plural} ", 1), *others))


def _moment(statement: MilestoneStatement, shown_evidence: bool) -> str:
    when = in_words(to_posix_seconds(statement.verification_posix_ms))
    if not shown_evidence:
        return when
    digest = statement.evidence_hash.hex()
    return f"{when} with evidence {digest[:16]}…" if digest else f"{when} without evidence"


def statement_seconds(state: QuorumState) -> int | None:
    """When the best-supported statement says that the milestone was reached, in POSIX seconds."""
    if state.signed_data is None:
        return None
    return to_posix_seconds(MilestoneStatement.parse(state.signed_data).verification_posix_ms)


def seen_on_chain(record: MilestoneCompletion) -> bool:
    """Whether a record was rebuilt from an attestation: it counts as met without the signatures for it."""
    state = quorum_state(
        record.oracle_signatures,
        quorum_threshold=record.quorum_threshold,
        total_oracles=record.total_oracles,
    )
    return record.quorum_status == "met" and state.quorum_status != "met"


def _is_usable(entry: OracleSignature, about: tuple[bytes, bytes, bytes]) -> bool:
    try:
        witness_if_complete(entry)
        statement = MilestoneStatement.parse(entry.signed_data)
    except InvalidSignature:
        return False
    return (statement.policy_id, statement.distribution_id, statement.milestone) == about


FARTHEST_BLOCKS: Final = 500
"""How many blocks are read to find one. An index that has only older checkpoints is not worth the walk."""


async def attested_signatures(
    backend: Backend, on_chain: OnChain, live: LiveAttestation
) -> tuple[OracleSignature, ...]:
    """The entries that an attestation was made with; none where its block can't be found any more."""
    transaction = await _transaction(backend, live)
    if transaction is None:
        return ()
    attestation = live.attestation
    statement = MilestoneStatement(
        backend.contract.policy_id,
        attestation.distribution_id,
        attestation.milestone,
        attestation.evidence_hash,
        attestation.verification_posix_ms,
    )
    return tuple(
        entry
        for action in _attests(transaction)
        if action.milestone == attestation.milestone
        for entry in _entries(action, statement, on_chain.terms.network_id)
    )


async def _transaction(backend: Backend, live: LiveAttestation) -> BlockTransaction | None:
    start = await backend.kupo.checkpoint_at(max(0, live.point.slot - 1))
    try:
        async with backend.ogmios.walk_from([start] if start else []) as walk:
            for _ in range(FARTHEST_BLOCKS):
                event = await walk.next_block()
                if not isinstance(event, RollForward):
                    continue
                if event.block.point.slot >= live.point.slot:
                    return _among(event.block.transactions, live.utxo.reference.transaction_id)
    except NotFound:
        # Rolled back between two questions.
        return None
    return None


def _among(
    transactions: tuple[BlockTransaction, ...], transaction_id: bytes
) -> BlockTransaction | None:
    return next((each for each in transactions if each.transaction_id == transaction_id), None)


def _attests(transaction: BlockTransaction) -> Iterator[Attest]:
    for pointer, raw in transaction.redeemers.items():
        if pointer.purpose != "mint":
            continue
        try:
            yield Attest.from_data(plutus_data.decode(raw))
        except InvalidEncoding:
            # Another policy's redeemer.
            continue


def _entries(
    action: Attest, statement: MilestoneStatement, network_id: int
) -> Iterator[OracleSignature]:
    for witness in action.witnesses:
        try:
            yield entry_of(witness, statement, network_id)
        except InvalidSignature:
            continue
