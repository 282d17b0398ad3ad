"""A reader who types every command of a page, in order, into a shell of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from .pages import PROJECT, Block, Command, blocks, commands
from .ready import ReadyProgram

PATIENCE_SECONDS: Final = 120
PORTS: Final = ("1337", "1442", "1338", "8000")
"""Those that pages name: Ogmios', Kupo's, the control interface's, and a reader's own server's."""
_OURS: Final = ("MILESTONES_", "CARDANO_", "OGMIOS_", "KUPO_")
_PLACEHOLDER: Final = re.compile(r"<([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)>")


CURL: Final = """
import argparse, httpx
asked = argparse.ArgumentParser()
asked.add_argument("-s", action="store_true")
asked.add_argument("-X", default="GET")
asked.add_argument("url")
asked = asked.parse_args()
print(httpx.request(asked.X, asked.url, timeout=60, trust_env=False).text)
"""
"""What the pages use of curl, for machines without it."""


class PageError(AssertionError):
    """A page says something that is not so."""


class Reader:
    """Runs pages in a folder. The ports that pages name are replaced by free ones, nothing else is.

    `known` holds everything that commands have printed, by field name, the latest value of each; and
    `project`, this checkout.
    """

    def __init__(self, folder: Path, program: ReadyProgram) -> None:
        self._program = program
        self.folder, self.known = folder, {"project": str(PROJECT)}
        self._ports = dict(zip(PORTS, map(str, _free_ports(len(PORTS))), strict=True))
        self._directory = str(folder)
        self._running: list[subprocess.Popen[str]] = []
        self._environment = self._fresh_environment()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=30)

    def read(self, page: str, *, until: str | None = None) -> None:
        """Does what the page says, to its end or to the end of the section `until`."""
        for block in _blocks_until(page, until):
            self._do(block)

    def _do(self, block: Block) -> None:
        if block.language in ("after", "section", "run", "background"):
            self._obey(block)
        elif block.saved_as:
            path = Path(self._directory) / block.saved_as
            path.write_text(self._filled(block.text, block.place) + "\n", encoding="utf-8")
        elif block.runs:
            perform = self._start if "background" in block.words else self.run
            for command in commands(block):
                perform(command)

    def _obey(self, block: Block) -> None:
        page, _, anchor = block.text.partition("#")
        command = Command(block.place, block.text, "", 0)
        if block.language == "after":
            self.read(page, until=anchor)
        elif block.language == "section":
            for each in _section(page, anchor):
                self._do(each)
        elif block.language == "background":
            self._start(command)
        else:
            self.run(command)

    def run(self, command: Command) -> None:
        """Types a command, compares what it prints, and remembers it. Raises `PageError`."""
        line, shown = (self._filled(text, command.place) for text in (command.line, command.output))
        after = self.folder / ".after"
        script = f"{line}\nstatus=$?; {{ pwd; env -0; }} > {shlex.quote(str(after))}; exit $status"
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode != command.exit_code:
            raise PageError(
                f"{command.place}: exit code {done.returncode}, not {command.exit_code}\n"
                f"$ {line}\n{done.stdout}{done.stderr}"
            )
        self._remember_shell(after)
        _compare(replace(command, output=shown), done.stdout, done.stderr)
        self._remember(done.stdout)

    def _start(self, command: Command) -> None:
        """Starts a command, and waits for its first line, or for the line that the page shows of its log."""
        line, shown = (self._filled(text, command.place) for text in (command.line, command.output))
        logs = bool(shown) and not shown.startswith("{")
        names = {"ogmios": "1337", "kupo": "1442", "control": "1338"}
        ports = " ".join(f"--{name}-port {self._ports[port]}" for name, port in names.items())
        line = line.replace("milestones devnet", f"python -m milestones devnet {ports}")
        process = subprocess.Popen(
            ["sh", "-c", f"exec {line}"],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if logs else None,
            text=True,
            start_new_session=True,
        )
        self._running.append(process)
        assert process.stdout is not None
        printed = process.stdout.readline()
        while logs and shown not in printed and (more := process.stdout.readline()):
            printed += more
        if not printed:
            raise PageError(f"{command.place}: it ended at once\n$ {line}")
        _compare(replace(command, output=shown), printed, "")
        self._remember(printed)

    def _filled(self, text: str, place: str) -> str:
        unknown = [name for name in _PLACEHOLDER.findall(text) if name not in self.known]
        if unknown:
            raise PageError(f"{place}: nothing before it printed <{unknown[0]}>")
        text = _PLACEHOLDER.sub(lambda match: self.known[match[1]], text)
        for port, free in self._ports.items():
            text = re.sub(rf"(localhost:|127\.0\.0\.1:|\bport[ =]){port}\b", rf"\g<1>{free}", text)
        return text

    def _remember(self, output: str) -> None:
        with contextlib.suppress(ValueError):
            for name, value in _scalars(json.loads(output)):
                self.known[name] = value

    def _remember_shell(self, file: Path) -> None:
        directory, _, variables = file.read_text(encoding="utf-8").partition("\n")
        self._directory = directory
        pairs = (entry.partition("=") for entry in variables.split("\0") if entry)
        self._environment = {name: value for name, _, value in pairs}

    def _fresh_environment(self) -> dict[str, str]:
        programs = self.folder / ".bin"
        programs.mkdir()
        python = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'
        scripts = {"python": python, "milestones": self._program.script}
        if shutil.which("curl") is None:
            scripts["curl"] = f"#!{sys.executable}\n{CURL}"
        for name, script in scripts.items():
            (programs / name).write_text(script, encoding="utf-8")
            (programs / name).chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return {
            **kept,
            "PATH": f"{programs}:{kept['PATH']}",
            "HOME": str(self.folder),
            "OGMIOS_URL": f"ws://localhost:{self._ports['1337']}",
            "KUPO_URL": f"http://localhost:{self._ports['1442']}",
            "MILESTONES_CONTROL_URL": f"http://127.0.0.1:{self._ports['1338']}",
        }


