"""`milestones devnet` as a process, whose memory and standard error can be looked at."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from devnet_clients import ALICE_ADDRESS


class DevnetProcess:
    """A chain on free ports on which Alice has 1,000 ADA: `with DevnetProcess(directory) as devnet`.

    `directory` gets its standard error. At the end it must still run, and must have printed no
    traceback.
    """

    def __init__(self, directory: Path, *arguments: str) -> None:
        self._errors = directory / "devnet-stderr.txt"
        ports = ("--ogmios-port=0", "--kupo-port=0", "--control-port=0")
        funds = ("--fund", f"{ALICE_ADDRESS}=1000000000")
        program = [sys.executable, "-X", "faulthandler", "-m", "milestones", "devnet"]
        self._command = [*program, *ports, *funds, *arguments]
        self.ready: dict[str, Any] = {}

    def launch(self) -> None:
        """Starts it, and does not wait."""
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def start(self) -> None:
        """Starts it, and returns when it is ready."""
        self.launch()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.stderr()
        self.ready = json.loads(line)

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._process.kill()
        self._process.communicate()

    @property
    def ogmios_url(self) -> str:
        """Ogmios' WebSocket."""
        return str(self.ready["ogmios_url"])

    @property
    def ogmios_port(self) -> int:
        """Ogmios' port."""
        return int(self.ready["ogmios_port"])

    @property
    def kupo_url(self) -> str:
        """Kupo's HTTP interface."""
        return str(self.ready["kupo_url"])

    @property
    def kupo_port(self) -> int:
        """Kupo's port."""
        return int(self.ready["kupo_port"])

    @property
    def control_url(self) -> str:
        """The control interface."""
        return str(self.ready["control_url"])

    def memory_bytes(self) -> int:
        """Resident memory now."""
        statistics = Path(f"/proc/{self._process.pid}/statm")
        if statistics.exists():
            return int(statistics.read_text().split()[1]) * resource.getpagesize()
        command = ["ps", "-o", "rss=", "-p", str(self._process.pid)]  # macOS has no /proc
        kibibytes = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        return int(kibibytes) * 1024

    def stderr(self) -> str:
        """What it said on standard error so far."""
        return self._errors.read_text()

    def check(self) -> None:
        """It runs, and nothing went wrong inside."""
        assert self._process.poll() is None, self.stderr()
        assert "Traceback" not in self.stderr(), self.stderr()

    def __enter__(self) -> DevnetProcess:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        ended = self._process.poll()
        if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
            # Who waits for an answer in vain wants to see where everything stands.
            self._process.send_signal(signal.SIGABRT)
            self._process.communicate(timeout=20)
            raise AssertionError(self.stderr()) from error
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=20)
        if error is None:
            assert ended is None, self.stderr()
            assert "Traceback" not in self.stderr(), self.stderr()
