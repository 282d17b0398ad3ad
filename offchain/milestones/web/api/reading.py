"""What anybody can look at: distributions, milestones, allocations, history, the audit, what one can claim."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from pydantic import Field

from milestones import __version__
from milestones.cardano.address import Address
from milestones.domain.claims import ClaimState, ClaimStatus
from milestones.domain.models import MilestoneIdentifier
from milestones.domain.reading import AddressField, Record
from milestones.services.calculate_distribution import (
    AllocationStates,
    AllocationView,
    DistributionCalculated,
)
from milestones.services.check_status import StatusReport
from milestones.services.check_status.report import MilestoneStatus, ProposalStatus
from milestones.services.distribution.claims import must_have_milestone
from milestones.services.history import DistributionHistory
from milestones.services.list import ListedDistribution
from milestones.services.results import View
from milestones.services.verify import Verified
from milestones.web.api.operation import Asked, Operation

MOST_AT_ONCE: Final = 500
Limit = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]
Offset = Annotated[int, Field(ge=0, le=1 << 32)]


class About(View):
    """The server: its version, its network, and what it offers beside looking.

    `network_id` is the one in addresses: 1 on mainnet, 0 elsewhere. `relay`: whether it pays for those
    without ADA. `creator`: whether it offers notice and close.
    """

    version: str
    network: str
    network_id: int
    public: bool
    relay: bool
    creator: bool


class TokenGiven(View):
    """What the header `X-Milestones-Token` of every `POST` has to hold, good until then (POSIX seconds)."""

    token: str
    valid_until: int


class Distributions(View):
    """Those that are served; `key` is what paths name each by."""

    distributions: tuple[KeyedDistribution, ...]


class KeyedDistribution(ListedDistribution):
    """A distribution that is served, at a glance."""

    key: str


class DistributionShown(View):
    """One distribution, and how it stands. Its claims are in its history."""

    distribution: KeyedDistribution
    state: StatusReport


class Milestones(View):
    """The milestones of a distribution, and what was proposed."""

    milestones: tuple[MilestoneStatus, ...]
    proposals: tuple[ProposalStatus, ...]


class Part(Record):
    """Which part of a long list: `limit` entries from the one with number `offset` on, from 0."""

    offset: Offset = 0
    limit: Limit = 100


class AllocationsWanted(Part):
    """A part of the allocations: of all, or of those of one milestone, one status, or both."""

    milestone_identifier: str | None = None
    status: ClaimStatus | None = None


class Allocations(View):
    """A part of the allocations: `total` fit, and `offset` of them come before these.

    Amounts in the token's smallest unit. `now` is the chain's time (POSIX seconds).
    """

    total: int
    offset: int
    allocations: tuple[AllocationView, ...]
    now: int
    warnings: tuple[str, ...]


class HistoryPart(DistributionHistory):
    """A part of the history: `total` lines there are, and `offset` of them come before these."""

    total: int
    offset: int


class AddressWanted(Record):
    """Whose allocations."""

    address: AddressField


async def _about(asked: Asked) -> About:
    serving = asked.serving
    return About(
        version=__version__,
        network=serving.backend.network.name,
        network_id=serving.backend.network.network_id,
        public=serving.settings.is_public,
        relay=serving.payments is not None,
        creator=serving.settings.offers_creator_pages,
    )


async def _token(asked: Asked) -> TokenGiven:
    token, until = asked.serving.tokens.new()
    return TokenGiven(token=token, valid_until=until)


async def keyed(asked: Asked, key: str) -> KeyedDistribution:
    """A distribution at a glance, with what names it."""
    listed = await asked.serving.listed(asked.serving.served(key))
    return KeyedDistribution(**dict(listed), key=key)


async def _distributions(asked: Asked) -> Distributions:
    found = [await keyed(asked, each.key) for each in asked.serving.distributions]
    return Distributions(distributions=tuple(found))


async def _distribution(asked: Asked) -> DistributionShown:
    state = await asked.serving.status(asked.served)
    return DistributionShown(
        distribution=await keyed(asked, asked.served.key),
        state=state.model_copy(update={"claims": ()}),
    )


async def _milestones(asked: Asked) -> Milestones:
    state = await asked.serving.status(asked.served)
    return Milestones(milestones=state.milestones, proposals=state.proposals)


async def _allocations(asked: Asked) -> Allocations:
    wanted: AllocationsWanted = asked.query
    if wanted.milestone_identifier is not None:
        MilestoneIdentifier.parse(wanted.milestone_identifier)
    known = await asked.serving.allocations(asked.served)
    if wanted.milestone_identifier is not None:
        must_have_milestone(known.distribution, wanted.milestone_identifier)
    first, last = wanted.offset, wanted.offset + wanted.limit
    if wanted.milestone_identifier is None and wanted.status is None:
        # Of a large distribution only those that are shown are looked at.
        indices = sorted(known.distribution.allocations)
        total = len(indices)
        shown = known.state.claim_states(known.distribution, indices[first:last])
    else:
        # Of a large distribution this takes long, and others ask meanwhile.
        fitting = await asyncio.to_thread(_fitting, known, wanted)
        total, shown = len(fitting), fitting[first:last]
    return Allocations(
        total=total,
        offset=first,
        allocations=tuple(map(AllocationView.of, shown)),
        now=known.time.now,
        warnings=known.warnings,
    )


def _fitting(known: AllocationStates, wanted: AllocationsWanted) -> list[ClaimState]:
    return [state for state in known.states if _fits(state, wanted)]


def _fits(state: ClaimState, wanted: AllocationsWanted) -> bool:
    milestone = state.allocation.milestone_identifier
    return wanted.milestone_identifier in (None, milestone) and wanted.status in (
        None,
        state.status,
    )


async def _history(asked: Asked) -> HistoryPart:
    wanted: Part = asked.query
    whole = await asked.serving.history(asked.served)
    fields: dict[str, Any] = dict(whole)
    lines = whole.lines[wanted.offset : wanted.offset + wanted.limit]
    return HistoryPart(**{**fields, "lines": lines}, total=len(whole.lines), offset=wanted.offset)


async def _verify(asked: Asked) -> Verified:
    whole = await asked.serving.verified(asked.served)
    return whole.model_copy(update={"allocations": ()})


async def _claimable(asked: Asked) -> DistributionCalculated:
    address: Address = asked.query.address
    known = await asked.serving.allocations(asked.served)
    return known.of_beneficiary(address)


OPERATIONS: Final = (
    Operation(
        path="",
        name="about",
        summary="What this server is, and what it offers.",
        perform=_about,
        answer=About,
    ),
    Operation(
        path="/token",
        name="token",
        summary="A token for requests that change something.",
        perform=_token,
        answer=TokenGiven,
    ),
    Operation(
        path="/distributions",
        name="distributions",
        summary="The distributions that this server serves.",
        perform=_distributions,
        answer=Distributions,
    ),
    Operation(
        path="/distributions/{distribution}",
        name="distribution",
        summary="One distribution, verified against the chain.",
        perform=_distribution,
        answer=DistributionShown,
    ),
    Operation(
        path="/distributions/{distribution}/milestones",
        name="milestones",
        summary="Its milestones: quorum, vesting, claims; and what was proposed.",
        perform=_milestones,
        answer=Milestones,
    ),
    Operation(
        path="/distributions/{distribution}/allocations",
        name="allocations",
        summary="Who gets what, by parts.",
        perform=_allocations,
        answer=Allocations,
        query=AllocationsWanted,
    ),
    Operation(
        path="/distributions/{distribution}/history",
        name="history",
        summary="What happened to it, line by line, by parts.",
        perform=_history,
        answer=HistoryPart,
        query=Part,
    ),
    Operation(
        path="/distributions/{distribution}/verify",
        name="verify",
        summary="Its audit; the allocations are listed elsewhere.",
        perform=_verify,
        answer=Verified,
    ),
    Operation(
        path="/distributions/{distribution}/claimable",
        name="claimable",
        summary="What an address can claim now, later, and has claimed, and why.",
        perform=_claimable,
        answer=DistributionCalculated,
        query=AddressWanted,
    ),
)
