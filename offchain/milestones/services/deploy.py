"""`deploy`: opens a distribution, funded, with its schedule published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from milestones.cardano.address import Address
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.value import LOVELACE
from milestones.domain.fields import AddressField, HexField
from milestones.domain.models import MilestoneSchedule
from milestones.domain.schedule import Circumstances, check_schedule, parse_schedule
from milestones.errors import NotFound
from milestones.protocol.distribution import Distribution
from milestones.protocol.published_schedule import encode_allocations
from milestones.services import schedule_publication as publishing
from milestones.services.backend import (
    Backend,
    ChainTime,
    Workspace,
    chain_time,
    require_network,
    staleness,
    under,
)
from milestones.services.distribution.knowledge import recovery_warnings
from milestones.services.distribution.local_schedules import distribution_of
from milestones.services.distribution.on_chain import distribution_id_of
from milestones.services.preflight import (
    must_be_for_contract,
    must_be_on_network,
    must_be_the_creator,
    must_not_have_been_opened,
    must_pay_enough_ada,
)
from milestones.services.results import Result, View
from milestones.services.schedule_publication import Publication
from milestones.services.submitting.earlier import still_pending
from milestones.services.submitting.funds import Funds, funds_of
from milestones.services.submitting.reference_scripts import require_published
from milestones.services.submitting.submission import (
    Errand,
    SubmissionState,
    build,
    deliver,
    see_through,
    valid_until,
)
from milestones.storage.journal import Submission
from milestones.transactions.open import open_draft
from milestones.transactions.tx_builder import SignedTransaction, TransactionDraft
from milestones.transactions.wallet import SigningKey

COMMAND = "deploy"
OPENING = "opening"
Tell = Callable[[str], None]


class OpeningTransaction(View):
    """One of the transactions: its fee in lovelace, its size in bytes, its execution units."""

    transaction_hash: str
    role: Literal["schedule", "opening"]
    fee_lovelace: int
    size: int
    memory: int
    cpu: int


class LockedDeposits(View):
    """Lovelace that stays locked until the distribution is closed, beside any ADA distributed."""

    terms: int
    vaults: int
    total: int


class Deployed(Result):
    """An opening. `schedule_transactions` are all parts of the published schedule.

    `transactions` are those of this run, and `fee_estimate` the fee of them together, in lovelace.
    """

    status: SubmissionState
    transaction_hash: str
    contract_address: AddressField
    distribution_id: HexField
    private: bool
    schedule_transactions: tuple[str, ...]
    total_token_amount: int
    fee_estimate: int
    collateral_amount: int
    deposits_lovelace: LockedDeposits
    transactions: tuple[OpeningTransaction, ...]


@dataclass(frozen=True, slots=True)
class _Job:
    """What is opened, by whom, and under which conditions."""

    distribution: Distribution
    draft: TransactionDraft
    parameters: ProtocolParameters
    private: bool
    warnings: tuple[str, ...]


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
    job = _Job(distribution, draft, parameters, private, warnings)
    funds = await funds_of(backend, key)
    publication = await _publication(backend, job, funds)
    rehearsed = await _rehearsed(backend, job, publication)
    if dry_run:
        return rehearsed
    return await _performed(backend, job, schedule, publication, wait=wait, tell=tell)


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


async def _publication(backend: Backend, job: _Job, funds: Funds) -> Publication:
    """Where publishing stands: at its beginning, or where an earlier run was cut off."""
    if job.private:
        return Publication(segments=(b"",), rooms=publishing.Rooms(0, 0), funds=funds)
    body = encode_allocations(tuple(job.distribution.allocations.values()))
    earlier = await publishing.resume(backend, body, funds, job.distribution.id)
    if earlier is not None:
        return earlier
    rooms = publishing.measure_rooms(job.draft, funds, job.parameters)
    return publishing.cut(body, rooms, funds)


def _opening_draft(job: _Job, publication: Publication, limit_slot: int) -> TransactionDraft:
    return replace(
        job.draft,
        metadata={} if job.private else publication.opening_metadata(),
        valid_until_slot=limit_slot,
    )


async def _rehearsed(backend: Backend, job: _Job, publication: Publication) -> Deployed:
    """The whole deployment built and evaluated, nothing sent: it can be paid, and the chain would agree."""
    done = await publishing.rehearse(backend, publication, job.parameters)
    made = {signed.id for signed in done.sent}
    missing = [utxo for utxo in done.funds.utxos if utxo.reference.transaction_id in made]
    limit = valid_until(await chain_time(backend))
    draft = _opening_draft(job, done, limit)
    signed = await build(
        backend,
        draft,
        done.funds,
        job.parameters,
        include=done.tie(),
        not_on_chain_yet=missing,
    )
    return _result(job, done, signed, "dry_run")


async def _performed(
    backend: Backend,
    job: _Job,
    schedule: MilestoneSchedule,
    publication: Publication,
    *,
    wait: bool,
    tell: Tell,
) -> Deployed:
    distribution = job.distribution
    document = schedule.model_dump(mode="json", exclude_none=True)
    backend.storage.schedules.save(distribution.id, document)
    done = await publishing.publish_parts(
        backend, publication, job.parameters, distribution.id, tell
    )
    # Parts take minutes, in which somebody with the same schedule and key may have been faster.
    await must_not_have_been_opened(backend, distribution)
    limit = valid_until(await chain_time(backend))
    draft = _opening_draft(job, done, limit)
    signed = await build(backend, draft, done.funds, job.parameters, include=done.tie())
    result = _result(job, done, signed, "submitted")
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


def _result(
    job: _Job, done: Publication, opening: SignedTransaction, status: SubmissionState
) -> Deployed:
    transactions = [
        *(_transaction(signed, "schedule") for signed in done.sent),
        _transaction(opening, "opening"),
    ]
    return Deployed(
        status=status,
        transaction_hash=opening.id.hex(),
        contract_address=job.distribution.address,
        distribution_id=job.distribution.id,
        private=job.private,
        schedule_transactions=tuple(link.transaction_id.hex() for link in done.links),
        total_token_amount=job.distribution.terms.total_token_amount,
        fee_estimate=sum(each.fee_lovelace for each in transactions),
        collateral_amount=opening.collateral_lovelace,
        deposits_lovelace=_deposits(job, opening),
        transactions=tuple(transactions),
        warnings=job.warnings,
    )


def _transaction(
    signed: SignedTransaction, role: Literal["schedule", "opening"]
) -> OpeningTransaction:
    return OpeningTransaction(
        transaction_hash=signed.id.hex(),
        role=role,
        fee_lovelace=signed.fee_lovelace,
        size=signed.size,
        memory=signed.units.memory,
        cpu=signed.units.cpu,
    )


def _deposits(job: _Job, opening: SignedTransaction) -> LockedDeposits:
    terms, *vaults = opening.outputs[: len(job.draft.outputs)]
    held = sum(utxo.output.value.lovelace for utxo in vaults)
    if job.distribution.token == LOVELACE:
        held -= job.distribution.terms.total_token_amount
    deposit = terms.output.value.lovelace
    return LockedDeposits(terms=deposit, vaults=held, total=deposit + held)
