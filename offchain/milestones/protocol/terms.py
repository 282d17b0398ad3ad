"""What was agreed: the terms of a distribution, whose hash is its id.

Layout: `terms` in
docs/validators/protocol.cddl; the order of the fields puts first what is read most often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeVar

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, Credential, key_credential, script_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.network import network_id_of
from milestones.cardano.outputs import NO_DATUM, OutputDatum, OutputReference
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
from milestones.domain.models import Canceller
from milestones.domain.paging import Paging
from milestones.domain.posix_time import to_posix_ms
from milestones.domain.powers import (
    MOST_ORACLES,
    SHORTEST_GRACE_SECONDS,
    SHORTEST_REVIEW_SECONDS,
)
from milestones.errors import InvalidEncoding

DEEPEST_ON_CHAIN: Final = 14
"""The contract accepts deeper pages than this program opens."""

_CANCELLERS: Final[tuple[frozenset[Canceller], ...]] = (
    frozenset(),
    frozenset({"creator"}),
    frozenset({"quorum"}),
    frozenset({"creator", "quorum"}),
)


@dataclass(frozen=True, slots=True)
class Refund:
    """Where money returns when somebody else than the creator's key ends the distribution."""

    address: Address
    datum: OutputDatum = NO_DATUM

    def to_data(self) -> Constr:
        """Address and datum, as outputs show them to scripts."""
        return Constr(0, (self.address.to_data(), self.datum.to_data()))

    @classmethod
    def from_data(cls, data: PlutusData, network_id: int) -> Refund:
        """The inverse of `to_data`. Raises `InvalidEncoding`."""
        address, datum = fields_of(data, 0, 2, "a refund")
        return cls(Address.from_data(address, network_id), OutputDatum.from_data(datum))


@dataclass(frozen=True, slots=True)
class TermsMetadata:
    """What the terms say about themselves; the chain doesn't read it."""

    created_at_posix_ms: int
    network_magic: int
    contract_version: str
    description: str

    def to_data(self) -> Constr:
        """The four fields; text in UTF-8."""
        version, description = self.contract_version.encode(), self.description.encode()
        return Constr(0, (self.created_at_posix_ms, self.network_magic, version, description))

    @classmethod
    def from_data(cls, data: PlutusData) -> TermsMetadata:
        """The inverse of `to_data`. Raises `InvalidEncoding`."""
        created_at, magic, version, description = fields_of(data, 0, 4, "the terms' metadata")
        return cls(
            int_of(created_at, "created_at_posix_ms"),
            int_of(magic, "network_magic"),
            text_of(version, "contract_version"),
            text_of(description, "description"),
        )


