"""The embedded chain as a whole: the chain, its clock's ticking, its interfaces, and its process' memory."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, ClassVar, Final

from milestones.cardano.hashes import blake2b_256
from milestones.devnet.chain import Chain, Production
from milestones.devnet.clock import machine_posix_ms
from milestones.devnet.control.app import ControlApp, fork_json
from milestones.devnet.funds import ACCOUNT_LOVELACE, DevelopmentAccount, accounts_of
from milestones.devnet.interface import Faults, Interface, KupoObserver, Observer
from milestones.devnet.kupo.app import KupoApp
from milestones.devnet.kupo.index import Index, Watch
from milestones.devnet.kupo.patterns import parse_pattern
from milestones.devnet.ogmios.app import OgmiosApp
from milestones.devnet.opening import ChainConfig, open_chain
from milestones.devnet.persistence import Store
from milestones.devnet.snapshots import is_due, packed
from milestones.devnet.terminal import TerminalLog, accounts_text, marks_text
from milestones.errors import InvalidConfiguration, InvalidInput

THRESHOLDS: Final = (50_000, 20, 10)
"""Objects between two looks at the youngest, and how many looks between those at the older ones."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Collects nothing while a history is read, which makes no garbage that counts."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def settle() -> None:
    """For a process that is about to serve a chain until it ends: what is there now stays."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


OGMIOS_VERSIONS: Final = ("6.14.0", "7.0.0")
"""The versions of Ogmios whose interface is spoken."""

IDLE_BLOCK_SECONDS: Final = 20.0
"""Where blocks are made at once, an empty one comes after so long without any, as on the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevnetConfig:
    """How an embedded chain is set up. Port 0 is any free port; `control_port` None is no interface.

    With `control_port_may_move`, a control port that is taken is a free one instead.

    `block_interval_s` is the time between blocks in seconds: 0 makes one for every transaction that is
    submitted, None only when asked for. `kupo_matches` are the patterns that the index starts with: without
    any everything, or on a fork what the other network's index has.
    """

    chain: ChainConfig = field(default_factory=ChainConfig)
    host: str = "127.0.0.1"
    ogmios_port: int = 0
    kupo_port: int = 0
    control_port: int | None = 0
    control_port_may_move: bool = False
    block_interval_s: float | None = 0.0
    ogmios_version: str = "6.14.0"
    kupo_matches: tuple[str, ...] = ()


