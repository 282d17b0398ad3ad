"""What every service stands on: the contract, the network, the data directory, and the two clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

from milestones.cardano.network import KNOWN_MAGICS, MAINNET_MAGIC, network_id_of
from milestones.cardano.outputs import OutputReference
from milestones.cardano.slots import Point, SlotClock
from milestones.clients.kupo_answers import KupoHealth
from milestones.clients.kupo_client import KupoClient
from milestones.clients.ogmios_client import OgmiosClient
from milestones.clients.service_address import ServiceAddress
from milestones.domain.posix_time import to_posix_seconds
from milestones.errors import (
    InvalidConfiguration,
    NetworkMismatch,
    ServiceOutOfSync,
    ServiceUnavailable,
)
from milestones.protocol.validator_loader import Contract, load_contract, load_versions
from milestones.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class Network:
    """The network the configuration names. `magic` is None for `testnet`: any that is not mainnet."""

    name: str
    magic: int | None

    @property
    def network_id(self) -> int:
        """The id in addresses: 1 on mainnet, 0 elsewhere."""
        return 0 if self.magic is None else network_id_of(self.magic)

    def admits(self, magic: int) -> bool:
        """Whether a node with this magic is on this network."""
        if self.magic is not None:
            return magic == self.magic
        return magic != MAINNET_MAGIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What is needed where nobody is asked: the contract, the network, and a place for files.

    `contract` is the version that is worked with, `versions` all versions to choose from (`select_version`).
    `reference_scripts` are outputs known to hold the scripts; empty: they are looked up. `max_lag_slots` is
    how far Kupo may be behind the node for a command that sends something; None: it only warns.
    `token_registry` is a file or folder of what tokens are registered with (CIP-26), if there is one.
    """

    contract: Contract
    versions: tuple[Contract, ...] = ()
    network: Network
    storage: Storage
    reference_scripts: tuple[OutputReference, ...] = ()
    max_lag_slots: int | None = None
    token_registry: Path | None = None


def open_workspace(
    data_directory: Path | str,
    *,
    network: str,
    network_magic: int | None = None,
    blueprint: Path | None = None,
    reference_scripts: tuple[OutputReference, ...] = (),
    max_lag_slots: int | None = None,
    token_registry: Path | None = None,
) -> Workspace:
    """A workspace with the contract that comes with this program; nothing is asked, nothing written.

    `network` is `mainnet`, `preprod`, `preview`, `devnet`, or `testnet`: any but mainnet, which
    `network_magic` narrows down to one. `blueprint` is another compiled contract (`plutus.json`) to open
    distributions with. `max_lag_slots` is how far Kupo may be behind the node where something is sent;
    without it, more than 180 slots are warned of. `token_registry` is a file or folder with entries of CIP-26,
    which say what decimals tokens have. Raises `InvalidConfiguration` for another network, and
    `InvalidBlueprint`.
    """
    if network not in (*KNOWN_MAGICS, "testnet"):
        raise InvalidConfiguration(
            f"{network!r} is no network that is known",
            path="network",
            hint=f"give {', '.join(KNOWN_MAGICS)} or testnet",
        )
    versions = load_versions()
    if blueprint is not None:
        versions = (load_contract(blueprint), *versions)
    return Workspace(
        contract=versions[0],
        versions=versions,
        network=Network(network, network_magic or KNOWN_MAGICS.get(network)),
        storage=Storage(Path(data_directory)),
        reference_scripts=reference_scripts,
        max_lag_slots=max_lag_slots,
        token_registry=token_registry,
    )


def network_magic_offline(workspace: Workspace) -> int:
    """The magic of the configured network, else the one that `init` saw. Raises `InvalidConfiguration`."""
    if workspace.network.magic is not None:
        return workspace.network.magic
    observed = workspace.storage.network.load()
    if observed is None or not workspace.network.admits(observed.network_magic):
        raise InvalidConfiguration(
            f"{workspace.network.name!r} is any network but mainnet, and it isn't known which",
            path="network_magic",
            hint="run `milestones init` once, or name the network: --network preprod, preview or devnet",
        )
    return observed.network_magic


def storage_warnings(workspace: Workspace) -> list[str]:
    """What the user must hear of the data directory's files, since the last call."""
    return [report.message for report in workspace.storage.take_reports()]


