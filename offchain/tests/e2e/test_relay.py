"""`milestones relay` as an operator meets it: started, watched, asked to end, out of budget, misled."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest

from milestones.testing.cast import TOKEN_NAME
from milestones.testing.grant import FIRST, SECOND, Grant, five_allocations, open_grant, set_up
from tests.support.checkout import fresh_checkout

PATIENCE_SECONDS: Final = 300


@pytest.fixture(scope="module")
def grant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grant]:
    """Allocations 0 and 1 can be claimed; 2 once its milestone is attested; 3 and 4 vest later."""
    with fresh_checkout(tmp_path_factory.mktemp("relay") / "offchain") as (checkout, _):
        set_up(checkout)
        grant = open_grant(checkout, five_allocations(checkout))
        grant.attest(FIRST)
        yield grant


def options(grant: Grant, *more: str, token: bool = True) -> tuple[str, ...]:
    """A relay for it, with the relayer's wallet."""
    vouched = ("--token", f"{grant.world.policy_id}.{TOKEN_NAME.hex()}") if token else ()
    key = ("--signing-key-path", grant.world.key_file("relayer"))
    return ("relay", *grant.where, *vouched, *key, *more)


def until(seen: Callable[[], Any]) -> Any:
    """Waits until something is to be seen."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := seen()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def line_with(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """The next line on standard error that is like this."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(pattern, line):
            return found
    raise AssertionError("it has ended")


def test_what_can_not_be_is_refused_before_anything_is_paid(grant: Grant) -> None:
    nobody = grant.world.run(*options(grant, "--budget", "50", token=False))
    assert nobody.error["code"] == "not_allowed_yet"
    assert f"--token {grant.world.policy_id}.{TOKEN_NAME.hex()}" in nobody.error["hint"]
    for wrong in (("--budget", "1,5"), ("--budget", "0.0000001"), ("--budget", "-1")):
        ran = grant.world.run(*options(grant, *wrong))
        assert (ran.exit_code, ran.error["details"]["path"]) == (2, "budget")
    odd = grant.world.run(*options(grant, "--budget", "5", "--token", "GRANT"))
    assert (odd.exit_code, odd.error["details"]["path"]) == (2, "token")
    assert grant.world.tokens_of("beneficiary-1") == 0


def test_it_stops_before_the_budget_and_says_so(grant: Grant) -> None:
    small = ("--budget", "1.5", "--book", "small")
    ran = grant.world.run(*options(grant, *small))
    assert ran.exit_code == 6, ran.stderr
    assert ran.json["ended"] == "budget_spent"
    assert ran.json["claim_count"] == 1
    assert 1_000_000 < ran.json["spent_lovelace"] <= 1_500_000
    assert "the budget is spent" in ran.stderr
    again = grant.world.run(*options(grant, *small))
    assert (again.exit_code, again.json["claim_count"]) == (6, 0)
    assert again.json["spent_lovelace"] == ran.json["spent_lovelace"]


def test_it_pays_says_how_it_is_and_ends_when_asked_to(grant: Grant) -> None:
    process = grant.world.start(*options(grant, "--budget", "50", "--monitor-port", "0"))
    try:
        url = line_with(process, r"(http://127\.0\.0\.1:\d+)/health")[1]
        until(lambda: grant.world.tokens_of("beneficiary-1") == 2_000)
        # The oracles' signatures are at hand from now on: it brings them along.
        grant.collect(SECOND)
        grant.world.control("mine")
        until(lambda: grant.world.tokens_of("beneficiary-0") == 5_000)

        def settled() -> Any:
            found = httpx.get(f"{url}/health", trust_env=False).json()
            settled = not found["pending_count"] and found["distributions"][0]["unpaid_count"] == 2
            return found if settled else None

        health = until(settled)
        assert health["status"] == "well"
        assert health["most_lovelace"] == 50_000_000
        assert 0 < health["spent_lovelace"] < 50_000_000
        metrics = httpx.get(f"{url}/metrics", trust_env=False)
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        claims = re.search(r"^milestones_relay_claims_total (\d+)$", metrics.text, re.MULTILINE)
        spent = f"\nmilestones_relay_spent_lovelace {health['spent_lovelace']}\n"
        assert spent in metrics.text
        # A page whose own name points here hears nothing.
        other = httpx.get(f"{url}/metrics", headers={"Host": "evil.example"}, trust_env=False)
        assert other.status_code == 421
    finally:
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, stderr
    report = json.loads(stdout)
    assert claims is not None
    assert (report["ended"], report["claim_count"]) == ("stopped", int(claims[1]))
    assert report["spent_lovelace"] == health["spent_lovelace"]
