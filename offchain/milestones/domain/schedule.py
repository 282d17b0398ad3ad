"""A schedule: read from JSON values, and the rules that it must keep before anybody signs it.

`parse_schedule` checks types alone. The chain enforces that a distribution is funded and well-formed; the
rules here are the ones that it can't or needn't enforce. `problems_of` lists what is wrong with any
schedule, one found on the chain included; `check_schedule` refuses it, and what can't be meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from milestones.cardano.network import network_id_of
from milestones.domain.columns import (
    AllocationColumns,
    columns_of_rows,
    kinds_of,
    rows_of_kinds,
)
from milestones.domain.models import Allocation, MilestoneSchedule
from milestones.domain.paging import DEEPEST, MOST_ALLOCATIONS, MOST_PAGES
from milestones.domain.plausibility import implausible, moment_problems
from milestones.domain.posix_time import LATEST_POSIX_SECONDS, to_posix_ms
from milestones.domain.powers import MOST_ORACLES, power_problems
from milestones.domain.problems import (
    AMOUNT_LIMIT,
    Circumstances,
    amount_problems,
    datum_problems,
    milestone_problems,
    network_problems,
)
from milestones.domain.reading import Problem, read_record, read_records, refusal
from milestones.errors import InvalidSchedule

DESCRIPTION_BYTES: Final = 256
MOST_SIGNATURES: Final = 15
"""More don't fit in one transaction beside everything else."""
MAGIC_LIMIT: Final = 1 << 32
YEAR_SECONDS: Final = 365 * 86_400
_ROWS: Final = "beneficiary_allocations"


def parse_schedule(raw: Any) -> MilestoneSchedule:
    """A schedule from JSON values. Raises `InvalidSchedule` with a path for each field of a wrong type."""
    rows = raw.get(_ROWS) if isinstance(raw, dict) else None
    if isinstance(rows, (list, tuple)):
        # Where anything is odd about a row, the record's own reader says what and where.
        raw = {**raw, _ROWS: columns_of_rows(rows) or rows}
    return read_record(MilestoneSchedule, raw, InvalidSchedule)


def parse_allocations(raw: Any) -> Sequence[Allocation]:
    """The list in the mission's `allocations.json`. Raises `InvalidSchedule` with paths."""
    if isinstance(raw, AllocationColumns):
        return raw
    columns = columns_of_rows(raw) if isinstance(raw, (list, tuple)) else None
    if columns:
        return columns
    try:
        return read_records(Allocation, raw, InvalidSchedule)
    except InvalidSchedule as error:
        raise error.inside(_ROWS) from None


def check_schedule(schedule: MilestoneSchedule, circumstances: Circumstances) -> None:
    """Raises `InvalidSchedule` about what is broken or can't be meant; its details list all of it.

    For what somebody is about to open: what is on the chain already is judged by `problems_of` alone.
    """
    problems = [*implausible(schedule), *problems_of(schedule, circumstances)]
    if problems:
        raise refusal(problems, InvalidSchedule)


def problems_of(schedule: MilestoneSchedule, circumstances: Circumstances) -> list[Problem]:
    """Every rule that this schedule breaks, in the order of its fields."""
    return [
        *_token(schedule, circumstances),
        *_allocations(schedule, circumstances),
        *_oracles(schedule),
        *_creator(schedule, circumstances),
        *_reclaiming(schedule, circumstances),
        *_metadata(schedule),
        *_page_depth(schedule),
        *power_problems(schedule, circumstances),
    ]


def _token(schedule: MilestoneSchedule, circumstances: Circumstances) -> Iterator[Problem]:
    policy_id, name = schedule.token
    if policy_id and len(policy_id) != 28:
        yield Problem(
            "token_policy_id",
            f"a policy id has 28 bytes, not {len(policy_id)}",
            "write 56 hexadecimal digits, or nothing to distribute ADA",
        )
    if policy_id in circumstances.own_scripts:
        yield Problem(
            "token_policy_id",
            "the contract's own tokens can't be distributed",
            "give the policy id of the token to distribute",
        )
    if len(name) > 32:
        yield Problem(
            "token_name",
            f"a token's name has at most 32 bytes, not {len(name)}",
            "give the name as it was minted",
        )
    if name and not policy_id:
        yield Problem(
            "token_name",
            "ADA has no token name",
            "give the token's policy id, or leave the name empty to distribute ADA",
        )


