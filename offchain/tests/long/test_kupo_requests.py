"""Schemathesis makes requests out of Kupo's own description; it finds nothing to complain about.

Not asked: whether every request that fits the description is accepted (its patterns admit what is no
pattern, and filters exclude each other, which it says in words only), and whether a wrong method is a
405 (it is a 406 in Kupo, which another test shows); nor whether what was deleted is gone, since a
pattern's page shows the patterns that include it, whether it is there or not.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from devnet_process import DevnetProcess
from lengths import length
from wire_schemas import directory

EXCLUDED = (
    *("positive_data_acceptance", "unsupported_method", "allow_header_conformance"),
    *("use_after_free", "ensure_resource_availability"),
)


@pytest.mark.skipif(directory() is None, reason="Kupo's description is not at hand")
def test_nothing_is_found(tmp_path: Path) -> None:
    import kupo_requests

    (tmp_path / "openapi.json").write_text(json.dumps(kupo_requests.requests_description()))
    with DevnetProcess(tmp_path) as devnet:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", "openapi.json"),
            *("--url", devnet.kupo_url, "--exclude-checks", ",".join(EXCLUDED)),
            *("--max-examples", str(length(short=25, long=700)), "--seed", "2026"),
            *("--phases", length(short="fuzzing", long="coverage,fuzzing,stateful")),
            *("--header", "Accept: application/json", "--warnings", "off", "--no-shrink"),
        ]
        hooks = {"SCHEMATHESIS_HOOKS": "kupo_requests", "NO_COLOR": "1"}
        support = str(Path(kupo_requests.__file__).parent)
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, **hooks, "PYTHONPATH": support},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = re.findall(r"(\d+) generated, \1 passed", done.stdout)
    assert int(made) >= length(short=300, long=10_000)
    print(f"{made} requests, nothing found")  # noqa: T201
