"""Attacks on first boards: unnamed, unborn, or born where nothing is opened."""

from __future__ import annotations

from dataclasses import replace

from milestones.cardano import plutus_data
from milestones.cardano.value import AssetId, Value
from milestones.protocol import redeemers
from milestones.protocol.datums import Board
from milestones.testing.contract import opening_draft
from milestones.testing.proceedings import Proceedings
from milestones.transactions.contract_drafts import board_output
from milestones.transactions.draft import DraftOutput, Mint, TransactionDraft
from tests.support.hostile import (
    Judge,
    native_policy,
    with_datum,
    with_value,
)
from tests.support.scenes import FIRST, GOVERNED, Scene


def test_the_output_that_the_terms_name_is_not_spent(scene: Scene, judge: Judge) -> None:
    """Else the same terms could be opened again, and a board that was voted out would sit again."""
    distribution = scene.rotatable(**GOVERNED)
    honest = opening_draft(scene.harness, distribution)
    kept = scene.harness.wallet
    named = distribution.terms.rotatable
    scene.harness.wallet = tuple(utxo for utxo in kept if utxo.reference != named)
    judge.refused(replace(honest, spends=()), "mint")
    scene.harness.wallet = kept
    judge.accepted(honest)


def test_the_same_rotatable_terms_opened_again(scene: Scene, judge: Judge) -> None:
    """The output that they name is gone; whoever names another one opens other terms."""
    seated = scene.proceedings(is_rotatable=True)
    again = seated.opened.distribution
    judge.refused(opening_draft(scene.harness, again), "mint")
    other = scene.rotatable(**GOVERNED)
    assert other.id != again.id
    judge.accepted(opening_draft(scene.harness, other))


def test_rotatable_terms_without_a_board(scene: Scene, judge: Judge) -> None:
    """Opened without the first board: nobody could ever attest."""
    honest = opening_draft(scene.harness, scene.rotatable(**GOVERNED))
    without = replace(honest, mints=honest.mints[:1], outputs=honest.outputs[:-1])
    judge.refused(without, "mint")
    judge.accepted(honest)


def test_a_board_where_the_terms_name_none(scene: Scene, judge: Judge) -> None:
    """A first board beside terms that can't be rotated: they would have two sets of oracles."""
    seated = opening_draft(scene.harness, scene.rotatable(**GOVERNED))
    fixed = scene.other(**GOVERNED)
    board = replace(Board.decode(seated.outputs[-1].inline_datum or b""), distribution_id=fixed.id)
    honest = opening_draft(scene.harness, fixed)
    output = replace(
        seated.outputs[-1], address=fixed.address, inline_datum=board.encode(), value=Value()
    )
    policy = scene.harness.contract.board_policy
    mint = replace(seated.mints[1], assets={board.token_name: 1})
    held = Value(0, dict.fromkeys((a for a in mint.value().assets), 1))
    wrong = replace(
        honest,
        mints=(*honest.mints, mint),
        outputs=(*honest.outputs, replace(output, value=held)),
        reference_inputs=seated.reference_inputs,
    )
    assert mint.policy_id == policy
    judge.refused(wrong, "mint")
    judge.accepted(honest)


def test_the_first_board_is_the_terms_own(scene: Scene, judge: Judge) -> None:
    """A board born with the attacker as oracle, with a lower quorum, or with a later number."""
    distribution = scene.rotatable(**GOVERNED)
    honest = opening_draft(scene.harness, distribution)
    place = len(honest.outputs) - 1
    attacker = scene.harness.key("attacker").key_hash
    for path, value in (((0,), (attacker,)), ((1,), 1), ((4,), 1)):
        wrong = with_datum(with_value(honest, place, Value(1_000_000)), place, path, value)
        judge.refused(wrong, "mint")
    judge.accepted(honest)


def test_a_board_born_without_an_opening(seated: Proceedings, judge: Judge, scene: Scene) -> None:
    """Output 0 has terms, but of an attacker's own registry: the board is theirs, by its name."""
    known, policy = seated.opened.distribution, native_policy(scene.harness, "attacker")
    token = AssetId(policy.hash(), known.terms_token.asset_name)
    terms = DraftOutput(
        address=known.address, value=Value.of(token, 1), inline_datum=known.terms.encode()
    )
    first = known.first_board
    assert first is not None

    def born(board: Board) -> TransactionDraft:
        references, _ = scene.harness.scripts.sources(board=True)
        birth = plutus_data.encode(redeemers.Birth(1).to_data())
        mint = Mint(known.contract.board_policy, {board.token_name: 1}, birth)
        return TransactionDraft(
            mints=(Mint(policy.hash(), {token.asset_name: 1}), mint),
            outputs=(terms, board_output(known.contract, board, known.address)),
            reference_inputs=references,
            scripts=(policy,),
        )

    judge.refused(born(first), "mint")
    judge.accepted(born(replace(first, registry=policy.hash())))


def test_a_board_born_beside_terms_that_are_only_referenced(
    seated: Proceedings, judge: Judge, scene: Scene
) -> None:
    """Genuine terms are on the chain, but no output of the transaction puts them out."""
    first = seated.opened.distribution.first_board
    assert first is not None
    contract = seated.opened.distribution.contract
    references, _ = scene.harness.scripts.sources(board=True)
    output = board_output(contract, first, seated.opened.distribution.address)
    bare = replace(output, value=Value())
    birth = plutus_data.encode(redeemers.Birth(1).to_data())
    draft = TransactionDraft(
        mints=(Mint(contract.board_policy, {first.token_name: 1}, birth),),
        outputs=(bare, output),
        reference_inputs=(seated.opened.terms, *references),
    )
    judge.refused(draft, "mint")
    judge.accepted(seated.opened.attest_draft(FIRST))
