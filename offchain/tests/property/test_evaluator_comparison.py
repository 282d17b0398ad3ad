"""Random programs, against another evaluator. `make compare-evaluators` has a hundred thousand."""

from __future__ import annotations

from tests.support.evaluator_comparison import LANGUAGES, compared

COUNT = 600


def test_two_evaluators_agree_in_verdict_units_and_logs() -> None:
    outcomes = compared(11, range(COUNT))
    assert outcomes.total() == COUNT
    for language in LANGUAGES:
        assert outcomes[f"{language} succeeded"] > COUNT / 10
        assert outcomes[f"{language} function"] > COUNT / 20
        assert outcomes[f"{language} error"]
