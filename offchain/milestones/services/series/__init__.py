"""What commands do with a series: a long list of allocations in several distributions."""

from milestones.services.distribution.series import find_series, paying, waiting_for
from milestones.services.series.deploy import SeriesPlan, deploy_series, plan_series
from milestones.services.series.each import PartDone, SeriesDone, in_series
from milestones.services.series.signing import (
    SeriesClaimFiles,
    SeriesSigned,
    entries_about,
    sign_in_series,
    write_claim_files,
)
from milestones.services.series.status import (
    SeriesStatus,
    SeriesVerified,
    series_status,
    verify_series,
)

__all__ = [
    "PartDone",
    "SeriesClaimFiles",
    "SeriesDone",
    "SeriesPlan",
    "SeriesSigned",
    "SeriesStatus",
    "SeriesVerified",
    "deploy_series",
    "entries_about",
    "find_series",
    "in_series",
    "paying",
    "plan_series",
    "series_status",
    "sign_in_series",
    "verify_series",
    "waiting_for",
    "write_claim_files",
]
