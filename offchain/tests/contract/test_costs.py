"""No transaction becomes dearer unnoticed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
DEARER = 1.02
FEE, FIGURE = 5, 2
"""Columns: the fee of a transaction; any other figure."""
MORE_IS_BETTER = "claims in one transaction"


def figures(table: str) -> dict[str, int]:
    """Every measured figure of the tables by its row's name; fees of transactions."""
    found = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        column = FEE if len(cells) == 10 else FIGURE
        if len(cells) > column and cells[column].replace(",", "").isdigit():
            found[cells[1]] = int(cells[column].replace(",", ""))
    return found


def measured() -> str:
    """What `python benchmarks/costs.py` prints."""
    command = [sys.executable, str(ROOT / "benchmarks" / "costs.py")]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def written() -> str:
    """The table that docs/costs.md has."""
    page = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    return page.partition("<!-- table -->")[2].partition("<!-- end of table -->")[0]


def test_costs_are_those_written_down() -> None:
    """At most 2% above docs/costs.md: if a change is meant, `python benchmarks/costs.py --write`."""
    now, then = figures(measured()), figures(written())
    assert now.keys() == then.keys()
    assert len(now) == 34
    assert now.pop(MORE_IS_BETTER) * DEARER >= then.pop(MORE_IS_BETTER)
    dearer = {
        name: (then[name], value) for name, value in now.items() if value > then[name] * DEARER
    }
    assert not dearer
