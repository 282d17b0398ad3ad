"""A series in the data directory: its index, made anew where it is missing, and its distributions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.address import Address
from milestones.cardano.hashes import blake2b_256
from milestones.domain.columns import AllocationColumns, joined
from milestones.errors import InvalidConfiguration, InvalidEncoding, InvalidInput, NotFound
from milestones.protocol.distribution import (
    Distribution,
    DistributionName,
    parse_contract_address,
)
from milestones.protocol.leaves import page_trees
from milestones.protocol.series import decode_page
from milestones.protocol.terms import Terms
from milestones.services.backend import Workspace, select_version
from milestones.storage.index import AllocationIndex
from milestones.storage.index_writing import writing_index
from milestones.storage.indexed_table import IndexedTable
from milestones.storage.series_files import SeriesFolder, SeriesPart

OPENING_FEE_LOVELACE: Final = 892_000
"""What opening a whole distribution of 16 pages takes at most. Source: docs/scale.md."""
PART_BYTES, PART_FEE_LOVELACE = 15_300, 834_000
"""Of a transaction that announces rows in its metadata: bytes of rows, and fee."""
ROW_BYTES: Final = 5.3
"""Of an announced row beside its address."""
BLOCKS_AN_HOUR: Final = 180
"""On the average."""
Concerned = Callable[[Distribution], bool]
"""Whether a command has anything to do with a distribution."""


def find_series(workspace: Workspace, named: str) -> SeriesFolder:
    """The series that `--series` names: its root in hexadecimal, the beginning of that, or its folder.

    Raises `NotFound` where none or more than one is here by that name.
    """
    files, text = workspace.storage.series, named.strip()
    path = Path(text)
    if (path / "series.json").is_file():
        found = [each for each in [files.load(path)] if each is not None]
    elif re.fullmatch("[0-9a-fA-F]{6,56}", text):
        roots = [(each, each.record.series_root.hex()) for each in files.all()]
        found = [each for each, root in roots if root.startswith(text.lower())]
    else:
        found = []
    if len(found) != 1:
        known = ", ".join(each.record.series_root.hex() for each in files.all())
        raise NotFound(
            f"{len(found) or 'no'} series {'are' if found else 'is'} called {named[:80]!r} here",
            hint=f"known are: {known}"
            if known
            else "register one with `milestones register-milestone`",
        )
    return found[0]


def series_index(workspace: Workspace, series: SeriesFolder) -> AllocationIndex:
    """The index of a series; where it is missing or can't be read it is made anew from the rows.

    Raises `InvalidConfiguration` where the rows are missing, too, or are not the series'.
    """
    files = workspace.storage.series
    found = files.index(series)
    if found is not None and found.root == series.record.series_root:
        return found
    _made_anew(series)
    found = files.index(series)
    if found is None:
        raise InvalidConfiguration(
            f"the index {series.index_file} can't be read",
            path="data_directory",
            hint="remove that file: it is made anew of the rows beside it",
        )
    return found


def part_terms(part: SeriesPart) -> Terms:
    """The terms of a distribution of a series."""
    return Terms.decode(part.terms_cbor)


def _made_anew(series: SeriesFolder) -> None:
    try:
        raw = series.rows_file.read_bytes()
    except OSError as error:
        raise _no_rows(series, error.strerror or str(error)) from None
    record = series.record
    if blake2b_256(raw) != record.file_hash:
        raise _no_rows(series, "it is not the file that the terms name")
    pages, parts = _pages(raw), record.distributions
    with writing_index(series.index_file) as writer:
        try:
            for part in parts:
                terms = part_terms(part)
                columns = joined([next(pages) for _ in terms.pages])
                trees = page_trees(columns, terms.page_depth)
                if tuple(tree.root for tree in trees) != terms.pages:
                    raise _no_rows(series, f"part {part.part} does not lead to its roots")
                writer.add(columns, terms.page_depth, [tree.node for tree in trees])
        except (InvalidInput, StopIteration) as error:
            raise _no_rows(series, str(error) or "it ends too early") from None
        identities = [(part.distribution_id, part.terms_cbor) for part in parts]
        writer.finish(identities, record.network_magic, record.series_root)


def _pages(raw: bytes) -> Iterator[AllocationColumns]:
    at = 0
    while at < len(raw):
        item = cbor.read_first(raw, at)
        yield decode_page(item)
        at = item.end
    raise InvalidEncoding(
        "the rows end before the last page",
        hint="put the published rows there, or register the same file again",
    )


def _no_rows(series: SeriesFolder, reason: str) -> InvalidConfiguration:
    return InvalidConfiguration(
        f"the index of the series is missing, and so are its rows: {series.rows_file}: {reason}",
        path="data_directory",
        hint="put the published rows there, or register the same file again",
    )


def part_distribution(workspace: Workspace, series: SeriesFolder, part: SeriesPart) -> Distribution:
    """One distribution of a series, over the index. Raises `InvalidConfiguration`: see `series_index`."""
    terms = part_terms(part)
    workspace = select_version(workspace, terms.metadata.contract_version)
    index = series_index(workspace, series)
    found = index.part_of(part.distribution_id)
    if found is None:
        raise index.wrong(f"part {part.part} is not in it")
    table = IndexedTable(index, found, terms.pages)
    return Distribution(terms, workspace.contract, table, table.nodes, complete=True)


def part_name(part: SeriesPart) -> DistributionName:
    """What a distribution of a series is called."""
    name = parse_contract_address(part.contract_name)
    if isinstance(name, Address):
        return DistributionName(name, part.distribution_id)
    return name


def parts_of(
    workspace: Workspace, series: SeriesFolder, concerned: Concerned | None = None
) -> list[tuple[SeriesPart, DistributionName]]:
    """The distributions of a series that a command has to do with, in order."""
    return [
        (part, part_name(part))
        for part in series.record.distributions
        if concerned is None or concerned(part_distribution(workspace, series, part))
    ]


def waiting_for(milestone_identifier: str) -> Concerned:
    """Those in which somebody waits for a milestone."""
    return lambda distribution: milestone_identifier in distribution.allocations.milestones()


def paying(address: Address) -> Concerned:
    """Those that pay an address."""
    return lambda distribution: bool(distribution.allocations.of_address(address))


def milestones_of(workspace: Workspace, series: SeriesFolder) -> dict[str, list[int]]:
    """Each milestone of a series, with the parts in which it lives."""
    found: dict[str, list[int]] = {}
    for part in series.record.distributions:
        for name in part_distribution(workspace, series, part).allocations.milestones():
            found.setdefault(name, []).append(part.part)
    return found
