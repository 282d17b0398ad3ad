"""Random certificates and withdrawals that the chain must accept as they stand."""

from __future__ import annotations

from typing import Any, Final

import cbor2

from tests.support.proposals import Proposal
from tests.support.proving_ground import ProvingGround
from tests.support.random_scripts import KEY_LOCKS, MINTING_LOCKS, NATIVE_LOCKS, Lock
from tests.support.registrations import (
    DREP_DEPOSIT,
    KEY_DEPOSIT,
    Registrations,
    Who,
    account_of,
)

STAKERS: Final = (*KEY_LOCKS, *KEY_LOCKS, *NATIVE_LOCKS, *MINTING_LOCKS)
"""Whose reward accounts there are; keys twice as often."""
MOST_THAT_RUN: Final = 4
"""Scripts of unknown cost that fit into a transaction."""
ANCHOR: Final = ["https://example.org/a", b"\x33" * 32]


def credential_of(lock: Lock) -> Who:
    """The credential that a lock controls."""
    return (0 if lock.version is None else 1, lock.hash)


def pool_certificate(operator: bytes, **changes: Any) -> list[Any]:
    """A pool's registration."""
    fields: dict[str, Any] = {
        "operator": operator,
        "vrf": operator + b"\x01" * 4,
        "pledge": 0,
        "cost": 170_000_000,
        "margin": cbor2.CBORTag(30, [1, 50]),
        "account": account_of((0, operator)),
        "owners": [operator],
        "relays": [[0, 3001, b"\x7f\x00\x00\x01", None], [1, None, "a.example"], [2, "b.example"]],
        "metadata": ["https://example.org/p", b"\x44" * 32],
    }
    return [3, *{**fields, **changes}.values()]


def shows_conway(p: Proposal) -> bool:
    """Whether no script of version 1 or 2 runs, which can't be shown Conway's certificates."""
    return not any(lock.version in (1, 2) for _, lock in p.needed_locks())


class Staker:
    """Adds certificates and withdrawals to a proposal, as they are valid one after the other."""

    def __init__(self, ground: ProvingGround, p: Proposal, *, old_scripts: bool) -> None:
        self.ground, self.random, self.p = ground, ground.random, p
        self.state: Registrations = ground.registrations.copy()
        self.conway = shows_conway(p) and not old_scripts
        self.old_scripts = old_scripts

    def add(self) -> None:
        """Some of everything."""
        if self._chance(0.5):
            self._withdrawals()
        for _ in range(self.random.randint(0, 3)):
            lock = self.random.choice(STAKERS)
            certificate = self._certificate(lock) if self._may_run(lock) else None
            if certificate is None or certificate in self.p.certificates:
                continue
            self.state.apply({4: [certificate]})
            self.p.certificates.append(certificate)

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _may_run(self, lock: Lock) -> bool:
        """Scripts fit in number; those of version 1 and 2 stand where nothing of Conway's does."""
        if not lock.is_plutus:
            return True
        running = sum(known.is_plutus for _, known in self.p.needed_locks())
        old = lock.version in (1, 2)
        if old and (self._has_conway() or (lock.version == 1 and not self.old_scripts)):
            return False
        self.conway = self.conway and not old
        return running < MOST_THAT_RUN

    def _has_conway(self) -> bool:
        return any(each[0] not in (0, 1, 2, 3, 7, 8) for each in self.p.certificates)

    def _withdrawals(self) -> None:
        """All that an account holds, often nothing."""
        for lock in self.random.sample(STAKERS, 5):
            who = credential_of(lock)
            voting = lock.version is not None or who in self.state.votes
            if who in self.state.rewards and voting and self._may_run(lock):
                account = account_of(who)
                self.p.withdrawals[account] = self.ground.registrations.rewards[who]
                self.state.apply({5: {account: 0}})

    def _certificate(self, lock: Lock) -> list[Any] | None:
        who = credential_of(lock)
        if lock.version is None and self._chance(0.12):
            return self._pool(lock)
        if self.conway and self._chance(0.2):
            return self._representative(list(who))
        if who not in self.state.deposits:
            return self._registration(list(who))
        leaves = self.state.rewards[who] == 0 and self._chance(0.3)
        if leaves:
            old = [1, list(who)]
            return self.random.choice((old, [8, list(who), self.state.deposits[who]]))
        return self._delegation(list(who))

    def _pool(self, lock: Lock) -> list[Any]:
        return pool_certificate(lock.hash, cost=170_000_000 + self.random.randint(0, 9))

    def _representative(self, who: list[Any]) -> list[Any]:
        if tuple(who) not in self.state.dreps:
            return [16, who, DREP_DEPOSIT, self.random.choice((None, ANCHOR))]
        if self._chance(0.5):
            return [17, who, self.state.dreps[tuple(who)]]
        return [18, who, self.random.choice((None, ANCHOR))]

    def _registration(self, who: list[Any]) -> list[Any]:
        forms = [[0, who], [7, who, KEY_DEPOSIT]]
        if self.conway:
            forms.append([12, who, self._drep(), KEY_DEPOSIT])
            if self.state.pools:
                forms.append([11, who, self._pool_id(), KEY_DEPOSIT])
                forms.append([13, who, self._pool_id(), self._drep(), KEY_DEPOSIT])
        return self.random.choice(forms)

    def _delegation(self, who: list[Any]) -> list[Any] | None:
        forms = []
        if self.state.pools:
            forms.append([2, who, self._pool_id()])
        if self.conway:
            forms += [[9, who, self._drep()]] * 2
            if self.state.pools:
                forms.append([10, who, self._pool_id(), self._drep()])
        return self.random.choice(forms) if forms else None

    def _pool_id(self) -> bytes:
        return self.random.choice(sorted(self.state.pools))

    def _drep(self) -> list[Any]:
        options: list[list[Any]] = [[2], [2], [3]]
        options += [list(who) for who in sorted(self.state.dreps)]
        return self.random.choice(options)
