"""JSON files in one folder: written whole or not at all, and moved aside when they can't be read.

A file of a later version of this program is neither read nor overwritten.
"""

from __future__ import annotations

import errno
import glob
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from milestones.cardano.hashes import blake2b_256
from milestones.errors import InvalidConfiguration
from milestones.notation import unique

LOCK_TIMEOUT_SECONDS: Final = 30
PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
"""Modes in the data directory: who is paid what, and what was signed, is nobody else's business."""
UNABLE_TO_SYNC: Final = tuple(
    getattr(errno, name)
    for name in ("EINVAL", "ENOTSUP", "EOPNOTSUPP", "EBADF", "ENOSYS")
    if hasattr(errno, name)
)
"""What file systems say that can't sync a folder: shared ones of virtual machines, some of FUSE, old CIFS."""
FORMAT_VERSION: Final = 1
"""Of the JSON files that this program writes. The field `format_version` says another; absent, it is 1."""
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Report:
    """What the user must hear of the data directory; `message` says it whole.

    `moved_aside`: a file that can't be used is now at `moved_to`. `passed_over`: a file was left as it is,
    and what it holds is not known. `damaged`: a part of an entry of the journal could not be read.
    `taken_over`: what an earlier version wrote has another form now. `open_to_others`: the data directory
    can be written by others than its owner. `not_kept`: what would have saved the next run work is not there.
    """

    kind: Literal[
        "moved_aside", "passed_over", "damaged", "taken_over", "open_to_others", "not_kept"
    ]
    path: Path
    message: str
    moved_to: Path | None = None
    reason: str = ""


class LaterVersion(Exception):
    """A JSON file that a later version of this program has written. Never leaves `storage`."""


