"""`register-milestone`: from a schedule to a distribution's datum, id and address. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from milestones.domain.models import Allocation, ContractMetadata, MilestoneSchedule
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.problems import Circumstances
from milestones.domain.reading import AddressField, HexField, Problem, refusal
from milestones.domain.schedule import parse_schedule, problems_of
from milestones.errors import InvalidConfiguration, InvalidInput, InvalidSchedule
from milestones.protocol.deposits import estimated_deposits
from milestones.protocol.distribution import Distribution, leaf_of
from milestones.services.backend import Workspace, storage_warnings
from milestones.services.distribution.datum import TermsView, terms_view
from milestones.services.preflight import ada_problems, must_be_for_contract
from milestones.services.results import Result, View
from milestones.services.sending.tracking import now_posix_ms
from milestones.storage.files import to_text, write_atomically


class RegisteredAllocation(Allocation):
    """An allocation and its place: its number from 0, the page that pays it, and its leaf node (36 bytes)."""

    beneficiary_index: int
    page: int
    leaf: HexField


class DepositEstimate(View):
    """What stays locked until the distribution is closed; attestations by milestone."""

    terms_lovelace: int
    vaults_lovelace: tuple[int, ...]
    attestations_lovelace: Mapping[str, int]
    opening_lovelace: int
    total_lovelace: int
    lovelace_per_utxo_byte: int


class Registered(Result):
    """What was registered. `estimated_deposits` is None where no price was ever asked for."""

    status: Literal["registered"] = "registered"
    distribution_id: HexField
    contract_address: AddressField
    datum_cbor: HexField
    datum: TermsView
    pages: tuple[HexField, ...]
    page_depth: int
    total_token_amount: int
    allocations: tuple[RegisteredAllocation, ...]
    estimated_deposits: DepositEstimate | None
    schedule_file: str
    contract_metadata: ContractMetadata


async def register_milestone(
    workspace: Workspace,
    document: Mapping[str, Any],
    *,
    allow_script_beneficiaries: bool = False,
    output: Path | None = None,
) -> Registered:
    """Validates a schedule and computes its distribution; writes the complete schedule file.

    `document` is a schedule's JSON; of its `contract_metadata`, `created_at` (now), `network_magic` (the
    configured network's, or the one that `init` saw) and `contract_version` may be missing. The file is
    kept in the data directory, and written to `output` too. Raises `InvalidSchedule`, whose details
    list every broken rule under `errors`, and `InvalidConfiguration` where the magic isn't known.
    """
    schedule = parse_schedule(_completed(workspace, document))
    _must_be_on_configured_network(workspace, schedule)
    must_be_for_contract(schedule, workspace.contract)
    circumstances = Circumstances(
        now_posix_ms(), workspace.contract.own_scripts, allow_script_beneficiaries
    )
    _refuse(problems_of(schedule, circumstances))
    distribution = Distribution.from_schedule(schedule, workspace.contract)
    deposits = _estimate(workspace, distribution)
    if deposits is not None:
        _refuse(ada_problems(distribution, deposits.lovelace_per_utxo_byte))
    file = _keep(workspace, distribution, schedule, output)
    warnings = (*storage_warnings(workspace), *_warnings(deposits))
    return _registered(distribution, schedule, deposits, file, warnings)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise refusal(problems, InvalidSchedule)


def _completed(workspace: Workspace, document: Mapping[str, Any]) -> Any:
    metadata = document.get("contract_metadata", {})
    if not isinstance(metadata, Mapping):
        return document
    completed = {"created_at": to_posix_seconds(now_posix_ms()), **metadata}
    completed.setdefault("contract_version", workspace.contract.version)
    if "network_magic" not in completed:
        completed["network_magic"] = network_magic_offline(workspace)
    return {**document, "contract_metadata": completed}


def network_magic_offline(workspace: Workspace) -> int:
    """The magic of the configured network, else the one that `init` saw. Raises `InvalidConfiguration`."""
    if workspace.network.magic is not None:
        return workspace.network.magic
    observed = workspace.storage.network.load()
    if observed is None or not workspace.network.admits(observed.network_magic):
        raise InvalidConfiguration(
            f"{workspace.network.name!r} is any network but mainnet, and it isn't known which",
            path="network_magic",
            hint="run `milestones init` once, or name the network: --network preprod, preview or devnet",
        )
    return observed.network_magic


def _must_be_on_configured_network(workspace: Workspace, schedule: MilestoneSchedule) -> None:
    magic = schedule.contract_metadata.network_magic
    if not workspace.network.admits(magic):
        raise InvalidSchedule(
            f"{magic} is not the magic of {workspace.network.name}, which is configured",
            path="contract_metadata.network_magic",
            hint="leave it out of the schedule, or configure the other network",
        )


def _estimate(workspace: Workspace, distribution: Distribution) -> DepositEstimate | None:
    observed = workspace.storage.network.load()
    if observed is None:
        return None
    deposits = estimated_deposits(distribution, observed.lovelace_per_utxo_byte)
    attestations = sum(deposits.attestations_lovelace.values())
    return DepositEstimate(
        terms_lovelace=deposits.terms_lovelace,
        vaults_lovelace=deposits.vaults_lovelace,
        attestations_lovelace=dict(deposits.attestations_lovelace),
        opening_lovelace=deposits.opening_lovelace,
        total_lovelace=deposits.opening_lovelace + attestations,
        lovelace_per_utxo_byte=observed.lovelace_per_utxo_byte,
    )


def _warnings(deposits: DepositEstimate | None) -> Iterator[str]:
    if deposits is None:
        yield (
            "deposits are not estimated: the network's price of storage was never asked for;"
            " `milestones init` does, and `deploy --dry-run` shows the exact amounts"
        )


def _keep(
    workspace: Workspace,
    distribution: Distribution,
    schedule: MilestoneSchedule,
    output: Path | None,
) -> str:
    # The paging is fixed in the file, so that no later version's habits change the id.
    complete = schedule.model_copy(update={"page_depth": distribution.terms.page_depth})
    document = complete.model_dump(mode="json", exclude_none=True)
    kept = workspace.storage.schedules.save(distribution.id, document)
    if output is None:
        return kept
    try:
        write_atomically(output, to_text(document))
    except OSError as error:
        raise InvalidInput(
            f"{output} can't be written: {error.strerror}",
            path="output",
            hint=f"choose another place; the schedule is also in {kept}",
        ) from error
    return str(output)


def _registered(
    distribution: Distribution,
    schedule: MilestoneSchedule,
    deposits: DepositEstimate | None,
    file: str,
    warnings: tuple[str, ...],
) -> Registered:
    terms = distribution.terms
    return Registered(
        distribution_id=distribution.id,
        contract_address=distribution.address,
        datum_cbor=terms.encode(),
        datum=terms_view(terms),
        pages=terms.pages,
        page_depth=terms.page_depth,
        total_token_amount=terms.total_token_amount,
        allocations=tuple(_allocations(distribution)),
        estimated_deposits=deposits,
        schedule_file=file,
        contract_metadata=schedule.contract_metadata,
        warnings=warnings,
    )


def _allocations(distribution: Distribution) -> Iterator[RegisteredAllocation]:
    for index, allocation in distribution.allocations.items():
        yield RegisteredAllocation(
            beneficiary_address=allocation.beneficiary_address,
            token_amount=allocation.token_amount,
            milestone_identifier=allocation.milestone_identifier,
            vesting_timestamp=allocation.vesting_timestamp,
            beneficiary_index=index,
            page=distribution.place(index)[0],
            leaf=leaf_of(allocation),
        )
