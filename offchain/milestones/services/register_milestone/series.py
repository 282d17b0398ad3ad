"""`register-milestone` of a list that is cut into several distributions: a series. Asks nobody.

The rows are sorted (in payout order: by milestone and time), cut, hashed, and written twice: into the index
that claims are served from, and into the file that is published. A registration that is cut off has left
nothing; the same one again gives the same series.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

from milestones.cardano.hashes import blake2b_224
from milestones.domain.columns import AllocationColumns, gathered
from milestones.domain.models import MilestoneSchedule
from milestones.domain.paging import MOST_ALLOCATIONS, paging_for
from milestones.domain.powers import doubts_about
from milestones.domain.problems import Circumstances
from milestones.domain.reading import HexField
from milestones.domain.schedule import check_schedule, parse_schedule, usual_reclaim_after
from milestones.domain.streams import uncollected
from milestones.errors import InvalidInput, InvalidSchedule
from milestones.protocol.distribution import Distribution, terms_of
from milestones.protocol.leaves import page_trees
from milestones.protocol.series import SeriesMark, encode_page, series_root
from milestones.protocol.terms import Terms
from milestones.services.backend import Progress, Workspace, now_posix_ms, storage_warnings
from milestones.services.distribution.powers import Power, powers_of, warnings_about
from milestones.services.distribution.series import (
    BLOCKS_AN_HOUR,
    OPENING_FEE_LOVELACE,
    PART_BYTES,
    PART_FEE_LOVELACE,
    ROW_BYTES,
    part_distribution,
    part_terms,
)
from milestones.services.preflight import ada_problems, allowance_warnings, bond_problems
from milestones.services.register_milestone.command import (
    completed,
    estimate,
    for_contract,
    must_be_on_configured_network,
    refuse,
    usual_warnings,
    version_warnings,
)
from milestones.services.results import Result, View
from milestones.storage.files import PRIVATE_FILE
from milestones.storage.index_writing import IndexWriter, writing_index
from milestones.storage.series_files import SeriesFolder, SeriesPart, SeriesRecord

Order = Literal["payout", "file"]
"""`payout`: by milestone, then by time, then as in the file, so that neighbours are paid together. `file`:
as in the file, row for row."""
CHUNK_ROWS: Final = 64
PARTS_A_BLOCK: Final = 5
"""Transactions that announce rows, and fill a block."""


class SeriesDistribution(View):
    """One distribution of a series: its part from 1, and its rows in the series' order, from 0."""

    part: int
    distribution_id: HexField
    contract_name: str
    first_row: int
    allocation_count: int
    page_depth: int
    total_token_amount: int
    milestones: tuple[str, ...]


class SeriesMilestone(View):
    """A milestone of a series: what waits for it, and the parts in which it has to be attested."""

    milestone_identifier: str
    allocation_count: int
    token_amount: int
    parts: tuple[int, ...]


class SeriesCost(View):
    """What opening the whole series takes, before anything is sent. Deposits come back when it is closed.

    `publication_*`: what it would take to announce all rows in transactions' metadata, which nobody needs
    where the file is kept.
    """

    opening_deposits_lovelace: int
    attestation_deposits_lovelace: int
    opening_fees_lovelace: int
    publication_transactions: int
    publication_fees_lovelace: int
    publication_hours: float


class SeriesRegistered(Result):
    """What was registered. `cost` is None where no price was ever asked for.

    `hashes_per_second` is how fast leaves and nodes were made; `plain_hashes_per_second` a bare loop here.
    """

    status: Literal["registered"] = "registered"
    series_root: HexField
    folder: str
    rows_file: str
    file_hash: HexField
    order: Order
    allocation_count: int
    beneficiary_count: int
    total_token_amount: int
    distributions: tuple[SeriesDistribution, ...]
    milestones: tuple[SeriesMilestone, ...]
    cost: SeriesCost | None
    powers: tuple[Power, ...]
    hashes_per_second: int
    plain_hashes_per_second: int