class JsonFolder:
    """A folder of `<name>.json`. It is made when the first file is written.

    `report` hears of every file that was moved aside or passed over; to the reader such a file does not
    exist. `recovery` says what becomes of what a file held. Raises `InvalidConfiguration` where the file
    system refuses.
    """

    def __init__(
        self,
        folder: Path,
        report: Callable[[Report], None],
        *,
        recovery: str = "what it held is rebuilt from the chain",
    ) -> None:
        self.folder = folder
        self._report, self._recovery = report, recovery
        self._lock = FileLock(folder / ".lock", timeout=LOCK_TIMEOUT_SECONDS, mode=PRIVATE_FILE)
        self._swept = False
        self._passed_over: set[str] = set()

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

        `parse` raises ValueError (of which pydantic's and json's errors are kinds) for a wrong content, and
        `LaterVersion` for one that it can't know: then this raises `InvalidConfiguration`.
        """
        try:
            return self._read(name, parse)
        except LaterVersion:
            raise of_later_version(self.path(name)) from None

    def _read(self, name: str, parse: Callable[[str], Content]) -> Content | None:
        path = self.path(name)
        try:
            return _parsed(path, parse)
        except _Corrupted as corrupted:
            try:
                return self._read_or_move_aside(path, parse)
            except InvalidConfiguration:
                self._pass_over(name, f"{path} can't be used ({corrupted}), nor moved aside")
                return None

    def _read_or_move_aside(self, path: Path, parse: Callable[[str], Content]) -> Content | None:
        with self.locked():
            try:
                # Another process may just have written it anew.
                return _parsed(path, parse)
            except _Corrupted as error:
                self._move_aside(path, str(error))
                return None

    def _pass_over(self, name: str, message: str) -> None:
        """Reports once that a file is left as it is."""
        if name not in self._passed_over:
            self._passed_over.add(name)
            self._report(Report("passed_over", self.path(name), message))

    def find(self, name: str, parse: Callable[[str], Content]) -> Content | None:
        """As `read`, but a file of a later version is passed over: it is reported once, and None."""
        try:
            return self._read(name, parse)
        except LaterVersion:
            later = later_version_of(self.path(name))
            self._pass_over(name, f"{later}: it is passed over, and stays as it is")
            return None

    def is_later_version(self, name: str, parse: Callable[[str], object]) -> bool:
        """Whether a later version of this program wrote the document, so that it must stay as it is."""
        try:
            self._read(name, parse)
        except LaterVersion:
            return True
        return False

    def write(self, name: str, content: str) -> None:
        """Replaces the document at once: a reader sees the old one or the new one, also after a crash."""
        path = self.path(name)
        with self.locked(), refusals(path):
            if not self._swept:
                sweep(self.folder, "*")
                self._swept = True
            write_atomically(path, content, mode=PRIVATE_FILE)

    def set_aside(self, name: str, reason: str) -> None:
        """Moves a document away that reads well and is not true, as one that can't be read."""
        with self.locked():
            if self.path(name).exists():
                self._move_aside(self.path(name), reason)

    def remove(self, name: str) -> None:
        """Deletes the document, if there is one."""
        with refusals(self.path(name)):
            self.path(name).unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from changing the folder between a read and a write. May be nested."""
        with refusals(self.folder):
            make_private(self.folder)
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    def _move_aside(self, path: Path, reason: str) -> None:
        target = free_name(path)
        with refusals(path):
            path.replace(target)
        message = f"{path} can't be used ({reason}): it is kept as {target.name}; {self._recovery}"
        self._report(Report("moved_aside", path, message, moved_to=target, reason=reason))


class _Corrupted(Exception):
    pass


def _parsed(path: Path, parse: Callable[[str], Content]) -> Content | None:
    try:
        with refusals(path):
            raw = _bytes_of(path)
        return parse(raw.decode())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        if any(each["type"] == "extra_forbidden" for each in error.errors(include_url=False)):
            raise LaterVersion from error
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _Corrupted(f"{place}: {first['msg']}" if place else first["msg"]) from error
    except (ValueError, RecursionError) as error:
        raise _Corrupted(f"{type(error).__name__}: {error}") from error


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except NotADirectoryError:
        raise FileNotFoundError(path) from None


def free_name(path: Path) -> Path:
    """Where a file that can't be used goes: `<name>.corrupt-<number>`, the first that is free."""
    number = 1
    while (target := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    return target


def later_version_of(path: Path) -> str:
    """What is wrong with a file that this program can't know."""
    return f"{path} was written by a later version of this program"


def of_later_version(path: Path) -> InvalidConfiguration:
    """The error where such a file is needed, or would have to be overwritten."""
    return InvalidConfiguration(
        later_version_of(path),
        path="data_directory",
        hint="update this program, or give another directory with --data-dir",
    )


def in_use(path: Path) -> InvalidConfiguration:
    """The error where another process keeps a lock for too long."""
    return InvalidConfiguration(
        f"{path} is in use by another command, for over {LOCK_TIMEOUT_SECONDS} s",
        path="data_directory",
        hint="wait until it has finished, or give another directory with --data-dir",
    )


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """What the file system refuses, as `InvalidConfiguration`; that a file is missing stays what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Timeout as error:
        raise in_use(path) from error
    except NotImplementedError as error:
        raise InvalidConfiguration(
            f"{path} can't be locked: its file system has no locks",
            path="data_directory",
            hint="give a directory on a local disk, with --data-dir or MILESTONES_DATA_DIR",
        ) from error
    except OSError as error:
        raise InvalidConfiguration(
            f"{path} can't be used: {error.strerror or error}",
            path="data_directory",
            hint="give a directory that can be written, with --data-dir or MILESTONES_DATA_DIR",
        ) from error


def make_private(folder: Path) -> None:
    """Makes a folder, and those above it that are missing, for its owner alone."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    folder.mkdir(exist_ok=True)


def write_atomically(path: Path, content: str, *, mode: int | None = None) -> None:
    """Replaces a file at once; raises OSError, and leaves the old one, where it can't.

    `mode` None: the old file's, and the umask's for a new one.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    if mode is None:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666
    # Opened by hand: another mode set afterwards would come too late.
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
    sync_folder(path.parent)


def sweep(folder: Path, name: str) -> None:
    """Deletes what killed processes have left of writing the file `name`; `*` stands for any.

    Only for who has the lock that every writer there takes: nobody is writing then.
    """
    pattern = name if name == "*" else glob.escape(name)
    for each in folder.glob(f".{pattern}.*.tmp"):
        if _TEMPORARY.fullmatch(each.name):
            each.unlink(missing_ok=True)


_TEMPORARY: Final = re.compile(r"\..+\.[0-9a-f]{8}\.tmp", re.DOTALL)


def sync_folder(folder: Path) -> None:
    """Makes sure that the names in a folder are on the disk, where its file system can.

    Where it can't that is passed over: the files themselves are synced. A fault of the disk is an OSError.
    """
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNABLE_TO_SYNC:
            raise
    finally:
        os.close(descriptor)


LONG_LIST: Final = 1_000


def to_text(document: Any) -> str:
    """JSON as people read it: indented, in the characters it was written in; long lists an entry a line."""
    long = (
        {name: each for name, each in document.items() if _is_long(each)}
        if isinstance(document, dict)
        else {}
    )
    # Python's encoder is some ten times slower where it indents.
    places = {name: secrets.token_hex(16) for name in long}
    text = json.dumps({**document, **places} if places else document, indent=2, ensure_ascii=False)
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for name, place in places.items():
        rows = ",\n    ".join(map(encode, long[name]))
        text = text.replace(f'"{place}"', f"[\n    {rows}\n  ]", 1)
    return text + "\n"


def _is_long(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > LONG_LIST


def to_document(content: str) -> dict[str, Any]:
    """The JSON object in a file; raises ValueError for anything else, `LaterVersion` where it says so."""
    document = json.loads(content, object_pairs_hook=unique)
    if not isinstance(document, dict):
        raise ValueError("the file holds no JSON object")
    version = document.get("format_version", FORMAT_VERSION)
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise LaterVersion
    return document


MAX_NAME_LENGTH: Final = 160
"""Characters of an encoded name: with every suffix it stays under the 255 bytes of common file systems."""

_PLAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])")


def file_name(identifier: str) -> str:
    """A file name without extension that is safe everywhere and different for every identifier.

    Lower-case letters, digits, `-` and `_` stand for themselves; every other byte of the UTF-8 text is
    `%` and two lower-case hexadecimal digits. So the name has no slash, no NUL and no dot (hence no
    `..`, and none of the suffixes that are appended here), and no two differ in case alone. Names that
    Windows reserves get their first letter encoded; long ones end in a hash.
    """
    raw = identifier.encode()
    encoded = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in raw)
    if _RESERVED.fullmatch(encoded):
        encoded = f"%{raw[0]:02x}{encoded[1:]}"
    if len(encoded) > MAX_NAME_LENGTH:
        # `%-` is no encoded byte, so a shortened name equals no full one.
        encoded = f"{encoded[:96]}%-{blake2b_256(raw).hex()[:48]}"
    return encoded or "%"
