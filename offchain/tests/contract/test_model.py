"""Random lives of three distributions at once, honest and hostile, against a model in plain Python.

Before every step the model says whether the chain must take it; after every step the chain's books are
held against the model's, and whatever is claimable is claimed, on trial. `make test` lives sixty lives of
up to 25 steps, always the same; `MILESTONES_MODEL_RUNS=2000` lives as many as one likes and counts them.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.model_money import COMPANY, Distributions

RUNS = int(os.environ.get("MILESTONES_MODEL_RUNS", "60"))
STEPS = 25

MUST_HAPPEN = (
    "open honest accepted",
    "open underfunded refused",
    "attest honest accepted",
    "attest honest refused",
    "release accepted",
    "release refused",
    "close by the creator accepted",
    "close by the creator refused",
    "close by the thief refused",
    "propose honest accepted",
    "propose backdated refused",
    "object honest accepted",
    "confirm honest accepted",
    "confirm honest refused",
    "rotate honest accepted",
    "rotate honest refused",
    "notify by creator accepted",
    "notify by quorum accepted",
    "end by notice honest accepted",
    "end by notice honest refused",
    "waive accepted",
    "waive refused",
    "claims in the last slot of a grace",
    "blocks come again",
    "a lost transaction sent again",
    "claims on trial",
)
MUST_HAPPEN_IN_MANY = (
    *(f"redirect beside {company} refused" for company in COMPANY),
    "attest honest, by a former board refused",
    "a page paid to its end",
    "close with a board",
    "close with open proposals",
    "notify by home accepted",
    "end by home honest accepted",
    "retire honest accepted",
)
"""What a thousand lives see for certain."""


def test_random_lives_of_three_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    """The chain and the model agree on every step, and neither has much to say without the other."""
    Distributions.counts.clear()
    run_state_machine_as_test(
        Distributions,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    counts = Distributions.counts
    with capsys.disabled():
        if "MILESTONES_MODEL_RUNS" in os.environ:
            print("", *(f"{n:7} {told}" for told, n in sorted(counts.items())), sep="\n")  # noqa: T201
    wanted = (*MUST_HAPPEN, *(MUST_HAPPEN_IN_MANY if RUNS >= 1000 else ()))
    assert [told for told in wanted if not counts[told]] == []
