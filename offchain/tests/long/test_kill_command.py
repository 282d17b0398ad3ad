"""A command killed before and after each of its own operations: run again it succeeds, and acts once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from milestones.testing.cast import TOKENS
from milestones.testing.grant import (
    FIRST,
    YEAR,
    Grant,
    allocation,
    five_allocations,
    open_grant,
    register,
    set_up,
)
from milestones.testing.processes import COMMAND_SECONDS, ProcessWorld
from tests.support.checkout import OFFCHAIN, fresh_checkout
from tests.support.killed_at import KILLED
from tests.support.load import length

SCHEDULED = 31_000


@dataclass(frozen=True)
class Command:
    """What is killed: what was done before it, who pays, how its second run says that all is done.

    `effect` is what the chain holds afterwards, however often the command ran.
    """

    name: str
    arguments: Callable[[Grant], tuple[str, ...]]
    prepare: Callable[[ProcessWorld], Grant]
    payer: str
    done: str
    effect: Callable[[Grant], None]


def signed(world: ProcessWorld) -> Grant:
    """An open distribution; a quorum of signatures is at hand, and not on the chain."""
    grant = open_grant(world, five_allocations(world))
    grant.collect(FIRST)
    return grant


def registered(world: ProcessWorld) -> Grant:
    """Nothing is open; the schedule needs two transactions to be announced."""
    now = world.now
    rows = [allocation(world, "beneficiary-0", 100, FIRST, now - each) for each in range(1, 311)]
    ran = register(world, rows)
    assert ran.exit_code == 0, ran.stderr
    return Grant(world, ran.json)


def staked(world: ProcessWorld) -> Grant:
    """Nothing is open; the terms name a staking credential of the creator's."""
    ran = register(world, five_allocations(world), "--staking", "creator")
    assert ran.exit_code == 0, ran.stderr
    return Grant(world, ran.json)


def over(world: ProcessWorld) -> Grant:
    """Whatever nobody claimed may be taken back."""
    grant = signed(world)
    grant.reach(2 * YEAR + 60)
    return grant


def paid_once(grant: Grant) -> None:
    assert grant.world.tokens_of("beneficiary-0") == 1_000
    attested_once(grant)


def attested_once(grant: Grant) -> None:
    assert len(grant.status()["attestations"]) == 1


def opened_once(grant: Grant) -> None:
    assert grant.status()["contract_state"]["remaining_token_amount"] == SCHEDULED
    # All in one transaction; a second would have taken as many tokens again.
    held = grant.world.kupo(f"matches/{grant.address}?unspent")
    assert len({each["transaction_id"] for each in held}) == 1
    assert grant.world.tokens_of("creator") == TOKENS - SCHEDULED


def closed_once(grant: Grant) -> None:
    assert grant.world.kupo(f"matches/{grant.address}?unspent") == []
    assert grant.world.tokens_of("creator") == TOKENS


def delegated_once(grant: Grant) -> None:
    shown = grant.world.succeed("stake", "show", *grant.where)
    assert (shown["registered"], shown["representative"]) == (True, "abstain")
    # One transaction alone has spent what the creator had.
    address = grant.world.address("creator")
    spent = grant.world.kupo(f"matches/{address}?spent")
    assert len({each["spent_at"]["transaction_id"] for each in spent}) == 1


COMMANDS = (
    Command(
        "submit-release",
        lambda grant: (*grant.where, "--beneficiary-index", "0"),
        signed,
        "relayer",
        "claimed",
        paid_once,
    ),
    Command(
        "attest",
        lambda grant: (*grant.where, "--milestone-identifier", FIRST),
        signed,
        "relayer",
        "attested",
        attested_once,
    ),
    Command(
        "deploy",
        lambda _: ("--schedule", "schedule.json"),
        registered,
        "creator",
        "already_open",
        opened_once,
    ),
    Command("close", lambda grant: grant.where, over, "creator", "closed", closed_once),
    Command(
        "stake register",
        lambda grant: (*grant.where, "--abstain"),
        staked,
        "creator",
        "already_registered",
        delegated_once,
    ),
)


PAYING = COMMANDS[:4]
"""Those that are killed in every run, a few times each."""


def whole(grant: Grant, command: Command) -> tuple[str, ...]:
    key = ("--signing-key-path", grant.world.key_file(command.payer))
    return (*command.name.split(), *command.arguments(grant), *key, "--wait")


def killed_at(grant: Grant, command: Command, moment: int) -> tuple[int, Path]:
    """Runs a command to a moment; its exit code, and the file that says how many there were."""
    moments = grant.world.folder / "moments"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.support.killed_at", str(moment)),
            *whole(grant, command),
        ],
        cwd=grant.world.folder,
        env=grant.world.environment(PYTHONPATH=str(OFFCHAIN), MOMENTS_FILE=str(moments)),
        capture_output=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr
    return done.returncode, moments


@pytest.mark.parametrize(
    "command", length(short=PAYING, long=COMMANDS), ids=lambda command: command.name
)
def test_a_command_killed_at_any_moment_is_finished_by_the_next(
    tmp_path: Path, command: Command
) -> None:
    with fresh_checkout(tmp_path / "offchain") as (world, _):
        set_up(world)
        grant = command.prepare(world)
        grant.world.key_file(command.payer)
        snapshot = world.control("snapshot")["snapshot"]
        clean = tmp_path / "clean"
        shutil.copytree(world.folder, clean)

        def again(number: int) -> Grant:
            world.control("revert", snapshot=snapshot)
            folder = tmp_path / f"run-{number}"
            shutil.copytree(clean, folder)
            return replace(grant, world=replace(world, folder=folder))

        code, counted = killed_at(again(0), command, 0)
        assert code == 0
        total = int(counted.read_text())
        moments = sorted(Random(13).sample(range(1, total), length(short=4, long=total - 1)))  # noqa: S311
        for moment in moments:
            run = again(moment)
            code, _ = killed_at(run, command, moment)
            # How often it looks for its block differs from run to run: it may be through before.
            assert code in (KILLED, 0), moment
            ran = run.world.run(*whole(run, command))
            # Killed at its very end, nothing is left to do.
            assert ran.exit_code == 0 or ran.error["details"]["rule"] == command.done, (
                moment,
                ran.stderr,
            )
            command.effect(run)
            assert not list(run.world.data.rglob(".*.tmp")), moment
        print(f"{command.name} killed at {len(moments)} of {total} moments: once each")  # noqa: T201
