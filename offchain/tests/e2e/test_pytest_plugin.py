"""Somebody else's project, whose tests use the fixtures: pytest as a process, in a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from milestones.testing.processes import program_environment

SYNCHRONOUS = """
import httpx
import pytest

def test_the_fixture(milestones_devnet):
    address = milestones_devnet.accounts[0].address
    found = httpx.get(f"{milestones_devnet.kupo_url}/matches/{address}?unspent").json()
    assert [match["value"]["coins"] for match in found] == [milestones_devnet.accounts[0].lovelace]

class TestAnother:
    @pytest.fixture
    def milestones_devnet_options(self):
        return {"network_magic": 1, "block_interval_s": None}

    def test_chain(self, milestones_devnet):
        assert (milestones_devnet.network_magic, milestones_devnet.height) == (1, 0)
"""
ASYNCHRONOUS = """
async def test_the_world(milestones_world):
    async with milestones_world() as world:
        distribution = await world.open()
        assert world.held_by(distribution.address).quantity(world.token) == 15_000
        assert world.directory.name.startswith("test_the_world")
"""
WITH_ANYIO = """
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

pytestmark = pytest.mark.anyio
"""
MISTAKEN = """
import pytest

@pytest.fixture
def milestones_devnet_options():
    return {"interval": 1}

def test_never(milestones_devnet):
    pass
"""
WITHOUT_THE_EXTRA = """
import sys

def test_never(request):
    sys.modules["uvicorn"] = None
    request.getfixturevalue("milestones_devnet")
"""
UNUSED = """
import sys

def test_what_is_loaded():
    print(sorted(name for name in sys.modules if name.partition(".")[0] == "milestones"))
"""


def pytest_in(folder: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs a test file by itself."""
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *options]
    return subprocess.run(
        command, cwd=folder, env=program_environment(), capture_output=True, text=True, check=False
    )


def test_a_project_without_a_plugin_for_asynchronous_tests(tmp_path: Path) -> None:
    done = pytest_in(tmp_path, SYNCHRONOUS, "-p", "no:asyncio", "-p", "no:anyio")
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("prologue", "options"),
    [
        ("", ("-p", "no:anyio", "-o", "asyncio_mode=auto")),
        (WITH_ANYIO, ("-p", "no:asyncio")),
    ],
    ids=["pytest-asyncio", "anyio"],
)
def test_a_project_with_one(prologue: str, options: tuple[str, ...], tmp_path: Path) -> None:
    scope = "asyncio_default_fixture_loop_scope=function"
    done = pytest_in(
        tmp_path, prologue + ASYNCHRONOUS, *options, *(("-o", scope) if not prologue else ())
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_a_mistaken_option_is_named(tmp_path: Path) -> None:
    done = pytest_in(tmp_path, MISTAKEN, "-p", "no:asyncio")
    assert done.returncode == 1
    assert "the embedded chain has no such option" in done.stdout


def test_what_has_to_be_installed_is_named(tmp_path: Path) -> None:
    done = pytest_in(tmp_path, WITHOUT_THE_EXTRA, "-p", "no:asyncio")
    assert done.returncode == 1
    assert "needs uvicorn: pip install 'milestones[devnet]'" in done.stdout


def test_nothing_is_loaded_before_a_fixture_is_used(tmp_path: Path) -> None:
    """Or every start of pytest would be slower, and coverage would miss what is imported early."""
    done = pytest_in(tmp_path, UNUSED, "-p", "no:asyncio", "-s", "-q")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("["))
    expected = ["milestones", "milestones.testing", "milestones.testing.plugin"]
    assert json.loads(line.replace("'", '"')) == expected
