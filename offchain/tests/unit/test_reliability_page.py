"""docs/reliability.md names tests and waits: all of them must be there, and be what it says."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
PROMISES = re.findall(r"^\| ([A-Z].+?) \| (`.+) \|$", PAGE, re.M)
TESTS = sorted({name for _, proofs in PROMISES for name in re.findall(r"`(\w[\w/.:]+)`", proofs)})
WAITS = re.findall(r"^\| .+ \| (\d+) \| `([\w/]+)\.py` \(`(\w+)`\) \|$", PAGE, re.M)


def test_the_tables_are_read() -> None:
    assert len(PROMISES) > 20
    assert len(WAITS) > 8


@pytest.mark.parametrize("name", TESTS)
def test_what_proves_a_promise_is_there(name: str) -> None:
    file, _, function = name.partition("::")
    source = (ROOT / "offchain" / "tests" / file).read_text(encoding="utf-8")
    assert not function or re.search(rf"^ *(async )?def {function}\(", source, re.M)


@pytest.mark.parametrize(("seconds", "module", "constant"), WAITS)
def test_a_wait_is_as_long_as_it_says(seconds: str, module: str, constant: str) -> None:
    found = import_module(f"milestones.{module.replace('/', '.')}")
    assert getattr(found, constant) == int(seconds)
