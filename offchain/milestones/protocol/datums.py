"""The contract's datums beside the terms, and the tokens that mark them.

A vault pays one page of allocations; an attestation is a milestone that is complete. What `board` keeps:
a board says which oracles count, a proposal that a milestone is complete unless they object, a notice that
the distribution will end. A token's name is a label and a hash, 32 bytes. Layouts:
docs/validators/protocol.cddl. Every `from_data` refuses every other shape with `InvalidEncoding`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.plutus_data import (
    Constr,
    PlutusData,
    bytes_of,
    fields_of,
    int_of,
    list_of,
)
from milestones.domain.merkle import SUM_LIMIT
from milestones.errors import InvalidInput

TERMS_LABEL: Final = b"TERM"
VAULT_LABEL: Final = b"VALT"
ATTESTATION_LABEL: Final = b"ATST"
BOARD_LABEL: Final = b"BO"
"""The board's number (2 bytes) follows."""
NOTICE_LABEL: Final = b"CNCL"
HOME_LABEL: Final = b"HOME"
PROPOSAL_LABEL: Final = b"PROP"


def terms_token_name(distribution_id: bytes) -> bytes:
    """The token of a distribution's terms, 32 bytes."""
    return TERMS_LABEL + distribution_id


def vault_token_name(distribution_id: bytes) -> bytes:
    """The token of each of a distribution's vaults, 32 bytes."""
    return VAULT_LABEL + distribution_id


def attestation_token_name(distribution_id: bytes, milestone: bytes) -> bytes:
    """The token of an attestation of this milestone (UTF-8) of this distribution, 32 bytes."""
    return ATTESTATION_LABEL + blake2b_224(distribution_id + milestone)


def board_hash(registry: bytes, distribution_id: bytes) -> bytes:
    """What names under `board`'s policy end with, 28 bytes: `registry` is the terms' policy id."""
    return blake2b_224(registry + distribution_id)


def board_token_name(registry: bytes, distribution_id: bytes, sequence: int) -> bytes:
    """The token of a distribution's board of this number (0 to 65535), 32 bytes."""
    return BOARD_LABEL + sequence.to_bytes(2, "big") + board_hash(registry, distribution_id)


def proposal_token_name(registry: bytes, distribution_id: bytes, milestone: bytes) -> bytes:
    """The token of a proposal that this milestone (UTF-8) is complete, 32 bytes."""
    return PROPOSAL_LABEL + board_hash(registry, blake2b_224(distribution_id + milestone))


D = TypeVar("D", bound="Datum")


class Datum(ABC):
    """What all of them share: their bytes."""

    __slots__ = ()

    @abstractmethod
    def to_data(self) -> Constr:
        """The datum."""

    @classmethod
    @abstractmethod
    def from_data(cls: type[D], data: PlutusData) -> D:
        """The inverse of `to_data`."""

    def encode(self) -> bytes:
        """The datum's bytes."""
        return plutus_data.encode(self.to_data())

    @classmethod
    def decode(cls: type[D], raw: bytes) -> D:
        """What a datum's bytes say. Raises `InvalidEncoding`."""
        return cls.from_data(plutus_data.decode(raw))


