"""An attestation's datum: a milestone that the oracles' quorum declared complete.

Layout: `attestation` in docs/validators/protocol.cddl.
"""

from __future__ import annotations

from dataclasses import dataclass

from milestones.cardano import plutus_data
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.protocol.decoding import bytes_of, fields_of, int_of, list_of


@dataclass(frozen=True, slots=True)
class Attestation:
    """Which milestone (its identifier in UTF-8), what evidence, when, and which oracles (28 bytes each)."""

    distribution_id: bytes
    milestone: bytes
    evidence_hash: bytes
    verification_posix_ms: int
    signers: tuple[bytes, ...]

    @property
    def milestone_identifier(self) -> str:
        """The identifier as text; bytes that are no UTF-8 are shown as `\\xNN`."""
        return self.milestone.decode(errors="backslashreplace")

    def encode(self) -> bytes:
        """The datum's bytes."""
        return plutus_data.encode(self.to_data())

    def to_data(self) -> Constr:
        """The datum."""
        return Constr(
            0,
            (
                self.distribution_id,
                self.milestone,
                self.evidence_hash,
                self.verification_posix_ms,
                self.signers,
            ),
        )

    @classmethod
    def decode(cls, raw: bytes) -> Attestation:
        """The attestation in a datum's bytes. Raises `InvalidEncoding`."""
        return cls.from_data(plutus_data.decode(raw))

    @classmethod
    def from_data(cls, data: PlutusData) -> Attestation:
        """The inverse of `to_data`; refuses every other shape."""
        distribution_id, milestone, evidence, moment, signers = fields_of(
            data, 0, 5, "an attestation"
        )
        return cls(
            bytes_of(distribution_id, "distribution_id", 28),
            bytes_of(milestone, "milestone_identifier"),
            bytes_of(evidence, "evidence_hash"),
            int_of(moment, "verification_timestamp"),
            tuple(bytes_of(signer, "a signer", 28) for signer in list_of(signers, "signers")),
        )
