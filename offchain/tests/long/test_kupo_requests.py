"""Schemathesis makes requests out of Kupo's own description; it finds nothing to complain about.

Not asked: whether every request that fits the description is accepted (its patterns admit what is no
pattern, and filters exclude each other, which it says in words only), and whether a wrong method is a
405 (it is a 406 in Kupo, which another test shows); nor whether what was deleted is gone, since a
pattern's page shows the patterns that include it, whether it is there or not.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from devnet_process import DevnetProcess
from lengths import length
from schemathesis_run import requests_made
from wire_schemas import directory

EXCLUDED = (
    *("positive_data_acceptance", "unsupported_method", "allow_header_conformance"),
    *("use_after_free", "ensure_resource_availability"),
)


@pytest.mark.skipif(directory() is None, reason="Kupo's description is not at hand")
def test_nothing_is_found(tmp_path: Path) -> None:
    import kupo_requests

    arguments = [
        *("--exclude-checks", ",".join(EXCLUDED), "--header", "Accept: application/json"),
        *("--max-examples", str(length(short=25, long=700))),
        *("--phases", length(short="fuzzing", long="coverage,fuzzing,stateful")),
    ]
    description = kupo_requests.requests_description()
    hooks = Path(kupo_requests.__file__)
    with DevnetProcess(tmp_path) as devnet:
        made = requests_made(tmp_path, description, devnet.kupo_url, arguments, hooks)
    assert made >= length(short=100, long=10_000)
    print(f"{made} requests, nothing found")  # noqa: T201
