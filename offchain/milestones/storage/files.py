"""JSON files in one folder: written whole or not at all, and moved aside when they can't be read."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from milestones.errors import InvalidConfiguration

LOCK_TIMEOUT_SECONDS: Final = 30
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class CorruptedFile:
    """A file that can't be used: where it was, where it is now, and why."""

    path: Path
    moved_to: Path
    reason: str


class JsonFolder:
    """A folder of `<name>.json`. It is made when the first file is written.

    `report` is told of every file that was moved aside; to the reader such a file does not exist. Raises
    `InvalidConfiguration` where the file system refuses.
    """

    def __init__(self, folder: Path, report: Callable[[CorruptedFile], None]) -> None:
        self.folder = folder
        self._report = report
        self._lock = FileLock(folder / ".lock", timeout=LOCK_TIMEOUT_SECONDS)

    def path(self, name: str) -> Path:
        """Where the document `name` is, or would be."""
        return self.folder / f"{name}.json"

    def names(self) -> list[str]:
        """The documents in the folder, in order."""
        return sorted(
            path.name.removesuffix(".json")
            for path in self.folder.glob("*.json")
            if not path.name.startswith(".")
        )

    def read(self, name: str, parse: Callable[[str], Content]) -> Content | None:
        """The parsed document; None if there is none, or if it was corrupted and is now moved aside.

        `parse` raises ValueError (of which pydantic's and json's errors are kinds) for a wrong content.
        """
        path = self.path(name)
        try:
            return _parsed(path, parse)
        except _Corrupted:
            with self.locked():
                try:
                    # Another process may just have written it anew.
                    return _parsed(path, parse)
                except _Corrupted as error:
                    self._move_aside(path, str(error))
                    return None

    def write(self, name: str, content: str) -> None:
        """Replaces the document at once: a reader sees the old one or the new one, also after a crash."""
        path = self.path(name)
        with _refusals(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)

    def set_aside(self, name: str, reason: str) -> None:
        """Moves a document away that reads well and is not true, as one that can't be read."""
        with self.locked():
            if self.path(name).exists():
                self._move_aside(self.path(name), reason)

    def remove(self, name: str) -> None:
        """Deletes the document, if there is one."""
        with _refusals(self.path(name)):
            self.path(name).unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from changing the folder between a read and a write. May be nested."""
        with _refusals(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    def _move_aside(self, path: Path, reason: str) -> None:
        number = 1
        while (target := path.with_name(f"{path.name}.corrupt-{number}")).exists():
            number += 1
        with _refusals(path):
            path.replace(target)
        self._report(CorruptedFile(path, target, reason))


class _Corrupted(Exception):
    pass


def _parsed(path: Path, parse: Callable[[str], Content]) -> Content | None:
    try:
        with _refusals(path):
            raw = path.read_bytes()
        return parse(raw.decode())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _Corrupted(f"{place}: {first['msg']}" if place else first["msg"]) from error
    except (ValueError, RecursionError) as error:
        raise _Corrupted(f"{type(error).__name__}: {error}") from error


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except Timeout as error:
        raise InvalidConfiguration(
            f"{path} is in use by another command, for over {LOCK_TIMEOUT_SECONDS} s",
            path="data_directory",
            hint="wait until it has finished, or give another directory with --data-dir",
        ) from error
    except OSError as error:
        raise InvalidConfiguration(
            f"{path} can't be used: {error.strerror or error}",
            path="data_directory",
            hint="give a directory that can be written, with --data-dir or MILESTONES_DATA_DIR",
        ) from error


def write_atomically(path: Path, content: str) -> None:
    """Replaces a file at once, keeping its mode; raises OSError, and leaves the old one, where it can't."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666
    # Opened by hand, so that the user's umask decides about a new file's mode.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content.encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def to_text(document: Any) -> str:
    """JSON as people read it: indented, in the characters it was written in."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_document(content: str) -> dict[str, Any]:
    """The JSON object in a file; raises ValueError for anything else."""
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError("the file holds no JSON object")
    return document
