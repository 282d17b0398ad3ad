"""What oracles sign, their wallets' answers, how far a quorum is, and what is done once it is there."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from milestones.domain.models import OracleSignature
from milestones.domain.reading import AddressField, HexField, Record
from milestones.errors import InvalidSignature, NotAllowedYet
from milestones.protocol.oracle_signatures import entry_of_wallet_answer
from milestones.protocol.statements import MilestoneStatement, Statement
from milestones.services.attest import MilestoneAttested, attest
from milestones.services.cancel import NoticeGiven, cancel
from milestones.services.commit_milestone import commit_milestone
from milestones.services.oracle import (
    NoticeToSign,
    ObjectionToSign,
    OraclePayload,
    OraclesReplaced,
    RotationToSign,
    notice_payload,
    objection_payload,
    oracle_payload,
    oracle_rotate,
    rotation_payload,
)
from milestones.services.oracle.collected import (
    KINDS,
    SignaturesCollected,
    SignedSoFar,
    StatementKind,
)
from milestones.services.oracle.judge import must_be_taken
from milestones.services.results import View
from milestones.services.sending.payer import Payer
from milestones.web.api.operation import Asked, Operation
from milestones.web.api.wallets import Built, WalletPays, building, read_addresses
from milestones.web.serving import Serving

MOST_STATEMENTS: Final = 20
"""How much one oracle can say of one milestone, so that nobody fills the disk with a single key."""
Identifier = Annotated[str, Field(max_length=64)]
Evidence = Annotated[HexField, Field(max_length=64)]


class MilestoneStatementWanted(Record):
    """What is said of a milestone. By default the moment is that of what others have signed."""

    milestone_identifier: Identifier
    evidence_hash: Evidence = b""
    verification_timestamp: int | None = None


class NoticeStatementWanted(Record):
    """The notice that oracles sign; `said_at` (POSIX seconds) is by default a day from now."""

    evidence_hash: Evidence = b""
    said_at: int | None = None


class ObjectionStatementWanted(Record):
    """Which proposal is wrong (`<transaction id>#<index>`, or its milestone), and where its bond goes."""

    proposal: Annotated[str, Field(max_length=80)]
    bond_to: AddressField


class RotationStatementWanted(Record):
    """Who shall sit next: addresses between commas, and how many of them are a quorum."""

    oracles: Annotated[str, Field(max_length=6_000)]
    quorum_threshold: int


class WalletAnswer(Record):
    """What CIP-30's `signData` answered: a COSE_Sign1 and a COSE_Key, in hexadecimal."""

    signature: Annotated[str, Field(max_length=8_000)]
    key: Annotated[str, Field(max_length=2_000)]


class SignatureTaken(View):
    """What an oracle signed, and how far it is now. The chain has been asked, and takes the signature."""

    kind: StatementKind
    oracle_address: AddressField
    statement: SignedSoFar


class AttestationWanted(WalletPays):
    """Which milestone is put on the chain."""

    milestone_identifier: Identifier


class AttestationBuilt(Built):
    """The attestation, to be signed by whoever pays for it."""

    report: MilestoneAttested


class NoticeBuilt(Built):
    """The notice, to be signed by whoever pays for it."""

    report: NoticeGiven


class ReplacementBuilt(Built):
    """The replacement of the oracles, to be signed by whoever pays for it."""

    report: OraclesReplaced


async def _milestone_statement(asked: Asked) -> OraclePayload:
    wanted: MilestoneStatementWanted = asked.query
    return await oracle_payload(
        asked.serving.backend,
        contract_address=await asked.serving.name(asked.served),
        milestone_identifier=wanted.milestone_identifier,
        evidence_hash=wanted.evidence_hash,
        verification_timestamp=wanted.verification_timestamp,
    )


async def _notice_statement(asked: Asked) -> NoticeToSign:
    wanted: NoticeStatementWanted = asked.query
    return await notice_payload(
        asked.serving.backend,
        contract_address=await asked.serving.name(asked.served),
        evidence_hash=wanted.evidence_hash,
        said_at_timestamp=wanted.said_at,
    )


async def _objection_statement(asked: Asked) -> ObjectionToSign:
    wanted: ObjectionStatementWanted = asked.query
    return await objection_payload(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        proposal=wanted.proposal,
        bond_to=wanted.bond_to,
    )


async def _rotation_statement(asked: Asked) -> RotationToSign:
    wanted: RotationStatementWanted = asked.query
    return await rotation_payload(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        oracle_addresses=read_addresses(wanted.oracles, "oracles"),
        quorum_threshold=wanted.quorum_threshold,
    )


async def _so_far(asked: Asked) -> SignaturesCollected:
    return await asked.serving.signatures(asked.served)


