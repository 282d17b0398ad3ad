"""The journal's database: opened when it is first needed, and refused where it could lose something.

SQLite with a write-ahead log, every commit on the disk before it counts. One file, beside it while it is
used `-wal` and `-shm`.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock

from milestones.errors import InvalidConfiguration
from milestones.storage import book, files
from milestones.storage.files import Report, free_name, refusals, sync_folder
from milestones.storage.journal_rows import APPLICATION_ID, SCHEMA_VERSION, copy_rows, create_tables

if TYPE_CHECKING:  # loaded when the journal is first opened: `--help` has no use for it
    import sqlite3

T = TypeVar("T")


class _Damaged(Exception):
    """The file is not a database, or one whose pages contradict each other."""


class JournalDatabase:
    """One process' use of the database at `path`.

    `has_earlier` says whether an earlier version has left something that is not in the file yet;
    `take_over` puts it there, while no other process opens the file. Every way in which the file system
    refuses is `InvalidConfiguration`, and nothing is changed then.
    """

    def __init__(
        self,
        path: Path,
        report: Callable[[Report], None],
        *,
        has_earlier: Callable[[], bool],
        take_over: Callable[[sqlite3.Connection], None],
    ) -> None:
        self.path = path.absolute()
        self._beside = self.path.with_name(f"{self.path.name}.new")
        self.report = report
        self._has_earlier, self._take_over = has_earlier, take_over
        self._mutex = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._close: Callable[[], object] = lambda: None
        self._file: tuple[int, int] | None = None
        self._writes = False
        self._lock = FileLock(path.with_name(f".{path.name}.lock"), mode=files.PRIVATE_FILE)
        self._said: set[str] = set()

    def close(self) -> None:
        """Ends the use; it is opened again when something is asked next."""
        with self._mutex:
            self._connection, self._writes = None, False
            self._close()

    def read(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What `work` finds; `otherwise` where there is no journal, or none that this program can read."""
        return self._guarded(lambda: self._read(work, otherwise))

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Does `work` in one transaction, which is on the disk when this returns."""
        return self._guarded(lambda: self._write(work))

    def _guarded(self, action: Callable[[], T]) -> T:
        with self._mutex:
            try:
                return action()
            except _Damaged as error:
                self._set_aside(str(error))
            try:
                return action()
            except _Damaged as error:
                raise self._refusal(str(error)) from error

    def _read(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        with refusals(self.path):
            if not (self.path.exists() or self._beside.exists() or self._has_earlier()):
                return otherwise
        with self._errors():
            connection = self._opened_for_reading()
            return otherwise if connection is None else work(connection)

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._errors():
            while True:
                connection = self._opened()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    # Another process may have moved a damaged file aside since it was opened.
                    if self._is_current():
                        result = work(connection)
                        connection.execute("COMMIT")
                        return result
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")

    def _is_current(self) -> bool:
        return self._connection is not None and self._file == _identity(self.path)

    def _is_ready(self) -> bool:
        return self._is_current() and not self._has_earlier()

    def _opened(self) -> sqlite3.Connection:
        """A connection that writes. Raises `InvalidConfiguration` where it can't or may not."""
        if self._writes and self._connection is not None and self._is_ready():
            return self._connection
        with self._alone():
            self._make()
            connection = self._connect(f"{self.path.as_uri()}?mode=rw")
            try:
                version = self._version(connection)
                if version > SCHEMA_VERSION:
                    raise files.of_later_version(self.path)
                if version < SCHEMA_VERSION:
                    raise _Damaged("it holds no journal")
                self._prepare(connection)
                if self._has_earlier():
                    self._take_over(connection)
                self._writes = True
            except BaseException:
                self.close()
                raise
        return connection

    def _opened_for_reading(self) -> sqlite3.Connection | None:
        if self._is_ready():
            return self._connection
        try:
            return self._opened()
        except InvalidConfiguration as error:
            if not self.path.exists():
                self._say(f"{error.message}: what earlier runs have sent is not known")
                return None
        return self._opened_read_only()

    def _opened_read_only(self) -> sqlite3.Connection | None:
        """For commands that only look, where nothing can be written, or a later version wrote."""
        import sqlite3  # noqa: PLC0415 - only where needed

        options = ["mode=ro"]
        log = self.path.with_name(f"{self.path.name}-wal")
        if not log.exists() or not log.stat().st_size:
            options.append("mode=ro&immutable=1")
        for option in options:
            try:
                connection = self._connect(f"{self.path.as_uri()}?{option}")
                if self._version(connection) == SCHEMA_VERSION:
                    return connection
                self._say(
                    f"{self.path} was written by a later version of this program: what earlier runs"
                    " have sent is not known; update this program"
                )
                self.close()
                return None
            except sqlite3.OperationalError as error:
                self.close()
                reason = str(error)
            except BaseException:
                self.close()
                raise
        self._say(f"{self.path} can't be read ({reason}): what earlier runs have sent is not known")
        return None

    def _connect(self, uri: str) -> sqlite3.Connection:
        import sqlite3  # noqa: PLC0415 - only where needed

        self.close()
        timeout = files.LOCK_TIMEOUT_SECONDS
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, timeout=timeout, check_same_thread=False
        )
        connection.text_factory = _text
        # Also at the end of a process that forgot to close: the log is then written back.
        self._close = weakref.finalize(self, connection.close)
        self._connection, self._file = connection, _identity(self.path)
        return connection

    def _version(self, connection: sqlite3.Connection) -> int:
        owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != APPLICATION_ID and (owner or tables):
            raise InvalidConfiguration(
                f"{self.path} is the database of another program",
                path="data_directory",
                hint="give another directory with --data-dir",
            )
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    def _make(self) -> None:
        """Makes the file where there is none: beside, and whole before it has its name.

        So an empty file in its place is a damaged one, and never one that is only just begun.
        """
        if self.path.exists():
            return
        with closing(self._connect_beside()) as new:
            if not self._version(new):
                new.execute("BEGIN IMMEDIATE")
                create_tables(new)
                new.execute("COMMIT")
        with refusals(self.path):
            self._move_log_away()
            self._beside.replace(self.path)
            sync_folder(self.path.parent)

    def _connect_beside(self) -> sqlite3.Connection:
        """The new file, for its owner alone; SQLite gives the files beside a database its mode."""
        import sqlite3  # noqa: PLC0415 - only where needed

        with refusals(self.path):
            os.close(os.open(self._beside, os.O_WRONLY | os.O_CREAT, files.PRIVATE_FILE))
        return sqlite3.connect(self._beside, isolation_level=None)

    def _move_log_away(self) -> None:
        """What a file that was deleted or moved has left behind would be read as the new one's."""
        log = self.path.with_name(f"{self.path.name}-wal")
        self.path.with_name(f"{self.path.name}-shm").unlink(missing_ok=True)
        if log.exists():
            target = free_name(log)
            log.replace(target)
            message = (
                f"{self.path} is gone, and what it had not written back is kept as {target.name}: what"
                " earlier runs have sent is not known any more"
            )
            self.report(Report("moved_aside", log, message, moved_to=target, reason="it is gone"))

    def _prepare(self, connection: sqlite3.Connection) -> None:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            raise self._refusal("its file system can't share a write-ahead log between processes")
        connection.execute("PRAGMA synchronous=FULL")
        # A journal that was begun before there were books has none.
        connection.execute(book.TABLE)

    def _set_aside(self, reason: str) -> None:
        """Moves a damaged file away; what can be read of it is in the new one.

        Cut off at any moment nothing is lost: the new one is written beside, and takes the place last.
        """
        with self._alone():
            self.close()
            if self._is_whole():
                return
            target = free_name(self.path)
            count = self._rescue()
            with refusals(self.path):
                # The log first: beside a new database it would be read as that one's.
                for suffix in ("-wal", "-shm", ""):
                    with suppress(FileNotFoundError):
                        self.path.with_name(self.path.name + suffix).replace(
                            target.with_name(target.name + suffix)
                        )
                self._beside.replace(self.path)
                sync_folder(self.path.parent)
        message = (
            f"{self.path} can't be used ({reason}): it is kept as {target.name}, and a new one is begun"
            f" with the {count} transactions that could be read in it. Of others that earlier runs have"
            " sent nothing is known any more: transactions may still be on their way. Before you run a"
            " command again, see in the chain's explorer what your key has sent"
        )
        self.report(Report("moved_aside", self.path, message, moved_to=target, reason=reason))

    def _rescue(self) -> int:
        """Writes what can be read, from the beginning and from the end, into a database beside; how much."""
        import sqlite3  # noqa: PLC0415 - only where needed

        with refusals(self.path), self._errors():
            self._beside.unlink(missing_ok=True)
            with (
                closing(self._connect_beside()) as new,
                closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as broken,
            ):
                new.execute("BEGIN IMMEDIATE")
                create_tables(new)
                broken.text_factory = _text
                for order in ("ASC", "DESC"):
                    with suppress(sqlite3.DatabaseError):
                        self._version(broken)
                        copy_rows(broken, new, order)
                    with suppress(sqlite3.DatabaseError):
                        book.copy(broken, new, order)
                new.execute("COMMIT")
                (count,) = new.execute("SELECT count(*) FROM submissions").fetchone()
        return int(count)

    def _is_whole(self) -> bool:
        """Whether another process has put a good one in its place meanwhile, or it was good all along."""
        import sqlite3  # noqa: PLC0415 - only where needed

        if not self.path.exists():
            return True
        try:
            connection = self._connect(f"{self.path.as_uri()}?mode=rw")
            self._version(connection)
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            connection.execute("SELECT * FROM submissions, damaged LIMIT 1").fetchone()
        except sqlite3.DatabaseError:
            return False
        finally:
            self.close()
        return bool(found == "ok")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps other processes from opening, or moving, the file meanwhile."""
        with refusals(self.path):
            files.make_private(self.path.parent)
            self._lock.acquire(timeout=files.LOCK_TIMEOUT_SECONDS)
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        import sqlite3  # noqa: PLC0415 - only where needed

        try:
            yield
        except sqlite3.Error as error:
            # By its words: Python 3.10 doesn't have SQLite's codes.
            text = str(error)
            if any(each in text for each in ("malformed", "not a database", "no such")):
                self.close()
                raise _Damaged(text) from error
            if "locked" in text:
                raise files.in_use(self.path) from error
            if "full" in text:
                raise self._refusal(
                    "the disk is full", "make room, and run the command again"
                ) from error
            raise self._refusal(text) from error

    def _refusal(self, reason: str, hint: str = "") -> InvalidConfiguration:
        return InvalidConfiguration(
            f"{self.path} can't be used: {reason}",
            path="data_directory",
            hint=hint
            or "give a directory that can be written, on a local disk, with --data-dir or"
            " MILESTONES_DATA_DIR",
        )

    def _say(self, message: str) -> None:
        """Once in a process."""
        if message not in self._said:
            self._said.add(message)
            self.report(Report("passed_over", self.path, message))


def _text(raw: bytes) -> str:
    """Of a damaged text what can be read: one letter must not stop every command."""
    return raw.decode(errors="replace")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
