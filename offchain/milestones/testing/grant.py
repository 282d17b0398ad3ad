"""An open distribution, and what people do with it, each step by the program as a process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from milestones.storage.journal import SubmissionJournal
from milestones.testing.cast import ORACLES, TOKEN_NAME
from milestones.testing.processes import CommandResult, ProcessWorld

FIRST, SECOND, THIRD = "milestone-001", "milestone-002", "milestone-003"
HOUR: Final = 3_600
YEAR: Final = 31_536_000


def allocation(
    world: ProcessWorld, name: str, amount: int, milestone: str, vesting: int
) -> dict[str, Any]:
    """An entry of `allocations.json`."""
    return {
        "beneficiary_address": world.address(name),
        "token_amount": amount,
        "milestone_identifier": milestone,
        "vesting_timestamp": vesting,
    }


def five_allocations(world: ProcessWorld) -> list[dict[str, Any]]:
    """Entries of beneficiaries 0 to 2 for milestones 1 to 3; the last two vest in an hour.

    1,000 and 4,000 of beneficiary 0 and 2,000 of 1 are vested; 8,000 of 0 and 16,000 of 2 are not.
    """
    now = world.now
    rows = [
        ("beneficiary-0", 1_000, FIRST, now - 60),
        ("beneficiary-1", 2_000, FIRST, now - 60),
        ("beneficiary-0", 4_000, SECOND, now - 60),
        ("beneficiary-0", 8_000, THIRD, now + HOUR),
        ("beneficiary-2", 16_000, FIRST, now + HOUR),
    ]
    return [allocation(world, *row) for row in rows]


def register(
    world: ProcessWorld,
    allocations: Any,
    *options: str,
    policy_id: str | None = None,
    **environment: str,
) -> CommandResult:
    """`register-milestone`: two of three oracles, reclaimable in two years, `schedule.json` written.

    An earlier `schedule.json` makes room: the program would not overwrite it.
    """
    (world.folder / "schedule.json").unlink(missing_ok=True)
    token = ("--token-policy-id", world.policy_id, "--token-name", TOKEN_NAME.decode())
    return world.run(
        "register-milestone",
        *(token if policy_id is None else ("--token-policy-id", policy_id)),
        *("--beneficiary-allocations", world.write("allocations.json", allocations)),
        *("--oracle-addresses", ",".join(map(world.address, ORACLES))),
        *("--quorum-threshold", "2", "--creator", world.address("creator")),
        *("--reclaim-after", str(world.now + 2 * YEAR), "--output", "schedule.json"),
        *options,
        **environment,
    )


def open_grant(world: ProcessWorld, allocations: Any, *options: str, **changes: Any) -> Grant:
    """Registers and deploys; the scripts are published already. `options` are the registration's."""
    registered = register(world, allocations, *options, **changes)
    assert registered.exit_code == 0, registered.stderr
    key = ("--signing-key-path", world.key_file("creator"))
    world.succeed("deploy", "--schedule", "schedule.json", *key, "--wait")
    return Grant(world, registered.json)


def set_up(world: ProcessWorld) -> None:
    """Steps that are taken once on a network: `init` and `publish-script`."""
    world.succeed("init")
    relayer = world.key_file("relayer")
    world.succeed("publish-script", "--signing-key-path", relayer, "--wait")


_payloads: dict[tuple[str, str], str] = {}


def _payload(world: ProcessWorld, address: str, milestone: str) -> str:
    """The bytes to sign: the same however often they are asked for."""
    about = (address, milestone)
    if about not in _payloads:
        printed = world.succeed(
            *("oracle", "payload", "--contract-address", address),
            *("--milestone-identifier", milestone, "--verification-timestamp", "1735689600"),
        )
        _payloads[about] = printed["signed_data"]
    return _payloads[about]