def _allocations(schedule: MilestoneSchedule, circumstances: Circumstances) -> Iterator[Problem]:
    allocations = schedule.beneficiary_allocations
    if not 1 <= len(allocations) <= MOST_ALLOCATIONS and not circumstances.is_series:
        yield Problem(
            "beneficiary_allocations",
            f"a distribution has 1 to {MOST_ALLOCATIONS} allocations, not {len(allocations)}",
            "cut it into several distributions, or give at least one allocation",
        )
    magic = schedule.contract_metadata.network_magic
    network_id = network_id_of(magic)
    for index in _to_be_judged(allocations, network_id):
        path, allocation = f"beneficiary_allocations[{index}]", allocations[index]
        yield from _beneficiary(allocation, network_id, circumstances, path)
        yield from amount_problems(allocation.token_amount, f"{path}.token_amount")
        yield from milestone_problems(
            allocation.milestone_identifier, f"{path}.milestone_identifier"
        )
        if allocation.vesting_timestamp > LATEST_POSIX_SECONDS:
            field = f"{path}.vesting_timestamp"
            yield from moment_problems(allocation.vesting_timestamp, field, magic)
        yield from datum_problems(allocation.datum, allocation.datum_hash, f"{path}.")
    if schedule.total_token_amount >= AMOUNT_LIMIT and not circumstances.is_series:
        yield Problem(
            "beneficiary_allocations",
            "the sum of all amounts is over 2^63 - 1, the ledger's limit",
            "give amounts in the token's smallest unit",
        )


def _to_be_judged(allocations: Sequence[Allocation], network_id: int) -> Sequence[int]:
    """The rows of which a rule may have something to say: columns are looked through as a whole."""
    if not isinstance(allocations, AllocationColumns):
        return range(len(allocations))
    rows = set(allocations.datums)
    # What nothing can be wrong with: a key's address of this network.
    usual = bytes(header | network_id for header in _OF_KEYS)
    headers = allocations.headers()
    if headers.translate(None, usual):
        rows.update(row for row, header in enumerate(headers) if header not in usual)
    if len(allocations) and not 0 < min(allocations.amounts) <= max(allocations.amounts) < (
        AMOUNT_LIMIT
    ):
        rows.update(
            row for row, amount in enumerate(allocations.amounts) if not 0 < amount < AMOUNT_LIMIT
        )
    unlikely = {
        kind
        for kind in kinds_of(allocations)
        if kind.vesting_timestamp > LATEST_POSIX_SECONDS
        or any(milestone_problems(kind.milestone_identifier, ""))
    }
    rows.update(rows_of_kinds(allocations, unlikely))
    return sorted(rows)


_OF_KEYS: Final = (0x00, 0x20, 0x60)
"""Header bytes, without the network, of addresses whose payment part is a key. Source: CIP-19."""


def _beneficiary(
    allocation: Allocation, network_id: int, circumstances: Circumstances, prefix: str
) -> Iterator[Problem]:
    path, address = f"{prefix}.beneficiary_address", allocation.beneficiary_address
    yield from network_problems(address, network_id, path)
    if address.payment.kind == "key":
        return
    if address.payment.hash in circumstances.own_scripts:
        yield Problem(
            path,
            "the contract's own address can't be a beneficiary",
            "give an address of the beneficiary's wallet",
        )
    elif not circumstances.scripts_may_benefit and not _has_datum(allocation):
        yield Problem(
            path,
            "a script's address and no datum: a Plutus V1 or V2 script could never spend such a"
            " payout",
            "give the payout's datum, or allow script beneficiaries if this is a native script, or a"
            " Plutus V3 script that needs no datum",
        )


def _has_datum(allocation: Allocation) -> bool:
    return allocation.datum is not None or allocation.datum_hash is not None


