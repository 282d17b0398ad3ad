"""The program and the embedded chain as processes, the way a user runs them: `python cli.py …`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx

from milestones.cardano.hashes import blake2b_256
from milestones.transactions.wallet import SigningKey

OFFCHAIN: Final = Path(__file__).parents[2]
ADA: Final = 1_000_000
TOKEN: Final = "GRANT"
TOKENS: Final = 1_000_000_000
"""How many of the token the creator holds."""
PEOPLE: Final = ("creator", "relayer", "ada", "ben", "cleo", "oracle-1", "oracle-2", "oracle-3")
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

    @property
    def error(self) -> Any:
        """The error that it printed, which a person must have been told as well."""
        assert self.stderr.startswith("error: "), self.stdout + self.stderr
        return self.json["error"]


@dataclass(frozen=True)
class Checkout:
    """A folder as `offchain/` is in a checkout, a running `devnet`, and everybody's keys.

    `ready` is the line that the devnet printed; `policy_id` that of the token that the creator holds.
    `network` is what CARDANO_NETWORK says, `network_id` the network's id in addresses.
    """

    folder: Path
    ready: Mapping[str, Any]
    keys: Mapping[str, SigningKey]
    policy_id: str
    network: str = "testnet"
    network_id: int = 0

    @property
    def data(self) -> Path:
        """The program's data directory; it doesn't exist at first."""
        return self.folder / "data"

    @property
    def now(self) -> int:
        """The chain's clock, POSIX seconds."""
        now: int = self.state()["now_posix_ms"] // 1000
        return now

    def at(self, folder: Path) -> Checkout:
        """The same chain, used from another folder, which is made."""
        folder.mkdir(exist_ok=True)
        shutil.copy(OFFCHAIN / "cli.py", folder)
        return replace(self, folder=folder)

    def address(self, name: str) -> str:
        """Somebody's address."""
        return self.keys[name].address(self.network_id).to_bech32()

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

    def kupo(self, path: str) -> Any:
        """What Kupo says, asked without the program."""
        answer = httpx.get(f"{self.ready['kupo_url']}/{path}", trust_env=False)
        return answer.raise_for_status().json()

    def tokens_of(self, name: str) -> int:
        """How many tokens somebody holds, asked of Kupo without the program."""
        asset = f"{self.policy_id}.{TOKEN.encode().hex()}"
        found = self.kupo(f"matches/{self.address(name)}?unspent")
        return sum(match["value"]["assets"].get(asset, 0) for match in found)

    def lovelace_of(self, name: str) -> int:
        """How much ADA somebody holds, beside tokens too, asked of Kupo without the program."""
        found = self.kupo(f"matches/{self.address(name)}?unspent")
        return sum(match["value"]["coins"] for match in found)

    def environment(self, **variables: str) -> dict[str, str]:
        """The environment of a command: this machine's, the devnet's addresses, and these variables."""
        return {
            **_clean_environment(),
            "CARDANO_NETWORK": self.network,
            "OGMIOS_URL": self.ready["ogmios_url"],
            "KUPO_URL": self.ready["kupo_url"],
            **variables,
        }

    def command(self, *arguments: str) -> list[str]:
        """`python cli.py <arguments>`."""
        return [sys.executable, str(self.folder / "cli.py"), *arguments]

    def run(self, *arguments: str, folder: Path | None = None, **environment: str) -> Ran:
        """Runs a command in the folder, or in another, to its end."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=folder or self.folder,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Starts a command, and doesn't wait for its end."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def succeed(self, *arguments: str, **environment: str) -> Any:
        """The JSON of a command that must succeed."""
        ran = self.run(*arguments, **environment)
        assert ran.exit_code == 0, ran.stdout + ran.stderr
        return ran.json


@dataclass
class DevnetProcess:
    """A `milestones devnet` that can be killed, and started again where it listened before."""

    folder: Path
    options: Sequence[str] = ()
    ready: Mapping[str, Any] = field(default_factory=dict)
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when it is ready; ports are free ones the first time, and then the same."""
        ports = [
            f"--{name}-port={self.ready.get(f'{name}_port', 0)}"
            for name in ("ogmios", "kupo", "control")
        ]
        self._process = subprocess.Popen(
            [sys.executable, str(self.folder / "cli.py"), "devnet", *ports, *self.options],
            cwd=self.folder,
            env=_clean_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the devnet did not start"
        self.ready = json.loads(line)

    def kill(self) -> None:
        """Ends it as a crash would: it has no time to say goodbye to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=20)
            self._process = None

    def stop(self) -> None:
        """Ends it as Ctrl-C would. It must have been alive unless it was killed on purpose."""
        if self._process is None:
            return
        assert self._process.poll() is None, "the devnet died"
        self._process.terminate()
        self._process.communicate(timeout=20)


def _funding(keys: Mapping[str, SigningKey], network_id: int) -> list[str]:
    return [
        f"--fund={keys[name].address(network_id).to_bech32()}={amount}"
        for name, amount in FUNDS.items()
    ]


@contextmanager
def fresh_checkout(
    folder: Path, *options: str, network: str = "testnet", network_id: int = 0
) -> Iterator[tuple[Checkout, DevnetProcess]]:
    """A folder with nothing but `cli.py`, beside a devnet of its own; the creator holds tokens.

    `options` are the devnet's.
    """
    folder.mkdir()
    shutil.copy(OFFCHAIN / "cli.py", folder)
    keys = {name: SigningKey.from_bytes(blake2b_256(name.encode())) for name in PEOPLE}
    devnet = DevnetProcess(folder, [*_funding(keys, network_id), *options])
    devnet.start()
    try:
        checkout = Checkout(folder, devnet.ready, keys, "", network, network_id)
        tokens = {TOKEN.encode().hex(): TOKENS}
        creator = checkout.address("creator")
        paid = checkout.control("faucet", address=creator, lovelace=10 * ADA, tokens=tokens)
        yield replace(checkout, policy_id=paid["policy_id"]), devnet
        devnet.stop()
    finally:
        devnet.kill()


def _clean_environment() -> dict[str, str]:
    ours = ("MILESTONES_", "CARDANO_", "OGMIOS_", "KUPO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
