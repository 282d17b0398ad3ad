"""The terms of a distribution: the datum that says what was agreed, and that its id is the hash of.

Layout: `terms` in docs/validators/protocol.cddl.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, Credential, key_credential, script_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.network import network_id_of
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import AssetId
from milestones.domain.merkle import NODE_LENGTH, SUM_LIMIT, node_sum
from milestones.errors import InvalidEncoding
from milestones.protocol.decoding import bytes_of, fields_of, int_of, list_of, text_of

DEEPEST_ON_CHAIN: Final = 14
"""The contract accepts deeper pages than this program opens."""


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
    return int_of(fields_of(data, 0, 1, "an optional time")[0], "reclaim_after")


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
        int_of(created_at, "created_at"),
        int_of(magic, "network_magic"),
        text_of(version, "contract_version"),
        text_of(description, "description"),
    )
