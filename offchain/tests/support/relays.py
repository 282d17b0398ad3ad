"""Relays as processes, on a chain to which bad things happen: what they serve, and what is true in the end."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from milestones.errors import BudgetSpent
from milestones.testing.cast import ADA, BENEFICIARIES, ORACLES, TOKEN_NAME
from milestones.testing.grant import FIRST, YEAR, Grant, allocation, set_up
from milestones.testing.processes import CommandResult, DevnetProcess, ProcessWorld
from tests.support.checkout import fresh_checkout

KINDS: Final = ("kill", "kill", "rollback", "rollback", "stop", "node", "stale", "kupo", "ogmios")
"""What can happen: to a relay, to the chain, to what is asked about it."""
END_SECONDS: Final = 120
"""How long a relay may take to end when it is asked to, or once nothing is left to do."""


@dataclass
class Relay:
    """One relay: a wallet, a data directory of its own, and a budget; None: no limit worth the name."""

    grant: Grant
    key: str
    budget_ada: int
    lovelace_before: int
    process: subprocess.Popen[str] | None = None
    log: list[str] = field(default_factory=list)
    kills: int = 0
    starts: int = 0

    @property
    def world(self) -> ProcessWorld:
        """Its folder."""
        return self.grant.world

    def start(self) -> None:
        """Begins, or goes on."""
        if self.process is not None:
            self.outcome()
        self.starts += 1
        token = f"{self.world.policy_id}.{TOKEN_NAME.hex()}"
        key = ("--signing-key-path", self.world.key_file(self.key))
        budget = ("--budget", str(self.budget_ada), "--until-paid")
        self.process = self.world.start("relay", *self.grant.where, "--token", token, *budget, *key)

    def go_on(self) -> None:
        """Starts it again where it has ended: all was paid, or its budget is spent."""
        if self.is_running:
            return
        if self.process is not None:
            ended = self.outcome()
            assert ended.exit_code in (0, BudgetSpent.exit_code), ended
        self.start()

    @property
    def is_running(self) -> bool:
        """Whether it hasn't ended by itself."""
        return self.process is not None and self.process.poll() is None

    def end(self, how: signal.Signals) -> CommandResult:
        """Sends it a signal, and waits for its end."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.outcome()

    def outcome(self) -> CommandResult:
        """How it ends."""
        assert self.process is not None
        stdout, stderr = self.process.communicate(timeout=END_SECONDS)
        self.log.append(stderr)
        assert "Traceback" not in stderr, stderr
        ended, self.process = CommandResult(self.process.returncode, stdout, stderr), None
        return ended

    def kill(self) -> None:
        """As a power cut would."""
        self.kills += 1
        self.end(signal.SIGKILL)


@contextmanager
def served_grant(
    folder: Path, count: int, page_depth: int, *blocks: str, vesting: Sequence[int] = (0,)
) -> Iterator[tuple[Grant, DevnetProcess]]:
    """A distribution of `count` allocations, attested; `vesting` are seconds from now on, in turn.

    It is opened while blocks come as transactions do; from then on `blocks` say when they come.
    """
    state = f"--state-dir={folder.parent / 'chain'}"
    with fresh_checkout(folder, state) as (checkout, devnet):
        set_up(checkout)
        now = checkout.now
        rows = [
            allocation(
                checkout,
                BENEFICIARIES[number % len(BENEFICIARIES)],
                number + 1,
                FIRST,
                now - 60 + vesting[number * len(vesting) // count],
            )
            for number in range(count)
        ]
        document: dict[str, Any] = {
            "token_policy_id": checkout.policy_id,
            "token_name": TOKEN_NAME.hex(),
            "beneficiary_allocations": rows,
            "oracle_addresses": [checkout.address(name) for name in ORACLES],
            "quorum_threshold": 2,
            "creator": checkout.address("creator"),
            "reclaim_after": now + 2 * YEAR,
            "page_depth": page_depth,
            "contract_metadata": {
                "network_magic": checkout.ready["network_magic"],
                "created_at": now,
            },
        }
        file = checkout.write("schedule.json", document)
        key = ("--signing-key-path", checkout.key_file("creator"))
        opened = checkout.succeed("deploy", "--schedule", file, *key, "--wait")
        grant = Grant(checkout, opened)
        grant.attest()
        # No rollback of the test's reaches back to the opening.
        checkout.control("mine", count=20)
        devnet.stop()
        devnet.options += blocks
        devnet.start()
        yield replace(grant, world=replace(checkout, ready=devnet.ready)), devnet


@contextmanager
def relay_of(grant: Grant, key: str, budget_ada: int) -> Iterator[Relay]:
    """A relay in a folder of its own, whose wallet has what it may spend and more; killed at the end."""
    there = grant.elsewhere(f"relay-{key}")
    address = there.world.address(key)
    there.world.control("faucet", address=address, lovelace=(budget_ada + 500) * ADA)
    there.world.control("mine")
    relay = Relay(there, key, budget_ada, lovelace_before=there.world.lovelace_of(key))
    try:
        yield relay
    finally:
        if relay.process is not None:
            relay.kill()


@dataclass
class Trouble:
    """What happens to relays and their chain, at random and again in the same way."""

    world: ProcessWorld
    devnet: DevnetProcess
    relays: Sequence[Relay]
    moments: Random
    happened: Counter[str] = field(default_factory=Counter)
    waiting: list[str] = field(default_factory=list)

    def once(self) -> None:
        """One thing; all come in turn, in another order each time."""
        for relay in self.relays:
            relay.go_on()
        if not self.waiting:
            self.waiting = self.moments.sample(KINDS, len(KINDS))
        kind = self.waiting.pop()
        getattr(self, f"_{kind}")()
        self.happened[kind] += 1

    def _kill(self) -> None:
        relay = self.moments.choice(self.relays)
        if relay.is_running:
            relay.kill()
            relay.start()

    def _stop(self) -> None:
        relay = self.moments.choice(self.relays)
        if relay.is_running:
            ended = relay.end(signal.SIGTERM)
            # One that has only just been started has nothing to end in order.
            early = (-signal.SIGTERM, 128 + signal.SIGTERM, 128 + signal.SIGINT)
            assert ended.exit_code in (0, BudgetSpent.exit_code, *early), ended
            relay.start()

    def _rollback(self) -> None:
        self.world.control("rollback", count=self.moments.randint(1, 4))

    def _stale(self) -> None:
        self._broken("kupo", "stale")

    def _kupo(self) -> None:
        self._broken("kupo", self.moments.choice(["dropping", "disconnected"]))

    def _ogmios(self) -> None:
        self._broken("ogmios", self.moments.choice(["dropping", "disconnected"]))

    def _node(self) -> None:
        self.devnet.kill()
        time.sleep(self.moments.uniform(0, 2))
        self.devnet.start()

    def _broken(self, interface: str, fault: str) -> None:
        self.world.control("freeze", interface=interface, fault=fault)
        time.sleep(self.moments.uniform(0.5, 3))
        self.world.control("unfreeze")


def payouts(grant: Grant) -> Counter[int]:
    """The amounts that beneficiaries hold, an output each."""
    asset = f"{grant.world.policy_id}.{TOKEN_NAME.hex()}"
    return Counter(
        match["value"]["assets"][asset]
        for name in BENEFICIARIES
        for match in grant.world.kupo(f"matches/{grant.world.address(name)}?unspent")
        if asset in match["value"]["assets"]
    )


def report_of(result: CommandResult) -> Any:
    """A relay's report."""
    return json.loads(result.stdout)
