"""`register-milestone`: from a schedule to a distribution's datum, id and address. Asks nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from milestones.cardano.address import Address
from milestones.cardano.native_script import NativeScript, from_json, to_json
from milestones.documents import write_new
from milestones.domain.allocation_table import AllocationTable
from milestones.domain.models import Allocation, ContractMetadata, MilestoneSchedule
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.domain.powers import doubts_about, powers_asked_for
from milestones.domain.problems import Circumstances
from milestones.domain.reading import AddressField, HexField, Problem, StakeAddressField, refusal
from milestones.domain.schedule import check_schedule, parse_schedule, usual_reclaim_after
from milestones.errors import InvalidInput, InvalidSchedule, NotFound
from milestones.protocol.deposits import estimated_deposits
from milestones.protocol.distribution import Distribution
from milestones.protocol.staking import SLOTS_LONG_PAST, own_stake_script, stake_address_of
from milestones.protocol.validator_loader import Contract
from milestones.services.backend import (
    Backend,
    Workspace,
    network_magic_offline,
    now_posix_ms,
    storage_warnings,
)
from milestones.services.distribution.datum import TermsView, terms_view
from milestones.services.distribution.indexed import keep_index
from milestones.services.distribution.naming import must_be_of_network
from milestones.services.distribution.powers import Power, powers_of, warnings_about
from milestones.services.preflight import (
    ada_problems,
    allowance_warnings,
    bond_problems,
    must_be_for_contract,
)
from milestones.services.results import Result, View
from milestones.services.sending.funds import funds_of
from milestones.services.sending.payer import Payer
from milestones.storage.files import to_text

LISTED_ALLOCATIONS: Final = 1_000
"""A result lists so many rows, unless all are asked for."""


class RegisteredAllocation(Allocation):
    """An allocation and its place: its number from 0, the page that pays it, and its leaf node (36 bytes)."""

    beneficiary_index: int
    page: int
    leaf: HexField


class RegisteredMilestone(View):
    """What waits for a milestone: payments, their sum in the token's smallest unit, POSIX seconds."""

    milestone_identifier: str
    allocation_count: int
    token_amount: int
    first_vesting_timestamp: int
    last_vesting_timestamp: int


class DepositEstimate(View):
    """What stays locked until the distribution is closed; attestations by milestone.

    `allowances_lovelace`, what whoever pays out may take, is part of the vaults'.
    """

    terms_lovelace: int
    vaults_lovelace: tuple[int, ...]
    allowances_lovelace: int
    board_lovelace: int
    attestations_lovelace: Mapping[str, int]
    opening_lovelace: int
    total_lovelace: int
    lovelace_per_utxo_byte: int


class StakeScript(View):
    """A stake script of the distribution's own: its reward account, and the file that cardano-cli reads."""

    stake_address: StakeAddressField
    script_file: str
    how_to_use: str


class Registered(Result):
    """What was registered. `estimated_deposits` is None where no price was ever asked for.

    `contract_name` is what commands take for it: its address or, where that leaves it open,
    `<address>#<id>`. `powers` say in words who can do what, and when. `allocations` are the rows: up to
    1,000 of them or, where they were asked for, all; of more there are none.
    """

    status: Literal["registered"] = "registered"
    distribution_id: HexField
    contract_address: AddressField
    contract_name: str
    stake_script: StakeScript | None = None
    datum_cbor: HexField
    datum: TermsView
    pages: tuple[HexField, ...]
    page_depth: int
    total_token_amount: int
    allocation_count: int
    beneficiary_count: int
    milestones: tuple[RegisteredMilestone, ...]
    allocations: tuple[RegisteredAllocation, ...]
    estimated_deposits: DepositEstimate | None
    schedule_file: str
    contract_metadata: ContractMetadata
    powers: tuple[Power, ...]


