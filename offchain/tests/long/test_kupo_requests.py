"""Schemathesis makes requests out of Kupo's own description; it finds nothing to complain about.

Not asked: whether every request that fits the description is accepted (its patterns admit what is no
pattern, and filters exclude each other, which it says in words only), and whether a wrong method is a
405 (it is a 406 in Kupo, which another test shows); nor whether what was deleted is gone, since a
pattern's page shows the patterns that include it, whether it is there or not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from milestones.testing.processes import DevnetProcess
from tests.support.devnet_clients import ALICE_FUNDS
from tests.support.fuzzing import requests_made
from tests.support.load import length
from tests.support.wire_schemas import directory

EXCLUDED = (
    *("positive_data_acceptance", "unsupported_method", "allow_header_conformance"),
    *("use_after_free", "ensure_resource_availability"),
)


@pytest.mark.skipif(directory() is None, reason="Kupo's description is not at hand")
def test_nothing_is_found(tmp_path: Path) -> None:
    from tests.support import kupo_requests

    arguments = [
        *("--exclude-checks", ",".join(EXCLUDED), "--header", "Accept: application/json"),
        *("--max-examples", str(length(short=25, long=700))),
        *("--phases", length(short="fuzzing", long="coverage,fuzzing,stateful")),
    ]
    description = kupo_requests.requests_description()
    hooks = kupo_requests.__name__
    with DevnetProcess(tmp_path, funds=ALICE_FUNDS) as devnet:
        made = requests_made(tmp_path, description, devnet.kupo_url, arguments, hooks)
    assert made >= length(short=100, long=10_000)
    print(f"{made} requests, nothing found")  # noqa: T201
