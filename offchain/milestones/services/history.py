"""`history`: everything that happened to a distribution, line by line, adding up to what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from milestones.cardano.slots import SlotClock
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.domain.reading import AddressField, HexField
from milestones.errors import NotFound
from milestones.protocol.distribution import ContractAddress, Distribution
from milestones.services.backend import (
    Backend,
    require_network,
    select_version,
    staleness,
    storage_warnings,
)
from milestones.services.distribution.history import DistributionStatus
from milestones.services.distribution.movements import Event, Movement, movements_of
from milestones.services.distribution.on_chain import read_on_chain
from milestones.services.distribution.schedule_source import known_distribution
from milestones.services.distribution.state import state_of
from milestones.services.results import Result, View


class HistoryLine(View):
    """One thing that a transaction did. `at_posix_seconds` is when its slot began, `at` the same in words.

    `token_change` is of what is held for allocations, in the token's smallest unit: what a claim pays is
    negative. `lovelace_change` is of all lovelace that the distribution holds, deposits and ADA to distribute;
    it and the fee are the whole transaction's, and stand in its first line. `fee_lovelace` is None where the
    transaction wasn't sent from this data directory.
    """

    at_posix_seconds: int
    at: str
    slot: int
    transaction_hash: HexField
    event: Event
    milestone_identifier: str | None
    beneficiary_index: int | None
    beneficiary_address: AddressField | None
    token_change: int
    lovelace_change: int
    fee_lovelace: int | None

    def cells(self) -> dict[str, Any]:
        """As the JSON has them, but for the moment, which is in ISO 8601."""
        at = self.at.replace(" UTC", "Z").replace(" ", "T")
        return {**self.model_dump(mode="json"), "at": at}


class DistributionHistory(Result):
    """Lines, oldest first. The sums of their changes are what the distribution holds now.

    `fees_lovelace` are those that are known; `unknown_fee_count` transactions were sent by others.
    `complete` is false where Kupo has forgotten a part: then the sums are not what is held.
    """

    rows_in = "lines"
    columns = (
        "at",
        "event",
        "milestone_identifier",
        "beneficiary_index",
        "beneficiary_address",
        "token_change",
        "lovelace_change",
        "fee_lovelace",
        "transaction_hash",
    )

    contract_address: AddressField
    contract_name: str
    distribution_id: HexField
    status: DistributionStatus
    token_policy_id: HexField
    token_name: HexField
    lines: tuple[HistoryLine, ...]
    paid_amount: int
    returned_amount: int
    held_amount: int
    held_lovelace: int
    fees_lovelace: int
    unknown_fee_count: int
    complete: bool


async def history(backend: Backend, *, contract_address: ContractAddress) -> DistributionHistory:
    """What happened to a distribution, open or closed: openings, attestations, proposals, claims, closings.

    Of a private one whose schedule isn't known here, beneficiaries are None, and of the claims of one
    transaction the first has the amount of all. Raises `NotFound` where there never was one.
    """
    backend = select_version(backend, contract_address.payment.hash)
    await require_network(backend)
    on_chain = await read_on_chain(backend, contract_address)
    try:
        distribution = await known_distribution(backend, on_chain)
    except NotFound:
        distribution = None
    state = await state_of(backend, on_chain)
    movements = await movements_of(backend, on_chain)
    clock = state.time.clock
    lines = [
        line for movement in movements for line in _lines(backend, clock, movement, distribution)
    ]
    fees = {line.transaction_hash: line.fee_lovelace for line in reversed(lines)}
    known = [fee for fee in fees.values() if fee is not None]
    complete = sum(line.token_change for line in lines) == on_chain.remaining
    return DistributionHistory(
        contract_address=on_chain.address,
        contract_name=str(on_chain.name if distribution is None else distribution.name),
        distribution_id=on_chain.distribution_id,
        status=state.status,
        token_policy_id=on_chain.terms.token.policy_id,
        token_name=on_chain.terms.token.asset_name,
        lines=tuple(lines),
        paid_amount=-sum(line.token_change for line in lines if line.event == "claim"),
        returned_amount=-sum(line.token_change for line in lines if line.event == "closing"),
        held_amount=on_chain.remaining,
        held_lovelace=sum(line.lovelace_change for line in lines),
        fees_lovelace=sum(known),
        unknown_fee_count=len(fees) - len(known),
        complete=complete,
        warnings=(
            *await staleness(backend),
            *(() if complete else (_INCOMPLETE,)),
            *storage_warnings(backend),
        ),
    )


_INCOMPLETE = (
    "Kupo has forgotten a part of what was spent: the lines don't add up to what is held; a Kupo that"
    " doesn't prune, or began before the opening, knows all of it"
)


def _lines(
    backend: Backend, clock: SlotClock, movement: Movement, distribution: Distribution | None
) -> Iterator[HistoryLine]:
    """A transaction's lines; what is the whole transaction's is in the first."""
    sent = backend.storage.journal.find(movement.transaction_id.hex())
    fee = None if sent is None else sent.fee_lovelace
    change = movement.lovelace_change
    at = to_posix_seconds(clock.start_of(movement.point.slot))
    for event in _events(movement, distribution):
        yield HistoryLine(
            at_posix_seconds=at,
            at=in_words(at),
            slot=movement.point.slot,
            transaction_hash=movement.transaction_id,
            lovelace_change=change,
            fee_lovelace=fee,
            **event,
        )
        change, fee = 0, None if fee is None else 0


def _events(movement: Movement, distribution: Distribution | None) -> Iterator[dict[str, Any]]:
    nobody = {"beneficiary_index": None, "beneficiary_address": None}
    claims = sorted(movement.claims, key=lambda claim: claim.index)
    for event, milestone in movement.events():
        moves = event == "opening" or (event == "closing" and not claims)
        yield {
            "event": event,
            "milestone_identifier": _text(milestone) if milestone else None,
            "token_change": movement.token_change if moves else 0,
            **nobody,
        }
    for number, claim in enumerate(claims):
        allocation = None if distribution is None else distribution.allocations.get(claim.index)
        whole = 0 if number else movement.token_change
        yield {
            "event": "claim",
            "milestone_identifier": claim.milestone_identifier,
            "beneficiary_index": claim.index,
            "beneficiary_address": None if allocation is None else allocation.beneficiary_address,
            "token_change": whole if allocation is None else -allocation.token_amount,
        }


def _text(milestone: bytes) -> str:
    return milestone.decode(errors="backslashreplace")
