"""The program on a machine of its own: no network, no data directory, nothing but the files in its folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from milestones.testing.processes import PROGRAM, program_environment


def air_gapped(folder: Path, *arguments: str) -> dict[str, Any]:
    """The program in a folder of its own, with no data directory, no services, and no network."""
    variables = {
        "HOME": "/nonexistent",
        "OGMIOS_URL": "ws://127.0.0.1:1",
        "KUPO_URL": "http://127.0.0.1:1",
    }
    offline = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*offline, "true"], capture_output=True, check=False).returncode:
        offline = []
    done = subprocess.run(
        [*offline, *PROGRAM, *arguments],
        cwd=folder,
        env=program_environment(**variables),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
