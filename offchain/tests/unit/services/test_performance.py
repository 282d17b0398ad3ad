"""How long things take, beside the success criteria's limits."""

from __future__ import annotations

import pytest

from milestones.services.performance import LIMITS, Measured, measurement, warnings_of


@pytest.mark.parametrize("what", LIMITS)
def test_what_took_longer_than_its_criterion_allows_is_warned_of(what: Measured) -> None:
    criterion, limit_ms = LIMITS[what]
    in_time, too_late = measurement(what, limit_ms), measurement(what, limit_ms + 1)

    assert in_time.within
    assert not list(warnings_of([in_time]))
    (warning,) = warnings_of([in_time, too_late])
    assert what in warning
    assert criterion in warning
