"""A network that a chain was forked from: what it is asked, and what is kept of its answers.

The chain stands on one block of that network, the *point*. Whatever was there then is fetched when it is
first asked for, and kept; nothing is ever sent there. Code that looks something up stays synchronous: what
isn't at hand yet is raised as `NotFetched`, and whoever serves the request fetches it and tries again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from milestones.cardano.address import Credential
from milestones.cardano.certificates import ledger_order
from milestones.cardano.outputs import OutputReference, Script
from milestones.devnet.blocks import Block, Point, Spent
from milestones.devnet.clock import Bound, Calendar
from milestones.devnet.ledger.outputs import Output, decode_output
from milestones.devnet.ledger.staking_state import Account
from milestones.devnet.persistence import Store
from milestones.errors import InvalidConfiguration


@dataclass(frozen=True, slots=True)
class OriginMatch:
    """An output of the network's, as it was at the point. `datum` is CBOR, where the network knows it."""

    reference: OutputReference
    output: Output
    transaction_index: int
    created: Point
    spent: Spent | None
    datum: bytes | None


@dataclass(frozen=True, slots=True)
class OriginMetadata:
    """The auxiliary data of a block's transactions, CBOR each, and the block's hash."""

    header_hash: bytes
    entries: tuple[bytes, ...]


class Origin(Protocol):
    """What a network is asked. All answers are about the point; each method raises `MilestonesError`."""

    async def matches(self, pattern: str, since_slot: int) -> Iterable[OriginMatch]:
        """What the network's index has for a pattern of Kupo's, created in this slot or later, oldest first."""

    async def outputs(
        self, references: Collection[OutputReference]
    ) -> Mapping[OutputReference, Output | None]:
        """The outputs that were unspent; None for each that wasn't."""

    async def outputs_at(self, address: bytes) -> Mapping[OutputReference, Output]:
        """The outputs that were unspent at an address."""

    async def accounts(
        self, credentials: Collection[Credential]
    ) -> Mapping[Credential, Account | None]:
        """The reward accounts as they were; None for each that wasn't registered."""

    async def datum(self, digest: bytes) -> bytes | None:
        """The datum with this hash, CBOR; None where the network's index doesn't know it."""

    async def script(self, digest: bytes) -> Script | None:
        """The script with this hash; None where the network's index doesn't know it."""

    async def metadata(self, slot: int, transaction_id: bytes | None) -> OriginMetadata:
        """What the block at this slot (or the next one) holds, or one transaction in it."""

    async def close(self) -> None:
        """Ends the connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginFacts:
    """What a fork takes over at its start. `parameters` and `genesis` (by era) are in Ogmios' JSON.

    `later_starts` are where the eras after Shelley began. `parameters_at_tip` says that the node could no
    longer be asked about the point. `patterns` are what the network's Kupo indexes, `services` what was asked.
    """

    network_magic: int
    start_posix_ms: int
    byron_epochs: int
    epoch_slots: int
    later_starts: tuple[Bound, ...]
    point: Point
    height: int
    genesis: Mapping[str, Any]
    parameters: Mapping[str, Any]
    parameters_at_tip: bool
    patterns: tuple[str, ...]
    services: tuple[str, ...]

    @property
    def calendar(self) -> Calendar:
        """The network's calendar."""
        return Calendar(
            self.network_magic,
            self.start_posix_ms,
            self.byron_epochs,
            self.epoch_slots,
            self.later_starts,
        )

    @property
    def base(self) -> Block:
        """The block that the fork stands on, without what is in it."""
        return Block(self.point.slot, self.height, (), None, self.point.header_hash)

    @property
    def name(self) -> str:
        """What was forked and where, for a person and for a header."""
        network = self.calendar.network_name
        return f"{network} at {self.point.slot}.{self.point.header_hash.hex()}"

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "network_magic": self.network_magic,
            "start_posix_ms": self.start_posix_ms,
            "byron_epochs": self.byron_epochs,
            "epoch_slots": self.epoch_slots,
            "later_starts": [
                [each.elapsed_ms, each.slot, each.epoch] for each in self.later_starts
            ],
            "point": _point_json(self.point),
            "height": self.height,
            "genesis": self.genesis,
            "parameters": self.parameters,
            "parameters_at_tip": self.parameters_at_tip,
            "patterns": self.patterns,
            "services": self.services,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> OriginFacts:
        """The inverse of `to_json`."""
        changed = {
            "later_starts": tuple(Bound(*each) for each in kept["later_starts"]),
            "point": _point(kept["point"]),
            "patterns": tuple(kept["patterns"]),
            "services": tuple(kept["services"]),
        }
        return cls(**{**kept, **changed})


FACTS: Final = "origin"
"""The fact of a state directory that makes its chain a fork."""


def kept_facts(state_dir: Path | None) -> OriginFacts | None:
    """What the fork in a state directory was made from; None where no fork is there."""
    if state_dir is None or not (state_dir / "chain.sqlite").exists():
        return None
    store = Store(state_dir)
    try:
        return facts_in(store)
    finally:
        store.close()


