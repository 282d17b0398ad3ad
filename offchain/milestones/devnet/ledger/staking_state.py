"""Who is registered: reward accounts, stake pools and representatives, and how they change.

Ledger: `CertState`, its `DState`, `PState` and `VState` in one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

from milestones.cardano.address import Credential
from milestones.cardano.certificates import Anchor, DRep, PoolParameters

Role: TypeAlias = Literal["account", "drep", "pool"]
"""What a credential is registered as. A pool's is the key of its id."""


@dataclass(frozen=True, slots=True)
class Account:
    """A reward account. Ledger: `ConwayAccountState`."""

    deposit_lovelace: int
    rewards_lovelace: int = 0
    pool_id: bytes | None = None
    drep: DRep | None = None


@dataclass(frozen=True, slots=True)
class RegisteredDRep:
    """A representative. It never expires where nothing is proposed: dormant epochs don't count."""

    deposit_lovelace: int
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class StakePool:
    """A pool. What it said last counts from the start of `next_epoch` on, if it has said so again."""

    deposit_lovelace: int
    parameters: PoolParameters
    next: PoolParameters | None = None
    next_epoch: int = 0

    def in_epoch(self, epoch: int) -> PoolParameters:
        """What it says of itself in an epoch."""
        return self.next if self.next is not None and epoch >= self.next_epoch else self.parameters


Entry: TypeAlias = Account | RegisteredDRep | StakePool


class Key(NamedTuple):
    """Under what something is registered."""

    role: Role
    credential: Credential


class Change(NamedTuple):
    """What was registered under a key and what is now; None: nothing."""

    key: Key
    before: Entry | None
    after: Entry | None


def pool_key(pool_id: bytes) -> Key:
    """A pool's."""
    return Key("pool", Credential("key", pool_id))


class StakingState:
    """All that is registered, perhaps seen through differences: what is put here leaves `base` as it is."""

    def __init__(self, base: StakingState | None = None) -> None:
        self._base = base
        self._entries: dict[Key, Entry | None] = {}

    def get(self, key: Key) -> Entry | None:
        """What is registered under a key; None: nothing."""
        if key in self._entries:
            return self._entries[key]
        return None if self._base is None else self._base.get(key)

    def put(self, key: Key, entry: Entry | None) -> None:
        """Registers, or with None takes away."""
        if entry is None and self._base is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = entry

    def put_account(self, credential: Credential, account: Account) -> None:
        """Registers a reward account."""
        self.put(Key("account", credential), account)

    def account(self, credential: Credential) -> Account | None:
        """A reward account; None: it is not registered."""
        entry = self.get(Key("account", credential))
        return entry if isinstance(entry, Account) else None

    def drep(self, credential: Credential) -> RegisteredDRep | None:
        """A representative; None: it is not registered."""
        entry = self.get(Key("drep", credential))
        return entry if isinstance(entry, RegisteredDRep) else None

    def pool(self, pool_id: bytes) -> StakePool | None:
        """A pool; None: it is not registered."""
        entry = self.get(pool_key(pool_id))
        return entry if isinstance(entry, StakePool) else None

    def entries(self) -> Iterator[tuple[Key, Entry]]:
        """Everything, in no order that means anything."""
        base = () if self._base is None else self._base.entries()
        yield from (each for each in base if each[0] not in self._entries)
        yield from ((key, entry) for key, entry in self._entries.items() if entry is not None)

    def accounts(self) -> dict[Credential, Account]:
        """Every reward account."""
        return {key.credential: e for key, e in self.entries() if isinstance(e, Account)}

    def dreps(self) -> dict[Credential, RegisteredDRep]:
        """Every representative."""
        return {key.credential: e for key, e in self.entries() if isinstance(e, RegisteredDRep)}

    def pools(self) -> dict[bytes, StakePool]:
        """Every pool, by its id."""
        return {key.credential.hash: e for key, e in self.entries() if isinstance(e, StakePool)}

    def changes(self) -> tuple[Change, ...]:
        """What is different from `base`."""
        found = []
        for key, entry in self._entries.items():
            before = None if self._base is None else self._base.get(key)
            if before != entry:
                found.append(Change(key, before, entry))
        return tuple(found)

    def apply(self, changes: tuple[Change, ...]) -> None:
        """Makes changes."""
        for change in changes:
            self.put(change.key, change.after)

    def undo(self, changes: tuple[Change, ...]) -> None:
        """Takes changes back."""
        for change in changes:
            self.put(change.key, change.before)

    def grant(self, credential: Credential, lovelace: int) -> None:
        """Adds rewards to a registered account."""
        account = self.account(credential)
        if account is None:
            raise KeyError(credential)
        rewards = account.rewards_lovelace + lovelace
        self.put(Key("account", credential), replace(account, rewards_lovelace=rewards))

    def deposits_lovelace(self) -> int:
        """All deposits. Ledger: `totalObligation`."""
        return sum(entry.deposit_lovelace for _, entry in self.entries())

    def rewards_lovelace(self) -> int:
        """What all reward accounts hold."""
        return sum(account.rewards_lovelace for account in self.accounts().values())
