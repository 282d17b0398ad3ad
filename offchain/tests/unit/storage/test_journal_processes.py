"""The journal's database where processes die, meet each other, or the file system refuses."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from milestones.errors import InvalidConfiguration
from milestones.storage import files
from milestones.storage.storage import Storage
from milestones.storage.submission import Submission

Make = Callable[..., Submission]
posix = pytest.mark.skipif(os.name != "posix", reason="signals, limits and owners are POSIX'")

PROGRAM = """
import os, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from milestones.errors import MilestonesError
from milestones.storage.storage import Storage
from milestones.storage.submission import StatusChange, Submission
from conftest import transaction

def submission(number, **changes):
    identifier, cbor = transaction(number)
    return Submission(**dict(dict(
        transaction_id=identifier, command="attest", transaction_cbor=cbor, inputs=(),
        fee_lovelace=1, size=len(cbor), history=(StatusChange(status="prepared", at_posix_ms=number),),
    ), **changes))

def say(*words):
    # One call of the system: a kill finds a line said whole or not at all, unlike after `print`.
    os.write(1, " ".join(map(str, words)).encode() + b"\\n")

storage = Storage(Path(sys.argv[1]))
"""


def start(directory: Path, program: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Runs a program that has `storage`, `submission(number)` and `say`."""
    text = PROGRAM.format(here=str(Path(__file__).parent)) + program
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", text, str(directory), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(directory: Path, program: str, *arguments: str, **options: Any) -> str:
    process = start(directory, program, *arguments, **options)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert stderr == ""
    return stdout


def finish(process: subprocess.Popen[str]) -> None:
    """Waits for its end, and closes what is left of its lines."""
    process.communicate(timeout=60)


def damage(path: Path, content: bytes = b"no database" * 1000) -> None:
    path.write_bytes(content)


@posix
@pytest.mark.parametrize("seed", range(4))
def test_what_a_killed_process_has_said_is_there(tmp_path: Path, seed: int) -> None:
    """It says a line once the journal has returned; the next process must find all of it."""
    program = """
for number in range(1000000):
    storage.journal.prepare(submission(number), slot=0)
    say("prepared", number)
    storage.journal.mark(submission(number).transaction_id, "submitted", at_posix_ms=1)
    say("submitted", number)
"""
    process = start(tmp_path / "data", program)
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    time.sleep(random.Random(seed).uniform(0, 0.3))  # noqa: S311
    process.send_signal(signal.SIGKILL)
    # Not `communicate`: it passes over what was read ahead of the first line.
    lines += process.stdout.read().splitlines()
    finish(process)
    said = [line.split() for line in lines]
    storage = Storage(tmp_path / "data")
    found = storage.journal.unsettled(0)
    storage.close()
    assert storage.take_reports() == []
    last = {int(number): status for status, number in said}
    assert len(found) - len(last) in (0, 1)
    for number, submission in enumerate(found):
        expected = ("prepared", "submitted") if number >= max(last) else ("submitted",)
        assert submission.status in expected
        assert (
            number not in last or (last[number] == "prepared") or (submission.status == "submitted")
        )


def test_of_two_processes_one_may_do_what_is_done_once(tmp_path: Path) -> None:
    program = """
import time
number = int(sys.argv[2])
while time.time() < float(sys.argv[3]):
    pass
for turn in range(20):
    try:
        storage.journal.prepare(submission(number + 2 * turn, sole=f"turn {turn}"), slot=0)
        say("won", turn)
    except MilestonesError as error:
        say(error.code, turn)
"""
    begin = str(time.time() + 1.5)
    racers = [start(tmp_path / "data", program, str(number), begin) for number in range(2)]
    said = [process.communicate(timeout=60) for process in racers]
    assert [process.returncode for process in racers] == [0, 0], said
    lines = sorted(line for stdout, _ in said for line in stdout.splitlines())
    assert len(lines) == 40
    for turn in range(20):
        assert f"won {turn}" in lines
        assert f"not_allowed_yet {turn}" in lines
    storage = Storage(tmp_path / "data")
    assert len(storage.journal.pending()) == 20
    storage.close()