@dataclass(frozen=True)
class Grant:
    """A distribution that somebody looks at from a folder. `registered` is what its administrator saw."""

    world: ProcessWorld
    registered: Mapping[str, Any]

    @property
    def address(self) -> str:
        """The contract's address."""
        address: str = self.registered["contract_address"]
        return address

    @property
    def where(self) -> tuple[str, str]:
        """The option that names it."""
        return ("--contract-address", self.address)

    def elsewhere(self, folder: str) -> Grant:
        """The same for somebody else, who knows nothing but the address."""
        there = self.world.at(self.world.folder.parent / folder)
        return replace(self, world=there)

    def record(self, milestone: str = FIRST) -> Path:
        """The local record of a milestone."""
        return self.world.data / "milestones" / f"{milestone}.json"

    def entries(self, milestone: str, *oracles: str) -> list[dict[str, Any]]:
        """What oracles answer who were shown `oracle payload`; they sign with programs of their own."""
        signed_data = _payload(self.world, self.address, milestone)
        keys = {oracle: self.world.keys[oracle] for oracle in oracles}
        return [
            {
                "oracle_address": self.world.address(oracle),
                "signature": key.sign(bytes.fromhex(signed_data)).hex(),
                "signed_data": signed_data,
                "signature_timestamp": 1_735_689_600 + number,
                "verification_key": key.verification_key.hex(),
            }
            for number, (oracle, key) in enumerate(keys.items())
        ]

    def commit(self, milestone: str, entries: Any, *options: str) -> CommandResult:
        """`commit-milestone` of these entries."""
        return self.world.run(
            *("commit-milestone", "--milestone-identifier", milestone),
            *("--oracle-signatures", self.world.write("signatures.json", entries)),
            *options,
        )

    def collect(self, milestone: str = FIRST, *oracles: str) -> Any:
        """The signatures of these oracles, or of the first two, committed."""
        entries = self.entries(milestone, *(oracles or ORACLES[:2]))
        ran = self.commit(milestone, entries)
        assert ran.exit_code == 0, ran.stderr
        return ran.json

    def attest(self, milestone: str = FIRST) -> Any:
        """A quorum of signatures, on the chain."""
        self.collect(milestone)
        key = ("--signing-key-path", self.world.key_file("relayer"), "--wait")
        named = ("--milestone-identifier", milestone)
        return self.world.succeed("attest", *self.where, *named, *key)

    def check(self, *options: str, **environment: str) -> CommandResult:
        """`check-status`."""
        return self.world.run("check-status", *self.where, *options, **environment)

    def status(self) -> Any:
        """What `check-status` prints."""
        return self.world.succeed("check-status", *self.where)

    def milestone(self, milestone: str = FIRST) -> Any:
        """One milestone in `check-status`."""
        named = ("--milestone-identifier", milestone)
        (found,) = self.world.succeed("check-status", *self.where, *named)["milestones"]
        return found

    def amounts(self, name: str) -> Any:
        """`calculate-distribution` for somebody."""
        who = ("--beneficiary-address", self.world.address(name))
        return self.world.succeed("calculate-distribution", *self.where, *who)

    def release(self, *options: str, key: str = "relayer", **environment: str) -> CommandResult:
        """`submit-release`, paid for by somebody."""
        paying = ("--signing-key-path", self.world.key_file(key))
        return self.world.run("submit-release", *self.where, *options, *paying, **environment)

    def reach(self, seconds: int) -> None:
        """Lets time pass on the chain."""
        self.world.control("advance", seconds=seconds)

    @contextmanager
    def nothing_sent(self) -> Iterator[None]:
        """Inside, nothing may be submitted, nor written down as about to be."""
        before = self._trace()
        yield
        assert self._trace() == before

    def _trace(self) -> Any:
        wallets = [f"{key.key_hash.hex()}/*" for key in self.world.keys.values()]
        seen = [self.world.kupo(f"matches/{each}") for each in (self.address, *wallets)]
        journal = SubmissionJournal(self.world.data, lambda _: None)
        written = [each.transaction_id for each in journal.unsettled(0)]
        journal.close()
        return seen, self.world.state()["mempool"], written
