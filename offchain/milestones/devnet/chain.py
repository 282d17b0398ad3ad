"""The chain: blocks, the outputs that are unspent at their tip, and the mempool.

Everything here is synchronous and knows no sockets: the servers are thin over it. Whoever wants to know
of changes puts a function into `listeners`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from milestones.cardano import cbor, encoding
from milestones.cardano.address import Credential
from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.devnet.blocks import (
    Block,
    Grant,
    Inclusion,
    Outputs,
    Point,
    UtxoSet,
    UtxoView,
    apply_block,
    forge,
    undo_block,
    undo_staking,
)
from milestones.devnet.clock import SLOT_MS, Clock
from milestones.devnet.funds import Faucet, out_of_nothing, reserves_of
from milestones.devnet.ledger.addresses import LedgerAddress
from milestones.devnet.ledger.certs import accounts_of
from milestones.devnet.ledger.failures import ConwayMempoolFailure, TransactionRejected
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.parameters import Parameters
from milestones.devnet.ledger.resolved_transaction import Environment
from milestones.devnet.ledger.rules import check, evaluate, profile
from milestones.devnet.ledger.staking_state import StakingState
from milestones.devnet.ledger.transaction import Transaction, decode_transaction
from milestones.devnet.ledger.utxos import ScriptProfile
from milestones.devnet.mempool import Mempool, MempoolFull, fitting_prefix
from milestones.devnet.origin import Fork
from milestones.devnet.persistence import Store
from milestones.errors import InvalidInput, NotFound

MAX_LEAD_SLOTS: Final = 60
"""How far blocks that are made at once may run ahead of the clock before they wait for it."""

MAX_FULL_LEAD_SLOTS: Final = 300
"""How far they may run ahead rather than let the senders to a full mempool wait."""

MOST_IN_BLOCK: Final = 1 << 20
"""More transactions than any block has, so that a height and a position are one number."""

Production = Literal["at once", "on schedule", "by hand"]
"""When blocks are made: for every submitted transaction, at intervals, or only when asked for."""


ALL_INPUTS_SPENT: Final = ConwayMempoolFailure(
    "All inputs are spent. Transaction has probably already been included"
)
"""Ledger rule `MEMPOOL`: nothing that the transaction spends is there, it came before perhaps."""


@dataclass(frozen=True, slots=True)
class State:
    """What there is after a chain's blocks. `index` is what a snapshot has of the index; None: nothing."""

    utxo: Outputs
    staking: StakingState
    index: bytes | None


def unspent_of(fork: Fork) -> Iterator[tuple[OutputReference, Output]]:
    """What is known of the other network's unspent outputs."""
    return ((ref, output) for ref, output in fork.outputs.items() if output is not None)


def register_all(fork: Fork, staking: StakingState) -> None:
    """Registers what is known of the other network's reward accounts."""
    for who, account in fork.accounts.items():
        if account is not None:
            staking.put_account(who, account)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The chain at a moment: tip, waiting transactions and the clock's offset."""

    tip: Block
    waiting: tuple[Transaction, ...]
    clock_offset_ms: int


