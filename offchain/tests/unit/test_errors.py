"""Errors as people and programs meet them: each says what to do, and each kind has its exit code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from milestones import errors
from milestones.clients.rejections import REJECTIONS, rejection
from milestones.errors import MilestonesError, ServiceOutOfSync, exit_code_of

PACKAGE = Path(errors.__file__).parent
MET = (
    "cli",
    "services",
    "storage",
    "domain/schedule.py",
    "domain/paging.py",
)
"""Where errors are made of what people have written or asked for."""
WITHOUT_DEFAULT = frozenset(
    {
        *("InvalidInput", "InvalidUsage", "InvalidAddress", "InvalidEncoding", "InvalidSchedule"),
        *("InvalidSignature", "InvalidKeyFile", "InvalidConfiguration", "NotFound"),
        *("NotAllowedYet", "Problem"),
    }
)
INTERNAL = frozenset(
    {
        ("services/distribution/schedule_source.py", "InvalidEncoding"),
    }
)
"""Raised to be caught by the program itself, which then says what to do: file and class."""


def kinds(kind: type[MilestonesError] = MilestonesError) -> Iterator[type[MilestonesError]]:
    if kind.__module__ == errors.__name__:
        yield kind
    for inner in kind.__subclasses__():
        yield from kinds(inner)


def made() -> Iterator[tuple[str, str, ast.Call]]:
    """Every call in those rooms: file, name of what is called, and the call."""
    for room in MET:
        root = PACKAGE / room
        assert root.exists(), room
        for file in [root] if root.is_file() else sorted(root.rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield file.relative_to(PACKAGE).as_posix(), node.func.id, node


def test_every_error_that_people_meet_says_what_to_do() -> None:
    calls = [each for each in made() if each[1] in WITHOUT_DEFAULT]
    assert len(calls) > 120
    silent = [
        (file, name, call.lineno)
        for file, name, call in calls
        if not any(keyword.arg == "hint" for keyword in call.keywords) and len(call.args) < 3
    ]
    assert [each for each in silent if each[:2] not in INTERNAL] == []
    assert {each[:2] for each in silent} == INTERNAL


def test_every_refusal_of_the_chain_says_what_to_do() -> None:
    assert [code for code, row in REJECTIONS.items() if not row.hint] == []
    assert rejection(3999, "something new", None).hint


def test_every_kind_of_error_has_a_code_of_its_own_and_every_exit_code_a_kind() -> None:
    codes = [kind.code for kind in kinds()]
    assert len(codes) == len(set(codes))
    by_a_signal = {130}
    assert {kind.exit_code for kind in kinds()} == {*range(1, 9), *by_a_signal}


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_a_code_leads_to_its_exit_code(kind: type[MilestonesError]) -> None:
    assert exit_code_of(kind.code) == kind.exit_code


def test_a_code_that_there_is_not_is_unexpected() -> None:
    assert exit_code_of("nonsense") == MilestonesError.exit_code


def test_who_is_behind_is_waited_for_and_not_started() -> None:
    assert "wait until Kupo has caught up" in ServiceOutOfSync("Kupo", "http://k", "behind").hint
