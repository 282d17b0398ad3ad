"""The index: which outputs were created and spent where, as far as the patterns reach.

It follows the chain on its own, block by block, rolls back with it, and can be made to stand still.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from milestones.cardano.address import Credential
from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.parameters import RedeemerPointer
from milestones.devnet.blocks import Block, Inclusion, Point, Spent
from milestones.devnet.chain import Chain
from milestones.devnet.kupo.patterns import Pattern, parse_pattern
from milestones.devnet.ledger.auxiliary_data import decode_metadata
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.origin import Fork


@dataclass(slots=True)
class Match:
    """An output that a pattern asked for."""

    reference: OutputReference
    output: Output
    transaction_index: int
    created: Point
    labels: frozenset[int]
    spent: Spent | None = None


@dataclass(slots=True)
class Watch:
    """A pattern and the slots over which it was watched: after `since_slot`, up to `until_slot`."""

    pattern: Pattern
    since_slot: int
    until_slot: int | None = None

    def covers(self, slot: int) -> bool:
        """Whether blocks of this slot are looked at with this pattern."""
        return self.since_slot < slot and (self.until_slot is None or slot <= self.until_slot)


@dataclass(slots=True)
class _Change:
    """What one block did to the index."""

    created: list[OutputReference] = field(default_factory=list)
    spent: list[OutputReference] = field(default_factory=list)


class Index:
    """Matches by where they stand, in the chain's order, and whatever datums and scripts were seen."""

    def __init__(self, chain: Chain, watches: Iterable[Watch]) -> None:
        self.chain = chain
        self.watches = list(watches)
        self.frozen = False
        self.matches: dict[OutputReference, Match] = {}
        self.datums: dict[bytes, bytes] = {}
        self.scripts: dict[bytes, Script] = {}
        self._groups: dict[bytes, dict[OutputReference, Match]] = {}
        self._path: list[tuple[Block, _Change]] = []
        self._taken_up: set[tuple[str, int]] = set()
        self.follow()

    @property
    def checkpoint(self) -> Block | None:
        """The latest block that was indexed; None before the first."""
        return self._path[-1][0] if self._path else None

    def checkpoints(self) -> Iterator[Block]:
        """The indexed blocks, the latest first."""
        return (block for block, _ in reversed(self._path))

    @property
    def patterns(self) -> list[Pattern]:
        """The patterns that are active now."""
        return [watch.pattern for watch in self.watches if watch.until_slot is None]

    def follow(self) -> None:
        """Catches up with the chain: back to where both agree, then forward to its tip."""
        if self.frozen:
            return
        while self._path and not self.chain.contains(self._path[-1][0]):
            self._back()
        self._take_up_origin()
        for block in self.chain.blocks[len(self._path) :]:
            self._forward(block)

    def watch(self, patterns: Iterable[Pattern], since_slot: int) -> None:
        """Adds patterns, goes back to `since_slot` and indexes the same blocks again from there."""
        for pattern in patterns:
            self.watches = [each for each in self.watches if not _same(each, pattern, since_slot)]
            self.watches.append(Watch(pattern, since_slot))
        undone: list[Block] = []
        while self._path and self._path[-1][0].slot > since_slot:
            undone.append(self._back())
        for block in reversed(undone):
            self._forward(block)
        self.follow()

    def unwatch(self, pattern: Pattern) -> int:
        """Ends a pattern; what it matched stays. Returns how many patterns that ended."""
        slot = -1 if self.checkpoint is None else self.checkpoint.slot
        ended = [
            watch
            for watch in self.watches
            if watch.until_slot is None and watch.pattern.text == pattern.text
        ]
        for watch in ended:
            watch.until_slot = slot
        return len(ended)

    def forget(self, pattern: Pattern) -> int:
        """Drops the matches of a pattern that is no longer active. Returns how many."""
        dropped = list(self.select(pattern))
        for match in dropped:
            self._remove(match.reference)
        self.watches = [
            watch
            for watch in self.watches
            if watch.until_slot is None or not _covers(pattern, watch.pattern)
        ]
        return len(dropped)

    def select(self, pattern: Pattern, since_slot: int | None = None) -> Iterator[Match]:
        """The matches that a pattern asks for, in the chain's order, and perhaps older ones than `since_slot`.

        Raises `NotFetched` on a fork.
        """
        fork = self.chain.fork
        if fork is None:
            return self._select(pattern)
        wanted = pattern.transaction_id
        own = wanted is not None and self.chain.place_of(wanted) is not None
        recent = since_slot is not None and since_slot > fork.facts.point.slot
        if not own and not recent and not self._was_asked(pattern, fork):
            fork.require_matches(pattern.text, since_slot if pattern.is_any else None)
        self._take_up_origin()
        return iter(sorted(self._select(pattern), key=_order))

    @staticmethod
    def _was_asked(pattern: Pattern, fork: Fork) -> bool:
        return any(
            _answers(parse_pattern(text), pattern) for text, since in fork.matches if not since
        )

    def datum(self, digest: bytes) -> bytes | None:
        """The datum with this hash; None where it was never seen. Raises `NotFetched` on a fork."""
        found, fork = self.known_datum(digest), self.chain.fork
        return fork.datum(digest) if found is None and fork is not None else found

    def known_datum(self, digest: bytes) -> bytes | None:
        """The datum with this hash, as far as it is at hand."""
        found, fork = self.datums.get(digest), self.chain.fork
        return fork.datums.get(digest) if found is None and fork is not None else found

    def script(self, digest: bytes) -> Script | None:
        """The script with this hash; None where it was never seen. Raises `NotFetched` on a fork."""
        found, fork = self.scripts.get(digest), self.chain.fork
        return fork.script(digest) if found is None and fork is not None else found

    def _take_up_origin(self) -> None:
        """Adds what has been fetched since of the network that the chain was forked from."""
        fork = self.chain.fork
        if fork is None:
            return
        for asked in fork.matches.keys() - self._taken_up:
            self._taken_up.add(asked)
            for each in fork.matches[asked]:
                if each.reference not in self.matches:
                    position, created = each.transaction_index, each.created
                    found = (each.reference, each.output, position, created, frozenset[int]())
                    self._add(Match(*found, each.spent))
                    self._find_spender(each.reference)

    def _find_spender(self, reference: OutputReference) -> None:
        """Notes that a block of the chain's own spent an output before its match was known."""
        for block, change in self._path:
            for inclusion in block.inclusions:
                if reference in inclusion.consumed:
                    self._note_spent(block, inclusion, change)

    def _select(self, pattern: Pattern) -> Iterator[Match]:
        keys = (pattern.address, pattern.payment, pattern.policy_id, pattern.transaction_id)
        key = next((each for each in keys if each is not None), None)
        candidates = self.matches if key is None else self._groups.get(key, {})
        for match in tuple(candidates.values()):
            if pattern.matches(match.reference, match.output, match.labels):
                yield match

    def _forward(self, block: Block) -> None:
        change = _Change()
        patterns = [watch.pattern for watch in self.watches if watch.covers(block.slot)]
        for position, inclusion in enumerate(block.inclusions):
            self._note_spent(block, inclusion, change)
            self._note_created(block, position, inclusion, patterns, change)
        self._path.append((block, change))

    def _note_spent(self, block: Block, inclusion: Inclusion, change: _Change) -> None:
        transaction = inclusion.transaction
        redeemers = {each.pointer: each.data for each in transaction.witnesses.redeemers}
        for index, reference in enumerate(sorted(inclusion.consumed)):
            match = self.matches.get(reference)
            if match is not None and match.spent is None:
                pointer = RedeemerPointer("spend", index)
                redeemer = redeemers.get(pointer) if transaction.is_valid else None
                match.spent = Spent(block.point, transaction.id, index, redeemer)
                change.spent.append(reference)

    def _note_created(
        self,
        block: Block,
        position: int,
        inclusion: Inclusion,
        patterns: list[Pattern],
        change: _Change,
    ) -> None:
        transaction = inclusion.transaction
        self.datums.update(transaction.witnesses.datums)
        self.scripts.update(transaction.witnesses.scripts)
        auxiliary = transaction.auxiliary_data
        labels = frozenset(decode_metadata(auxiliary)) if auxiliary else frozenset[int]()
        for reference, output in inclusion.produced.items():
            if any(pattern.matches(reference, output, labels) for pattern in patterns):
                self._add(Match(reference, output, position, block.point, labels))
                change.created.append(reference)

    def _back(self) -> Block:
        """Takes back what the latest block did; returns that block."""
        block, change = self._path.pop()
        for reference in change.spent:
            if reference in self.matches:
                self.matches[reference].spent = None
        for reference in change.created:
            self._remove(reference)
        return block

    def _add(self, match: Match) -> None:
        output = match.output
        if output.datum is not None and output.resolved_datum_hash is not None:
            self.datums[output.resolved_datum_hash] = output.datum
        if output.script is not None:
            self.scripts[output.script.hash()] = output.script
        self.matches[match.reference] = match
        for key in _keys(match):
            self._groups.setdefault(key, {})[match.reference] = match

    def _remove(self, reference: OutputReference) -> None:
        match = self.matches.pop(reference, None)
        if match is not None:
            for key in _keys(match):
                del self._groups[key][reference]


def _answers(asked: Pattern, pattern: Pattern) -> bool:
    """Whether what was asked for before holds all that is asked for now."""
    return asked.text == pattern.text or (
        pattern.transaction_id is None and asked.transaction_id is None and asked.includes(pattern)
    )


def _order(match: Match) -> tuple[int, int, int]:
    return match.created.slot, match.transaction_index, match.reference.index


def _covers(pattern: Pattern, other: Pattern) -> bool:
    """Whether nothing that `other` matches is left once what `pattern` matches is dropped."""
    whole = pattern.transaction_id is not None and pattern.output_index is None
    same = pattern.transaction_id == other.transaction_id
    return same if whole else pattern.includes(other)


def _same(watch: Watch, pattern: Pattern, since_slot: int) -> bool:
    """Whether a watch is superseded by one of the same pattern that starts no later."""
    return watch.pattern.text == pattern.text and watch.since_slot >= since_slot


def _keys(match: Match) -> set[bytes]:
    """What a match is found by."""
    address = match.output.address
    keys = {address.raw, match.reference.transaction_id, *match.output.value.policies()}
    if isinstance(address.payment, Credential):
        keys.add(address.payment.hash)
    return keys
