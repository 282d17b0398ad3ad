"""`deploy`: opens a distribution, funded, with its schedule published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from milestones.cardano.address import Address
from milestones.domain.models import MilestoneSchedule
from milestones.domain.schedule import Circumstances, check_schedule, parse_schedule
from milestones.errors import NotFound
from milestones.protocol.distribution import Distribution
from milestones.protocol.published_schedule import encode_allocations
from milestones.services.backend import (
    Backend,
    ChainTime,
    Workspace,
    chain_time,
    require_network,
    staleness,
    under,
)
from milestones.services.deploy import announcement as publishing
from milestones.services.deploy.announcement import (
    Job,
    Publication,
    inputs_of_opening,
    opening_draft,
)
from milestones.services.deploy.report import Deployed, deployed
from milestones.services.distribution.on_chain import distribution_id_of
from milestones.services.distribution.schedule_source import distribution_of, recovery_warnings
from milestones.services.preflight import (
    must_be_for_contract,
    must_be_on_network,
    must_be_the_creator,
    must_not_have_been_opened,
    must_pay_enough_ada,
)
from milestones.services.sending.earlier import still_pending
from milestones.services.sending.funds import Funds, funds_of
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.submission import (
    Errand,
    build,
    deliver,
    see_through,
    valid_until,
)
from milestones.storage.journal import Submission
from milestones.transactions.contract_drafts import open_draft
from milestones.transactions.wallet import SigningKey


def registered_schedule(workspace: Workspace, address: Address) -> MilestoneSchedule:
    """The schedule that was registered in this data directory under a contract address."""
    workspace = under(workspace, address.payment.hash)
    distribution_id = distribution_id_of(address, workspace.contract)
    document = workspace.storage.schedules.load(distribution_id)
    if document is None:
        raise NotFound(
            f"no schedule of {address} is in {workspace.storage.data_directory}",
            hint="give the file with --schedule, or register the schedule here",
            details={"contract_address": address.to_bech32()},
        )
    schedule = parse_schedule(document)
    distribution_of(schedule, workspace, distribution_id)
    return schedule


async def deploy(
    backend: Backend,
    schedule: MilestoneSchedule,
    *,
    key: SigningKey,
    private: bool = False,
    allow_script_beneficiaries: bool = False,
    dry_run: bool = False,
    wait: bool = False,
    tell: Tell = lambda _: None,
) -> Deployed:
    """Opens the distribution of a schedule; every rule is checked before anything is signed.

    A schedule too large for one transaction is published by earlier ones, which are waited for. A run
    that was cut off is taken up where it stopped. Raises `InvalidSchedule`, `NotAllowedYet` (opened
    already), `NotFound` (scripts or index missing), `InsufficientFunds`, `ChainRejected`.
    """
    magic = await require_network(backend)
    warnings = (*await staleness(backend), *recovery_warnings(backend))
    time = await chain_time(backend)
    distribution = _checked(backend, schedule, magic, time, key, allow_script_beneficiaries)
    if not dry_run:
        pending = await still_pending(backend, command=COMMAND, distribution_id=distribution.id)
        opening = next((each for each in pending if each.sole == OPENING), None)
        if opening is not None:
            return await _earlier(backend, opening, warnings, wait=wait)
    await must_not_have_been_opened(backend, distribution)
    parameters = await backend.ogmios.protocol_parameters()
    must_pay_enough_ada(distribution, parameters.lovelace_per_utxo_byte)
    scripts = await require_published(backend)
    draft = open_draft(distribution, scripts=scripts)
    draft = replace(draft, valid_until_slot=valid_until(time))
    job = Job(distribution, draft, parameters, private, warnings)
    funds = await funds_of(backend, key)
    publication = await publication_of(backend, job, funds)
    rehearsed = await rehearse(backend, job, publication)
    if dry_run:
        return rehearsed
    return await perform(backend, job, schedule, publication, wait=wait, tell=tell)


def _checked(  # noqa: PLR0917
    backend: Backend,
    schedule: MilestoneSchedule,
    magic: int,
    time: ChainTime,
    key: SigningKey,
    allow_script_beneficiaries: bool,
) -> Distribution:
    contract = backend.contract
    must_be_on_network(schedule, magic)
    must_be_for_contract(schedule, contract)
    check_schedule(
        schedule,
        Circumstances(time.now_posix_ms, contract.own_scripts, allow_script_beneficiaries),
    )
    distribution = Distribution.from_schedule(schedule, contract)
    must_be_the_creator(distribution.terms, key)
    return distribution


async def _earlier(
    backend: Backend, submission: Submission, warnings: tuple[str, ...], *, wait: bool
) -> Deployed:
    """The result of an earlier run whose opening is still on its way."""
    if wait:
        await see_through(backend, submission.transaction_id)
    note = f"transaction {submission.transaction_id} of an earlier run is still on its way"
    result: dict[str, Any] = dict(submission.details)["result"]  # type: ignore[assignment]
    changes = {"status": "confirmed" if wait else "submitted", "warnings": (*warnings, note)}
    return Deployed.model_validate({**result, **changes})


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
        details={"role": "opening", "result": result.model_dump(mode="json")},
    )
    state = await deliver(backend, errand, wait=wait)
    return result.model_copy(update={"status": state})
