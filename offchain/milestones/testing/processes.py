"""The world of processes: `milestones devnet`, and the program's commands, the way a user runs them."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import httpx

from milestones.keys.key_files import SigningKey
from milestones.testing.cast import ADA, TOKEN_NAME, TOKENS, cast_funds, cast_keys

PROGRAM: Final = (sys.executable, "-m", "milestones")
"""What runs the program: this interpreter."""
COMMAND_SECONDS: Final = 120
"""Longest time that a command may take."""
_OURS: Final = ("MILESTONES_", "CARDANO_", "OGMIOS_", "KUPO_")


def program_environment(**variables: str) -> dict[str, str]:
    """This process' environment without settings of the program's, and these variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | variables


@dataclass(frozen=True)
class CommandResult:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document; None where it is empty."""
        return json.loads(self.stdout) if self.stdout.strip() else None

    @property
    def error(self) -> Any:
        """The error on standard output, which a person must have read on standard error as well."""
        assert self.stderr.startswith("error: "), self.stdout + self.stderr
        return self.json["error"]


class DevnetProcess:
    """A `milestones devnet` that can be killed, and started again where it listened before.

    Used as `with DevnetProcess(folder, "--state-dir=chain") as devnet`, or with `start` and `kill`. The
    folder is its working directory, and gets its standard error as `devnet-stderr.txt` unless `errors`
    names another file. When it is stopped it must still run, and must have printed no traceback.
    `funds` are lovelace by address, `ready` is the line that it printed when it was ready.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        funds: Mapping[str, int] | None = None,
        program: Sequence[str] = PROGRAM,
        errors: Path | None = None,
    ) -> None:
        self._folder, self._program = folder, program
        self._errors = errors or folder / "devnet-stderr.txt"
        funding = (f"--fund={address}={lovelace}" for address, lovelace in (funds or {}).items())
        self.options: list[str] = [*funding, *options]
        self.ready: dict[str, Any] = {}
        self._process: subprocess.Popen[str] | None = None

    # -- life

    def launch(self) -> None:
        """Starts it, and does not wait. Ports are free ones the first time, and then the same."""
        ports = [
            f"--{name}-port={self.ready.get(f'{name}_port', 0)}"
            for name in ("ogmios", "kupo", "control")
        ]
        python, *program = self._program
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [python, "-X", "faulthandler", *program, "devnet", *ports, *self.options],
                cwd=self._folder,
                env=program_environment(),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def start(self) -> None:
        """Starts it, and returns when it is ready."""
        self.launch()
        assert self._running.stdout is not None
        line = self._running.stdout.readline()
        try:
            self.ready = json.loads(line)
        except json.JSONDecodeError:
            # An error stands on several lines, and is the last that it says.
            said = line + self._running.stdout.read()
            raise AssertionError(f"the devnet did not start: {said}{self.stderr()}") from None

    def kill(self) -> None:
        """Ends it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=20)
            self._process = None

    def stop(self) -> None:
        """Ends it as Ctrl-C would, and checks it. Does nothing where it was killed on purpose."""
        if self._process is None:
            return
        alive = self._process.poll() is None
        self._end(signal.SIGTERM)
        assert alive, f"the devnet died: {self.stderr()}"
        assert "Traceback" not in self.stderr(), self.stderr()

    def check(self) -> None:
        """It runs, and nothing went wrong inside."""
        assert self._running.poll() is None, self.stderr()
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
        if error is None:
            self.stop()
        elif self._process is not None and isinstance(error, (TimeoutError, asyncio.TimeoutError)):
            # Who waits for an answer in vain wants to see where everything stands.
            self._end(signal.SIGABRT)
            raise AssertionError(self.stderr()) from error
        else:
            self.kill()

    def _end(self, how: signal.Signals) -> None:
        self._running.send_signal(how)
        self._running.communicate(timeout=20)
        self._process = None

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the devnet was not started"
        return self._process

    # -- what there is

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

    @property
    def pid(self) -> int:
        """The process' id."""
        return self._running.pid

    def memory_bytes(self) -> int:
        """Resident memory now."""
        statistics = Path(f"/proc/{self._running.pid}/statm")
        if statistics.exists():
            return int(statistics.read_text().split()[1]) * resource.getpagesize()
        command = ["ps", "-o", "rss=", "-p", str(self._running.pid)]  # macOS has no /proc
        kibibytes = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        return int(kibibytes) * 1024

    def stderr(self) -> str:
        """What it said on standard error so far."""
        return self._errors.read_text()


