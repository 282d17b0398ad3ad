"""How much memory the embedded chain takes for a long history, and how long it takes to start on one.

Run with `make bench-devnet-size`, or `python benchmarks/devnet_size.py --payments 10000`. A process takes the
payments over no socket, with a directory and the index behind it; another one then starts on that directory.
Beside it: one address that holds as many outputs, and a rollback.
"""

from __future__ import annotations

import argparse
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

from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig, settle
from milestones.testing.processes import DevnetProcess

IN_A_BLOCK = 350


def resident_mib() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def busy_s(process: DevnetProcess) -> float:
    """Processor time that a process has taken so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def build(directory: Path, count: int, in_a_block: int) -> None:
    """Takes payments, block by block, and says what that took."""
    funds = {str(ADDRESS): FUND_LOVELACE}
    chain = ChainConfig(funds=funds, state_dir=directory)
    devnet = Devnet(DevnetConfig(chain=chain, block_interval_s=None, control_port=None))
    settle()
    started = time.process_time()
    for number, raw in enumerate(payments(fund_of(devnet.chain), count), start=1):
        devnet.chain.submit(raw)
        if number % in_a_block == 0 or number == count:
            devnet.chain.mine()
    busy_s = time.process_time() - started
    print(json.dumps({"resident_mib": resident_mib(), "busy_s": busy_s}))


def measure(count: int, in_a_block: int) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "chain"
        options = ["--build", str(directory), "--payments", str(count), "--block", str(in_a_block)]
        built = subprocess.run(
            [sys.executable, __file__, *options], check=True, capture_output=True, text=True
        )
        found = {f"taken_{name}": value for name, value in json.loads(built.stdout).items()}
        found["on_disk_mib"] = sum(each.stat().st_size for each in directory.iterdir()) / 2**20
        process = DevnetProcess(Path(folder), "--state-dir", str(directory), "--manual-blocks")
        started = time.perf_counter()
        process.start()
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
            started = time.perf_counter()
            client.post(f"{process.control_url}/rollback", json={"count": 10}).raise_for_status()
            found["rollback_s"] = time.perf_counter() - started
        process.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=100_000)
    parser.add_argument("--block", type=int, default=IN_A_BLOCK)
    parser.add_argument("--build", type=Path)
    given = parser.parse_args()
    if given.build is not None:
        build(given.build, given.payments, given.block)
        return
    for name, value in measure(given.payments, given.block).items():
        print(f"{name:16} {value:,.2f}")


if __name__ == "__main__":
    main()
