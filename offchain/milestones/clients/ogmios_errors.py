"""Ogmios' errors that are not about a transaction, as errors of this program."""

from __future__ import annotations

from typing import Final

from milestones.clients.json_rpc import RpcError
from milestones.errors import (
    MilestonesError,
    NotFound,
    ServiceOutOfSync,
    ServiceUnavailable,
)

SERVICE: Final = "Ogmios"
START_HINT: Final = (
    "start Ogmios and the node (`docker compose up -d` in infra/, or `milestones devnet`), "
    "or correct `ogmios_url` (OGMIOS_URL)"
)
_INTERSECTION_NOT_FOUND: Final = 1000
_ERA_MISMATCH: Final = 2001
_UNAVAILABLE_IN_ERA: Final = 2002


def unavailable(url: str, reason: str) -> ServiceUnavailable:
    """Ogmios can't be reached, or hung up."""
    return ServiceUnavailable(SERVICE, url, reason, hint=START_HINT)


def query_failure(url: str, method: str, error: RpcError) -> MilestonesError:
    """What an error answer to a query means."""
    told = f"{error.message} (code {error.code}, {method})"
    if error.code == _INTERSECTION_NOT_FOUND:
        return NotFound(
            "none of the given blocks is on the node's chain: a rollback has replaced them",
            hint="look the transaction up again",
            details={"rejection_code": error.code},
        )
    if error.code in (_ERA_MISMATCH, _UNAVAILABLE_IN_ERA):
        hint = "wait until the node has caught up with the network, then try again"
        return ServiceOutOfSync(SERVICE, url, told, hint=hint)
    return ServiceUnavailable(
        SERVICE,
        url,
        f"it refused the question: {told}",
        hint="check that it is Ogmios 6.14 or 7.0, and that its node is running",
    )