@dataclass(frozen=True)
class ProcessWorld:
    """A folder, a running `milestones devnet`, and everybody's keys; each command is a process.

    `ready` is the line that the devnet printed, `policy_id` that of the token that the creator holds.
    `network` is what CARDANO_NETWORK says, `network_id` the network's id in addresses. A `script` is
    copied into each folder and run there in place of `python -m milestones`.
    """

    folder: Path
    ready: Mapping[str, Any]
    keys: Mapping[str, SigningKey]
    policy_id: str
    network: str = "testnet"
    network_id: int = 0
    script: Path | None = None

    @property
    def data(self) -> Path:
        """The program's data directory; it doesn't exist at first."""
        return self.folder / "data"

    @property
    def now(self) -> int:
        """The chain's clock, POSIX seconds."""
        now: int = self.state()["now_posix_ms"] // 1000
        return now

    def at(self, folder: Path) -> ProcessWorld:
        """The same chain, used from another folder, which is made."""
        folder.mkdir(exist_ok=True)
        if self.script is not None:
            shutil.copy(self.script, folder)
        return replace(self, folder=folder)

    def address(self, name: str) -> str:
        """Somebody's address."""
        return self.keys[name].address(self.network_id).to_bech32()

    def key_file(self, name: str) -> str:
        """Somebody's key file, by its name in the folder."""
        path = self.folder / f"{name}.skey"
        if not path.exists():
            self.keys[name].save(path)
        return path.name

    def write(self, name: str, value: Any) -> str:
        """A JSON file in the folder."""
        (self.folder / name).write_text(json.dumps(value), encoding="utf-8")
        return name

    # -- the chain, asked without the program

    def control(self, action: str, **arguments: Any) -> Any:
        """Asks the devnet's control interface."""
        answer = httpx.post(
            f"{self.ready['control_url']}/{action}", json=arguments, trust_env=False
        )
        answer.raise_for_status()
        return answer.json()

    def state(self) -> Any:
        """What the devnet's control interface shows."""
        answer = httpx.get(f"{self.ready['control_url']}/state", trust_env=False)
        return answer.raise_for_status().json()

    def kupo(self, path: str) -> Any:
        """What Kupo says."""
        answer = httpx.get(f"{self.ready['kupo_url']}/{path}", trust_env=False)
        return answer.raise_for_status().json()

    def tokens_of(self, name: str) -> int:
        """How many tokens somebody holds, as Kupo says."""
        asset = f"{self.policy_id}.{TOKEN_NAME.hex()}"
        found = self.kupo(f"matches/{self.address(name)}?unspent")
        return sum(match["value"]["assets"].get(asset, 0) for match in found)

    def lovelace_of(self, name: str) -> int:
        """How much ADA somebody holds, beside tokens too, as Kupo says."""
        found = self.kupo(f"matches/{self.address(name)}?unspent")
        return sum(match["value"]["coins"] for match in found)

    # -- commands

    def environment(self, **variables: str) -> dict[str, str]:
        """The environment of a command: this machine's, the devnet's addresses, and these variables."""
        services = {
            "CARDANO_NETWORK": self.network,
            "OGMIOS_URL": self.ready["ogmios_url"],
            "KUPO_URL": self.ready["kupo_url"],
        }
        return program_environment(**(services | variables))

    def command(self, *arguments: str) -> list[str]:
        """What runs a command."""
        return [*_program(self.script, self.folder), *arguments]

    def run(self, *arguments: str, **environment: str) -> CommandResult:
        """Runs a command in the folder, to its end."""
        return self.run_in(self.folder, *arguments, **environment)

    def run_in(self, folder: Path, *arguments: str, **environment: str) -> CommandResult:
        """Runs a command in another folder, to its end."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=folder,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Starts a command, and doesn't wait for its end. Signals do to it what they do by default."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # What the tests were started by may ignore some, which a child would inherit.
            preexec_fn=heeding_signals,  # noqa: PLW1509 - nothing else runs in the child before
        )

    def succeed(self, *arguments: str, **environment: str) -> Any:
        """The JSON of a command that must succeed."""
        ran = self.run(*arguments, **environment)
        assert ran.exit_code == 0, ran.stdout + ran.stderr
        return ran.json


def heeding_signals() -> None:
    """For a child before it runs: signals do to it what they do by default."""
    for name in ("SIGHUP", "SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@contextmanager
def process_world(
    folder: Path,
    *options: str,
    network: str = "testnet",
    network_id: int = 0,
    script: Path | None = None,
) -> Iterator[tuple[ProcessWorld, DevnetProcess]]:
    """A new folder beside a devnet of its own, on free ports; the creator holds tokens.

    `options` are the devnet's. What it says on standard error is beside the folder.
    """
    folder.mkdir()
    errors = folder.parent / f"{folder.name}-devnet-stderr.txt"
    world = ProcessWorld(folder, {}, cast_keys(), "", network, network_id, script).at(folder)
    devnet = DevnetProcess(
        folder,
        *options,
        funds=cast_funds(network_id),
        program=_program(script, folder),
        errors=errors,
    )
    try:
        devnet.start()
        world = replace(world, ready=devnet.ready)
        paid = world.control(
            "faucet",
            address=world.address("creator"),
            lovelace=10 * ADA,
            tokens={TOKEN_NAME.hex(): TOKENS},
        )
        yield replace(world, policy_id=paid["policy_id"]), devnet
        devnet.stop()
    finally:
        devnet.kill()


def _program(script: Path | None, folder: Path) -> tuple[str, ...]:
    return PROGRAM if script is None else (sys.executable, str(folder / script.name))
