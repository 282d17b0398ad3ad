"""The rules about what is off unless it is asked for: powers over the money, and where it is kept.

The chain takes too short a time for its minimum, and much that can't be meant for what it says. Here
the same is refused, so that a schedule says what will happen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from milestones.cardano.network import network_id_of
from milestones.cardano.outputs import OutputReference
from milestones.domain.columns import rows_with_datum
from milestones.domain.models import MilestoneSchedule
from milestones.domain.plausibility import row_doubts, token_name_doubts
from milestones.domain.posix_time import duration_in_words, to_posix_ms
from milestones.domain.problems import (
    AMOUNT_LIMIT,
    Circumstances,
    datum_problems,
    network_problems,
)
from milestones.domain.reading import Problem
from milestones.errors import InvalidInput

MOST_ORACLES: Final = 100
"""The contract opens nothing with more."""
SHORTEST_GRACE_SECONDS: Final = 7 * 86_400
"""The chain takes a shorter grace for this one."""
SHORTEST_REVIEW_SECONDS: Final = 86_400
"""The chain takes a shorter review period for this one."""
LONGEST_SECONDS: Final = 10 * 366 * 86_400
"""Ten years. A longer period is one in milliseconds, or a power that nobody could use."""


FIELDS: Final = (
    "allowance_lovelace",
    "staking",
    "refund_address",
    "refund_datum",
    "refund_datum_hash",
    "cancel_by",
    "cancel_grace_seconds",
    "waiver_after",
    "objectors",
    "review_period_seconds",
    "review_bond_lovelace",
    "rotatable",
)
"""The fields that are off unless they are asked for."""


def powers_asked_for(schedule: MilestoneSchedule) -> tuple[str, ...]:
    """The fields among them that are not off."""
    fields = MilestoneSchedule.model_fields
    return tuple(name for name in FIELDS if getattr(schedule, name) != fields[name].default)


def power_problems(schedule: MilestoneSchedule, circumstances: Circumstances) -> Iterator[Problem]:
    """What can't be meant in the fields that are off unless they are asked for."""
    yield from _allowance(schedule)
    yield from _staking(schedule, circumstances)
    yield from _refund(schedule, circumstances)
    yield from _cancelling(schedule)
    yield from _waiver(schedule, circumstances)
    yield from _reviews(schedule)
    yield from _rotation(schedule)


def _allowance(schedule: MilestoneSchedule) -> Iterator[Problem]:
    yield from _lovelace_problems(schedule.allowance_lovelace, "allowance_lovelace")


def _lovelace_problems(lovelace: int, path: str) -> Iterator[Problem]:
    if not 0 <= lovelace < AMOUNT_LIMIT:
        yield Problem(
            path,
            f"{lovelace} is no amount of lovelace",
            "give lovelace, a million of them an ADA; 0 turns it off",
        )


def _staking(schedule: MilestoneSchedule, circumstances: Circumstances) -> Iterator[Problem]:
    staking = schedule.staking
    if staking is None:
        return
    network_id = network_id_of(schedule.contract_metadata.network_magic)
    yield from network_problems(staking, network_id, "staking")
    if staking.credential.hash in circumstances.own_scripts:
        yield Problem(
            "staking",
            "the contract's own scripts can't register or delegate a stake",
            "give a stake address that somebody holds",
        )


def _refund(schedule: MilestoneSchedule, circumstances: Circumstances) -> Iterator[Problem]:
    address = schedule.refund_address
    if address is not None:
        network_id = network_id_of(schedule.contract_metadata.network_magic)
        yield from network_problems(address, network_id, "refund_address")
        if address.payment.hash in circumstances.own_scripts:
            yield Problem(
                "refund_address",
                "the contract's own address can't take money back: it would be lost there",
                "give an address of the creator's wallet or treasury",
            )
    yield from datum_problems(schedule.refund_datum, schedule.refund_datum_hash, "refund_")


def _cancelling(schedule: MilestoneSchedule) -> Iterator[Problem]:
    if len(set(schedule.cancel_by)) < len(schedule.cancel_by):
        yield Problem(
            "cancel_by",
            "the same is named twice",
            "name the creator, the quorum, or both: each of them can then cancel alone",
        )
    grace, path = schedule.cancel_grace_seconds, "cancel_grace_seconds"
    if grace and not schedule.cancel_by:
        yield Problem(
            path,
            "a time of grace, and nobody who may give notice",
            "say who may cancel with cancel_by, or leave it out",
        )
    yield from _period_problems(grace, SHORTEST_GRACE_SECONDS, path)


