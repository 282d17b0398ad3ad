"""What processes keep for themselves, and that nobody dead keeps anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from milestones.storage.reservations import Reservations, Reserved

HOLDS_AND_WAITS = """
import sys
from pathlib import Path
from milestones.storage.reservations import Reservations
kept = Reservations(Path(sys.argv[1])).holder("deploy")
kept.take(["a", "b"])
print("kept", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "reservations"


def test_what_one_keeps_no_other_gets(folder: Path) -> None:
    first, second = Reservations(folder).holder("deploy"), Reservations(folder).holder("attest")
    first.take(["a", "b"])
    first.take(["b", "c"])
    with pytest.raises(Reserved, match=r"^b is reserved by deploy$"):
        second.take(["d", "b"])
    second.take(["d"])
    assert first.others() == {"d": "attest"}
    assert second.others() == {"a": "deploy", "b": "deploy", "c": "deploy"}
    first.drop()
    second.take(["b"])
    assert first.others() == {"b": "attest", "d": "attest"}


def test_one_who_dropped_all_can_keep_again_and_leaves_no_file(folder: Path) -> None:
    kept = Reservations(folder).holder("deploy")
    kept.take(["a"])
    kept.drop()
    kept.drop()
    kept.take(["a"])
    kept.drop()
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_looking_makes_no_folder(folder: Path) -> None:
    assert Reservations(folder).holder("deploy").others() == {}
    assert not folder.exists()


def test_what_a_killed_process_kept_is_free_at_once(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_AND_WAITS, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        other = Reservations(folder).holder("attest")
        assert other.others() == {"a": "deploy", "b": "deploy"}
        with pytest.raises(Reserved):
            other.take(["a"])
        process.kill()
        process.wait()
        other.take(["a"])
    assert Reservations(folder).holder("close").others() == {"a": "attest"}


def test_a_file_that_a_kill_left_half_written_stops_nobody(folder: Path) -> None:
    kept, other = Reservations(folder).holder("deploy"), Reservations(folder).holder("attest")
    kept.take(["a"])
    (names,) = folder.glob("*.json")
    names.write_text('{"holder"')
    other.take(["a"])
