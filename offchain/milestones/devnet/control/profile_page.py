"""The profile of a transaction on its page: flame graphs, and tables beside them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from milestones.devnet.chain import Chain
from milestones.devnet.control.flame_graph import flame_graph
from milestones.devnet.control.plutus_text import printable
from milestones.devnet.control.profiles import profile_json
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.transaction import Transaction
from milestones.devnet.ogmios.failures import rpc_failure

SHOWN_ROWS: Final = 20
"""Rows of a table; the others are counted."""


def profile_section(chain: Chain, transaction: Transaction) -> str:
    """Where a transaction's scripts use what they use; nothing where it has none."""
    if not transaction.witnesses.redeemers:
        return ""
    try:
        shown = profile_json(chain, transaction, {})
    except TransactionRejected as rejected:
        return f"<h2>Profile</h2><p>{escape(rpc_failure(rejected).message)}</p>"
    graphs = [flame_graph(shown["stacks"], each, each) for each in ("cpu", "memory")]
    return (
        f'<h2>Profile</h2><div class="wide">{graphs[0]}</div>'
        f'<details><summary>By memory</summary><div class="wide">{graphs[1]}</div></details>'
        + _table("Kinds of steps", "kind", shown["steps"], shown)
        + _table("Built-in functions", "builtin", shown["builtins"], shown)
        + _table(
            "Functions of the scripts, without what they call",
            "function",
            shown["functions"],
            shown,
        )
        + _table("Checks, without what they call", "label", shown["checks"], shown)
        + "<p>Functions are named as <code>aiken uplc decode</code> names the first variable of each."
        " More, and a debug build in place of the scripts: <code>milestones devnet profile</code>.</p>"
    )


def _table(title: str, column: str, rows: Sequence[dict[str, Any]], whole: dict[str, Any]) -> str:
    """A table that can be folded away: what, how often, CPU steps with their share, memory."""
    if not rows:
        return ""
    several = len(whole["scripts"]) > 1 and "run" in rows[0]
    lines = [_line(row, column, whole["cpu"], several=several) for row in rows[:SHOWN_ROWS]]
    if len(rows) > SHOWN_ROWS:
        lines.append(f'<tr><td colspan="5">and {len(rows) - SHOWN_ROWS:,} more')
    return (
        f'<details open><summary>{title}</summary><div class="wide">'
        f'<table class="figures"><tr><th>{column.capitalize()}'
        '<th class="n">Times<th class="n">Steps<th class="n">Share<th class="n">Memory'
        f"{''.join(lines)}</table></div></details>"
    )


def _line(row: dict[str, Any], column: str, whole: int, *, several: bool) -> str:
    name = f"{row['run']}: {row[column]}" if several else row[column]
    cells = (
        f"{row['count']:,}",
        f"{row['cpu']:,}",
        f"{row['cpu'] / whole if whole else 0:.1%}",
        f"{row['memory']:,}",
    )
    figures = "".join(f'<td class="n">{each}' for each in cells)
    return f"<tr><td>{escape(printable(name))}{figures}"
