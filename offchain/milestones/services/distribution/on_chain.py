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
from milestones.errors import InvalidAddress, InvalidEncoding, NotFound
from milestones.protocol.datums import (
    Attestation,
    Terms,
    VaultState,
    attestation_token_name,
    terms_token_name,
    vault_token_name,
)
from milestones.protocol.validator_loader import Contract
from milestones.services.backend import Backend

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
class OnChain:
    """Terms, vaults (by page) and attestations (by milestone's bytes) of one distribution.

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


def distribution_id_of(address: Address, contract: Contract) -> bytes:
    """The id in a distribution's address. Raises `InvalidAddress` for any other address."""
    if address.payment.kind != "script" or address.payment.hash != contract.vault_hash:
        raise InvalidAddress(
            "this is not an address of this contract",
            path="contract_address",
            hint="give the contract_address that register-milestone printed,"
            " or name the blueprint of the version that opened it",
        )
    if address.staking is None or address.staking.kind != "key":
        raise InvalidAddress(
            "this address of the contract names no distribution",
            path="contract_address",
            hint="give the contract_address that register-milestone printed, staking part included",
        )
    return address.staking.hash


async def read_on_chain(backend: Backend, address: Address) -> OnChain:
    """The distribution at this address. Raises `NotFound` where there never was one."""
    distribution_id = distribution_id_of(address, backend.contract)
    matches = await backend.kupo.matches(address.to_bech32(), unspent=True)
    found = _terms_among(matches, distribution_id, backend.contract)
    if found is None:
        matches = await backend.kupo.matches(address.to_bech32())
        found = _terms_among(matches, distribution_id, backend.contract)
    if found is None:
        raise await _missing(backend, address)
    terms, holders = found
    opening = holders[0]
    live = [match for match in matches if match.spent is None]
    return OnChain(
        address=address,
        distribution_id=distribution_id,
        terms=terms,
        terms_utxos=tuple(match.utxo for match in holders if match.spent is None),
        opening=Opening(opening.reference.transaction_id, opening.created_at),
        vaults=_vaults_among(live, distribution_id, backend.contract),
        attestations=attestations_among(live, distribution_id, backend.contract),
    )


async def _missing(backend: Backend, address: Address) -> NotFound:
    text = address.to_bech32()
    indexed = await backend.kupo.patterns_including(text)
    hint = (
        "check the address; if it was deployed just now, wait for the next block"
        if indexed
        else "Kupo does not index this contract: run `milestones init` first"
    )
    return NotFound(
        f"no contract UTxO was found at {text}: the address is invalid, or the contract has not"
        " been deployed",
        hint=hint,
        details={"contract_address": text},
    )


def _terms_among(
    matches: Iterable[Match], distribution_id: bytes, contract: Contract
) -> tuple[Terms, list[Match]] | None:
    """The terms, and the outputs that hold them: unspent ones first, older ones first."""
    token = AssetId(contract.policy_id, terms_token_name(distribution_id))
    holders = [match for match in matches if match.output.value.quantity(token) == 1]
    holders.sort(key=lambda match: (match.spent is not None, match.created_at))
    for match in holders:
        terms = _decoded(Terms.decode, match.datum)
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
