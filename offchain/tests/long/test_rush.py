"""A rush: all who may claim come within a minute, and each is paid once, soon, and at the first try.

Time is simulated, the chain is not: its mempool, its blocks' limits, and the program's own way to a claim out
of a claim file. Blocks come at random, every 20 s on average. Each claimant has a wallet, connections and a
data directory, and takes two seconds from what is seen to what is sent: so long as a node doesn't know of a
rival's claim. A part is tried in every run; `make rush` tries all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

from milestones.cardano.bech32_blocks import encode_addresses
from milestones.cardano.transaction import KeyWitness
from milestones.devnet.clock import Clock
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import DevnetConfig
from milestones.keys.key_files import SigningKey
from milestones.protocol.claim_file import ClaimFile, make_claim_file
from milestones.services.paying.plan import Selection
from milestones.services.sending.payer import Payer
from milestones.services.submit_release import submit_release
from milestones.storage.storage import Storage
from milestones.testing.cast import ADA, key_of
from milestones.testing.distribution import FIRST_MILESTONE, OpenDistribution, open_distribution
from milestones.testing.world import World, open_world
from milestones.transactions.signers import SigningRequest
from tests.support.load import length
from tests.support.simulated_time import run_simulated

CLAIMANTS, ROWS, PAGES, DEPTH = length(short=(24, 64, 2, 5), long=(1_000, 65_536, 16, 12))
BLOCK_BYTES = length(short=2_400, long=90_112)
"""What a block has room for: two of the smaller claims, or what mainnet's has."""
COMING_SECONDS: Final = 60
BLOCK_SECONDS: Final = 20
BLIND_SECONDS: Final = 2
MOST_MINUTES: Final = 10
WALLET_LOVELACE: Final = 20 * ADA
SEED: Final = 18
BLOCK_SEED = length(short=17, long=3)
"""With gaps longer than an answer is waited for: a full mempool lets whoever sends wait for a block."""
DEAREST_LOVELACE: Final = 302_000


def claimant(number: int) -> SigningKey:
    """One who claims."""
    return key_of(f"claimant {number}")


@dataclass
class Slow:
    """A key that signs after a while; `asked` is how often it was asked to."""

    key: SigningKey
    asked: int = 0

    @property
    def key_hashes(self) -> frozenset[bytes]:
        """The key's."""
        return self.key.key_hashes

    async def witness(self, request: SigningRequest) -> Collection[KeyWitness]:
        """Its witness, once others have gone on."""
        self.asked += 1
        await asyncio.sleep(BLIND_SECONDS)
        return await self.key.witness(request)


@dataclass(frozen=True)
class Rush:
    """Who claims how much, with which file; and how many transactions each has `built`."""

    world: World
    stage: OpenDistribution
    files: tuple[ClaimFile, ...]
    amounts: tuple[int, ...]
    built: dict[int, int] = field(default_factory=dict)

    async def come(self, number: int, after_seconds: float) -> None:
        """One claims, as the program does it for whoever has a claim file."""
        await asyncio.sleep(after_seconds)
        signer = Slow(claimant(number))
        payer = Payer(credential=signer.key.address(0).payment, signers=(signer,))
        storage = Storage(self.world.directory / f"claimant-{number}")
        workspace = replace(self.world.workspace(), storage=storage)
        try:
            async with self.world.backend(workspace) as backend:
                await submit_release(
                    backend,
                    contract_address=self.stage.address,
                    key=payer,
                    selection=Selection(beneficiary=signer.key.address(0)),
                    claim_file=self.files[number],
                )
        finally:
            storage.close()
            self.built[number] = signer.asked


