"""`oracle payload`: the exact bytes that oracles sign, of every kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

from milestones.cardano.address import Address
from milestones.documents import reading
from milestones.domain.models import MilestoneIdentifier, OracleSignature
from milestones.domain.posix_time import to_posix_ms, to_posix_seconds
from milestones.domain.powers import MOST_ORACLES
from milestones.domain.reading import AddressField, HexField
from milestones.errors import InvalidInput
from milestones.protocol.distribution import ContractAddress, DistributionName
from milestones.protocol.oracle_signatures import signers_limit
from milestones.protocol.statements import (
    MilestoneStatement,
    NoticeStatement,
    ObjectionStatement,
    RotationStatement,
    Statement,
    payload_diagnostic,
)
from milestones.protocol.terms import oracles_can_act
from milestones.services.backend import (
    Backend,
    Workspace,
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
from milestones.services.distribution.evidence import (
    checked_evidence,
    checked_moment,
    doubts_about_moment,
)
from milestones.services.distribution.local import local_distribution, local_terms
from milestones.services.distribution.naming import known_name, must_be_of_network
from milestones.services.distribution.on_chain import OpenDistribution, read_on_chain
from milestones.services.distribution.proposals import proposal_named
from milestones.services.distribution.signatures import doubts_about_agreement, supported_statements
from milestones.services.oracle.words import statement_in_words
from milestones.services.preflight import must_be_open
from milestones.services.results import Result

NOTICE_LEAD_SECONDS: Final = 86_400
"""How long oracles have to sign a notice, unless told: it must be sent before the time it names."""
UNCHECKED_CANCELLING: Final = (
    "the terms are not known here: whether they let a quorum cancel was not checked"
)


THIS_MACHINES_TIME: Final = (
    "no time was given, so it is this machine's: who types the same gets other bytes, and those don't add"
    " up; let the others sign these, or give --verification-timestamp"
)
TimeFrom = Literal["given", "signed", "clock"]
_GIVEN: Final[TimeFrom] = "given"
_SIGNED: Final[TimeFrom] = "signed"
_CLOCK: Final[TimeFrom] = "clock"


class _Payload(Result):
    """The exact bytes to sign (hexadecimal), how they read, and what they say in words."""

    signed_data: str
    diagnostic: str
    statement: str
    contract_address: str
    distribution_id: str


class OraclePayload(_Payload):
    """The exact bytes to sign (hexadecimal), how they read, and what they say. Times: POSIX seconds.

    `time_from` says whose time it is: `given` by whoever asks, that of what others have `signed`, or this
    machine's `clock`.
    """

    kind: Literal["milestone"] = "milestone"
    milestone_identifier: str
    evidence_hash: str
    verification_timestamp: int
    time_from: TimeFrom


class NoticeToSign(_Payload):
    """What a quorum signs to give notice. `said_at` (POSIX seconds): its grace runs from then on."""

    kind: Literal["notice"] = "notice"
    said_at: int
    evidence_hash: HexField


class ObjectionToSign(_Payload):
    """What oracles sign to stop a proposal. `signatures_needed` of those who sit are enough."""

    kind: Literal["objection"] = "objection"
    proposal: str
    milestone_identifier: str
    bond_to: AddressField
    bond_lovelace: int
    signatures_needed: int


class RotationToSign(_Payload):
    """What a quorum signs to be replaced: the board of this number, its oracles and its quorum."""

    kind: Literal["rotation"] = "rotation"
    sequence: int
    oracles: tuple[AddressField, ...]
    quorum_threshold: int
    signatures_needed: int


def evidence_hash_of(path: Path) -> bytes:
    """blake2b_256 of a file. Raises `InvalidInput` where it can't be read."""
    digest = blake2b(digest_size=32)
    with reading(path, "evidence_file", InvalidInput) as pieces:
        for piece in pieces:
            digest.update(piece)
    return digest.digest()


