"""A command killed before and after each of its own operations: run again it succeeds, and acts once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from milestones.testing.grant import FIRST, Grant, five_allocations, open_grant, set_up
from milestones.testing.processes import COMMAND_SECONDS
from tests.support.checkout import OFFCHAIN, fresh_checkout
from tests.support.killed_at import KILLED
from tests.support.load import length


@pytest.fixture
def grant(tmp_path: Path) -> Iterator[Grant]:
    """An open distribution; a quorum of signatures is at hand, and not on the chain."""
    with fresh_checkout(tmp_path / "offchain") as (checkout, _):
        set_up(checkout)
        grant = open_grant(checkout, five_allocations(checkout))
        grant.collect(FIRST)
        grant.world.key_file("relayer")
        yield grant


RELEASE = ("submit-release", "--beneficiary-index", "0")
ATTEST = ("attest", "--milestone-identifier", FIRST)


def whole(grant: Grant, command: tuple[str, ...]) -> tuple[str, ...]:
    key = ("--signing-key-path", grant.world.key_file("relayer"))
    return (*command, *grant.where, *key, "--wait")


def killed_at(grant: Grant, command: tuple[str, ...], moment: int) -> tuple[int, Path]:
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
    ("command", "rule", "paid"), [(RELEASE, "claimed", 1_000), (ATTEST, "attested", 0)]
)
def test_a_command_killed_at_any_moment_is_finished_by_the_next(
    grant: Grant, tmp_path: Path, command: tuple[str, ...], rule: str, paid: int
) -> None:
    snapshot = grant.world.control("snapshot")["snapshot"]
    clean = tmp_path / "clean"
    shutil.copytree(grant.world.folder, clean)

    def again(number: int) -> Grant:
        grant.world.control("revert", snapshot=snapshot)
        folder = tmp_path / f"run-{number}"
        shutil.copytree(clean, folder)
        return replace(grant, world=replace(grant.world, folder=folder))

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
        assert ran.exit_code == 0 or ran.error["details"]["rule"] == rule, (moment, ran.stderr)
        assert run.world.tokens_of("beneficiary-0") == paid, moment
        assert len(run.status()["attestations"]) == 1, moment
        assert not list(run.world.data.rglob(".*.tmp")), moment
    print(f"{command[0]} killed at {len(moments)} of {total} moments: once each")  # noqa: T201
