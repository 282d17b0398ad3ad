"""How random values of the project's own types are made, the contract, and a chain to run it on.

Strategies are registered by type, so a test asks for `from_type(Allocation)` and needs no import from
another test file.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from wire_schemas import WireObserver
from wire_schemas import directory as schemas_directory

from milestones.cardano.address import Address, Credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.value import AssetId
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from milestones.domain.models import Allocation, ContractMetadata, MilestoneSchedule
from milestones.domain.schedule import parse_schedule
from milestones.protocol.distribution import Distribution
from milestones.protocol.validator_loader import Contract, load_contract
from milestones.services.backend import Backend, Network, Workspace, connect
from milestones.services.deploy import deploy
from milestones.services.publish_script import publish_script
from milestones.storage.storage import Storage
from milestones.transactions.wallet import SigningKey

settings.register_profile("milestones", deadline=None, max_examples=60)
settings.load_profile("milestones")

HASHES = st.binary(min_size=28, max_size=28)
KEYS = st.builds(Credential, st.just("key"), HASHES)
CREDENTIALS = st.builds(Credential, st.sampled_from(("key", "script")), HASHES)
MILESTONES = st.one_of(
    st.sampled_from(("milestone-001", "milestone-002", "étape")),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=16),
)
MOMENTS = st.one_of(st.sampled_from((0, 1735689600)), st.integers(0, 10**10))
AMOUNTS = st.one_of(st.sampled_from((1, 1_000_000)), st.integers(1, 1 << 56))


def key_addresses(network_id: int) -> st.SearchStrategy[Address]:
    """Addresses that a key spends from, on one network."""
    return st.builds(Address, st.just(network_id), KEYS, st.none() | CREDENTIALS)


def allocations(network_id: int) -> st.SearchStrategy[Allocation]:
    """Allocations that keep every rule, on one network."""
    return st.builds(
        Allocation,
        beneficiary_address=key_addresses(network_id),
        token_amount=AMOUNTS,
        milestone_identifier=MILESTONES,
        vesting_timestamp=MOMENTS,
    )


@st.composite
def schedules(draw: st.DrawFn) -> MilestoneSchedule:
    """Schedules that keep every rule, on the test network with magic 42, at any time before 2286."""
    oracles = draw(
        st.lists(key_addresses(0), min_size=1, max_size=5, unique_by=lambda a: a.payment.hash)
    )
    policy_id = draw(st.just(b"") | HASHES)
    irrevocable = draw(st.booleans())
    return MilestoneSchedule(
        token_policy_id=policy_id,
        token_name=draw(st.binary(max_size=32)) if policy_id else b"",
        beneficiary_allocations=tuple(draw(st.lists(allocations(0), min_size=1, max_size=20))),
        oracle_addresses=tuple(oracles),
        quorum_threshold=draw(st.integers(1, len(oracles))),
        creator=draw(key_addresses(0)),
        reclaim_after=None if irrevocable else draw(st.integers(10**10 + 1, 10**11)),
        irrevocable=irrevocable,
        contract_metadata=ContractMetadata(
            created_at=draw(MOMENTS), network_magic=42, description=draw(st.text(max_size=60))
        ),
    )


st.register_type_strategy(Credential, CREDENTIALS)
st.register_type_strategy(
    Address, st.builds(Address, st.sampled_from((0, 1)), CREDENTIALS, st.none() | CREDENTIALS)
)
st.register_type_strategy(Allocation, allocations(0))
st.register_type_strategy(MilestoneSchedule, schedules())


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The compiled contract of this checkout."""
    return load_contract()


# -- the embedded chain, in this process, and the program beside it

FUNDED: Final = {"creator": 2_000, "relayer": 500, "beneficiary-0": 50, "stranger": 500}
"""ADA that each key holds from the start. The other keys hold none."""
NAMES: Final = (
    *FUNDED,
    *(f"oracle-{number}" for number in range(3)),
    *(f"beneficiary-{number}" for number in range(1, 5)),
)
TOKENS: Final = 1_000_000_000
"""How many of the token the creator holds."""


@dataclass(frozen=True)
class CliRun:
    """What a command left behind. `json` is standard output, parsed; None where it is empty."""

    exit_code: int
    json: Any
    stderr: str


