"""Relays through kills, rollbacks, lost services and each other: each is paid once, and the books balance."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from random import Random

from milestones.errors import BudgetSpent
from tests.support.load import length
from tests.support.relays import Trouble, payouts, relay_of, report_of, served_grant

COUNT, DEPTH, PAGES = length(short=(60, 4, 4), long=(2_000, 7, 16))
BUDGET_ADA = length(short=25, long=800)
"""What the first relay may spend: not enough for all."""
TROUBLES = length(short=9, long=99)
PAUSE_SECONDS = length(short=0.8, long=5.0)
WITHIN_SECONDS = length(short=300, long=3_600)


def test_each_is_paid_once_within_the_budget_and_the_books_balance(tmp_path: Path) -> None:
    """The last allocations become claimable while bad things happen."""
    blocks = ("--block-interval", "1")
    vesting = [int(part * TROUBLES * PAUSE_SECONDS / 5) for part in range(5)]
    with (
        served_grant(tmp_path / "offchain", COUNT, DEPTH, *blocks, vesting=vesting) as (
            grant,
            devnet,
        ),
        relay_of(grant, "relayer", BUDGET_ADA) as limited,
        relay_of(grant, "stranger", 5_000) as free,
    ):
        moments = Random(5)  # noqa: S311 - repeatable on purpose
        trouble = Trouble(grant.world, devnet, (limited, free), moments)
        started = time.monotonic()
        limited.start()
        while not payouts(grant) and limited.is_running:
            time.sleep(0.2)
        for _ in range(TROUBLES):
            trouble.once()
            time.sleep(moments.uniform(0, 2 * PAUSE_SECONDS))
        wanted = Counter(range(1, COUNT + 1))
        while payouts(grant) != wanted and time.monotonic() - started < WITHIN_SECONDS:
            free.go_on()
            time.sleep(1)
        assert payouts(grant) == wanted
        # Each sees that nothing is left, and what became of its transactions, those included that were rolled
        # back after it had ended.
        reports = {}
        for relay in (limited, free):
            if relay.process is not None:
                assert relay.outcome().exit_code in (0, BudgetSpent.exit_code)
            relay.start()
            ended = relay.outcome()
            assert ended.exit_code == 0, ended.stderr
            reports[relay.key] = report_of(ended)
        for relay in (limited, free):
            lacks = relay.lovelace_before - relay.world.lovelace_of(relay.key)
            assert reports[relay.key]["spent_lovelace"] == lacks
        assert payouts(grant) == wanted
        assert 0 < reports["relayer"]["spent_lovelace"] <= BUDGET_ADA * 1_000_000
        state = grant.status()["contract_state"]
        assert (state["claimed_count"], state["remaining_token_amount"]) == (COUNT, 0)
        assert len(grant.world.kupo(f"matches/{grant.address}?unspent")) == PAGES + 2
        devnet.check()
    spent = {key: each["spent_lovelace"] / 1e6 for key, each in reports.items()}
    print(  # noqa: T201
        f"{COUNT} allocations in {PAGES} pages paid in {time.monotonic() - started:.0f} s through"
        f" {dict(trouble.happened)}; relays started {limited.starts} and {free.starts} times; spent {spent} ADA"
    )
