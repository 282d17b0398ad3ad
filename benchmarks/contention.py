"""How long many who claim at once out of one vault have to wait for blocks.

    python benchmarks/contention.py [--claims 20] [--block-seconds 20]

Each claims with a process, a wallet and a data directory of its own, and waits for its block (`--wait`), on an
embedded chain that makes a block every 20 seconds as the public network does on average. Prints how many blocks
have the claims, how many claims are in each, and the seconds from the start of the first process to the end of
the last. All processes share this machine's processors, so the figure of a busy one is larger.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support.crowd import attested_grant, blocks_with_claims, claim_all_at_once, outcomes


def main() -> int:
    """Measures and prints; the exit code is 1 where a claim failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=20)
    parser.add_argument("--block-seconds", type=float, default=20)
    options = parser.parse_args()
    blocks = f"--block-interval={options.block_seconds:g}"
    with (
        tempfile.TemporaryDirectory() as folder,
        attested_grant(Path(folder) / "offchain", options.claims, blocks) as grant,
    ):
        started = time.monotonic()
        results = outcomes(claim_all_at_once(grant, options.claims, "--wait"))
        seconds = time.monotonic() - started
        slots = blocks_with_claims(grant)
    failed = [each for each in results if each.exit_code]
    for each in failed:
        print(each.stdout + each.stderr, file=sys.stderr)
    in_blocks = Counter(slots)
    print(
        f"{len(slots)} claims in {len(in_blocks)} blocks ({list(in_blocks.values())}), {seconds:.0f} s"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
