"""Attacks on rotation: boards that were voted out, that nobody voted for, or of somebody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from milestones.cardano.outputs import Utxo
from milestones.cardano.value import Value
from milestones.protocol.datums import Board
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import NoticeStatement, RotationStatement, Statement
from milestones.testing.contract import EVIDENCE, Opened
from milestones.testing.proceedings import Proceedings
from milestones.transactions.board_drafts import LiveProposal
from milestones.transactions.draft import TransactionDraft
from tests.support.acts import NEXT
from tests.support.hostile import (
    Fake,
    Judge,
    bare_copy,
    copy_at_home,
    foreign_copy,
    settled,
    unstaked_copy,
    with_redeemer,
    with_value,
)
from tests.support.scenes import FIRST, Scene


def by(proceedings: Proceedings, statement: Statement, *names: str) -> list[OracleWitness]:
    """The signatures of keys of these names."""
    keys = (proceedings.harness.key(name) for name in names)
    data = statement.signed_data
    return [OracleWitness(key.verification_key, key.sign(data)) for key in keys]


def flat(witnesses: Sequence[OracleWitness]) -> tuple[bytes, ...]:
    """Witnesses as a redeemer lists them."""
    return tuple(p for w in witnesses for p in (w.verification_key, w.signature, w.prefix))


def on(proceedings: Proceedings, board: Utxo | None) -> Opened:
    """The distribution, seen by somebody for whom another board sits."""
    return replace(proceedings.opened, board=board)


def used(proceedings: Proceedings, use: str, live: LiveProposal) -> TransactionDraft:
    """What oracles of a board can do beside replacing it; `live` is what they object to."""
    return {
        "attest": lambda: proceedings.opened.attest_draft(FIRST),
        "object": lambda: proceedings.object_draft(live),
        "notify": lambda: proceedings.notify_draft("quorum"),
    }[use]()


SIGNATURES = {"attest": (6,), "object": (4,), "notify": (5,)}
"""Where the redeemers have them."""
USES = tuple(SIGNATURES)

# -- who votes


def test_rotated_by_too_few(seated: Proceedings, judge: Judge) -> None:
    """One vote where two are asked for, none, one vote twice."""
    following = seated.next_board(NEXT, 2)
    honest = seated.rotate_draft(following)
    first, _ = seated.opened.witnesses(seated.rotation(following))
    for few in ([], [first], [first, first]):
        judge.refused(with_redeemer(honest, "mint", (1,), flat(few)), "mint")
    judge.accepted(honest)


def test_rotated_by_those_who_come_next(seated: Proceedings, judge: Judge) -> None:
    """The next board votes for itself."""
    following = seated.next_board(NEXT, 2)
    honest = seated.rotate_draft(following)
    own = by(seated, seated.rotation(following), "oracle-7", "oracle-8")
    judge.refused(with_redeemer(honest, "mint", (1,), flat(own)), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 2},
        {"sequence": 0},
        {"quorum_threshold": 1},
        {"distribution_id": bytes(28)},
        {"policy_id": bytes(28)},
        {"oracles": (bytes(28),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_votes_for_something_else(
    seated: Proceedings, judge: Judge, change: dict[str, object]
) -> None:
    """A quorum voted, but for another number, other oracles, another quorum or distribution."""
    following = seated.next_board(NEXT, 2)
    other: RotationStatement = replace(seated.rotation(following), **change)  # type: ignore[arg-type]
    wrong = seated.opened.witnesses(other)
    judge.refused(seated.rotate_draft(following, wrong), "mint")
    judge.accepted(seated.rotate_draft(following))


@pytest.mark.parametrize("kind", ["attestation", "notice", "objection"])
def test_signatures_of_another_kind_as_votes(seated: Proceedings, judge: Judge, kind: str) -> None:
    """A quorum signed an attestation, a notice, an objection."""
    following = seated.next_board(NEXT, 2)
    policy, own = seated.rotation(following).policy_id, seated.opened.distribution.id
    said: dict[str, Statement] = {
        "attestation": seated.opened.statement(FIRST),
        "notice": NoticeStatement(policy, own, 1, EVIDENCE),
        "objection": seated.objection(seated.propose()),
    }
    wrong = seated.opened.witnesses(said[kind])
    judge.refused(seated.rotate_draft(following, wrong), "mint")
    judge.accepted(seated.rotate_draft(following))


@pytest.mark.parametrize("use", USES)
def test_votes_as_signatures_of_another_kind(seated: Proceedings, judge: Judge, use: str) -> None:
    """Votes for a board attest nothing and give no notice."""
    votes = seated.opened.witnesses(seated.rotation(seated.next_board(NEXT, 2)))
    honest = used(seated, use, seated.propose())
    judge.refused(with_redeemer(honest, "mint", SIGNATURES[use], flat(votes)), "mint")
    judge.accepted(honest)


# -- who comes next

ABLE = ("oracle-1", "oracle-7")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ((1,), 0),
        ((1,), -1),
        ((1,), 3),
        ((0,), ()),
        ((0,), (b"\2" * 28, b"\1" * 28)),
        ((0,), (b"\1" * 28, b"\1" * 28)),
        ((0,), (b"\1" * 27, b"\2" * 28)),
        ((0,), (b"\1" * 28, b"\2" * 29)),
        ((0,), (b"", b"\2" * 28)),
        ((0,), tuple(bytes(27) + bytes((n,)) for n in range(1, 102))),
    ],
    ids=[
        "a quorum of nobody",
        "a quorum of less than nobody",
        "a quorum of more than there are",
        "nobody",
        "not in order",
        "one twice",
        "a short one",
        "a long one",
        "an empty one",
        "a hundred and one",
    ],
)
def test_boards_that_could_not_act(
    seated: Proceedings, judge: Judge, field: tuple[int, ...], value: int | tuple[bytes, ...]
) -> None:
    """A quorum voted for it, and yet it can't sit: nobody could attest any more, or anybody."""
    able = seated.next_board(ABLE, 2)
    changes = {"quorum_threshold": value} if field == (1,) else {"oracles": value}
    unable: Board = replace(able, **changes)  # type: ignore[arg-type]
    judge.refused(seated.rotate_draft(unable), "mint")
    judge.accepted(seated.rotate_draft(able))