def _period_problems(seconds: int, shortest: int, path: str) -> Iterator[Problem]:
    if 0 < seconds < shortest:
        yield Problem(
            path,
            f"{duration_in_words(seconds)} are too short: the chain would take"
            f" {duration_in_words(shortest)} instead",
            f"give at least {shortest} seconds, or leave it out for just that",
        )
    elif seconds < 0 or seconds > LONGEST_SECONDS:
        yield Problem(
            path,
            f"{seconds} seconds are no period between {duration_in_words(shortest)} and ten years",
            "give seconds, not milliseconds",
        )


def _waiver(schedule: MilestoneSchedule, circumstances: Circumstances) -> Iterator[Problem]:
    waiver_after, path = schedule.waiver_after, "waiver_after"
    if waiver_after is None:
        return
    if to_posix_ms(waiver_after) <= circumstances.now_posix_ms:
        yield Problem(
            path,
            f"{waiver_after} is in the past: from the first moment on the creator alone could attest",
            "give the oracles time: a moment after the last milestone is expected",
        )
    if schedule.reclaim_after is not None and waiver_after >= schedule.reclaim_after:
        yield Problem(
            path,
            f"{waiver_after} is not before reclaim_after, {schedule.reclaim_after}: by then"
            " everything can be taken back",
            "give a time before reclaim_after",
        )


def _reviews(schedule: MilestoneSchedule) -> Iterator[Problem]:
    objectors, quorum = schedule.objectors, schedule.quorum_threshold
    if not 0 <= objectors <= quorum:
        yield Problem(
            "objectors",
            f"with a quorum of {quorum}, 1 to {quorum} oracles stop a proposal, not {objectors}",
            "give how many oracles have to object; 0 means that there are no proposals",
        )
    period, bond = schedule.review_period_seconds, schedule.review_bond_lovelace
    for given, path in ((period, "review_period_seconds"), (bond, "review_bond_lovelace")):
        if given and not objectors:
            yield Problem(
                path,
                "this is about proposals, and there are none",
                "say with objectors how many oracles stop a proposal, or leave this out",
            )
    yield from _period_problems(period, SHORTEST_REVIEW_SECONDS, "review_period_seconds")
    yield from _lovelace_problems(bond, "review_bond_lovelace")


def _rotation(schedule: MilestoneSchedule) -> Iterator[Problem]:
    if schedule.rotatable is None:
        return
    try:
        OutputReference.parse(schedule.rotatable)
    except InvalidInput as error:
        yield Problem(
            "rotatable",
            error.reason,
            "name an output of the wallet that will open: <transaction id>#<index>",
        )


def doubts_about(schedule: MilestoneSchedule) -> Iterator[str]:
    """What may be meant, and should be known before it is signed: warnings, in words."""
    yield from token_name_doubts(schedule.token_name)
    yield from row_doubts(schedule)
    yield from _datum_doubts(schedule)
    refund = schedule.refund_address or schedule.creator
    has_datum = schedule.refund_datum is not None or schedule.refund_datum_hash is not None
    if has_datum and refund.payment.kind == "key":
        yield "the refund carries a datum, and goes to a key's address: no wallet needs one there"
    if not has_datum and refund.payment.kind == "script":
        yield (
            "the refund goes to a script without a datum: a Plutus V1 or V2 script could never spend it"
        )
    if schedule.objectors and not schedule.review_bond_lovelace:
        yield (
            "proposals need no bond: whoever proposes what isn't true loses the least that an output"
            " must hold, and no more"
        )


def _datum_doubts(schedule: MilestoneSchedule) -> Iterator[str]:
    allocations = schedule.beneficiary_allocations
    to_keys = [
        index
        for index in rows_with_datum(allocations)
        if allocations[index].beneficiary_address.payment.kind == "key"
    ]
    if to_keys:
        yield (
            f"{len(to_keys)} payouts to a key's address carry a datum, the first is allocation"
            f" {to_keys[0]}: no wallet needs one, and it costs min-ADA"
        )
