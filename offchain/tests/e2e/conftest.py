"""The program and the embedded chain as processes, the way a user runs them: `python cli.py …`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from milestones.cardano.hashes import blake2b_256
from milestones.transactions.wallet import SigningKey

OFFCHAIN: Final = Path(__file__).parents[2]
ADA: Final = 1_000_000
TOKEN: Final = "GRANT"
PEOPLE: Final = ("creator", "relayer", "ada", "ben", "oracle-1", "oracle-2", "oracle-3")
FUNDS: Final[Mapping[str, int]] = {"creator": 1_000 * ADA, "relayer": 200 * ADA, "ada": 30 * ADA}


@dataclass(frozen=True)
class Ran:
    """How a command ended; `json` is its standard output, which must be one JSON document."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """What it printed."""
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Checkout:
    """A folder as `offchain/` is in a checkout, a running `devnet`, and everybody's keys.

    `ready` is the line that the devnet printed; `policy_id` that of the token that the creator holds.
    """

    folder: Path
    ready: Mapping[str, Any]
    keys: Mapping[str, SigningKey]
    policy_id: str

    def address(self, name: str) -> str:
        """Somebody's address."""
        return self.keys[name].address(0).to_bech32()

    def key_file(self, name: str) -> str:
        """Somebody's key file."""
        path = self.folder / f"{name}.skey"
        if not path.exists():
            self.keys[name].save(path)
        return path.name

    def write(self, name: str, value: Any) -> str:
        """A JSON file in the folder."""
        (self.folder / name).write_text(json.dumps(value), encoding="utf-8")
        return name

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

    def run(self, *arguments: str, folder: Path | None = None, **environment: str) -> Ran:
        """`python cli.py <arguments>` in the folder, or in another; the devnet is its network."""
        return _run(
            [sys.executable, str(self.folder / "cli.py"), *arguments],
            folder or self.folder,
            {
                "CARDANO_NETWORK": "testnet",
                "OGMIOS_URL": self.ready["ogmios_url"],
                "KUPO_URL": self.ready["kupo_url"],
                **environment,
            },
        )

    def succeed(self, *arguments: str, **environment: str) -> Any:
        """The JSON of a command that must succeed."""
        ran = self.run(*arguments, **environment)
        assert ran.exit_code == 0, ran.stdout + ran.stderr
        return ran.json


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> Ran:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**_clean_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def _clean_environment() -> dict[str, str]:
    ours = ("MILESTONES_", "CARDANO_", "OGMIOS_", "KUPO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A fresh `offchain/` folder beside a `milestones devnet` of its own, on free ports."""
    folder = tmp_path / "offchain"
    folder.mkdir()
    shutil.copy(OFFCHAIN / "cli.py", folder)
    keys = {name: SigningKey.from_bytes(blake2b_256(name.encode())) for name in PEOPLE}
    with _devnet(folder, keys) as (ready, process):
        checkout = Checkout(folder, ready, keys, _policy_of(ready))
        checkout.control(
            "faucet",
            address=checkout.address("creator"),
            lovelace=10 * ADA,
            tokens={TOKEN.encode().hex(): 1_000_000_000},
        )
        yield checkout
        assert process.poll() is None, "the devnet died"


class _devnet:  # noqa: N801 - used as a function
    def __init__(self, folder: Path, keys: Mapping[str, SigningKey]) -> None:
        funds = [
            f"--fund={keys[name].address(0).to_bech32()}={amount}" for name, amount in FUNDS.items()
        ]
        ports = ["--ogmios-port=0", "--kupo-port=0", "--control-port=0"]
        self._command = [sys.executable, str(folder / "cli.py"), "devnet", *ports, *funds]
        self._folder = folder

    def __enter__(self) -> tuple[Mapping[str, Any], subprocess.Popen[str]]:
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=_clean_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the devnet did not start"
        return json.loads(line), self._process

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=20)


def _policy_of(ready: Mapping[str, Any]) -> str:
    state = httpx.get(f"{ready['control_url']}/state", trust_env=False).raise_for_status().json()
    policy: str = state["faucet"]["policy_id"]
    return policy
