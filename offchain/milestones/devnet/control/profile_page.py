"""The profile of a transaction on its page: flame graphs, and tables beside them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from milestones.devnet.chain import Chain
from milestones.devnet.control.flame_graph import flame_graph
from milestones.devnet.control.profiles import profile_json
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.transaction import Transaction
from milestones.devnet.ogmios.failures import rpc_failure
from milestones.look.pages import templates

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN_ROWS: Final = 20
"""Rows of a table; the others are counted."""


@cache
def _templates() -> Environment:
    return templates("milestones.devnet.control")


def profile_section(chain: Chain, transaction: Transaction) -> Markup:
    """Where a transaction's scripts use what they use; nothing where it has none."""
    if not transaction.witnesses.redeemers:
        return Markup()
    content: dict[str, Any] = {"problem": "", "most": SHOWN_ROWS}
    try:
        shown = profile_json(chain, transaction, {})
    except TransactionRejected as rejected:
        content["problem"] = rpc_failure(rejected).message
    else:
        graphs = {
            f"{each}_graph": Markup(  # noqa: S704 - escapes what it shows
                flame_graph(shown["stacks"], each, each, styled=False)
            )
            for each in ("cpu", "memory")
        }
        several, whole = len(shown["scripts"]) > 1, shown["cpu"]
        content |= {
            "shown": shown,
            "percent": lambda cpu: f"{cpu / whole if whole else 0:.1%}",
            "name": lambda row, column: (
                f"{row['run']}: {row[column]}" if several and "run" in row else row[column]
            ),
            **graphs,
        }
    rendered = _templates().get_template("profile.html").render(content)
    return Markup(rendered)  # noqa: S704 - a template escaped it