class Chain:
    """One chain, its mempool and its clock. `blocks` are its blocks in order, the first at `first_height`.

    `state` is what there is after all blocks, where that is known; else they say it. A `fork` stands on
    another network's block, which is the first here. `impersonated` are credentials
    (hashes of 28 bytes) of which no witness is asked.
    """

    def __init__(
        self,
        clock: Clock,
        parameters: Parameters,
        blocks: list[Block],
        *,
        store: Store | None = None,
        production: Production = "at once",
        fork: Fork | None = None,
        state: State | None = None,
        impersonated: frozenset[bytes] = frozenset(),
    ) -> None:
        self.fork, self.impersonated = fork, impersonated
        self.clock, self.parameters, self.production = clock, parameters, production
        self.calendar = clock.calendar
        self.faucet = Faucet(self.calendar.magic, self.calendar.network_id)
        self.listeners: list[Callable[[], None]] = []
        self.blocks: list[Block] = []
        self.kept_index = None if state is None else state.index
        self.utxo = Outputs() if state is None else state.utxo
        self.staking = StakingState() if state is None else state.staking
        self.reserves_lovelace = reserves_of(blocks[0 if fork is None else 1])
        self._store = store
        self._places: dict[bytes, int] = {}
        self._heights: dict[bytes, int] = {}
        self._snapshots: dict[str, Snapshot] = {}
        if fork is not None:
            fork.taken, fork.registered = self.utxo.__setitem__, self.staking.put_account
            if state is None:
                self.utxo.update(unspent_of(fork))
                register_all(fork, self.staking)
        for block in blocks:
            if state is None:
                apply_block(self.utxo, self.staking, block)
            self._note(block)
        self.mempool = Mempool(self.utxo, self.staking)

    # -- what there is

    @property
    def tip(self) -> Block:
        """The latest block."""
        return self.blocks[-1]

    @property
    def first_height(self) -> int:
        """The height of the first block: 0, but for a fork."""
        return self.blocks[0].height

    @property
    def funding(self) -> Block:
        """The block that pays out what the chain began with: the first, or the first of a fork's own."""
        return self.blocks[0 if self.fork is None else 1]

    def at_height(self, height: int) -> Block | None:
        """The block of this height; None where there is none."""
        index = height - self.first_height
        return self.blocks[index] if 0 <= index < len(self.blocks) else None

    def next_after(self, block: Block | None) -> Block | None:
        """The block that follows one of this chain (None: the first); None after the tip."""
        return self.blocks[0] if block is None else self.at_height(block.height + 1)

    def contains(self, block: Block) -> bool:
        """Whether this block is still part of the chain."""
        return self.at_height(block.height) is block

    def block_at(self, point: Point) -> Block | None:
        """The block at exactly this point; None when the chain has none."""
        height = self._heights.get(point.header_hash)
        block = None if height is None else self.at_height(height)
        return block if block is not None and block.slot == point.slot else None

    def place_of(self, transaction_id: bytes) -> tuple[Block, int] | None:
        """The block that holds a transaction, and its position there; None when none does."""
        place = self._places.get(transaction_id)
        block = None if place is None else self.at_height(place // MOST_IN_BLOCK)
        return None if place is None or block is None else (block, place % MOST_IN_BLOCK)

    @property
    def transaction_count(self) -> int:
        """How many transactions the blocks hold."""
        return len(self._places)

    def latest_transactions(self) -> Iterator[tuple[Block, Inclusion]]:
        """Those in blocks with their block, the newest first, however many empty blocks came after."""
        for place in reversed(self._places.values()):
            block = self.blocks[place // MOST_IN_BLOCK - self.first_height]
            yield block, block.inclusions[place % MOST_IN_BLOCK]

    def transaction(self, transaction_id: bytes) -> Transaction | None:
        """A transaction in a block or in the mempool; None when it is in neither."""
        found = self._inclusion(transaction_id)
        return None if found is None else found.transaction

    def output(self, reference: OutputReference) -> Output | None:
        """An output that a transaction in a block or in the mempool made, spent since or not.

        On a fork also one of the other network's, as far as it was fetched.
        """
        found = self._inclusion(reference.transaction_id)
        if found is None and self.fork is not None:
            return self.fork.outputs.get(reference)
        return None if found is None else found.produced.get(reference)

    def require_outputs(self, references: Iterable[OutputReference]) -> None:
        """Returns once it is known which of these are unspent. Raises `NotFetched` on a fork."""
        if self.fork is not None:
            own, waiting = self._places, self.mempool
            self.fork.require_outputs(
                each
                for each in references
                if each.transaction_id not in own and each.transaction_id not in waiting
            )

    def _require(self, transaction: Transaction) -> None:
        body = transaction.body
        self.require_outputs((*body.inputs, *body.reference_inputs, *body.collateral))
        if self.fork is not None:
            self.fork.require_accounts(accounts_of(body))

    def _inclusion(self, transaction_id: bytes) -> Inclusion | None:
        place = self.place_of(transaction_id)
        if place is not None:
            return place[0].inclusions[place[1]]
        waiting = (each for each in self.mempool if each.id == transaction_id)
        return next(waiting, None)

    def utxo_at(self, block: Block) -> UtxoSet:
        """The outputs that were unspent after a block of this chain; valid until the chain changes."""
        if block is self.tip:
            return self.utxo
        view = UtxoView(self.utxo)
        for later in reversed(self.blocks[block.height + 1 - self.first_height :]):
            for inclusion in reversed(later.inclusions):
                view.undo(inclusion, self.output)
        return view

    def staking_at(self, block: Block) -> StakingState:
        """Who was registered after a block of this chain; valid until the chain changes."""
        if block is self.tip:
            return self.staking
        view = StakingState(self.staking)
        for later in reversed(self.blocks[block.height + 1 - self.first_height :]):
            undo_staking(view, later)
        return view

    def now_slot(self) -> int:
        """The slot of a block that would be made now."""
        return max(self.clock.slot(), self.tip.slot + 1)

    def environment(self) -> Environment:
        """What a transaction that is submitted now is judged against.

        Nodes judge in the slot after the tip's. Where blocks are not made at intervals, the tip may be
        old, and the slot of the block that is about to be made is what counts.
        """
        slot = self.tip.slot + 1 if self.production == "on schedule" else self.now_slot()
        return Environment(
            slot=slot,
            system_start_posix_ms=self.calendar.slot_zero_posix_ms,
            parameters=self.parameters,
            network_id=self.calendar.network_id,
            network_magic=self.calendar.magic,
            slot_length_ms=SLOT_MS,
            horizon_slot=self.calendar.horizon(self.tip.slot).slot,
            epoch=self.calendar.epoch_of(slot),
            staking=self.mempool.staking,
            impersonated=self.impersonated,
        )

    # -- transactions

    def submit(self, raw: bytes) -> bytes:
        """Judges a transaction and takes it into the mempool; returns its id.

        Raises `TransactionRejected`, or `MempoolFull`. With production "at once" it is in a block when
        this returns, unless the chain is ahead of its clock already.
        """
        transaction = decode_transaction(raw)
        self._require(transaction)
        self._make_room_for(transaction)
        view = self.mempool.utxo
        if transaction.body.inputs and not any(each in view for each in transaction.body.inputs):
            raise TransactionRejected(ALL_INPUTS_SPENT)
        environment = self.environment()
        check(transaction, view, environment)
        if not self.mempool.has_room_for(transaction, self.parameters):
            raise MempoolFull
        self.mempool.add(transaction, environment)
        if self.production == "at once" and self.may_make_block():
            self._make_block()
        self._notify()
        return transaction.id

    def _make_room_for(self, transaction: Transaction) -> None:
        lead_slots = self.now_slot() - self.clock.slot()
        if self.production != "at once" or lead_slots > MAX_FULL_LEAD_SLOTS:
            return
        if not self.mempool.has_room_for(transaction, self.parameters):
            self._make_block()
            self._notify()

    def evaluate(
        self,
        raw: bytes,
        additional: Mapping[OutputReference, Output],
        *,
        additional_first: bool = False,
    ) -> list[tuple[RedeemerPointer, ExecutionUnits]]:
        """What each script of a transaction would use, as Ogmios finds out.

        It sees the tip's outputs, those that a waiting transaction spends too, and what the mempool's
        transactions and `additional` add to them: `additional_first` says which of the two counts.
        """
        transaction = decode_transaction(raw)
        self._require(transaction)
        seen = self._seen(additional)
        if additional_first:
            seen.created.update(additional)
        return evaluate(transaction, seen, self.environment())

    def _seen(self, additional: Mapping[OutputReference, Output]) -> UtxoView:
        view = UtxoView(self.utxo)
        view.created.update(additional)
        for waiting in self.mempool:
            view.created.update(waiting.produced)
        return view

    def profile(
        self, transaction: Transaction, stand_ins: Mapping[bytes, bytes]
    ) -> list[ScriptProfile]:
        """What each script of a transaction uses where; `stand_ins` run in place of the scripts named.

        A transaction that the chain or the mempool has is run on the outputs that it found, within the units
        that it declares; any other on what `evaluate` sees. Raises `TransactionRejected`.
        """
        self._require(transaction)
        body = transaction.body
        known = self.transaction(transaction.id) is not None
        unspent: Mapping[OutputReference, Output] = self._seen({})
        if known:
            wanted = (*body.inputs, *body.reference_inputs, *body.collateral)
            found = {each: self.output(each) for each in wanted}
            unspent = {each: output for each, output in found.items() if output is not None}
        environment = self.environment()
        return profile(transaction, unspent, environment, stand_ins, within_declared=known)

    def pay_from_faucet(
        self, recipient: LedgerAddress, lovelace: int, tokens: Mapping[bytes, int]
    ) -> bytes:
        """Submits a transaction of the faucet's; returns its id."""
        raw = self.faucet.payment(
            self.mempool.utxo,
            recipient,
            lovelace,
            tokens,
            fee_per_byte=self.parameters.min_fee_coefficient,
            fee_constant=self.parameters.min_fee_constant,
        )
        return self.submit(raw)

    def place(self, output: bytes) -> OutputReference:
        """Puts an output (CBOR) there out of nothing, in the next block; returns where it will be.

        What it pays and to whom is judged by no rule; it must fit into a transaction. Raises `InvalidInput`.
        """
        name = (cbor.encode_bytes(self.tip.header_hash), encoding.integer(self.mempool.revision))
        placed = decode_transaction(out_of_nothing((output,), name))
        if len(placed.raw) > self.parameters.max_transaction_size:
            raise InvalidInput(
                f"it takes a transaction of {len(placed.raw)} bytes, and"
                f" {self.parameters.max_transaction_size} is the most",
                path="output",
                hint="leave something out",
            )
        if not self.mempool.has_room_for(placed, self.parameters):
            raise MempoolFull
        self.mempool.add(placed, self.environment())
        if self.production == "at once" and self.may_make_block():
            self._make_block()
        self._notify()
        return OutputReference(placed.id, 0)

    def change_parameters(self, parameters: Parameters) -> None:
        """What is submitted from now on is judged by these; what waits was judged already."""
        self.parameters = parameters
        self._notify()

    # -- blocks

    def may_make_block(self) -> bool:
        """Whether a block made now would not run too far ahead of the clock."""
        return self.clock.manual or self.now_slot() - self.clock.slot() <= MAX_LEAD_SLOTS

    def produce(self) -> Block:
        """Makes a block because it is time for one, of what fits of the mempool; the clock stays."""
        made = self._make_block()
        self._notify()
        return made

    def mine(self, count: int = 1) -> list[Block]:
        """Makes blocks because somebody asks for them, empty ones included.

        Each has a slot of its own, so they may run ahead of the clock: it then moves to the last of them,
        and time goes on from there.
        """
        if not 0 < count <= 10_000:
            raise InvalidInput("from 1 to 10,000 blocks can be made at once", path="count")
        made = [self._make_block() for _ in range(count)]
        if self.clock.reach_slot(self.tip.slot):
            self._keep_clock()
        self._notify()
        return made

    def grant_rewards(self, credential: Credential, lovelace: int) -> Block:
        """Makes a block that takes rewards out of the reserves and gives them to a registered account.

        What waits stays waiting, but for withdrawals of less than the account now holds. Raises `NotFound`
        and `InvalidInput`.
        """
        if self.fork is not None:
            self.fork.require_accounts((credential,))
        if self.staking.account(credential) is None:
            raise NotFound(
                "this reward account is not registered",
                hint="submit its registration, and have it in a block, first",
            )
        if lovelace > self.reserves_lovelace:
            raise InvalidInput(
                f"the reserves hold {self.reserves_lovelace} lovelace", path="lovelace"
            )
        slot = self.now_slot()
        if self.clock.manual:
            self.clock.reach_slot(slot)
        block = forge(slot, (), self.tip, (Grant(credential, lovelace),))
        self._append(block, self.mempool.transactions)
        self._notify()
        return block

    def advance(self, milliseconds: int) -> Block:
        """Moves the clock forward and makes a block there, so that the tip shows the new time."""
        self.clock.advance(milliseconds)
        self._keep_clock()
        return self.mine()[0]

    def rollback(self, count: int) -> Block:
        """Takes the last blocks away; their transactions wait again where they still fit."""
        most = self.tip.height - self.funding.height
        if not 0 < count <= most:
            raise InvalidInput(
                f"{count} blocks can't be taken away, there are {most}",
                path="count",
                hint="the first block stays",
            )
        waiting = self._undo_to(self.blocks[-1 - count])
        self._write_from(self.tip.height + 1)
        self.mempool.reset((*waiting, *self.mempool.transactions), self.environment())
        self._notify()
        return self.tip

    def snapshot(self) -> str:
        """Notes the chain as it is; returns the name to give to `revert`."""
        name = str(len(self._snapshots) + 1)
        self._snapshots[name] = Snapshot(self.tip, self.mempool.transactions, self.clock.offset_ms)
        return name

    def revert(self, name: str) -> Block:
        """Makes the chain, the mempool and the clock what they were at a snapshot."""
        if name not in self._snapshots:
            raise NotFound(f"there is no snapshot {name!r}", hint="take one first")
        wanted = self._snapshots[name]
        missing = [wanted.tip]
        while not self.contains(missing[-1]):
            missing.append(missing[-1].parent or self.blocks[0])
        self._undo_to(missing.pop())
        for block in reversed(missing):
            self._adopt(block)
        self._write_from(self.tip.height - len(missing) + 1)
        self.clock.restore(wanted.clock_offset_ms)
        self._keep_clock()
        self.mempool.reset(wanted.waiting, self.environment())
        self._notify()
        return self.tip

    def _make_block(self) -> Block:
        slot = self.now_slot()
        if self.clock.manual:
            self.clock.reach_slot(slot)
        self.mempool.drop_expired(self._environment_in(slot))
        taken = fitting_prefix(tuple(self.mempool), self.parameters)
        block = forge(slot, taken, self.tip)
        self._append(block, self.mempool.transactions[len(taken) :])
        return block

    def _append(self, block: Block, waiting: tuple[Transaction, ...]) -> None:
        if self._store is not None:
            self._store.append(block)
        self._adopt(block)
        self.mempool.reset(waiting, self._environment_in(block.slot + 1))

    def _environment_in(self, slot: int) -> Environment:
        return replace(self.environment(), slot=slot, epoch=self.calendar.epoch_of(slot))

    def _adopt(self, block: Block) -> None:
        apply_block(self.utxo, self.staking, block)
        self._note(block)

    def _note(self, block: Block) -> None:
        """Knows a block from now on, whose effects are there."""
        self.reserves_lovelace -= sum(grant.lovelace for grant in block.grants)
        self.blocks.append(block)
        self._heights[block.header_hash] = block.height
        for position, inclusion in enumerate(block.inclusions):
            self._places[inclusion.id] = block.height * MOST_IN_BLOCK + position

    def _undo_to(self, target: Block) -> list[Transaction]:
        """Takes blocks away until `target` is the tip; returns their transactions in order."""
        undone = self.blocks[target.height + 1 - self.first_height :]
        for block in reversed(undone):
            undo_block(self.utxo, self.staking, block, self.output)
            self.reserves_lovelace += sum(grant.lovelace for grant in block.grants)
            del self._heights[block.header_hash]
            self.blocks.pop()
        transactions = [each.transaction for block in undone for each in block.inclusions]
        for transaction in transactions:
            del self._places[transaction.id]
        return transactions

    def _write_from(self, height: int) -> None:
        if self._store is not None:
            self._store.replace_from(height, tuple(self.blocks[height - self.first_height :]))

    def _keep_clock(self) -> None:
        if self._store is not None:
            self._store.set_fact("clock_offset_ms", self.clock.offset_ms)

    def _notify(self) -> None:
        for listener in tuple(self.listeners):
            listener()