async def register_series(
    workspace: Workspace,
    document: Mapping[str, Any],
    *,
    part_allocations: int | None = None,
    order: Order = "payout",
    uri: str = "",
    allow_script_beneficiaries: bool = False,
    progress: Progress = lambda _: None,
) -> SeriesRegistered:
    """Validates a schedule of any length; computes its distributions, and writes index and rows.

    `document` is as `register_milestone` takes it; its description is what is left of 256 bytes beside the
    series' own words. `part_allocations` is how many a distribution has, a multiple of 64; None: 65,536.
    `uri` says where the rows will be found. Raises `InvalidSchedule`, `InvalidInput` where the same rows are
    registered with other terms, and `InvalidConfiguration` where the disk refuses.
    """
    size = MOST_ALLOCATIONS if part_allocations is None else part_allocations
    _must_be_a_size(size)
    schedule, warnings = _read(workspace, document)
    circumstances = Circumstances(
        now_posix_ms(), workspace.contract.own_scripts, allow_script_beneficiaries, is_series=True
    )
    check_schedule(schedule, circumstances)
    columns = AllocationColumns.of(schedule.beneficiary_allocations)
    with uncollected(), workspace.storage.series.new_folder() as folder:
        writer = _Writer(schedule, columns, size, progress)
        with writing_index(folder / "index.sqlite") as index:
            parts = writer.write(index, _sorted(columns, order), folder / "allocations.cbor")
            root = series_root(page for part in parts for page in part.pages)
            schedule = _created_as_before(workspace, document, schedule, root)
            mark = SeriesMark(root, 1, len(parts), writer.file_hash, uri)
            record = _record(workspace, schedule, parts, mark, order)
            identities = [(each.distribution_id, each.terms_cbor) for each in record.distributions]
            index.finish(identities, record.network_magic, root)
        _must_be_the_same(workspace, record)
        series = workspace.storage.series.keep(folder, record)
    warnings += [*doubts_about(schedule), *warnings_about(part_terms(record.distributions[0]))]
    return _registered(workspace, series, columns, writer, warnings)


def _must_be_a_size(part_allocations: int) -> None:
    if not CHUNK_ROWS <= part_allocations <= MOST_ALLOCATIONS or part_allocations % CHUNK_ROWS:
        raise InvalidInput(
            f"a distribution of a series has a multiple of {CHUNK_ROWS} allocations, up to"
            f" {MOST_ALLOCATIONS}, not {part_allocations}",
            path="part_size",
            hint="leave it out: the fewest distributions are the usual choice",
        )


def _read(workspace: Workspace, document: Mapping[str, Any]) -> tuple[MilestoneSchedule, list[str]]:
    schedule = parse_schedule(completed(workspace, document))
    warnings = storage_warnings(workspace)
    if not {"reclaim_after", "irrevocable"} & document.keys():
        usual = usual_reclaim_after(schedule)
        schedule = schedule.model_copy(update={"reclaim_after": usual})
        warnings += usual_warnings(schedule)
    for field in ("rotatable", "page_depth"):
        if getattr(schedule, field) is not None:
            raise InvalidSchedule(
                "is one distribution's, and this is a series of them",
                path=field,
                hint="leave it out, or register up to 65,536 allocations at a time",
            )
    must_be_on_configured_network(workspace, schedule)
    earlier = schedule.contract_metadata.contract_version
    schedule = for_contract(schedule, workspace.contract)
    warnings += version_warnings(earlier, workspace.contract.version)
    return schedule, warnings


def _sorted(columns: AllocationColumns, order: Order) -> Sequence[int]:
    """The rows in the series' order."""
    if order == "file":
        return range(len(columns))
    names = dict.fromkeys(kind.milestone_identifier for kind in columns.table)
    place = {name: number for number, name in enumerate(names)}
    kinds = sorted(
        range(len(columns.table)),
        key=lambda n: (
            place[columns.table[n].milestone_identifier],
            columns.table[n].vesting_timestamp,
        ),
    )
    ranks = [0] * len(kinds)
    for rank, kind in enumerate(kinds):
        ranks[kind] = rank
    by_row = [ranks[kind] for kind in columns.kinds]
    return sorted(range(len(columns)), key=by_row.__getitem__)


@dataclass(frozen=True, slots=True)
class _Part:
    """A distribution's pages' roots, and its rows."""

    pages: tuple[bytes, ...]
    page_depth: int
    first: int
    rows: int