@asynccontextmanager
async def opened(directory: Path, dice: Random) -> AsyncIterator[Rush]:
    """An attested distribution, out of which each claimant has one allocation, wherever it is."""
    wallets = {str(claimant(number).address(0)): WALLET_LOVELACE for number in range(CLAIMANTS)}
    config = DevnetConfig(chain=ChainConfig(funds=wallets), control_port=None)
    async with open_world(directory, config=config) as world:
        rows = dict(zip(dice.sample(range(ROWS), CLAIMANTS), range(CLAIMANTS), strict=True))
        strangers = encode_addresses([b"\x60" + n.to_bytes(28, "big") for n in range(ROWS)])
        allocations = [
            {
                "beneficiary_address": str(claimant(rows[row]).address(0))
                if row in rows
                else strangers[row],
                "token_amount": 1 + row,
                "milestone_identifier": FIRST_MILESTONE,
                "vesting_timestamp": world.now - 1_000,
            }
            for row in range(ROWS)
        ]
        world.pay(world.address("creator"), 2_000 * ADA, 2 * ROWS * ROWS)
        document = world.schedule(
            beneficiary_allocations=allocations,
            page_depth=DEPTH,
        )
        async with open_distribution(world, document, private=True) as stage:
            await stage.attested(FIRST_MILESTONE)
            assert len(stage.distribution.terms.pages) == PAGES
            files = [make_claim_file(stage.distribution, [row]) for row in rows]
            yield Rush(world, stage, tuple(files), tuple(1 + row for row in rows))


def slow_down(world: World) -> None:
    """From now on the chain has the loop's time, and blocks come when they are made."""
    chain, loop = world.devnet.chain, asyncio.get_running_loop()
    begun_ms, begun = max(chain.clock.posix_ms(), world.now * 1000), loop.time()
    chain.clock = Clock(chain.calendar, now=lambda: begun_ms + int(1000 * (loop.time() - begun)))
    world.devnet.set_block_interval(86_400)
    smaller = replace(
        chain.parameters,
        max_block_body_size=BLOCK_BYTES,
        max_transaction_size=min(BLOCK_BYTES, chain.parameters.max_transaction_size),
    )
    chain.change_parameters(smaller)


async def blocks(world: World, dice: Random) -> None:
    """Makes them, as on the network."""
    while True:
        await asyncio.sleep(dice.expovariate(1 / BLOCK_SECONDS))
        world.devnet.chain.produce()


async def rush(directory: Path) -> None:
    """All come, and each has what is theirs, and nobody else's."""
    dice, loop = Random(SEED), asyncio.get_running_loop()  # noqa: S311 - repeatable on purpose
    async with opened(directory, dice) as rushing:
        world, chain = rushing.world, rushing.world.devnet.chain
        slow_down(world)
        begun_ms, height = chain.clock.posix_ms(), chain.tip.height
        maker = loop.create_task(blocks(world, Random(BLOCK_SEED)))  # noqa: S311 - see above
        moments = [dice.uniform(0, COMING_SECONDS) for _ in range(CLAIMANTS)]
        await asyncio.gather(*(rushing.come(n, after) for n, after in enumerate(moments)))
        while chain.mempool:
            await asyncio.sleep(1)
        maker.cancel()

        claims = [
            (block, each) for block in chain.blocks[height + 1 :] for each in block.inclusions
        ]
        assert len(claims) == CLAIMANTS
        fees = [each.transaction.body.fee for _, each in claims]
        held = [world.held_by(claimant(n).address(0)) for n in range(CLAIMANTS)]
        assert [each.quantity(world.token) for each in held] == list(rushing.amounts)
        # Whatever goes along with the tokens goes to whoever claims.
        assert sum(each.lovelace for each in held) == CLAIMANTS * WALLET_LOVELACE - sum(fees)
        total = ROWS * (ROWS + 1) // 2
        assert (await rushing.stage.on_chain()).remaining == total - sum(rushing.amounts)
        assert max(fees) <= DEAREST_LOVELACE

        ends_ms = [chain.calendar.start_of(block.slot) - begun_ms for block, _ in claims]
        minutes = [each / 60_000 for each in ends_ms]
        assert minutes[-1] < MOST_MINUTES
    built = rushing.built.values()
    print(  # noqa: T201
        f"{CLAIMANTS} come in a minute to {PAGES} pages of depth {DEPTH}: half are paid after"
        f" {minutes[CLAIMANTS // 2 - 1]:.1f} minutes, 95 % after {minutes[CLAIMANTS * 19 // 20 - 1]:.1f},"
        f" all after {minutes[-1]:.1f}, in {chain.tip.height - height} blocks;"
        f" {sum(built) / CLAIMANTS:.1f} transactions built for each, {max(built)} at the most;"
        f" fees up to {max(fees):,} lovelace"
    )


def test_all_who_come_in_a_minute_are_paid(tmp_path: Path) -> None:
    run_simulated(rush(tmp_path))
