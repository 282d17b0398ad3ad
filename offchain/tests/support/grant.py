"""An open distribution, and what people do with it, each step by the program as a process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from checkout import TOKEN, Checkout, Ran

from milestones.storage.journal import SubmissionJournal

FIRST, SECOND, THIRD = "milestone-001", "milestone-002", "milestone-003"
HOUR: Final = 3_600
YEAR: Final = 31_536_000
ORACLES: Final = ("oracle-1", "oracle-2", "oracle-3")


def allocation(
    checkout: Checkout, name: str, amount: int, milestone: str, vesting: int
) -> dict[str, Any]:
    """An entry of `allocations.json`."""
    return {
        "beneficiary_address": checkout.address(name),
        "token_amount": amount,
        "milestone_identifier": milestone,
        "vesting_timestamp": vesting,
    }


def five_allocations(checkout: Checkout) -> list[dict[str, Any]]:
    """Ada's 1,000 and ben's 2,000 for the first milestone, ada's 4,000 for the second, vested all;
    ada's 8,000 for the third and cleo's 16,000 for the first, which vest in an hour.
    """
    now = checkout.now
    rows = [
        ("ada", 1_000, FIRST, now - 60),
        ("ben", 2_000, FIRST, now - 60),
        ("ada", 4_000, SECOND, now - 60),
        ("ada", 8_000, THIRD, now + HOUR),
        ("cleo", 16_000, FIRST, now + HOUR),
    ]
    return [allocation(checkout, *row) for row in rows]


def register(
    checkout: Checkout,
    allocations: Any,
    *options: str,
    policy_id: str | None = None,
    **environment: str,
) -> Ran:
    """`register-milestone`: two of three oracles, reclaimable in two years, `schedule.json` written."""
    token = ("--token-policy-id", checkout.policy_id, "--token-name", TOKEN)
    return checkout.run(
        "register-milestone",
        *(token if policy_id is None else ("--token-policy-id", policy_id)),
        *("--beneficiary-allocations", checkout.write("allocations.json", allocations)),
        *("--oracle-addresses", ",".join(map(checkout.address, ORACLES))),
        *("--quorum-threshold", "2", "--creator", checkout.address("creator")),
        *("--reclaim-after", str(checkout.now + 2 * YEAR), "--output", "schedule.json"),
        *options,
        **environment,
    )


def open_grant(checkout: Checkout, allocations: Any, *options: str, **changes: Any) -> Grant:
    """Registers and deploys; the scripts are published already. `options` are the registration's."""
    registered = register(checkout, allocations, *options, **changes)
    assert registered.exit_code == 0, registered.stderr
    key = ("--signing-key-path", checkout.key_file("creator"))
    checkout.succeed("deploy", "--schedule", "schedule.json", *key, "--wait")
    return Grant(checkout, registered.json)


def set_up(checkout: Checkout) -> None:
    """Steps that are taken once on a network: `init` and `publish-script`."""
    checkout.succeed("init")
    relayer = checkout.key_file("relayer")
    checkout.succeed("publish-script", "--signing-key-path", relayer, "--wait")


_payloads: dict[tuple[str, str], str] = {}


def _payload(checkout: Checkout, address: str, milestone: str) -> str:
    """The bytes to sign: the same however often they are asked for."""
    about = (address, milestone)
    if about not in _payloads:
        printed = checkout.succeed(
            *("oracle", "payload", "--contract-address", address),
            *("--milestone-identifier", milestone, "--verification-timestamp", "1735689600"),
        )
        _payloads[about] = printed["signed_data"]
    return _payloads[about]


@dataclass(frozen=True)
class Grant:
    """A distribution that somebody looks at from a folder. `registered` is what its administrator saw."""

    checkout: Checkout
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
        there = self.checkout.at(self.checkout.folder.parent / folder)
        return replace(self, checkout=there)

    def record(self, milestone: str = FIRST) -> Path:
        """The local record of a milestone."""
        return self.checkout.data / "milestones" / f"{milestone}.json"

    def entries(self, milestone: str, *oracles: str) -> list[dict[str, Any]]:
        """What oracles answer who were shown `oracle payload`; they sign with programs of their own."""
        signed_data = _payload(self.checkout, self.address, milestone)
        keys = {oracle: self.checkout.keys[oracle] for oracle in oracles}
        return [
            {
                "oracle_address": self.checkout.address(oracle),
                "signature": key.sign(bytes.fromhex(signed_data)).hex(),
                "signed_data": signed_data,
                "signature_timestamp": 1_735_689_600 + number,
                "verification_key": key.verification_key.hex(),
            }
            for number, (oracle, key) in enumerate(keys.items())
        ]

    def commit(self, milestone: str, entries: Any, *options: str) -> Ran:
        """`commit-milestone` of these entries."""
        return self.checkout.run(
            *("commit-milestone", "--milestone-identifier", milestone),
            *("--oracle-signatures", self.checkout.write("signatures.json", entries)),
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
        key = ("--signing-key-path", self.checkout.key_file("relayer"), "--wait")
        named = ("--milestone-identifier", milestone)
        return self.checkout.succeed("attest", *self.where, *named, *key)

    def check(self, *options: str, **environment: str) -> Ran:
        """`check-status`."""
        return self.checkout.run("check-status", *self.where, *options, **environment)

    def status(self) -> Any:
        """What `check-status` prints."""
        return self.checkout.succeed("check-status", *self.where)

    def milestone(self, milestone: str = FIRST) -> Any:
        """One milestone in `check-status`."""
        named = ("--milestone-identifier", milestone)
        (found,) = self.checkout.succeed("check-status", *self.where, *named)["milestones"]
        return found

    def amounts(self, name: str) -> Any:
        """`calculate-distribution` for somebody."""
        who = ("--beneficiary-address", self.checkout.address(name))
        return self.checkout.succeed("calculate-distribution", *self.where, *who)

    def release(self, *options: str, key: str = "relayer", **environment: str) -> Ran:
        """`submit-release`, paid for by somebody."""
        paying = ("--signing-key-path", self.checkout.key_file(key))
        return self.checkout.run("submit-release", *self.where, *options, *paying, **environment)

    def reach(self, seconds: int) -> None:
        """Lets time pass on the chain."""
        self.checkout.control("advance", seconds=seconds)

    @contextmanager
    def nothing_sent(self) -> Iterator[None]:
        """Inside, nothing may be submitted, nor written down as about to be."""
        before = self._trace()
        yield
        assert self._trace() == before

    def _trace(self) -> Any:
        wallets = [f"{key.key_hash.hex()}/*" for key in self.checkout.keys.values()]
        seen = [self.checkout.kupo(f"matches/{each}") for each in (self.address, *wallets)]
        journal = SubmissionJournal(self.checkout.data, lambda _: None)
        written = [each.transaction_id for each in journal.unsettled(0)]
        journal.close()
        return seen, self.checkout.state()["mempool"], written
