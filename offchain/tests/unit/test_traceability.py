"""docs/traceability.md is complete both ways: each requirement has its tests, each scenario its row."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
TESTS: Final = ROOT / "offchain" / "tests"
PAGE: Final = (ROOT / "docs" / "traceability.md").read_text(encoding="utf-8")

SCENARIOS: Final = {1: 4, 2: 4, 3: 4, 4: 5, 5: 4, 6: 5}
"""How many acceptance scenarios each user story has."""
REQUIREMENTS: Final = (
    *(f"US{story}-{n}" for story, count in SCENARIOS.items() for n in range(1, count + 1)),
    *(f"EC-{n}" for n in range(1, 12)),
    *(f"FR-{n:03}" for n in range(1, 29)),
    *(f"SC-{n:03}" for n in range(1, 13)),
    *(f"T{n:03}" for n in range(1, 98)),
)
ROW: Final = re.compile(r"^\| ((?:US\d-\d|EC-\d+|FR-\d+|SC-\d+|T\d+)) \|(.*)\|$", re.MULTILINE)
TIMES: Final = re.compile(r"<!-- figures -->.*<!-- end of figures -->", re.DOTALL)
SCENARIO_FILES: Final = sorted((TESTS / "e2e" / "scenarios").glob("test_*.py"))


def rows() -> dict[str, str]:
    """What stands behind each requirement's name; the table of measured times is another one."""
    return dict(ROW.findall(TIMES.sub("", PAGE)))


def proofs(cells: str) -> list[tuple[str, str]]:
    """What the last cell of a row names."""
    return re.findall(
        r"`([^`]+)`|the tests of (\S+?)(?:<br>| |$)", cells.rsplit("|", maxsplit=1)[-1]
    )


def functions(path: Path) -> set[str]:
    """The tests in a file, also those in its classes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
    return {name for name in found if name.startswith("test_")}


def test_there_are_as_many_requirements_as_in_the_specification() -> None:
    assert len(REQUIREMENTS) == len(set(REQUIREMENTS)) == 26 + 11 + 28 + 12 + 97


def test_every_requirement_stands_in_the_page_once() -> None:
    found = Counter(name for name, _ in ROW.findall(TIMES.sub("", PAGE)))
    assert found == Counter(REQUIREMENTS)


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_every_requirement_is_done_somewhere_and_proved_by_something(requirement: str) -> None:
    what, where, _ = (cell.strip() for cell in rows()[requirement].split("|", 2))
    assert what
    assert where
    named = proofs(rows()[requirement])
    assert named
    for path, other in named:
        if other:
            assert other in REQUIREMENTS
            assert other != requirement
        else:
            must_exist(path)


def must_exist(name: str) -> None:
    """A test `path::name` or a whole file of them under `offchain/tests/`, or a file of the project."""
    path, _, function = name.partition("::")
    if path.startswith(("benchmarks/", "contracts/")):
        assert (ROOT / path).is_file(), name
        return
    found = functions(TESTS / path)
    assert found
    assert not function or function in found, name


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_the_code_that_is_named_exists(requirement: str) -> None:
    where = rows()[requirement].split("|")[1]
    for path in re.findall(r"`([a-z_/]+(?:\.py|/))`", where):
        assert any((base / path).exists() for base in (ROOT, ROOT / "offchain" / "milestones")), (
            path
        )


NAMED: Final = re.compile(r"`([a-z_/]+\.py)` \(((?:`\w+`(?:, )?)+)\)")


def test_the_functions_that_are_named_are_in_their_files() -> None:
    """As in `services/preflight.py` (`why_not`)."""
    named = [
        (path, name)
        for cells in rows().values()
        for path, names in NAMED.findall(cells)
        for name in re.findall(r"\w+", names)
    ]
    assert len(named) > 10
    for path, name in named:
        source = (ROOT / "offchain" / "milestones" / path).read_text(encoding="utf-8")
        assert re.search(rf"^ *(?:async def|def|class) {name}\b", source, re.M), (path, name)


@pytest.mark.parametrize("file", SCENARIO_FILES, ids=lambda path: path.name)
def test_every_scenario_test_stands_in_the_row_of_its_requirement(file: Path) -> None:
    for function in functions(file):
        requirement = requirement_of(function)
        assert requirement in REQUIREMENTS, function
        assert f"`e2e/scenarios/{file.name}::{function}`" in rows()[requirement], function


@pytest.mark.parametrize(
    "requirement", [each for each in REQUIREMENTS if each.startswith(("US", "EC"))]
)
def test_every_scenario_and_edge_case_has_a_test_that_is_named_after_it(requirement: str) -> None:
    found = {requirement_of(function) for file in SCENARIO_FILES for function in functions(file)}
    assert requirement in found


def requirement_of(function: str) -> str:
    """`US4-3` for `test_us4_3_…`, `EC-7` for `test_ec_7_…`."""
    story = re.match(r"test_us(\d)_(\d)_", function)
    if story:
        return f"US{story[1]}-{story[2]}"
    case = re.match(r"test_ec_(\d+)_", function)
    return f"EC-{case[1]}" if case else ""
