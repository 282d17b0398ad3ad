"""What `stake` says on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.output import harmless
from milestones.cli.views.figures import ada, heading, whole
from milestones.services.stake import StakeChanged, StakeShown

STATUS: Final = {
    "already_registered": "Registered already, and delegated so",
    "already_delegated": "Delegated so already",
    "nothing_to_withdraw": "The account holds no rewards",
    "not_registered": "The account is not registered: nothing to close",
    "dry_run": "Nothing was sent: it was a dry run of this",
    "waiting_for_signatures": "Waits for signatures",
    "submitted": "Submitted, and in no block yet",
    "confirmed": "Done, in a block",
}


def changed(result: StakeChanged) -> Iterator[RenderableType]:
    """What was done to the account, what it costs or brings; names to be copied."""
    yield heading(STATUS.get(result.status, result.status.replace("_", " ").capitalize()))
    yield ""
    for line in _done(result):
        yield harmless(f"- {line}")
    if result.fee_estimate is not None:
        yield harmless(f"Fee {ada(result.fee_estimate)}.")
    yield whole(f"account      {result.stake_address}")
    for waiting in result.handed_out:
        yield whole(f"to be signed {waiting.file}")
    if result.transaction_hash is not None and result.status != "dry_run":
        yield whole(f"transaction  {result.transaction_hash}")


def _done(result: StakeChanged) -> Iterator[str]:
    if result.deposit_lovelace:
        yield f"registered, for a deposit of {ada(result.deposit_lovelace)} that comes back"
    if result.representative is not None:
        yield f"votes delegated to {result.representative.replace('_', ' ')}"
    if result.pool is not None:
        yield f"stake delegated to {result.pool}"
    if result.withdrawn_lovelace:
        where = "" if result.paid_to is None else f" to {result.paid_to}"
        yield f"{ada(result.withdrawn_lovelace)} of rewards withdrawn{where}"
    if result.refund_lovelace:
        yield f"closed: the deposit of {ada(result.refund_lovelace)} is back"


def shown(result: StakeShown) -> Iterator[RenderableType]:
    """How the account is, in words."""
    yield heading("Registered" if result.registered else "Not registered")
    yield ""
    if result.registered:
        votes = (result.representative or "nobody").replace("_", " ")
        yield harmless(f"- votes delegated to {votes}")
        yield harmless(f"- stake delegated to {result.pool or 'no pool'}")
        yield harmless(f"- rewards {ada(result.rewards_lovelace or 0)}")
        yield harmless(f"- deposit {ada(result.deposit_lovelace or 0)}")
        yield ""
    yield harmless(f"{result.meaning[:1].upper()}{result.meaning[1:]}.")
    yield whole(f"account      {result.stake_address}")