def _oracles(schedule: MilestoneSchedule) -> Iterator[Problem]:
    network_id = network_id_of(schedule.contract_metadata.network_magic)
    seen: dict[bytes, int] = {}
    for index, address in enumerate(schedule.oracle_addresses):
        path = f"oracle_addresses[{index}]"
        yield from network_problems(address, network_id, path)
        if address.payment.kind == "script":
            yield Problem(path, "a script can't sign", "give an address with a payment key")
        first = seen.setdefault(address.payment.hash, index)
        if first != index:
            yield Problem(
                path,
                f"the same payment key as oracle_addresses[{first}]",
                "give each oracle a key of its own",
            )
    if len(schedule.oracle_addresses) > MOST_ORACLES:
        yield Problem(
            "oracle_addresses",
            f"at most {MOST_ORACLES} oracles, not {len(schedule.oracle_addresses)}",
            "a larger committee appoints some of its members",
        )
    most = min(len(schedule.oracle_addresses), MOST_SIGNATURES)
    if not schedule.oracle_addresses:
        yield Problem(
            "oracle_addresses",
            "at least one oracle is needed",
            "give the addresses of those who say when a milestone is reached",
        )
    elif not 1 <= schedule.quorum_threshold <= most:
        yield Problem(
            "quorum_threshold",
            f"with {len(schedule.oracle_addresses)} oracles a quorum is 1 to {most},"
            f" not {schedule.quorum_threshold}",
            "give how many of the oracles have to sign",
        )


def _creator(schedule: MilestoneSchedule, circumstances: Circumstances) -> Iterator[Problem]:
    network_id = network_id_of(schedule.contract_metadata.network_magic)
    yield from network_problems(schedule.creator, network_id, "creator")
    if schedule.creator.payment.hash in circumstances.own_scripts:
        yield Problem(
            "creator",
            "the contract's own address can't be the creator",
            "give the address that pays for the opening and may close",
        )


def usual_reclaim_after(schedule: MilestoneSchedule) -> int:
    """When unclaimed tokens can be taken back where nobody says it, POSIX seconds.

    A year after the last vesting time or, where that is earlier, after `created_at`.
    """
    vesting = (kind.vesting_timestamp for kind in kinds_of(schedule.beneficiary_allocations))
    return max((*vesting, schedule.contract_metadata.created_at)) + YEAR_SECONDS


def _reclaiming(schedule: MilestoneSchedule, circumstances: Circumstances) -> Iterator[Problem]:
    reclaim_after = schedule.reclaim_after
    if (reclaim_after is None) != schedule.irrevocable:
        yield Problem(
            "reclaim_after",
            "a distribution is either irrevocable or has a time after which unclaimed tokens can be"
            " taken back",
            "choose one: reclaim_after or irrevocable",
        )
    if reclaim_after is None:
        return
    if to_posix_ms(reclaim_after) <= circumstances.now_posix_ms:
        yield Problem(
            "reclaim_after",
            f"{reclaim_after} is in the past",
            "give a time after the last vesting time",
        )
    kinds = kinds_of(schedule.beneficiary_allocations)
    last = max((kind.vesting_timestamp for kind in kinds), default=-1)
    if reclaim_after <= last:
        yield Problem(
            "reclaim_after",
            f"{reclaim_after} is not after the last vesting time, {last}",
            "leave beneficiaries time to claim what vests last",
        )


def _metadata(schedule: MilestoneSchedule) -> Iterator[Problem]:
    metadata = schedule.contract_metadata
    if not 0 <= metadata.network_magic < MAGIC_LIMIT:
        yield Problem(
            "contract_metadata.network_magic",
            "a network's magic is 0 to 2^32 - 1",
            "give the magic of the network that it is opened on",
        )
    length = len(metadata.description.encode())
    if length > DESCRIPTION_BYTES:
        yield Problem(
            "contract_metadata.description",
            f"a description has at most {DESCRIPTION_BYTES} bytes of UTF-8, not {length}",
            "shorten it, or let it name a document",
        )


def _page_depth(schedule: MilestoneSchedule) -> Iterator[Problem]:
    depth, allocations = schedule.page_depth, len(schedule.beneficiary_allocations)
    if depth is None:
        return
    if not 0 <= depth <= DEEPEST:
        yield Problem(
            "page_depth",
            f"a page has a depth of 0 to {DEEPEST}, not {depth}",
            "leave it out: the program chooses",
        )
    elif allocations > MOST_PAGES << depth:
        yield Problem(
            "page_depth",
            f"{allocations} allocations need more than {MOST_PAGES} pages of this depth",
            "leave it out: the program chooses",
        )
