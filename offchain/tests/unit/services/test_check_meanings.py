"""Each check of `verify` has a meaning for people, and no other has one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from milestones.services import verify
from milestones.services.verify.meanings import MEANINGS, meaning_of


def named_checks() -> Iterator[str]:
    """The names that the package gives to checks; of a page's vault, its first word."""
    for file in Path(verify.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            if ast.unparse(call.func) == "Check.of":
                yield _first_word(call.args[0])
            elif ast.unparse(call.func) == "Check":
                (name,) = (each.value for each in call.keywords if each.arg == "name")
                yield _first_word(name)


def _first_word(name: ast.expr) -> str:
    return ast.unparse(name).strip("f'\"").partition(" ")[0]


def test_each_check_has_a_meaning() -> None:
    assert set(named_checks()) == MEANINGS.keys()
    assert meaning_of("vault 12") == MEANINGS["vault"]
