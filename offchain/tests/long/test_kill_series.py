"""A series whose registration, deployment and payment are cut off at random, on a chain that is rolled back.

The same command goes on each time. After every cut each file is whole; in the end everything is opened
and paid just once. A part is tried in every run; `make kill-series` tries 200,000 rows.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from milestones.cardano.bech32_blocks import encode_addresses
from milestones.cardano.hashes import blake2b_256
from milestones.storage.series_files import SeriesRecord
from milestones.testing.cast import ADA, NETWORK_NAMES, ORACLES
from milestones.testing.processes import CommandResult, program_environment
from milestones.testing.world import World, open_world
from tests.support.checkout import OFFCHAIN
from tests.support.killed_at import KILLED
from tests.support.load import length

ROWS, PART_SIZE, MILESTONES = length(short=(150, 64, 3), long=(200_000, 65_536, 12))
CUTS = length(
    short={"register-milestone": 1, "deploy": 2, "submit-release": 2},
    long={"register-milestone": 12, "deploy": 24, "submit-release": 48},
)
"""How often each command is cut off before it may end."""
OPERATIONS: Final = {"register-milestone": 200, "deploy": 900, "submit-release": 1_200}
"""Of files, journal and sockets, about as many as each has here: at one of them it is cut off."""
MILESTONE: Final = "milestone-000"
ROLLED_BACK: Final = 4
"""Blocks at the most."""


def listed(now: int) -> list[tuple[str, int, str, int]]:
    """Rows whose amounts are all different; one in seven is of somebody who has a row already."""
    people = [b"\x60" + (n - n // 7).to_bytes(28, "big") for n in range(ROWS)]
    return [
        (address, n + 1, f"milestone-{n % MILESTONES:03}", now - 1_000)
        for n, address in enumerate(encode_addresses(people))
    ]


@dataclass
class Siege:
    """The program in a world, where it is cut off again and again; `happened` counts how."""

    world: World
    dice: Random
    first_height: int = 0
    took_seconds: dict[str, float] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)

    async def done(self, *arguments: str, key: str) -> CommandResult:
        """A command, cut off before it ends as often as is due; how its last run ended."""
        name = arguments[0]
        for number in range(CUTS[name]):
            before = time.monotonic()
            if number % 2 and name in self.took_seconds:
                await self._killed(*arguments, key=key)
            else:
                await self._cut_off(*arguments, key=key)
                self.took_seconds[name] = time.monotonic() - before
            must_be_whole(self.world.data_directory)
            self._roll_back()
        ended = await self.world.cli(*arguments, key=key)
        must_be_whole(self.world.data_directory)
        return ended

    async def _cut_off(self, *arguments: str, key: str) -> None:
        """Before one of its operations."""
        moment = self.dice.randint(1, OPERATIONS[arguments[0]])
        process = await self._started(
            "-m", "tests.support.killed_at", str(moment), *arguments, key=key
        )
        _, stderr = await process.communicate()
        assert process.returncode in (KILLED, 0), stderr.decode()
        self.happened["cut off"] += process.returncode == KILLED

    async def _killed(self, *arguments: str, key: str) -> None:
        """Whenever it comes."""
        process = await self._started("-m", "milestones", *arguments, key=key)
        ending = asyncio.ensure_future(process.communicate())
        await asyncio.wait(
            {ending}, timeout=self.dice.uniform(0, 1.2 * self.took_seconds[arguments[0]])
        )
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            self.happened["killed"] += 1
        _, stderr = await ending
        assert b"Traceback" not in stderr, stderr.decode()

    async def _started(self, *arguments: str, key: str) -> asyncio.subprocess.Process:
        world = self.world
        environment = program_environment(
            CARDANO_NETWORK=NETWORK_NAMES.get(world.magic, "testnet"),
            OGMIOS_URL=world.devnet.ogmios_url,
            KUPO_URL=world.devnet.kupo_url,
            MILESTONES_SIGNING_KEY=world.key_file(key),
            PYTHONPATH=str(OFFCHAIN),
            MOMENTS_FILE=str(world.directory / "moments"),
        )
        return await asyncio.create_subprocess_exec(
            *(sys.executable, *arguments),
            cwd=world.directory,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    def _roll_back(self) -> None:
        """Now and then blocks go; what was in them waits again, or is forgotten by all but the program."""
        chain = self.world.devnet.chain
        most = min(ROLLED_BACK, chain.tip.height - self.first_height)
        if most < 1 or self.dice.random() < 0.3:
            return
        chain.rollback(self.dice.randint(1, most))
        self.happened["rolled back"] += 1
        if self.dice.random() < 0.5:
            chain.mempool.reset((), chain.environment())
            self.happened["forgotten"] += 1


def must_be_whole(data: Path) -> None:
    """No file of the program's is broken; what is under a name of its own is complete."""
    for path in (*data.rglob("*.sqlite"), *data.glob("*.sqlite3")):
        if not is_temporary(path):
            with closing(sqlite3.connect(path)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], path
    for path in data.rglob("*.json"):
        if not is_temporary(path):
            json.loads(path.read_text())
    for folder in data.glob("series/[0-9a-f]*"):
        record = SeriesRecord.model_validate_json((folder / "series.json").read_text())
        rows = (folder / "allocations.cbor").read_bytes()
        assert blake2b_256(rows) == record.file_hash
        if (folder / "index.sqlite").exists():
            with closing(sqlite3.connect(folder / "index.sqlite")) as connection:
                assert connection.execute("SELECT root, rows FROM series").fetchall() == [
                    (record.series_root, ROWS)
                ]


