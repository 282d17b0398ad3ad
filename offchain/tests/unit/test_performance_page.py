"""The page of performance says what was measured, and the benchmark still runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest
from performance import PAGE, PICTURES, RECORD, page_of, parts, pictures_of

PROGRAM: Final = Path(__file__).parents[3] / "benchmarks" / "performance.py"
QUICK: Final = ("costs", "batches", "help", "others")
"""Parts whose smallest form takes a moment; the others start a chain in a process of its own."""


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


def test_every_part_is_on_the_page_as_it_was_measured(record: dict[str, Any]) -> None:
    """Words, tables and the plots' descriptions: `performance.py --write` renews them."""
    assert record.keys() <= parts().keys()
    page = PAGE.read_text(encoding="utf-8")
    assert page_of(record, page) == page


def test_pictures_are_drawn_from_the_same_figures(record: dict[str, Any]) -> None:
    """And each is well-formed, with a title and a description for whoever doesn't see it."""
    drawn = pictures_of(record)
    assert drawn
    for name, svg in drawn.items():
        assert (PICTURES / name).read_text(encoding="utf-8") == svg
        title, words, *_ = ElementTree.fromstring(svg)  # noqa: S314 - our own
        assert title.text
        assert words.text
    kept = {file.name for file in PICTURES.glob("performance-*.svg")}
    assert kept == drawn.keys()


def test_the_benchmark_runs() -> None:
    """The smallest form of the parts that need no process of a chain, with figures in each."""
    wanted = [name for name in QUICK if name in parts()]
    command = [sys.executable, str(PROGRAM), *wanted, "--smallest", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == wanted
    for part in found.values():
        tables = [block for block in part["blocks"] if block["kind"] == "table"]
        assert tables
        assert all(len(row) == len(table["columns"]) for table in tables for row in table["rows"])
