"""How long people wait at `milestones serve`: many clients who look, build and ask to be paid.

Run with `make bench-serve`. Server, chain and clients share this machine. No answer may be wrong: each is held
against the API's document, and its figures against what was promised.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.support.web_clients import crowd_at, demo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder)) as url:
        seen = asyncio.run(crowd_at(url, clients=arguments.clients, seconds=arguments.seconds))
    print(f"{arguments.clients} clients for {arguments.seconds:.0f} s")
    print("\n".join(seen.lines()))


if __name__ == "__main__":
    main()
