"""An embedded chain in a thread of this process, for tests in which nothing else is asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, fields, replace
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from milestones.cardano.address import Address
from milestones.cardano.value import Value
from milestones.devnet.chain import Chain
from milestones.devnet.funds import ACCOUNT_LOVELACE
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from milestones.errors import InvalidConfiguration
from milestones.keys.key_files import SigningKey
from milestones.testing.cast import NETWORK_NAMES

T = TypeVar("T")

START_SECONDS: Final = 60.0
"""Longest wait for the start, on a machine that has much else to do."""


ACCOUNTS: Final = 10
"""How many accounts have funds, as in `milestones devnet`."""


@dataclass(frozen=True, slots=True)
class Account:
    """A key that everybody knows, whose address holds `lovelace` when the chain starts.

    `seed` is the Ed25519 secret (32 bytes) as every library takes it, `address` is Bech32.
    """

    address: str
    seed: bytes
    lovelace: int

    @property
    def key(self) -> SigningKey:
        """The key as this program has it."""
        return SigningKey.from_bytes(self.seed)

    @property
    def verification_key(self) -> bytes:
        """The Ed25519 public key, 32 bytes."""
        return self.key.verification_key

    @property
    def key_hash(self) -> bytes:
        """The hash that addresses hold, 28 bytes."""
        return self.key.key_hash

    def save(self, path: Path) -> Path:
        """Writes a key file as `cardano-cli` does. Raises `InvalidKeyFile` where there is one."""
        self.key.save(path)
        return path


def devnet_config(options: Mapping[str, Any]) -> DevnetConfig:
    """A configuration out of options by name: the fields of `DevnetConfig` and of `ChainConfig`.

    Raises `InvalidConfiguration` for a name that neither has.
    """
    of_chain = {each.name for each in fields(ChainConfig)} & options.keys()
    of_devnet = {each.name for each in fields(DevnetConfig)} & options.keys()
    unknown = sorted(options.keys() - of_chain - of_devnet)
    if unknown:
        raise InvalidConfiguration(
            "the embedded chain has no such option",
            path=unknown[0],
            hint="its options are the fields of DevnetConfig and ChainConfig",
        )
    config = DevnetConfig(**{name: options[name] for name in of_devnet})
    chain = replace(config.chain, **{name: options[name] for name in of_chain})
    return replace(config, chain=chain)


class EmbeddedDevnet:
    """A running chain: `with EmbeddedDevnet() as devnet: ...`.

    Options are the fields of `DevnetConfig` and `ChainConfig`, such as `network_magic=1`,
    `block_interval_s=None` (blocks by hand) or `ogmios_version="7.0.0"`. Ports are free ones. There are
    ten funded accounts unless `accounts` says otherwise. Methods can be called from any thread; each
    returns when it is done.
    """

    def __init__(self, **options: Any) -> None:
        self._config = devnet_config({"accounts": ACCOUNTS, **options})
        self._started: Future[tuple[Devnet, asyncio.AbstractEventLoop]] = Future()
        self._thread = Thread(target=self._run, name="milestones-devnet", daemon=True)

    # -- life

    def __enter__(self) -> EmbeddedDevnet:
        """Returns when every interface answers. Raises what the start failed with."""
        self._thread.start()
        self._started.result(START_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _, loop = self._started.result()
        if self._thread.is_alive():
            loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        self._done = asyncio.Event()
        async with Devnet(self._config) as devnet:
            if devnet.chain.production != "by hand":
                devnet.chain.mine()  # some clients take height 0 for no answer
            self._started.set_result((devnet, asyncio.get_running_loop()))
            await devnet.until(self._done)

    def _ask(self, question: Callable[[Devnet], T]) -> T:
        """Runs in the chain's thread, between two of its steps."""
        devnet, loop = self._started.result()

        async def answer() -> T:
            return question(devnet)

        return asyncio.run_coroutine_threadsafe(answer(), loop).result()

    def _ask_chain(self, question: Callable[[Chain], T]) -> T:
        return self._ask(lambda devnet: question(devnet.chain))

    # -- where it is

    @property
    def ogmios_url(self) -> str:
        """Ogmios' WebSocket, `ws://…`."""
        return self._ask(lambda devnet: devnet.ogmios_url)

    @property
    def kupo_url(self) -> str:
        """Kupo's HTTP interface, `http://…`."""
        return self._ask(lambda devnet: devnet.kupo_url)

    @property
    def host(self) -> str:
        """Where it listens, 127.0.0.1 unless an option says otherwise."""
        return self._config.host

    @property
    def ogmios_port(self) -> int:
        """Ogmios' port."""
        return _port_of(self.ogmios_url)

    @property
    def kupo_port(self) -> int:
        """Kupo's port."""
        return _port_of(self.kupo_url)

    @property
    def control_url(self) -> str | None:
        """The control interface, `http://…`; None without one."""
        return self._ask(lambda devnet: devnet.control_url)

    @property
    def network_magic(self) -> int:
        """The network's magic, 42 unless an option says otherwise."""
        return self._config.chain.network_magic

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables by which `milestones` finds this chain, for child processes."""
        return {
            "CARDANO_NETWORK": NETWORK_NAMES.get(self.network_magic, "testnet"),
            "OGMIOS_URL": self.ogmios_url,
            "KUPO_URL": self.kupo_url,
        }

    # -- what it shows

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts that the chain began with: the first ones of `milestones devnet`."""
        found = self._ask(lambda devnet: devnet.accounts)
        return tuple(
            Account(each.address.to_bech32(), each.seed, ACCOUNT_LOVELACE) for each in found
        )

    @property
    def now_posix_ms(self) -> int:
        """The chain's time: the start of the newest block's slot, POSIX milliseconds."""
        return self._ask_chain(lambda chain: chain.calendar.start_of(chain.tip.slot))

    @property
    def tip_slot(self) -> int:
        """The slot of the newest block."""
        return self._ask_chain(lambda chain: chain.tip.slot)

    @property
    def height(self) -> int:
        """The height of the newest block; the first has 0."""
        return self._ask_chain(lambda chain: chain.tip.height)

    @property
    def policy_id(self) -> bytes:
        """The minting policy of the faucet's tokens, 28 bytes."""
        return self._ask_chain(lambda chain: chain.faucet.policy_id)

    def value_at(self, address: str) -> Value:
        """What an address (Bech32) holds after the newest block."""
        raw = Address.from_bech32(address).to_bytes()
        return self._ask_chain(
            lambda chain: sum(
                (out.value for out in chain.utxo.values() if out.address.raw == raw), Value()
            )
        )

    # -- what can be done to it

    def faucet(
        self, address: str, lovelace: int = 0, assets: Mapping[bytes, int] | None = None
    ) -> str:
        """Pays from nowhere; returns the transaction's id (hexadecimal).

        `assets` are quantities by asset name, newly minted under `policy_id`; 2 ADA come with them unless
        `lovelace` says how many. Raises `InvalidInput`, `InsufficientFunds` and `LedgerFailure`.
        """
        recipient = decode_address(Address.from_bech32(address).to_bytes())
        tokens = dict(assets or {})
        return self._ask_chain(
            lambda chain: chain.pay_from_faucet(recipient, lovelace, tokens)
        ).hex()

    def advance(self, seconds: float) -> int:
        """Makes a block this much later than the newest; returns its time, POSIX milliseconds.

        Slots are whole seconds: a little more may pass, and never less.
        """

        def advanced(chain: Chain) -> int:
            calendar, clock = chain.calendar, chain.clock
            behind_ms = max(0, calendar.start_of(chain.tip.slot) - clock.posix_ms())
            return calendar.start_of(chain.advance(behind_ms + round(seconds * 1000)).slot)

        return self._ask_chain(advanced)

    def mine(self, count: int = 1) -> int:
        """Makes blocks of what waits, empty ones included; returns the new height."""
        self._ask_chain(lambda chain: chain.mine(count))
        return self.height

    def rollback(self, count: int = 1) -> int:
        """Takes the last blocks away; their transactions wait again. Returns the new height."""
        self._ask_chain(lambda chain: chain.rollback(count))
        return self.height

    def snapshot(self) -> str:
        """Notes the chain as it is; returns the name to give to `revert`."""
        return self._ask_chain(lambda chain: chain.snapshot())

    def revert(self, name: str) -> None:
        """Makes the chain, its mempool and its clock what they were. Raises `NotFound`."""
        self._ask_chain(lambda chain: chain.revert(name))

    def freeze(self, interface: str, fault: str) -> None:
        """Breaks `ogmios` or `kupo`; the faults are in the documents of the embedded chain."""
        self._ask(lambda devnet: devnet.break_interface(interface, fault))

    def unfreeze(self, interface: str) -> None:
        """Makes an interface work again."""
        self._ask(lambda devnet: devnet.mend_interface(interface))


def _port_of(url: str) -> int:
    return urlsplit(url).port or 0