async def register_milestone(
    workspace: Workspace,
    document: Mapping[str, Any],
    *,
    stake_holder: Mapping[str, Any] | Literal["creator"] | None = None,
    allow_script_beneficiaries: bool = False,
    output: Path | None = None,
    list_all: bool = False,
) -> Registered:
    """Validates a schedule and computes its distribution; writes the complete schedule file.

    `document` is a schedule's JSON; of its `contract_metadata`, `created_at` (now), `network_magic` (the
    configured network's, or the one that `init` saw) and `contract_version` may be missing. Where neither
    `reclaim_after` nor `irrevocable` is named, it is a year after the last vesting time, and a warning says
    so. The file is kept in the data directory, and written to `output` too, unless another file is there.
    With `stake_holder`, the creator's key or cardano-cli's JSON of a native script, the distribution gets a
    stake script of its own, in a file beside the schedule. `list_all`: the result has the rows, however
    many they are. Raises `InvalidSchedule`, whose details list
    every broken rule under `errors`, and `InvalidConfiguration` where the magic isn't known.
    """
    schedule = parse_schedule(completed(workspace, document))
    is_usual = not {"reclaim_after", "irrevocable"} & document.keys()
    if is_usual:
        usual = usual_reclaim_after(schedule)
        schedule = schedule.model_copy(update={"reclaim_after": usual})
    must_be_on_configured_network(workspace, schedule)
    earlier = schedule.contract_metadata.contract_version
    schedule = for_contract(schedule, workspace.contract)
    script = stake_script_for(schedule, stake_holder, workspace.contract)
    if script is not None:
        magic = schedule.contract_metadata.network_magic
        schedule = schedule.model_copy(update={"staking": stake_address_of(script, magic)})
    circumstances = Circumstances(
        now_posix_ms(), workspace.contract.own_scripts, allow_script_beneficiaries
    )
    check_schedule(schedule, circumstances)
    distribution = Distribution.from_schedule(schedule, workspace.contract)
    deposits = estimate(workspace, distribution)
    if deposits is not None:
        refuse(ada_problems(distribution, deposits.lovelace_per_utxo_byte))
        refuse(bond_problems(distribution, deposits.lovelace_per_utxo_byte))
    file = _keep(workspace, distribution, schedule, output)
    kept = None if script is None else _keep_script(script, distribution, Path(file))
    warnings = (
        *storage_warnings(workspace),
        *(usual_warnings(schedule) if is_usual else ()),
        *version_warnings(earlier, workspace.contract.version),
        *doubts_about(schedule),
        *warnings_about(distribution.terms),
        *_warnings(distribution, deposits),
    )
    listed = list_all or len(distribution.allocations) <= LISTED_ALLOCATIONS
    registered = _registered(distribution, schedule, deposits, file, warnings, listed=listed)
    return registered.model_copy(update={"stake_script": kept})


def stake_script_for(
    schedule: MilestoneSchedule,
    holder: Mapping[str, Any] | Literal["creator"] | None,
    contract: Contract,
) -> NativeScript | None:
    """The stake script to make; None where nobody asked for one. Raises `InvalidInput` about `staking`."""
    if holder is None:
        return None
    if schedule.staking is not None:
        raise InvalidInput(
            "a stake address is given beside the holder of a new stake script",
            path="staking",
            hint="give one of them",
        )
    native = None if holder == "creator" else from_json(holder, "staking")
    return own_stake_script(schedule, native, contract)


async def oldest_output(backend: Backend, creator: Address) -> str:
    """The output of a creator's key that has been on the chain longest, for terms that are rotatable.

    `<transaction id>#<index>`. Raises `NotFound` where the key has none, `InvalidInput` for a script,
    `InvalidAddress` for an address of another network.
    """
    must_be_of_network(creator, backend.network.network_id, "creator")
    if creator.payment.kind == "script":
        raise InvalidInput(
            "the creator is a script: its outputs are its own affair",
            path="rotatable",
            hint="name the output that the opening will spend: <transaction id>#<index>",
        )
    oldest = (await funds_of(backend, Payer(credential=creator.payment))).oldest
    if oldest is None:
        raise NotFound(
            f"{creator} has no output that an opening could spend",
            hint="send ADA there first",
        )
    return str(oldest.reference)


