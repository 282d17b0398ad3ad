"""What paying others' claims costs by batches, and how many of them a block takes.

    python benchmarks/relay.py [--claims 2000] [--page-depth 7 12]

Neighbours in the schedule, at base addresses, of a token with a name of 5 bytes, on an embedded chain with
mainnet's parameters that makes a block after each step of the relay. Prints a line a depth of pages.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from milestones.testing.world import open_world
from tests.support.many_claims import claims, pay_all


async def measure(count: int, page_depth: int) -> str:
    """The figures of one distribution, in words."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_world(Path(folder)) as world, claims(world, count, page_depth) as stage:
            started = time.process_time()
            found = await pay_all(stage)
            seconds = (time.process_time() - started) / found.transactions
            pages = len(stage.distribution.terms.pages)
    return (
        f"depth {page_depth}, {pages} pages: {found.claims} claims in {found.transactions} transactions and"
        f" {found.blocks} blocks, at most {found.most_in_a_block} in one;"
        f" {found.fees_lovelace / found.claims / 1e6:.4f} ADA of fees a claim;"
        f" {seconds:.2f} s of processor a transaction, the chain's included"
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=2_000)
    parser.add_argument("--page-depth", type=int, nargs="+", default=[7, 12])
    options = parser.parse_args()
    for page_depth in options.page_depth:
        print(asyncio.run(measure(options.claims, page_depth)), flush=True)


if __name__ == "__main__":
    main()