def _blocks_until(page: str, section: str | None) -> Iterator[Block]:
    if section is None:
        yield from blocks(page)
        return
    last = _section(page, section)[-1]
    for block in blocks(page):
        yield block
        if block == last:
            return


def _section(page: str, section: str) -> list[Block]:
    found = [block for block in blocks(page) if block.section == section]
    if not found:
        raise PageError(f"{page} has no section #{section} with anything to do")
    return found


def _scalars(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(inner, (dict, list)):
                yield from _scalars(inner, f"{name}.{key}")
            yield from _scalars(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _scalars(inner, name)
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        yield name, str(value)


def _compare(command: Command, stdout: str, stderr: str) -> None:
    if not command.output:
        return
    try:
        expected = json.loads(command.output)
    except ValueError:
        printed = stdout + stderr
        for line in filter(None, map(str.strip, command.output.splitlines())):
            pattern = ".*".join(map(re.escape, line.split("…")))
            if not re.search(pattern, printed):
                raise PageError(f"{command.place}: it does not print {line!r}\n{printed}") from None
        return
    _holds(json.loads(stdout), expected, command.place)


def _holds(actual: Any, expected: Any, place: str) -> None:
    """Whether the real output has all that the page shows; `…` in it stands for anything."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            if not isinstance(actual, dict) or name not in actual:
                raise PageError(f"{place}: the output has no {name!r}: {actual}")
            _holds(actual[name], value, f"{place}: {name}")
    elif isinstance(expected, list):
        shown = [value for value in expected if value != "…"]
        if not isinstance(actual, list) or len(actual) < len(shown):
            raise PageError(f"{place}: fewer than {len(shown)} entries in {actual}")
        for given, value in zip(actual, shown, strict=False):
            _holds(given, value, place)
    elif isinstance(expected, str) and "…" in expected:
        pattern = ".*".join(map(re.escape, expected.split("…")))
        if not re.fullmatch(pattern, str(actual), re.DOTALL):
            raise PageError(f"{place}: {actual!r} is not {expected!r}")
    elif actual != expected:
        raise PageError(f"{place}: {actual!r} is not {expected!r}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
