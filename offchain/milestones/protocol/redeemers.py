"""The redeemers of both scripts. Layouts: docs/validators/protocol.cddl."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from milestones.cardano.plutus_data import Constr, PlutusData, bytes_of, fields_of, int_of, list_of
from milestones.errors import InvalidEncoding

MINTED_HERE: Final = -1
"""In place of an attestation's index: the release's own transaction mints it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One leaf of a release. `attestation` is its place among the sorted reference inputs, or -1."""

    leaf: int
    milestone: bytes
    vesting_posix_ms: int
    attestation: int = MINTED_HERE


@dataclass(frozen=True, slots=True)
class Release:
    """Spends a vault for some claims. `terms` is the terms' place among the sorted reference inputs."""

    terms: int
    claims: tuple[Claim, ...]
    proof: bytes

    def to_data(self) -> Constr:
        """Neighbouring claims that share milestone, vesting time and attestation become one run."""
        runs: list[PlutusData] = []
        for shared, claims in groupby(self.claims, _shared):
            runs.append((*shared, *(claim.leaf for claim in claims)))
        return Constr(0, (self.terms, tuple(runs), self.proof))

    @classmethod
    def from_data(cls, data: PlutusData) -> Release:
        """The inverse of `to_data`, for any division into runs. Raises `InvalidEncoding`."""
        terms, runs, proof = fields_of(data, 0, 3, "a release")
        claims = [claim for run in list_of(runs, "claims") for claim in _claims_of_run(run)]
        return cls(int_of(terms, "terms", 0), tuple(claims), bytes_of(proof, "proof"))


def _shared(claim: Claim) -> tuple[bytes, int, int]:
    return claim.milestone, claim.vesting_posix_ms, claim.attestation


def _claims_of_run(data: PlutusData) -> list[Claim]:
    run = list_of(data, "a run")
    if len(run) < 3:
        raise InvalidEncoding("a run of claims has a milestone, a time, an attestation and leaves")
    milestone = bytes_of(run[0], "milestone_identifier")
    vesting = int_of(run[1], "vesting_posix_ms")
    # The contract takes every negative place for "minted here", and a run of no leaves for nothing.
    attestation = max(MINTED_HERE, int_of(run[2], "attestation"))
    return [Claim(int_of(leaf, "a leaf", 0), milestone, vesting, attestation) for leaf in run[3:]]


@dataclass(frozen=True, slots=True)
class Close:
    """Spends a vault, the terms or an attestation while the registry burns its token."""

    def to_data(self) -> Constr:
        """Constructor 1 of the vault's redeemer."""
        return Constr(1)


@dataclass(frozen=True, slots=True)
class Open:
    """Mints the terms' token and the vaults'; everything else is in the outputs."""

    def to_data(self) -> Constr:
        """Constructor 0 of the registry's redeemer."""
        return Constr(0)


@dataclass(frozen=True, slots=True)
class OracleWitness:
    """What the chain verifies of one oracle: key (32 bytes), Ed25519 signature (64), and the prefix.

    `prefix` is empty where the oracle signed the message itself; else CIP-8's `Sig_structure` up to it.
    """

    verification_key: bytes
    signature: bytes
    prefix: bytes = b""


@dataclass(frozen=True, slots=True)
class Attest:
    """Mints an attestation into output `output`. Witnesses are in the order of the terms' oracles.

    `terms` is the terms' place among the sorted reference inputs.
    """

    terms: int
    output: int
    milestone: bytes
    evidence_hash: bytes
    verification_posix_ms: int
    witnesses: Sequence[OracleWitness]

    def to_data(self) -> Constr:
        """Constructor 1 of the registry's redeemer; the witnesses' parts follow each other in one list."""
        flat: list[PlutusData] = []
        for witness in self.witnesses:
            flat += (witness.verification_key, witness.signature, witness.prefix)
        return Constr(
            1,
            (
                self.terms,
                self.output,
                self.milestone,
                self.evidence_hash,
                self.verification_posix_ms,
                tuple(flat),
            ),
        )

    @classmethod
    def from_data(cls, data: PlutusData) -> Attest:
        """The inverse of `to_data`. Raises `InvalidEncoding`."""
        terms, output, milestone, evidence, moment, parts = fields_of(data, 1, 6, "an attest")
        flat = [bytes_of(part, "a signature's part") for part in list_of(parts, "signatures")]
        if len(flat) % 3:
            raise InvalidEncoding("a signature has three parts: key, signature and prefix")
        return cls(
            int_of(terms, "terms", 0),
            int_of(output, "output", 0),
            bytes_of(milestone, "milestone_identifier"),
            bytes_of(evidence, "evidence_hash"),
            int_of(moment, "verification_posix_ms"),
            tuple(OracleWitness(*flat[i : i + 3]) for i in range(0, len(flat), 3)),
        )


@dataclass(frozen=True, slots=True)
class Burn:
    """Burns a distribution's tokens. `terms` is the terms' place among the sorted inputs."""

    terms: int

    def to_data(self) -> Constr:
        """Constructor 2 of the registry's redeemer."""
        return Constr(2, (self.terms,))
