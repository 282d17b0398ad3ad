"""What docs/local-chain.md shows for Vitest is run as it stands there, against a chain of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from milestones.testing.processes import DevnetProcess

from .pages import read

MODULES: Final = Path(os.environ.get("MILESTONES_NODE_PACKAGES", "")) / "node_modules"
"""Where `npm install vitest @meshsdk/core` was run."""


@pytest.mark.skipif(
    shutil.which("node") is None or not (MODULES / "vitest").is_dir(),
    reason="MILESTONES_NODE_PACKAGES names no folder with Vitest",
)
def test_the_example_passes(tmp_path: Path) -> None:
    example = read("docs/local-chain.md").partition("```ts\n")[2].partition("```")[0]
    (tmp_path / "node_modules").symlink_to(MODULES.resolve())
    with DevnetProcess(tmp_path) as devnet:
        for service, port in (("ogmios", "1337"), ("kupo", "1442")):
            assert f"://127.0.0.1:{port}" in example
            example = example.replace(f":{port}", f":{devnet.ready[f'{service}_port']}")
        (tmp_path / "pay.test.ts").write_text(example)
        # Node 22 has WebSocket; before, it has to be asked for.
        ran = subprocess.run(
            [
                "node",
                str(MODULES.resolve() / "vitest" / "vitest.mjs"),
                "run",
                "--root",
                str(tmp_path),
            ],
            env={**os.environ, "NODE_OPTIONS": "--experimental-websocket", "NO_COLOR": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout
