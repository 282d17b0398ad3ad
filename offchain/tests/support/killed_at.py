"""Runs the program and ends its process, as a power cut would, before or after one of its operations.

`python -m tests.support.killed_at COUNT ARGUMENT...`: after so many moments. An operation (a file opened to
write, renamed or deleted; a statement of the journal; bytes sent or received) has one moment before it, and
one after. How many there were at the end is written to the file that `MOMENTS_FILE` names.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from milestones.cli.app import main

FILE_EVENTS = frozenset({"os.rename", "os.remove", "os.mkdir", "os.truncate"})
KILLED = 137


class Moments:
    """Counts them, and ends the process at the last."""

    def __init__(self, last: int) -> None:
        self.last, self.count = last, 0

    def pass_one(self) -> None:
        """One moment."""
        self.count += 1
        if self.count == self.last:
            os._exit(KILLED)

    def around(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        """The operation, with a moment before and one after."""

        def watched(*arguments: Any, **options: Any) -> Any:
            self.pass_one()
            result = operation(*arguments, **options)
            self.pass_one()
            return result

        return watched

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """A moment before each operation on a file; what follows it is the moment after."""
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        if event in FILE_EVENTS or writes:
            self.pass_one()


def watch(moments: Moments) -> None:
    """From now on everything counts."""
    for name in ("send", "recv"):
        setattr(socket.socket, name, moments.around(getattr(socket.socket, name)))
    connect: Any = sqlite3.connect

    class Connection(sqlite3.Connection):
        """Each statement is an operation."""

        execute = moments.around(sqlite3.Connection.execute)

    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, factory=Connection, **options)
        return connection

    sqlite3.connect = connected  # type: ignore[assignment]
    os.fsync = moments.around(os.fsync)
    sys.addaudithook(moments.hear)


if __name__ == "__main__":
    moments = Moments(int(sys.argv[1]))
    sys.argv = ["milestones", *sys.argv[2:]]
    watch(moments)
    try:
        main()
    finally:
        Path(os.environ["MOMENTS_FILE"]).write_text(str(moments.count))
