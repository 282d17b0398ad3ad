"""`oracle payload`: the exact bytes that the oracles of a milestone sign."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Final

from milestones.cardano.address import Address
from milestones.domain.models import MilestoneIdentifier, MilestoneSchedule, OracleSignature
from milestones.domain.posix_time import (
    in_words,
    looks_like_milliseconds,
    to_posix_ms,
    to_posix_seconds,
)
from milestones.errors import InvalidInput, NotFound
from milestones.protocol.distribution import ContractAddress
from milestones.protocol.statements import MilestoneStatement, payload_diagnostic
from milestones.protocol.terms import Terms
from milestones.services.backend import (
    Backend,
    Workspace,
    chain_time,
    require_network,
    select_version,
    staleness,
)
from milestones.services.distribution.claims import doubts_about
from milestones.services.distribution.local import address_of, distribution_of, local_distribution
from milestones.services.distribution.naming import known_name, locate
from milestones.services.distribution.on_chain import read_on_chain
from milestones.services.distribution.schedule_source import known_distribution
from milestones.services.distribution.signatures import must_be_for_contract
from milestones.services.results import Result, View
from milestones.services.sending.tracking import now_posix_ms
from milestones.storage.signature_files import add_to_signature_file
from milestones.transactions.wallet import SigningKey

EVIDENCE_BYTES: Final = 64
CLOCKS_DIFFER_MS: Final = 600_000
"""How far a machine's time may be ahead of the newest block's, which is up to minutes old, without a word."""


class OraclePayload(Result):
    """The exact bytes to sign (hexadecimal), how they read, and what they say. Times: POSIX seconds."""

    signed_data: str
    diagnostic: str
    contract_address: str
    distribution_id: str
    milestone_identifier: str
    evidence_hash: str
    verification_timestamp: int


def evidence_hash_of(path: Path) -> bytes:
    """blake2b_256 of a file. Raises `InvalidInput` where it can't be read."""
    digest = blake2b(digest_size=32)
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be read: {error.strerror}", path="evidence_file", hint="check the path"
        ) from None
    return digest.digest()


async def oracle_payload(
    workspace: Workspace,
    *,
    contract_address: ContractAddress,
    milestone_identifier: str,
    evidence_hash: bytes = b"",
    verification_timestamp: int | None = None,
) -> OraclePayload:
    """What all oracles of a milestone sign; no service is asked.

    `evidence_hash`: up to 64 bytes. `verification_timestamp`: POSIX seconds at which the milestone was
    reached, by default this machine's time. All oracles must sign the same bytes, so one makes them.
    Raises `InvalidInput` with the field's path, and `NotFound` for a milestone that is not in the
    schedule, where the data directory has that.
    """
    if verification_timestamp is None:
        verification_timestamp = to_posix_seconds(now_posix_ms())
    _must_be_seconds(verification_timestamp)
    if len(evidence_hash) > EVIDENCE_BYTES:
        raise InvalidInput(
            f"an evidence hash has at most {EVIDENCE_BYTES} bytes, not {len(evidence_hash)}",
            path="evidence_hash",
            hint="give a hash of the evidence, or the file itself with --evidence-file",
        )
    workspace = select_version(workspace, contract_address.payment.hash)
    name = known_name(workspace, contract_address)
    distribution_id = name.distribution_id
    statement = MilestoneStatement(
        workspace.contract.policy_id,
        distribution_id,
        MilestoneIdentifier.parse(milestone_identifier).raw,
        evidence_hash,
        to_posix_ms(verification_timestamp),
    )
    warnings = doubts_about(statement, local_distribution(workspace, distribution_id))
    return OraclePayload(
        signed_data=statement.signed_data.hex(),
        diagnostic=payload_diagnostic(statement.signed_data),
        contract_address=str(name),
        distribution_id=distribution_id.hex(),
        milestone_identifier=milestone_identifier,
        evidence_hash=evidence_hash.hex(),
        verification_timestamp=verification_timestamp,
        warnings=warnings,
    )


def _must_be_seconds(timestamp: int) -> None:
    path = "verification_timestamp"
    if timestamp < 0:
        raise InvalidInput(
            f"{timestamp} is before 1970", path=path, hint="give POSIX seconds, or an ISO 8601 time"
        )
    if looks_like_milliseconds(timestamp):
        raise InvalidInput(
            f"{timestamp} looks like milliseconds; this field is in seconds",
            path=path,
            hint=f"give {timestamp // 1000}",
        )


