"""A distribution as the chain shows it, from Kupo's answer about its address alone.

Anyone can send junk to the address: what does not hold a token of the contract's policy is ignored, and
so is a token whose datum can't be read (the contract lets none such arise).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.cardano.slots import Point
from milestones.cardano.value import AssetId
from milestones.clients.kupo_answers import Match
from milestones.clients.mempool import Mempool
from milestones.errors import InvalidEncoding
from milestones.protocol.datums import (
    Attestation,
    Board,
    Notice,
    Proposal,
    VaultState,
    attestation_token_name,
    terms_token_name,
    vault_token_name,
)
from milestones.protocol.distribution import ContractAddress, DistributionName
from milestones.protocol.terms import Terms
from milestones.protocol.validator_loader import Contract
from milestones.services.backend import Backend
from milestones.services.distribution.naming import identify, never_opened
from milestones.transactions.board_drafts import LiveProposal
from milestones.transactions.contract_drafts import Sitting

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opening:
    """The transaction that opened the distribution, and its block."""

    transaction_id: bytes
    point: Point


@dataclass(frozen=True, slots=True)
class LiveVault:
    """An unspent vault and what its datum says."""

    utxo: Utxo
    state: VaultState


@dataclass(frozen=True, slots=True)
class LiveAttestation:
    """An unspent attestation, what its datum says, and the block it came with."""

    utxo: Utxo
    attestation: Attestation
    point: Point


@dataclass(frozen=True, slots=True)
class LiveNotice:
    """An unspent notice (or word that all may go home), and what its datum says."""

    utxo: Utxo
    notice: Notice


@dataclass(frozen=True, slots=True)
class LiveBoard:
    """The board that sits, and what its datum says."""

    utxo: Utxo
    board: Board


@dataclass(frozen=True, slots=True)
class OnChain:
    """Terms, vaults (by page) and attestations (by milestone's bytes) of one distribution.

    Of what `board` keeps: the board that sits, where the terms are rotatable; proposals that wait, oldest
    first; notices, earliest first.

    `terms_utxos` are unspent, oldest first; none once it was closed. More than one, and more than one
    vault a page, mean that the same terms were opened more than once; an allocation is then paid once
    by each.
    """

    address: Address
    distribution_id: bytes
    terms: Terms
    terms_utxos: tuple[Utxo, ...]
    opening: Opening
    vaults: tuple[LiveVault, ...]
    attestations: Mapping[bytes, tuple[LiveAttestation, ...]]
    board: LiveBoard | None = None
    proposals: tuple[LiveProposal, ...] = ()
    notices: tuple[LiveNotice, ...] = ()

    @property
    def name(self) -> DistributionName:
        """How people name it."""
        return DistributionName(self.address, self.distribution_id)

    @property
    def sitting(self) -> Sitting:
        """The oracles that count now."""
        if self.board is None:
            return Sitting.under(self.terms)
        board = self.board.board
        return Sitting(board.oracles, board.quorum_threshold, self.board.utxo)

    @property
    def notice(self) -> LiveNotice | None:
        """The notice that takes effect first; None where nobody has given any."""
        return next((live for live in self.notices if not live.notice.is_home), None)

    @property
    def ends_at_posix_ms(self) -> int | None:
        """From when on anybody can end it because of a notice; None where there is none."""
        live = self.notice
        return None if live is None else live.notice.said_at_posix_ms + self.terms.grace_ms

    @property
    def closed(self) -> bool:
        """Whether the terms are gone, and all vaults with them."""
        return not self.terms_utxos

    @property
    def remaining(self) -> int:
        """What all vaults still hold for their allocations."""
        return sum(vault.state.remaining for vault in self.vaults)

    def attested(self) -> frozenset[str]:
        """The identifiers of the milestones that are attested."""
        return frozenset(
            milestone.decode() for milestone in self.attestations if _is_text(milestone)
        )

    def vault_paying(self, page: int, leaves: Iterable[int]) -> LiveVault | None:
        """A vault of this page that has paid none of these leaves; None if there is none."""
        wanted = frozenset(leaves)
        for vault in self.vaults:
            if vault.state.page == page and not wanted & vault.state.claimed_leaves():
                return vault
        return None

    def attestation_utxos(self) -> dict[str, Utxo]:
        """The oldest attestation of each milestone, by its identifier."""
        return {name: self.attestations[name.encode()][0].utxo for name in self.attested()}

    def claimed(self) -> frozenset[int]:
        """The indices of the allocations that every vault of their page has paid."""
        found: dict[int, frozenset[int]] = {}
        for vault in self.vaults:
            paid = vault.state.claimed_leaves()
            page = vault.state.page
            found[page] = found[page] & paid if page in found else paid
        index_of = self.terms.paging.index_of
        return frozenset(index_of(page, leaf) for page, paid in found.items() for leaf in paid)


@dataclass(frozen=True, slots=True)
class OpenDistribution(OnChain):
    """A distribution that is open: its terms can be referenced."""

    @classmethod
    def of(cls, on_chain: OnChain) -> OpenDistribution:
        """One that was looked at, and is open. Raises `ValueError` for one that was closed."""
        if on_chain.closed:
            raise ValueError("the distribution was closed")
        return cls(**{each.name: getattr(on_chain, each.name) for each in fields(on_chain)})

    @property
    def terms_utxo(self) -> Utxo:
        """The terms to reference; of several openings the oldest."""
        return self.terms_utxos[0]


async def read_on_chain(
    backend: Backend, contract_address: ContractAddress, mempool: Mempool | None = None
) -> OnChain:
    """The distribution of this name, as it will be once a block has the `mempool`, where one is given.

    Raises `NotFound` where there never was one; see `identify`.
    """
    name = await identify(backend, contract_address)
    address, distribution_id = name.address, name.distribution_id
    text, waiting = address.to_bech32(), mempool or Mempool()

    def with_mempool(matches: Iterable[Match]) -> list[Match]:
        unspent = [match for match in matches if match.spent is None]
        return waiting.applied(unspent, lambda output: output.address == text)

    live = with_mempool(await backend.kupo.matches(text, unspent=True))
    found = _terms_among(live, distribution_id, backend.contract, address.network_id)
    if found is None:
        matches = await backend.kupo.matches(text)
        found = _terms_among(matches, distribution_id, backend.contract, address.network_id)
        live = with_mempool(matches)
    if found is None:
        raise await never_opened(backend, address, distribution_id)
    terms, holders = found
    opening = holders[0]
    open_now = {match.reference for match in live}
    return OnChain(
        address=address,
        distribution_id=distribution_id,
        terms=terms,
        terms_utxos=tuple(match.utxo for match in holders if match.reference in open_now),
        opening=Opening(opening.reference.transaction_id, opening.created_at),
        vaults=_vaults_among(live, distribution_id, backend.contract),
        attestations=attestations_among(live, distribution_id, backend.contract),
        board=board_among(live, distribution_id, backend.contract),
        proposals=proposals_among(live, distribution_id, backend.contract),
        notices=notices_among(live, distribution_id, backend.contract),
    )


def paying_in(mempool: Mempool, on_chain: OnChain, contract: Contract, index: int) -> str | None:
    """The waiting transaction (its id in hexadecimal) that pays an allocation; None if none does."""
    token = AssetId(contract.policy_id, vault_token_name(on_chain.distribution_id))
    page, leaf = on_chain.terms.paging.place_of(index)
    for transaction in mempool.transactions:
        for utxo in transaction.outputs:
            if utxo.output.value.quantity(token) != 1:
                continue
            state = _decoded(VaultState.decode, utxo.output.inline_datum)
            if state is not None and state.page == page and state.is_claimed(leaf):
                return transaction.id.hex()
    return None


def _terms_among(
    matches: Iterable[Match], distribution_id: bytes, contract: Contract, network_id: int
) -> tuple[Terms, list[Match]] | None:
    """The terms as the chain reads them, and the outputs that hold them: unspent and older ones first."""
    token = AssetId(contract.policy_id, terms_token_name(distribution_id))
    holders = [match for match in matches if match.output.value.quantity(token) == 1]
    holders.sort(key=lambda match: (match.spent is not None, match.created_at))
    for match in holders:
        terms = _decoded(lambda raw: Terms.found(raw, network_id), match.datum)
        if terms is not None and terms.distribution_id == distribution_id:
            return terms, holders
    return None


def _vaults_among(
    matches: Iterable[Match], distribution_id: bytes, contract: Contract
) -> tuple[LiveVault, ...]:
    token = AssetId(contract.policy_id, vault_token_name(distribution_id))
    found = []
    for match in matches:
        if match.output.value.quantity(token) == 1:
            state = _decoded(VaultState.decode, match.datum)
            if state is not None:
                found.append(LiveVault(match.utxo, state))
    return tuple(sorted(found, key=lambda vault: (vault.state.page, vault.utxo.reference)))


def attestations_among(
    matches: Iterable[Match], distribution_id: bytes, contract: Contract
) -> dict[bytes, tuple[LiveAttestation, ...]]:
    """The attestations of a distribution among outputs at its address: by milestone, oldest first."""
    found: dict[bytes, tuple[LiveAttestation, ...]] = {}
    # Data of outputs without our tokens is not even read: anybody can leave thousands of them here.
    ours = [match for match in matches if contract.policy_id in match.output.value.policies()]
    for match in sorted(ours, key=lambda match: match.created_at):
        attestation = _decoded(Attestation.decode, match.datum)
        if attestation is None or attestation.distribution_id != distribution_id:
            continue
        name = attestation_token_name(distribution_id, attestation.milestone)
        if match.output.value.quantity(AssetId(contract.policy_id, name)) == 1:
            live = LiveAttestation(match.utxo, attestation, match.created_at)
            found[attestation.milestone] = (*found.get(attestation.milestone, ()), live)
    return found


B = TypeVar("B", Board, Proposal, Notice)


def _kept_by_board(
    kind: type[B], matches: Iterable[Match], distribution_id: bytes, contract: Contract
) -> list[tuple[Utxo, B]]:
    """What `board` keeps of one kind for a distribution, oldest first."""
    ours = [match for match in matches if contract.board_policy in match.output.value.policies()]
    found = []
    for match in sorted(ours, key=lambda match: match.created_at):
        datum = _decoded(kind.decode, match.datum)
        if datum is None or datum.distribution_id != distribution_id:
            continue
        token = AssetId(contract.board_policy, datum.token_name)
        if datum.registry == contract.policy_id and match.output.value.quantity(token) == 1:
            found.append((match.utxo, datum))
    return found


def board_among(
    matches: Iterable[Match], distribution_id: bytes, contract: Contract
) -> LiveBoard | None:
    """The newest board of a distribution among outputs at its address; None where there is none."""
    found = _kept_by_board(Board, matches, distribution_id, contract)
    return LiveBoard(*found[-1]) if found else None


def proposals_among(
    matches: Iterable[Match], distribution_id: bytes, contract: Contract
) -> tuple[LiveProposal, ...]:
    """The proposals of a distribution among outputs at its address, oldest first."""
    found = _kept_by_board(Proposal, matches, distribution_id, contract)
    return tuple(LiveProposal(*each) for each in found)


def notices_among(
    matches: Iterable[Match], distribution_id: bytes, contract: Contract
) -> tuple[LiveNotice, ...]:
    """The notices of a distribution among outputs at its address, earliest first."""
    found = _kept_by_board(Notice, matches, distribution_id, contract)
    found.sort(key=lambda each: each[1].said_at_posix_ms)
    return tuple(LiveNotice(*each) for each in found)


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(decode: Callable[[bytes], T], raw: bytes | None) -> T | None:
    if raw is None:
        return None
    try:
        return decode(raw)
    except InvalidEncoding:
        return None
