"""A distribution: its terms together with the allocations that are known of them.

A distribution is built from a schedule, or from the terms on chain and allocations from anywhere, which
are then checked against the terms' roots: what comes out of here is true to the chain.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from milestones.cardano.address import Address, Credential, StakeAddress, key_credential
from milestones.cardano.outputs import OutputDatum, OutputReference
from milestones.cardano.value import AssetId
from milestones.domain.allocation_table import AllocationTable, ColumnTable
from milestones.domain.columns import AllocationColumns
from milestones.domain.merkle import NodeAt, SumTree, multiproof, node_sum
from milestones.domain.models import Allocation, ContractMetadata, MilestoneSchedule
from milestones.domain.paging import paging_for
from milestones.domain.posix_time import to_posix_ms, to_posix_seconds
from milestones.errors import InvalidAddress, InvalidInput, InvalidSchedule, NotFound
from milestones.protocol.datums import (
    Board,
    VaultState,
    attestation_token_name,
    terms_token_name,
    vault_token_name,
)
from milestones.protocol.leaves import leaf_of, page_trees
from milestones.protocol.terms import Refund, Terms, TermsMetadata
from milestones.protocol.validator_loader import Contract


@dataclass(frozen=True, slots=True)
class DistributionName:
    """Which distribution: its address and its id (28 bytes).

    Distributions whose terms name the same staking credential share an address.
    """

    address: Address
    distribution_id: bytes

    @property
    def payment(self) -> Credential:
        """The address' payment part: the vault's script."""
        return self.address.payment

    @property
    def is_told_by_address(self) -> bool:
        """Whether the address holds the id."""
        return self.address.staking == key_credential(self.distribution_id)

    def __str__(self) -> str:
        address = self.address.to_bech32()
        return address if self.is_told_by_address else f"{address}#{self.distribution_id.hex()}"


ContractAddress: TypeAlias = Address | DistributionName
"""How people name a distribution: by its address or, where that leaves it open, with its id."""


def parse_contract_address(text: str) -> ContractAddress:
    """Reads `<address>` or `<address>#<id in hexadecimal>`. Raises `InvalidAddress`."""
    given, mark, digits = text.strip().partition("#")
    address = Address.from_bech32(given)
    if not mark:
        return address
    if re.fullmatch("[0-9a-fA-F]{56}", digits) is None:
        raise InvalidAddress(
            f"{digits[:80]!r} is no distribution's id",
            hint="write <address>#<id>, the id in 56 hexadecimal digits",
        )
    return DistributionName(address, bytes.fromhex(digits))


class Distribution:
    """Terms, allocations by index, and proofs. Make one with `from_schedule` or `check`.

    `allocations` maps an allocation's index to it. It has all of them where `complete` is true; a
    beneficiary of a private distribution knows only some (see `claim_file`).
    """

    __slots__ = ("_nodes", "address", "allocations", "complete", "contract", "id", "terms")

    def __init__(
        self,
        terms: Terms,
        contract: Contract,
        allocations: AllocationTable,
        nodes: Mapping[int, NodeAt],
        *,
        complete: bool,
    ) -> None:
        self.terms, self.contract, self.complete = terms, contract, complete
        self.allocations = allocations
        self.id = terms.distribution_id
        self.address: Address = terms.address(contract.vault_hash)
        self._nodes = nodes

    @classmethod
    def from_schedule(cls, schedule: MilestoneSchedule, contract: Contract) -> Distribution:
        """The distribution that a schedule describes; its rules are checked elsewhere."""
        columns = AllocationColumns.of(schedule.beneficiary_allocations)
        depth = paging_for(len(columns), schedule.page_depth).page_depth
        trees = page_trees(columns, depth)
        terms = terms_of(schedule, depth, tuple(tree.root for tree in trees))
        return cls._whole(terms, contract, columns, trees)

    @classmethod
    def check(
        cls, terms: Terms, contract: Contract, allocations: Sequence[Allocation]
    ) -> Distribution:
        """A distribution from the terms on chain and the schedule found for them.

        Raises `InvalidSchedule` that names what differs: too many allocations, or each page whose root
        they don't lead to.
        """
        most = terms.paging.most_allocations
        if len(allocations) > most:
            raise _other_schedule(f"{len(allocations)} allocations, with room for {most}")
        try:
            columns = AllocationColumns.of(allocations)
            trees = page_trees(columns, terms.page_depth)
        except InvalidInput as error:
            raise _other_schedule(error.reason) from None
        roots = [tree.root for tree in trees] + [b""] * len(terms.pages)
        wrong = [page for page, root in enumerate(terms.pages) if roots[page] != root]
        if wrong:
            reason = (
                f"{len(wrong)} of {len(terms.pages)} pages differ, the first is page {wrong[0]}"
            )
            raise _other_schedule(reason, wrong)
        return cls._whole(terms, contract, columns, trees)

    @classmethod
    def _whole(
        cls,
        terms: Terms,
        contract: Contract,
        columns: AllocationColumns,
        trees: Sequence[SumTree],
    ) -> Distribution:
        nodes = {page: tree.node for page, tree in enumerate(trees)}
        return cls(terms, contract, ColumnTable(columns), nodes, complete=True)

    def schedule(self) -> MilestoneSchedule:
        """The schedule file, as far as this distribution knows it.

        Where it is complete and all times are whole seconds (others are rounded down), `from_schedule`
        gives the same id again. Oracles and creator are shown as addresses without a staking part: the
        terms hold no more.
        """
        return _schedule(self.terms, self.allocations.columns())

    @property
    def name(self) -> DistributionName:
        """How people name it."""
        return DistributionName(self.address, self.id)

    @property
    def token(self) -> AssetId:
        """What is distributed; the empty asset is lovelace."""
        return self.terms.token

    @property
    def terms_token(self) -> AssetId:
        """The token that marks the terms' UTxO."""
        return AssetId(self.contract.policy_id, terms_token_name(self.id))

    @property
    def first_board(self) -> Board | None:
        """The board that the opening mints; None where the oracles can't be replaced."""
        terms = self.terms
        if terms.rotatable is None:
            return None
        policy_id, quorum = self.contract.policy_id, terms.quorum_threshold
        return Board(terms.oracles, quorum, policy_id, self.id, sequence=0)

    @property
    def vault_token(self) -> AssetId:
        """The token that marks each vault's UTxO."""
        return AssetId(self.contract.policy_id, vault_token_name(self.id))

    def attestation_token(self, milestone_identifier: str) -> AssetId:
        """The token that marks an attestation of this milestone."""
        name = attestation_token_name(self.id, milestone_identifier.encode())
        return AssetId(self.contract.policy_id, name)

    def fresh_vaults(self) -> tuple[VaultState, ...]:
        """The vaults' datums at opening, in page order."""
        depth = self.terms.page_depth
        return tuple(
            VaultState.fresh(self.id, page, self.terms.page_amount(page), depth)
            for page in range(len(self.terms.pages))
        )

    def place(self, index: int) -> tuple[int, int]:
        """(page, leaf) of an allocation. Raises `NotFound` where it isn't known or doesn't exist."""
        if index not in self.allocations:
            raise NotFound(
                f"there is no allocation {index} in this distribution"
                if self.complete
                else f"allocation {index} is not in this claim file",
                hint="allocations are numbered from 0; run calculate-distribution to see a beneficiary's",
                details={"beneficiary_index": index},
            )
        return self.terms.paging.place_of(index)

    def leaf(self, index: int) -> bytes:
        """The leaf node (36 bytes) of an allocation."""
        self.place(index)
        return leaf_of(self.allocations[index])

    def by_page(self, indices: Iterable[int]) -> dict[int, list[int]]:
        """The allocations grouped by page, each group ascending: a release spends one vault."""
        groups: dict[int, list[int]] = defaultdict(list)
        for index in sorted(set(indices)):
            groups[self.place(index)[0]].append(index)
        return dict(groups)

    def proof(self, indices: Iterable[int]) -> bytes:
        """The multiproof of allocations that share a page. Raises `InvalidInput` where they don't."""
        groups = self.by_page(indices)
        if len(groups) != 1:
            raise InvalidInput("one proof is for allocations of one page")
        ((page, members),) = groups.items()
        leaves = [self.place(index)[1] for index in members]
        return multiproof(self.terms.page_depth, leaves, self._nodes[page])

    def node_at(self, page: int) -> NodeAt:
        """The nodes of a page's tree; of a claim file's those that it shows."""
        return self._nodes[page]

    def claimed(self, vaults: Iterable[VaultState]) -> frozenset[int]:
        """The indices of all allocations that these vaults have paid."""
        index_of = self.terms.paging.index_of
        return frozenset(
            index_of(vault.page, leaf) for vault in vaults for leaf in vault.claimed_leaves()
        )


