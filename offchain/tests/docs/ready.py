"""The program, loaded once and forked for every command, so that pages run in seconds.

Each command is a process of its own with its own files, folder, environment and exit code, and enters by
`milestones.cli.app.main`; only loading the modules is shared.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

CLIENT: Final = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    wish = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(wish).to_bytes(4, "big")], [0, 1, 2])
    server.sendall(wish)
    sys.exit(int(server.recv(8) or b"70"))
"""
"""What runs in place of the program; it needs no module but the standard library's."""


class ReadyProgram:
    """A loaded program behind a socket in `folder`; `script` is what a shell runs as `milestones`."""

    def __init__(self, folder: Path) -> None:
        self._address = folder / "program"
        self._client = folder / "client.py"
        self._client.write_text(CLIENT.format(address=str(self._address)), encoding="utf-8")

    @property
    def script(self) -> str:
        """A shell script."""
        return f'#!/bin/sh\nexec {sys.executable} -I -S {self._client} "$@"\n'

    def __enter__(self) -> ReadyProgram:
        self._server = subprocess.Popen(
            [sys.executable, __file__, str(self._address)], stdout=subprocess.PIPE
        )
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == b"ready\n"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.terminate()
        self._server.communicate(timeout=20)


LOADED: Final = (
    "anyio._backends._asyncio",
    "httpcore",
    "milestones.cli.config",
    "milestones.demo.story",
    "milestones.services.close",
    "milestones.services.verify",
    "websockets.asyncio.client",
)
"""What commands load when they need it, loaded here once."""


def serve(address: str) -> None:
    """Forks for every connection, for ever."""
    from milestones.cli.app import COMMANDS, load_command, main

    for name in LOADED:
        importlib.import_module(name)
    for name in COMMANDS:
        load_command(name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _attend(connection, main)
            connection.close()
            _reap()


def _reap() -> None:
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def _end(main: Callable[[], None]) -> None:
    """Runs the program and ends without taking the loaded modules apart, which takes long."""
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def _attend(connection: socket.socket, main: Callable[[], None]) -> None:
    """Runs one command in a fork of this fork, and says how it ended."""
    head, files, _, _ = socket.recv_fds(connection, 4, 3)
    size, wish = int.from_bytes(head, "big"), b""
    while len(wish) < size:
        wish += connection.recv(size - len(wish))
    arguments, folder, environment = json.loads(wish)
    child = os.fork()
    if child == 0:
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        sys.argv = ["milestones", *arguments]
        _end(main)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    connection.sendall(str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
