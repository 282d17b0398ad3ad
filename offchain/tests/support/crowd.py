"""Many processes that want the same at the same time, and what became of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from milestones.cardano.hashes import blake2b_256
from milestones.keys.key_files import SigningKey
from milestones.testing.cast import ADA
from milestones.testing.grant import FIRST, Grant, allocation, open_grant, set_up
from milestones.testing.processes import CommandResult, ProcessWorld
from tests.support.checkout import fresh_checkout

PATIENCE_SECONDS: Final = 900
"""Longest time that all of them may take together."""


def outcomes(processes: Sequence[subprocess.Popen[str]]) -> list[CommandResult]:
    """How each ended. All are killed where one takes too long."""
    found = []
    try:
        for process in processes:
            stdout, stderr = process.communicate(timeout=PATIENCE_SECONDS)
            found.append(CommandResult(process.returncode, stdout, stderr))
    finally:
        for process in processes:
            process.kill()
    return found


@contextmanager
def attested_grant(folder: Path, count: int, *blocks: str) -> Iterator[Grant]:
    """A distribution with `count` allocations of one vault that can all be claimed.

    It was opened while blocks came as transactions did; from then on `blocks`, options of the devnet, say
    when they come.
    """
    state = f"--state-dir={folder.parent / 'chain'}"
    with fresh_checkout(folder, state) as (checkout, devnet):
        set_up(checkout)
        vested = checkout.now - 60
        rows = [allocation(checkout, "beneficiary-1", 1_000, FIRST, vested) for _ in range(count)]
        grant = open_grant(checkout, rows)
        grant.attest()
        for number in range(count):
            address = claimer(number).address(0).to_bech32()
            checkout.control("faucet", address=address, lovelace=100 * ADA)
        devnet.stop()
        devnet.options += blocks
        devnet.start()
        yield replace(grant, world=replace(checkout, ready=devnet.ready))


def claimer(number: int) -> SigningKey:
    """The key of one who claims."""
    return SigningKey.from_bytes(blake2b_256(b"claimer %d" % number))


def claim_all_at_once(grant: Grant, count: int, *options: str) -> list[subprocess.Popen[str]]:
    """A process for each allocation, each with a wallet and a data directory of its own."""
    return [_claim(grant.elsewhere(f"claimer-{n}").world, grant, n, *options) for n in range(count)]


def _claim(world: ProcessWorld, grant: Grant, number: int, *options: str) -> subprocess.Popen[str]:
    key = world.folder / "claimer.skey"
    claimer(number).save(key)
    about = ("--beneficiary-index", str(number), "--signing-key-path", key.name)
    return world.start("submit-release", *grant.where, *about, *options)


def blocks_with_claims(grant: Grant) -> list[int]:
    """The slots of the blocks that have claims, ascending, once for each claim."""
    vaults = grant.world.kupo(f"matches/{grant.address}?spent")
    claims = [match["spent_at"]["slot_no"] for match in vaults if match["spent_at"]["redeemer"]]
    return sorted(claims)


def schedules(world: ProcessWorld, count: int) -> list[str]:
    """Files of so many schedules, which differ in what is paid."""
    now = world.now
    files = []
    for number in range(count):
        document: dict[str, Any] = {
            "token_policy_id": world.policy_id,
            "token_name": b"GRANT".hex(),
            "beneficiary_allocations": [
                allocation(world, "beneficiary-0", 1_000 + number, FIRST, now - 60)
            ],
            "oracle_addresses": [world.address("oracle-0")],
            "quorum_threshold": 1,
            "creator": world.address("creator"),
            "reclaim_after": now + 31_536_000,
            "contract_metadata": {"network_magic": world.ready["network_magic"], "created_at": now},
        }
        path = world.folder / f"schedule-{number}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        files.append(path.name)
    return files


def deploy_all_at_once(world: ProcessWorld, files: Sequence[str]) -> list[subprocess.Popen[str]]:
    """A process for each schedule, all with the creator's wallet."""
    key = ("--signing-key-path", world.key_file("creator"))
    return [world.start("deploy", "--schedule", file, *key) for file in files]
