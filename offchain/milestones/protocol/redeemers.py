"""The redeemers of the three scripts. Layouts: docs/validators/protocol.cddl.

`terms` and `board` are places among the sorted reference inputs, `output` one among the outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Protocol

from milestones.cardano import plutus_data
from milestones.cardano.plutus_data import Constr, PlutusData, bytes_of, fields_of, int_of, list_of
from milestones.errors import InvalidEncoding

MINTED_HERE: Final = -1
"""In place of an attestation's index: the release's own transaction mints it."""
NOWHERE: Final = -1
"""In place of a board's or a notice's index: there is none."""


class AsData(Protocol):
    """A redeemer of one of the scripts."""

    def to_data(self) -> Constr:
        """As the script sees it."""


def encoded(redeemer: AsData) -> bytes:
    """A redeemer's bytes in a transaction, with definite lists: scripts see the data, not the bytes."""
    return plutus_data.encode_definite(redeemer.to_data())


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


def _flat(witnesses: Sequence[OracleWitness]) -> tuple[PlutusData, ...]:
    parts = ((each.verification_key, each.signature, each.prefix) for each in witnesses)
    return tuple(part for each in parts for part in each)


def _witnesses(data: PlutusData) -> tuple[OracleWitness, ...]:
    flat = [bytes_of(part, "a signature's part") for part in list_of(data, "signatures")]
    if len(flat) % 3:
        raise InvalidEncoding("a signature has three parts: key, signature and prefix")
    return tuple(OracleWitness(*flat[i : i + 3]) for i in range(0, len(flat), 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attest:
    """Mints an attestation into output `output`. Witnesses are in the order of the oracles that count.

    None of them: the creator waives, or a proposal is confirmed. `board` is NOWHERE but under rotatable
    terms.
    """

    terms: int
    board: int = NOWHERE
    output: int
    milestone: bytes
    evidence_hash: bytes
    verification_posix_ms: int
    witnesses: Sequence[OracleWitness] = ()

    def to_data(self) -> Constr:
        """Constructor 1 of the registry's redeemer; the witnesses' parts follow each other in one list."""
        places = (self.terms, self.board, self.output)
        what = (self.milestone, self.evidence_hash, self.verification_posix_ms)
        return Constr(1, (*places, *what, _flat(self.witnesses)))

    @classmethod
    def from_data(cls, data: PlutusData) -> Attest:
        """The inverse of `to_data`. Raises `InvalidEncoding`."""
        terms, board, output, milestone, evidence, moment, parts = fields_of(
            data, 1, 7, "an attest"
        )
        return cls(
            terms=int_of(terms, "terms", 0),
            board=max(NOWHERE, int_of(board, "board")),
            output=int_of(output, "output", 0),
            milestone=bytes_of(milestone, "milestone_identifier"),
            evidence_hash=bytes_of(evidence, "evidence_hash"),
            verification_posix_ms=int_of(moment, "verification_posix_ms"),
            witnesses=_witnesses(parts),
        )


@dataclass(frozen=True, slots=True)
class Burn:
    """Burns a distribution's tokens. `terms` is the terms' place among the sorted inputs."""

    terms: int

    def to_data(self) -> Constr:
        """Constructor 2 of the registry's redeemer."""
        return Constr(2, (self.terms,))


@dataclass(frozen=True, slots=True)
class Birth:
    """Mints the first board of terms that are rotatable, into output `output`, beside Open."""

    output: int

    def to_data(self) -> Constr:
        """Constructor 0 of the board's redeemer."""
        return Constr(0, (self.output,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose:
    """Mints a proposal into output `output`. `return_to` is the bond's address, as Plutus Data."""

    terms: int
    output: int
    milestone: bytes
    evidence_hash: bytes
    said_at_posix_ms: int
    return_to: PlutusData

    def to_data(self) -> Constr:
        """Constructor 1 of the board's redeemer."""
        what = (self.milestone, self.evidence_hash, self.said_at_posix_ms)
        return Constr(1, (self.terms, self.output, *what, self.return_to))


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """Burns a proposal, by oracles. Output `output` takes its bond to the `address` that they signed."""

    terms: int
    board: int = NOWHERE
    output: int
    address: PlutusData
    witnesses: Sequence[OracleWitness]

    def to_data(self) -> Constr:
        """Constructor 2 of the board's redeemer."""
        places = (self.terms, self.board, self.output)
        return Constr(2, (*places, self.address, _flat(self.witnesses)))


@dataclass(frozen=True, slots=True)
class Confirm:
    """Burns a proposal beside Attest, whose output is `output`; the next one returns the bond."""

    output: int

    def to_data(self) -> Constr:
        """Constructor 3 of the board's redeemer."""
        return Constr(3, (self.output,))


@dataclass(frozen=True, slots=True)
class Rotate:
    """Burns a board and mints the next one, which is the datum of output `output`."""

    output: int
    witnesses: Sequence[OracleWitness]

    def to_data(self) -> Constr:
        """Constructor 4 of the board's redeemer."""
        return Constr(4, (self.output, _flat(self.witnesses)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Mints a notice into output `output`; at time 0 the word that all may go home."""

    terms: int
    board: int = NOWHERE
    output: int
    evidence_hash: bytes
    said_at_posix_ms: int
    witnesses: Sequence[OracleWitness] = ()

    def to_data(self) -> Constr:
        """Constructor 5 of the board's redeemer."""
        places = (self.terms, self.board, self.output)
        what = (self.evidence_hash, self.said_at_posix_ms)
        return Constr(5, (*places, *what, _flat(self.witnesses)))


@dataclass(frozen=True, slots=True)
class End:
    """Burns boards and notices beside Burn. `terms` and `notice` are places among the sorted inputs."""

    terms: int
    notice: int = NOWHERE

    def to_data(self) -> Constr:
        """Constructor 6 of the board's redeemer."""
        return Constr(6, (self.terms, self.notice))


@dataclass(frozen=True, slots=True)
class Retire:
    """Burns a proposal that nobody confirmed; output `output` returns its bond."""

    output: int

    def to_data(self) -> Constr:
        """Constructor 7 of the board's redeemer."""
        return Constr(7, (self.output,))
