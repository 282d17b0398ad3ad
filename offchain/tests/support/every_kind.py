"""A transaction of every kind, as the chain has taken it: those that benchmarks measure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from board_costs import ends, homecomings, proposals, rotatables, waivers
from cost_rows import Sent
from costs import attestations, closings, openings, releases_of_one

from milestones.cardano.value import Value
from milestones.testing.cast import ADA
from milestones.testing.contract import ContractHarness
from milestones.transactions.contract_drafts import publish_draft

GROUPS: Final = (
    releases_of_one,
    attestations,
    openings,
    closings,
    proposals,
    waivers,
    ends,
    homecomings,
    rotatables,
)


@lru_cache(maxsize=1)
def every_kind() -> tuple[Sent, ...]:
    """Transactions that the chain has taken, with change of two assets of one policy beside them."""
    harness = ContractHarness()
    harness.give(Value(1_000 * ADA))
    names = [harness.token._replace(asset_name=name) for name in (b"ZZ", b"AAAA")]
    harness.give(Value(20 * ADA, dict.fromkeys(names, 5)))
    published = harness.send(publish_draft(harness.contract, network_id=0))
    harness.publish()
    sent = [("publish", published)]
    for group in GROUPS:
        sent += group(harness, 0)
    return tuple(sent)
