"""`report`: asks what `check-status`, `history` and `verify` ask, and puts it together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, TypeVar

from milestones.cardano.value import LOVELACE, AssetId
from milestones.clients.kupo_client import KupoAtOneMoment
from milestones.documents import write_new
from milestones.domain.claims import ClaimState, KindState
from milestones.domain.models import MilestoneSchedule
from milestones.domain.reading import HexField
from milestones.errors import InvalidInput, InvalidSchedule, NotFound
from milestones.look.figures import ADA_DECIMALS
from milestones.protocol.distribution import ContractAddress, Distribution
from milestones.services.backend import Backend, require_network, select_version
from milestones.services.check_status import StatusReport, check_status
from milestones.services.distribution.history import DistributionStatus
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.distribution.schedule_source import known_distribution
from milestones.services.distribution.state import state_of
from milestones.services.history import DistributionHistory, history
from milestones.services.registered_token import as_registered, registered_token
from milestones.services.report.model import (
    BeneficiaryReport,
    BoardReport,
    MilestoneReport,
    Sums,
)
from milestones.services.report.pages import report_html, report_markdown
from milestones.services.results import Result
from milestones.services.verify import Verified, verify
from milestones.services.verify.command import Verdict

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Form = Literal["html", "markdown"]
MARKDOWN_ENDINGS: Final = frozenset({".md", ".markdown"})
MOST_DECIMALS: Final = 19
LOOKS: Final = 3
"""How often a distribution is looked at while time goes on in between."""


class ReportWritten(Result):
    """The file and its size, and what the report says in sums, in the token's smallest unit."""

    file: str
    form: Form
    byte_count: int
    contract_name: str
    status: DistributionStatus
    verdict: Verdict
    token_policy_id: HexField
    token_name: HexField
    decimals: int | None
    total_amount: int
    paid_amount: int
    claimable_amount: int
    waiting_amount: int
    returned_amount: int
    payment_count: int


async def board_report(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    schedule: MilestoneSchedule | None = None,
    decimals: int | None = None,
) -> BoardReport:
    """Everything that a board wants to know of a distribution, at one moment.

    `schedule` is that of a private distribution that isn't known here; `decimals`, 0 to 19, are those of the
    token. Without them they are those that it is registered with, and where it isn't, amounts are in its
    smallest unit. Raises `NotFound` where there never was a distribution at the address, and `InvalidInput`
    where the token is registered with other decimals.
    """
    if decimals is not None and not 0 <= decimals <= MOST_DECIMALS:
        raise InvalidInput(
            f"a token has 0 to {MOST_DECIMALS} decimals",
            path="decimals",
            hint="give those that the token is registered with, or leave them out",
        )
    backend = select_version(backend, contract_address.payment.hash)
    magic = await require_network(backend)
    # A block that came between two questions would make one report of two moments.
    backend = replace(backend, kupo=KupoAtOneMoment(backend.kupo))
    on_chain = await read_on_chain(backend, contract_address)
    distribution = await _distribution(backend, on_chain, schedule)
    status, past, kinds, states = await _look(backend, on_chain, distribution)
    audit = await _audit(backend, on_chain, distribution)
    network = _network(backend, magic)
    known = await registered_token(backend, on_chain.terms.token)
    return assembled(
        status,
        past,
        audit,
        kinds,
        states,
        network=network,
        decimals=as_registered(decimals, known),
        decimals_source="" if known is None else known.source,
    )


def assembled(
    status: StatusReport,
    past: DistributionHistory,
    audit: Verified,
    kinds: Sequence[KindState],
    states: Sequence[ClaimState],
    *,
    network: str,
    decimals: int | None = None,
    decimals_source: str = "",
) -> BoardReport:
    """The report of what was looked up already; `kinds` are none where the schedule isn't known.

    Where `states` are none, it says nothing of single beneficiaries.
    """
    state = status.contract_state
    return BoardReport(
        status=status,
        history=past,
        audit=audit,
        milestones=_milestones(status, kinds),
        beneficiaries=_beneficiaries(states),
        network=network,
        decimals=_decimals(AssetId(state.token_policy_id, state.token_name), decimals),
        decimals_source=decimals_source,
    )


