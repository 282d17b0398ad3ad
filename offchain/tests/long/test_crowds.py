"""Many processes at once: all get what they ask for, nobody waits for a block, nothing is done twice."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from milestones.testing.grant import set_up
from milestones.testing.processes import CommandResult, DevnetProcess, ProcessWorld
from tests.support.checkout import fresh_checkout
from tests.support.crowd import (
    attested_grant,
    claim_all_at_once,
    deploy_all_at_once,
    outcomes,
    schedules,
)
from tests.support.load import length

DEPLOYS = length(short=4, long=10)
CLAIMS = length(short=4, long=20)


def all_done(results: list[CommandResult]) -> None:
    """Each ended with exit code 0."""
    failed = [each.stdout + each.stderr for each in results if each.exit_code]
    assert not failed, failed[0]


@pytest.fixture
def without_blocks(tmp_path: Path) -> Iterator[tuple[ProcessWorld, DevnetProcess]]:
    """A chain on which the scripts are published, and no block comes any more by itself."""
    state = f"--state-dir={tmp_path / 'chain'}"
    with fresh_checkout(tmp_path / "offchain", state) as (checkout, devnet):
        set_up(checkout)
        devnet.stop()
        devnet.options.append("--manual-blocks")
        devnet.start()
        yield replace(checkout, ready=devnet.ready), devnet


def test_deploys_of_one_wallet_at_once_all_succeed(
    without_blocks: tuple[ProcessWorld, DevnetProcess],
) -> None:
    world, _ = without_blocks
    results = outcomes(deploy_all_at_once(world, schedules(world, DEPLOYS)))
    all_done(results)
    assert {each.json["status"] for each in results} == {"submitted"}
    world.control("mine")
    for each in results:
        found = world.kupo(f"matches/*@{each.json['transaction_hash']}?unspent")
        assert found, "a block has it"


def test_what_a_killed_deploy_had_reserved_is_free(
    without_blocks: tuple[ProcessWorld, DevnetProcess],
) -> None:
    """The signal comes while it holds the wallet's outputs, and before it has sent anything."""
    world, _ = without_blocks
    first, second = schedules(world, 2)
    (killed,) = deploy_all_at_once(world, [first])
    folder = world.data / "reservations"
    while killed.poll() is None and not list(folder.glob("*.json")):
        time.sleep(0.001)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    all_done(outcomes(deploy_all_at_once(world, [second])))
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_claims_at_once_need_no_block_between_them(tmp_path: Path) -> None:
    """Each has a wallet and a data directory of its own, as on machines of their own."""
    with attested_grant(tmp_path / "offchain", CLAIMS, "--manual-blocks") as grant:
        all_done(outcomes(claim_all_at_once(grant, CLAIMS)))
        assert len(grant.world.state()["mempool"]) == CLAIMS
        while grant.world.state()["mempool"]:
            grant.world.control("mine")
        assert grant.world.tokens_of("beneficiary-1") == 1_000 * CLAIMS
