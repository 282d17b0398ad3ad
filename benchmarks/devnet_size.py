"""How much memory the embedded chain takes for a long history, and how long it takes to start on one.

A process takes payments over no socket, with a directory and the index behind it; another one then starts on
that directory. Beside it: one address that holds as many outputs, and a rollback. Run as a program it prints
that for 100,000 payments; with a directory and a number it is the process that takes them.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from devnet import ADDRESS, FUND_LOVELACE, call, fund_of, payments, request
from figures import Block, Column, Table

from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig, settle
from milestones.testing.processes import DevnetProcess

IN_A_BLOCK, ROLLED_BACK = 350, 10
LONG = 100_000


def resident_mib() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def busy_s(process: DevnetProcess) -> float:
    """Processor time that a process has taken so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def build(directory: Path, count: int) -> None:
    """Takes payments, block by block, and says what that took."""
    funds = {str(ADDRESS): FUND_LOVELACE}
    chain = ChainConfig(funds=funds, state_dir=directory)
    devnet = Devnet(DevnetConfig(chain=chain, block_interval_s=None, control_port=None))
    settle()
    started = time.process_time()
    for number, raw in enumerate(payments(fund_of(devnet.chain), count), start=1):
        devnet.chain.submit(raw)
        if number % IN_A_BLOCK == 0 or number == count:
            devnet.chain.mine()
    busy_s = time.process_time() - started
    print(json.dumps({"resident_mib": resident_mib(), "busy_s": busy_s}))


def history(count: int) -> list[Block]:
    """What so many payments take, each with two outputs, in the process that took them and the next one."""
    found = measure(count)
    rows: list[tuple[str, float, str]] = [
        ("the process that took them, resident", found["taken_resident_mib"], "MiB"),
        ("taking them, signing included: processor time", found["taken_busy_s"], "s"),
        ("the directory", found["on_disk_mib"], "MiB"),
        ("a process started on them, resident", found["started_mib"], "MiB"),
        ("its start to the first answered query", found["start_s"], "s"),
        (f"one address with {found['address_outputs']:,} outputs", found["address_s"], "s"),
        ("that answer", found["address_mib"], "MiB"),
        (f"taking up to {ROLLED_BACK} blocks away", found["rollback_s"], "s"),
    ]
    cells = [(what, f"{figure:,.1f} {unit}") for what, figure, unit in rows]
    head = f"a history of {count:,} payments, {IN_A_BLOCK} in a block"
    return [Table([Column(head, None), Column("", None)], cells)]


def measure(count: int) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "chain"
        built = subprocess.run(
            [sys.executable, __file__, str(directory), str(count)],
            check=True,
            capture_output=True,
            text=True,
        )
        found = {f"taken_{name}": value for name, value in json.loads(built.stdout).items()}
        found["on_disk_mib"] = sum(each.stat().st_size for each in directory.iterdir()) / 2**20
        process = DevnetProcess(Path(folder), "--state-dir", str(directory), "--manual-blocks")
        started = time.perf_counter()
        with process:
            asyncio.run(call(process.ogmios_url, request("queryNetwork/tip")))
            found["start_s"] = time.perf_counter() - started
            found["start_busy_s"] = busy_s(process)
            found["started_mib"] = process.memory_bytes() / 2**20
            with httpx.Client(trust_env=False, timeout=120) as client:
                started = time.perf_counter()
                before_s = busy_s(process)
                answer = client.get(f"{process.kupo_url}/matches/{ADDRESS}?unspent")
                found["address_s"] = time.perf_counter() - started
                found["address_busy_s"] = busy_s(process) - before_s
                found["address_outputs"] = len(answer.json())
                found["address_mib"] = len(answer.content) / 2**20
                found["after_mib"] = process.memory_bytes() / 2**20
                blocks = min(ROLLED_BACK, -(-count // IN_A_BLOCK))
                started = time.perf_counter()
                client.post(
                    f"{process.control_url}/rollback", json={"count": blocks}
                ).raise_for_status()
                found["rollback_s"] = time.perf_counter() - started
    return found


if __name__ == "__main__":
    if len(sys.argv) == 3:
        build(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        for measured, value in measure(LONG).items():
            print(f"{measured:24}{value:14,.1f}")
