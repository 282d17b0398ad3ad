"""Opening what this program would refuse to open, and the chain does not."""

from __future__ import annotations

from collections.abc import Callable

from milestones.domain.models import Allocation
from milestones.protocol.distribution import Distribution
from milestones.protocol.published_schedule import encode_allocations
from milestones.protocol.schedule_metadata import LABEL, PublishedPart, encode_content
from milestones.services.sending.funds import funds_of
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.submission import Errand, build, submit
from milestones.testing.world import World
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.open import open_draft


async def open_past_all_checks(
    world: World,
    distribution: Distribution,
    *,
    published: tuple[Allocation, ...] | None = None,
    change: Callable[[TransactionDraft], TransactionDraft] = lambda draft: draft,
) -> None:
    """Opens whatever the chain lets be opened; `published` are the allocations that are made public."""
    body = encode_allocations(published or tuple(distribution.allocations.values()))
    async with world.backend() as backend:
        draft = open_draft(
            distribution,
            scripts=await require_published(backend),
            metadata={LABEL: encode_content(PublishedPart((), body))},
        )
        funds = await funds_of(backend, world.keys["creator"])
        parameters = await backend.ogmios.protocol_parameters()
        await submit(
            backend,
            Errand(command="test", signed=await build(backend, change(draft), funds, parameters)),
        )
