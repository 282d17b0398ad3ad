"""No transaction becomes dearer unnoticed."""

from __future__ import annotations

import costs

DEARER = 1.02
FEE, FIGURE = 5, 2
"""Columns: the fee of a transaction; any other figure."""
MORE_IS_BETTER = "claims in one transaction"


def figures(table: str) -> dict[str, int]:
    """Every measured figure of the tables by its row's name; fees of transactions."""
    found = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        column = FEE if len(cells) == 9 else FIGURE
        if len(cells) > column and cells[column].replace(",", "").isdigit():
            found[cells[1]] = int(cells[column].replace(",", ""))
    return found


def test_costs_are_those_written_down() -> None:
    """At most 2% above docs/costs.md: if a change is meant, `python benchmarks/costs.py --write`."""
    now, then = figures(costs.table(costs.measure())), figures(costs.written())
    assert now.keys() == then.keys()
    assert len(now) == 18
    assert now.pop(MORE_IS_BETTER) * DEARER >= then.pop(MORE_IS_BETTER)
    dearer = {
        name: (then[name], value) for name, value in now.items() if value > then[name] * DEARER
    }
    assert not dearer