def is_temporary(path: Path) -> bool:
    """Whether it is under way, or what a killed process has left of one that was."""
    return any(part.startswith(".") for part in path.parts[-3:])


@asynccontextmanager
async def besieged(directory: Path) -> AsyncIterator[tuple[Siege, list[tuple[str, int, str, int]]]]:
    """A world with the scripts published, and a list of rows in a file."""
    async with open_world(directory) as world:
        rows = listed(world.now)
        lines = ("address,amount,milestone,vests", *(",".join(map(str, row)) for row in rows))
        (directory / "rows.csv").write_text("\n".join(lines))
        world.pay(world.address("creator"), 2_000 * ADA, ROWS * (ROWS + 1) // 2)
        world.pay(world.address("relayer"), (2 * ROWS // MILESTONES + 500) * ADA)
        await world.publish()
        yield Siege(world, Random(18), world.devnet.chain.tip.height), rows  # noqa: S311 - repeatable


async def test_the_same_command_goes_on_and_nothing_is_done_twice(tmp_path: Path) -> None:
    started = time.monotonic()
    async with besieged(tmp_path) as (siege, rows):
        world = siege.world
        registered = await siege.done(
            *("register-milestone", "--token-policy-id", world.token.policy_id.hex()),
            *("--token-name", "GRANT", "--beneficiary-allocations", "rows.csv"),
            *("--oracle-addresses", ",".join(str(world.address(name)) for name in ORACLES)),
            *("--quorum-threshold", "2", "--part-size", str(PART_SIZE), "--order", "file"),
            *("--creator", str(world.address("creator"))),
            key="creator",
        )
        assert registered.exit_code == 0, registered.stderr
        root, parts = registered.json["series_root"], len(registered.json["distributions"])
        series, about = ("--series", root), ("--milestone-identifier", MILESTONE)
        opened = await siege.done("deploy", *series, "--yes", "--wait", key="creator")
        assert opened.exit_code == 0, opened.stderr
        for oracle in ORACLES[:2]:
            when = ("--verification-timestamp", str(rows[0][3]))
            signed = ("oracle", "sign", *series, *about, *when, "--output", "signatures.json")
            ran = await world.cli(*signed, key=oracle)
            assert ran.exit_code == 0, ran.stderr
        kept = ("commit-milestone", *series, *about, "--oracle-signatures", "signatures.json")
        ran = await world.cli(*kept)
        assert ran.exit_code == 0, ran.stderr
        # Whoever pays has lost the index: it is made anew, as often as that is cut off.
        (world.data_directory / "series" / root / "index.sqlite").unlink()
        paid = await siege.done("submit-release", *series, *about, "--wait", key="relayer")
        assert paid.exit_code == 0, paid.stderr
        must_be_done_once(world, rows, parts)
        left = [path.name for path in world.data_directory.rglob(".*")]
        assert [name for name in left if not name.endswith(".lock")] == []
    print(  # noqa: T201
        f"a series of {ROWS:,} rows in {parts} parts through {dict(siege.happened)}: registered, opened"
        f" and paid once; {time.monotonic() - started:.0f} s"
    )


def must_be_done_once(world: World, rows: list[tuple[str, int, str, int]], parts: int) -> None:
    """Each part is open once, each row of the milestone is paid once, and all tokens are somewhere."""
    wanted = Counter((row[0], row[1]) for row in rows if row[2] == MILESTONE)
    found, creator = Counter[tuple[str, int]](), str(world.address("creator"))
    locked = total = 0
    contracts = set()
    for output in world.devnet.chain.utxo.values():
        amount = output.value.quantity(world.token)
        total += amount
        if not amount or str(output.address) == creator:
            continue
        if any(policy == world.contract.policy_id for policy in output.value.policies()):
            locked += amount
            contracts.add(str(output.address))
        else:
            found[str(output.address), amount] += 1
    assert found == wanted
    assert locked == sum(row[1] for row in rows if row[2] != MILESTONE)
    assert len(contracts) == parts
