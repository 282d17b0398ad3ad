"""What oracles sign, in words: nobody should sign bytes that he can't read."""

from __future__ import annotations

from milestones.cardano.address import Address, key_credential
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.errors import InvalidEncoding, InvalidSignature
from milestones.protocol.statements import (
    MilestoneStatement,
    NoticeStatement,
    ObjectionStatement,
    RotationStatement,
    Statement,
)


def statement_in_words(statement: Statement, network_id: int) -> tuple[str, ...]:
    """What a statement says, a line each; the first begins with "that". Raises `InvalidSignature`."""
    match statement:
        case MilestoneStatement():
            when = in_words(to_posix_seconds(statement.verification_posix_ms))
            return (
                f"that milestone {statement.milestone_identifier!r} was reached at {when};",
                _evidence(statement.evidence_hash),
            )
        case NoticeStatement():
            when = in_words(to_posix_seconds(statement.said_at_posix_ms))
            return (
                f"that the distribution is to be ENDED: notice is given at {when}, its grace runs",
                "from then on, and it can't be withdrawn;",
                _evidence(statement.evidence_hash),
            )
        case ObjectionStatement():
            return (
                f"that the proposal of milestone {statement.milestone_identifier!r}",
                f"in {statement.proposal} is WRONG;",
                f"its bond goes to {_bond_address(statement, network_id)}",
            )
        case RotationStatement():
            oracles = [str(Address(network_id, key_credential(each))) for each in statement.oracles]
            return (
                f"that the oracles are REPLACED: from board {statement.sequence} on these"
                f" {len(oracles)} count, and {statement.quorum_threshold} of them are a quorum:",
                *oracles,
            )
    raise AssertionError(f"a statement of another kind: {statement.kind}")


def _evidence(evidence_hash: bytes) -> str:
    return f"evidence hash: {evidence_hash.hex() or 'none'}"


def _bond_address(statement: ObjectionStatement, network_id: int) -> Address:
    try:
        return statement.bond_address(network_id)
    except InvalidEncoding as error:
        raise InvalidSignature(
            f"the bond would go where no output can be: {error.reason}",
            path="signed_data",
            hint="ask for the bytes that `milestones oracle payload --object` prints",
        ) from None
