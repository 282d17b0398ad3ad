"""What running processes keep for themselves until they have sent: outputs of a wallet, effects.

A file for each holder says what it keeps. A lock of the operating system, which nothing outlives, says that
the holder is alive: what a dead one kept is free at once. What lasts longer than a process, because it is
sent or still to be signed, is the journal's.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from milestones.storage.files import (
    LOCK_TIMEOUT_SECONDS,
    PRIVATE_FILE,
    make_private,
    refusals,
)

_LOCK: Final = ".lock"
_NAMES: Final = ".json"


class Reserved(Exception):
    """Another process keeps `name`; `holder` says which command. Never leaves `services.sending`."""

    def __init__(self, name: str, holder: str) -> None:
        super().__init__(f"{name} is reserved by {holder}")
        self.name, self.holder = name, holder


class Reservations:
    """A folder that all processes with this data directory share; it is made when something is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def holder(self, words: str) -> Reservation:
        """Somebody who keeps nothing yet; `words` say to others who it is."""
        return Reservation(self._folder, words)


@dataclass(slots=True)
class Reservation:
    """What one holder keeps. Names are any text: all holders must mean the same by them.

    Every method raises `InvalidConfiguration` where the file system refuses.
    """

    _folder: Path
    _words: str
    _names: set[str] = field(default_factory=set)
    _alive: FileLock | None = None
    _file: str = ""

    def take(self, names: Iterable[str]) -> None:
        """Keeps all of the names, beside what it has. Raises `Reserved` where another has one: then none."""
        wanted = set(names) - self._names
        if not wanted:
            return
        with self._alone():
            for name, holder in self._others().items():
                if name in wanted:
                    raise Reserved(name, holder)
            if self._alive is None:
                self._file = secrets.token_hex(8)
                self._alive = FileLock(self._path(self._file, _LOCK), mode=PRIVATE_FILE)
                self._alive.acquire(timeout=0)
            self._names |= wanted
            # Whoever reads it holds the lock of the folder, and nobody reads what a dead holder wrote.
            path = self._path(self._file, _NAMES)
            path.touch(PRIVATE_FILE)
            path.write_text(
                json.dumps({"holder": self._words, "names": sorted(self._names)}), encoding="utf-8"
            )

    def others(self) -> dict[str, str]:
        """What all others keep, and who they are. What the dead kept is freed."""
        if not self._folder.exists():
            return {}
        with self._alone():
            return self._others()

    def drop(self) -> None:
        """Keeps nothing any more."""
        if self._alive is None:
            return
        with self._alone():
            self._alive.release()
            self._remove(self._file)
        self._alive, self._names = None, set()

    def _others(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in sorted(self._folder.glob(f"*{_LOCK}")):
            if path.name == _LOCK or path.stem == self._file:
                continue
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                holder, names = self._kept_by(path.stem)
                found |= dict.fromkeys(names, holder)
            else:
                lock.release()
                self._remove(path.stem)
        return found

    def _kept_by(self, file: str) -> tuple[str, list[str]]:
        try:
            content = json.loads(self._path(file, _NAMES).read_text(encoding="utf-8"))
            return str(content["holder"]), [str(each) for each in content["names"]]
        except (OSError, ValueError, KeyError, TypeError):
            return "another command", []

    def _remove(self, file: str) -> None:
        for ending in (_NAMES, _LOCK):
            with suppress(OSError):
                self._path(file, ending).unlink()

    def _path(self, file: str, ending: str) -> Path:
        return self._folder / f"{file}{ending}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with refusals(self._folder):
            make_private(self._folder)
            lock = FileLock(self._folder / _LOCK, timeout=LOCK_TIMEOUT_SECONDS, mode=PRIVATE_FILE)
            with lock:
                yield
