"""`schedule check`: what a list of allocations adds up to, what is odd in it, and what it will cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from milestones.cardano.address import Address, key_credential
from milestones.cardano.network import network_id_of
from milestones.cardano.value import LOVELACE, AssetId
from milestones.domain.models import Allocation, ContractMetadata, MilestoneSchedule
from milestones.domain.plausibility import meant_instead, skeleton
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.domain.powers import doubts_about
from milestones.domain.problems import Circumstances
from milestones.domain.reading import AddressField, counted
from milestones.domain.schedule import check_schedule, parse_allocations
from milestones.errors import InvalidSchedule
from milestones.protocol.deposits import estimated_deposits, payout_min_lovelace
from milestones.protocol.distribution import Distribution
from milestones.services.backend import (
    Workspace,
    network_magic_offline,
    now_posix_ms,
    storage_warnings,
)
from milestones.services.results import Result, View
from milestones.services.schedule.allocations import AllocationsRead

SOME_TOKEN: Final = AssetId(bytes(28), b"TOKEN")
"""Stands for a token that isn't named: costs depend on little but the length of its name."""
ORACLES, QUORUM = 3, 2
FEES_LOVELACE: Final = {"opening": 281_632, "page": 39_600, "attestation": 274_751}
"""What it takes to open one page, each further page, and to attest. Source: docs/costs.md."""
CLAIM_FEE_LOVELACE, FURTHER_CLAIM_FEE_LOVELACE, CLAIMS_A_RELEASE = 259_199, 9_142, 40
"""What paying one takes, each further one beside it, and how many that is said of. Source: docs/costs.md."""
MOST_NAMES_COMPARED: Final = 200


class MilestoneTotal(View):
    """What waits for one milestone; times of vesting are in POSIX seconds, and in words."""

    milestone_identifier: str
    allocation_count: int
    beneficiary_count: int
    token_amount: int
    first_vesting_timestamp: int
    last_vesting_timestamp: int
    vesting: str


class BeneficiaryTotal(View):
    """What one address gets in all."""

    beneficiary_address: AddressField
    allocation_count: int
    token_amount: int


class ScheduleCost(View):
    """Lovelace, with three oracles of whom two sign, no powers, and everybody paid in batches.

    Deposits are locked until the distribution is closed. `payouts_lovelace` goes with the tokens and stays with
    the beneficiaries (of ADA it is 0). Fees are estimates, at mainnet's prices.
    """

    opening_deposits_lovelace: int
    attestation_deposits_lovelace: int
    payouts_lovelace: int
    opening_fees_lovelace: int
    attestation_fees_lovelace: int
    payout_fees_lovelace: int
    pay_everybody_lovelace: int


class ScheduleChecked(Result):
    """Totals in the token's smallest unit, by milestone in the file's order, by beneficiary the largest first.

    `cost` is None where no price was ever asked for. What may not be meant is under `warnings`.
    """

    rows_in = "beneficiaries"

    allocation_count: int
    beneficiary_count: int
    total_token_amount: int
    milestones: tuple[MilestoneTotal, ...]
    beneficiaries: tuple[BeneficiaryTotal, ...]
    cost: ScheduleCost | None


def schedule_check(
    workspace: Workspace,
    read: AllocationsRead,
    *,
    token_policy_id: bytes | None = None,
    token_name: bytes = b"",
    allow_script_beneficiaries: bool = False,
) -> ScheduleChecked:
    """Everything that registration would refuse or warn of in these allocations, and what they add up to.

    `token_policy_id` is None where it isn't known yet, empty for ADA. Raises `InvalidSchedule`, about lines
    and columns of a table, and `InvalidConfiguration` where the network isn't known.
    """
    token = None if token_policy_id is None else AssetId(token_policy_id, token_name)
    try:
        schedule = _for_the_sake_of_it(workspace, parse_allocations(read.allocations), token)
        own_scripts = workspace.contract.own_scripts
        check_schedule(
            schedule, Circumstances(now_posix_ms(), own_scripts, allow_script_beneficiaries)
        )
    except InvalidSchedule as error:
        raise read.located(error) from None
    allocations = schedule.beneficiary_allocations
    cost = _cost(workspace, schedule)
    beneficiaries = _beneficiaries(allocations)
    return read.warned(
        ScheduleChecked(
            allocation_count=len(allocations),
            beneficiary_count=len(beneficiaries),
            total_token_amount=schedule.total_token_amount,
            milestones=tuple(_milestones(allocations)),
            beneficiaries=beneficiaries,
            cost=cost,
            warnings=(
                *storage_warnings(workspace),
                *doubts_about(schedule),
                *_near_names(allocations),
                *_same_keys(allocations),
                *_cost_warnings(token, cost),
            ),
        )
    )


