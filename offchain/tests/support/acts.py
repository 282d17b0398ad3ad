"""Everything that runs `board`, once, as honest people send it: what attacks have in common starts here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from milestones.protocol.datums import board_hash, board_token_name, proposal_token_name
from milestones.protocol.distribution import Distribution
from milestones.testing.contract import opening_draft
from milestones.testing.proceedings import SOON, Proceedings, posix_ms
from milestones.transactions.draft import TransactionDraft
from tests.support.creators import NATIVE
from tests.support.scenes import FIRST, GOVERNED, GRACE, RECLAIM, REVIEW, SECOND, Scene

NEXT: Final = ("oracle-1", "oracle-7", "oracle-8")
"""Who sits on the next board; two of them are a quorum."""


@dataclass(frozen=True)
class Act:
    """One honest transaction, and the distribution that it is about."""

    distribution: Distribution
    draft: TransactionDraft

    @property
    def policy(self) -> bytes:
        """`board`'s own policy."""
        return self.distribution.contract.board_policy

    @property
    def place(self) -> int:
        """Where `board`'s mint stands among the draft's."""
        return [mint.policy_id for mint in self.draft.mints].index(self.policy)

    @property
    def minted(self) -> dict[bytes, int]:
        """What is minted and burnt under `board`'s policy."""
        return dict(self.draft.mints[self.place].assets)

    @property
    def made(self) -> list[int]:
        """The outputs that hold a token of `board`."""
        return [
            place
            for place, output in enumerate(self.draft.outputs)
            if any(asset.policy_id == self.policy for asset in output.value.assets)
        ]

    def opens(self, minted: dict[bytes, int]) -> bool:
        """Whether the door of `vault` opens for tokens of `board`: the first quantity is negative."""
        return minted[min(minted)] < 0

    def names(self) -> dict[str, bytes]:
        """What tokens of this distribution are called under `board`'s policy."""
        registry, own = self.distribution.contract.policy_id, self.distribution.id
        return {
            "first board": board_token_name(registry, own, 0),
            "next board": board_token_name(registry, own, 1),
            "last board": board_token_name(registry, own, 65535),
            "notice": b"CNCL" + board_hash(registry, own),
            "home": b"HOME" + board_hash(registry, own),
            "proposal": proposal_token_name(registry, own, FIRST.encode()),
            "other proposal": proposal_token_name(registry, own, SECOND.encode()),
            "no name": b"",
        }


def _act(proceedings: Proceedings, draft: TransactionDraft) -> Act:
    return Act(proceedings.opened.distribution, draft)


def _propose(scene: Scene) -> Act:
    proceedings = scene.proceedings()
    return _act(proceedings, proceedings.propose_draft())


def _object(scene: Scene) -> Act:
    proceedings = scene.proceedings()
    return _act(proceedings, proceedings.object_draft(proceedings.propose()))


def _confirm(scene: Scene) -> Act:
    proceedings = scene.proceedings()
    live = proceedings.propose()
    scene.harness.reach(scene.harness.slot + SOON + REVIEW)
    return _act(proceedings, proceedings.confirm_draft(live))


def _retire(scene: Scene) -> Act:
    proceedings = scene.proceedings()
    live = proceedings.propose()
    scene.harness.reach(scene.harness.slot + SOON + 2 * REVIEW)
    return _act(proceedings, proceedings.retire_draft(live))


def _rotate(scene: Scene) -> Act:
    proceedings = scene.proceedings(is_rotatable=True)
    return _act(proceedings, proceedings.rotate_draft(proceedings.next_board(NEXT, 2)))


def _notify_by_creator(scene: Scene) -> Act:
    proceedings = scene.proceedings()
    return _act(proceedings, proceedings.notify_draft("creator"))


def _notify_by_quorum(scene: Scene) -> Act:
    proceedings = scene.proceedings()
    return _act(proceedings, proceedings.notify_draft("quorum"))


def _notify_home(scene: Scene) -> Act:
    proceedings = scene.proceedings(creator=NATIVE)
    return _act(proceedings, proceedings.notify_draft("home"))


def _end_by_notice(scene: Scene) -> Act:
    proceedings = scene.proceedings(is_rotatable=True).notify("creator")
    scene.harness.reach(scene.harness.slot + SOON + GRACE)
    return _act(proceedings, proceedings.end_draft())


def _end_by_home(scene: Scene) -> Act:
    proceedings = scene.proceedings(
        is_rotatable=True, creator=NATIVE, reclaim_after_posix_ms=posix_ms(RECLAIM)
    ).notify("home")
    scene.harness.reach(RECLAIM)
    return _act(proceedings, proceedings.end_draft())


def _end_by_key(scene: Scene) -> Act:
    proceedings = scene.proceedings(is_rotatable=True, reclaim_after_posix_ms=posix_ms(RECLAIM))
    scene.harness.reach(RECLAIM)
    return _act(proceedings, proceedings.opened.close_draft(slot=RECLAIM))


def _birth(scene: Scene) -> Act:
    distribution = scene.rotatable(**GOVERNED)
    return Act(distribution, opening_draft(scene.harness, distribution))


ACTS: Final[dict[str, Callable[[Scene], Act]]] = {
    "propose": _propose,
    "object": _object,
    "confirm": _confirm,
    "retire": _retire,
    "rotate": _rotate,
    "notify by creator": _notify_by_creator,
    "notify by quorum": _notify_by_quorum,
    "notify home": _notify_home,
    "end by notice": _end_by_notice,
    "end by home": _end_by_home,
    "end by key": _end_by_key,
    "birth": _birth,
}
"""The scene is past the act's time then, where it has one."""

MAKING: Final = (
    "propose",
    "rotate",
    "notify by creator",
    "notify by quorum",
    "notify home",
    "birth",
)
"""What mints a token of `board`."""
RETURNING: Final = {"object": 0, "confirm": 1, "retire": 0}
"""What returns a bond, and the output that does."""
ENDING: Final = ("end by notice", "end by home", "end by key")
BURNING: Final = (*RETURNING, "rotate", *ENDING)
"""What burns tokens of `board`, so that the door of `vault` is open for them."""


def act_of(scene: Scene, name: str) -> Act:
    """An act whose outputs' lovelace is settled, so that it can be lowered."""
    act = ACTS[name](scene)
    outputs = scene.harness.guessed(act.draft).assembly.outputs[: len(act.draft.outputs)]
    fixed = tuple(replace(output, min_ada="ignore") for output in outputs)
    return replace(act, draft=replace(act.draft, outputs=fixed))
