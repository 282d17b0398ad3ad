"""Who is registered on a proving ground, kept by hand from what transactions say, not by the ledger's means.

Certificates and withdrawals are those of the wire: lists and maps as cbor2 reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KEY_DEPOSIT: Final = 2_000_000
POOL_DEPOSIT: Final = 500_000_000
DREP_DEPOSIT: Final = 500_000_000

Who = tuple[int, bytes]
"""A credential: 0 and a key's hash, or 1 and a script's."""


def account_of(who: Who, network_id: int = 0) -> bytes:
    """The reward account, 29 bytes."""
    return bytes((0xE0 | who[0] << 4 | network_id,)) + who[1]


def owner_of(account: bytes) -> Who:
    """The inverse."""
    return (account[0] >> 4 & 1, bytes(account[1:]))


def ledger_order(account: bytes) -> tuple[int, int, bytes]:
    """By network, scripts before keys, then by hash."""
    return account[0] & 1, 1 - (account[0] >> 4 & 1), account[1:]


@dataclass
class Registrations:
    """Deposits and rewards of accounts, and what they are delegated to; deposits of representatives; pools."""

    deposits: dict[Who, int] = field(default_factory=dict)
    rewards: dict[Who, int] = field(default_factory=dict)
    votes: dict[Who, tuple[Any, ...]] = field(default_factory=dict)
    stakes: dict[Who, bytes] = field(default_factory=dict)
    dreps: dict[Who, int] = field(default_factory=dict)
    pools: set[bytes] = field(default_factory=set)

    def copy(self) -> Registrations:
        return Registrations(*(each.copy() for each in vars(self).values()))

    def gained(self, body: Mapping[int, Any]) -> int:
        """What withdrawals and refunds bring, less what deposits take: lovelace that is in the change."""
        total: int = sum((body.get(5) or {}).values())
        fresh: set[Who] = set()
        pools: set[bytes] = set()
        for kind, *rest in body.get(4) or ():
            who: Any = tuple(rest[0]) if isinstance(rest[0], (list, tuple)) else rest[0]
            if kind in (0, 7, 11, 12, 13):
                total -= KEY_DEPOSIT
                fresh.add(who)
            elif kind in (1, 8):
                total += KEY_DEPOSIT if who in fresh else self.deposits.get(who, 0)
                fresh.discard(who)
            elif kind == 3 and who not in self.pools | pools:
                total -= POOL_DEPOSIT
                pools.add(who)
            elif kind == 16:
                total -= DREP_DEPOSIT
            elif kind == 17:
                total += rest[1]
        return total

    def apply(self, body: Mapping[int, Any]) -> None:
        """What a valid transaction does."""
        for account in body.get(5) or {}:
            self.rewards[owner_of(account)] = 0
        for kind, *rest in body.get(4) or ():
            if kind == 3:
                self.pools.add(rest[0])
            else:
                self._certify(kind, tuple(rest[0]), rest[1:])

    def _certify(self, kind: int, who: Who, rest: list[Any]) -> None:
        if kind in (0, 7, 11, 12, 13):
            self.deposits[who], self.rewards[who] = KEY_DEPOSIT, 0
        if kind in (1, 8):
            for known in (self.deposits, self.rewards, self.votes, self.stakes):
                known.pop(who, None)
        if kind in (2, 10, 11, 13):
            self.stakes[who] = rest[0]
        if kind in (9, 10, 12, 13):
            self.votes[who] = tuple(rest[0 if kind in (9, 12) else 1])
        if kind == 16:
            self.dreps[who] = rest[0]
        if kind == 17:
            del self.dreps[who]
            self.votes = {each: drep for each, drep in self.votes.items() if drep != who}
