"""A real distribution is rehearsed on a fork of its network: the same outputs, the same fee, nobody's key."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from milestones.cardano.transaction import Transaction
from milestones.devnet.clock import MAINNET_MAGIC
from milestones.testing.grant import FIRST, YEAR, Grant, five_allocations, register, set_up
from milestones.testing.processes import (
    DevnetProcess,
    ProcessWorld,
    process_world,
)


class Rehearsal:
    """A fork of somebody's network, worked on from a copy of their folder."""

    def __init__(self, world: ProcessWorld, fork: DevnetProcess) -> None:
        self.world, self.fork = world, fork

    def paid(self, *arguments: str, payer: str, file: str) -> int:
        """The fee of a command whose payer's key is not here: built unsigned, taken by the fork as it is."""
        paying = ("--payer", self.world.address(payer), "--unsigned-out", file)
        built = self.world.succeed(*arguments, *paying)
        (handed_out,) = built["handed_out"]
        control = ("--control-url", self.fork.control_url)
        sent = self.world.succeed("devnet", "submit", file, *control)
        assert sent["transaction_id"] == handed_out["transaction_hash"]
        return fee_lovelace(self.world.folder / file)

    def restarted_without(self, real: DevnetProcess) -> None:
        """Both are killed, and the fork alone is started again."""
        real.kill()
        self.fork.kill()
        self.fork.start()


@contextmanager
def rehearsing(
    original: ProcessWorld, real: DevnetProcess, name: str, *options: str
) -> Iterator[Rehearsal]:
    """A fork beside the original, of its newest block."""
    folder = original.folder.parent / name
    shutil.copytree(original.folder, folder, ignore=shutil.ignore_patterns("chain", "*.skey"))
    forking = (f"--fork-ogmios={real.ogmios_url}", f"--fork-kupo={real.kupo_url}")
    errors = original.folder.parent / f"{name}-stderr.txt"
    fork = DevnetProcess(folder, *forking, "--state-dir=fork", *options, errors=errors)
    with fork:
        yield Rehearsal(replace(original, folder=folder, ready=fork.ready), fork)


def fee_lovelace(file: Path) -> int:
    """What a transaction in a file of cardano-cli's form pays."""
    raw = bytes.fromhex(json.loads(file.read_text())["cborHex"])
    fee = Transaction.read(raw).body.fee_lovelace
    assert fee is not None
    return fee


def test_an_opening_a_claim_and_a_closing_are_rehearsed_at_the_real_fee(tmp_path: Path) -> None:
    magic = f"--network-magic={MAINNET_MAGIC}"
    with process_world(
        tmp_path / "original", magic, "--state-dir=chain", network="mainnet", network_id=1
    ) as (original, real):
        set_up(original)
        registered = register(original, five_allocations(original))
        assert registered.exit_code == 0, registered.stderr
        grant = Grant(original, registered.json)
        waived = [f"--impersonate={original.address(name)}" for name in ("creator", "relayer")]
        creator = ("--signing-key-path", original.key_file("creator"), "--wait")
        relayer = ("--signing-key-path", original.key_file("relayer"), "--wait")

        opening = ("deploy", "--schedule", "schedule.json")
        with rehearsing(original, real, "opening", *waived) as rehearsal:
            rehearsed = rehearsal.paid(*opening, payer="creator", file="open.tx")
        opened = original.succeed(*opening, *creator)
        assert rehearsed == opened["fee_estimate"]

        grant.attest(FIRST)
        claim = ("submit-release", *grant.where, "--milestone-identifier", FIRST)
        with rehearsing(original, real, "claim", *waived) as rehearsal:
            real.kill()
            refused = rehearsal.world.run("check-status", *grant.where)
            assert (refused.exit_code, refused.error["code"]) == (3, "service_unavailable")
            assert real.kupo_url in refused.stderr
            real.start()
            rehearsed = rehearsal.paid(*claim, payer="relayer", file="claim.tx")
            # What was fetched is kept, and so is what happened here: also after a restart, without the network.
            claimed = rehearsal.world.succeed("check-status", *grant.where)["milestones"]
            rehearsal.restarted_without(real)
            kept = rehearsal.world.succeed("check-status", *grant.where)["milestones"]
            assert kept == claimed
            assert any(each["claimed_count"] for each in kept), kept
            real.start()
        assert rehearsed == original.succeed(*claim, *relayer)["fee_estimate"]

        grant.reach(2 * YEAR + 1)
        before = original.state()["tip"]
        closed = original.succeed("close", *grant.where, *creator)["fee_estimate"]
        at = f"--at={before['slot']}.{before['id']}"
        with rehearsing(original, real, "closing", at, *waived) as rehearsal:
            assert rehearsal.fork.ready["fork"]["height"] == before["height"]
            # The folder's journal knows what it sent on the original, and this chain has not seen it yet.
            shutil.rmtree(rehearsal.world.data)
            rehearsal.world.succeed("init")
            again = rehearsal.paid("close", *grant.where, payer="creator", file="close.tx")
        assert again == closed


def test_a_withdrawal_is_rehearsed_with_what_the_account_holds(tmp_path: Path) -> None:
    """The real account's rewards, at the real fee; its owner's key is not there."""
    magic, three_ada = f"--network-magic={MAINNET_MAGIC}", 3_000_000
    with process_world(
        tmp_path / "original", magic, "--state-dir=chain", network="mainnet", network_id=1
    ) as (original, real):
        original.succeed("init")
        registered = register(original, five_allocations(original), "--staking", "creator")
        assert registered.exit_code == 0, registered.stderr
        where = ("--contract-address", registered.json["contract_address"])
        creator = ("--signing-key-path", original.key_file("creator"), "--wait")
        account = original.succeed("stake", "register", *where, "--abstain", *creator)
        granted = ("--lovelace", str(three_ada), "--control-url", real.control_url)
        original.succeed("devnet", "rewards", account["stake_address"], *granted)

        withdrawal = ("stake", "withdraw", *where)
        holders = (original.address("creator"), account["stake_address"])
        waived = [f"--impersonate={each}" for each in holders]
        with rehearsing(original, real, "withdrawal", *waived) as rehearsal:
            rehearsed = rehearsal.paid(*withdrawal, payer="creator", file="withdraw.tx")
            shown = rehearsal.world.succeed("stake", "show", *where)
            assert (shown["rewards_lovelace"], shown["representative"]) == (0, "abstain")
        shown = original.succeed("stake", "show", *where)
        assert shown["rewards_lovelace"] == three_ada
        paid = original.succeed(*withdrawal, *creator)
        assert (paid["withdrawn_lovelace"], paid["fee_estimate"]) == (three_ada, rehearsed)
