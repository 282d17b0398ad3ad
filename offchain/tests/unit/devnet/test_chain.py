"""The chain without any server."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.chain import MAX_FULL_LEAD_SLOTS, MAX_LEAD_SLOTS, Chain
from milestones.devnet.clock import Clock
from milestones.devnet.funds import RESERVES_LOVELACE, SUPPLY_LOVELACE, development_accounts
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS
from milestones.devnet.mempool import MempoolFull
from milestones.devnet.ogmios.failures import rpc_failure
from milestones.devnet.ogmios.parameters import read_parameters
from milestones.devnet.opening import ChainConfig, open_chain
from milestones.errors import InvalidConfiguration, InvalidInput, NotFound
from tests.support.devnet_clients import (
    ALICE_ADDRESS,
    BOB_ADDRESS,
    all_lovelace,
    outputs_of_alice,
    payment_on,
)
from tests.support.raw_transactions import ALICE, YES_V3, key_address, minting, script_ref, wire


def chain_with(**settings: Any) -> Chain:
    """A chain of its own time, on which Alice has 1,000 ADA."""
    settings = {"funds": {ALICE_ADDRESS: 1_000_000_000}, "manual_clock": True, **settings}
    chain, _ = open_chain(ChainConfig(**settings))
    return chain


def by_hand(**settings: Any) -> Chain:
    return chain_with(production="by hand", **settings)


def test_genesis_pays_everything_there_is() -> None:
    chain = chain_with()
    assert all_lovelace(chain) == SUPPLY_LOVELACE
    assert chain.tip.height == 0
    assert chain_with(network_magic=43).tip.header_hash != chain.tip.header_hash


def test_a_block_for_every_transaction() -> None:
    chain = chain_with()
    paid = [chain.submit(payment_on(chain).seal()) for _ in range(5)]
    assert [chain.place_of(each)[0].height for each in paid] == [1, 2, 3, 4, 5]  # type: ignore[index]
    assert all_lovelace(chain) == SUPPLY_LOVELACE
    slots = [block.slot for block in chain.blocks]
    assert slots == sorted(set(slots))
    assert chain.clock.slot() == chain.tip.slot


def test_blocks_at_once_do_not_run_away_from_a_real_clock() -> None:
    chain = chain_with(manual_clock=False)
    moment = chain.calendar.start_of(chain.tip.slot)
    chain.clock = Clock(chain.calendar, now=lambda: moment)
    for _ in range(MAX_LEAD_SLOTS + 20):
        chain.submit(payment_on(chain).seal())
    assert chain.tip.slot - chain.clock.slot() == MAX_LEAD_SLOTS
    assert len(chain.mempool) == 20
    (block,) = chain.mine()
    assert len(block.inclusions) == 20


def test_time_moves_with_blocks_that_are_asked_for(tmp_path: Path) -> None:
    """Two hundred of them don't make anybody wait: the next transaction is in a block at once."""
    config = ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000}, state_dir=tmp_path)
    chain, store = open_chain(config)
    assert store is not None
    before = chain.tip.slot
    made = chain.mine(200)
    assert made[-1].slot >= before + 200
    assert 0 <= chain.clock.slot() - made[-1].slot <= 5
    paid = chain.submit(payment_on(chain).seal())
    assert chain.place_of(paid) is not None
    chain.rollback(150)
    assert chain.clock.slot() >= made[-1].slot, "time does not run backwards"
    store.close()
    again, store = open_chain(config)
    assert again.clock.slot() >= made[-1].slot
    assert store is not None
    store.close()


def test_the_clock_stays_where_nobody_asks_for_blocks() -> None:
    chain, _ = open_chain(ChainConfig())
    offset_ms = chain.clock.offset_ms
    for _ in range(20):
        chain.produce()
    assert chain.clock.offset_ms == offset_ms
    assert chain.tip.slot > chain.clock.slot()


def test_a_full_mempool_is_worth_a_block_ahead_of_the_clock() -> None:
    small = MAINNET_PARAMETERS.with_changes(max_block_body_size=500)
    funds = {ALICE_ADDRESS: 10_000_000_000}
    chain = chain_with(manual_clock=False, parameters=small, funds=funds)
    moment = chain.calendar.start_of(chain.tip.slot)
    chain.clock = Clock(chain.calendar, now=lambda: moment)
    for _ in range(MAX_LEAD_SLOTS + 4):
        chain.submit(payment_on(chain).seal())
    assert (chain.tip.slot - chain.clock.slot(), len(chain.mempool)) == (MAX_LEAD_SLOTS, 4)
    chain.submit(payment_on(chain).seal())
    assert (chain.tip.slot - chain.clock.slot(), len(chain.mempool)) == (MAX_LEAD_SLOTS + 1, 3)
    while chain.tip.slot - chain.clock.slot() < MAX_FULL_LEAD_SLOTS or len(chain.mempool) < 4:
        chain.submit(payment_on(chain).seal())
    with pytest.raises(MempoolFull):
        chain.submit(payment_on(chain).seal())
    assert chain.tip.slot - chain.clock.slot() == MAX_FULL_LEAD_SLOTS


