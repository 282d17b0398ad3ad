"""`verify`: audits a distribution from the chain alone, before anybody trusts it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from milestones.cardano.value import AssetId
from milestones.domain.claims import ClaimState, ClaimStatus
from milestones.domain.models import Allocation, MilestoneSchedule
from milestones.domain.plausibility import implausible
from milestones.domain.problems import Circumstances
from milestones.domain.reading import AddressField, HexField, Problem, counted, in_a_line
from milestones.domain.schedule import problems_of
from milestones.errors import InvalidSchedule, NotFound
from milestones.protocol.claim_file import ClaimFile, open_claim_file
from milestones.protocol.datums import terms_token_name
from milestones.protocol.deposits import payout_min_lovelace
from milestones.protocol.distribution import ContractAddress, Distribution, DistributionName
from milestones.services.backend import (
    Backend,
    require_network,
    select_version,
    staleness,
)
from milestones.services.distribution.datum import TermsView, terms_view
from milestones.services.distribution.naming import identify
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.distribution.powers import warnings_about
from milestones.services.distribution.schedule_source import announced_distribution
from milestones.services.distribution.state import DistributionState, state_of
from milestones.services.preflight import ada_problems
from milestones.services.results import Result
from milestones.services.verify import checks as audit
from milestones.services.verify.anchors import NamedDocument, document_checks, named_documents
from milestones.services.verify.checks import Check, Openings
from milestones.services.verify.powers import (
    PowerInUse,
    Seen,
    ToDo,
    power_checks,
    powers_in_use,
    to_do,
)

Verdict = Literal["sound", "unsound", "incomplete", "completed", "cancelled", "ended"]
LISTED_ALLOCATIONS: Final = 1_000
"""A result lists so many allocations; of more, those that something is wrong with."""
_PLACE = re.compile(r"beneficiary_allocations\[(\d+)\]")


class VerifiedAllocation(Allocation):
    """An allocation. `claimable`: it is paid, or nothing but time and oracles stands before it.

    `status` is how it stands now; `reason` says why, in words. `datum_lovelace` is what a datum adds to the
    ADA that the payout must hold; None where it carries none.
    """

    beneficiary_index: int
    claimable: bool
    status: ClaimStatus
    reason: str
    datum_lovelace: int | None = None


class Verified(Result):
    """The audit. `datum` is None, and `powers` are empty, where the terms have a shape that is none of ours.

    `verdict`: `unsound` where a check fails. Else, of a distribution that was closed, `completed` where all
    was paid before, `cancelled` where a notice ended it with something left, `ended` where another right
    did. `incomplete`: the schedule is private and isn't given, so nobody can check it; all else holds.
    `sound`: the rest. What has to be known is a check's warning, and under `warnings` too. `powers` say
    who can do what, and whether it is used; `to_do` what a beneficiary should do by when. `documents` are
    those that the distribution's transactions name.
    """

    rows_in = "checks"

    verdict: Verdict
    contract_address: AddressField
    distribution_id: HexField
    checks: tuple[Check, ...]
    allocations: tuple[VerifiedAllocation, ...] = ()
    datum: TermsView | None = None
    powers: tuple[PowerInUse, ...] = ()
    to_do: tuple[ToDo, ...] = ()
    documents: tuple[NamedDocument, ...] = ()


@dataclass(frozen=True, slots=True)
class _Schedule:
    """What is known of the schedule, and from where; or why nothing is."""

    check: Check
    distribution: Distribution | None


async def verify(
    backend: Backend,
    *,
    contract_address: ContractAddress,
    schedule: MilestoneSchedule | None = None,
    claim_file: ClaimFile | None = None,
    files: Mapping[str, bytes] = MappingProxyType({}),
    allow_script_beneficiaries: bool = False,
) -> Verified:
    """Checks everything that can be checked; what fails is a line of the result, not an error.

    The schedule is the announced one, unless a file is given (as for a private distribution); local
    records are not looked at. `files` are blake2b-256 hashes (32 bytes) by name, to compare with the documents
    that the chain names. The rules are those of registration, at the time of opening. Raises
    `NotFound` where there never was a distribution at the address, `InvalidAddress`.
    """
    backend = select_version(backend, contract_address.payment.hash)
    magic = await require_network(backend)
    warnings = tuple(await staleness(backend))
    name = await identify(backend, contract_address)
    distribution_id = name.distribution_id
    openings = await _openings(backend, name)
    first = [audit.address_check(distribution_id, backend.contract.vault_hash)]
    unreadable = audit.unreadable_check(openings, name.address.network_id)
    if openings.count and unreadable is not None:
        return Verified(
            verdict="unsound",
            contract_address=name.address,
            distribution_id=distribution_id,
            checks=(*first, unreadable),
            warnings=warnings,
        )
    state = await state_of(backend, await read_on_chain(backend, name))
    on_chain = state.on_chain
    found = await _schedule(backend, on_chain, schedule, claim_file)
    checks = [*first, *audit.terms_checks(state, openings, magic, backend.contract), found.check]
    seen = Seen(state, found.distribution)
    circumstances = Circumstances(
        state.time.clock.start_of(on_chain.opening.point.slot),
        backend.contract.own_scripts,
        allow_script_beneficiaries,
    )
    # Of a large schedule this takes long, and others ask meanwhile.
    audited = await asyncio.to_thread(_audited, seen, circumstances, magic)
    documents = await named_documents(backend, on_chain, files)
    checks += [*audited.checks, *document_checks(documents, files)]
    return Verified(
        verdict=_verdict(checks, state),
        contract_address=name.address,
        distribution_id=distribution_id,
        checks=tuple(checks),
        allocations=audited.allocations,
        datum=None if on_chain.terms.oddities else terms_view(on_chain.terms),
        powers=() if on_chain.terms.oddities else tuple(powers_in_use(seen)),
        to_do=to_do(seen),
        documents=documents,
        warnings=tuple(
            dict.fromkeys(
                [
                    *warnings,
                    *warnings_about(on_chain.terms),
                    *audited.implausibilities,
                    *(each.detail for each in checks if each.outcome in _TO_BE_KNOWN),
                ]
            )
        ),
    )


@dataclass(frozen=True, slots=True)
class _Audited:
    """What the schedule says, held against the rules and the chain; no service is asked for it."""

    checks: tuple[Check, ...]
    allocations: tuple[VerifiedAllocation, ...]
    implausibilities: tuple[str, ...]


def _audited(seen: Seen, circumstances: Circumstances, network_magic: int) -> _Audited:
    problems = _problems(seen, circumstances, network_magic)
    allocations = tuple(_allocations(seen, problems))
    return _Audited(
        checks=(*_schedule_checks(seen, problems, allocations), *power_checks(seen)),
        allocations=allocations,
        implausibilities=_implausibilities(seen.distribution),
    )


def _implausibilities(distribution: Distribution | None) -> tuple[str, ...]:
    """What registration would refuse today, and the chain holds: it is reported, and stays claimable."""
    if distribution is None:
        return ()
    indices = sorted(distribution.allocations)
    found = [in_a_line(_numbered(each, indices)) for each in implausible(distribution.schedule())]
    return (f"this can hardly be meant: {counted(found)}",) if found else ()


_TO_BE_KNOWN: Final = frozenset({audit.WARNING, audit.NOT_CHECKED})


def _verdict(checks: Iterable[Check], state: DistributionState) -> Verdict:
    listed = list(checks)
    if _failed(listed):
        return "unsound"
    if state.status != "open":
        return state.status
    unknown = any(each.outcome == audit.NOT_CHECKED for each in listed)
    return "incomplete" if unknown else "sound"


def _failed(checks: Iterable[Check]) -> bool:
    return any(check.outcome == audit.FAILED for check in checks)


async def _openings(backend: Backend, name: DistributionName) -> Openings:
    token = AssetId(backend.contract.policy_id, terms_token_name(name.distribution_id))
    matches = await backend.kupo.matches(name.address.to_bech32())
    holders = [match for match in matches if match.output.value.quantity(token)]
    unspent = [match for match in holders if match.spent is None]
    datums = [match.datum for match in (*unspent, *holders)]
    return Openings(len(holders), len(unspent), datums[0] if datums else None)


async def _schedule(
    backend: Backend,
    on_chain: OnChain,
    schedule: MilestoneSchedule | None,
    claim_file: ClaimFile | None,
) -> _Schedule:
    try:
        distribution, source = await _sourced(backend, on_chain, schedule, claim_file)
    except NotFound as error:
        detail = f"nobody can check the schedule without it: {error.message}. {error.hint}"
        return _Schedule(Check(name="schedule", outcome=audit.NOT_CHECKED, detail=detail), None)
    except InvalidSchedule as error:
        detail = f"{error.message}. {error.hint}".rstrip(". ")
        return _Schedule(Check.of("schedule", False, detail), None)
    detail = f"{source}: {len(distribution.allocations)} allocations lead to the roots in the terms"
    return _Schedule(Check.of("schedule", True, detail), distribution)


async def _sourced(
    backend: Backend,
    on_chain: OnChain,
    schedule: MilestoneSchedule | None,
    claim_file: ClaimFile | None,
) -> tuple[Distribution, str]:
    if claim_file is not None:
        opened = await asyncio.to_thread(
            open_claim_file, claim_file, on_chain.terms, backend.contract
        )
        return opened, "the claim file"
    if schedule is None:
        return await announced_distribution(backend, on_chain), "announced on the chain"
    allocations = schedule.beneficiary_allocations
    found = await asyncio.to_thread(
        Distribution.check, on_chain.terms, backend.contract, allocations
    )
    return found, "the given schedule file"


def _problems(seen: Seen, circumstances: Circumstances, network_magic: int) -> list[Problem]:
    """The broken rules, by those of registration at the time of opening, and by today's price."""
    if seen.distribution is None:
        return []
    schedule = seen.distribution.schedule()
    # Which network the terms name is a check of its own: payouts go to addresses of the one they are on.
    metadata = schedule.contract_metadata.model_copy(update={"network_magic": network_magic})
    here = schedule.model_copy(update={"contract_metadata": metadata})
    by_rule = problems_of(here, circumstances)
    indices = sorted(seen.distribution.allocations)
    return [
        *(_numbered(problem, indices) for problem in by_rule),
        *ada_problems(seen.distribution, seen.lovelace_per_utxo_byte),
    ]