class _Writer:
    """Cuts, hashes and writes the rows; says how fast it goes."""

    def __init__(
        self,
        schedule: MilestoneSchedule,
        columns: AllocationColumns,
        part_allocations: int,
        progress: Progress,
    ) -> None:
        self._schedule, self._columns = schedule, columns
        self._size, self._progress = part_allocations, progress
        self._digest = blake2b(digest_size=32)
        self.plain = _plain_hashes_per_second()
        self.hashes, self.seconds = 0, 0.0

    @property
    def file_hash(self) -> bytes:
        """blake2b_256 of what was written to the file of rows."""
        return self._digest.digest()

    @property
    def rate(self) -> int:
        """Leaves and nodes a second of processor time."""
        return round(self.hashes / self.seconds) if self.seconds else 0

    def write(self, index: IndexWriter, rows: Sequence[int], file: Path) -> list[_Part]:
        """Each distribution's roots; its rows are in the index and in the file."""
        found: list[_Part] = []
        count = -(-len(rows) // self._size)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with open(descriptor, "wb") as published:  # noqa: PTH123 - a descriptor, not a path
            for number in range(count):
                some = rows[number * self._size : (number + 1) * self._size]
                part = gathered(self._columns, some)
                found.append(self._one(index, part, some, published.write))
                self._progress(
                    f"{number + 1} of {count}, {len(part):,} rows, {self.rate / 1e6:.1f} million hashes"
                    f" a second; plain loop {self.plain / 1e6:.1f}"
                )
            published.flush()
            os.fsync(published.fileno())
        return found

    def _one(
        self,
        index: IndexWriter,
        part: AllocationColumns,
        rows: Sequence[int],
        write: Callable[[bytes], object],
    ) -> _Part:
        depth = paging_for(len(part)).page_depth
        before = time.process_time()
        try:
            trees = page_trees(part, depth)
        except InvalidInput as error:
            raise InvalidSchedule(
                error.reason, path="beneficiary_allocations", hint=error.hint
            ) from None
        self.seconds += time.process_time() - before
        self.hashes += 2 * len(part)
        first = index.rows
        sources = None if rows == range(first, first + len(part)) else rows
        index.add(part, depth, [tree.node for tree in trees], sources=sources)
        for start in range(0, len(part), 1 << depth):
            page = encode_page(part[start : start + (1 << depth)])
            self._digest.update(page)
            write(page)
        return _Part(tuple(tree.root for tree in trees), depth, first, len(part))


def _plain_hashes_per_second(count: int = 20_000) -> float:
    """A bare loop, of the two lengths that leaves and nodes have, for comparison."""
    leaf, node, before = bytes(112), bytes(73), time.process_time()
    for _ in range(count // 2):
        blake2b_224(leaf)
        blake2b_224(node)
    return count / max(time.process_time() - before, 1e-6)


def _created_as_before(
    workspace: Workspace, document: Mapping[str, Any], schedule: MilestoneSchedule, root: bytes
) -> MilestoneSchedule:
    """The same rows, registered again without a time, have the time of then: it is the same series."""
    earlier = workspace.storage.series.find(root)
    metadata = document.get("contract_metadata", {})
    if earlier is None or "created_at" in metadata:
        return schedule
    created_ms = part_terms(earlier.record.distributions[0]).metadata.created_at_posix_ms
    metadata = schedule.contract_metadata.model_copy(update={"created_at": created_ms // 1000})
    schedule = schedule.model_copy(update={"contract_metadata": metadata})
    if not {"reclaim_after", "irrevocable"} & document.keys():
        usual = usual_reclaim_after(schedule)
        schedule = schedule.model_copy(update={"reclaim_after": usual})
    return schedule


def _record(
    workspace: Workspace,
    schedule: MilestoneSchedule,
    parts: Sequence[_Part],
    series: SeriesMark,
    order: Order,
) -> SeriesRecord:
    metadata = schedule.contract_metadata
    distributions = []
    for number, part in enumerate(parts, 1):
        mark = replace(series, part=number, about=metadata.description)
        terms = _terms(schedule, mark, part)
        address = terms.address(workspace.contract.vault_hash)
        name = address.to_bech32()
        if schedule.staking is not None:
            name = f"{name}#{terms.distribution_id.hex()}"
        distributions.append(
            SeriesPart(
                part=number,
                distribution_id=terms.distribution_id,
                contract_name=name,
                terms_cbor=terms.encode(),
                first_row=part.first,
                rows=part.rows,
            )
        )
    return SeriesRecord(
        series_root=series.series,
        network_magic=metadata.network_magic,
        contract_version=metadata.contract_version,
        rows=sum(part.rows for part in parts),
        order=order,
        file_hash=series.file,
        uri=series.uri,
        distributions=tuple(distributions),
    )


DESCRIPTION_BYTES: Final = 256


def _terms(schedule: MilestoneSchedule, mark: SeriesMark, part: _Part) -> Terms:
    description = mark.description()
    over = len(description.encode()) - DESCRIPTION_BYTES
    if over > 0:
        raise InvalidSchedule(
            f"the description is {over} bytes too long beside what a series says of itself",
            path="contract_metadata.description",
            hint="shorten it, or the place where the rows are published",
        )
    metadata = schedule.contract_metadata.model_copy(update={"description": description})
    own = schedule.model_copy(update={"contract_metadata": metadata})
    return terms_of(own, part.page_depth, part.pages)


def _must_be_the_same(workspace: Workspace, record: SeriesRecord) -> None:
    earlier = workspace.storage.series.find(record.series_root)
    if earlier is not None and earlier.record != record:
        raise InvalidInput(
            f"the same rows are registered already, with other terms: {earlier.path}",
            path="series",
            hint="use another data directory, or give the same terms to have the same series",
        )


def _registered(
    workspace: Workspace,
    series: SeriesFolder,
    columns: AllocationColumns,
    writer: _Writer,
    warnings: list[str],
) -> SeriesRegistered:
    record = series.record
    known = [(part, part_distribution(workspace, series, part)) for part in record.distributions]
    totals: dict[str, list[tuple[int, int, int]]] = {}
    distributions = []
    for part, distribution in known:
        for kind, total in distribution.allocations.totals().items():
            here = (part.part, total.count, total.amount)
            totals.setdefault(kind.milestone_identifier, []).append(here)
        distributions.append(
            SeriesDistribution(
                part=part.part,
                distribution_id=part.distribution_id,
                contract_name=part.contract_name,
                first_row=part.first_row,
                allocation_count=part.rows,
                page_depth=distribution.terms.page_depth,
                total_token_amount=distribution.terms.total_token_amount,
                milestones=distribution.allocations.milestones(),
            )
        )
    cost = _cost(workspace, [distribution for _, distribution in known], columns)
    return SeriesRegistered(
        series_root=record.series_root,
        folder=str(series.path),
        rows_file=str(series.rows_file),
        file_hash=record.file_hash,
        order=record.order,
        allocation_count=record.rows,
        beneficiary_count=columns.people(),
        total_token_amount=columns.total,
        distributions=tuple(distributions),
        milestones=tuple(
            SeriesMilestone(
                milestone_identifier=name,
                allocation_count=sum(count for _, count, _ in here),
                token_amount=sum(amount for _, _, amount in here),
                parts=tuple(sorted({part for part, _, _ in here})),
            )
            for name, here in totals.items()
        ),
        cost=cost,
        powers=powers_of(known[0][1].terms),
        hashes_per_second=writer.rate,
        plain_hashes_per_second=round(writer.plain),
        warnings=(*warnings, *_cost_warnings(workspace, known[0][1], cost)),
    )


def _cost(
    workspace: Workspace, distributions: Sequence[Distribution], columns: AllocationColumns
) -> SeriesCost | None:
    estimates = [estimate(workspace, distribution) for distribution in distributions]
    known = [each for each in estimates if each is not None]
    if len(known) < len(estimates):
        return None
    for distribution, each in zip(distributions, known, strict=True):
        refuse(ada_problems(distribution, each.lovelace_per_utxo_byte))
        refuse(bond_problems(distribution, each.lovelace_per_utxo_byte))
    length = sum(57 if header < 0x60 else 29 for header in columns.headers())
    parts = -(-round(length + ROW_BYTES * len(columns)) // PART_BYTES)
    return SeriesCost(
        opening_deposits_lovelace=sum(each.opening_lovelace for each in known),
        attestation_deposits_lovelace=sum(
            each.total_lovelace - each.opening_lovelace for each in known
        ),
        opening_fees_lovelace=OPENING_FEE_LOVELACE * len(known),
        publication_transactions=parts,
        publication_fees_lovelace=parts * PART_FEE_LOVELACE,
        publication_hours=round(parts / PARTS_A_BLOCK / BLOCKS_AN_HOUR, 2),
    )


def _cost_warnings(
    workspace: Workspace, first: Distribution, cost: SeriesCost | None
) -> Iterator[str]:
    observed = workspace.storage.network.load()
    if cost is None or observed is None:
        yield (
            "costs are not estimated: the network's price of storage was never asked for;"
            " `milestones init` does"
        )
        return
    yield from allowance_warnings(first, observed.lovelace_per_utxo_byte)
