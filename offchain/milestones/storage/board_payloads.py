"""What the journal keeps of transactions of `board`: notices, proposals, and who the oracles are.

Hashes of oracles and evidence are bytes, addresses Bech32, amounts lovelace, moments POSIX milliseconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from milestones.cardano.outputs import OutputReference
from milestones.domain.reading import HexField, Record
from milestones.errors import InvalidInput


def _reference(value: Any) -> OutputReference:
    if isinstance(value, OutputReference):
        return value
    try:
        return OutputReference.parse(str(value))
    except InvalidInput as error:
        raise PydanticCustomError("milestones", "{reason}", {"reason": error.reason}) from None


ReferenceField = Annotated[
    OutputReference, PlainValidator(_reference), PlainSerializer(str, return_type=str)
]
"""Which output; `<transaction id>#<index>` in JSON."""


class NoticePayload(Record):
    """Notice that a distribution will be ended; `signers` is empty where its creator gave it."""

    purpose: Literal["notice"] = "notice"
    said_at_posix_ms: int
    evidence_hash: HexField
    signers: tuple[HexField, ...] = ()
    deposit_lovelace: int


class HomePayload(Record):
    """The word that everything of a script creator's distribution may go home."""

    purpose: Literal["home"] = "home"
    deposit_lovelace: int


class ProposalPayload(Record):
    """A proposal that a milestone is complete; `return_to` is where its bond returns."""

    purpose: Literal["proposal"] = "proposal"
    milestone_identifier: str
    evidence_hash: HexField
    said_at_posix_ms: int
    due_at_posix_ms: int
    return_to: str
    bond_lovelace: int


class ObjectionPayload(Record):
    """Oracles stop the proposal in an output; `bond_to` is where its bond goes."""

    purpose: Literal["objection"] = "objection"
    proposal: ReferenceField
    milestone_identifier: str
    bond_to: str
    bond_lovelace: int
    signers: tuple[HexField, ...]


class ConfirmationPayload(Record):
    """The proposal in an output becomes an attestation, which holds `deposit_lovelace`."""

    purpose: Literal["confirmation"] = "confirmation"
    proposal: ReferenceField
    milestone_identifier: str
    evidence_hash: HexField
    said_at_posix_ms: int
    bond_to: str
    bond_lovelace: int
    deposit_lovelace: int


class RetirementPayload(Record):
    """The forgotten proposal in an output leaves the chain."""

    purpose: Literal["retirement"] = "retirement"
    proposal: ReferenceField
    milestone_identifier: str
    bond_to: str
    bond_lovelace: int


class RotationPayload(Record):
    """The oracles are replaced: the board of this number, and the oracles of the last who signed."""

    purpose: Literal["rotation"] = "rotation"
    sequence: int
    oracles: tuple[HexField, ...]
    quorum_threshold: int
    signers: tuple[HexField, ...]
