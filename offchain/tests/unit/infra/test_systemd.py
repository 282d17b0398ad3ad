"""The units for machines without docker: the same programs, flags and checks."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

UNITS = ("cardano-node", "ogmios", "kupo")


def _command(infra: Path, unit: str) -> str:
    text = (infra / "systemd" / f"{unit}@.service").read_text(encoding="utf-8")
    found = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert found is not None
    return found[1].replace("\\\n", " ")


@pytest.mark.parametrize("unit", [*UNITS, "milestones-relay", "milestones-serve"])
def test_systemd_reads_the_unit(infra: Path, unit: str) -> None:
    """Without a complaint, but for the programs that are not installed here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(infra / "systemd" / f"{unit}@.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in done.stderr.splitlines() if "is not executable" not in line]
    assert not complaints


@pytest.mark.parametrize("unit", UNITS)
def test_every_flag_is_documented(infra: Path, documented: Any, unit: str) -> None:
    """Nothing is passed that the pinned version's documentation does not list."""
    flags = set(re.findall(r"(?<= )--[a-z-]+", _command(infra, unit)))
    assert flags
    assert flags <= set(documented[unit]["flags"])


@pytest.mark.parametrize("unit", UNITS)
def test_it_listens_on_loopback_restarts_and_is_limited(infra: Path, unit: str) -> None:
    """As in the compose file."""
    command = _command(infra, unit)
    assert re.search(r"--host(-addr)? 127\.0\.0\.1", command)
    text = (infra / "systemd" / f"{unit}@.service").read_text(encoding="utf-8")
    assert re.search(r"^Restart=(always|on-failure)$", text, re.MULTILINE)
    assert re.search(r"^MemoryMax=\d+G$", text, re.MULTILINE)


def test_the_services_meet_at_the_same_socket(infra: Path) -> None:
    """The node's socket is the one that the others are given."""
    sockets = {
        re.search(r"--(?:node-socket|socket-path) (\S+)", _command(infra, unit)) for unit in UNITS
    }
    assert {found[1] for found in sockets if found} == {"/run/cardano-%i/node.socket"}
    assert None not in sockets
