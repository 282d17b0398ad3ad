"""Where a distribution's allocations are known from: the data directory, a claim file, or the chain.

Whatever the source, they are believed only once they lead to the roots in the terms.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from milestones.cardano.slots import Point
from milestones.clients.chain_walk import RollForward
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidEncoding, InvalidInput, InvalidSchedule, NotFound
from milestones.protocol.announced_schedule import decode_allocations
from milestones.protocol.claim_file import ClaimFile, open_claim_file
from milestones.protocol.distribution import Distribution
from milestones.protocol.schedule_metadata import Link, ScheduleAssembly
from milestones.protocol.terms import Terms
from milestones.protocol.validator_loader import Contract
from milestones.services.backend import Backend
from milestones.services.distribution.indexed import indexed_distribution, keep_index
from milestones.services.distribution.on_chain import OnChain

_LOG: Final = logging.getLogger(__name__)


async def known_distribution(
    backend: Backend, on_chain: OnChain, *, claim_file: ClaimFile | None = None
) -> Distribution:
    """The distribution with its allocations; with a claim file, only with those in the file.

    A schedule read from the chain is kept in the data directory. Raises `NotFound` for a private
    distribution of which nothing is known here, `InvalidSchedule` for a claim file that is not true.
    """
    if claim_file is not None:
        _LOG.info("allocations are the claim file's")
        return open_claim_file(claim_file, on_chain.terms, backend.contract)
    try:
        local = _local_distribution(backend, on_chain.terms)
    except InvalidSchedule as untrue:
        # Somebody edited the file: what the chain announces is read instead.
        _LOG.info("the schedule in the data directory is not true: %s", untrue.message)
        return await _restored(backend, on_chain, untrue)
    if local is not None:
        _LOG.info("allocations are the data directory's, which lead to the terms' roots")
        return local
    _LOG.info("allocations are read from the chain: the data directory has none")
    distribution = await announced_distribution(backend, on_chain)
    _keep(backend, distribution)
    return distribution


def _local_distribution(backend: Backend, terms: Terms) -> Distribution | None:
    indexed = indexed_distribution(backend, terms.distribution_id, terms)
    if indexed is not None:
        return indexed
    document = backend.storage.schedules.find(terms.distribution_id)
    if document is None:
        return None
    schedule = parse_schedule(document)
    found = Distribution.check(terms, backend.contract, schedule.beneficiary_allocations)
    keep_index(backend, found)
    return found


async def _restored(backend: Backend, on_chain: OnChain, untrue: InvalidSchedule) -> Distribution:
    """The announced schedule, in place of a local file that is not true; that is moved aside and reported.

    Where none is announced the file stays where it is: it may be all that there is of a private one.
    """
    try:
        distribution = await announced_distribution(backend, on_chain)
    except NotFound as error:
        raise NotFound(
            f"{error.message}; and the schedule in the data directory is not true: {untrue.message}",
            hint=error.hint,
            details=error.details,
        ) from None
    with backend.storage.if_possible():
        backend.storage.schedules.set_aside(distribution.id, untrue.message)
    _keep(backend, distribution)
    return distribution


def _keep(backend: Backend, distribution: Distribution) -> None:
    if distribution.terms.oddities:
        # No schedule file could say such terms: it would count as untrue.
        return
    keep_index(backend, distribution)
    document = distribution.schedule().model_dump(mode="json", exclude_none=True)
    with backend.storage.if_possible():
        backend.storage.schedules.keep(distribution.id, document)


async def announced_distribution(backend: Backend, on_chain: OnChain) -> Distribution:
    """The distribution from the schedule that was announced with its opening.

    Raises `NotFound` where none was, or none that can be read, and `InvalidSchedule` where it does not
    lead to the terms' roots.
    """
    terms = on_chain.terms
    try:
        body = await _announced_body(backend, on_chain)
        # Of a large one this takes long, and others ask meanwhile.
        return await asyncio.to_thread(_decoded, body, terms, backend.contract)
    except InvalidEncoding as error:
        raise NotFound(
            f"no schedule of this distribution is announced on the chain: {error.reason}",
            hint="if it is private, give the schedule file or your claim file",
            details={"contract_address": on_chain.address.to_bech32()},
        ) from None


def _decoded(body: bytes, terms: Terms, contract: Contract) -> Distribution:
    most = terms.paging.most_allocations
    allocations = decode_allocations(body, most=most, network_id=terms.network_id)
    return Distribution.check(terms, contract, allocations)


async def _announced_body(backend: Backend, on_chain: OnChain) -> bytes:
    opening = on_chain.opening
    link = Link(opening.point.slot, opening.transaction_id)
    assembly = ScheduleAssembly(await _metadata_of(backend, link, opening.point))
    while assembly.missing:
        for part in assembly.missing:
            assembly.add(part.transaction_id, await _metadata_of(backend, part, opening.point))
    return assembly.body()


async def _metadata_of(backend: Backend, link: Link, opening: Point) -> bytes:
    """The metadata of a transaction that was seen at a slot, at the latest in the opening's block."""
    found = await metadata_at(backend, link.slot, link.transaction_id)
    if found is None:
        slot = await _slot_walked_to(backend, link, opening)
        found = None if slot is None else await metadata_at(backend, slot, link.transaction_id)
    if found is None:
        raise InvalidEncoding(f"transaction {link.transaction_id.hex()} has no metadata")
    return found


async def metadata_at(backend: Backend, slot: int, transaction_id: bytes) -> bytes | None:
    """The metadata (CBOR) of a transaction in the block of a slot; None where there is none."""
    try:
        block = await backend.kupo.metadata(slot, transaction_id.hex())
    except InvalidInput:
        return None
    return block.entries[0].raw if block.entries else None


async def _slot_walked_to(backend: Backend, link: Link, opening: Point) -> int | None:
    """Looks for the transaction block by block, from before the hint to the opening."""
    start = await backend.kupo.checkpoint_at(max(0, link.slot - 1))
    async with backend.ogmios.walk_from([start] if start else []) as walk:
        while True:
            event = await walk.next_block()
            if not isinstance(event, RollForward):
                continue
            if any(tx.transaction_id == link.transaction_id for tx in event.block.transactions):
                return event.block.point.slot
            if event.block.point.slot >= opening.slot or event.tip is None:
                return None
            if event.block.point == event.tip.point:
                return None