def terms_of(schedule: MilestoneSchedule, page_depth: int, pages: tuple[bytes, ...]) -> Terms:
    """The terms of a schedule whose allocations lead to these pages' roots (36 bytes each)."""
    metadata, rotatable, staking = (
        schedule.contract_metadata,
        schedule.rotatable,
        schedule.staking,
    )
    return Terms(
        page_depth=page_depth,
        pages=pages,
        allowance_lovelace=schedule.allowance_lovelace,
        oracles=tuple(sorted(address.payment.hash for address in schedule.oracle_addresses)),
        quorum_threshold=schedule.quorum_threshold,
        rotatable=None if rotatable is None else OutputReference.parse(rotatable),
        creator=schedule.creator.payment,
        waiver_after_posix_ms=_posix_ms(schedule.waiver_after),
        reclaim_after_posix_ms=_posix_ms(schedule.reclaim_after),
        token=schedule.token,
        total_token_amount=sum(map(node_sum, pages)),
        staking=None if staking is None else staking.credential,
        refund=Refund(
            schedule.refund_address or schedule.creator,
            OutputDatum(schedule.refund_datum, schedule.refund_datum_hash),
        ),
        cancel_by=frozenset(schedule.cancel_by),
        cancel_grace_ms=to_posix_ms(schedule.cancel_grace_seconds),
        objectors=schedule.objectors,
        review_period_ms=to_posix_ms(schedule.review_period_seconds),
        bond_lovelace=schedule.review_bond_lovelace,
        metadata=TermsMetadata(
            to_posix_ms(metadata.created_at),
            metadata.network_magic,
            metadata.contract_version,
            metadata.description,
        ),
    )


