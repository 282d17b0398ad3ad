"""What one beneficiary of a private distribution needs to claim: their allocations, with proofs.

The roots in the terms never change, so a proof stays valid as long as the distribution lives, whatever
others have claimed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from milestones.domain.allocation_table import ColumnTable
from milestones.domain.merkle import NodeAt, proven_nodes
from milestones.domain.models import Allocation
from milestones.domain.reading import AddressField, HexField, Record, read_record
from milestones.errors import InvalidEncoding, InvalidInput, InvalidSchedule
from milestones.protocol.distribution import Distribution
from milestones.protocol.leaves import leaf_of
from milestones.protocol.terms import Terms
from milestones.protocol.validator_loader import Contract

Nodes = dict[tuple[int, int], bytes]


class ProvenAllocation(Allocation):
    """An allocation, its number in the schedule, and the siblings (36 bytes each) that prove it."""

    beneficiary_index: int
    proof: HexField


class ClaimFile(Record):
    """The file: which distribution, and some of its allocations."""

    contract_address: AddressField
    distribution_id: HexField
    allocations: tuple[ProvenAllocation, ...]


def make_claim_file(distribution: Distribution, indices: Iterable[int]) -> ClaimFile:
    """A claim file for these allocations. Raises `NotFound` for one that isn't known."""
    return ClaimFile(
        contract_address=distribution.address,
        distribution_id=distribution.id,
        allocations=tuple(_proven(distribution, index) for index in indices),
    )


def _proven(distribution: Distribution, index: int) -> ProvenAllocation:
    proof = distribution.proof([index])
    allocation = distribution.allocations[index]
    fields = {name: getattr(allocation, name) for name in Allocation.model_fields}
    return ProvenAllocation(**fields, beneficiary_index=index, proof=proof)


def parse_claim_file(raw: Any) -> ClaimFile:
    """A claim file from JSON values. Raises `InvalidSchedule` with the paths of what is wrong."""
    return read_record(ClaimFile, raw, InvalidSchedule)


def open_claim_file(claim_file: ClaimFile, terms: Terms, contract: Contract) -> Distribution:
    """The distribution as far as a claim file knows it, every proof checked against the terms.

    Raises `InvalidSchedule` that names the entry whose proof doesn't lead to the terms' roots.
    """
    if claim_file.distribution_id != terms.distribution_id:
        raise InvalidSchedule(
            "the claim file belongs to another distribution",
            path="distribution_id",
            hint="give the file that was made for this contract address",
        )
    known: dict[int, Allocation] = {}
    pages: dict[int, Nodes] = {}
    for number, entry in enumerate(claim_file.allocations):
        try:
            page, nodes = _checked(entry, terms)
        except InvalidInput as error:
            raise InvalidSchedule(
                f"this entry is not in the terms: {error.reason}",
                path=f"allocations[{number}]",
                hint="ask whoever made the claim file for a new one",
            ) from None
        pages.setdefault(page, {}).update(nodes)
        known[entry.beneficiary_index] = entry
    sources = {page: _lookup(nodes) for page, nodes in pages.items()}
    return Distribution(terms, contract, ColumnTable.of(known), sources, complete=False)


def _checked(entry: ProvenAllocation, terms: Terms) -> tuple[int, Nodes]:
    page, leaf = terms.paging.place_of(entry.beneficiary_index)
    if not 0 <= page < len(terms.pages):
        raise InvalidEncoding(f"there is no allocation {entry.beneficiary_index}")
    if len(entry.proof) != terms.page_depth * len(terms.pages[page]):
        raise InvalidEncoding(f"a proof of {len(entry.proof)} bytes")
    nodes = proven_nodes(terms.page_depth, {leaf: leaf_of(entry)}, entry.proof)
    if nodes[terms.page_depth, 0] != terms.pages[page]:
        raise InvalidEncoding(f"the proof does not lead to the root of page {page}")
    return page, nodes


def _lookup(nodes: Nodes) -> NodeAt:
    return lambda height, position: nodes[height, position]
