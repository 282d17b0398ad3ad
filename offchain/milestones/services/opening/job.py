"""An opening in the making."""

from __future__ import annotations

from dataclasses import dataclass, replace

from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.protocol.distribution import Distribution
from milestones.services.opening.publication import Publication
from milestones.transactions.draft import TransactionDraft


@dataclass(frozen=True, slots=True)
class Job:
    """What is opened, by whom, and under which conditions."""

    distribution: Distribution
    draft: TransactionDraft
    parameters: ProtocolParameters
    private: bool
    warnings: tuple[str, ...]


def opening_draft(job: Job, publication: Publication, limit_slot: int) -> TransactionDraft:
    """The opening with its part of the schedule, as far as that is published by now."""
    return replace(
        job.draft,
        metadata={} if job.private else publication.opening_metadata(),
        valid_until_slot=limit_slot,
    )


def inputs_of_opening(publication: Publication) -> tuple[Utxo, ...]:
    """What the opening spends in any case: the newest part's output, and the wallet's oldest output.

    Two runs that know nothing of each other, from two data directories, so spend the same output: of two
    openings of one distribution the chain takes one. Where a part has spent it, the part's output stands for
    it.
    """
    oldest = publication.funds.oldest
    anchor = () if oldest is None or oldest not in publication.funds.utxos else (oldest,)
    return tuple(dict.fromkeys((*publication.tie(), *anchor)))
