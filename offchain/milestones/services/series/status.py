"""`check-status --series` and `verify --series`: sums over all distributions, and whether all are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from milestones.domain.reading import HexField
from milestones.errors import NotFound
from milestones.protocol.series import SeriesMark, series_root
from milestones.services.backend import Backend
from milestones.services.check_status import StatusReport, check_status
from milestones.services.check_status.report import MilestoneStatus
from milestones.services.distribution.on_chain import read_on_chain
from milestones.services.distribution.series import part_distribution, parts_of
from milestones.services.results import Result, View
from milestones.services.verify import verify
from milestones.services.verify.checks import Check
from milestones.storage.series_files import SeriesFolder


class SeriesPartStatus(View):
    """One distribution of a series: how it is, and what it still holds of its token."""

    part: int
    contract_name: str
    status: Literal["not_opened", "open", "completed", "cancelled", "ended"]
    allocation_count: int
    claimed_count: int
    remaining_token_amount: int


class SeriesMilestoneStatus(View):
    """A milestone of a series: where it lives, where it is attested, and sums over all distributions."""

    milestone_identifier: str
    parts: tuple[int, ...]
    attested_parts: tuple[int, ...]
    allocation_count: int
    claimed_count: int
    claimable_count: int
    token_amount: int
    claimable_amount: int


class SeriesStatus(Result):
    """How a series is. Amounts in the token's smallest unit."""

    rows_in = "parts"

    series_root: HexField
    distribution_count: int
    opened_count: int
    allocation_count: int
    claimed_count: int
    token_policy_id: HexField
    token_name: HexField
    total_token_amount: int
    remaining_token_amount: int
    parts: tuple[SeriesPartStatus, ...]
    milestones: tuple[SeriesMilestoneStatus, ...]


async def series_status(backend: Backend, series: SeriesFolder) -> SeriesStatus:
    """The status of every distribution, added up; those that are not opened yet are named."""
    reports: list[tuple[int, StatusReport]] = []
    parts = []
    for part, name in parts_of(backend, series):
        try:
            report = await check_status(backend, contract_address=name)
        except NotFound:
            parts.append(
                SeriesPartStatus(
                    part=part.part,
                    contract_name=part.contract_name,
                    status="not_opened",
                    allocation_count=part.rows,
                    claimed_count=0,
                    remaining_token_amount=0,
                )
            )
            continue
        reports.append((part.part, report))
        state = report.contract_state
        parts.append(
            SeriesPartStatus(
                part=part.part,
                contract_name=part.contract_name,
                status=state.status,
                allocation_count=part.rows,
                claimed_count=state.claimed_count,
                remaining_token_amount=state.remaining_token_amount,
            )
        )
    terms = [part_distribution(backend, series, part).terms for part in series.record.distributions]
    return SeriesStatus(
        series_root=series.record.series_root,
        distribution_count=len(parts),
        opened_count=len(reports),
        allocation_count=series.record.rows,
        claimed_count=sum(part.claimed_count for part in parts),
        token_policy_id=terms[0].token.policy_id,
        token_name=terms[0].token.asset_name,
        total_token_amount=sum(each.total_token_amount for each in terms),
        remaining_token_amount=sum(part.remaining_token_amount for part in parts),
        parts=tuple(parts),
        milestones=tuple(_milestones(reports)),
        warnings=tuple(dict.fromkeys(each for _, report in reports for each in report.warnings)),
    )


def _milestones(reports: Sequence[tuple[int, StatusReport]]) -> list[SeriesMilestoneStatus]:
    found: dict[str, list[tuple[int, MilestoneStatus]]] = {}
    for part, report in reports:
        for each in report.milestones:
            found.setdefault(each.milestone_identifier, []).append((part, each))
    return [
        SeriesMilestoneStatus(
            milestone_identifier=name,
            parts=tuple(part for part, _ in here),
            attested_parts=tuple(part for part, each in here if each.attested),
            allocation_count=_sum(each.allocation_count for _, each in here),
            claimed_count=_sum(each.claimed_count for _, each in here),
            claimable_count=_sum(each.claimable_count for _, each in here),
            token_amount=_sum(each.token_amount for _, each in here),
            claimable_amount=_sum(each.claimable_amount for _, each in here),
        )
        for name, here in sorted(found.items())
    ]


def _sum(numbers: Iterable[int | None]) -> int:
    return sum(number or 0 for number in numbers)


class SeriesVerified(Result):
    """Whether a series is complete and sound: checks of the whole, and each distribution's verdict."""

    rows_in = "checks"

    verdict: Literal["sound", "incomplete", "unsound"]
    series_root: HexField
    checks: tuple[Check, ...]
    verdicts: Mapping[int, str]


async def verify_series(backend: Backend, series: SeriesFolder) -> SeriesVerified:
    """Whether the distributions on the chain are all of the series, in order, and lead to its root.

    Of each distribution the rows here are compared with the roots on the chain, and all that `verify` checks
    is checked.
    """
    record = series.record
    checks, verdicts, pages = [], {}, list[bytes]()
    missing = []
    for part, name in parts_of(backend, series):
        try:
            on_chain = await read_on_chain(backend, name)
        except NotFound:
            missing.append(part.part)
            continue
        pages += on_chain.terms.pages
        mark = SeriesMark.parse(on_chain.terms.metadata.description)
        wanted = (record.series_root, part.part, len(record.distributions), record.file_hash)
        seen = None if mark is None else (mark.series, mark.part, mark.of, mark.file)
        if seen != wanted:
            detail = f"part {part.part} doesn't say that it is this part of this series"
            checks.append(Check.of("series part", False, detail))
        distribution = part_distribution(backend, series, part)
        verified = await verify(backend, contract_address=name, schedule=distribution.schedule())
        verdicts[part.part] = verified.verdict
    whole = len(record.distributions)
    detail = f"{whole - len(missing)} of {whole} distributions are on the chain"
    if missing:
        detail += f"; missing are {', '.join(map(str, missing))}"
    checks.insert(0, Check.of("series complete", not missing, detail))
    if not missing:
        leads = series_root(pages) == record.series_root
        detail = "the pages' roots on the chain lead to the series root"
        checks.insert(1, Check.of("series root", leads, detail if leads else f"not true: {detail}"))
    wrong = any(each.outcome == "failed" for each in checks if each.name != "series complete")
    unsound = wrong or "unsound" in verdicts.values()
    return SeriesVerified(
        verdict="unsound" if unsound else "incomplete" if missing else "sound",
        series_root=record.series_root,
        checks=tuple(checks),
        verdicts=verdicts,
    )
