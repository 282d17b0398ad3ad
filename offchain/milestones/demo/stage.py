"""Where the story plays: an embedded chain, people with keys, and a folder for the program's files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from milestones.cardano.address import Address
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from milestones.keys.key_files import SigningKey
from milestones.protocol.validator_loader import load_contract
from milestones.services.backend import Backend, Network, Workspace, connect
from milestones.storage.storage import Storage

MAGIC: Final = 42
ADA: Final = 1_000_000
DAY: Final = 86_400
FUNDS_LOVELACE: Final[Mapping[str, int]] = {
    "administrator": 1_000 * ADA,
    "relayer": 200 * ADA,
    "Ada": 20 * ADA,
    "builder": 50 * ADA,
}
"""Who has ADA when the story begins. The other beneficiaries have none: a relayer pays for them."""
BENEFICIARIES: Final = ("Ada", "Ben", "Chen", "Dara", "Eve")
ORACLES: Final = ("oracle 1", "oracle 2", "oracle 3")
QUORUM: Final = 2
SUBSTITUTE: Final = "oracle 4"
"""Who sits in a lost oracle's place, in the end."""
OTHERS: Final = ("administrator", "relayer", "builder", "treasury")
EVERYBODY: Final = (*OTHERS, *BENEFICIARIES, *ORACLES, SUBSTITUTE)


@dataclass(frozen=True, slots=True)
class Stage:
    """The running chain, everybody's keys, and the services' backend over real sockets."""

    devnet: Devnet
    backend: Backend
    keys: Mapping[str, SigningKey]

    def address(self, name: str) -> Address:
        """Where somebody is paid."""
        return self.keys[name].address(0)

    def name_of(self, address: str) -> str:
        """Whose address (Bech32) it is."""
        names = {self.address(name).to_bech32(): name for name in self.keys}
        return names.get(address, address)

    def advance(self, seconds: int) -> None:
        """Moves the chain's clock forward; the next block shows it."""
        self.devnet.chain.advance(seconds * 1000)


@asynccontextmanager
async def set_stage() -> AsyncIterator[Stage]:
    """A new chain on free ports, and nothing left behind at the end."""
    keys = {name: SigningKey.generate() for name in EVERYBODY}
    funds = {
        keys[name].address(0).to_bech32(): lovelace for name, lovelace in FUNDS_LOVELACE.items()
    }
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="milestones-demo-"))
        config = DevnetConfig(chain=ChainConfig(network_magic=MAGIC, funds=funds))
        devnet = await stack.enter_async_context(Devnet(config))
        workspace = Workspace(
            contract=load_contract(),
            network=Network("devnet", MAGIC),
            storage=Storage(Path(folder)),
        )
        backend = await stack.enter_async_context(
            connect(workspace, ogmios_url=devnet.ogmios_url, kupo_url=devnet.kupo_url)
        )
        yield Stage(devnet, backend, keys)
