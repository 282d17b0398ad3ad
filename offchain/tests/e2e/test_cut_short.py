"""Real signals, and standard streams that are closed or full: the hash is said, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from milestones.testing.grant import FIRST, Grant, five_allocations, open_grant, set_up
from milestones.testing.processes import COMMAND_SECONDS, CommandResult
from tests.support.checkout import fresh_checkout

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and devices are POSIX'")
FULL = "> /dev/full"


@pytest.fixture(scope="module")
def grant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grant]:
    """A distribution whose first milestone is attested."""
    with fresh_checkout(tmp_path_factory.mktemp("cut") / "offchain") as (checkout, _):
        set_up(checkout)
        grant = open_grant(checkout, five_allocations(checkout))
        grant.attest(FIRST)
        yield grant


@pytest.fixture(autouse=True)
def put_back(grant: Grant) -> Iterator[None]:
    """Each test begins with nothing paid, and the services working."""
    journal = (grant.world.data / "journal.sqlite3").read_bytes()
    snapshot = grant.world.control("snapshot")["snapshot"]
    yield
    grant.world.control("unfreeze")
    grant.world.control("revert", snapshot=snapshot)
    for each in grant.world.data.glob("journal.sqlite3-*"):
        each.unlink()
    (grant.world.data / "journal.sqlite3").write_bytes(journal)


def release(grant: Grant, *options: str) -> tuple[str, ...]:
    key = ("--signing-key-path", grant.world.key_file("relayer"))
    return ("submit-release", *grant.where, *key, "--beneficiary-index", "0", *options)


def shell(grant: Grant, command: str) -> CommandResult:
    """Runs `$M`, which is the program, in a shell; the exit code is that of the last command."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=grant.world.folder,
        env=grant.world.environment(M=shlex.join(grant.world.command())),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interruption_while_waiting_says_what_was_sent_and_what_to_do(
    grant: Grant, name: str
) -> None:
    grant.world.control("freeze", interface="kupo", fault="stale")
    with grant.world.start(*release(grant, "--wait")) as waiting:
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        submitted = re.fullmatch(r"submitted transaction ([0-9a-f]{64})\n", said)
        assert submitted is not None, said
        transaction = submitted[1]
        waiting.send_signal(getattr(signal, name))
        stdout, stderr = waiting.communicate(timeout=COMMAND_SECONDS)
    error = json.loads(stdout)["error"]
    assert (waiting.returncode, error["code"]) == (8, "outcome_unknown")
    assert error["details"]["transaction_id"] == transaction
    assert f"error: transaction {transaction} was sent" in stderr
    assert "hint: run the same command again" in stderr
    assert "Traceback" not in stderr

    grant.world.control("unfreeze")
    again = grant.world.succeed(*release(grant, "--wait"))
    assert (again["transaction_hash"], again["status"]) == (transaction, "confirmed")
    assert grant.world.tokens_of("beneficiary-0") == 1_000


