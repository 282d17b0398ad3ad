"""Distributions out of their index: only what is asked for is read, and proven."""

from __future__ import annotations

import logging
from typing import Final

from milestones.errors import InvalidConfiguration, InvalidEncoding
from milestones.protocol.distribution import Distribution
from milestones.protocol.terms import Terms
from milestones.services.backend import Workspace
from milestones.services.distribution.series import part_distribution
from milestones.storage.index import AllocationIndex, IndexedPart
from milestones.storage.index_writing import writing_index
from milestones.storage.indexed_table import IndexedTable

_LOG: Final = logging.getLogger(__name__)
INDEXED_FROM: Final = 2_049
"""So many allocations have an index: their pages are deeper than is usual. Fewer are read at once."""


def indexed_distribution(
    workspace: Workspace, distribution_id: bytes, terms: Terms | None = None
) -> Distribution | None:
    """The distribution with this id (28 bytes) out of its index; None where there is none of it.

    `terms` are those on the chain, where they are known; else those that the index was made with.
    """
    found = workspace.storage.indices.of(distribution_id)
    if found is not None:
        return _over(workspace, *found, distribution_id, terms)
    in_series = workspace.storage.series.of(distribution_id)
    if in_series is None:
        return None
    try:
        return part_distribution(workspace, *in_series)
    except InvalidConfiguration as error:
        # Index and rows are gone: what the chain has of it is read instead.
        _LOG.info("%s", error.message)
        return None


def _over(
    workspace: Workspace,
    index: AllocationIndex,
    part: IndexedPart,
    distribution_id: bytes,
    terms: Terms | None,
) -> Distribution | None:
    if terms is None:
        try:
            terms = Terms.decode(part.terms)
        except InvalidEncoding:
            return None
    if terms.distribution_id != distribution_id or terms.page_depth != part.page_depth:
        return None
    table = IndexedTable(index, part, terms.pages)
    return Distribution(terms, workspace.contract, table, table.nodes, complete=True)


def keep_index(workspace: Workspace, distribution: Distribution) -> None:
    """Makes the index of a large distribution that is known as a whole, where it has none."""
    allocations, terms = distribution.allocations, distribution.terms
    indices = workspace.storage.indices
    if len(allocations) < INDEXED_FROM or terms.oddities or indices.of(distribution.id):
        return
    with workspace.storage.if_possible(), writing_index(indices.path_of(distribution.id)) as writer:
        nodes = [distribution.node_at(page) for page in range(len(terms.pages))]
        writer.add(allocations.columns(), terms.page_depth, nodes)
        writer.finish([(distribution.id, terms.encode())], terms.metadata.network_magic)