async def _take(asked: Asked) -> SignatureTaken:
    body: WalletAnswer = asked.body
    serving = asked.serving
    entry = entry_of_wallet_answer(body.model_dump())
    if entry is None:
        raise AssertionError("the body has just these names")
    name = await serving.name(asked.served)
    async with serving.builds:
        statement = await must_be_taken(serving.backend, contract_address=name, entry=entry)
        await _keep(serving, statement, entry)
    serving.kept.forget()
    found = await _so_far(asked)
    signed = [each for each in found.statements if each.signed_data == entry.signed_data]
    if not signed:
        raise NotAllowedYet(
            "settled", "meanwhile this is settled", hint="look at the distribution again"
        )
    return SignatureTaken(
        kind=KINDS[type(statement)], oracle_address=entry.oracle_address, statement=signed[0]
    )


async def _keep(serving: Serving, statement: Statement, entry: OracleSignature) -> None:
    storage = serving.backend.storage
    if not isinstance(statement, MilestoneStatement):
        storage.serving.add_signature(statement.distribution_id, entry)
        return
    record = storage.records.find(statement.distribution_id, statement.milestone_identifier)
    known = () if record is None else record.oracle_signatures
    others = {e.signed_data for e in known if e.oracle == entry.oracle} - {entry.signed_data}
    if len(others) >= MOST_STATEMENTS:
        raise NotAllowedYet(
            "statements",
            f"this oracle has signed {len(others)} different statements about this milestone already",
            hint="sign one that others have signed: only equal statements add up",
        )
    await commit_milestone(
        serving.backend,
        milestone_identifier=statement.milestone_identifier,
        oracle_signatures=(entry,),
    )


async def board_entries(asked: Asked) -> tuple[OracleSignature, ...]:
    """What oracles signed here that belongs to no milestone's record. Raises `InvalidSignature` for nothing."""
    name = await asked.serving.name(asked.served)
    entries = asked.serving.backend.storage.serving.signatures(name.distribution_id)
    if not entries:
        raise InvalidSignature(
            "no oracle has signed anything of the kind here",
            path="signatures",
            hint="let oracles sign the statement first",
        )
    return entries


async def _attest(asked: Asked, payer: Payer) -> MilestoneAttested:
    body: AttestationWanted = asked.body
    return await attest(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        milestone_identifier=body.milestone_identifier,
        key=payer,
        dry_run=True,
    )


async def _notice(asked: Asked, payer: Payer) -> NoticeGiven:
    entries = await board_entries(asked)
    return await cancel(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        key=payer,
        signatures=entries,
        dry_run=True,
    )


async def _replace(asked: Asked, payer: Payer) -> OraclesReplaced:
    entries = await board_entries(asked)
    return await oracle_rotate(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        signatures=entries,
        key=payer,
        dry_run=True,
    )


def _statement(kind: str, summary: str, perform: Any, answer: Any, query: Any) -> Operation:
    return Operation(
        path=f"/distributions/{{distribution}}/statements/{kind}",
        name=f"{kind}_statement",
        summary=summary,
        perform=perform,
        answer=answer,
        query=query,
    )


OPERATIONS: Final = (
    _statement(
        "milestone",
        "The bytes that say that a milestone is reached, and what they say in words.",
        _milestone_statement,
        OraclePayload,
        MilestoneStatementWanted,
    ),
    _statement(
        "notice",
        "The bytes by which oracles give notice.",
        _notice_statement,
        NoticeToSign,
        NoticeStatementWanted,
    ),
    _statement(
        "objection",
        "The bytes by which oracles stop a proposal.",
        _objection_statement,
        ObjectionToSign,
        ObjectionStatementWanted,
    ),
    _statement(
        "rotation",
        "The bytes by which oracles are replaced.",
        _rotation_statement,
        RotationToSign,
        RotationStatementWanted,
    ),
    Operation(
        path="/distributions/{distribution}/signatures",
        name="signatures",
        summary="What oracles have signed so far, and how many it takes.",
        perform=_so_far,
        answer=SignaturesCollected,
    ),
    Operation(
        method="POST",
        path="/distributions/{distribution}/signatures",
        name="sign",
        summary="Hand in what a wallet's `signData` answered; the chain is asked whether it takes it.",
        perform=_take,
        answer=SignatureTaken,
        body=WalletAnswer,
    ),
    building(
        path="/attest",
        name="attest",
        summary="Build the attestation of a milestone that a quorum has signed; anybody can.",
        service=_attest,
        answer=AttestationBuilt,
        body=AttestationWanted,
    ),
    building(
        path="/notice",
        name="quorum_notice",
        summary="Build the notice that a quorum of oracles has signed; anybody can.",
        service=_notice,
        answer=NoticeBuilt,
        body=WalletPays,
    ),
    building(
        path="/replacement",
        name="replacement",
        summary="Build the replacement of the oracles that a quorum of them has signed; anybody can.",
        service=_replace,
        answer=ReplacementBuilt,
        body=WalletPays,
    ),
)