async def oracle_payload(
    workspace: Workspace,
    *,
    contract_address: ContractAddress,
    milestone_identifier: str,
    evidence_hash: bytes = b"",
    verification_timestamp: int | None = None,
    collected: Sequence[OracleSignature] = (),
    ask: Callable[[], int | None] | None = None,
) -> OraclePayload:
    """What all oracles of a milestone sign; no service is asked.

    `evidence_hash`: up to 64 bytes. `verification_timestamp`: POSIX seconds at which the milestone was
    reached. By default it is that of the statement with this evidence that most oracles have signed, in
    the data directory or among `collected` entries; else what `ask` returns; else this machine's time, with
    a warning: all oracles must sign the same bytes. Raises `InvalidInput` with the field's path, and
    `NotFound` for a milestone that is not in the schedule, where the data directory has that.
    """
    milestone = MilestoneIdentifier.parse(milestone_identifier)
    checked_evidence(evidence_hash)
    workspace = select_version(workspace, contract_address.payment.hash)
    name = known_name(workspace, contract_address)
    others = supported_statements(workspace, name.distribution_id, milestone.text, collected)
    agreed = [each for each, _ in others if each.evidence_hash == evidence_hash]
    given, time_from = verification_timestamp, _GIVEN
    if given is None and not agreed and ask is not None:
        given = ask()
    if given is not None:
        moment = checked_moment(given, "verification_timestamp", workspace.network)
    elif agreed:
        moment, time_from = agreed[0].verification_posix_ms, _SIGNED
    else:
        moment, time_from = to_posix_ms(to_posix_seconds(now_posix_ms())), _CLOCK
    statement = MilestoneStatement(
        workspace.contract.policy_id,
        name.distribution_id,
        milestone.raw,
        evidence_hash,
        moment,
    )
    warnings = (
        *doubts_about(statement, local_distribution(workspace, name.distribution_id)),
        *doubts_about_moment(moment, now_posix_ms()),
        *doubts_about_agreement(statement, others),
        *([THIS_MACHINES_TIME] if time_from == _CLOCK else []),
    )
    return OraclePayload(
        **_common(name, statement, warnings),
        milestone_identifier=milestone_identifier,
        evidence_hash=evidence_hash.hex(),
        verification_timestamp=to_posix_seconds(moment),
        time_from=time_from,
    )


async def notice_payload(
    workspace: Workspace,
    *,
    contract_address: ContractAddress,
    evidence_hash: bytes = b"",
    said_at_timestamp: int | None = None,
) -> NoticeToSign:
    """What a quorum signs to give notice that a distribution will be ended; no service is asked.

    `said_at_timestamp` (POSIX seconds): by default a day from now by this machine's time. The notice must
    be sent before then, and its grace runs from then on. Raises `InvalidInput`, and `NotAllowedYet`
    (`cancel_by`) where the terms are known here and let no quorum cancel.
    """
    if said_at_timestamp is None:
        said_at_timestamp = to_posix_seconds(now_posix_ms()) + NOTICE_LEAD_SECONDS
    moment = checked_moment(said_at_timestamp, "said_at", workspace.network)
    checked_evidence(evidence_hash)
    workspace = select_version(workspace, contract_address.payment.hash)
    name = known_name(workspace, contract_address)
    terms = local_terms(workspace, name.distribution_id)
    if terms is not None:
        must_let_cancel(terms, "quorum")
    policy_id = workspace.contract.policy_id
    statement = NoticeStatement(policy_id, name.distribution_id, moment, evidence_hash)
    warnings = () if terms is not None else (UNCHECKED_CANCELLING,)
    return NoticeToSign(
        **_common(name, statement, warnings),
        said_at=said_at_timestamp,
        evidence_hash=evidence_hash,
    )