NO_METADATA: Final = TermsMetadata(0, 0, "", "")
"""What stands for metadata that nobody can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms. Nodes have 36 bytes, oracles 28, ascending. What is not asked for is off.

    `allowance_lovelace` is what whoever pays out may take from the vault for every claim. `rotatable`
    names an output that the opening spends where the oracles can be replaced. From
    `waiver_after_posix_ms` on the creator alone can attest; from `reclaim_after_posix_ms` on unclaimed
    tokens can be taken back (None: never). `staking` is the staking part of the address, None the id.
    `cancel_by` may give notice, which takes effect after `cancel_grace_ms`. `objectors` oracles stop a
    proposal (0: there are none), which is due after `review_period_ms` and holds `bond_lovelace`.

    What the contract never looks at at an opening can have any shape on the chain: `oddities` say what of it
    is none of ours, and `original` is the datum as it stands there. `found_on` is the network id where they
    were found; None: the metadata's counts.
    """

    page_depth: int
    pages: tuple[bytes, ...]
    allowance_lovelace: int = 0
    oracles: tuple[bytes, ...]
    quorum_threshold: int
    rotatable: OutputReference | None = None
    creator: Credential
    waiver_after_posix_ms: int | None = None
    reclaim_after_posix_ms: int | None
    token: AssetId
    total_token_amount: int
    staking: Credential | None = None
    refund: Refund
    cancel_by: frozenset[Canceller] = frozenset()
    cancel_grace_ms: int = 0
    objectors: int = 0
    review_period_ms: int = 0
    bond_lovelace: int = 0
    metadata: TermsMetadata
    oddities: tuple[str, ...] = field(default=(), compare=False)
    original: Constr | None = field(default=None, compare=False, repr=False)
    found_on: int | None = field(default=None, compare=False)

    @property
    def distribution_id(self) -> bytes:
        """28 bytes: blake2b_224 of the datum as `serialise_data` writes it."""
        return blake2b_224(self.encode())

    @property
    def network_id(self) -> int:
        """The network id of the addresses: where they were found, else of the network that they name."""
        if self.found_on is not None:
            return self.found_on
        return network_id_of(self.metadata.network_magic)

    @property
    def paging(self) -> Paging:
        """How the allocations are cut into pages: where an index is, (page, leaf), and back."""
        return Paging(self.page_depth, len(self.pages))

    @property
    def grace_ms(self) -> int:
        """How long after a notice's time anybody can end the distribution, as the chain counts."""
        return max(self.cancel_grace_ms, to_posix_ms(SHORTEST_GRACE_SECONDS))

    @property
    def review_ms(self) -> int:
        """How long after a proposal's time it is due, as the chain counts."""
        return max(self.review_period_ms, to_posix_ms(SHORTEST_REVIEW_SECONDS))

    def page_amount(self, page: int) -> int:
        """What all allocations of a page add up to."""
        return node_sum(self.pages[page])

    def address(self, vault_hash: bytes) -> Address:
        """Where this distribution's UTxOs are: the vault script, and `staking` or the id as a key's hash."""
        staking = self.staking or key_credential(self.distribution_id)
        return Address(self.network_id, script_credential(vault_hash), staking)

    def encode(self) -> bytes:
        """The datum's bytes."""
        return plutus_data.encode(self.to_data())

    def to_data(self) -> Constr:
        """The datum."""
        if self.original is not None:
            return self.original
        rotatable, staking = self.rotatable, self.staking
        return Constr(
            0,
            (
                self.page_depth,
                self.pages,
                self.allowance_lovelace,
                self.oracles,
                self.quorum_threshold,
                _option(None if rotatable is None else rotatable.to_data()),
                self.creator.to_data(),
                _option(self.waiver_after_posix_ms),
                _option(self.reclaim_after_posix_ms),
                self.token.policy_id,
                self.token.asset_name,
                self.total_token_amount,
                _option(None if staking is None else staking.to_data()),
                self.refund.to_data(),
                _CANCELLERS.index(self.cancel_by),
                self.cancel_grace_ms,
                self.objectors,
                self.review_period_ms,
                self.bond_lovelace,
                self.metadata.to_data(),
            ),
        )

    @classmethod
    def decode(cls, raw: bytes) -> Terms:
        """The terms in a datum's bytes. Raises `InvalidEncoding`; see `from_data`."""
        return cls.from_data(plutus_data.decode(raw))

    @classmethod
    def from_data(cls, data: PlutusData) -> Terms:
        """The inverse of `to_data`. Refuses every other shape, also where the contract looks at none."""
        terms = cls._read(data, None)
        if terms.oddities:
            raise InvalidEncoding(terms.oddities[0])
        return terms

    @classmethod
    def found(cls, raw: bytes, network_id: int) -> Terms:
        """The terms in a datum of the chain, on a network: see `oddities`.

        Claims depend on nothing that is odd. Where it is, what the contract takes it for stands in its place:
        a power that nobody has, no metadata; for a refund the creator. Raises `InvalidEncoding` for what
        nobody could have opened.
        """
        return cls._read(plutus_data.decode(raw), network_id)

    @classmethod
    def _read(cls, data: PlutusData, network_id: int | None) -> Terms:
        odd: list[str] = []
        fields = iter(fields_of(data, 0, 20, "terms"))
        page_depth = int_of(next(fields), "page_depth", 0, DEEPEST_ON_CHAIN)
        pages = _hashes(next(fields), "pages", NODE_LENGTH)
        allowance = int_of(next(fields), "allowance", 0)
        oracles = _hashes(next(fields), "oracles", 28)
        quorum_threshold = int_of(next(fields), "quorum_threshold", 1, len(oracles))
        rotatable = _some(next(fields), "rotatable")
        shown = next(fields)
        creator = _odd_or(
            odd, "creator", lambda: Credential.from_data(shown), lambda: _longer_credential(shown)
        )
        waiver_after, reclaim_after = _some(next(fields), "waiver_after"), _some(next(fields), "")
        token = AssetId(
            bytes_of(next(fields), "token_policy_id", 0, 28),
            bytes_of(next(fields), "token_name", *range(33)),
        )
        total = int_of(next(fields), "total_token_amount", 1, SUM_LIMIT - 1)
        staking, returning = _some(next(fields), "staking"), next(fields)
        cancel_by, grace, objectors, review, bond = (
            _odd_int(odd, next(fields), name, most) for name, most in _READ_BY_BOARD
        )
        about = next(fields)
        metadata = _odd_or(
            odd, "metadata", lambda: TermsMetadata.from_data(about), lambda: NO_METADATA
        )
        where = network_id_of(metadata.network_magic) if network_id is None else network_id
        refund = _odd_or(
            odd,
            "refund",
            lambda: Refund.from_data(returning, where),
            lambda: Refund(Address(where, creator)),
        )
        terms = cls(
            page_depth=page_depth,
            pages=pages,
            allowance_lovelace=allowance,
            oracles=oracles,
            quorum_threshold=quorum_threshold,
            rotatable=None if rotatable is None else OutputReference.from_data(rotatable),
            creator=creator,
            waiver_after_posix_ms=_moment(waiver_after, "waiver_after"),
            reclaim_after_posix_ms=_moment(reclaim_after, "reclaim_after"),
            token=token,
            total_token_amount=total,
            staking=None if staking is None else Credential.from_data(staking),
            refund=refund,
            cancel_by=_CANCELLERS[cancel_by],
            cancel_grace_ms=grace,
            objectors=objectors,
            review_period_ms=review,
            bond_lovelace=bond,
            metadata=metadata,
            oddities=tuple(odd),
            original=data if odd and isinstance(data, Constr) else None,
            found_on=network_id,
        )
        _must_be_well_formed(terms)
        return terms


