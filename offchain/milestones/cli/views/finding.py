"""What `list` and `find` say on a terminal: a few lines a distribution, its name whole to be copied."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from milestones.cli.views.figures import counted, heading, of_token, whole
from milestones.protocol.series import described
from milestones.services.find import DistributionsFound
from milestones.services.list import DistributionsListed

SHARED = {
    "address": "",
    "payment_part": "another address of the same payment key",
    "staking_part": "another address with the same staking part",
}


def listed(result: DistributionsListed) -> Iterator[RenderableType]:
    """Each distribution: what it is for, how it stands, what it holds; one's own have a star."""
    own = f", {result.own_count:,} of them your own (*)" if result.own_count else ""
    yield heading(counted(len(result.distributions), "distribution") + own)
    for each in result.distributions:
        token = (each.token_policy_id, each.token_name)
        yield ""
        mark = "*" if each.roles else " "
        roles = ", ".join(role.replace("_", " ") for role in each.roles)
        yield (
            f"{mark} {described(each.description) or '(no description)'}: {each.status}"
            + (f"; {roles}" if roles else "")
        )
        yield whole(f"  {each.contract_name}")
        claimable = (
            "not known here: private"
            if each.claimable_amount is None
            else f"{of_token(each.claimable_amount, *token)} claimable"
        )
        yield (
            f"  {of_token(each.remaining_amount, *token)} left of"
            f" {of_token(each.total_token_amount, *token)}; {claimable}"
        )


def found(result: DistributionsFound) -> Iterator[RenderableType]:
    """Where somebody is named, and what is claimable, waits, and was paid."""
    names = {each.contract_name for each in result.found}
    yield heading(f"{counted(len(names), 'distribution')} with allocations for")
    yield whole(str(result.beneficiary_address))
    for each in result.found:
        token = (each.token_policy_id, each.token_name)
        yield ""
        yield f"  {described(each.description) or '(no description)'}: {each.status}"
        yield whole(f"  {each.contract_name}")
        if each.match != "address":
            yield f"  {SHARED[each.match]}:"
            yield whole(f"  {each.beneficiary_address}")
        yield (
            f"  {of_token(each.claimable_amount, *token)} claimable,"
            f" {of_token(each.later_amount, *token)} later,"
            f" {of_token(each.claimed_amount, *token)} paid"
        )
