"""What oracles sign: lists of Plutus Data, of four kinds that can't be taken for one another.

Every kind starts with the registry's policy id and the distribution's id, so that it counts for one contract
and one distribution alone. They differ in their length or in the type of their third element. Layouts:
`signed_message` in docs/validators/protocol.cddl.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference
from milestones.cardano.plutus_data import PlutusData, bytes_of, int_of, list_of
from milestones.errors import InvalidEncoding, InvalidSignature
from milestones.protocol.terms import oracles_can_act

OBJECT: Final = b"object"

S = TypeVar("S", bound="Statement")


@dataclass(frozen=True, slots=True)
class Statement(ABC):
    """A statement of an oracle. `policy_id` and `distribution_id` have 28 bytes; `kind` is for people."""

    kind: ClassVar[str]

    policy_id: bytes
    distribution_id: bytes

    @abstractmethod
    def _rest(self) -> tuple[PlutusData, ...]:
        """What follows policy and distribution."""

    @property
    def signed_data(self) -> bytes:
        """The bytes to sign: `serialise_data` of the list."""
        return plutus_data.encode((self.policy_id, self.distribution_id, *self._rest()))

    @classmethod
    def parse(cls: type[S], signed_data: bytes) -> S:
        """The inverse of `signed_data` for a statement of this kind. Raises `InvalidSignature`.

        Another encoding of the same statement is refused too: the chain verifies the bytes above.
        """
        statement = parse_statement(signed_data)
        if not isinstance(statement, cls):
            raise _refusal(f"this says something else than is wanted here: {statement.kind}")
        return statement


@dataclass(frozen=True, slots=True)
class MilestoneStatement(Statement):
    """This milestone of this distribution was reached at this moment.

    `milestone` is UTF-8; `evidence_hash` any bytes, often the hash of a report.
    """

    kind: ClassVar[str] = "a milestone is complete"

    milestone: bytes
    evidence_hash: bytes
    verification_posix_ms: int

    def _rest(self) -> tuple[PlutusData, ...]:
        return self.milestone, self.evidence_hash, self.verification_posix_ms

    @property
    def milestone_identifier(self) -> str:
        """The milestone as text; bytes that are no UTF-8 are shown as `\\xNN`."""
        return self.milestone.decode(errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class NoticeStatement(Statement):
    """This distribution is to be ended: notice is given at this moment, from which its grace runs."""

    kind: ClassVar[str] = "a distribution is to be ended"

    said_at_posix_ms: int
    evidence_hash: bytes

    def _rest(self) -> tuple[PlutusData, ...]:
        return self.said_at_posix_ms, self.evidence_hash


@dataclass(frozen=True, slots=True)
class ObjectionStatement(Statement):
    """This proposal (the output that holds it) is wrong; its bond goes to `address`, as Plutus Data."""

    kind: ClassVar[str] = "a proposal is objected to"

    milestone: bytes
    proposal: OutputReference
    address: PlutusData

    def _rest(self) -> tuple[PlutusData, ...]:
        return OBJECT, self.milestone, self.proposal.to_data(), self.address

    @property
    def milestone_identifier(self) -> str:
        """The milestone as text; bytes that are no UTF-8 are shown as `\\xNN`."""
        return self.milestone.decode(errors="backslashreplace")

    def bond_address(self, network_id: int) -> Address:
        """Where the bond goes. Raises `InvalidEncoding` for what is no address."""
        return Address.from_data(self.address, network_id)


@dataclass(frozen=True, slots=True)
class RotationStatement(Statement):
    """From board number `sequence` on these oracles count (28 bytes each), and this many are a quorum."""

    kind: ClassVar[str] = "the oracles are replaced"

    sequence: int
    oracles: tuple[bytes, ...]
    quorum_threshold: int

    def _rest(self) -> tuple[PlutusData, ...]:
        return self.sequence, self.oracles, self.quorum_threshold


def parse_statement(signed_data: bytes) -> Statement:
    """The statement of any kind in these bytes. Raises `InvalidSignature` for anything else."""
    try:
        statement = _from_data(plutus_data.decode(signed_data))
    except InvalidEncoding as error:
        raise _refusal(f"not a statement of an oracle: {error.reason}") from None
    if statement.signed_data != signed_data:
        raise _refusal(
            "the statement is encoded in another way than the contract encodes it",
            "sign the exact bytes that `oracle payload` prints",
        )
    return statement


def _from_data(data: PlutusData) -> Statement:
    if not isinstance(data, tuple) or len(data) not in (4, 5, 6):
        raise InvalidEncoding("a list of four to six is expected")
    whose = bytes_of(data[0], "policy_id", 28), bytes_of(data[1], "distribution_id", 28)
    match data[2:]:
        case (said_at, evidence):
            moment = int_of(said_at, "said_at", 1)
            return NoticeStatement(*whose, moment, bytes_of(evidence, "evidence_hash"))
        case (int() as number, oracles, quorum):
            return RotationStatement(
                *whose, int_of(number, "sequence", 1, 65535), *_board(oracles, quorum)
            )
        case (name, evidence, moment):
            hashed, at = (
                bytes_of(evidence, "evidence_hash"),
                int_of(moment, "verification_posix_ms"),
            )
            return MilestoneStatement(*whose, _name(name), hashed, at)
        case (b"object", name, proposal, address):
            reference = OutputReference.from_data(proposal)
            return ObjectionStatement(*whose, _name(name), reference, address)
    raise InvalidEncoding("a list of six is an objection")


def _name(data: PlutusData) -> bytes:
    milestone = bytes_of(data, "milestone_identifier")
    if not milestone:
        raise InvalidEncoding("milestone_identifier is empty")
    return milestone


def _board(oracles: PlutusData, quorum: PlutusData) -> tuple[tuple[bytes, ...], int]:
    listed = tuple(bytes_of(each, "an oracle", 28) for each in list_of(oracles, "oracles"))
    quorum_threshold = int_of(quorum, "quorum_threshold", 1)
    if not oracles_can_act(listed, quorum_threshold):
        raise InvalidEncoding(
            "oracles that are not in ascending order, or a quorum of more than there are"
        )
    return listed, quorum_threshold


def _refusal(message: str, hint: str = "") -> InvalidSignature:
    return InvalidSignature(message, path="signed_data", hint=hint)


def diagnostic(data: PlutusData) -> str:
    """CBOR diagnostic notation (RFC 8949, section 8) of constructors, lists, bytes and integers."""
    if isinstance(data, bytes) and len(data) <= plutus_data.CHUNK:
        return f"h'{data.hex()}'"
    if isinstance(data, bytes):
        starts = range(0, len(data), plutus_data.CHUNK)
        chunks = (f"h'{data[start : start + plutus_data.CHUNK].hex()}'" for start in starts)
        return f"(_ {', '.join(chunks)})"
    if isinstance(data, int):
        return str(data)
    if isinstance(data, plutus_data.Constr):
        tag = 121 + data.index if data.index < 7 else 1273 + data.index
        return f"{tag}({diagnostic(data.fields)})"
    if not isinstance(data, tuple):
        raise InvalidEncoding("only constructors, lists, bytes and integers are shown")
    return f"[_ {', '.join(diagnostic(element) for element in data)}]" if data else "[]"


def payload_diagnostic(signed_data: bytes) -> str:
    """`signed_data` in CBOR diagnostic notation, for people to compare with what a signer shows."""
    return diagnostic(plutus_data.decode(signed_data))
