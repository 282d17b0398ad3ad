"""Every operation of the API."""

from __future__ import annotations

from typing import Final

from milestones.web.api import claiming, creator, oracles, proposals, reading, transactions

OPERATIONS: Final = (
    *reading.OPERATIONS,
    *claiming.OPERATIONS,
    *transactions.OPERATIONS,
    *oracles.OPERATIONS,
    *proposals.OPERATIONS,
    *creator.OPERATIONS,
)
