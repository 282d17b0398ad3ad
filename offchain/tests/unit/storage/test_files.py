"""Files are written whole or not at all, by one process at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from milestones.errors import InvalidConfiguration
from milestones.storage import files
from milestones.storage.files import JsonFolder, to_document, to_text

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
    assert [path.name for path in folder.folder.iterdir()] == ["a.json"]


def test_text_stays_readable() -> None:
    assert to_text({"name": "Größe"}) == '{\n  "name": "Größe"\n}\n'


@posix
def test_the_umask_decides_about_new_files_and_old_modes_stay(folder: JsonFolder) -> None:
    before = os.umask(0o027)
    try:
        folder.write("a", "{}")
        assert folder.path("a").stat().st_mode & 0o777 == 0o640
        folder.path("a").chmod(0o600)
        folder.write("a", "{}")
        assert folder.path("a").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


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