def _posix_ms(posix_seconds: int | None) -> int | None:
    return None if posix_seconds is None else to_posix_ms(posix_seconds)


def _schedule(terms: Terms, allocations: Sequence[Allocation]) -> MilestoneSchedule:
    metadata, network_id, refund = terms.metadata, terms.network_id, terms.refund
    return MilestoneSchedule(
        token_policy_id=terms.token.policy_id,
        token_name=terms.token.asset_name,
        beneficiary_allocations=allocations,
        oracle_addresses=tuple(
            Address(network_id, key_credential(oracle)) for oracle in terms.oracles
        ),
        quorum_threshold=terms.quorum_threshold,
        creator=Address(network_id, terms.creator),
        reclaim_after=_posix_seconds(terms.reclaim_after_posix_ms),
        irrevocable=terms.reclaim_after_posix_ms is None,
        contract_metadata=ContractMetadata(
            created_at=to_posix_seconds(metadata.created_at_posix_ms),
            network_magic=metadata.network_magic,
            contract_version=metadata.contract_version,
            description=metadata.description,
        ),
        page_depth=terms.page_depth,
        allowance_lovelace=terms.allowance_lovelace,
        staking=None if terms.staking is None else StakeAddress(network_id, terms.staking),
        refund_address=refund.address,
        refund_datum=refund.datum.inline,
        refund_datum_hash=refund.datum.hash,
        cancel_by=tuple(sorted(terms.cancel_by)),
        cancel_grace_seconds=to_posix_seconds(terms.cancel_grace_ms),
        waiver_after=_posix_seconds(terms.waiver_after_posix_ms),
        objectors=terms.objectors,
        review_period_seconds=to_posix_seconds(terms.review_period_ms),
        review_bond_lovelace=terms.bond_lovelace,
        rotatable=None if terms.rotatable is None else str(terms.rotatable),
    )


def _posix_seconds(posix_ms: int | None) -> int | None:
    return None if posix_ms is None else to_posix_seconds(posix_ms)


def _other_schedule(reason: str, pages: Sequence[int] = ()) -> InvalidSchedule:
    return InvalidSchedule(
        f"the schedule is not the one that the terms promise: {reason}",
        hint="use the schedule file that was written when the distribution was registered",
        details={"pages": list(pages)},
    )