class Devnet:
    """A running embedded chain: `async with Devnet(config) as devnet: ...`.

    `chain` can be driven directly; `ogmios_url` (WebSocket), `kupo_url` and `control_url` are where the
    interfaces are. `observers` see every answer of Ogmios, `kupo_observers` of Kupo, of every chain in this
    process.
    """

    observers: ClassVar[list[Observer]] = []
    kupo_observers: ClassVar[list[KupoObserver]] = []

    def __init__(self, config: DevnetConfig | None = None) -> None:
        self.config = config or DevnetConfig()
        _check(self.config)
        production = _production(self.config.block_interval_s)
        with uncollected():
            self.chain, self._store = open_chain(replace(self.config.chain, production=production))
            try:
                self._build()
            except BaseException:
                self._close_store()
                raise

    def _build(self) -> None:
        config, chain = self.config, self.chain
        fork = chain.fork
        patterns = config.kupo_matches or (("*",) if fork is None else fork.facts.patterns)
        self.index = Index(chain, _watches(self._store, patterns))
        self._faults = {name: Faults(name) for name in ("ogmios", "kupo", "control")}
        ogmios = OgmiosApp(chain, config.ogmios_version, self._faults["ogmios"], self.observers)
        kupo = KupoApp(
            chain, self.index, self._faults["kupo"], self._keep_watches, self.kupo_observers
        )
        self._ogmios = Interface(ogmios, self._faults["ogmios"], config.host, config.ogmios_port)
        self._kupo = Interface(kupo, self._faults["kupo"], config.host, config.kupo_port)
        self._interfaces = [self._ogmios, self._kupo]
        self._kept_at = self._progress()
        chain.listeners.append(self._keep_if_due)
        self._control: Interface | None = None
        if config.control_port is not None:
            self._control = self._control_interface(config.control_port)
            self._interfaces.append(self._control)
        self._producer: asyncio.Future[Any] | None = None
        self.block_interval_s = config.block_interval_s
        self._interval_changed = asyncio.Event()

    def _control_interface(self, port: int) -> Interface:
        host = self.config.host
        control, faults = ControlApp(self, host), self._faults["control"]
        try:
            return Interface(control, faults, host, port)
        except InvalidConfiguration:
            if not self.config.control_port_may_move:
                raise
            return Interface(control, faults, host, 0)

    @property
    def ogmios_url(self) -> str:
        """Where Ogmios' WebSocket is."""
        return f"ws://{self._ogmios.authority}"

    @property
    def kupo_url(self) -> str:
        """Where Kupo's HTTP interface is."""
        return f"http://{self._kupo.authority}"

    @property
    def control_url(self) -> str | None:
        """Where the control interface is; None without one."""
        return None if self._control is None else f"http://{self._control.authority}"

    @property
    def accounts(self) -> tuple[DevelopmentAccount, ...]:
        """The development accounts that the chain began with, each with `ACCOUNT_LOVELACE`."""
        return accounts_of(self.chain.funding, self.chain.calendar.network_id)

    def describe(self) -> dict[str, Any]:
        """What the command prints when everything is ready."""
        calendar = self.chain.calendar
        return {
            "ready": True,
            "ogmios_url": self.ogmios_url,
            "ogmios_port": self._ogmios.port,
            "kupo_url": self.kupo_url,
            "kupo_port": self._kupo.port,
            "control_url": self.control_url,
            "control_port": None if self._control is None else self._control.port,
            "network_magic": calendar.magic,
            "start_posix_ms": calendar.start_posix_ms,
            "ogmios_version": self.config.ogmios_version,
            "accounts": [
                {
                    "address": str(account.address),
                    "signing_key_cbor_hex": account.signing_key_cbor_hex,
                    "lovelace": ACCOUNT_LOVELACE,
                }
                for account in self.accounts
            ],
            **self._marks(),
        }

    def _marks(self) -> dict[str, Any]:
        """What is no network's: only there where it is so."""
        chain = self.chain
        found: dict[str, Any] = {}
        if chain.fork is not None:
            found["fork"] = fork_json(chain.fork)
        if chain.impersonated:
            found["impersonated"] = sorted(each.hex() for each in chain.impersonated)
        return found

    # -- faults

    def break_interface(self, name: str, fault: str) -> None:
        """Switches a fault of `ogmios` or `kupo` on; see `faults.FAULTS`."""
        self._faults[name].set(fault)
        self.index.frozen = self._faults["kupo"].current in ("stale", "disconnected")
        if fault == "dropping":
            {"ogmios": self._ogmios, "kupo": self._kupo}[name].drop_connections()

    def mend_interface(self, name: str) -> None:
        """Makes an interface work again."""
        self._faults[name].clear()
        self.index.frozen = self._faults["kupo"].current in ("stale", "disconnected")
        self.index.follow()

    def fault_of(self, name: str) -> str | None:
        """The fault of an interface; None when it works."""
        return self._faults[name].current

    # -- what can be changed at run time

    def set_block_interval(self, interval_s: float | None) -> None:
        """Makes blocks at once (0), at intervals of seconds, or only when asked for (None), from now on.

        Raises `InvalidConfiguration`.
        """
        _check_interval(interval_s)
        self.block_interval_s = interval_s
        self.chain.production = _production(interval_s)
        self._interval_changed.set()
        self._interval_changed = asyncio.Event()

    # -- life

    async def __aenter__(self) -> Devnet:
        for interface in self._interfaces:
            await interface.start()
        self._producer = asyncio.ensure_future(self._produce())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._producer is not None:
                self._producer.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._producer
        finally:
            for faults in self._faults.values():
                faults.clear()
            await asyncio.gather(*(interface.stop() for interface in self._interfaces))
            self._keep_snapshot()
            self._close_store()
            if self.config.chain.origin is not None:
                await self.config.chain.origin.close()

    async def until(self, done: asyncio.Event) -> None:
        """Waits for `done`. Raises what the making of blocks fails with, should it fail before."""
        waiting = asyncio.ensure_future(done.wait())
        producer = self._producer or waiting
        try:
            await asyncio.wait({waiting, producer}, return_when=asyncio.FIRST_COMPLETED)
            if producer.done():
                await producer
            await waiting
        finally:
            waiting.cancel()

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()

    def _progress(self) -> tuple[int, int]:
        return len(self.chain.blocks), self.chain.transaction_count

    def _keep_if_due(self) -> None:
        """A snapshot after so many blocks or transactions, so that a start reads no more than those."""
        if is_due(self._kept_at, self._progress()):
            self._keep_snapshot()

    def _keep_snapshot(self) -> None:
        """Writes what the chain is now; not while the index lags, nor where nothing has happened since.

        Where that fails, as on a full disk, the next start takes longer, and nothing else is lost.
        """
        chain, progress = self.chain, self._progress()
        current = self.index.checkpoint is chain.tip
        if self._store is None or not current or progress == self._kept_at:
            return
        with contextlib.suppress(InvalidConfiguration):
            keep_snapshot(self._store, chain, self.index)
        self._kept_at = progress

    def _keep_watches(self) -> None:
        if self._store is not None:
            watches = [
                [watch.pattern.text, watch.since_slot, watch.until_slot]
                for watch in self.index.watches
            ]
            self._store.set_fact("kupo_watches", watches)

    async def _produce(self) -> None:
        """Makes the blocks that nobody asks for."""
        async for _ in self._ticks():
            if self.chain.production != "by hand":
                self.chain.produce()

    async def _ticks(self) -> AsyncIterator[None]:
        chain = self.chain
        while True:
            interval, height = self.block_interval_s, chain.tip.height
            if interval:
                due = await self._passed(interval)
            elif interval is None:
                due = await self._passed(None)
            elif await self._passed(0.2 if len(chain.mempool) else 1.0):
                waiting = len(chain.mempool) > 0 and chain.may_make_block()
                age_ms = chain.clock.posix_ms() - chain.calendar.start_of(chain.tip.slot)
                old = age_ms > IDLE_BLOCK_SECONDS * 1000
                due = height == chain.tip.height and (waiting or old)
            else:
                due = False
            if due:
                yield

    async def _passed(self, seconds: float | None) -> bool:
        """Whether so much time has passed without a change of the interval; None waits for that alone."""
        try:
            await asyncio.wait_for(self._interval_changed.wait(), seconds)
        except asyncio.TimeoutError:
            return True
        return False


