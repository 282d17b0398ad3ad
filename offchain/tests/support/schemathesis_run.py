"""Schemathesis as a process: requests out of a description, and whether it finds anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def requests_made(
    directory: Path,
    description: dict[str, Any],
    url: str,
    arguments: Sequence[str],
    hooks: Path | None = None,
) -> int:
    """How many requests were made without anything found; an assertion with its report otherwise.

    `hooks` is a module that schemathesis loads.
    """
    (directory / "openapi.json").write_text(json.dumps(description))
    environment = {**os.environ, "NO_COLOR": "1"}
    if hooks is not None:
        environment |= {"SCHEMATHESIS_HOOKS": hooks.stem, "PYTHONPATH": str(hooks.parent)}
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", url]
    settings = ["--seed", "2026", "--warnings", "off", "--no-shrink"]
    done = subprocess.run(
        [*command, *settings, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = re.findall(r"(\d+) generated, \1 passed", done.stdout)
    return int(made)
