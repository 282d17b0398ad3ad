"""Files are written whole or not at all, by one process at a time."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from milestones.errors import InvalidConfiguration
from milestones.storage import files
from milestones.storage.files import JsonFolder, to_document, to_text, write_atomically
from milestones.storage.storage import Storage
from milestones.storage.submission import Submission

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners are POSIX'")


@pytest.fixture
def folder(tmp_path: Path) -> JsonFolder:
    return JsonFolder(tmp_path / "deep" / "folder", lambda _: None)


def test_a_failed_write_leaves_the_old_content_and_no_litter(
    folder: JsonFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("a", to_text({"version": 1}))

    def broken(_: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(InvalidConfiguration, match="the disk is full"):
        folder.write("a", to_text({"version": 2}))
    assert folder.read("a", to_document) == {"version": 1}
    assert folder.names() == ["a"]
    assert list(folder.folder.glob(".*.tmp")) == []


def test_text_stays_readable() -> None:
    assert to_text({"name": "Größe"}) == '{\n  "name": "Größe"\n}\n'


@posix
def test_whatever_the_umask_nobody_else_can_read_the_data_directory(
    tmp_path: Path, submission: Callable[[], Submission]
) -> None:
    before = os.umask(0)
    try:
        storage = Storage(tmp_path / "deep" / "data")
        storage.cache.save("addr_test1", {"a": 1})
        storage.schedules.save(bytes(28), {})
        storage.journal.prepare(submission(), slot=0)
        found = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "deep").rglob("*")}
        assert len(found) > 8
        assert {found[path] for path in found if path.is_dir()} == {0o700}
        assert {found[path] for path in found if path.is_file()} == {0o600}
        assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700
        storage.close()
    finally:
        os.umask(before)


@posix
def test_a_file_that_others_could_read_is_closed_when_it_is_written_anew(
    folder: JsonFolder,
) -> None:
    folder.write("a", "{}")
    folder.path("a").chmod(0o644)
    folder.write("a", "{}")
    assert folder.path("a").stat().st_mode & 0o777 == 0o600


@posix
def test_a_data_directory_that_others_can_write_in_is_reported_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o775)
    storage = Storage(tmp_path)
    (report,) = storage.take_reports()
    assert (report.kind, report.path) == ("open_to_others", tmp_path)
    assert f"chmod go-w {tmp_path}" in report.message
    assert storage.take_reports() == []
    tmp_path.chmod(0o755)
    assert Storage(tmp_path).take_reports() == []
    assert Storage(tmp_path / "nowhere").take_reports() == []


@posix
def test_the_umask_decides_about_files_to_hand_around_and_old_modes_stay(tmp_path: Path) -> None:
    before, path = os.umask(0o027), tmp_path / "signatures.json"
    try:
        write_atomically(path, "[]")
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o600)
        write_atomically(path, "[]")
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


@posix
def test_what_a_killed_process_has_left_is_swept(folder: JsonFolder) -> None:
    program = """
import os, sys
from pathlib import Path
from milestones.storage.files import JsonFolder
os.fsync = lambda _: os._exit(9)
JsonFolder(Path(sys.argv[1]), print).write("other", "{}")
"""
    killed = subprocess.run([sys.executable, "-c", program, str(folder.folder)], check=False)
    assert killed.returncode == 9
    (folder.folder / ".own.tmp").write_text("somebody else's")
    assert len(list(folder.folder.glob(".other.json.*.tmp"))) == 1
    folder.write("a", "{}")
    assert sorted(path.name for path in folder.folder.iterdir() if path.name != ".lock") == [
        ".own.tmp",
        "a.json",
    ]


@posix
def test_what_another_process_is_just_writing_is_not_swept(folder: JsonFolder) -> None:
    program = """
import os, sys
from pathlib import Path
from milestones.storage.files import JsonFolder
sync = os.fsync
def slowly(descriptor):
    print("writing", flush=True)
    sys.stdin.read()
    sync(descriptor)
