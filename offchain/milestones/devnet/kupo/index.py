"""The index: which outputs were created and spent where, as far as the patterns reach.

It follows the chain on its own, block by block, rolls back with it, and can be made to stand still. What it
keeps of an output are numbers: the block, the transaction's position there and the output's, in the chain's
order, and the same of the input that spent it. What is asked for is read out of the blocks.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from milestones.cardano.address import Credential
from milestones.cardano.outputs import OutputReference, Script
from milestones.devnet.blocks import Block, Inclusion
from milestones.devnet.chain import Chain
from milestones.devnet.kupo.patterns import Pattern, parse_pattern
from milestones.devnet.kupo.records import NOT_SPENT, Match, Path, Records, labels_of, spent_by
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.origin import Fork
from milestones.devnet.snapshots import join, join_pairs, numbers, split, split_pairs


@dataclass(slots=True)
class Watch:
    """A pattern and the slots over which it was watched: after `since_slot`, up to `until_slot`."""

    pattern: Pattern
    since_slot: int
    until_slot: int | None = None

    def covers(self, slot: int) -> bool:
        """Whether blocks of this slot are looked at with this pattern."""
        return self.since_slot < slot and (self.until_slot is None or slot <= self.until_slot)


class Index:
    """Matches by where they stand, in the chain's order, and whatever datums and scripts were seen."""

    def __init__(self, chain: Chain, watches: Iterable[Watch]) -> None:
        self.chain = chain
        self.watches = list(watches)
        self.frozen = False
        self.datums: dict[bytes, bytes] = {}
        self.scripts: dict[bytes, Script] = {}
        self._records = Records()
        self._first: dict[bytes, int] = {}
        self._groups: dict[bytes, array[int]] = {}
        self._path: list[Block] = []
        self._starts = array("I")
        self._origin: dict[OutputReference, Match] = {}
        self._taken_up: set[tuple[str, int]] = set()
        if chain.kept_index is not None and chain.fork is None:
            self._restore(chain.kept_index)
        self.follow()

    def packed(self) -> bytes:
        """What the index is, in bytes; for a start that finds the same patterns and the same blocks."""
        scripts = ((each.language.encode(), each.code) for each in self.scripts.values())
        groups = ((key, each.tobytes()) for key, each in self._groups.items() if each)
        return join(
            (
                self._fingerprint(),
                self._records.packed(),
                self._starts.tobytes(),
                join_pairs(groups),
                join_pairs(self.datums.items()),
                join_pairs(scripts),
            )
        )

    def _fingerprint(self) -> bytes:
        watches = [(each.pattern.text, each.since_slot, each.until_slot) for each in self.watches]
        return repr(watches).encode()

    def _restore(self, raw: bytes) -> None:
        """Takes up a snapshot; where the patterns are other ones, the blocks are read instead."""
        fingerprint, records, starts, groups, datums, scripts = split(raw)
        if fingerprint != self._fingerprint():
            return
        self._records, self._starts = Records.unpacked(records), numbers("I", starts)
        self._path = self.chain.blocks[: len(self._starts)]
        self._groups = {key: numbers("I", each) for key, each in split_pairs(groups)}
        self.datums = dict(split_pairs(datums))
        for language, code in split_pairs(scripts):
            script = Script(language.decode(), code)  # type: ignore[arg-type]
            self.scripts[script.hash()] = script
        kept = self._records
        for number, (block, position) in enumerate(zip(kept.block, kept.position, strict=True)):
            self._first.setdefault(self._path[block].inclusions[position].id, number)

    @property
    def checkpoint(self) -> Block | None:
        """The latest block that was indexed; None before the first."""
        return self._path[-1] if self._path else None

    def checkpoints(self) -> Iterator[Block]:
        """The indexed blocks, the latest first."""
        return reversed(self._path)

    @property
    def patterns(self) -> list[Pattern]:
        """The patterns that are active now."""
        return [watch.pattern for watch in self.watches if watch.until_slot is None]

    def follow(self) -> None:
        """Catches up with the chain: back to where both agree, then forward to its tip."""
        if self.frozen:
            return
        while self._path and not self.chain.contains(self._path[-1]):
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
        while self._path and self._path[-1].slot > since_slot:
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
        dropped = 0
        for number in self._candidates(pattern):
            match = self._records.match(number, self._path, self.chain.utxo)
            if not self._records.hidden[number] and _asks_for(pattern, match):
                self._records.hidden[number] = 1
                dropped += 1
        self.watches = [
            watch
            for watch in self.watches
            if watch.until_slot is None or not _covers(pattern, watch.pattern)
        ]
        return dropped

    def select(
        self,
        pattern: Pattern,
        since_slot: int | None = None,
        *,
        unspent: bool = False,
        newest_first: bool = False,
    ) -> Iterator[Match]:
        """The matches that a pattern asks for, in the chain's order, or in the reverse of it.

        They are as the index is now, whatever comes while they are read: of each a few numbers are kept until
        then. There may be older ones than `since_slot` among them. With `unspent`, those that were spent are
        left out. Raises `NotFetched` on a fork.
        """
        fork = self.chain.fork
        if fork is not None:
            wanted = pattern.transaction_id
            own = wanted is not None and self.chain.place_of(wanted) is not None
            recent = since_slot is not None and since_slot > fork.facts.point.slot
            if not own and not recent and not self._was_asked(pattern, fork):
                fork.require_matches(pattern.text, since_slot if pattern.is_any else None)
            self._take_up_origin()
        # What was there before the fork's first block comes before all that happened since.
        fetched = [
            replace(each)
            for each in sorted(self._origin.values(), key=_order)
            if not (unspent and each.spent) and _asks_for(pattern, each)
        ]
        records = self._records.taken(self._candidates(pattern), unspent=unspent)
        path = {number: self._path[number] for number in records.blocks()}
        return self._read(pattern, fetched, records, path, newest_first=newest_first)

    def _read(
        self,
        pattern: Pattern,
        fetched: Sequence[Match],
        records: Records,
        path: Path,
        *,
        newest_first: bool,
    ) -> Iterator[Match]:
        numbers = range(len(records))
        if not newest_first:
            yield from fetched
        for number in reversed(numbers) if newest_first else numbers:
            match = records.match(number, path, self.chain.utxo)
            if _asks_for(pattern, match):
                yield match
        if newest_first:
            yield from reversed(fetched)

    def _candidates(self, pattern: Pattern) -> Sequence[int]:
        keys = (pattern.address, pattern.payment, pattern.policy_id)
        key = next((each for each in keys if each is not None), None)
        if key is not None:
            return self._groups.get(key, ())
        if pattern.transaction_id is None:
            return range(len(self._records))
        first = self._first.get(pattern.transaction_id)
        return () if first is None else range(first, self._end_of(first))

    def _end_of(self, first: int) -> int:
        """The number after the outputs of the transaction whose first is given."""
        records, end = self._records, first
        where = records.block[first], records.position[first]
        while end < len(records) and (records.block[end], records.position[end]) == where:
            end += 1
        return end

    def _number_of(self, reference: OutputReference) -> int | None:
        first = self._first.get(reference.transaction_id)
        if first is None:
            return None
        numbers = range(first, self._end_of(first))
        return next((n for n in numbers if self._records.output[n] == reference.index), None)

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
            label = parse_pattern(asked[0]).label
            for each in fork.matches[asked]:
                if each.reference not in self._origin:
                    found = (each.reference, each.output, each.transaction_index, each.created)
                    self._origin[each.reference] = Match(*found, None, each.spent)
                    self._find_spender(each.reference)
                if label is not None:
                    self._origin[each.reference].known_labels |= {label}

    def _find_spender(self, reference: OutputReference) -> None:
        """Notes that a block of the chain's own spent an output before its match was known."""
        for block in self._path:
            for inclusion in block.inclusions:
                if reference in inclusion.spent:
                    index = sorted(inclusion.spent).index(reference)
                    self._origin[reference].spent = spent_by(block, inclusion, index)

    def _forward(self, block: Block) -> None:
        self._starts.append(len(self._records))
        self._path.append(block)
        patterns = [watch.pattern for watch in self.watches if watch.covers(block.slot)]
        for position, inclusion in enumerate(block.inclusions):
            self._note_spent(block, position, inclusion)
            self._note_created(position, inclusion, patterns)

    def _note_spent(self, block: Block, position: int, inclusion: Inclusion) -> None:
        for index, reference in enumerate(sorted(inclusion.spent)):
            number = self._number_of(reference)
            if number is not None:
                self._records.spend(number, len(self._path) - 1, position, index)
            elif reference in self._origin:
                self._origin[reference].spent = spent_by(block, inclusion, index)

    def _note_created(self, position: int, inclusion: Inclusion, patterns: list[Pattern]) -> None:
        transaction = inclusion.transaction
        self.datums.update(transaction.witnesses.datums)
        self.scripts.update(transaction.witnesses.scripts)
        everything = any(pattern.text == "*" for pattern in patterns)
        labels = frozenset[int]() if everything else labels_of(inclusion)
        for reference, output in inclusion.produced.items():
            if everything or any(each.matches(reference, output, labels) for each in patterns):
                self._add(position, reference, output)

    def _back(self) -> Block:
        """Takes back what the latest block did; returns that block."""
        block, start = self._path[-1], self._starts.pop()
        for inclusion in block.inclusions:
            for reference in inclusion.spent:
                number = self._number_of(reference)
                if number is not None:
                    self._records.spent_block[number] = NOT_SPENT
                elif reference in self._origin:
                    self._origin[reference].spent = None
        for number in reversed(range(start, len(self._records))):
            match = self._records.match(number, self._path, self.chain.utxo)
            for key in _keys(match.output):
                self._groups[key].pop()
            self._first.pop(match.reference.transaction_id, None)
        self._records.cut(start)
        self._path.pop()
        return block

    def _add(self, position: int, reference: OutputReference, output: Output) -> None:
        if output.datum is not None and output.resolved_datum_hash is not None:
            self.datums[output.resolved_datum_hash] = output.datum
        if output.script is not None:
            self.scripts[output.script.hash()] = output.script
        number = self._records.add(len(self._path) - 1, position, reference.index)
        self._first.setdefault(reference.transaction_id, number)
        for key in _keys(output):
            self._groups.setdefault(key, array("I")).append(number)


def _asks_for(pattern: Pattern, match: Match) -> bool:
    labels = match.labels if pattern.label is not None else frozenset[int]()
    return pattern.matches(match.reference, match.output, labels)


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


def _keys(output: Output) -> set[bytes]:
    """What an output is found by, beside its transaction."""
    keys = {output.address.raw, *output.value.policies()}
    if isinstance(output.address.payment, Credential):
        keys.add(output.address.payment.hash)
    return keys
