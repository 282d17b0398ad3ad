"""How long the specification's time-bound success criteria take, and how much of each limit that uses.

Run with `make bench-criteria`. `--json` prints one object, `--write` renews the table in
docs/traceability.md. Every figure is the time of a whole process, from its start to its end, against
an embedded chain in another process, over real sockets; the slowest of `TIMES` runs counts. The wait for
a block is not in it: the chain decides that, on a public network 20 seconds on average.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_224
from milestones.testing.grant import FIRST, Grant, allocation, open_grant, register, set_up
from milestones.testing.processes import ProcessWorld
from tests.support.checkout import fresh_checkout

PAGE = Path(__file__).parents[1] / "docs" / "traceability.md"
TABLE_STARTS, TABLE_ENDS = "<!-- figures -->", "<!-- end of figures -->"
TIMES = 5
SIZES = (50, 2_000)


@dataclass(frozen=True)
class Row:
    """One criterion for a number of beneficiaries. Times and limit in seconds, of several runs."""

    criterion: str
    what: str
    beneficiaries: int
    median_seconds: float
    slowest_seconds: float
    limit_seconds: int

    @property
    def share(self) -> float:
        """How much of the limit the slowest run used."""
        return self.slowest_seconds / self.limit_seconds


def timed(command: Callable[[], Any]) -> float:
    """Seconds that a command takes, which must succeed."""
    started = time.perf_counter()
    ran = command()
    seconds = time.perf_counter() - started
    if ran.exit_code != 0:
        raise SystemExit(ran.stdout + ran.stderr)
    return seconds


def row(criterion: str, what: str, size: int, limit: int, seconds: list[float]) -> Row:
    """The row of these runs."""
    return Row(criterion, what, size, statistics.median(seconds), max(seconds), limit)


def measured(size: int, folder: Path) -> Iterator[Row]:
    """All criteria for a schedule of this many beneficiaries."""
    with fresh_checkout(folder / "offchain") as (checkout, _):
        key = ("--signing-key-path", checkout.key_file("creator"))
        seconds = [timed(lambda: checkout.run("init", *key)) for _ in range(TIMES)]
        yield row("SC-001", "`init`", size, 30, seconds)
        set_up(checkout)
        entries = allocations(checkout, size)
        seconds = [timed(lambda: register(checkout, entries)) for _ in range(TIMES)]
        yield row("SC-002", "`register-milestone`", size, 5, seconds)
        grant = open_grant(checkout, entries)
        grant.attest(FIRST)
        seconds = [timed(lambda: forgetful(grant).check()) for _ in range(TIMES)]
        yield row("SC-004", "`check-status`, nothing known locally", size, 10, seconds)
        seconds = [timed(grant.check) for _ in range(TIMES)]
        yield row("SC-004", "`check-status`, local data verified", size, 10, seconds)
        indices = [str(number * size // TIMES) for number in range(TIMES)]
        seconds = [timed(lambda n=n: grant.release("--beneficiary-index", n)) for n in indices]  # type: ignore[misc]
        yield row("SC-005", "`submit-release` of one allocation", size, 120, seconds)


def forgetful(grant: Grant) -> Grant:
    """The same in a folder without data."""
    shutil.rmtree(grant.world.data)
    return grant


def allocations(checkout: ProcessWorld, size: int) -> list[dict[str, Any]]:
    """A schedule as big as asked for: everybody has an address and an amount of their own."""
    vested = checkout.now - 60
    entries = []
    for number in range(size):
        key_hash = blake2b_224(number.to_bytes(4, "big"))
        entry = allocation(checkout, "beneficiary-0", 1_000 + number, FIRST, vested)
        address = Address(0, key_credential(key_hash)).to_bech32()
        entries.append({**entry, "beneficiary_address": address})
    return entries


def table(rows: list[Row]) -> str:
    """The table as the page has it."""
    lines = [
        "| criterion | measured | beneficiaries | median (s) | slowest (s) | limit (s) | share used |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for each in rows:
        lines.append(
            f"| {each.criterion} | {each.what} | {each.beneficiaries:,} | {each.median_seconds:.1f}"
            f" | {each.slowest_seconds:.1f} | {each.limit_seconds} | {each.share:.0%} |"
        )
    return "\n".join(lines)


def write(text: str) -> None:
    """Renews the table in the page."""
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(TABLE_STARTS)
    _, _, tail = rest.partition(TABLE_ENDS)
    renewed = f"{head}{TABLE_STARTS}\n{text}\n{TABLE_ENDS}{tail}"
    PAGE.write_text(renewed, encoding="utf-8")


def main() -> None:
    """Measures and prints; ends with an error where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--write", action="store_true", help=f"renew the table in {PAGE.name}")
    arguments = parser.parse_args()
    rows = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            rows += list(measured(size, Path(folder)))
    if arguments.json:
        print(json.dumps([{**asdict(each), "share": each.share} for each in rows], indent=2))
    else:
        print(table(rows))
    if arguments.write:
        write(table(rows))
    broken = [each.criterion for each in rows if each.share >= 1]
    if broken:
        raise SystemExit(f"over the limit: {', '.join(broken)}")


if __name__ == "__main__":
    main()
