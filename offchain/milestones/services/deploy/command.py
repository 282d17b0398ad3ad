"""`deploy`: opens a distribution, funded, with its schedule announced."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from milestones.cardano.outputs import Utxo
from milestones.cardano.value import LOVELACE, Value
from milestones.domain.models import MilestoneSchedule
from milestones.domain.powers import doubts_about
from milestones.domain.problems import Circumstances
from milestones.domain.schedule import check_schedule, parse_schedule
from milestones.errors import ChainRejected, InsufficientTokens, NotFound
from milestones.protocol.anchors import Anchor, metadata_of
from milestones.protocol.announced_schedule import encode_allocations
from milestones.protocol.distribution import ContractAddress, Distribution
from milestones.services.backend import (
    Backend,
    Workspace,
    chain_time,
    require_network,
    select_version,
)
from milestones.services.deploy.announcement import Announcement, MetadataCapacity, resume
from milestones.services.deploy.programmable_tokens import explained
from milestones.services.deploy.report import Deployed, LockedDeposits, OpeningTransaction
from milestones.services.distribution.indexed import indexed_distribution
from milestones.services.distribution.local import distribution_of
from milestones.services.distribution.naming import known_name
from milestones.services.distribution.powers import powers_of, warnings_about
from milestones.services.preflight import (
    allowance_warnings,
    must_be_for_contract,
    must_be_on_network,
    must_be_the_creator,
    must_hold_rotatable,
    must_not_have_been_opened,
    must_pay_enough_ada,
)
from milestones.services.registered_token import amount_of
from milestones.services.sending.building import BuildContext
from milestones.services.sending.payer import PaidBy, Payer
from milestones.services.sending.reports import CommandTransaction
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import SendingCommand, perform
from milestones.storage.submission import OpeningPayload, Submission
from milestones.transactions.contract_drafts import open_draft
from milestones.transactions.draft import TransactionDraft
from milestones.transactions.places import amount_in_words
from milestones.transactions.tx_builder import BalancedTransaction


def registered_schedule(
    workspace: Workspace, contract_address: ContractAddress
) -> MilestoneSchedule:
    """The schedule that was registered in this data directory for a contract address."""
    workspace = select_version(workspace, contract_address.payment.hash)
    name = known_name(workspace, contract_address)
    document = workspace.storage.schedules.load(name.distribution_id)
    if document is None:
        indexed = indexed_distribution(workspace, name.distribution_id)
        if indexed is not None:
            return indexed.schedule()
        raise NotFound(
            f"no schedule of {name} is in {workspace.storage.data_directory}",
            hint="give the file with --schedule, or register the schedule here",
            details={"contract_address": str(name)},
        )
    schedule = parse_schedule(document)
    distribution_of(schedule, workspace, name.distribution_id)
    return schedule


async def deploy(
    backend: Backend,
    schedule: MilestoneSchedule,
    *,
    key: PaidBy,
    private: bool = False,
    anchor: Anchor | None = None,
    allow_script_beneficiaries: bool = False,
    dry_run: bool = False,
    wait: bool = False,
) -> Deployed:
    """Opens the distribution of a schedule; every rule is checked before anything is signed.

    `anchor` names a document in the opening's metadata. A schedule too large for one transaction is
    announced by earlier ones, which are waited for. A run that was cut off is taken up where it stopped.
    Raises `InvalidSchedule`, `InvalidInput` (the output that makes oracles replaceable isn't held),
    `NotAllowedYet` (opened already), `NotFound` (scripts or index missing), `InsufficientFunds`,
    `ChainRejected`.
    """
    must_be_on_network(schedule, await require_network(backend))
    must_be_for_contract(schedule, backend.contract)
    circumstances = Circumstances(
        (await chain_time(backend)).now_posix_ms,
        backend.contract.own_scripts,
        allow_script_beneficiaries,
    )
    check_schedule(schedule, circumstances)
    distribution = Distribution.from_schedule(schedule, backend.contract)
    must_be_the_creator(distribution.terms, Payer.of(key).credential)
    command = _Deploy(
        distribution_id=distribution.id,
        distribution=distribution,
        schedule=schedule,
        private=private,
        anchors=() if anchor is None else (anchor,),
    )
    try:
        return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)
    except (InsufficientTokens, ChainRejected) as error:
        raise await explained(backend, distribution, Payer.of(key), error) from None


@dataclass(kw_only=True)
class _Deploy(SendingCommand[Deployed]):
    """The parts of the schedule that are left to announce, and the opening."""

    name = "deploy"
    distribution_id: bytes
    distribution: Distribution
    schedule: MilestoneSchedule
    private: bool
    anchors: tuple[Anchor, ...] = ()
    reserved: tuple[Utxo, ...] = ()

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Rehearses everything, and opens. Parts take minutes: the runner looks whether nobody was faster."""
        backend, distribution = run.backend, self.distribution
        if run.resume_instead(_is_opening):
            return
        await must_not_have_been_opened(backend, distribution, run.mempool)
        parameters = await backend.ogmios.protocol_parameters()
        must_pay_enough_ada(distribution, parameters.lovelace_per_utxo_byte)
        context = await run.context()
        self.reserved = must_hold_rotatable(distribution.terms, context.funds)
        run.warnings += _doubts(self.schedule, distribution, parameters.lovelace_per_utxo_byte)
        draft = open_draft(
            distribution, scripts=context.scripts, metadata=metadata_of(self.anchors)
        )
        announcement = await self._announcement(run, context, draft)
        meaning: tuple[str, ...] = ()
        if not run.dry_run:
            backend.doing("building all transactions, before anything is sent")
            # It can be paid, and the chain would agree: seen before anything is sent.
            rehearsal = run.rehearsal()
            async for request in self._transactions(rehearsal, context, draft, announcement):
                await rehearsal.send(request)
            meaning = await self._meaning(backend, rehearsal)
            if backend.storage.series.of(distribution.id) is None:
                document = self.schedule.model_dump(mode="json", exclude_none=True)
                backend.storage.schedules.save(distribution.id, document)
        async for request in self._transactions(run, context, draft, announcement):
            yield replace(request, meaning=meaning)

    async def _announcement(
        self, run: Run, context: BuildContext, draft: TransactionDraft
    ) -> Announcement | None:
        """Where announcing is: at its beginning, or where an earlier run was cut off."""
        if self.private:
            return None
        body = encode_allocations(self.distribution.allocations.columns())
        begun = await resume(run, context, self.distribution_id, body)
        return begun or Announcement.of(body, MetadataCapacity.measure(draft, context))

    async def _transactions(
        self,
        run: Run,
        context: BuildContext,
        draft: TransactionDraft,
        announcement: Announcement | None,
    ) -> AsyncIterator[SubmissionRequest]:
        while announcement is not None and announcement.parts_left:
            if announcement.must_wait():
                announcement = await announcement.settled(run)
            context = replace(context, time=await chain_time(run.backend))
            request = await announcement.next_part(context.without(self.reserved))
            yield request
            part = request.transaction
            number, total = len(announcement.links) + 1, len(announcement.segments) - 1
            if not run.dry_run:
                run.backend.doing(f"announcing the schedule: {number} of {total} parts are sent")
                run.backend.progress(
                    f"part {number} of {total} of the schedule: transaction {part.id.hex()}"
                )
            context = context.after(part)
            announcement = announcement.after(part, context.time.slot)
        if announcement is not None:
            announcement = await announcement.settled(run)
            metadata = {**draft.metadata, **announcement.opening_metadata()}
            draft = replace(draft, metadata=metadata)
        if not run.dry_run:
            context = replace(context, not_on_chain_yet=())
        context = replace(context, time=await chain_time(run.backend))
        include = _inputs_of_opening(context, announcement)
        built = await context.build(draft, include=tuple(dict.fromkeys((*self.reserved, *include))))
        yield self._opening(built, announcement)

    def _opening(
        self, built: BalancedTransaction, announcement: Announcement | None
    ) -> SubmissionRequest:
        terms, pages = self.distribution.terms, len(self.distribution.terms.pages)
        held = [utxo.output.value.lovelace for utxo in built.outputs]
        vaults = sum(held[1 : 1 + pages])
        if self.distribution.token == LOVELACE:
            vaults -= terms.total_token_amount
        links = () if announcement is None else announcement.links
        return SubmissionRequest(
            transaction=built,
            sole="opening",
            payload=OpeningPayload(
                private=self.private,
                schedule_transactions=tuple(link.transaction_id.hex() for link in links),
                total_token_amount=terms.total_token_amount,
                terms_deposit_lovelace=held[0],
                vaults_deposit_lovelace=vaults,
                allowances_lovelace=terms.allowance_lovelace * len(self.distribution.allocations),
                board_deposit_lovelace=0 if terms.rotatable is None else held[1 + pages],
            ),
        )

    async def _meaning(self, backend: Backend, rehearsal: Run) -> tuple[str, ...]:
        """What is about to be locked, for whom, at what cost, and who can do what with it until when."""
        planned = self.report(rehearsal)
        rows = self.distribution.allocations.columns()
        promised = await amount_of(backend, self.distribution.token, planned.total_token_amount)
        costs = (planned.deposits.total_lovelace, planned.fee_estimate)
        deposits, fees = (amount_in_words(Value(each)) for each in costs)
        return (
            f"locks {promised} for {len(rows):,} payments to {rows.people():,} beneficiaries, at"
            f" {planned.contract_name}",
            f"locks {deposits} of deposits, which come back when it is closed, and costs {fees} of fees",
            *(power.words for power in planned.powers),
        )

    def report(self, run: Run) -> Deployed:
        """The opening, and all transactions of this run."""
        opening = next(each for each in run.transactions.values() if _is_opening(each.submission))
        submission, payload = opening.submission, opening.submission.payload
        if not isinstance(payload, OpeningPayload):
            raise AssertionError("an opening has an opening's payload")
        transactions = tuple(map(OpeningTransaction.of, _with_parts(run, opening)))
        return Deployed(
            status=opening.status,
            transaction_hash=submission.transaction_id,
            contract_address=self.distribution.address,
            contract_name=str(self.distribution.name),
            distribution_id=self.distribution_id,
            private=payload.private,
            schedule_transactions=payload.schedule_transactions,
            allocation_count=len(self.distribution.allocations),
            token_policy_id=self.distribution.token.policy_id,
            token_name=self.distribution.token.asset_name,
            total_token_amount=payload.total_token_amount,
            fee_estimate=sum(each.fee_lovelace for each in transactions),
            collateral_amount=submission.collateral_lovelace,
            deposits=LockedDeposits.of(payload),
            transactions=transactions,
            powers=powers_of(self.distribution.terms),
        )


def _doubts(
    schedule: MilestoneSchedule, distribution: Distribution, lovelace_per_utxo_byte: int
) -> tuple[str, ...]:
    return (
        *doubts_about(schedule),
        *warnings_about(distribution.terms),
        *allowance_warnings(distribution, lovelace_per_utxo_byte),
    )


def _is_opening(submission: Submission) -> bool:
    return submission.purpose == "opening"


def _with_parts(run: Run, opening: CommandTransaction) -> list[CommandTransaction]:
    """The opening after the parts that this run sent; after all of its parts where an earlier run sent it."""
    if not opening.resumed:
        return list(run.transactions.values())
    payload = opening.submission.payload
    parts = payload.schedule_transactions if isinstance(payload, OpeningPayload) else ()
    found = (run.backend.storage.journal.find(each) for each in parts)
    known = [CommandTransaction(submission=each, status=each.status) for each in found if each]
    return [*known, opening]


def _inputs_of_opening(
    context: BuildContext, announcement: Announcement | None
) -> tuple[Utxo, ...]:
    """What the opening spends in any case: the newest part's output, and the wallet's oldest output.

    Two runs that know nothing of each other, from two data directories, so spend the same output: of two
    openings of one distribution the chain takes one. Where a part has spent it, the part's output stands
    for it.
    """
    tie = () if announcement is None else announcement.tie()
    oldest = context.funds.oldest
    anchor = () if oldest is None or oldest not in context.funds.all_utxos else (oldest,)
    return tuple(dict.fromkeys((*tie, *anchor)))
