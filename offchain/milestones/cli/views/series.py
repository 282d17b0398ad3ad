"""What commands say on a terminal of a series of distributions: the sums, and a line for each distribution."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.views.figures import (
    ada,
    counted,
    figure,
    heading,
    labelled,
    more,
    of_token,
    table,
)
from milestones.services.series import (
    SeriesClaimFiles,
    SeriesDone,
    SeriesPlan,
    SeriesSigned,
    SeriesStatus,
    SeriesVerified,
)

SHOWN: Final = 6
"""Distributions, and milestones, that are listed."""


def done(result: SeriesDone) -> Iterator[RenderableType]:
    """In how many distributions something was done, and what became of each."""
    count = sum(each.status == "done" for each in result.parts)
    yield heading(
        f"Done in {count:,} of {counted(len(result.parts), 'distribution')} that it has to do with;"
        f" the series has {result.distribution_count:,}"
    )
    yield ""
    yield table(
        ("part", "state", "why"),
        (
            (str(each.part), each.status.replace("_", " "), each.reason or _said(each.result))
            for each in result.parts[:SHOWN]
        ),
        numbers=("part",),
    )
    yield from more(len(result.parts), SHOWN, "distribution")
    if result.fee_estimate:
        yield f"Fees {ada(result.fee_estimate)} in all."
    yield from _root(result.series_root)


def _said(result: object) -> str:
    status = result.get("status") if isinstance(result, dict) else None
    return str(status).replace("_", " ") if status else ""


def opened(result: SeriesDone | SeriesPlan) -> Iterator[RenderableType]:
    """What was opened; of a dry run what is left to open, and what that takes."""
    if not isinstance(result, SeriesPlan):
        yield from done(result)
        return
    yield heading(
        f"Nothing was sent: {result.openings_left:,} of"
        f" {counted(result.distribution_count, 'distribution')} are left to open"
    )
    yield ""
    locked = of_token(result.total_token_amount, result.token_policy_id, result.token_name)
    yield f"- {locked} for {counted(result.allocation_count, 'payment')}"
    yield from (f"- {each}" for each in result.words)
    yield from _root(result.series_root)


def status(result: SeriesStatus) -> Iterator[RenderableType]:
    """The sums, each milestone, each distribution."""
    token = (result.token_policy_id, result.token_name)
    yield heading(
        f"{result.opened_count:,} of {counted(result.distribution_count, 'distribution')} opened:"
        f" {result.claimed_count:,} of {counted(result.allocation_count, 'payment')} made,"
        f" {figure(result.remaining_token_amount, *token)} of"
        f" {of_token(result.total_token_amount, *token)} held"
    )
    yield ""
    yield table(
        ("milestone", "attested in", "paid", "to claim"),
        (
            (
                each.milestone_identifier,
                f"{len(each.attested_parts):,} of {len(each.parts):,}",
                f"{each.claimed_count:,} of {each.allocation_count:,}",
                figure(each.claimable_amount, *token),
            )
            for each in result.milestones[:SHOWN]
        ),
        numbers=("to claim",),
    )
    yield from more(len(result.milestones), SHOWN, "milestone")
    yield ""
    yield table(
        ("part", "state", "paid", "held"),
        (
            (
                str(each.part),
                each.status.replace("_", " "),
                f"{each.claimed_count:,} of {each.allocation_count:,}",
                figure(each.remaining_token_amount, *token),
            )
            for each in result.parts[:SHOWN]
        ),
        numbers=("part", "held"),
    )
    yield from more(len(result.parts), SHOWN, "distribution")
    yield from _root(result.series_root)


def verified(result: SeriesVerified) -> Iterator[RenderableType]:
    """The verdict, the checks of the whole, and how many distributions have which."""
    yield heading(f"{result.verdict.capitalize()}.")
    yield ""
    for check in result.checks:
        yield f"- {check.name}: {check.outcome.replace('_', ' ')}; {check.detail}"
    verdicts = list(result.verdicts.values())
    if verdicts:
        found = sorted(set(verdicts), key=lambda each: -verdicts.count(each))
        words = ", ".join(f"{verdicts.count(each):,} {each}" for each in found)
        yield f"Of the distributions there are {words}."
    yield from _root(result.series_root)


def signed(result: SeriesSigned) -> Iterator[RenderableType]:
    """Where the signatures are."""
    yield heading(
        f"Signed: {result.milestone_identifier}, in {counted(len(result.parts), 'distribution')}"
    )
    yield from labelled(("file", result.file), ("oracle", result.oracle_address))
    yield from _root(result.series_root)


def claim_files(result: SeriesClaimFiles) -> Iterator[RenderableType]:
    """Where the files are."""
    yield heading(f"Written: {counted(len(result.files), 'claim file')}")
    yield from labelled(*(("file", each) for each in result.files[:SHOWN]))
    yield from more(len(result.files), SHOWN, "file")
    yield from labelled(("for", str(result.beneficiary_address)))


def _root(root: bytes) -> Iterable[RenderableType]:
    return labelled(("series", root.hex()))
