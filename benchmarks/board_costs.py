"""What the transactions cost that run `board`, and those of distributions whose oracles can be replaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from cost_rows import Row, Sent, means, open_plan, planned

from milestones.cardano.address import Address
from milestones.cardano.value import Value
from milestones.protocol.distribution import Distribution
from milestones.testing.cast import ADA
from milestones.testing.contract import (
    FIRST_SLOT,
    MILESTONE,
    ContractHarness,
    Opened,
    moment,
    opened_by,
    opening_draft,
)
from milestones.testing.proceedings import Proceedings, slot_of
from tests.support.creators import NATIVE

REVIEW_S, GRACE_S = 86_400, 7 * 86_400
GOVERNED: dict[str, Any] = {
    "cancel_by": ("creator", "quorum"),
    "cancel_grace_seconds": GRACE_S,
    "objectors": 1,
    "review_period_seconds": REVIEW_S,
    "review_bond_lovelace": 5 * ADA,
    "waiver_after": moment(FIRST_SLOT),
}
"""Terms under which everything can be done."""


def governed(harness: ContractHarness, salt: int, size: int = 128, **changes: Any) -> Opened:
    """A distribution under such terms."""
    plan = planned(harness, size, salt=salt, **{**GOVERNED, **changes})
    return open_plan(harness, plan)[0]


def proposals(harness: ContractHarness, salt: int) -> Iterator[Sent]:
    """Proposed, objected to by one and by two, confirmed, retired."""
    one = Proceedings(governed(harness, salt))
    two = Proceedings(governed(harness, salt, objectors=2))
    yield "propose", harness.send(one.propose_draft())
    yield "object, 1 signature", harness.send(one.object_draft(one.propose()))
    yield "object, 2 signatures", harness.send(two.object_draft(two.propose()))
    live, forgotten = one.propose(), one.propose()
    harness.reach(slot_of(live.proposal.due_at_posix_ms))
    yield "confirm", harness.send(one.confirm_draft(live))
    harness.reach(slot_of(forgotten.proposal.forgotten_at_posix_ms))
    yield "retire", harness.send(one.retire_draft(forgotten))


def waivers(harness: ContractHarness, salt: int) -> Iterator[Sent]:
    """The creator attests."""
    yield "waive", harness.send(Proceedings(governed(harness, salt)).waive_draft())


def ends(harness: ContractHarness, salt: int) -> Iterator[Sent]:
    """Notices, and the end of two vaults, full, by one of them."""
    world = Proceedings(governed(harness, salt, 256))
    by_creator = harness.send(world.notify_draft("creator"))
    yield "notify, by the creator's key", by_creator
    other = Proceedings(governed(harness, salt + 8))
    yield "notify, by 2 of 3", harness.send(other.notify_draft("quorum"))
    told = world.notified(by_creator)
    harness.reach(harness.slot + GRACE_S + 1_000)
    yield "end of 2 vaults by a notice", harness.send(told.end_draft())


def homecomings(harness: ContractHarness, salt: int) -> Iterator[Sent]:
    """A distribution of a script's: the word that all may go home, and that it does, two full vaults."""
    changes: dict[str, Any] = {"creator": Address(0, NATIVE.credential), "irrevocable": False}
    plan = planned(harness, 256, salt=salt, **GOVERNED, **changes, reclaim_after=moment(FIRST_SLOT))
    distribution = Distribution.from_schedule(plan, harness.contract)
    harness.give(Value(100 * ADA) + Value.of(distribution.token, plan.total_token_amount))
    draft = NATIVE.consenting(harness, opening_draft(harness, distribution))
    world = Proceedings(opened_by(harness, distribution, harness.send(draft)))
    word = harness.send(world.notify_draft("home"))
    yield "notify, that all may go home", word
    yield "end of 2 vaults, home", harness.send(world.notified(word).end_draft())


def rotatables(harness: ContractHarness, salt: int) -> Iterator[Sent]:
    """Opened, attested, rotated and closed under terms that are rotatable."""
    named = harness.give(Value(100 * ADA))
    plan = planned(harness, 1, salt=salt, **GOVERNED, rotatable=str(named.reference))
    world, sent = open_plan(harness, plan)
    yield "open, 1 page, rotatable", sent
    attested = [world.attest()[1] for _ in range(3)]
    yield "attest 2 of 3, under a board", attested[0]
    board = Proceedings(world)
    following = board.next_board([f"oracle-{number}" for number in (1, 2, 3)], 2)
    turned = harness.send(board.rotate_draft(following))
    yield "rotate, 2 of 3 sign", turned
    first, *spare = (sent.outputs[0] for sent in attested)
    later = replace(world, attestations={MILESTONE: first}, board=turned.outputs[0])
    paid, _ = later.release([0])
    closed = harness.send(paid.close_draft(also=spare))
    yield "close vault, terms, 3 attestations, board", closed


def board_rows(harness: ContractHarness) -> list[Row]:
    """All of them, each a mean over salts."""
    groups = (proposals, waivers, ends, homecomings, rotatables)
    return [row for group in groups for row in means(partial(group, harness))]