async def write_report(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    output: Path,
    form: Form | None = None,
    schedule: MilestoneSchedule | None = None,
    decimals: int | None = None,
) -> ReportWritten:
    """Writes the report: one HTML file that needs nothing from elsewhere, or Markdown.

    Without `form` the file's name says which: `.md` is Markdown. See `board_report`. Raises `InvalidInput`
    where another file is there already.
    """
    report = await board_report(
        backend, contract_address=contract_address, schedule=schedule, decimals=decimals
    )
    if form is None:
        form = "markdown" if output.suffix.lower() in MARKDOWN_ENDINGS else "html"
    text = report_html(report) if form == "html" else report_markdown(report)
    write_new(output, text, "output", InvalidInput)
    return ReportWritten(
        file=str(output),
        form=form,
        byte_count=len(text.encode()),
        contract_name=report.status.contract_name,
        status=report.status.contract_state.status,
        verdict=report.audit.verdict,
        token_policy_id=report.status.contract_state.token_policy_id,
        token_name=report.status.contract_state.token_name,
        decimals=report.decimals,
        total_amount=report.total,
        paid_amount=report.paid,
        claimable_amount=report.claimable,
        waiting_amount=report.waiting,
        returned_amount=report.returned,
        payment_count=len(report.payments),
        warnings=tuple(dict.fromkeys((*report.status.warnings, *report.history.warnings))),
    )


def _decimals(token: AssetId, given: int | None) -> int | None:
    if token == LOVELACE:
        return ADA_DECIMALS
    return given


async def _distribution(
    backend: Backend, on_chain: OnChain, schedule: MilestoneSchedule | None
) -> Distribution | None:
    if schedule is not None:
        allocations = schedule.beneficiary_allocations
        return Distribution.check(on_chain.terms, backend.contract, allocations)
    try:
        return await known_distribution(backend, on_chain)
    except (NotFound, InvalidSchedule):
        return None


async def _look(
    backend: Backend, on_chain: OnChain, distribution: Distribution | None
) -> tuple[StatusReport, DistributionHistory, list[KindState], list[ClaimState]]:
    """Status, history and states of one moment: looked at again where time has made something due between."""
    for _ in range(LOOKS):
        past = await history(backend, contract_address=on_chain.name)
        status = await check_status(backend, contract_address=on_chain.name)
        state = await state_of(backend, await read_on_chain(backend, on_chain.name))
        kinds = [] if distribution is None else state.kind_states(distribution)
        states = [] if distribution is None else state.claim_states(distribution)
        due = sum(each.claimable_count or 0 for each in status.milestones)
        if sum(each.claimable for each in states) == due:
            break
    return status, past, kinds, states


async def _audit(
    backend: Backend, on_chain: OnChain, distribution: Distribution | None
) -> Verified:
    """The audit of what the chain announces; of a private one, of what is known here."""
    audit = await verify(backend, contract_address=on_chain.name)
    if audit.verdict == "incomplete" and distribution is not None:
        known = distribution.schedule()
        audit = await verify(backend, contract_address=on_chain.name, schedule=known)
    return audit


def _network(backend: Backend, magic: int) -> str:
    name = backend.network.name
    return name if backend.network.magic is not None else f"{name} (magic {magic})"


def _milestones(status: StatusReport, kinds: Sequence[KindState]) -> tuple[MilestoneReport, ...]:
    grouped = _grouped((each.kind.milestone_identifier, each) for each in kinds)
    found = [
        MilestoneReport(each, tuple(theirs), Sums.of_kinds(theirs))
        for each in status.milestones
        for theirs in [grouped.get(each.milestone_identifier, [])]
    ]
    return tuple(sorted(found, key=lambda each: (each.vestings[:1], each.name)))


def _beneficiaries(states: Sequence[ClaimState]) -> tuple[BeneficiaryReport, ...]:
    grouped = _grouped((state.allocation.beneficiary_address, state) for state in states)
    found = [BeneficiaryReport(address, Sums.of(theirs)) for address, theirs in grouped.items()]
    return tuple(sorted(found, key=lambda each: (-each.sums.total, each.address.to_bytes())))


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found
