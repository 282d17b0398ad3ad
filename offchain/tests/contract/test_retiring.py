"""Attacks on retiring proposals, and on what is passed off as one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.testing.proceedings import SOON, Proceedings, posix_ms, slot_of
from tests.support.hostile import (
    Fake,
    Judge,
    along,
    bare_copy,
    case_name,
    exchanged,
    foreign_copy,
)
from tests.support.moments import due
from tests.support.scenes import REVIEW, Scene


def test_retired_one_slot_early(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """A second before another review period has passed; in the slot when it is due; without a start."""
    live = due(governed)
    judge.refused(governed.retire_draft(live), "mint")
    scene.harness.reach(slot_of(live.proposal.forgotten_at_posix_ms))
    judge.refused(governed.retire_draft(live, slot=scene.harness.slot - 1), "mint")
    honest = governed.retire_draft(live)
    judge.refused(replace(honest, valid_from_slot=None), "mint")
    judge.accepted(honest)


def test_retired_after_the_distribution_has_ended(scene: Scene, judge: Judge) -> None:
    """Ending a distribution would lock the bond for ever otherwise."""
    proceedings = scene.proceedings(reclaim_after_posix_ms=posix_ms(scene.harness.slot))
    live = proceedings.propose()
    judge.accepted(proceedings.opened.close_draft(slot=scene.harness.slot))
    scene.harness.reach(scene.harness.slot + SOON + 2 * REVIEW)
    judge.accepted(proceedings.retire_draft(live))


@pytest.mark.parametrize("act", ["object", "confirm", "retire"])
@pytest.mark.parametrize("what", ["board", "notice"])
def test_what_is_no_proposal(scene: Scene, judge: Judge, act: str, what: str) -> None:
    """A board or a notice is spent and burnt as if it were a proposal: its deposit would be free."""
    proceedings = scene.proceedings(is_rotatable=True).notify("creator")
    live = proceedings.propose()
    opened = proceedings.opened
    target = opened.board if what == "board" else opened.notices[0]
    assert target is not None
    scene.harness.reach(scene.harness.slot + SOON + 2 * REVIEW)
    # The board that is spent can't be referenced too: the hostile objection refers to none.
    unseated = Proceedings(replace(opened, board=None))
    drafts = {
        "object": (unseated if what == "board" else proceedings).object_draft(live),
        "confirm": proceedings.confirm_draft(live),
        "retire": proceedings.retire_draft(live),
    }
    honest = drafts[act]
    (token,) = (a.asset_name for a in target.output.value.assets)
    wrong = exchanged(honest, live.utxo, target)
    *others, mint = wrong.mints
    wrong = replace(wrong, mints=(*others, replace(mint, assets={token: -1})))
    judge.refused(wrong, "mint")
    judge.accepted(proceedings.object_draft(live) if act == "object" else honest)


@pytest.mark.parametrize("fake", [bare_copy, foreign_copy], ids=case_name)
def test_a_fake_proposal(governed: Proceedings, judge: Judge, scene: Scene, fake: Fake) -> None:
    """A proposal's datum, without its token or with a stranger's; the genuine one's token is burnt."""
    live = due(governed)
    honest = governed.confirm_draft(live)
    copy = fake(scene.harness, live.utxo)
    wrong = along(honest, spends=(replace(honest.spends[0], utxo=copy),))
    judge.refused(wrong, "spend", "mint")
    judge.accepted(honest)