def keep_snapshot(store: Store, chain: Chain, index: Index) -> None:
    """Writes what a chain is now, and its index, which has read all of it. Raises `InvalidConfiguration`."""
    own = chain.blocks[chain.funding.height - chain.first_height :]
    content = packed(own, chain.utxo, index.packed())
    store.keep_snapshot(chain.tip.height, blake2b_256(content), content)


MAX_PORT: Final = 65_535


def _check_ports(config: DevnetConfig) -> None:
    wanted = {"ogmios_port": config.ogmios_port, "kupo_port": config.kupo_port}
    if config.control_port is not None:
        wanted["control_port"] = config.control_port
    for name, port in wanted.items():
        if not 0 <= port <= MAX_PORT:
            raise InvalidConfiguration(
                f"{port} is no port",
                path=name,
                hint=f"give a number from 1 to {MAX_PORT}, or 0 for any free port",
            )
    given: dict[int, str] = {}
    for name, port in wanted.items():
        if port in given and not (name == "control_port" and config.control_port_may_move):
            raise InvalidConfiguration(
                f"{port} is the port of {given[port]} already",
                path=name,
                hint="give each interface a port of its own, or 0 for any free one",
            )
        if port:
            given[port] = name


def _check_network(config: ChainConfig) -> None:
    if not 0 <= config.network_magic < 1 << 32:
        raise InvalidConfiguration(
            f"{config.network_magic} is no network magic",
            path="network_magic",
            hint="give a number from 0 to 4294967295",
        )
    start_ms, now_ms = config.start_posix_ms, machine_posix_ms()
    if start_ms is not None and not 0 <= start_ms <= now_ms:
        raise InvalidConfiguration(
            f"a network can't have started at {start_ms // 1000}, in POSIX seconds",
            path="start_time",
            hint=f"give a time in the past, at most {now_ms // 1000}",
        )