def facts_in(store: Store) -> OriginFacts | None:
    """What the fork in an open store was made from; None where no fork is in it."""
    kept = store.fact(FACTS)
    if kept is None:
        return None
    with store.undamaged("what was taken over from the other network"):
        return OriginFacts.from_json(kept)


class NotFetched(Exception):
    """Something of the origin's isn't at hand yet: `await fetch()` and try again."""

    def __init__(self, fetch: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.fetch = fetch


@dataclass(slots=True)
class Fork:
    """What is known of the origin so far. Without `origin` nothing more can be fetched.

    `outputs` are those that were unspent at the point, None for what was asked for and wasn't there; `matches`
    are by pattern and the slot from which it was asked for. `taken` is called with each unspent output when it
    becomes known, and `registered` with each reward account; `accounts` has None for what was not registered.
    """

    facts: OriginFacts
    origin: Origin | None
    store: Store | None
    outputs: dict[OutputReference, Output | None] = field(default_factory=dict)
    matches: dict[tuple[str, int], tuple[OriginMatch, ...]] = field(default_factory=dict)
    datums: dict[bytes, bytes | None] = field(default_factory=dict)
    scripts: dict[bytes, Script | None] = field(default_factory=dict)
    metadata: dict[tuple[int, bytes], OriginMetadata] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    accounts: dict[Credential, Account | None] = field(default_factory=dict)
    taken: Callable[[OutputReference, Output], None] | None = None
    registered: Callable[[Credential, Account], None] | None = None

    def __post_init__(self) -> None:
        """Takes up what was kept. Raises `InvalidConfiguration` for what can't be read."""
        if self.store is not None:
            with self.store.undamaged("what was fetched from the other network"):
                for kind, key, value in self.store.fetched():
                    self._note(kind, key, value)

    # -- what is at hand. Each raises `NotFetched` where it isn't.

    def require_outputs(self, references: Iterable[OutputReference]) -> None:
        """Returns once all of these are known, there or not."""
        wanted = sorted(set(references) - self.outputs.keys())
        if wanted:
            raise NotFetched(lambda: self._fetch_outputs(wanted))

    def require_matches(self, pattern: str, since_slot: int | None = None) -> None:
        """Returns once the origin's matches of a pattern are known, from `since_slot` on."""
        key = pattern, since_slot or 0
        if key not in self.matches:
            raise NotFetched(lambda: self._fetch_matches(*key))

    def require_address(self, raw: bytes) -> None:
        """Returns once what an address held is known, all of it."""
        key = raw.hex()
        if key not in self.addresses:
            raise NotFetched(lambda: self._fetch_address(key))

    def require_accounts(self, credentials: Iterable[Credential]) -> None:
        """Returns once it is known whether these were registered, and what they held."""
        wanted = sorted(set(credentials) - self.accounts.keys(), key=ledger_order)
        if wanted:
            raise NotFetched(lambda: self._fetch_accounts(wanted))

    def datum(self, digest: bytes) -> bytes | None:
        """The datum with this hash; None where the origin doesn't know it."""
        if digest not in self.datums:
            raise NotFetched(lambda: self._fetch_datum(digest))
        return self.datums[digest]

    def script(self, digest: bytes) -> Script | None:
        """The script with this hash; None where the origin doesn't know it."""
        if digest not in self.scripts:
            raise NotFetched(lambda: self._fetch_script(digest))
        return self.scripts[digest]

    def metadata_at(self, slot: int, transaction_id: bytes | None) -> OriginMetadata:
        """What the origin's block at a slot holds."""
        key = slot, transaction_id or b""
        if key not in self.metadata:
            raise NotFetched(lambda: self._fetch_metadata(slot, transaction_id))
        return self.metadata[key]

    # -- fetching

    def _asked(self) -> Origin:
        if self.origin is None:
            raise InvalidConfiguration(
                "this chain is a fork, and what is asked of it was not fetched before",
                path="fork_kupo",
                hint="start it with --fork-ogmios and --fork-kupo, so that it can be",
            )
        return self.origin

    async def _fetch_outputs(self, references: list[OutputReference]) -> None:
        found = await self._asked().outputs(references)
        for reference in references:
            output = found[reference]
            raw = None if output is None else output.raw.hex()
            self._keep("output", str(reference), raw)

    async def _fetch_matches(self, pattern: str, since_slot: int) -> None:
        found = await self._asked().matches(pattern, since_slot)
        key = f"{since_slot} {pattern}"
        self._keep("matches", key, [_match_json(each) for each in found])

    async def _fetch_address(self, address: str) -> None:
        found = await self._asked().outputs_at(bytes.fromhex(address))
        shown = {str(reference): output.raw.hex() for reference, output in found.items()}
        self._keep("address", address, shown)

    async def _fetch_accounts(self, credentials: list[Credential]) -> None:
        found = await self._asked().accounts(credentials)
        for each in credentials:
            self._keep("account", f"{each.kind} {each.hash.hex()}", _account_json(found[each]))

    async def _fetch_datum(self, digest: bytes) -> None:
        found = await self._asked().datum(digest)
        self._keep("datum", digest.hex(), None if found is None else found.hex())

    async def _fetch_script(self, digest: bytes) -> None:
        found = await self._asked().script(digest)
        shown = None if found is None else [found.language, found.code.hex()]
        self._keep("script", digest.hex(), shown)

    async def _fetch_metadata(self, slot: int, transaction_id: bytes | None) -> None:
        found = await self._asked().metadata(slot, transaction_id)
        key = f"{slot}.{(transaction_id or b'').hex()}"
        entries = [each.hex() for each in found.entries]
        self._keep("metadata", key, [found.header_hash.hex(), entries])

    # -- keeping

    def _keep(self, kind: str, key: str, value: Any) -> None:
        if self.store is not None:
            self.store.keep_fetched(kind, key, value)
        self._note(kind, key, value)

    def _note(self, kind: str, key: str, value: Any) -> None:
        """Knows an answer from now on."""
        if kind == "output":
            output = None if value is None else decode_output(bytes.fromhex(value))
            self._know(OutputReference.parse(key), output)
        elif kind == "address":
            self.addresses.add(key)
            for reference, raw in value.items():
                self._know(OutputReference.parse(reference), decode_output(bytes.fromhex(raw)))
        elif kind == "matches":
            self._note_matches(key, tuple(_match(each) for each in value))
        elif kind == "account":
            self._note_account(key, _account(value))
        elif kind == "datum":
            self.datums[bytes.fromhex(key)] = None if value is None else bytes.fromhex(value)
        elif kind == "script":
            script = None if value is None else Script(value[0], bytes.fromhex(value[1]))
            self.scripts[bytes.fromhex(key)] = script
        else:
            slot, _, transaction_id = key.partition(".")
            entries = tuple(bytes.fromhex(each) for each in value[1])
            found_there = OriginMetadata(bytes.fromhex(value[0]), entries)
            self.metadata[int(slot), bytes.fromhex(transaction_id)] = found_there

    def _note_matches(self, key: str, found: tuple[OriginMatch, ...]) -> None:
        since, _, pattern = key.partition(" ")
        self.matches[pattern, int(since)] = found
        for each in found:
            self._know(each.reference, each.output if each.spent is None else None)
            if each.datum is not None and each.output.resolved_datum_hash is not None:
                self.datums[each.output.resolved_datum_hash] = each.datum
            if each.output.script is not None:
                self.scripts[each.output.script.hash()] = each.output.script

    def _note_account(self, key: str, account: Account | None) -> None:
        kind, _, digest = key.partition(" ")
        who = Credential("key" if kind == "key" else "script", bytes.fromhex(digest))
        self.accounts[who] = account
        if account is not None and self.registered is not None:
            self.registered(who, account)

    def _know(self, reference: OutputReference, output: Output | None) -> None:
        if reference in self.outputs:
            return
        self.outputs[reference] = output
        if output is not None and self.taken is not None:
            self.taken(reference, output)


def _match_json(match: OriginMatch) -> list[Any]:
    spent = match.spent
    return [
        str(match.reference),
        match.output.raw.hex(),
        match.transaction_index,
        _point_json(match.created),
        None
        if spent is None
        else [
            _point_json(spent.point),
            spent.transaction_id.hex(),
            spent.input_index,
            None if spent.redeemer is None else spent.redeemer.hex(),
        ],
        None if match.datum is None else match.datum.hex(),
    ]


def _match(kept: list[Any]) -> OriginMatch:
    reference, raw, position, created, spent, datum = kept
    return OriginMatch(
        OutputReference.parse(reference),
        decode_output(bytes.fromhex(raw)),
        position,
        _point(created),
        None
        if spent is None
        else Spent(
            _point(spent[0]),
            bytes.fromhex(spent[1]),
            spent[2],
            None if spent[3] is None else bytes.fromhex(spent[3]),
        ),
        None if datum is None else bytes.fromhex(datum),
    )


def _account_json(account: Account | None) -> list[Any] | None:
    if account is None:
        return None
    pool, drep = account.pool_id, account.drep
    return [
        account.deposit_lovelace,
        account.rewards_lovelace,
        None if pool is None else pool.hex(),
        [drep.kind, drep.hash.hex()] if isinstance(drep, Credential) else drep,
    ]


def _account(kept: list[Any] | None) -> Account | None:
    if kept is None:
        return None
    deposit, rewards, pool, drep = kept
    if isinstance(drep, list):
        drep = Credential(drep[0], bytes.fromhex(drep[1]))
    return Account(deposit, rewards, None if pool is None else bytes.fromhex(pool), drep)


def _point_json(point: Point) -> list[Any]:
    return [point.slot, point.header_hash.hex()]


def _point(kept: list[Any]) -> Point:
    return Point(kept[0], bytes.fromhex(kept[1]))