@pytest.mark.parametrize(
    ("name", "exit_code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)]
)
def test_an_interruption_before_anything_was_sent(grant: Grant, name: str, exit_code: int) -> None:
    """The node's answer is waited for: the command has begun, and nothing is signed yet."""
    grant.world.control("freeze", interface="ogmios", fault="hanging")
    with grant.nothing_sent(), grant.world.start(*release(grant)) as looking:
        begun(looking)
        looking.send_signal(getattr(signal, name))
        stdout, stderr = looking.communicate(timeout=COMMAND_SECONDS)
    assert looking.returncode == exit_code
    assert json.loads(stdout)["error"]["code"] == "interrupted"
    assert stderr == "error: interrupted\n"


def begun(process: subprocess.Popen[str]) -> None:
    """Returns once a process has a socket open, and so is in its command."""
    folder = Path(f"/proc/{process.pid}/fd")
    if not folder.exists():
        pytest.skip("only Linux shows what a process has open")
    while not any("socket:" in target for target in _targets(folder)):
        assert process.poll() is None


def _targets(folder: Path) -> Iterator[str]:
    for each in folder.iterdir():
        try:
            yield str(each.readlink())
        except OSError:
            continue


def test_a_signal_that_is_ignored_stays_so(grant: Grant) -> None:
    """As `nohup` has it."""
    grant.world.control("freeze", interface="kupo", fault="stale")
    arguments = shlex.join(release(grant, "--wait"))
    start = f"trap '' HUP; exec $M {arguments}"
    with subprocess.Popen(
        ["bash", "-c", start],
        cwd=grant.world.folder,
        env=grant.world.environment(M=shlex.join(grant.world.command())),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as waiting:
        assert waiting.stderr is not None
        assert waiting.stderr.readline().startswith("submitted")
        waiting.send_signal(signal.SIGHUP)
        grant.world.control("unfreeze")
        stdout, _ = waiting.communicate(timeout=COMMAND_SECONDS)
    assert (waiting.returncode, json.loads(stdout)["status"]) == (0, "confirmed")


@pytest.mark.parametrize(
    ("redirection", "reason"),
    [
        (FULL, "No space left on device"),
        (">&-", "Bad file descriptor"),
        ("| true; exit ${PIPESTATUS[0]}", "Broken pipe"),
    ],
)
def test_a_result_that_nobody_takes_after_money_left(
    grant: Grant, redirection: str, reason: str
) -> None:
    ran = shell(grant, f"$M {shlex.join(release(grant, '--wait'))} {redirection}")
    assert ran.exit_code == 8, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Exception" not in ran.stderr
    found = re.search(r"error: transaction ([0-9a-f]{64}) was sent", ran.stderr)
    assert found is not None, ran.stderr
    assert reason in ran.stderr
    assert "hint: run the same command again" in ran.stderr
    assert grant.world.tokens_of("beneficiary-0") == 1_000
    again = grant.world.run(*release(grant, "--wait"))
    assert again.exit_code in (0, 5), again.stderr
    assert grant.world.tokens_of("beneficiary-0") == 1_000


@pytest.mark.parametrize("redirection", ["2> /dev/full", "<&- 2>&-", "2> >(true)"])
def test_what_nobody_hears_stops_nothing(grant: Grant, redirection: str) -> None:
    """Warnings and progress are for people; the result is on standard output."""
    ran = shell(grant, f"$M {shlex.join(release(grant, '--wait'))} {redirection}")
    assert (ran.exit_code, ran.json["status"]) == (0, "confirmed")
    assert "Traceback" not in ran.stderr
    assert grant.world.tokens_of("beneficiary-0") == 1_000


def test_with_nothing_open_the_exit_code_is_all_there_is(grant: Grant) -> None:
    ran = shell(grant, f"$M {shlex.join(release(grant))} <&- >&- 2>&-")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (8, "", "")
    assert grant.world.tokens_of("beneficiary-0") == 1_000


@pytest.mark.parametrize(
    ("redirection", "exit_code", "said"),
    [
        (FULL, 1, "error: the result can't be written to standard output: No space left on device"),
        (">&-", 1, "error: the result can't be written to standard output: Bad file descriptor"),
        ("| true; exit ${PIPESTATUS[0]}", 141, ""),
    ],
)
def test_a_command_that_only_looks(
    grant: Grant, redirection: str, exit_code: int, said: str
) -> None:
    ran = shell(grant, f"$M check-status --contract-address {grant.address} {redirection}")
    assert ran.exit_code == exit_code
    assert ran.stderr.startswith(said)
    assert bool(ran.stderr) == bool(said)
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("redirection", [FULL, ">&-"])
def test_an_error_keeps_its_exit_code(grant: Grant, redirection: str) -> None:
    ran = shell(grant, f"$M check-status --contract-address nonsense {redirection}")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("error: contract_address: ")
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("redirection", [FULL, "| true; exit ${PIPESTATUS[0]}"])
@pytest.mark.parametrize("command", ["--help", "--version"])
def test_a_help_that_nobody_takes(grant: Grant, command: str, redirection: str) -> None:
    ran = shell(grant, f"$M {command} {redirection}")
    assert ran.exit_code in (0, 1, 141)
    assert "Traceback" not in ran.stderr