def test_a_hundred_may_sit(seated: Proceedings, judge: Judge) -> None:
    """No more than a hundred, of whom a quorum's signatures fit into a transaction."""
    hundred = tuple(bytes(27) + bytes((n,)) for n in range(1, 101))
    many = replace(seated.next_board(ABLE, 2), oracles=hundred)
    judge.accepted(seated.rotate_draft(many))


@pytest.mark.parametrize("sequence", [0, 2, 65535])
def test_a_number_that_does_not_follow(seated: Proceedings, judge: Judge, sequence: int) -> None:
    """Token, datum and votes agree on another number than the next."""
    following = seated.next_board(NEXT, 2)
    wrong = replace(following, sequence=sequence)
    draft = seated.rotate_draft(wrong)
    judge.refused_at_least(draft, "mint")
    judge.accepted(seated.rotate_draft(following))


def test_the_boards_deposit_taken(seated: Proceedings, judge: Judge, scene: Scene) -> None:
    """A lovelace less in the next board's output."""
    smaller = seated.next_board(["oracle-9"], 1)
    honest = settled(scene.harness, seated.rotate_draft(smaller))
    judge.refused(with_value(honest, 0, Value(-1)), "mint")
    judge.accepted(honest)


def test_votes_are_spent_once(seated: Proceedings, judge: Judge) -> None:
    """The votes that seated a board can't seat it again when it was replaced."""
    following = seated.next_board(NEXT, 2)
    votes = seated.opened.witnesses(seated.rotation(following))
    second = Proceedings(
        replace(seated.opened, board=judge.accepted(seated.rotate_draft(following)).outputs[0])
    )
    again = replace(following, sequence=2)
    judge.refused(with_redeemer(second.rotate_draft(again), "mint", (1,), flat(votes)), "mint")
    judge.accepted(second.rotate_draft(again))


# -- boards that were voted out


