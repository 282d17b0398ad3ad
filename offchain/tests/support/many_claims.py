"""Hundreds of claims paid by one relay, on a chain that makes blocks by hand: how full they become."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from milestones.cardano.address import Address, key_credential
from milestones.services.paying.budget import Budget
from milestones.services.relay import Paid, pay
from milestones.services.relay.splitting import SplitWallet
from milestones.services.sending.runner import perform
from milestones.testing.cast import ADA
from milestones.testing.distribution import FIRST_MILESTONE, OpenDistribution, open_distribution
from milestones.testing.world import World

NO_LIMIT = Budget(most_lovelace=None)


def beneficiary(number: int) -> str:
    """A base address like no other number's."""
    payment, staking = (key_credential((2 * number + each).to_bytes(28, "big")) for each in (0, 1))
    return Address(0, payment, staking).to_bech32()


@asynccontextmanager
async def claims(world: World, count: int, page_depth: int) -> AsyncIterator[OpenDistribution]:
    """So many allocations that can be claimed, and a relayer whose wallet is split into lanes."""
    world.pay(world.address("creator"), 1_000 * ADA)
    world.pay(world.address("relayer"), 3 * count * ADA)
    rows = [
        {
            "beneficiary_address": beneficiary(number),
            "token_amount": number + 1,
            "milestone_identifier": FIRST_MILESTONE,
            "vesting_timestamp": world.now - 1_000,
        }
        for number in range(count)
    ]
    document = world.schedule(beneficiary_allocations=rows, page_depth=page_depth)
    async with open_distribution(world, document) as stage:
        await stage.attested(FIRST_MILESTONE)
        pages = len(stage.distribution.terms.pages)
        split: Any = SplitWallet(lanes=pages, budget=NO_LIMIT)
        await perform(stage.backend, split, key=world.keys["relayer"], wait=True)
        world.devnet.chain.production = "by hand"
        yield stage


async def step(stage: OpenDistribution) -> Paid:
    """As much as the mempool takes."""
    return await pay(
        stage.backend,
        contract_address=stage.address,
        key=stage.world.keys["relayer"],
        budget=NO_LIMIT,
        vouched=[stage.world.token],
    )


@dataclass
class Figures:
    """What paying all of them has taken."""

    claims: int = 0
    transactions: int = 0
    fees_lovelace: int = 0
    blocks: int = 0
    most_in_a_block: int = 0


async def pay_all(stage: OpenDistribution) -> Figures:
    """A step and a block in turn, until a block has everything."""
    chain, found = stage.world.devnet.chain, Figures()
    sizes: dict[bytes, int] = {}
    while True:
        paid = await step(stage)
        for each in paid.transactions:
            sizes[bytes.fromhex(each.transaction_hash)] = len(each.beneficiary_indices)
            if not each.resumed:
                found.transactions += 1
                found.claims += len(each.beneficiary_indices)
                found.fees_lovelace += each.fee_lovelace
        before = {each.id for each in chain.mempool.transactions}
        chain.mine()
        taken = before - {each.id for each in chain.mempool.transactions}
        found.blocks += 1
        found.most_in_a_block = max(found.most_in_a_block, sum(sizes[each] for each in taken))
        if not paid.unpaid_count and not chain.mempool.transactions:
            return found
