"""`/`: the distributions that this server serves, and where an address has something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from milestones.cardano.value import AssetId
from milestones.errors import InvalidInput, MilestonesError, NotFound
from milestones.look.figures import counted
from milestones.services.distribution.history import DistributionStatus
from milestones.services.list import ListedDistribution
from milestones.web.api.operation import serving_of
from milestones.web.pages.claim import mine_of, read_addresses
from milestones.web.pages.rendering import Token, component, name_of, page
from milestones.web.serving import Served, Serving

STATUS_WORDS: Final[Mapping[DistributionStatus, tuple[str, str]]] = {
    "open": ("ready", "open"),
    "completed": ("done", "completed"),
    "cancelled": ("ended", "cancelled"),
    "ended": ("ended", "ended"),
}
"""A status as it is shown: its kind, and its word."""


async def overview(request: Request) -> Response:
    """The page. With addresses it says as well where they have something."""
    serving = serving_of(request)
    asked = request.query_params.getlist("address")
    rows, found = [], []
    problem: MilestonesError | None = None
    for served in serving.distributions:
        listed = await serving.listed(served)
        token = AssetId(listed.token_policy_id, listed.token_name)
        shown = await Token.of_asset(serving, token)
        rows.append(_row(served, listed, shown))
        if asked and problem is None:
            try:
                found += await _found(serving, served, listed, shown, asked)
            except InvalidInput as error:
                problem = error
    return page(
        request,
        "overview.html",
        count=counted(len(rows), "distribution"),
        rows=rows,
        asked=asked[0] if len(asked) == 1 else "",
        looked=bool(asked) and problem is None,
        found=found,
        problem=problem,
    )


def _row(served: Served, listed: ListedDistribution, token: Token) -> list[Any]:
    claimable = listed.claimable_amount
    return [
        component("link", f"/d/{served.key}", _name(listed)),
        component("status", *STATUS_WORDS[listed.status]),
        token.of(listed.total_token_amount).whole,
        token.of(listed.total_token_amount - listed.remaining_amount).amount,
        "not known" if claimable is None else token.of(claimable).amount,
    ]


def _name(listed: ListedDistribution) -> str:
    return name_of(listed.description, listed.contract_address)


async def _found(
    serving: Serving, served: Served, listed: ListedDistribution, token: Token, asked: list[str]
) -> list[list[Any]]:
    """What these addresses have in a distribution: a row, or none. Raises `InvalidInput`."""
    try:
        found = mine_of(await serving.allocations(served), read_addresses(asked))
    except NotFound:
        return []
    place = f"/d/{served.key}/claim?{urlencode([('address', each) for each in asked])}"
    sums = [
        token.of(sum(getattr(each, f"{kind}_amount") for each in found)).amount
        for kind in ("claimable", "later", "claimed")
    ]
    return [[component("link", place, _name(listed)), token.unit, *sums]]