async def objection_payload(
    backend: Backend, *, contract_address: ContractAddress, proposal: str, bond_to: Address
) -> ObjectionToSign:
    """What oracles sign to stop a proposal, and that its bond goes to `bond_to`.

    `proposal`: `<transaction id>#<index>`, or the milestone where it has only one. Raises `NotFound`,
    `NotAllowedYet` (`objectors`, `closed`), `InvalidAddress` for an address of another network.
    """
    known, warnings = await _open(backend, contract_address)
    must_take_proposals(known.terms)
    live = proposal_named(known, proposal)
    must_be_of_network(bond_to, known.terms.network_id, "bond_to")
    if bond_to.payment.kind == "script":
        warnings.append("the bond would go to a script, without a datum: many can never be spent")
    statement = ObjectionStatement(
        live.proposal.registry,
        known.distribution_id,
        live.proposal.milestone,
        live.utxo.reference,
        bond_to.to_data(),
    )
    return ObjectionToSign(
        **_common(known.name, statement, warnings),
        proposal=str(live.utxo.reference),
        milestone_identifier=live.proposal.milestone_identifier,
        bond_to=bond_to,
        bond_lovelace=live.utxo.output.value.lovelace,
        signatures_needed=min(known.terms.objectors, known.sitting.quorum_threshold),
    )


async def rotation_payload(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    oracle_addresses: Sequence[Address],
    quorum_threshold: int,
) -> RotationToSign:
    """What a quorum of the oracles that sit signs, so that others sit in their place.

    Raises `NotAllowedYet` (`rotatable`, `closed`), `InvalidInput` for oracles that can't sit.
    """
    known, warnings = await _open(backend, contract_address)
    board = must_be_rotatable(known).board
    for number, address in enumerate(oracle_addresses):
        must_be_of_network(address, known.terms.network_id, f"rotate_to[{number}]")
    oracles = _able_to_act(oracle_addresses, quorum_threshold)
    statement = RotationStatement(
        board.registry, known.distribution_id, board.sequence + 1, oracles, quorum_threshold
    )
    if known.terms.objectors > quorum_threshold:
        warnings.append(
            f"{quorum_threshold} oracles will stop a proposal then, as many as the new quorum"
        )
    by_hash = {address.payment.hash: address for address in oracle_addresses}
    return RotationToSign(
        **_common(known.name, statement, warnings),
        sequence=statement.sequence,
        oracles=tuple(by_hash[oracle] for oracle in oracles),
        quorum_threshold=quorum_threshold,
        signatures_needed=board.quorum_threshold,
    )


def _able_to_act(addresses: Sequence[Address], quorum_threshold: int) -> tuple[bytes, ...]:
    """The oracles' hashes, ascending. Raises `InvalidInput` where the contract would not let them sit."""
    oracles = tuple(sorted(address.payment.hash for address in addresses))
    if any(address.payment.kind == "script" for address in addresses):
        raise InvalidInput("a script can't sign", path="rotate_to", hint="give addresses of keys")
    if len(set(oracles)) < len(oracles):
        raise InvalidInput(
            "an oracle is named twice", path="rotate_to", hint="name each key only once"
        )
    if not oracles_can_act(oracles, quorum_threshold):
        raise InvalidInput(
            f"{quorum_threshold} of {len(oracles)} oracles can't be a quorum",
            path="next_quorum",
            hint=f"name 1 to {MOST_ORACLES} oracles, and a quorum of 1 to as many as they are",
        )
    return oracles


async def _open(
    backend: Backend, contract_address: ContractAddress
) -> tuple[OpenDistribution, list[str]]:
    backend = select_version(backend, contract_address.payment.hash)
    await require_network(backend)
    known = must_be_open(await read_on_chain(backend, contract_address))
    return known, await staleness(backend)


def _common(
    name: DistributionName, statement: Statement, warnings: Sequence[str]
) -> dict[str, Any]:
    limit = signers_limit(statement.signed_data)
    return {
        "signed_data": statement.signed_data.hex(),
        "diagnostic": payload_diagnostic(statement.signed_data),
        "statement": " ".join(statement_in_words(statement, name.address.network_id)),
        "contract_address": str(name),
        "distribution_id": name.distribution_id.hex(),
        "warnings": (*([] if limit is None else [limit]), *warnings),
    }
