"""`deploy`: opens a distribution, funded, with its schedule published."""

from __future__ import annotations

from dataclasses import replace

from milestones.cardano.address import Address
from milestones.domain.models import MilestoneSchedule
from milestones.domain.schedule import parse_schedule
from milestones.domain.schedule_rules import Circumstances, check_schedule
from milestones.errors import NotFound
from milestones.protocol.distribution import Distribution
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
from milestones.services.opening.job import Job
from milestones.services.opening.performing import (
    COMMAND,
    OPENING,
    Tell,
    perform,
    publication_of,
    rehearse,
)
from milestones.services.opening.report import Deployed, LockedDeposits, OpeningTransaction
from milestones.services.preflight import (
    must_be_for_contract,
    must_be_on_network,
    must_be_the_creator,
    must_not_have_been_opened,
    must_pay_enough_ada,
)
from milestones.services.submitting.earlier import still_pending
from milestones.services.submitting.funds import funds_of
from milestones.services.submitting.reference_scripts import require_published
from milestones.services.submitting.submission import (
    see_through,
    valid_until,
)
from milestones.storage.submission import OpeningPayload, Submission
from milestones.transactions.open import open_draft
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
            return await _earlier(backend, distribution, opening, warnings, wait=wait)
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
    backend: Backend,
    distribution: Distribution,
    submission: Submission,
    warnings: tuple[str, ...],
    *,
    wait: bool,
) -> Deployed:
    """The result of an earlier run whose opening is still on its way."""
    if wait:
        await see_through(backend, submission.transaction_id)
    note = f"transaction {submission.transaction_id} of an earlier run is still on its way"
    payload = submission.payload
    known = payload if isinstance(payload, OpeningPayload) else None
    terms = known.terms_deposit_lovelace if known else 0
    vaults = known.vaults_deposit_lovelace if known else 0
    return Deployed(
        status="confirmed" if wait else "submitted",
        transaction_hash=submission.transaction_id,
        contract_address=distribution.address,
        distribution_id=distribution.id,
        private=known.private if known else False,
        schedule_transactions=known.schedule_transactions if known else (),
        total_token_amount=distribution.terms.total_token_amount,
        fee_estimate=submission.fee_lovelace,
        collateral_amount=submission.collateral_lovelace,
        deposits_lovelace=LockedDeposits(terms=terms, vaults=vaults, total=terms + vaults),
        transactions=(
            OpeningTransaction(
                transaction_hash=submission.transaction_id,
                role="opening",
                fee_lovelace=submission.fee_lovelace,
                size=submission.size,
                memory=submission.memory,
                cpu=submission.cpu,
            ),
        ),
        warnings=(*warnings, note),
    )
