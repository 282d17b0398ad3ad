"""The pages as a site: built without a network, without a warning."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import PROJECT


def test_the_site_builds(tmp_path: Path) -> None:
    """Every page, with all cross references resolved: warnings are errors."""
    missing = [
        name for name in ("sphinx", "myst_parser", "furo") if not importlib.util.find_spec(name)
    ]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "-c", "docs", "-b", "html"]
    done = subprocess.run(
        [*command, "-d", str(tmp_path / "doctrees"), ".", str(tmp_path / "html")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "html" / "docs" / "tutorial.html").read_text(encoding="utf-8")
    assert "register-milestone" in page
    for asset in ("http://", "cdn."):
        assert f'src="{asset}' not in page
