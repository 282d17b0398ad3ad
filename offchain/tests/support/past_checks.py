"""Opening what this program would refuse to open, and the chain does not."""

from __future__ import annotations

from collections.abc import Callable

from milestones.cardano.plutus_data import PlutusData
from milestones.domain.models import Allocation
from milestones.protocol.announced_schedule import encode_allocations
from milestones.protocol.distribution import Distribution
from milestones.protocol.schedule_metadata import LABEL, SchedulePart, encode_content
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.testing.world import World
from milestones.transactions.contract_drafts import open_draft
from milestones.transactions.draft import TransactionDraft
from tests.support.hostile import Edit, replaced
from tests.support.raw_terms import RawTerms


def with_datum(
    distribution: Distribution, path: tuple[int, ...], value: PlutusData | Edit
) -> Distribution:
    """The same allocations under terms with one place of their datum changed, as the contract may let pass."""
    raw = replaced(distribution.terms.to_data(), path, value)
    terms = RawTerms.written(distribution.terms, raw)
    allocations = tuple(distribution.allocations.values())
    return Distribution.check(terms, distribution.contract, allocations)


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
            metadata={LABEL: encode_content(SchedulePart((), body))},
        )
        sending = SendDraft(name="test", draft=change(draft))
        await perform(backend, sending, key=world.keys["creator"])