def test_one_that_keeps_the_journal_to_itself_is_named(
    storage: Storage, submission: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.journal.prepare(submission(), slot=0)
    storage.close()
    monkeypatch.setattr(files, "LOCK_TIMEOUT_SECONDS", 0.05)
    with closing(sqlite3.connect(storage.journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InvalidConfiguration, match="in use by another command") as refused:
            storage.journal.prepare(submission(2), slot=0)
        assert refused.value.path == "data_directory"
        assert len(storage.journal.pending()) == 1


@posix
def test_a_full_disk_refuses_before_anything_is_sent_and_loses_nothing(tmp_path: Path) -> None:
    """A process may write files of at most 200 kB, so that the log can't grow any more."""
    program = """
import resource
storage.journal.prepare(submission(0), slot=0)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
for number in range(1, 1000):
    try:
        storage.journal.prepare(submission(number), slot=0)
    except MilestonesError as error:
        say(number, error.exit_code, error.message)
        break
say(len(storage.journal.pending()))
"""
    refused, held = run(tmp_path / "data", program).splitlines()
    number, exit_code, message = refused.split(" ", 2)
    assert exit_code == "2"
    assert "journal.sqlite3 can't be used" in message
    storage = Storage(tmp_path / "data")
    assert len(storage.journal.pending()) == int(number) == int(held)
    assert storage.take_reports() == []
    storage.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@posix
def test_on_a_full_disk_the_word_is_full(small_disk: Path, submission: Make) -> None:
    storage = Storage(small_disk / "data")
    storage.journal.prepare(submission(), slot=0)
    (small_disk / "ballast").write_bytes(bytes(850_000))

    def fill() -> None:
        for number in range(2, 1000):
            storage.journal.prepare(submission(number), slot=0)

    with pytest.raises(InvalidConfiguration, match="the disk is full"):
        fill()
    before = len(storage.journal.pending())
    (small_disk / "ballast").unlink()
    storage.journal.prepare(submission(2000), slot=0)
    assert len(storage.journal.pending()) == before + 1
    storage.close()


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root may become another")
@pytest.mark.parametrize("crashed", [False, True])
def test_where_nothing_can_be_written_one_can_look(submission: Make, crashed: bool) -> None:
    program = """
import os, sqlite3
os.setuid(65534)
say([each.transaction_id for each in storage.journal.pending()])
try:
    storage.journal.prepare(submission(7), slot=0)
except MilestonesError as error:
    say(error.exit_code, error.details["path"])
for each in storage.take_reports():
    say(each.message)
"""
    # Not pytest's folder: nobody else may enter that one.
    with TemporaryDirectory() as name:
        directory = Path(name) / "data"
        with closing(Storage(directory)) as storage:
            one = storage.journal.prepare(submission(), slot=0)
            log = storage.journal.path.with_name("journal.sqlite3-wal")
            kept = log.read_bytes()
        if crashed:
            log.write_bytes(kept)
        for each in directory.iterdir():
            each.chmod(0o444)
        directory.chmod(0o555)
        Path(name).chmod(0o755)
        looked, refused, *warnings = run(directory, program).splitlines()
        assert refused == "2 data_directory"
        if looked != f"['{one.transaction_id}']":
            assert (crashed, looked) == (True, "[]")
            assert "what earlier runs have sent is not known" in warnings[0]
        directory.chmod(0o700)
        (closed,) = run(directory, _CLOSED).splitlines()
        assert closed == "2 data_directory"


_CLOSED = """
import os
os.setuid(65534)
try:
    storage.journal.pending()
except MilestonesError as error:
    say(error.exit_code, error.details["path"])
"""


def test_a_file_system_that_shares_no_memory_is_refused(
    storage: Storage, submission: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's file system without locks stands in for a network's: it keeps no write-ahead log."""
    connect: Any = sqlite3.connect

    def without_locks(name: str, **options: Any) -> sqlite3.Connection:
        place = f"{name}&vfs=unix-none" if options.get("uri") else name
        connection: sqlite3.Connection = connect(place, **options)
        return connection

    monkeypatch.setattr(sqlite3, "connect", without_locks)
    with pytest.raises(InvalidConfiguration, match="file system") as refused:
        storage.journal.prepare(submission(), slot=0)
    assert refused.value.path == "data_directory"
    assert "local disk" in refused.value.hint


def test_the_database_of_another_program_stays_as_it_is(storage: Storage, submission: Make) -> None:
    storage.data_directory.mkdir()
    with closing(sqlite3.connect(storage.journal.path)) as connection, connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = storage.journal.path.read_bytes()
    for action in (storage.journal.pending, lambda: storage.journal.prepare(submission(), slot=0)):
        with pytest.raises(InvalidConfiguration, match="another program"):
            action()
    assert storage.journal.path.read_bytes() == before


def test_the_database_of_a_later_version_is_passed_over_and_never_changed(
    storage: Storage, submission: Make
) -> None:
    storage.journal.prepare(submission(), slot=0)
    storage.close()
    with closing(sqlite3.connect(storage.journal.path)) as connection, connection:
        connection.execute("PRAGMA user_version=2")
    before = storage.journal.path.read_bytes()
    assert storage.journal.unsettled(0) == storage.journal.pending() == []
    (report,) = storage.take_reports()
    assert (report.kind, "later version" in report.message) == ("passed_over", True)
    with pytest.raises(InvalidConfiguration, match="later version") as refused:
        storage.journal.prepare(submission(2), slot=0)
    assert "update this program" in refused.value.hint
    storage.close()
    assert storage.journal.path.read_bytes() == before


def test_a_damaged_database_is_moved_aside_and_reported(storage: Storage, submission: Make) -> None:
    storage.journal.prepare(submission(), slot=0)
    storage.close()
    path = storage.journal.path
    damage(path)
    path.with_name("journal.sqlite3-wal").write_bytes(b"its log")
    assert storage.journal.pending() == []
    (report,) = storage.take_reports()
    assert (report.kind, report.path, report.moved_to) == (
        "moved_aside",
        path,
        path.with_name("journal.sqlite3.corrupt-1"),
    )
    assert "may still be on their way" in report.message
    assert path.with_name("journal.sqlite3.corrupt-1").read_bytes().startswith(b"no database")
    assert storage.journal.prepare(submission(2), slot=0).is_pending
    storage.close()
    damage(path)
    storage.journal.prepare(submission(3), slot=0)
    assert len(storage.journal.pending()) == 1
    (again,) = storage.take_reports()
    assert again.moved_to == path.with_name("journal.sqlite3.corrupt-2")


def test_what_can_be_read_of_a_damaged_database_is_taken_over(
    storage: Storage, submission: Make
) -> None:
    """Pages in the middle are overwritten: entries before and after them are still there."""
    for number in range(200):
        storage.journal.prepare(submission(number), slot=0)
    storage.close()
    path = storage.journal.path
    content = bytearray(path.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4 * 4096] = b"\xff" * (4 * 4096)
    damage(path, bytes(content))
    found: set[str] = set()
    for _ in range(2):
        found = {each.transaction_id for each in storage.journal.unsettled(0)}
        found |= {each.transaction_id for each in storage.journal.of(b"\1" * 28)}
    expected = {submission(number).transaction_id for number in range(200)}
    assert found <= expected
    assert 100 < len(found) < 200
    (report,) = [each for each in storage.take_reports() if each.kind == "moved_aside"]
    assert f"with the {len(found)} transactions" in report.message
    assert not path.with_name("journal.sqlite3.new").exists()


def test_a_rescue_that_was_cut_off_is_finished(storage: Storage, submission: Make) -> None:
    """The damaged file is away, and the new one has not taken its place."""
    storage.journal.prepare(submission(), slot=0)
    storage.close()
    storage.journal.path.rename(storage.journal.path.with_name("journal.sqlite3.new"))
    assert len(storage.journal.pending()) == 1
    assert storage.journal.path.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"SQLite format 3\0", bytes(4096)])
def test_a_file_that_was_cut_short_is_a_damaged_one(
    storage: Storage, submission: Make, content: bytes
) -> None:
    """SQLite takes it for a new database: all that was sent would be forgotten without a word."""
    storage.journal.prepare(submission(), slot=0)
    storage.close()
    damage(storage.journal.path, content)
    assert storage.journal.pending() == []
    (report,) = storage.take_reports()
    assert report.moved_to is not None
    assert report.moved_to.read_bytes() == content


@posix
@pytest.mark.parametrize("seed", range(4))
def test_a_journal_whose_making_was_cut_off_is_made(
    tmp_path: Path, submission: Make, seed: int
) -> None:
    program = """
say("begin")
storage.journal.prepare(submission(1), slot=0)
say("end")
"""
    process = start(tmp_path / "data", program)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(random.Random(seed).uniform(0, 0.03))  # noqa: S311
    process.send_signal(signal.SIGKILL)
    said = process.stdout.read()
    finish(process)
    with closing(Storage(tmp_path / "data")) as storage:
        assert len(storage.journal.pending()) in ((1,) if said else (0, 1))
        storage.journal.prepare(submission(2), slot=0)
        assert storage.take_reports() == []


def test_of_two_that_see_the_damage_one_moves_it(storage: Storage, submission: Make) -> None:
    storage.journal.prepare(submission(), slot=0)
    storage.close()
    damage(storage.journal.path)
    other = Storage(storage.data_directory)
    storage.journal.prepare(submission(2), slot=0)
    assert len(other.journal.pending()) == 1
    other.close()
    assert (len(storage.take_reports()), other.take_reports()) == (1, [])


def test_a_file_that_was_replaced_while_open_is_not_written_to(
    storage: Storage, submission: Make
) -> None:
    """Another process has moved it aside: what is written must be where the next process looks."""
    storage.journal.prepare(submission(), slot=0)
    storage.journal.path.rename(storage.data_directory / "gone")
    storage.journal.prepare(submission(2), slot=0)
    later = Storage(storage.data_directory)
    found = [each.transaction_id for each in later.journal.pending()]
    assert found == [submission(2).transaction_id]
    later.close()
    (report,) = storage.take_reports()
    assert (report.kind, "is gone" in report.message) == ("moved_aside", True)


def test_a_directory_that_is_a_file_is_a_wrong_configuration(
    tmp_path: Path, submission: Make
) -> None:
    (tmp_path / "data").write_text("not a folder")
    storage = Storage(tmp_path / "data")
    with pytest.raises(InvalidConfiguration) as refused:
        storage.journal.prepare(submission(), slot=0)
    assert refused.value.path == "data_directory"
    assert storage.journal.pending() == []