def _numbered(problem: Problem, indices: list[int]) -> Problem:
    """A claim file shows some allocations only: the place among them becomes the allocation's index."""
    place = _index(problem)
    if place is None:
        return problem
    path = _PLACE.sub(f"beneficiary_allocations[{indices[place]}]", problem.path)
    return replace(problem, path=path)


def _schedule_checks(
    seen: Seen, problems: list[Problem], allocations: tuple[VerifiedAllocation, ...]
) -> Iterator[Check]:
    on_chain, distribution = seen.on_chain, seen.distribution
    kinds = () if distribution is None else distribution.allocations.kinds()
    last = max((kind.vesting_timestamp for kind in kinds), default=None)
    if not on_chain.closed:
        yield audit.reclaim_check(on_chain, seen.now_posix_ms, last)
    yield from audit.vault_checks(on_chain, distribution, seen.lovelace_per_utxo_byte)
    yield audit.attestations_check(on_chain)
    if distribution is not None:
        if not on_chain.terms.oddities:
            yield audit.rules_check(each for each in problems if _index(each) is None)
        whole = len(distribution.allocations)
        able = whole - sum(not each.claimable for each in allocations)
        if on_chain.closed:
            able = sum(index in distribution.allocations for index in seen.state.claimed)
        yield audit.allocations_check(
            able, whole, complete=distribution.complete, closed=on_chain.closed
        )


