"""This checkout, used as its readers use it: `python cli.py …` in a folder."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from milestones.testing.processes import DevnetProcess, ProcessWorld, process_world

OFFCHAIN: Final = Path(__file__).parents[2]


def fresh_checkout(
    folder: Path, *options: str, network: str = "testnet", network_id: int = 0
) -> AbstractContextManager[tuple[ProcessWorld, DevnetProcess]]:
    """A folder with nothing but `cli.py`, beside a devnet of its own; `options` are the devnet's."""
    return process_world(
        folder, *options, network=network, network_id=network_id, script=OFFCHAIN / "cli.py"
    )
