"""A chain that was closed and opened again is the one that ran through."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milestones.devnet import snapshots
from milestones.devnet.chain import Chain
from milestones.devnet.kupo.index import Index, Watch
from milestones.devnet.kupo.patterns import parse_pattern
from milestones.devnet.kupo.rendering import match_json
from milestones.devnet.ogmios.rendering import block_json
from milestones.devnet.opening import ChainConfig, open_chain
from milestones.devnet.server import Devnet, DevnetConfig, keep_snapshot
from milestones.errors import InvalidConfiguration
from tests.support.devnet_clients import ALICE_ADDRESS, BOB_ADDRESS, outputs_of_alice, payment_on
from tests.support.raw_transactions import (
    ALICE,
    YES_V3,
    hash256,
    inline,
    key_address,
    script_address,
    script_ref,
)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1_000_000, 3_000_000)),
        st.tuples(st.just("adorn"), st.integers(0, 1 << 70)),
        st.tuples(st.just("mine"), st.integers(1, 3)),
        st.tuples(st.just("rollback"), st.integers(1, 4)),
        st.tuples(st.just("advance"), st.integers(1_000, 500_000)),
    ),
    max_size=20,
)


def act(chain: Chain, action: str, number: int) -> None:
    """One step of a history."""
    if action == "mine":
        chain.mine(number)
    elif action == "advance":
        chain.advance(number)
    elif action == "rollback" and number < len(chain.blocks):
        chain.rollback(number)
    elif action in ("pay", "adorn") and outputs_of_alice(chain):
        draft = payment_on(chain, number if action == "pay" else 2_000_000)
        if action == "adorn":
            draft.fee = 1_000_000
            draft.body[1] += [
                {0: script_address(3, YES_V3), 1: 3_000_000, 2: inline(number)},
                {0: key_address(ALICE), 1: 2_000_000, 2: [0, hash256(cbor2.dumps(number))]},
                {0: key_address(ALICE), 1: 5_000_000, 3: script_ref(3, YES_V3)},
            ]
            draft.witnesses[4] = [number]
            draft.auxiliary = {674: {"msg": ["restart", number.to_bytes(9, "big")]}}
        chain.submit(draft.seal())


def picture(chain: Chain, index: Index) -> dict[str, Any]:
    """All that a client can see of what is in blocks."""
    return {
        "blocks": [block_json(each, (11, 0)) for each in chain.blocks],
        "utxo": {ref: output.raw for ref, output in chain.utxo.items()},
        "matches": [
            match_json(each, index, resolve=True, as_text=False)
            for each in index.select(parse_pattern("*"))
        ],
        "datums": index.datums,
        "scripts": index.scripts,
        "slot": chain.now_slot(),
        "labels": [each.labels for each in index.select(parse_pattern("*"))],
    }


def indexed(chain: Chain) -> Index:
    """An index of everything that follows the chain."""
    index = Index(chain, [Watch(parse_pattern("*"), -1)])
    chain.listeners.append(index.follow)
    return index


@given(before=STEPS, after=STEPS, back=st.integers(1, 6), kept=st.integers(0, 20))
@settings(max_examples=25, deadline=None)
def test_a_restart_changes_nothing(
    before: list[tuple[str, int]], after: list[tuple[str, int]], back: int, kept: int
) -> None:
    """With a snapshot of any moment, or none, and whatever came after it, rollbacks too."""
    with TemporaryDirectory() as directory:
        config = ChainConfig(
            funds={ALICE_ADDRESS: 1_000_000_000}, manual_clock=True, state_dir=Path(directory)
        )
        chain, store = open_chain(config)
        assert store is not None
        index = indexed(chain)
        for number, step in enumerate(before):
            act(chain, *step)
            if number == kept:
                keep_snapshot(store, chain, index)
        # What waits for a block does not outlive the process: put it into one.
        chain.mine()
        store.close()
        again, store = open_chain(config)
        assert store is not None
        index_again = indexed(again)
        assert picture(again, index_again) == picture(chain, index)
        chain._store = None  # the chain that ran through goes on without its directory
        for step in (*after, ("rollback", min(back, len(chain.blocks) - 1)), ("mine", 1)):
            act(chain, *step)
            act(again, *step)
        assert picture(again, index_again) == picture(chain, index)
        store.close()


async def test_a_snapshot_is_written_every_so_often_and_at_an_orderly_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "EVERY_BLOCKS", 3)
    chain = ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000}, state_dir=tmp_path)
    config = DevnetConfig(chain=chain, block_interval_s=None)

    def kept_height(devnet: Devnet) -> int | None:
        assert devnet._store is not None
        found = devnet._store.snapshot()
        return None if found is None else found[0]

    async with Devnet(config) as devnet:
        heights = []
        for _ in range(7):
            act(devnet.chain, "pay", 2_000_000)
            devnet.chain.mine()
            heights.append(kept_height(devnet))
        assert heights == [None, None, 3, 3, 3, 6, 6]
        devnet.chain.rollback(2)
        assert kept_height(devnet) is None
        # What waits again does not outlive the process.
        devnet.chain.mine()
        shown = picture(devnet.chain, devnet.index)
    async with Devnet(config) as again:
        assert kept_height(again) == 6
        assert picture(again.chain, again.index) == shown
        # Another pattern is watched than the snapshot knows: the index is made of the blocks.
        again.index.watch([parse_pattern(BOB_ADDRESS)], -1)
        again.index.unwatch(parse_pattern("*"))
        again._keep_watches()
        monkeypatch.setattr(again, "_keep_snapshot", lambda: None)
        shown = picture(again.chain, again.index)
    async with Devnet(config) as once_more:
        assert picture(once_more.chain, once_more.index) == shown


def test_snapshots_lie_further_apart_the_longer_a_history_is() -> None:
    assert not snapshots.is_due((1, 1), (1000, 9_999))
    assert snapshots.is_due((1, 1), (1001, 1))
    assert snapshots.is_due((1, 1), (2, 10_001))
    assert not snapshots.is_due((98_000, 98_000), (99_999, 99_999))
    assert snapshots.is_due((90_000, 90_000), (100_000, 90_000))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE snapshot SET content = x'00'",
        "UPDATE snapshot SET content = substr(content, 1, 40), digest = x'00'",
        "DELETE FROM snapshot",
    ],
)
def test_without_its_snapshot_a_chain_is_read_from_its_blocks(tmp_path: Path, damage: str) -> None:
    config = ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000}, state_dir=tmp_path)
    chain, store = open_chain(config)
    assert store is not None
    index = indexed(chain)
    for _ in range(3):
        act(chain, "adorn", 1)
    keep_snapshot(store, chain, index)
    store.close()
    kept, store = open_chain(config)
    assert store is not None
    assert kept.kept_index is not None
    store._database.execute(damage)
    store.close()
    again, store = open_chain(config)
    assert store is not None
    assert again.kept_index is None
    shown = [picture(each, indexed(each)) for each in (chain, kept, again)]
    assert shown[0] == shown[1] == shown[2]
    store.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE facts SET value = '' WHERE name = 'network_magic'",
        "UPDATE facts SET value = '5' WHERE name = 'format'",
        "UPDATE facts SET value = 'null' WHERE name = 'start_posix_ms'",
        "DELETE FROM facts WHERE name = 'start_posix_ms'",
        "INSERT OR REPLACE INTO facts VALUES ('clock_offset_ms', '\"x\"')",
        "INSERT OR REPLACE INTO facts VALUES ('kupo_watches', '[[1, 2]]')",
        "INSERT OR REPLACE INTO facts VALUES ('kupo_watches', '[[\"x\", 1, null]]')",
        "DELETE FROM blocks",
        "DELETE FROM blocks WHERE height = 0",
        "DELETE FROM blocks WHERE height = 1",
        "DELETE FROM transactions WHERE height = 0",
        "DELETE FROM transactions WHERE height = 1",
        "UPDATE transactions SET cbor = x'00'",
        "UPDATE transactions SET cbor = 'text' WHERE height = 1",
        "UPDATE blocks SET slot = slot + 1 WHERE height = 1",
        "UPDATE blocks SET header_hash = x'' WHERE height = 1",
        "UPDATE blocks SET slot = 'x'",
        "DROP TABLE transactions; CREATE TABLE transactions (x)",
        "DROP TABLE facts; CREATE TABLE facts (x)",
    ],
)
def test_what_no_chain_has_written_is_reported(tmp_path: Path, damage: str) -> None:
    funded = {ALICE_ADDRESS: 1_000_000_000}
    config = ChainConfig(funds=funded, manual_clock=True, state_dir=tmp_path)
    chain, store = open_chain(config)
    assert store is not None
    chain.submit(payment_on(chain).seal())
    chain.mine()
    store.close()
    with sqlite3.connect(tmp_path / "chain.sqlite") as database:
        database.executescript(damage)
    database.close()
    with pytest.raises(InvalidConfiguration) as refused:
        Devnet(DevnetConfig(chain=config))
    assert refused.value.path == "state_dir"
    assert refused.value.hint


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\x00" + bytes(4080)])
def test_a_file_that_is_no_database_is_reported(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "chain.sqlite").write_bytes(content)
    with pytest.raises(InvalidConfiguration) as refused:
        open_chain(ChainConfig(state_dir=tmp_path))
    assert refused.value.path == "state_dir"
