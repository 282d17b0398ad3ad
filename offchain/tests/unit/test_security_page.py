"""docs/security.md names functions of the contract and tests: all of them must be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROWS = re.findall(r"^\| .+ \| (.+) \| (.+) \|$", (ROOT / "docs/security.md").read_text(), re.M)
TESTS_FOLDER = ROOT / "offchain" / "tests"


def _named(cell: str, suffix: str) -> list[tuple[str, str]]:
    """Pairs of file and name; a name without a file belongs to the file before it."""
    found, current = [], ""
    for text in re.findall(r"`([^`]+)`", cell):
        file, _, name = text.rpartition(": ")
        current = file or current
        if current.endswith(suffix) and re.fullmatch(r"\w+", name) and (file or "_" in name):
            found.append((current, name))
    return found


FUNCTIONS = sorted({pair for enforced, _ in ROWS for pair in _named(enforced, ".ak")})
TESTS = sorted({pair for _, attacked in ROWS for pair in _named(attacked, ".py")})


def test_the_tables_are_read() -> None:
    """The page names most of the contract's functions, and a good part of the attacks."""
    assert len(FUNCTIONS) > 15
    assert len(TESTS) > 60


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_attack_exists(file: str, name: str) -> None:
    """A test that the page names is in the file that it names; without a folder it is the contract's."""
    path = TESTS_FOLDER / (file if "/" in file else f"contract/{file}")
    assert re.search(rf"^(async )?def {name}\(", path.read_text(), re.M)


@pytest.mark.parametrize(("file", "name"), FUNCTIONS)
def test_function_exists(file: str, name: str) -> None:
    """Something that the page says enforces a guarantee is in the file that it names."""
    source = (ROOT / "contracts" / "lib" / file).read_text()
    assert re.search(rf"\b{name}\b", source)
