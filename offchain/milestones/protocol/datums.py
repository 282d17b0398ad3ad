"""The contract's datums, and the tokens that mark them.

Terms say what was agreed, and a distribution's id is their hash; a vault pays one page of allocations; an
attestation is a milestone that the oracles' quorum declared complete. A token's name is a label of 4 letters
and a hash of 28 bytes. Layouts: `terms`, `vault` and `attestation` in docs/validators/protocol.cddl.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, Credential, key_credential, script_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.network import network_id_of
from milestones.cardano.plutus_data import (
    Constr,
    PlutusData,
    bytes_of,
    fields_of,
    int_of,
    list_of,
    text_of,
)
from milestones.cardano.value import AssetId
from milestones.domain.merkle import NODE_LENGTH, SUM_LIMIT, node_sum
from milestones.domain.paging import Paging
from milestones.errors import InvalidEncoding, InvalidInput

TERMS_LABEL: Final = b"TERM"
VAULT_LABEL: Final = b"VALT"
ATTESTATION_LABEL: Final = b"ATST"
DEEPEST_ON_CHAIN: Final = 14
"""The contract accepts deeper pages than this program opens."""


def terms_token_name(distribution_id: bytes) -> bytes:
    """The token of a distribution's terms, 32 bytes."""
    return TERMS_LABEL + distribution_id


def vault_token_name(distribution_id: bytes) -> bytes:
    """The token of each of a distribution's vaults, 32 bytes."""
    return VAULT_LABEL + distribution_id


def attestation_token_name(distribution_id: bytes, milestone: bytes) -> bytes:
    """The token of an attestation of this milestone (UTF-8) of this distribution, 32 bytes."""
    return ATTESTATION_LABEL + blake2b_224(distribution_id + milestone)


@dataclass(frozen=True, slots=True)
class TermsMetadata:
    """What the terms say about themselves; the chain doesn't read it."""

    created_at_posix_ms: int
    network_magic: int
    contract_version: str
    description: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms. Nodes have 36 bytes, oracles 28, ascending; `reclaim_after_posix_ms` None: never."""

    token: AssetId
    total_token_amount: int
    page_depth: int
    pages: tuple[bytes, ...]
    oracles: tuple[bytes, ...]
    quorum_threshold: int
    creator: Credential
    reclaim_after_posix_ms: int | None
    metadata: TermsMetadata

    @property
    def distribution_id(self) -> bytes:
        """28 bytes: blake2b_224 of the datum as `serialise_data` writes it."""
        return blake2b_224(self.encode())

    @property
    def network_id(self) -> int:
        """The network id of the addresses of the network that the metadata names."""
        return network_id_of(self.metadata.network_magic)

    @property
    def paging(self) -> Paging:
        """How the allocations are cut into pages: where an index is, (page, leaf), and back."""
        return Paging(self.page_depth, len(self.pages))

    def page_amount(self, page: int) -> int:
        """What all allocations of a page add up to."""
        return node_sum(self.pages[page])

    def address(self, vault_hash: bytes) -> Address:
        """Where this distribution's UTxOs are: the vault script, and its id as the staking key's hash."""
        staking = key_credential(self.distribution_id)
        return Address(self.network_id, script_credential(vault_hash), staking)

    def encode(self) -> bytes:
        """The datum's bytes."""
        return plutus_data.encode(self.to_data())

    def to_data(self) -> Constr:
        """The datum."""
        reclaim_after = self.reclaim_after_posix_ms
        return Constr(
            0,
            (
                self.token.policy_id,
                self.token.asset_name,
                self.total_token_amount,
                self.page_depth,
                self.pages,
                self.oracles,
                self.quorum_threshold,
                self.creator.to_data(),
                Constr(1) if reclaim_after is None else Constr(0, (reclaim_after,)),
                _metadata_to_data(self.metadata),
            ),
        )

    @classmethod
    def decode(cls, raw: bytes) -> Terms:
        """The terms in a datum's bytes. Raises `InvalidEncoding`; see `from_data`."""
        return cls.from_data(plutus_data.decode(raw))

    @classmethod
    def from_data(cls, data: PlutusData) -> Terms:
        """The inverse of `to_data`. Refuses what the contract would not let anybody open."""
        fields = fields_of(data, 0, 10, "terms")
        terms = cls(
            token=AssetId(
                bytes_of(fields[0], "token_policy_id", 0, 28),
                bytes_of(fields[1], "token_name", *range(33)),
            ),
            total_token_amount=int_of(fields[2], "total_token_amount", 1, SUM_LIMIT - 1),
            page_depth=int_of(fields[3], "page_depth", 0, DEEPEST_ON_CHAIN),
            pages=tuple(bytes_of(x, "a page", NODE_LENGTH) for x in list_of(fields[4], "pages")),
            oracles=tuple(bytes_of(x, "an oracle", 28) for x in list_of(fields[5], "oracles")),
            quorum_threshold=int_of(fields[6], "quorum_threshold", 1),
            creator=Credential.from_data(fields[7]),
            reclaim_after_posix_ms=_optional_moment(fields[8]),
            metadata=_metadata_from_data(fields[9]),
        )
        _must_be_well_formed(terms)
        return terms


def _must_be_well_formed(terms: Terms) -> None:
    if terms.token.asset_name and not terms.token.policy_id:
        raise InvalidEncoding("terms that give lovelace a token name")
    if not terms.pages or not all(node_sum(page) for page in terms.pages):
        raise InvalidEncoding("terms without a page, or with one that promises nothing")
    if sum(node_sum(page) for page in terms.pages) != terms.total_token_amount:
        raise InvalidEncoding("terms whose total is not the sum of the pages")
    if any(first >= second for first, second in pairwise(terms.oracles)):
        raise InvalidEncoding("terms whose oracles are not in ascending order")
    if terms.quorum_threshold > len(terms.oracles):
        raise InvalidEncoding("terms with a quorum of more than all oracles")


def _optional_moment(data: PlutusData) -> int | None:
    if data == Constr(1):
        return None
    return int_of(fields_of(data, 0, 1, "an optional time")[0], "reclaim_after_posix_ms")


def _metadata_to_data(metadata: TermsMetadata) -> Constr:
    return Constr(
        0,
        (
            metadata.created_at_posix_ms,
            metadata.network_magic,
            metadata.contract_version.encode(),
            metadata.description.encode(),
        ),
    )


def _metadata_from_data(data: PlutusData) -> TermsMetadata:
    created_at, magic, version, description = fields_of(data, 0, 4, "the terms' metadata")
    return TermsMetadata(
        int_of(created_at, "created_at_posix_ms"),
        int_of(magic, "network_magic"),
        text_of(version, "contract_version"),
        text_of(description, "description"),
    )


@dataclass(frozen=True, slots=True)
class VaultState:
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

    def encode(self) -> bytes:
        """The datum's bytes."""
        return plutus_data.encode(self.to_data())

    def to_data(self) -> Constr:
        """The datum."""
        return Constr(0, (self.distribution_id, self.page, self.remaining, self.claimed))

    @classmethod
    def decode(cls, raw: bytes) -> VaultState:
        """The state in a datum's bytes. Raises `InvalidEncoding`."""
        return cls.from_data(plutus_data.decode(raw))

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
            int_of(moment, "verification_posix_ms"),
            tuple(bytes_of(signer, "a signer", 28) for signer in list_of(signers, "signers")),
        )
