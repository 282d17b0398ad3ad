"""The tab key in bash, zsh and fish, as somebody sits before them; installed by the program itself.

A machine without a shell skips its test; with `MILESTONES_REQUIRES_SHELLS` in the environment it fails.
"""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Final

import pytest

REQUIRED: Final = "MILESTONES_REQUIRES_SHELLS"
PATIENCE_SECONDS: Final = 60
SHELLS: Final = {
    "bash": ("bash", "-i"),
    "zsh": ("zsh", "-i"),
    "fish": ("fish", "-i"),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Somebody's home, in whose `bin` the program is."""
    program = tmp_path / "bin" / "milestones"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m milestones "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    return {**kept, "HOME": str(home), "PATH": path, "TERM": "xterm", "PS1": "ready> "}


class Terminal:
    """A shell on a pseudo-terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def shows(self, text: str) -> bool:
        """Whether the text appears before patience ends."""
        seen, until = "", time.monotonic() + PATIENCE_SECONDS
        while text not in seen and time.monotonic() < until:
            if select([self._descriptor], [], [], 0.2)[0]:
                seen += os.read(self._descriptor, 4096).decode(errors="replace")
        return text in seen


@contextmanager
def sitting_at(home: Path, shell: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        SHELLS[shell],
        cwd=home,
        env=environment(home),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads
    )
    os.close(theirs)
    try:
        yield Terminal(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_tab_key_goes_on(shell: str, home: Path) -> None:
    """A command of the program, and an option of one that is loaded for it."""
    if shutil.which(shell) is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"there is no {shell}, and {REQUIRED} asks for it")
        pytest.skip(f"there is no {shell} on this machine")
    install = [str(home / "bin" / "milestones"), "completion", shell, "--install"]
    subprocess.run(install, env=environment(home), check=True, capture_output=True)
    with sitting_at(home, shell) as terminal:
        terminal.type("echo be''gun\n")
        assert terminal.shows("begun")
        terminal.type("milestones submit-r\t")
        assert terminal.shows("elease")
        terminal.type("\x15milestones deploy --sche\t")
        assert terminal.shows("dule")


def test_what_a_shell_needs_is_printed(home: Path) -> None:
    program = str(home / "bin" / "milestones")
    for shell in SHELLS:
        printed = subprocess.run(
            [program, "completion", shell],
            env=environment(home),
            check=True,
            capture_output=True,
            text=True,
        )
        assert "_MILESTONES_COMPLETE" in printed.stdout