def _index(problem: Problem) -> int | None:
    found = _PLACE.match(problem.path)
    return None if found is None else int(found[1])


def _allocations(seen: Seen, problems: list[Problem]) -> Iterator[VerifiedAllocation]:
    distribution = seen.distribution
    if distribution is None:
        return
    wrong: dict[int, list[str]] = {}
    for problem in problems:
        index = _index(problem)
        if index is not None:
            wrong.setdefault(index, []).append(problem.message)
    indices: Iterable[int] = distribution.allocations
    if len(distribution.allocations) > LISTED_ALLOCATIONS:
        indices = sorted({*wrong, *seen.state.unpayable(distribution)})
    # Signatures in the local records are not looked at.
    for state in seen.state.claim_states(distribution, indices, signed=()):
        yield _verified(state, wrong.get(state.index, []), seen)


def _datum_lovelace(allocation: Allocation, seen: Seen) -> int | None:
    if allocation.datum is None and allocation.datum_hash is None:
        return None
    token, price = seen.on_chain.terms.token, seen.lovelace_per_utxo_byte
    plain = payout_min_lovelace(allocation, token, price, without_datum=True)
    return payout_min_lovelace(allocation, token, price) - plain


def _verified(state: ClaimState, wrong: list[str], seen: Seen) -> VerifiedAllocation:
    claimable, reason = state.status not in {"closed", "unpayable"}, state.reason
    if wrong and state.status not in {"claimed", "closed"}:
        claimable, reason = False, "; ".join(wrong)
    allocation = state.allocation
    return VerifiedAllocation(
        beneficiary_address=allocation.beneficiary_address,
        token_amount=allocation.token_amount,
        milestone_identifier=allocation.milestone_identifier,
        vesting_timestamp=allocation.vesting_timestamp,
        datum=allocation.datum,
        datum_hash=allocation.datum_hash,
        datum_lovelace=_datum_lovelace(allocation, seen),
        beneficiary_index=state.index,
        claimable=claimable,
        status=state.status,
        reason=reason,
    )
