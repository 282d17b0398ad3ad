"""The opening, rehearsed as a whole before anything is sent, and performed."""

from __future__ import annotations

from collections.abc import Callable

from milestones.domain.models import MilestoneSchedule
from milestones.protocol.published_schedule import encode_allocations
from milestones.services.backend import (
    Backend,
    chain_time,
)
from milestones.services.opening import publication as publishing
from milestones.services.opening.job import Job, inputs_of_opening, opening_draft
from milestones.services.opening.publication import Publication
from milestones.services.opening.report import Deployed, deployed
from milestones.services.preflight import (
    must_not_have_been_opened,
)
from milestones.services.submitting.funds import Funds
from milestones.services.submitting.submission import (
    Errand,
    build,
    deliver,
    valid_until,
)
from milestones.storage.submission import OpeningPayload

COMMAND = "deploy"
OPENING = "opening"
Tell = Callable[[str], None]


async def publication_of(backend: Backend, job: Job, funds: Funds) -> Publication:
    """Where publishing stands: at its beginning, or where an earlier run was cut off."""
    if job.private:
        return Publication(segments=(b"",), rooms=publishing.Rooms(0, 0), funds=funds)
    body = encode_allocations(tuple(job.distribution.allocations.values()))
    earlier = await publishing.resume(backend, body, funds, job.distribution.id)
    if earlier is not None:
        return earlier
    rooms = publishing.measure_rooms(job.draft, funds, job.parameters)
    return publishing.cut(body, rooms, funds)


async def rehearse(backend: Backend, job: Job, publication: Publication) -> Deployed:
    """The whole deployment built and evaluated, nothing sent: it can be paid, and the chain would agree."""
    done = await publishing.rehearse(backend, publication, job.parameters)
    made = {signed.id for signed in done.sent}
    missing = [utxo for utxo in done.funds.utxos if utxo.reference.transaction_id in made]
    limit = valid_until(await chain_time(backend))
    draft = opening_draft(job, done, limit)
    signed = await build(
        backend,
        draft,
        done.funds,
        job.parameters,
        include=inputs_of_opening(done),
        not_on_chain_yet=missing,
    )
    return deployed(job, done, signed, "dry_run")


async def perform(
    backend: Backend,
    job: Job,
    schedule: MilestoneSchedule,
    publication: Publication,
    *,
    wait: bool,
    tell: Tell,
) -> Deployed:
    """Publishes what is left to publish, looks once more whether nobody was faster, and opens."""
    distribution = job.distribution
    document = schedule.model_dump(mode="json", exclude_none=True)
    backend.storage.schedules.save(distribution.id, document)
    done = await publishing.publish_parts(
        backend, publication, job.parameters, distribution.id, tell
    )
    # Parts take minutes, in which somebody with the same schedule and key may have been faster.
    await must_not_have_been_opened(backend, distribution)
    limit = valid_until(await chain_time(backend))
    draft = opening_draft(job, done, limit)
    signed = await build(
        backend, draft, done.funds, job.parameters, include=inputs_of_opening(done)
    )
    result = deployed(job, done, signed, "submitted")
    errand = Errand(
        command=COMMAND,
        signed=signed,
        distribution_id=distribution.id,
        valid_until_slot=limit,
        sole=OPENING,
        payload=OpeningPayload(
            private=job.private,
            schedule_transactions=result.schedule_transactions,
            total_token_amount=result.total_token_amount,
            terms_deposit_lovelace=result.deposits_lovelace.terms,
            vaults_deposit_lovelace=result.deposits_lovelace.vaults,
        ),
    )
    state = await deliver(backend, errand, wait=wait)
    return result.model_copy(update={"status": state})