os.fsync = slowly
JsonFolder(Path(sys.argv[1]), print).write("other", "{}")
"""
    arguments = [sys.executable, "-c", program, str(folder.folder)]
    with (
        subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as slow,
        ThreadPoolExecutor() as pool,
    ):
        assert slow.stdin is not None
        assert slow.stdout is not None
        slow.stdout.readline()
        waiting = pool.submit(folder.write, "a", "{}")
        assert not wait([waiting], timeout=0.2).done
        slow.stdin.close()
        waiting.result(timeout=60)
    assert slow.returncode == 0
    assert folder.names() == ["a", "other"]


@pytest.mark.parametrize("name", ["EINVAL", "ENOTSUP", "EOPNOTSUPP", "EBADF", "ENOSYS", "EIO"])
@posix
def test_a_folder_that_its_file_system_can_not_sync_is_passed_over(
    folder: JsonFolder, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A fault of the disk is none of these, and a file that can't be synced is never passed over."""
    number, sync = getattr(errno, name), os.fsync
    kinds = {"folder": stat.S_ISDIR}

    def failing(descriptor: int) -> None:
        if any(each(os.fstat(descriptor).st_mode) for each in kinds.values()):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    if name == "EIO":
        with pytest.raises(InvalidConfiguration, match="can't be used"):
            folder.write("a", "{}")
    else:
        folder.write("a", "{}")
        assert folder.read("a", to_document) == {}
    kinds["file"] = stat.S_ISREG
    with pytest.raises(InvalidConfiguration, match="can't be used"):
        folder.write("b", "{}")


def test_a_folder_that_is_a_file_is_a_wrong_configuration(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    folder = JsonFolder(tmp_path / "data" / "milestones", lambda _: None)
    with pytest.raises(InvalidConfiguration, match="can't be used") as caught:
        folder.write("a", "{}")
    assert caught.value.path == "data_directory"
    with pytest.raises(InvalidConfiguration), folder.locked():
        pytest.fail("there is nothing to lock")


def test_names_are_the_documents_alone(folder: JsonFolder) -> None:
    assert folder.names() == []
    folder.write("b", "{}")
    folder.write("a", "{}")
    (folder.folder / "a.json.corrupt-1").write_text("")
    (folder.folder / ".c.json.1234.tmp").write_text("")
    (folder.folder / ".hidden.json").write_text("")
    assert folder.names() == ["a", "b"]
    folder.remove("a")
    folder.remove("never there")
    assert folder.names() == ["b"]


def test_processes_do_not_lose_each_others_changes(tmp_path: Path) -> None:
    program = """
import json, sys
from pathlib import Path
from milestones.storage.files import JsonFolder, to_document, to_text
folder = JsonFolder(Path(sys.argv[1]), print)
for _ in range(25):
    with folder.locked():
        count = (folder.read("count", to_document) or {"n": 0})["n"]
        folder.write("count", to_text({"n": count + 1}))
"""
    arguments = [sys.executable, "-c", program, str(tmp_path)]
    running = [subprocess.Popen(arguments, stdout=subprocess.PIPE) for _ in range(3)]
    told = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert told == [b"", b"", b""]
    assert JsonFolder(tmp_path, lambda _: None).read("count", to_document) == {"n": 75}


def test_a_lock_may_be_nested(folder: JsonFolder) -> None:
    with folder.locked(), folder.locked():
        folder.write("a", "{}")
    assert folder.names() == ["a"]


def test_a_lock_that_another_command_keeps(
    folder: JsonFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOCK_TIMEOUT_SECONDS", 0.05)
    waiting = JsonFolder(folder.folder, lambda _: None)
    with (
        folder.locked(),
        pytest.raises(InvalidConfiguration, match="in use by another command"),
        waiting.locked(),
    ):
        pytest.fail("the lock is taken")
