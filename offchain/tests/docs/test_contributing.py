"""What CONTRIBUTING says is where it says: the rooms, the paths, and the searches of its tables.

The five questions are `console` blocks, which `test_commands` runs.
"""

from __future__ import annotations

import re
import subprocess
from typing import Final

import pytest

from .pages import PROJECT, prose, read

PAGE: Final = "CONTRIBUTING.md"
PACKAGE: Final = PROJECT / "offchain" / "milestones"
SEARCHES: Final = re.findall(r"`(grep [^`]+)`", read(PAGE))
PATHS: Final = sorted(set(re.findall(r"`([a-z_]+(?:/[\w.-]+)*(?:/|\.\w+))`", read(PAGE))))
TESTS: Final = PROJECT / "offchain" / "tests"
DEVNET: Final = PACKAGE / "devnet"
BASES: Final = (
    *(PROJECT, PROJECT / "offchain", PACKAGE, TESTS),
    *(PACKAGE / "services", DEVNET, DEVNET / "ledger"),
)
"""Where paths start: the project, the package, the tests, and the rooms that the text is about."""


def test_every_room_is_in_the_table() -> None:
    """And no room that is gone."""
    table = read(PAGE).partition("## The rooms")[2].partition("## Five questions")[0]
    listed = re.findall(r"^\| `(\w+)/` \|", table, re.MULTILINE)
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert sorted(listed) == sorted(rooms)


def test_every_folder_of_tests_is_in_the_table() -> None:
    """Beside `support/`, which has none."""
    table = read(PAGE).partition("### A test")[2].partition("### A page")[0]
    listed = set(re.findall(r"^\| `(\w+)/` \|", table, re.MULTILINE))
    folders = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    assert listed == folders


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_named_exists(path: str) -> None:
    """From one of the folders that paths start in."""
    assert any((base / path).exists() for base in BASES)


@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_finds_something(search: str) -> None:
    """In a source, not in a compiled leftover of one."""
    done = subprocess.run(
        ["sh", "-c", f"{search} --include='*.py' --include='*.ak'"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout


def test_the_tables_are_read() -> None:
    """There is much to compare."""
    assert len(SEARCHES) >= 9
    assert len(PATHS) > 20
    assert "Five questions" in prose(PAGE)