def test_a_block_takes_the_bytes_that_fit() -> None:
    chain = by_hand(parameters=MAINNET_PARAMETERS.with_changes(max_block_body_size=500))
    for _ in range(4):
        chain.submit(payment_on(chain).seal())
    _takes_two_of_four(chain)


def test_a_block_takes_the_reference_scripts_that_fit() -> None:
    small = MAINNET_PARAMETERS.with_changes(max_reference_scripts_size_per_block=13)
    chain = by_hand(parameters=small)
    _submit_with_reference_script(chain)
    chain.mine()
    for _ in range(4):
        _submit_with_reference_script(chain)
    _takes_two_of_four(chain)


def _submit_with_reference_script(chain: Chain) -> None:
    """Alice's richest output moves on, with a script of six bytes in it."""
    draft = payment_on(chain)
    source = next(iter(outputs_of_alice(chain).values()))
    rest = source.value.lovelace - 3_000_000
    draft.body[1] = [{0: source.address.raw, 1: rest, 3: script_ref(3, YES_V3)}]
    chain.submit(draft.seal())


def test_a_block_takes_the_execution_units_that_fit() -> None:
    units = ExecutionUnits(5000, 10**9)
    chain = by_hand(parameters=MAINNET_PARAMETERS.with_changes(max_block_units=units))
    split = payment_on(chain)
    split.body[1] = [[key_address(ALICE), 10_000_000]]
    collateral = OutputReference(chain.submit(split.seal()), 0)
    chain.mine()
    for _ in range(4):
        base, draft = payment_on(chain), minting(3, YES_V3)
        draft.utxo, draft.body[0], draft.fee = base.utxo, base.body[0], 600_000
        draft.body[13] = [wire(collateral)]
        chain.submit(draft.seal())
    _takes_two_of_four(chain)


def _takes_two_of_four(chain: Chain) -> None:
    waiting = [each.id for each in chain.mempool.transactions]
    blocks = [[each.transaction.id for each in chain.mine()[0].inclusions] for _ in range(3)]
    assert blocks == [waiting[:2], waiting[2:], []]


def test_what_expires_in_the_mempool_is_dropped_with_what_builds_on_it() -> None:
    chain = by_hand()
    draft = payment_on(chain)
    draft.body[3] = chain.now_slot() + 10
    chain.submit(draft.seal())
    chain.submit(payment_on(chain).seal())
    chain.clock.advance(20_000)
    (block,) = chain.mine()
    assert block.inclusions == ()
    assert len(chain.mempool) == 0


def test_on_a_schedule_a_transaction_is_judged_in_the_slot_after_the_tip_s() -> None:
    early = payment_on(chain := chain_with(production="on schedule", manual_clock=False))
    early.body[8] = chain.tip.slot + 100
    chain.clock.advance(200_000)
    with pytest.raises(TransactionRejected) as refused:
        chain.submit(early.seal())
    assert rpc_failure(refused.value).rpc_code == 3118
    chain.mine()
    chain.submit(early.seal())


def test_a_rollback_puts_transactions_back_where_they_still_fit() -> None:
    chain = chain_with()
    paid = [chain.submit(payment_on(chain).seal()) for _ in range(3)]
    before = dict(chain.utxo)
    assert chain.rollback(2).height == 1
    assert [each.id for each in chain.mempool.transactions] == paid[1:]
    assert chain.place_of(paid[2]) is None
    assert all_lovelace(chain) == SUPPLY_LOVELACE
    chain.mine()
    assert chain.utxo == before
    with pytest.raises(InvalidInput):
        chain.rollback(99)


def test_a_rollback_forgets_what_has_expired() -> None:
    chain = chain_with()
    draft = payment_on(chain)
    draft.body[3] = chain.now_slot() + 10
    chain.submit(draft.seal())
    chain.clock.advance(60_000)
    chain.rollback(1)
    assert len(chain.mempool) == 0


def test_a_full_mempool_takes_no_more() -> None:
    chain = by_hand(parameters=MAINNET_PARAMETERS.with_changes(max_block_body_size=300))
    for _ in range(2):
        chain.submit(payment_on(chain).seal())
    with pytest.raises(MempoolFull):
        chain.submit(payment_on(chain).seal())


def test_snapshots_are_known_by_name() -> None:
    with pytest.raises(NotFound):
        chain_with().revert("1")