class SignatureEntry(View):
    """An entry of `signatures.json`, with the mission's fields and the key that goes with them."""

    oracle_address: str
    signature: str
    signed_data: str
    signature_timestamp: int
    verification_key: str


class OracleSigned(Result):
    """A signature, what was signed in words, and the file it was added to with its number of entries."""

    entry: SignatureEntry
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
) -> OracleSigned:
    """Signs `signed_data` with an oracle's key, once it is seen what it says and of which network.

    With a `schedule` nobody is asked, and its network must be the configured one; otherwise `workspace`
    is a `Backend`, the terms are read from the chain, and their network must be the node's. `output` is
    a `signatures.json` that the entry is merged into. Raises `InvalidInput` (`InvalidSignature` for bytes
    that are no statement) and `NotFound`.
    """
    statement = MilestoneStatement.parse(signed_data)
    workspace = select_version(workspace, statement.policy_id)
    must_be_for_contract(statement, workspace.contract)
    if schedule is not None:
        distribution = distribution_of(schedule, workspace, statement.distribution_id)
        terms, warnings = distribution.terms, doubts_about(statement, distribution)
        _must_be_configured(workspace, terms)
    elif isinstance(workspace, Backend):
        terms, warnings = await _on_chain(workspace, statement)
    else:
        raise InvalidInput(
            "the distribution's terms are not known", path="schedule", hint="give its schedule file"
        )
    _must_be_oracle(key, terms)
    entry = OracleSignature(
        oracle_address=_oracle_address(key, terms, schedule),
        signature=key.sign(signed_data),
        signed_data=signed_data,
        signature_timestamp=to_posix_seconds(now_posix_ms()),
        verification_key=key.verification_key,
    )
    entries = None if output is None else add_to_signature_file(output, entry)
    return OracleSigned(
        entry=SignatureEntry(**entry.model_dump(mode="json", exclude_none=True)),
        statement=_in_words(workspace, statement, entry),
        file=None if output is None else str(output),
        file_entries=entries,
        warnings=warnings,
    )


async def _on_chain(
    backend: Backend, statement: MilestoneStatement
) -> tuple[Terms, tuple[str, ...]]:
    magic = await require_network(backend)
    on_chain = await read_on_chain(backend, await locate(backend, statement.distribution_id))
    _must_be_on(on_chain.terms, magic, f"the node at {backend.ogmios.url} runs")
    try:
        distribution = await known_distribution(backend, on_chain)
    except NotFound:
        distribution = None
    warnings = [*await staleness(backend), *doubts_about(statement, distribution)]
    now = (await chain_time(backend)).now_posix_ms
    if statement.verification_posix_ms > now + CLOCKS_DIFFER_MS:
        warnings.append("the milestone is said to be reached at a time that is still to come")
    return on_chain.terms, tuple(warnings)


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


def _must_be_oracle(key: SigningKey, terms: Terms) -> None:
    if key.key_hash not in terms.oracles:
        raise InvalidInput(
            f"the key {key.key_hash.hex()} is none of the distribution's {len(terms.oracles)} oracles",
            path="signing_key_path",
            hint="sign with the payment key of an address among the schedule's oracle_addresses",
            details={"oracles": [oracle.hex() for oracle in terms.oracles]},
        )


def _oracle_address(key: SigningKey, terms: Terms, schedule: MilestoneSchedule | None) -> Address:
    for address in schedule.oracle_addresses if schedule else ():
        if address.payment.hash == key.key_hash:
            return address
    return key.address(terms.network_id)


def _in_words(
    workspace: Workspace, statement: MilestoneStatement, entry: OracleSignature
) -> tuple[str, ...]:
    seconds = to_posix_seconds(statement.verification_posix_ms)
    evidence = statement.evidence_hash.hex() or "none"
    return (
        f"signed by oracle {entry.oracle_address}",
        f"that milestone {statement.milestone_identifier!r} was reached at {in_words(seconds)},",
        f"in distribution {statement.distribution_id.hex()}",
        f"at {address_of(workspace, statement.distribution_id)};",
        f"evidence hash: {evidence}",
    )