Progress = Callable[[str], None]
Approve = Callable[[Sequence[str]], Awaitable[bool]]
"""Hears in sentences what is about to be done for good, and whether it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend(Workspace):
    """A workspace with connections to Ogmios and Kupo.

    `progress` hears in words what a command has done, and `doing` what it is at: only the newest counts.
    `waits` hears what it waits for, which may take minutes. `approve` is asked once before the first
    signature of a command; None: nobody is. `sent` are the transactions (ids in hexadecimal, the newest
    last) that may have left through these connections.
    """

    ogmios: OgmiosClient
    kupo: KupoClient
    progress: Progress = lambda _: None
    doing: Progress = lambda _: None
    waits: Progress = lambda _: None
    approve: Approve | None = None
    sent: list[str] = field(default_factory=list)


W = TypeVar("W", bound=Workspace)


def select_version(workspace: W, version: bytes | str) -> W:
    """The workspace with the version of this vault hash, policy id or version; as it is if none is known."""
    for contract in workspace.versions:
        if version in (contract.vault_hash, contract.policy_id, contract.version):
            return replace(workspace, contract=contract)
    return workspace


@asynccontextmanager
async def connect(
    workspace: Workspace,
    *,
    ogmios_url: str | ServiceAddress,
    kupo_url: str | ServiceAddress,
    progress: Progress = lambda _: None,
    doing: Progress = lambda _: None,
    waits: Progress = lambda _: None,
    approve: Approve | None = None,
) -> AsyncIterator[Backend]:
    """A backend whose connections are closed at the end. Nothing is asked yet.

    `progress` hears in words what a command has done, such as which transaction was submitted; `doing` what
    it is at, and `waits` what it waits for. `approve` is asked before a command signs what can't be undone.
    Raises `InvalidConfiguration` for what is no address.
    """
    async with AsyncExitStack() as stack:
        yield Backend(
            contract=workspace.contract,
            versions=workspace.versions,
            network=workspace.network,
            storage=workspace.storage,
            reference_scripts=workspace.reference_scripts,
            max_lag_slots=workspace.max_lag_slots,
            token_registry=workspace.token_registry,
            ogmios=await stack.enter_async_context(OgmiosClient(ogmios_url)),
            kupo=await stack.enter_async_context(KupoClient(kupo_url)),
            progress=progress,
            doing=doing,
            waits=waits,
            approve=approve,
        )


@dataclass(frozen=True, slots=True)
class ChainTime:
    """The chain's own time: the start of the slot of the newest block."""

    clock: SlotClock
    slot: int

    @property
    def now_posix_ms(self) -> int:
        """POSIX milliseconds."""
        return self.clock.start_of(self.slot)

    @property
    def now(self) -> int:
        """POSIX seconds, rounded down."""
        return to_posix_seconds(self.now_posix_ms)


async def chain_time(backend: Backend) -> ChainTime:
    """What "now" means: the time that a transaction submitted next can prove."""
    clock = await backend.ogmios.slot_clock()
    return ChainTime(clock, await tip_slot(backend))


async def tip_slot(backend: Backend) -> int:
    """The slot of the node's newest block; 0 at the origin."""
    tip = await backend.ogmios.network_tip()
    return tip.slot if tip else 0


def now_posix_ms() -> int:
    """This machine's time, for what is written down; no rule of the chain depends on it."""
    return time.time_ns() // 1_000_000


async def require_network(backend: Backend) -> int:
    """The node's magic. Raises `NetworkMismatch` where the configuration names another network."""
    magic = await backend.ogmios.network_magic()
    if not backend.network.admits(magic):
        raise NetworkMismatch(
            "Ogmios",
            backend.ogmios.url,
            f"its node runs the network with magic {magic}, not {backend.network.name}",
            hint="correct `network` in the configuration, or start the node of that network",
        )
    return magic


async def chain_of(backend: Backend) -> str:
    """Which chain the node follows, in a word: its network's magic and its start (POSIX milliseconds).

    The magic alone doesn't tell a private network from the one that was started anew in its place.
    """
    genesis = await backend.ogmios.genesis_configuration()
    return f"{genesis.network_magic}@{genesis.start_posix_ms}"


