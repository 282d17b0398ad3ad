"""Schemathesis makes requests out of the control interface's description, and finds nothing.

Not asked: whether every request that fits is accepted, since a chain has only so many blocks to take
away, and which address belongs to its network no description can say.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from milestones.testing.processes import DevnetProcess
from tests.support.devnet_clients import ALICE_FUNDS
from tests.support.fuzzing import requests_made
from tests.support.load import length


def test_nothing_is_found(tmp_path: Path) -> None:
    description = resources.files("milestones.devnet.control").joinpath("openapi.json").read_text()
    arguments = [
        *("--exclude-checks", "positive_data_acceptance"),
        *("--max-examples", str(length(short=10, long=200))),
        *("--phases", length(short="fuzzing", long="coverage,fuzzing,stateful")),
    ]
    with DevnetProcess(tmp_path, funds=ALICE_FUNDS) as devnet:
        made = requests_made(tmp_path, json.loads(description), devnet.control_url, arguments)
    assert made >= length(short=30, long=1_000)
    print(f"{made} requests, nothing found")  # noqa: T201