T = TypeVar("T")
_READ_BY_BOARD: Final[tuple[tuple[str, int | None], ...]] = (
    ("cancel_by", len(_CANCELLERS) - 1),
    ("cancel_grace", None),
    ("objectors", None),
    ("review_period", None),
    ("bond", None),
)
"""Numbers that an opening doesn't look at, and how large one can be."""


def _odd_or(odd: list[str], what: str, read: Callable[[], T], otherwise: Callable[[], T]) -> T:
    """What was read or, where it has another shape, what stands for it; then `odd` is told of it."""
    try:
        return read()
    except InvalidEncoding as error:
        odd.append(f"{what}: {error.reason}")
        return otherwise()


def _odd_int(odd: list[str], data: PlutusData, what: str, most: int | None) -> int:
    return _odd_or(odd, what, lambda: int_of(data, what, 0, most), lambda: 0)


def _longer_credential(data: PlutusData) -> Credential:
    """A credential with fields too many: the contract reads the first one alone."""
    match data:
        case Constr(index=index, fields=(digest, *_)):
            return Credential.from_data(Constr(index, (digest,)))
    raise InvalidEncoding("not a credential")


def oracles_can_act(oracles: Iterable[bytes], quorum_threshold: int) -> bool:
    """Whether the contract would let these oracles sit: ascending, at most a hundred, a quorum of them."""
    listed = tuple(oracles)
    ascending = all(first < second for first, second in pairwise(listed))
    return ascending and 1 <= quorum_threshold <= len(listed) <= MOST_ORACLES


def _must_be_well_formed(terms: Terms) -> None:
    if terms.token.asset_name and not terms.token.policy_id:
        raise InvalidEncoding("terms that give lovelace a token name")
    if not terms.pages or not all(node_sum(page) for page in terms.pages):
        raise InvalidEncoding("terms without a page, or with one that promises nothing")
    if sum(node_sum(page) for page in terms.pages) != terms.total_token_amount:
        raise InvalidEncoding("terms whose total is not the sum of the pages")
    if not oracles_can_act(terms.oracles, terms.quorum_threshold):
        raise InvalidEncoding("terms whose oracles are not in ascending order, or too many")


def _hashes(data: PlutusData, what: str, length: int) -> tuple[bytes, ...]:
    return tuple(bytes_of(each, f"one of {what}", length) for each in list_of(data, what))


def _option(data: PlutusData | None) -> Constr:
    return Constr(1) if data is None else Constr(0, (data,))


def _some(data: PlutusData, what: str) -> PlutusData | None:
    return None if data == Constr(1) else fields_of(data, 0, 1, f"an optional {what}")[0]


def _moment(data: PlutusData | None, what: str) -> int | None:
    return None if data is None else int_of(data, what, 0)