def for_contract(schedule: MilestoneSchedule, contract: Contract) -> MilestoneSchedule:
    """A schedule of an earlier version of the contract is taken for this one where it uses no powers.

    Those of an earlier version may have meant something else; all else means the same in every version. Raises
    `InvalidSchedule` for any other version.
    """
    metadata = schedule.contract_metadata
    if _is_earlier(metadata.contract_version, contract.version) and not powers_asked_for(schedule):
        metadata = metadata.model_copy(update={"contract_version": contract.version})
        schedule = schedule.model_copy(update={"contract_metadata": metadata})
    must_be_for_contract(schedule, contract)
    return schedule


def _is_earlier(version: str, than: str) -> bool:
    numbers = [re.fullmatch(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})", each) for each in (version, than)]
    if None in numbers:
        return False
    first, second = (tuple(map(int, each.groups())) for each in numbers if each)
    return first < second


def version_warnings(named: str, current: str) -> Iterator[str]:
    """That a schedule of an earlier version of the contract gets another address than before."""
    if named != current:
        yield (
            f"the schedule was written for version {named} of the contract, and is registered for"
            f" {current}: its address is another than before; what was opened with {named} stays there,"
            " and is worked with by that version's blueprint (docs/contract-versions.md)"
        )


def refuse(problems: list[Problem]) -> None:
    """Raises `InvalidSchedule` about all of them, if there are any."""
    if problems:
        raise refusal(problems, InvalidSchedule)


def completed(workspace: Workspace, document: Mapping[str, Any]) -> Any:
    """A schedule's JSON, with what may be missing of its metadata."""
    metadata = document.get("contract_metadata", {})
    if not isinstance(metadata, Mapping):
        return document
    completed = {"created_at": to_posix_seconds(now_posix_ms()), **metadata}
    completed.setdefault("contract_version", workspace.contract.version)
    if "network_magic" not in completed:
        completed["network_magic"] = network_magic_offline(workspace)
    return {**document, "contract_metadata": completed}


def must_be_on_configured_network(workspace: Workspace, schedule: MilestoneSchedule) -> None:
    """A schedule names the network that is configured. Raises `InvalidSchedule`."""
    magic = schedule.contract_metadata.network_magic
    if not workspace.network.admits(magic):
        raise InvalidSchedule(
            f"{magic} is not the magic of {workspace.network.name}, which is configured",
            path="contract_metadata.network_magic",
            hint="leave it out of the schedule, or configure the other network",
        )


def estimate(workspace: Workspace, distribution: Distribution) -> DepositEstimate | None:
    """What stays locked, by the price that was seen last; None where none ever was."""
    observed = workspace.storage.network.load()
    if observed is None:
        return None
    deposits = estimated_deposits(distribution, observed.lovelace_per_utxo_byte)
    attestations = sum(deposits.attestations_lovelace.values())
    return DepositEstimate(
        terms_lovelace=deposits.terms_lovelace,
        vaults_lovelace=deposits.vaults_lovelace,
        allowances_lovelace=deposits.allowances_lovelace,
        board_lovelace=deposits.board_lovelace,
        attestations_lovelace=dict(deposits.attestations_lovelace),
        opening_lovelace=deposits.opening_lovelace,
        total_lovelace=deposits.opening_lovelace + attestations,
        lovelace_per_utxo_byte=observed.lovelace_per_utxo_byte,
    )


def usual_warnings(schedule: MilestoneSchedule) -> Iterator[str]:
    """When unclaimed tokens can be taken back, where nobody has said it."""
    yield (
        "neither reclaim_after nor irrevocable is given: from"
        f" {in_words(schedule.reclaim_after or 0)} on, a year after the last vesting time (or after this"
        " registration, if that is later), the creator can take unclaimed tokens back"
    )


