"""However long a series is, no command makes a record for each allocation, nor holds all of them."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from milestones.cardano.bech32_blocks import encode_addresses
from milestones.cardano.hashes import blake2b_224
from milestones.testing.cast import ORACLES
from milestones.testing.processes import program_environment
from milestones.testing.world import World

ROWS: Final = 20_000
PART: Final = 8_192
MILESTONES: Final = 4
MOST_MADE: Final = 500
"""Records of a kind: those of a subtree of 64 rows, of a few people, of outputs and wallets."""
MOST_MADE_TO_PAY: Final = 3_000
"""As many payments as a transaction could hold are tried, then fewer, until they fit."""
MOST_MIB: Final = 100
"""A record for each row would take 60 MiB more than the program's 60."""


async def test_no_command_makes_a_record_for_each_allocation(world: World) -> None:
    await world.publish()
    world.pay(world.address("creator"), 10_000_000, sum(range(1, ROWS + 1)))
    own, about = world.address("beneficiary-0").to_bech32(), ("--milestone-identifier", "m-1")
    (world.directory / "rows.csv").write_text(table(world))
    oracles = ",".join(world.address(name).to_bech32() for name in ORACLES)
    registered = await counted(
        world,
        *("register-milestone", "--token-policy-id", world.token.policy_id.hex()),
        *("--token-name", "GRANT", "--beneficiary-allocations", "rows.csv"),
        *("--oracle-addresses", oracles, "--quorum-threshold", "1", "--part-size", str(PART)),
        key="creator",
    )
    series = ("--series", registered["series_root"])
    assert [each["allocation_count"] for each in registered["distributions"]] == [PART, PART, 3616]
    opened = await counted(world, "deploy", *series, "--wait", "--yes", key="creator")
    assert len(opened["parts"]) == 3
    when = ("--verification-timestamp", str(world.now - 60), "--output", "signed.json")
    await counted(world, "oracle", "sign", *series, *about, *when, key=ORACLES[0])
    await counted(world, "commit-milestone", *series, *about, "--oracle-signatures", "signed.json")
    await counted(world, "attest", *series, *about, "--wait", key="stranger")
    paying = ("submit-release", *series, "--beneficiary-address", own, "--wait")
    paid = await counted(world, *paying, key="relayer")
    assert [each["status"] for each in paid["parts"]] == ["done"]
    status = await counted(world, "check-status", *series)
    assert (status["allocation_count"], status["claimed_count"]) == (ROWS, 1)
    verified = await counted(world, "verify", *series)
    assert verified["verdict"] == "sound"
    await counted(world, "claim-file", *series, "--beneficiary-address", own, "--output", "c.json")
    for command in (("history",), ("calculate-distribution", "--beneficiary-address", own)):
        await counted(world, *command, *series)
    await counted(world, "find", "--beneficiary", own)
    await counted(world, "list")
    # Thousands are due, and a few are paid: as many as the budget or the wallet allows.
    world.pay(world.address("oracle-1"), 30_000_000)
    spent = ("relay", *series, "--budget", "15", "--token", str(world.token))
    # A relay looks again with every block, and only then sees that nothing is left to spend.
    making = asyncio.ensure_future(blocks(world))
    await counted(world, *spent, key="relayer", ends_with=6)
    making.cancel()
    all_due = ("submit-release", *series, *about, "--wait")
    await counted(world, *all_due, key="oracle-1", ends_with=6)
    status = await counted(world, "check-status", *series)
    assert 10 < status["claimed_count"] < 100


async def blocks(world: World) -> None:
    """Makes one a second, whether or not there is anything in it."""
    while True:
        await asyncio.sleep(1)
        world.devnet.chain.mine()


def table(world: World) -> str:
    """A person a row; the first is `beneficiary-0`."""
    raws = [b"\x60" + blake2b_224(number.to_bytes(4, "big")) for number in range(ROWS)]
    raws[0] = world.address("beneficiary-0").to_bytes()
    lines = [
        f"{address},{number + 1},m-{number % MILESTONES + 1},{world.now - 1_000 - number % 30}"
        for number, address in enumerate(encode_addresses(raws))
    ]
    return "\n".join(["address,amount,milestone,vests", *lines])


async def counted(world: World, *arguments: str, key: str | None = None, ends_with: int = 0) -> Any:
    """The result of a command that makes no more records, and takes no more memory, than few rows do."""
    file = world.directory / "counted.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.counted", str(file), *arguments),
        cwd=world.directory,
        env=program_environment(**world.settings(key), PYTHONPATH=str(Path(__file__).parents[3])),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await process.communicate()
    assert process.returncode == ends_with, said.decode()
    made = json.loads(file.read_text(encoding="utf-8"))
    assert made.pop("peak_kib") < MOST_MIB * 1024, arguments
    most = MOST_MADE_TO_PAY if ends_with else MOST_MADE
    assert max(made.values()) <= most, (arguments, made)
    return json.loads(out) if out else None
