"""Distributions at the moments when something can be done with them, and not a slot earlier."""

from __future__ import annotations

from milestones.protocol.datums import Notice
from milestones.testing.proceedings import Proceedings, posix_ms, slot_of
from milestones.transactions.board_drafts import LiveProposal
from milestones.transactions.draft import TransactionDraft
from tests.support.creators import NATIVE
from tests.support.scenes import FIRST, RECLAIM, Scene

HOME = 0
"""The output that takes everything home."""


def over(proceedings: Proceedings) -> int:
    """The slot in which the grace of the first notice is over."""
    notice = Notice.decode(proceedings.opened.notices[0].output.inline_datum or b"")
    return slot_of(notice.said_at_posix_ms + proceedings.terms.grace_ms)


def noticed(proceedings: Proceedings) -> Proceedings:
    """The creator gave notice, and the grace is over in this very slot."""
    told = proceedings.notify("creator")
    told.harness.reach(over(told))
    return told


def kinds_of_end(scene: Scene, kind: str, **terms: object) -> tuple[Proceedings, TransactionDraft]:
    """An honest end by either word, everything still in the vaults."""
    if kind == "notice":
        told = noticed(scene.proceedings(**terms))  # type: ignore[arg-type]
        return told, told.end_draft()
    reclaim = {"reclaim_after_posix_ms": posix_ms(RECLAIM), **terms}
    told = scene.proceedings(creator=NATIVE, **reclaim).notify("home")  # type: ignore[arg-type]
    scene.harness.reach(RECLAIM)
    return told, told.end_draft(slot=RECLAIM)


KINDS = ("notice", "home")


def due(proceedings: Proceedings, milestone: str = FIRST) -> LiveProposal:
    """A proposal whose review period is over in this very slot."""
    live = proceedings.propose(milestone)
    proceedings.harness.reach(slot_of(live.proposal.due_at_posix_ms))
    return live