def _for_the_sake_of_it(
    workspace: Workspace, allocations: Sequence[Allocation], token: AssetId | None
) -> MilestoneSchedule:
    """A schedule with these allocations, and oracles and a creator that nobody is."""
    magic = network_magic_offline(workspace)
    named = SOME_TOKEN if token is None else token
    creator, *oracles = (
        Address(network_id_of(magic), key_credential(bytes(27) + bytes([number])))
        for number in range(1 + ORACLES)
    )
    return MilestoneSchedule(
        token_policy_id=named.policy_id,
        token_name=named.asset_name,
        beneficiary_allocations=allocations,
        oracle_addresses=tuple(oracles),
        quorum_threshold=QUORUM,
        creator=creator,
        irrevocable=True,
        contract_metadata=ContractMetadata(
            created_at=to_posix_seconds(now_posix_ms()), network_magic=magic
        ),
    )


# -- totals


def _milestones(allocations: Sequence[Allocation]) -> Iterator[MilestoneTotal]:
    by_name: dict[str, list[Allocation]] = {}
    for each in allocations:
        by_name.setdefault(each.milestone_identifier, []).append(each)
    for name, rows in by_name.items():
        moments = sorted({each.vesting_timestamp for each in rows})
        yield MilestoneTotal(
            milestone_identifier=name,
            allocation_count=len(rows),
            beneficiary_count=len({each.beneficiary_address for each in rows}),
            token_amount=sum(each.token_amount for each in rows),
            first_vesting_timestamp=moments[0],
            last_vesting_timestamp=moments[-1],
            vesting=_in_words(moments),
        )


def _in_words(moments: Sequence[int]) -> str:
    first, last = (_moment(each) for each in (moments[0], moments[-1]))
    return first if len(moments) == 1 else f"{first} to {last}, {len(moments)} dates"


def _moment(posix_seconds: int) -> str:
    """A moment in UTC; of midnight the day alone, of 0 that nobody waits."""
    if not posix_seconds:
        return "at once"
    return in_words(posix_seconds).removesuffix(" 00:00:00 UTC")


def _beneficiaries(allocations: Sequence[Allocation]) -> tuple[BeneficiaryTotal, ...]:
    amounts = Counter[Address]()
    counts = Counter(each.beneficiary_address for each in allocations)
    for each in allocations:
        amounts[each.beneficiary_address] += each.token_amount
    return tuple(
        BeneficiaryTotal(
            beneficiary_address=address, allocation_count=counts[address], token_amount=amount
        )
        for address, amount in amounts.most_common()
    )


# -- doubts


def _near_names(allocations: Sequence[Allocation]) -> Iterator[str]:
    """Names that are a slip of the keys apart; those that look the same are known already."""
    names = list(dict.fromkeys(each.milestone_identifier for each in allocations))
    for place, name in enumerate(names[:MOST_NAMES_COMPARED]):
        near = meant_instead(name, names[:place])
        if near is not None and skeleton(near) != skeleton(name):
            yield (
                f"milestones {near!r} and {name!r} are nearly equal: if one of them is a slip, nobody will"
                " attest it"
            )


def _same_keys(allocations: Sequence[Allocation]) -> Iterator[str]:
    """Beneficiaries of several addresses that one payment key can spend from."""
    addresses = sorted(
        {each.beneficiary_address for each in allocations}, key=attrgetter("payment.hash")
    )
    again = [
        " and ".join(map(str, same))
        for same in (list(group) for _, group in groupby(addresses, attrgetter("payment")))
        if len(same) > 1
    ]
    if again:
        yield f"addresses of one payment key, with other staking parts: {counted(again)}"


# -- costs


def _cost(workspace: Workspace, schedule: MilestoneSchedule) -> ScheduleCost | None:
    observed = workspace.storage.network.load()
    if observed is None:
        return None
    price = observed.lovelace_per_utxo_byte
    distribution = Distribution.from_schedule(schedule, workspace.contract)
    deposits = estimated_deposits(distribution, price)
    milestones = Counter(each.milestone_identifier for each in schedule.beneficiary_allocations)
    payouts = (
        0
        if schedule.token == LOVELACE
        else sum(
            payout_min_lovelace(each, schedule.token, price)
            for each in schedule.beneficiary_allocations
        )
    )
    fees = sum(_release_fees(count) for count in milestones.values())
    pages = len(deposits.vaults_lovelace)
    return ScheduleCost(
        opening_deposits_lovelace=deposits.opening_lovelace,
        attestation_deposits_lovelace=sum(deposits.attestations_lovelace.values()),
        payouts_lovelace=payouts,
        opening_fees_lovelace=FEES_LOVELACE["opening"] + (pages - 1) * FEES_LOVELACE["page"],
        attestation_fees_lovelace=len(milestones) * FEES_LOVELACE["attestation"],
        payout_fees_lovelace=fees,
        pay_everybody_lovelace=payouts + fees,
    )


def _release_fees(claims: int) -> int:
    """The fees of so many claims of one milestone, in releases of `CLAIMS_A_RELEASE`."""
    releases = -(-claims // CLAIMS_A_RELEASE)
    return releases * CLAIM_FEE_LOVELACE + (claims - releases) * FURTHER_CLAIM_FEE_LOVELACE


def _cost_warnings(token: AssetId | None, cost: ScheduleCost | None) -> Iterator[str]:
    if cost is None:
        yield (
            "costs are not estimated: the network's price of storage was never asked for;"
            " `milestones init` does"
        )
    elif token is None:
        yield (
            "costs are those of some token: give --token-policy-id (empty for ADA) to have them of yours"
        )
