"""A chain as it starts: a new one, or one that was written to disk before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from milestones.cardano.address import Address
from milestones.devnet.blocks import (
    MAINNET_DEPOSITS,
    Block,
    Inclusion,
    Outputs,
    apply_block,
    forge,
    included,
)
from milestones.devnet.chain import Chain, Production, State, register_all, unspent_of
from milestones.devnet.clock import DEVNET_MAGIC, Calendar, Clock, calendar_for, machine_posix_ms
from milestones.devnet.funds import genesis_block, genesis_from
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.certs import staking_changes
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS, Parameters
from milestones.devnet.ledger.staking_state import Change, StakingState
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.origin import FACTS, Fork, Origin, OriginFacts, facts_in
from milestones.devnet.persistence import Store, StoredBlock
from milestones.devnet.snapshots import KeptState
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
    is gone on with keeps its own. With `facts` a new chain is a fork, whose calendar
    and magic are in them; `origin` answers what isn't kept.
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
    facts: OriginFacts | None = None
    origin: Origin | None = None
    impersonated: frozenset[bytes] = frozenset()


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
    now_ms, facts = machine_posix_ms(), config.facts
    calendar = _calendar(config, now_ms) if facts is None else facts.calendar
    clock = Clock(calendar, manual=config.manual_clock)
    slot, base = clock.slot(), []
    if facts is not None:
        # Time goes on from the point, whenever that was.
        clock.restore(calendar.start_of(facts.point.slot) - clock.posix_ms())
        slot, base = facts.point.slot + 1, [facts.base]
    funds = {
        decode_address(_address(text, calendar)): amount for text, amount in config.funds.items()
    }
    first = genesis_block(
        calendar,
        slot,
        funds,
        now_ms,
        accounts=config.accounts,
        stake_pools=config.stake_pools,
        parent=base[0] if base else None,
    )
    if store is not None:
        if facts is not None:
            store.set_fact(FACTS, facts.to_json())
            store.set_fact("clock_offset_ms", clock.offset_ms)
        store.append(first)
        store.set_fact("start_posix_ms", calendar.start_posix_ms)
        store.set_fact("network_magic", calendar.magic)
    fork = None if facts is None else Fork(facts, config.origin, store)
    return _chain(config, clock, [*base, first], store, fork)


def _calendar(config: ChainConfig, now_ms: int) -> Calendar:
    start_ms = (now_ms - HISTORY_MS) // 1000 * 1000
    return calendar_for(
        config.network_magic, config.start_posix_ms, default_start_posix_ms=start_ms
    )


def _chain(
    config: ChainConfig,
    clock: Clock,
    blocks: list[Block],
    store: Store | None,
    fork: Fork | None,
    *,
    state: State | None = None,
) -> Chain:
    return Chain(
        clock,
        config.parameters,
        blocks,
        store=store,
        production=config.production,
        fork=fork,
        state=state,
        impersonated=config.impersonated,
    )


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
    if config.facts is not None and facts_in(store) is None:
        raise InvalidConfiguration(
            f"the chain in {store.path.parent} is no fork",
            path="state_dir",
            hint="fork into another directory, or leave --fork-ogmios and --fork-kupo out",
        )
    if magic != config.network_magic:
        raise InvalidConfiguration(
            f"the chain in {store.path.parent} has network magic {magic}, not {config.network_magic}",
            path="state_dir",
            hint="give its own magic, or another directory",
        )
    with store.undamaged("its calendar"):
        start_ms, facts = store.fact("start_posix_ms"), facts_in(store)
        calendar = (
            calendar_for(magic, start_ms, default_start_posix_ms=start_ms)
            if facts is None
            else facts.calendar
        )
        offset_ms = store.fact("clock_offset_ms", 0)
        clock = Clock(calendar, manual=config.manual_clock, offset_ms=offset_ms)
        clock.slot()
    fork = None if facts is None else Fork(facts, config.origin, store)
    base = [] if facts is None else [facts.base]
    with store.undamaged("its blocks"):
        blocks, state = _read_blocks(store, calendar, fork, base)
    if not blocks:
        raise store.damage("its blocks")
    _check_funds(config, calendar, blocks[0])
    clock.reach_slot(blocks[-1].slot)
    return _chain(config, clock, [*base, *blocks], store, fork, state=state)


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


def _read_blocks(
    store: Store, calendar: Calendar, fork: Fork | None, base: list[Block]
) -> tuple[list[Block], State]:
    """The blocks, and what there is after them: from the snapshot on, where it is one of these blocks."""
    blocks, count = list[Block](), 0
    utxo = Outputs() if fork is None else Outputs(unspent_of(fork))
    staking, kept = StakingState(), _kept_state(store)
    if fork is not None:
        register_all(fork, staking)
    for stored in store.blocks():
        epoch = calendar.epoch_of(stored.slot)
        before = blocks or base
        parent = before[-1] if before else None
        known = kept if kept is not None and stored.height <= kept.height else None
        if known is not None and blocks:
            block = _known_block(stored, staking, parent, epoch, kept=known, count=count)
        else:
            block = _read_block(stored, utxo, staking, parent, epoch, first=not blocks)
        if block.header_hash != stored.header_hash:
            raise store.damage(f"block {stored.height}")
        blocks.append(block)
        count += len(block.inclusions)
        if known is not None and stored.height == known.height:
            if known.header_hash != stored.header_hash:
                raise store.damage("its snapshot")
            utxo = known.utxo
            if fork is not None:
                # What was fetched since the snapshot, and nothing here has spent.
                spent = {ref for each in blocks for one in each.inclusions for ref in one.spent}
                utxo.update((r, each) for r, each in unspent_of(fork) if r not in spent)
    if kept is not None and blocks and blocks[-1].height < kept.height:
        raise store.damage("its snapshot")
    return blocks, State(utxo, staking, None if kept is None else kept.index)


def _kept_state(store: Store) -> KeptState | None:
    found = store.snapshot()
    return None if found is None else KeptState.read(found[0], found[2], found[1])


def _known_block(
    stored: StoredBlock,
    staking: StakingState,
    parent: Block | None,
    epoch: int,
    *,
    kept: KeptState,
    count: int,
) -> Block:
    """A block of before the snapshot: only what changes who is registered is read; `count` are before it."""
    for grant in stored.grants:
        staking.grant(*grant)
    inclusions = []
    for position, raw in enumerate(stored.transactions):
        number, changes = count + position, tuple[Change, ...]()
        deposits = stored.deposits.get(position, MAINNET_DEPOSITS)
        if number in kept.registering:
            changes = staking_changes(decode_transaction(raw).body, staking, deposits, epoch)
            staking.apply(changes)
        named = kept.ids[32 * number : 32 * number + 32], kept.script_sizes[number]
        inclusions.append(Inclusion(raw, *named, changes, deposits))
    return forge(stored.slot, tuple(inclusions), parent, stored.grants)


def _read_block(
    stored: StoredBlock,
    utxo: Outputs,
    staking: StakingState,
    parent: Block | None,
    epoch: int,
    *,
    first: bool,
) -> Block:
    """Makes a block again out of its transactions, and does to `utxo` and `staking` what it does."""
    if first:
        block = genesis_from(stored.slot, stored.transactions[0], parent)
        apply_block(utxo, staking, block)
        return block
    for grant in stored.grants:
        staking.grant(*grant)
    inclusions = []
    for position, raw in enumerate(stored.transactions):
        deposits = stored.deposits.get(position, MAINNET_DEPOSITS)
        transaction = decode_transaction(raw)
        inclusion = included(utxo, transaction, staking, deposits=deposits, epoch=epoch)
        for reference in inclusion.spent:
            del utxo[reference]
        utxo.update(inclusion.produced)
        staking.apply(inclusion.staking)
        inclusions.append(inclusion)
    return forge(stored.slot, tuple(inclusions), parent, stored.grants)