def _warnings(distribution: Distribution, deposits: DepositEstimate | None) -> Iterator[str]:
    if deposits is None:
        yield (
            "deposits are not estimated: the network's price of storage was never asked for;"
            " `milestones init` does, and `deploy --dry-run` shows the exact amounts"
        )
        return
    yield from allowance_warnings(distribution, deposits.lovelace_per_utxo_byte)


def _keep(
    workspace: Workspace,
    distribution: Distribution,
    schedule: MilestoneSchedule,
    output: Path | None,
) -> str:
    # The paging is fixed in the file, so that no later version's habits change the id.
    complete = schedule.model_copy(update={"page_depth": distribution.terms.page_depth})
    document = complete.model_dump(mode="json", exclude_none=True)
    if output is not None:
        write_new(output, to_text(document), "output", InvalidInput)
    kept = workspace.storage.schedules.save(distribution.id, document)
    keep_index(workspace, distribution)
    return kept if output is None else str(output)


def _keep_script(
    script: NativeScript, distribution: Distribution, schedule_file: Path
) -> StakeScript:
    file = schedule_file.with_suffix(".stake-script.json")
    write_new(file, to_text(to_json(script)), "staking", InvalidInput)
    magic = distribution.terms.metadata.network_magic
    return StakeScript(
        stake_address=stake_address_of(script, magic),
        script_file=str(file),
        how_to_use=(
            "register and delegate with `milestones stake register` (a treasury's ADA: --abstain); with"
            " cardano-cli, the transaction wants --certificate-script-file, and --invalid-before"
            f" {SLOTS_LONG_PAST}"
        ),
    )


def _registered(
    distribution: Distribution,
    schedule: MilestoneSchedule,
    deposits: DepositEstimate | None,
    file: str,
    warnings: tuple[str, ...],
    *,
    listed: bool,
) -> Registered:
    terms = distribution.terms
    return Registered(
        distribution_id=distribution.id,
        contract_address=distribution.address,
        contract_name=str(distribution.name),
        powers=powers_of(distribution.terms),
        datum_cbor=terms.encode(),
        datum=terms_view(terms),
        pages=terms.pages,
        page_depth=terms.page_depth,
        total_token_amount=terms.total_token_amount,
        allocation_count=len(distribution.allocations),
        beneficiary_count=distribution.allocations.columns().people(),
        milestones=tuple(_milestones(distribution.allocations)),
        allocations=tuple(_allocations(distribution)) if listed else (),
        estimated_deposits=deposits,
        schedule_file=file,
        contract_metadata=schedule.contract_metadata,
        warnings=warnings,
    )


def _milestones(table: AllocationTable) -> Iterator[RegisteredMilestone]:
    totals = table.totals()
    for name in table.milestones():
        parts = {kind: each for kind, each in totals.items() if kind.milestone_identifier == name}
        yield RegisteredMilestone(
            milestone_identifier=name,
            allocation_count=sum(total.count for total in parts.values()),
            token_amount=sum(total.amount for total in parts.values()),
            first_vesting_timestamp=min(kind.vesting_timestamp for kind in parts),
            last_vesting_timestamp=max(kind.vesting_timestamp for kind in parts),
        )


def _allocations(distribution: Distribution) -> Iterator[RegisteredAllocation]:
    for index, allocation in distribution.allocations.items():
        yield RegisteredAllocation(
            beneficiary_address=allocation.beneficiary_address,
            token_amount=allocation.token_amount,
            milestone_identifier=allocation.milestone_identifier,
            vesting_timestamp=allocation.vesting_timestamp,
            datum=allocation.datum,
            datum_hash=allocation.datum_hash,
            beneficiary_index=index,
            page=distribution.place(index)[0],
            leaf=distribution.leaf(index),
        )