@dataclass(frozen=True, slots=True)
class VaultState(Datum):
    """The state of one page: how much is left, and which of its allocations it has paid.

    `claimed` is a bitmap with one bit a leaf, at least a byte. Bits as CIP-122 reads them: bit 0 is the
    lowest bit of the last byte.
    """

    distribution_id: bytes
    page: int
    remaining: int
    claimed: bytes

    @classmethod
    def fresh(cls, distribution_id: bytes, page: int, amount: int, page_depth: int) -> VaultState:
        """A vault at opening: everything there, nothing claimed."""
        return cls(distribution_id, page, amount, bytes(bitmap_length(page_depth)))

    def is_claimed(self, leaf: int) -> bool:
        """Whether this leaf of the page (from 0) was paid."""
        return bool(self.claimed[-1 - leaf // 8] >> leaf % 8 & 1)

    def claimed_leaves(self) -> frozenset[int]:
        """All leaves that were paid."""
        bits = int.from_bytes(self.claimed, "big")
        return frozenset(leaf for leaf in range(bits.bit_length()) if bits >> leaf & 1)

    def after(self, leaves: Iterable[int], amount: int) -> VaultState:
        """The state after paying `amount` for these leaves. Raises `InvalidInput` for one paid before."""
        bitmap = bytearray(self.claimed)
        for leaf in leaves:
            if bitmap[-1 - leaf // 8] >> leaf % 8 & 1:
                raise InvalidInput(f"leaf {leaf} of page {self.page} is claimed already")
            bitmap[-1 - leaf // 8] |= 1 << leaf % 8
        return VaultState(self.distribution_id, self.page, self.remaining - amount, bytes(bitmap))

    def to_data(self) -> Constr:
        """The datum."""
        return Constr(0, (self.distribution_id, self.page, self.remaining, self.claimed))

    @classmethod
    def from_data(cls, data: PlutusData) -> VaultState:
        """The inverse of `to_data`; refuses every other shape."""
        distribution_id, page, remaining, claimed = fields_of(data, 0, 4, "a vault's datum")
        return cls(
            bytes_of(distribution_id, "distribution_id", 28),
            int_of(page, "page", 0),
            int_of(remaining, "remaining", 0, SUM_LIMIT - 1),
            bytes_of(claimed, "claimed"),
        )


def bitmap_length(page_depth: int) -> int:
    """Bytes of the bitmap of a page: one bit a leaf, at least a byte."""
    return max(1, (1 << page_depth) // 8)


@dataclass(frozen=True, slots=True)
class Attestation(Datum):
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
    def from_data(cls, data: PlutusData) -> Attestation:
        """The inverse of `to_data`; refuses every other shape."""
        distribution_id, milestone, evidence, moment, signers = fields_of(
            data, 0, 5, "an attestation"
        )
        return cls(
            bytes_of(distribution_id, "distribution_id", 28),
            bytes_of(milestone, "milestone_identifier"),
            bytes_of(evidence, "evidence_hash"),
            int_of(moment, "verification_posix_ms"),
            tuple(bytes_of(signer, "a signer", 28) for signer in list_of(signers, "signers")),
        )


@dataclass(frozen=True, slots=True)
class Board(Datum):
    """The oracles that count now (28 bytes each, ascending), under terms that are rotatable."""

    oracles: tuple[bytes, ...]
    quorum_threshold: int
    registry: bytes
    distribution_id: bytes
    sequence: int

    @property
    def token_name(self) -> bytes:
        """The name of its token."""
        return board_token_name(self.registry, self.distribution_id, self.sequence)

    def to_data(self) -> Constr:
        """The datum."""
        whose = (self.registry, self.distribution_id)
        return Constr(0, (self.oracles, self.quorum_threshold, *whose, self.sequence))

    @classmethod
    def from_data(cls, data: PlutusData) -> Board:
        """The inverse of `to_data`."""
        oracles, quorum, registry, distribution_id, sequence = fields_of(data, 0, 5, "a board")
        return cls(
            tuple(bytes_of(oracle, "an oracle", 28) for oracle in list_of(oracles, "oracles")),
            int_of(quorum, "quorum_threshold", 1),
            bytes_of(registry, "registry", 28),
            bytes_of(distribution_id, "distribution_id", 28),
            int_of(sequence, "sequence", 0, 65535),
        )


@dataclass(frozen=True, slots=True)
class Proposal(Datum):
    """Somebody's word that a milestone (UTF-8) is complete, and when it counts unless oracles object.

    `return_to` is where its bond goes then, an address as Plutus Data: whoever proposes may have
    written anything there.
    """

    registry: bytes
    distribution_id: bytes
    milestone: bytes
    evidence_hash: bytes
    said_at_posix_ms: int
    due_at_posix_ms: int
    return_to: PlutusData

    @property
    def token_name(self) -> bytes:
        """The name of its token."""
        return proposal_token_name(self.registry, self.distribution_id, self.milestone)

    @property
    def milestone_identifier(self) -> str:
        """The milestone as text; bytes that are no UTF-8 are shown as `\\xNN`."""
        return self.milestone.decode(errors="backslashreplace")

    @property
    def forgotten_at_posix_ms(self) -> int:
        """From when on anybody may retire it: another review period after it was due."""
        return 2 * self.due_at_posix_ms - self.said_at_posix_ms

    def return_address(self, network_id: int) -> Address:
        """Where the bond returns. Raises `InvalidEncoding` where no output could ever be there."""
        return Address.from_data(self.return_to, network_id)

    def to_data(self) -> Constr:
        """The datum."""
        what = (self.registry, self.distribution_id, self.milestone, self.evidence_hash)
        return Constr(0, (*what, self.said_at_posix_ms, self.due_at_posix_ms, self.return_to))

    @classmethod
    def from_data(cls, data: PlutusData) -> Proposal:
        """The inverse of `to_data`."""
        registry, distribution_id, milestone, evidence, said_at, due_at, return_to = fields_of(
            data, 0, 7, "a proposal"
        )
        return cls(
            bytes_of(registry, "registry", 28),
            bytes_of(distribution_id, "distribution_id", 28),
            bytes_of(milestone, "milestone_identifier"),
            bytes_of(evidence, "evidence_hash"),
            int_of(said_at, "said_at"),
            int_of(due_at, "due_at"),
            return_to,
        )


@dataclass(frozen=True, slots=True)
class Notice(Datum):
    """That a distribution will be ended; at time 0, that it may go home to its refund address."""

    registry: bytes
    distribution_id: bytes
    said_at_posix_ms: int
    evidence_hash: bytes
    signers: tuple[bytes, ...] = ()

    @property
    def is_home(self) -> bool:
        """Whether it is only the word that everything may go home."""
        return self.said_at_posix_ms == 0

    @property
    def token_name(self) -> bytes:
        """The name of its token."""
        label = HOME_LABEL if self.is_home else NOTICE_LABEL
        return label + board_hash(self.registry, self.distribution_id)

    def to_data(self) -> Constr:
        """The datum."""
        whose = (self.registry, self.distribution_id)
        return Constr(0, (*whose, self.said_at_posix_ms, self.evidence_hash, self.signers))

    @classmethod
    def from_data(cls, data: PlutusData) -> Notice:
        """The inverse of `to_data`."""
        registry, distribution_id, said_at, evidence, signers = fields_of(data, 0, 5, "a notice")
        return cls(
            bytes_of(registry, "registry", 28),
            bytes_of(distribution_id, "distribution_id", 28),
            int_of(said_at, "said_at"),
            bytes_of(evidence, "evidence_hash"),
            tuple(bytes_of(signer, "a signer", 28) for signer in list_of(signers, "signers")),
        )