async def require_one_chain(backend: Backend, *, patience_seconds: float = 20.0) -> None:
    """Kupo has read the chain that Ogmios' node follows, and no fork of it.

    A rollback, or a node that is a block ahead, may take `patience_seconds` to settle. Raises
    `NetworkMismatch` where Kupo follows another chain, and `ServiceOutOfSync` where the two are apart, or
    Ogmios' node is still before all that Kupo knows.
    """
    deadline = asyncio.get_running_loop().time() + patience_seconds
    while True:
        points, tip = await asyncio.gather(backend.kupo.checkpoints(), backend.ogmios.network_tip())
        if not points or tip is None:
            return
        common = await backend.ogmios.intersection(points)
        if common == points[0]:
            return
        if common is None:
            raise _another_chain(backend, points, tip)
        apart = points[0].slot - common.slot
        if apart <= (backend.max_lag_slots or STALE_SLOTS):
            return
        if asyncio.get_running_loop().time() > deadline:
            raise ServiceOutOfSync(
                "Kupo",
                backend.kupo.url,
                f"its newest block, at slot {points[0].slot}, is not on the chain of Ogmios' node: they"
                f" part at slot {common.slot}",
                hint="let both listen to the same node, or wait until both have caught up",
            )
        await asyncio.sleep(0.5)


def _another_chain(backend: Backend, points: Sequence[Point], tip: Point) -> ServiceUnavailable:
    oldest, newest = points[-1].slot, points[0].slot
    if tip.slot < oldest:
        return ServiceOutOfSync(
            "Ogmios",
            backend.ogmios.url,
            f"its node is at slot {tip.slot}, before all that Kupo knows (from slot {oldest} on)",
        )
    return NetworkMismatch(
        "Kupo",
        backend.kupo.url,
        f"it follows another chain than Ogmios' node: none of its blocks, from slot {oldest} to {newest},"
        " is on it",
        hint="let Kupo listen to the node of Ogmios, or correct `kupo_url` (KUPO_URL); an index of another"
        " network, or of a private one that was started anew, has to be made anew",
    )


async def staleness(backend: Backend) -> list[str]:
    """A warning for each way in which Kupo's answers may not be the chain's, for a command that only looks.

    Raises `NetworkMismatch` where Kupo follows another chain than Ogmios' node.
    """
    warnings = await _behind(backend)
    try:
        await require_one_chain(backend, patience_seconds=0)
    except ServiceOutOfSync as error:
        warnings.append(f"{error.message}: what Kupo says may be wrong")
    return warnings


async def _behind(backend: Backend) -> list[str]:
    health, tip = await asyncio.gather(backend.kupo.health(), backend.ogmios.network_tip())
    behind = _lag(health, tip)
    if not health.connected:
        return ["Kupo has lost its node: what it says may be stale"]
    if behind is None or health.network_synchronization is None:
        return ["Kupo does not say how far it has read: what it says may be stale"]
    if not health.in_sync:
        share = f"{health.network_synchronization:.1%}"
        return [f"Kupo is still reading the chain ({share}): what it says may be stale"]
    if behind > (STALE_SLOTS if backend.max_lag_slots is None else backend.max_lag_slots):
        return [f"Kupo is {behind} slots behind the node: what it says may be stale"]
    return []


async def require_fresh_index(backend: Backend) -> list[str]:
    """As `staleness`, for a command that sends something and has seen that it is one chain.

    Raises `ServiceOutOfSync` where Kupo is further behind than the configured `max_lag_slots`, or doesn't
    say how far it is.
    """
    most = backend.max_lag_slots
    if most is not None:
        health, tip = await asyncio.gather(backend.kupo.health(), backend.ogmios.network_tip())
        behind = _lag(health, tip)
        if behind is None or behind > most:
            far = "it does not say how far" if behind is None else f"it is {behind} slots"
            raise ServiceOutOfSync(
                "Kupo",
                backend.kupo.url,
                f"{far} behind the node, and {most} are allowed (max_lag_slots)",
            )
    return await _behind(backend)


def _lag(health: KupoHealth, tip: Point | None) -> int | None:
    """How far Kupo is behind the node, in slots; None where it isn't known."""
    if health.checkpoint_slot is None:
        return None
    # Kupo's own view of the tip stands still with it, where it listens to another node than Ogmios.
    newest = max(tip.slot if tip else 0, health.node_tip_slot or 0)
    return max(0, newest - health.checkpoint_slot)


STALE_SLOTS: Final = 180
"""Three minutes: blocks come every 20 s on average, and a gap of nine is rare."""
