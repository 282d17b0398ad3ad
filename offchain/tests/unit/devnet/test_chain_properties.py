"""Whatever happens to a chain, the books balance and every view of it agrees."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from milestones.devnet.blocks import apply_block
from milestones.devnet.chain import Chain
from milestones.devnet.funds import SUPPLY_LOVELACE
from milestones.devnet.kupo.index import Index, Watch
from milestones.devnet.kupo.patterns import parse_pattern
from milestones.devnet.ledger.staking_state import StakingState
from milestones.devnet.ogmios.session import ChainSync
from milestones.devnet.opening import ChainConfig, open_chain
from tests.support.devnet_clients import (
    ALICE_ADDRESS,
    all_lovelace,
    outputs_of_alice,
    payment_on,
)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.integers(1_000_000, 3_000_000)),
        st.tuples(st.just("mine"), st.integers(1, 3)),
        st.tuples(st.just("rollback"), st.integers(1, 4)),
        st.tuples(st.just("snapshot"), st.just(0)),
        st.tuples(st.just("revert"), st.integers(1, 3)),
        st.tuples(st.just("follow"), st.integers(1, 5)),
    ),
    max_size=25,
)


class Follower:
    """A client that walks along the chain, and what it believes."""

    def __init__(self, chain: Chain) -> None:
        self.sync = ChainSync(chain, "7.0.0")
        self.ids: list[str] = []

    def step(self) -> bool:
        answer = self.sync.next_block()
        if answer is None:
            return False
        if answer["direction"] == "forward":
            self.ids.append(answer["block"]["id"])
        elif answer["point"] == "origin":
            self.ids.clear()
        else:
            del self.ids[self.ids.index(answer["point"]["id"]) + 1 :]
        return True


@given(steps=STEPS, production=st.sampled_from(["at once", "by hand", "on schedule"]))
@settings(max_examples=60, deadline=None)
def test_views_agree(steps: list[tuple[str, int]], production: str) -> None:
    config = ChainConfig(funds={ALICE_ADDRESS: 100_000_000}, manual_clock=True)
    chain, _ = open_chain(config)
    chain.production = production  # type: ignore[assignment]
    index = Index(chain, [Watch(parse_pattern("*"), -1)])
    chain.listeners.append(index.follow)
    follower, snapshots = Follower(chain), 0
    for action, number in steps:
        if action == "submit" and outputs_of_alice(chain):
            chain.submit(payment_on(chain, number).seal())
        elif action == "mine":
            chain.mine(number)
        elif action == "rollback" and number < len(chain.blocks):
            chain.rollback(number)
        elif action == "snapshot":
            chain.snapshot()
            snapshots += 1
        elif action == "revert" and number <= snapshots:
            chain.revert(str(number))
        elif action == "follow":
            for _ in range(number):
                follower.step()
    _check(chain, index, follower)


def _check(chain: Chain, index: Index, follower: Follower) -> None:
    replayed: dict[object, object] = {}
    for height, block in enumerate(chain.blocks):
        assert block.height == height
        assert block.parent is (chain.blocks[height - 1] if height else None)
        apply_block(replayed, StakingState(), block)  # type: ignore[arg-type]
    assert replayed == chain.utxo
    assert all_lovelace(chain) == SUPPLY_LOVELACE
    unspent = {m.reference: m.output for m in index.select(parse_pattern("*")) if m.spent is None}
    assert unspent == chain.utxo
    assert [block.header_hash for block in index.checkpoints()] == [
        block.header_hash for block in reversed(chain.blocks)
    ]
    while follower.step():
        pass
    assert follower.ids == [block.header_hash.hex() for block in chain.blocks]
    for inclusion in chain.mempool:
        assert chain.place_of(inclusion.transaction.id) is None