def _check(config: DevnetConfig) -> None:
    _check_ports(config)
    _check_network(config.chain)
    if not config.host:
        raise InvalidConfiguration(
            "no address to listen on",
            path="host",
            hint="give an address of this machine: 127.0.0.1, or 0.0.0.0 for all that it has",
        )
    if config.ogmios_version not in OGMIOS_VERSIONS:
        raise InvalidConfiguration(
            f"Ogmios {config.ogmios_version} is not known",
            path="ogmios_version",
            hint="one of " + ", ".join(OGMIOS_VERSIONS),
        )
    _check_interval(config.block_interval_s)


def _production(interval_s: float | None) -> Production:
    return "by hand" if interval_s is None else "on schedule" if interval_s > 0 else "at once"


def _check_interval(interval: float | None) -> None:
    if interval is not None and not (interval == 0 or 0.05 <= interval <= 86_400):
        raise InvalidConfiguration(
            f"{interval} seconds between blocks",
            path="block_interval",
            hint="0 for a block at once, or 0.05 to 86400",
        )


def _watches(store: Store | None, patterns: tuple[str, ...]) -> list[Watch]:
    """The patterns that were watched when the chain was last open, else those of the configuration."""
    kept = None if store is None else store.fact("kupo_watches")
    if store is not None and kept is not None:
        with store.undamaged("the patterns that Kupo watches"):
            return [Watch(parse_pattern(text), since, until) for text, since, until in kept]
    try:
        return [Watch(parse_pattern(text), -1) for text in patterns]
    except InvalidInput as error:
        raise InvalidConfiguration(
            error.reason,
            path="kupo_match",
            hint="for example '*', an address, CREDENTIAL/*, POLICY.* or *@TRANSACTION",
        ) from None


async def run(config: DevnetConfig) -> None:
    """Runs until SIGINT or SIGTERM; prints one line of JSON on standard output when ready.

    Where standard error is a terminal, the development accounts follow there, for a person, and then
    whatever happens.

    Raises what the making of blocks failed with, if it ever does: without blocks everybody would wait.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, done.set)
    async with Devnet(config) as devnet:
        _leave_height_zero(devnet)
        settle()
        sys.stdout.write(json.dumps(devnet.describe()) + "\n")
        sys.stdout.flush()
        sys.stderr.write(marks_text(devnet.chain))
        if sys.stderr.isatty():
            _accompany(devnet)
        await devnet.until(done)


def _accompany(devnet: Devnet) -> None:
    """Says to the person who started it what there is, and from now on what happens."""
    if devnet.accounts:
        sys.stderr.write(accounts_text(devnet.accounts))
    if devnet.control_url is not None:
        sys.stderr.write(f"\nWhat happens is below, and at {devnet.control_url}/\n")
    shown = TerminalLog(devnet.chain, sys.stderr)
    devnet.chain.listeners.append(shown.chain_changed)
    Devnet.observers.append(shown)


def _leave_height_zero(devnet: Devnet) -> None:
    """Some clients take height 0 for no answer, and a network that runs has left it behind."""
    if devnet.chain.tip.height == 0 and devnet.chain.production != "by hand":
        devnet.chain.produce()
