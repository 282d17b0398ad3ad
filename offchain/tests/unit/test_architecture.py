"""The direction of imports, and that the rules of the business run where no network is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[3]

RULES = """
import sys
import milestones.domain.claims, milestones.domain.merkle, milestones.domain.models
import milestones.domain.quorum, milestones.domain.schedule
import milestones.protocol.distribution, milestones.protocol.announced_schedule
import milestones.protocol.validator_loader
reaching = ("httpx", "websockets", "asyncio", "pycardano", "milestones.clients",
            "milestones.services", "milestones.storage", "milestones.transactions")
found = [name for name in reaching if name in sys.modules]
print(*found)
"""


def test_every_room_imports_only_what_lies_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contracts are those in pyproject.toml."""
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == EXIT_STATUS_SUCCESS


def test_the_rules_of_the_business_run_without_anything_that_reaches_a_network() -> None:
    done = subprocess.run([sys.executable, "-c", RULES], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_the_program_and_its_tools_leave_behind_is_ignored() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"__pycache__/", "*.pyc", ".venv/", "data/", "*.log"} <= set(ignored)
