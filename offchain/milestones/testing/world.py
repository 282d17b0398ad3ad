"""The world in this process: an embedded chain, people with keys, a token, and the services."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from milestones.cardano.address import Address
from milestones.cardano.value import AssetId, Value
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.server import Devnet, DevnetConfig
from milestones.domain.schedule import parse_schedule
from milestones.keys.key_files import SigningKey
from milestones.protocol.distribution import Distribution
from milestones.protocol.validator_loader import Contract, load_contract
from milestones.services.backend import Backend, Network, Workspace, connect
from milestones.services.deploy import deploy
from milestones.services.publish_script import publish_script
from milestones.storage.storage import Storage
from milestones.testing.cast import (
    ADA,
    BENEFICIARIES,
    NETWORK_NAMES,
    ORACLES,
    TOKEN_NAME,
    TOKENS,
    cast_funds,
    cast_keys,
)
from milestones.testing.processes import PROGRAM, CommandResult, program_environment

YEAR_SECONDS = 31_536_000


@dataclass(frozen=True)
class World:
    """A running chain, keys with funds, a token, and a directory for the program's files.

    `keys`: creator (2,000 ADA and the tokens), relayer, stranger (500 ADA), beneficiary-0 (50 ADA),
    beneficiary-1 to 4, oracle-0 to 2 (nothing).
    """

    devnet: Devnet
    contract: Contract
    directory: Path
    keys: Mapping[str, SigningKey]
    token: AssetId

    # -- who and what there is

    @property
    def data_directory(self) -> Path:
        """The program's files; it doesn't exist at first."""
        return self.directory / "data"

    @property
    def control_url(self) -> str:
        """The control interface; every world has one unless its configuration leaves it out."""
        url = self.devnet.control_url
        assert url is not None
        return url

    @property
    def magic(self) -> int:
        """The chain's network magic."""
        return self.devnet.chain.calendar.magic

    @property
    def now(self) -> int:
        """The chain's time: POSIX seconds of the newest block."""
        chain = self.devnet.chain
        return chain.calendar.start_of(chain.tip.slot) // 1000

    def address(self, name: str) -> Address:
        """The address of one of the keys."""
        return self.keys[name].address(0)

    def key_file(self, name: str) -> str:
        """The path of a key's file, which is written when first asked for."""
        path = self.directory / f"{name}.skey"
        if not path.exists():
            self.keys[name].save(path)
        return str(path)

    def write_json(self, name: str, value: Any) -> str:
        """A JSON file in the directory; its path."""
        path = self.directory / name
        path.write_text(json.dumps(value), encoding="utf-8")
        return str(path)

    def held_by(self, address: Address) -> Value:
        """Everything at an address after the newest block."""
        raw = address.to_bytes()
        held = (out.value for out in self.devnet.chain.utxo.values() if out.address.raw == raw)
        return sum(held, Value())

    # -- time and money

    def advance(self, seconds: int) -> None:
        """Moves the chain's clock, and makes a block there."""
        self.devnet.chain.advance(seconds * 1000)

    def reach(self, posix_seconds: int) -> None:
        """Moves the chain's time to this moment or a little after; its clock lags behind its blocks."""
        while self.now < posix_seconds:
            self.advance(posix_seconds - self.now)

    def pay(self, address: Address, lovelace: int, tokens: int = 0) -> bytes:
        """Money from nowhere; the transaction's id."""
        assets = {self.token.asset_name: tokens} if tokens else {}
        recipient = decode_address(address.to_bytes())
        return self.devnet.chain.pay_from_faucet(recipient, lovelace, assets)

    def snapshot(self) -> str:
        """Notes the chain as it is; returns the name to give to `revert`. Files are not in it."""
        return self.devnet.chain.snapshot()

    def revert(self, name: str) -> None:
        """Makes the chain, its mempool and its clock what they were. Raises `NotFound`."""
        self.devnet.chain.revert(name)

    # -- schedules

    def allocations(self, *, vesting: int = 0, milestones: int = 3) -> list[dict[str, Any]]:
        """Five allocations as in `allocations.json`: 1,000 to 5,000 tokens, milestones in turn."""
        return [
            {
                "beneficiary_address": self.address(name).to_bech32(),
                "token_amount": 1_000 * (number + 1),
                "milestone_identifier": f"milestone-{number % milestones + 1:03}",
                "vesting_timestamp": vesting or self.now - 1_000,
            }
            for number, name in enumerate(BENEFICIARIES)
        ]

    def schedule(self, **changes: Any) -> dict[str, Any]:
        """A schedule's JSON: the five allocations, three oracles, quorum 2, reclaimable in a year."""
        return {
            "token_policy_id": self.token.policy_id.hex(),
            "token_name": self.token.asset_name.hex(),
            "beneficiary_allocations": self.allocations(),
            "oracle_addresses": [self.address(name).to_bech32() for name in ORACLES],
            "quorum_threshold": 2,
            "creator": self.address("creator").to_bech32(),
            "reclaim_after": self.now + YEAR_SECONDS,
            "contract_metadata": {"network_magic": self.magic, "created_at": self.now},
            **changes,
        }

    def in_lovelace(self, factor: int = 10_000) -> dict[str, Any]:
        """Changes of `schedule()` that distribute ADA: each amount times the factor, in lovelace."""
        allocations = [
            {**entry, "token_amount": entry["token_amount"] * factor}
            for entry in self.allocations()
        ]
        return {"token_policy_id": "", "token_name": "", "beneficiary_allocations": allocations}

    # -- the services

    def workspace(self, *, network: str | None = None, magic: int | None = None) -> Workspace:
        """What services need that ask nobody. The network is the chain's unless another is named."""
        if network is None:
            network, magic = NETWORK_NAMES.get(self.magic, "testnet"), self.magic
        return Workspace(
            contract=self.contract,
            network=Network(network, magic),
            storage=Storage(self.data_directory),
        )

    def backend(self, workspace: Workspace | None = None) -> AbstractAsyncContextManager[Backend]:
        """What the other services need: `async with world.backend() as backend`."""
        return connect(
            workspace or self.workspace(),
            ogmios_url=self.devnet.ogmios_url,
            kupo_url=self.devnet.kupo_url,
        )

    async def publish(self) -> None:
        """Publishes the contract's scripts, at the relayer's cost."""
        async with self.backend() as backend:
            await publish_script(backend, key=self.keys["relayer"], wait=self._makes_blocks)

    async def open(self, schedule: dict[str, Any] | None = None, **options: Any) -> Distribution:
        """Opens the distribution of a schedule (by default `schedule()`), publishing the scripts first.

        `options` are those of the service, such as `private=True`.
        """
        await self.publish()
        parsed = parse_schedule(schedule or self.schedule())
        async with self.backend() as backend:
            settings = {"key": self.keys["creator"], "wait": self._makes_blocks, **options}
            await deploy(backend, parsed, **settings)
        return Distribution.from_schedule(parsed, self.contract)

    @property
    def _makes_blocks(self) -> bool:
        return self.devnet.chain.production != "by hand"

    # -- the program

    def settings(self, key: str | None = None) -> dict[str, str]:
        """The environment variables with which the program finds this chain; `key` names one to configure."""
        variables = {
            "CARDANO_NETWORK": NETWORK_NAMES.get(self.magic, "testnet"),
            "OGMIOS_URL": self.devnet.ogmios_url,
            "KUPO_URL": self.devnet.kupo_url,
        }
        if key is not None:
            variables["MILESTONES_SIGNING_KEY"] = self.key_file(key)
        return variables

    async def cli(
        self, *arguments: str, key: str | None = None, **environment: str
    ) -> CommandResult:
        """Runs the program as a process of its own, in the directory.

        `key` names the key to configure. Other keyword arguments are environment variables.
        """
        process = await asyncio.create_subprocess_exec(
            *(*PROGRAM, *arguments),
            cwd=self.directory,
            env=program_environment(**(self.settings(key) | environment)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await process.communicate()
        code = process.returncode
        assert code is not None
        return CommandResult(code, stdout.decode(), stderr.decode())


@asynccontextmanager
async def open_world(
    directory: Path, *, config: DevnetConfig | None = None, contract: Contract | None = None
) -> AsyncIterator[World]:
    """A world with a chain of its own on free ports; blocks come as transactions do.

    `config` is for another chain; what its chain is made with gets the cast's funds as well.
    """
    config = config or DevnetConfig()
    funds = {**cast_funds(), **config.chain.funds}
    config = replace(config, chain=replace(config.chain, funds=funds))
    async with Devnet(config) as devnet:
        token = AssetId(devnet.chain.faucet.policy_id, TOKEN_NAME)
        world = World(devnet, contract or load_contract(), directory, cast_keys(), token)
        world.pay(world.address("creator"), 10 * ADA, TOKENS)
        if devnet.chain.production != "at once":
            devnet.chain.mine()
        yield world