@pytest.mark.parametrize("use", USES)
def test_signatures_of_a_board_that_was_voted_out(
    seated: Proceedings, judge: Judge, use: str
) -> None:
    """Given while it sat, sent when it sits no longer."""
    live, known = seated.propose(), seated.opened
    later = seated.rotate(["oracle-7", "oracle-8"], 2)
    moment = later.notice("quorum").said_at_posix_ms
    statement: Statement = {
        "attest": known.statement(FIRST),
        "object": seated.objection(live),
        "notify": NoticeStatement(
            known.distribution.contract.policy_id, known.distribution.id, moment, EVIDENCE
        ),
    }[use]
    witnesses = known.witnesses(statement)
    honest = used(later, use, live)
    judge.refused(with_redeemer(honest, "mint", SIGNATURES[use], flat(witnesses)), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("use", USES)
def test_terms_oracles_of_a_board_that_was_voted_out(
    seated: Proceedings, judge: Judge, use: str
) -> None:
    """The redeemer names no board, so that the oracles of the terms would count."""
    later = seated.rotate(["oracle-7", "oracle-8"], 2)
    unseated = Proceedings(on(later, None))
    live = later.propose()
    judge.refused(used(unseated, use, live), "mint")
    judge.accepted(used(later, use, live))


@pytest.mark.parametrize("use", USES)
def test_the_redeemer_denies_the_first_board(seated: Proceedings, judge: Judge, use: str) -> None:
    """Also while the oracles are still the same: who counts is always the board's to say."""
    unseated = Proceedings(on(seated, None))
    live = seated.propose()
    judge.refused(used(unseated, use, live), "mint")
    judge.accepted(used(seated, use, live))


def test_an_oracle_who_still_sits_has_still_signed(seated: Proceedings, judge: Judge) -> None:
    """Signatures aren't of a board: who sits on both has signed for both."""
    statement = seated.opened.statement(FIRST)
    before = by(seated, statement, "oracle-1")
    later = seated.rotate(["oracle-1", "oracle-7"], 2)
    both = [*before, *by(seated, statement, "oracle-7")]
    sitting = later.opened.sitting
    honest = later.opened.attest_draft(FIRST)
    judge.accepted(with_redeemer(honest, "mint", (6,), flat(sitting.ordered(both))))


# -- boards of others


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("fake", [bare_copy, foreign_copy, unstaked_copy, copy_at_home])
def test_a_copied_board(
    seated: Proceedings, judge: Judge, scene: Scene, fake: Fake, use: str
) -> None:
    """A board's datum without its token, or with a stranger's token of the same name."""
    assert seated.opened.board is not None
    copy = fake(scene.harness, seated.opened.board)
    fooled = Proceedings(on(seated, copy))
    live = seated.propose()
    judge.refused(used(fooled, use, live), "mint")
    judge.accepted(used(seated, use, live))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("is_rotatable", [False, True])
def test_the_board_of_another_distribution(
    scene: Scene, judge: Judge, use: str, is_rotatable: bool
) -> None:
    """The attacker sits on the board of the attacker's own distribution."""
    victim = scene.proceedings(is_rotatable=is_rotatable)
    key = scene.harness.key("attacker")
    own = scene.proceedings(
        is_rotatable=True, oracles=(key.key_hash,), quorum_threshold=1, objectors=1
    )
    fooled = Proceedings(on(victim, own.opened.board))
    live = victim.propose()
    judge.refused(used(fooled, use, live), "mint")
    judge.accepted(used(victim, use, live))


@pytest.mark.parametrize("what", ["terms", "vault", "notice", "proposal"])
def test_something_else_in_place_of_the_board(seated: Proceedings, judge: Judge, what: str) -> None:
    """Another UTxO of this very distribution is where the redeemer says the board is."""
    told = seated.notify("creator")
    utxo = {
        "terms": told.opened.terms,
        "vault": told.opened.vaults[0],
        "notice": told.opened.notices[0],
        "proposal": told.propose().utxo,
    }[what]
    honest = told.opened.attest_draft(FIRST)
    wrong = replace(honest, reference_inputs=(*honest.reference_inputs, utxo))
    if what == "terms":
        wrong = honest
    layout = seated.harness.guessed(wrong).assembly.layout
    place = layout.reference_input_index(utxo.reference)
    terms_place = layout.reference_input_index(told.opened.terms.reference)
    pointed = with_redeemer(with_redeemer(wrong, "mint", (1,), place), "mint", (0,), terms_place)
    judge.refused(pointed, "mint")
    judge.accepted(honest)