def test_outputs_of_an_earlier_block() -> None:
    chain = chain_with()
    states = [dict(chain.utxo)]
    for _ in range(4):
        chain.submit(payment_on(chain).seal())
        states.append(dict(chain.utxo))
    for block, state in zip(chain.blocks, states, strict=True):
        assert dict(chain.utxo_at(block)) == state


def reopened(directory: Path) -> Chain:
    chain, store = open_chain(ChainConfig(state_dir=directory))
    assert store is not None
    store.close()
    return chain


def test_a_chain_on_disk_goes_on(tmp_path: Path) -> None:
    chain, store = open_chain(ChainConfig(state_dir=tmp_path, funds={ALICE_ADDRESS: 1_000_000_000}))
    assert store is not None
    for _ in range(3):
        chain.submit(payment_on(chain).seal())
    chain.rollback(1)
    chain.advance(1_000_000)
    name = chain.snapshot()
    chain.mine(2)
    chain.revert(name)
    store.close()
    again = reopened(tmp_path)
    assert [block.header_hash for block in again.blocks] == [
        block.header_hash for block in chain.blocks
    ]
    assert again.utxo == chain.utxo
    assert again.clock.offset_ms >= 1_000_000


def test_funds_can_only_be_said_again(tmp_path: Path) -> None:
    _, store = open_chain(ChainConfig(state_dir=tmp_path, funds={ALICE_ADDRESS: 7_000_000}))
    assert store is not None
    store.close()
    for funds in ({ALICE_ADDRESS: 8_000_000}, {BOB_ADDRESS: 7_000_000}):
        with pytest.raises(InvalidConfiguration, match="other funds"):
            open_chain(ChainConfig(state_dir=tmp_path, funds=funds))
    _, store = open_chain(ChainConfig(state_dir=tmp_path, funds={ALICE_ADDRESS: 7_000_000}))
    assert store is not None
    store.close()


def test_a_damaged_chain_on_disk_is_refused(tmp_path: Path) -> None:
    _, store = open_chain(ChainConfig(state_dir=tmp_path))
    assert store is not None
    store._database.execute("UPDATE blocks SET slot = slot + 1")
    store.close()
    with pytest.raises(InvalidConfiguration, match="damaged"):
        reopened(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chain.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(InvalidConfiguration, match=r"chain\.sqlite"):
        reopened(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", '{"minFeeCoefficient": "x"}', '{"result": {"version": 7}}']
)
def test_parameters_that_are_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "parameters.json"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration):
        read_parameters(path)


def test_parameters_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "parameters.json"
    path.write_text('{"result": {"minFeeCoefficient": 45}}')
    assert read_parameters(path).min_fee_coefficient == 45
    assert read_parameters(None) is MAINNET_PARAMETERS


@pytest.mark.parametrize("make", [chain_with, by_hand])
def test_listeners_hear_of_every_change(make: Callable[..., Chain]) -> None:
    chain, heard = make(), []
    chain.listeners.append(lambda: heard.append(chain.mempool.revision))
    chain.submit(payment_on(chain).seal())
    chain.mine()
    chain.rollback(1)
    assert len(heard) == 3


def test_development_accounts_never_change() -> None:
    """Tests of other people name them: number 0 is checked by hand, all follow from their numbers."""
    first, second = development_accounts(2)
    for number, account in enumerate((first, second)):
        text = b"development account %d of the embedded chain" % number
        assert account.seed == blake2b(text, digest_size=32).digest()
    assert str(first.address) == "addr_test1vrl3ma905xqlgpxp3ttw3mfjpe779muaefu6rf7zqaj0jlsp02hpx"
    assert first.signing_key_cbor_hex == "5820" + first.seed.hex()
    assert str(development_accounts(1, network_id=1)[0].address).startswith("addr1v")
    with pytest.raises(InvalidConfiguration, match="accounts"):
        development_accounts(1001)


def test_accounts_are_funded_when_asked_for_and_beside_everything_else() -> None:
    (account,) = development_accounts(1)
    own = account.address.to_bytes()

    def held(config: ChainConfig) -> list[int]:
        chain, _ = open_chain(config)
        amounts = [each.value.lovelace for each in chain.utxo.values() if each.address.raw == own]
        held = sum(each.value.lovelace for each in chain.utxo.values())
        assert held == SUPPLY_LOVELACE - RESERVES_LOVELACE
        return amounts

    assert held(ChainConfig()) == []
    assert held(ChainConfig(accounts=1)) == [10_000_000_000]
    funded = ChainConfig(accounts=1, funds={str(account.address): 5_000_000})
    assert held(funded) == [5_000_000, 10_000_000_000]
