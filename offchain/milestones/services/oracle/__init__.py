"""`oracle`: what oracles sign, a signer for key files, and the replacement of the oracles."""

from milestones.services.oracle.payload import (
    NoticeToSign,
    ObjectionToSign,
    OraclePayload,
    RotationToSign,
    evidence_hash_of,
    notice_payload,
    objection_payload,
    oracle_payload,
    rotation_payload,
)
from milestones.services.oracle.rotate import OraclesReplaced, oracle_rotate
from milestones.services.oracle.sign import (
    OracleSigned,
    SignatureEntry,
    WalletEntry,
    oracle_import,
    oracle_sign,
)

__all__ = [
    "NoticeToSign",
    "ObjectionToSign",
    "OraclePayload",
    "OracleSigned",
    "OraclesReplaced",
    "RotationToSign",
    "SignatureEntry",
    "WalletEntry",
    "evidence_hash_of",
    "notice_payload",
    "objection_payload",
    "oracle_import",
    "oracle_payload",
    "oracle_rotate",
    "oracle_sign",
    "rotation_payload",
]