@dataclass(frozen=True)
class World:
    """A running chain, keys with funds, a token, and a directory of this test alone.

    `keys`: creator (2,000 ADA and the tokens), relayer, stranger (500 ADA), beneficiary-0 (50 ADA),
    beneficiary-1 to 4, oracle-0 to 2 (nothing).
    """

    devnet: Devnet
    contract: Contract
    directory: Path
    keys: Mapping[str, SigningKey]
    token: AssetId

    @property
    def data_directory(self) -> Path:
        """The program's files; it doesn't exist at first."""
        return self.directory / "data"

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

    def advance(self, seconds: int) -> None:
        """Moves the chain's clock, and makes a block there."""
        self.devnet.chain.advance(seconds * 1000)

    def pay(self, address: Address, lovelace: int, tokens: int = 0) -> bytes:
        """Money from nowhere; the transaction's id."""
        assets = {self.token.asset_name: tokens} if tokens else {}
        recipient = decode_address(address.to_bytes())
        return self.devnet.chain.pay_from_faucet(recipient, lovelace, assets)

    def allocations(self, *, vesting: int = 0, milestones: int = 3) -> list[dict[str, Any]]:
        """Five allocations as in `allocations.json`: 1,000 to 5,000 tokens, milestones in turn."""
        return [
            {
                "beneficiary_address": self.address(f"beneficiary-{number}").to_bech32(),
                "token_amount": 1_000 * (number + 1),
                "milestone_identifier": f"milestone-{number % milestones + 1:03}",
                "vesting_timestamp": vesting or self.now - 1_000,
            }
            for number in range(5)
        ]

    def schedule(self, **changes: Any) -> dict[str, Any]:
        """A schedule's JSON: the five allocations, three oracles, quorum 2, reclaimable in a year."""
        oracles = [self.address(f"oracle-{number}").to_bech32() for number in range(3)]
        return {
            "token_policy_id": self.token.policy_id.hex(),
            "token_name": self.token.asset_name.hex(),
            "beneficiary_allocations": self.allocations(),
            "oracle_addresses": oracles,
            "quorum_threshold": 2,
            "creator": self.address("creator").to_bech32(),
            "reclaim_after": self.now + 31_536_000,
            "contract_metadata": {"network_magic": self.magic, "created_at": self.now},
            **changes,
        }

    def write_json(self, name: str, value: Any) -> str:
        """A JSON file in the test's directory; its path."""
        path = self.directory / name
        path.write_text(json.dumps(value), encoding="utf-8")
        return str(path)

    def workspace(self, *, network: str = "devnet", magic: int | None = 42) -> Workspace:
        """What services need that ask nobody."""
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

    async def cli(self, *arguments: str, key: str | None = None, **environment: str) -> CliRun:
        """Runs the program as a process of its own, in the test's directory.

        `key` names the key to configure. Other keyword arguments are environment variables.
        """
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MILESTONES_", "CARDANO_", "OGMIOS_", "KUPO_"))
        }
        clean |= {
            "CARDANO_NETWORK": "devnet",
            "OGMIOS_URL": self.devnet.ogmios_url,
            "KUPO_URL": self.devnet.kupo_url,
        }
        if key is not None:
            clean["MILESTONES_SIGNING_KEY"] = self.key_file(key)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "milestones", *arguments),
            cwd=self.directory,
            env=clean | environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await process.communicate()
        text = stdout.decode()
        code = process.returncode
        assert code is not None
        return CliRun(code, json.loads(text) if text.strip() else None, stderr.decode())


def _keys() -> dict[str, SigningKey]:
    return {name: SigningKey.from_bytes(blake2b_256(name.encode())) for name in NAMES}


@pytest.fixture(autouse=True)
def _wire_answers() -> Iterator[None]:
    """Fails a test in which an answer of an embedded chain in this process breaks its schema."""
    observer = WireObserver()
    if schemas_directory() is None:
        yield
        return
    Devnet.observers.append(observer)
    yield
    Devnet.observers.remove(observer)
    assert not observer.complaints, "\n\n".join(observer.complaints)


@pytest.fixture
def devnet_options() -> dict[str, Any]:
    """What `DevnetConfig` is made with; a test file overrides this fixture to have another chain."""
    return {}


@pytest.fixture
async def world(
    contract: Contract, tmp_path: Path, devnet_options: dict[str, Any]
) -> AsyncIterator[World]:
    """A chain of this test alone, on free ports; blocks come as transactions do."""
    keys = _keys()
    funds = {keys[name].address(0).to_bech32(): ada * 1_000_000 for name, ada in FUNDED.items()}
    options = {"chain": ChainConfig(funds=funds), **devnet_options}
    async with Devnet(DevnetConfig(**options)) as devnet:
        token = AssetId(devnet.chain.faucet.policy_id, b"GRANT")
        world = World(devnet, contract, tmp_path, keys, token)
        world.pay(world.address("creator"), 10_000_000, TOKENS)
        if devnet.chain.production != "at once":
            devnet.chain.mine()
        yield world
