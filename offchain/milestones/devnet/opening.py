"""A chain as it starts: a new one, or one that was written to disk before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference
from milestones.devnet.blocks import MAINNET_DEPOSITS, Block, apply_block, forge, included
from milestones.devnet.chain import Chain, Production
from milestones.devnet.clock import DEVNET_MAGIC, Calendar, Clock, calendar_for, machine_posix_ms
from milestones.devnet.funds import genesis_block, genesis_from
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS, Parameters
from milestones.devnet.ledger.staking_state import StakingState
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.persistence import Store, StoredBlock
from milestones.errors import InvalidConfiguration, InvalidInput

HISTORY_MS = 432_000_000 + 3_600_000
"""How long before its first block a new network has started: an epoch and an hour.

Clients subtract minutes from the tip's slot, and some take epoch 0 for no answer: on a network that is
older than its first epoch neither happens.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainConfig:
    """What a chain is made from. Times are POSIX milliseconds, funds lovelace by Bech32 address.

    So many development `accounts` are funded beside them, and so many `stake_pools` registered; a chain that
    is gone on with keeps its own.
    """

    network_magic: int = DEVNET_MAGIC
    start_posix_ms: int | None = None
    funds: Mapping[str, int] = field(default_factory=dict)
    accounts: int = 0
    stake_pools: int = 0
    parameters: Parameters = MAINNET_PARAMETERS
    production: Production = "at once"
    manual_clock: bool = False
    state_dir: Path | None = None


def open_chain(config: ChainConfig) -> tuple[Chain, Store | None]:
    """Starts a chain, or goes on with the one in `state_dir`.

    Raises `InvalidConfiguration` when that one is of another network, damaged, or can't be kept there.
    """
    if config.state_dir is None:
        return _new_chain(config, None), None
    store = Store(config.state_dir)
    try:
        known = store.fact("network_magic") is not None
        return (_stored_chain if known else _new_chain)(config, store), store
    except BaseException:
        store.close()
        raise


def _new_chain(config: ChainConfig, store: Store | None) -> Chain:
    now_ms = machine_posix_ms()
    start_ms = (now_ms - HISTORY_MS) // 1000 * 1000
    calendar = calendar_for(
        config.network_magic, config.start_posix_ms, default_start_posix_ms=start_ms
    )
    clock = Clock(calendar, manual=config.manual_clock)
    funds = {
        decode_address(_address(text, calendar)): amount for text, amount in config.funds.items()
    }
    genesis = genesis_block(
        calendar,
        clock.slot(),
        funds,
        now_ms,
        accounts=config.accounts,
        stake_pools=config.stake_pools,
    )
    if store is not None:
        store.append(genesis)
        store.set_fact("start_posix_ms", calendar.start_posix_ms)
        store.set_fact("network_magic", calendar.magic)
    return Chain(clock, config.parameters, [genesis], store=store, production=config.production)


def _address(text: str, calendar: Calendar) -> bytes:
    try:
        address = Address.from_bech32(text)
    except InvalidInput as error:
        raise error.inside("fund") from None
    if address.network_id != calendar.network_id:
        raise InvalidConfiguration(
            f"{text[:24]}… belongs to another network than this chain's",
            path="fund",
            hint="addresses off mainnet start with addr_test1",
        )
    return address.to_bytes()


def _stored_chain(config: ChainConfig, store: Store) -> Chain:
    magic = store.fact("network_magic")
    if magic != config.network_magic:
        raise InvalidConfiguration(
            f"the chain in {store.path.parent} has network magic {magic}, not {config.network_magic}",
            path="state_dir",
            hint="give its own magic, or another directory",
        )
    with store.undamaged("its calendar"):
        start_ms = store.fact("start_posix_ms")
        calendar = calendar_for(magic, start_ms, default_start_posix_ms=start_ms)
        offset_ms = store.fact("clock_offset_ms", 0)
        clock = Clock(calendar, manual=config.manual_clock, offset_ms=offset_ms)
        clock.slot()
    with store.undamaged("its blocks"):
        blocks = _read_blocks(store, calendar)
    if not blocks:
        raise store.damage("its blocks")
    _check_funds(config, calendar, blocks[0])
    clock.reach_slot(blocks[-1].slot)
    return Chain(clock, config.parameters, blocks, store=store, production=config.production)


def _check_funds(config: ChainConfig, calendar: Calendar, genesis: Block) -> None:
    """Funds are fixed with the first block: later they can only be said again."""
    (first,) = genesis.inclusions
    paid = {(each.address.raw, each.value.lovelace) for each in first.transaction.body.outputs}
    wanted = {(_address(text, calendar), amount) for text, amount in config.funds.items()}
    if not wanted <= paid:
        raise InvalidConfiguration(
            "the chain was started with other funds",
            path="fund",
            hint="leave them out and use the faucet, or start a new chain in another directory",
        )


def _read_blocks(store: Store, calendar: Calendar) -> list[Block]:
    utxo: dict[OutputReference, Output] = {}
    staking = StakingState()
    blocks: list[Block] = []
    for stored in store.blocks():
        epoch = calendar.epoch_of(stored.slot)
        block = _read_block(stored, utxo, staking, blocks, epoch)
        if block.header_hash != stored.header_hash:
            raise store.damage(f"block {stored.height}")
        blocks.append(block)
    return blocks


def _read_block(
    stored: StoredBlock,
    utxo: dict[OutputReference, Output],
    staking: StakingState,
    before: list[Block],
    epoch: int,
) -> Block:
    """Makes a block again out of its transactions, and does to `utxo` and `staking` what it does."""
    if not before:
        block = genesis_from(stored.slot, stored.transactions[0])
        apply_block(utxo, staking, block)
        return block
    for grant in stored.grants:
        staking.grant(*grant)
    inclusions = []
    for position, raw in enumerate(stored.transactions):
        deposits = stored.deposits.get(position, MAINNET_DEPOSITS)
        transaction = decode_transaction(raw)
        inclusion = included(utxo, transaction, staking, deposits=deposits, epoch=epoch)
        for reference in inclusion.consumed:
            del utxo[reference]
        utxo.update(inclusion.produced)
        staking.apply(inclusion.staking)
        inclusions.append(inclusion)
    return forge(stored.slot, tuple(inclusions), before[-1], stored.grants)
