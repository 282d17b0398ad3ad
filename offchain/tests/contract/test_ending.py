"""Attacks on the end: too early, elsewhere, short, and with more of others' than a notice was about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.cardano.value import AssetId, Value
from milestones.protocol import redeemers
from milestones.protocol.terms import Refund
from milestones.testing.proceedings import Proceedings, posix_ms, slot_of
from milestones.transactions.draft import DraftOutput, Mint, Spend, TransactionDraft
from tests.support.creators import NATIVE, PLUTUS, creators
from tests.support.hostile import (
    Judge,
    along,
    created,
    minting,
    settled,
    sorted_policy,
    with_output,
    with_redeemer,
    with_value,
)
from tests.support.moments import HOME, KINDS, kinds_of_end, noticed, over
from tests.support.raw_terms import opened_raw
from tests.support.scenes import DAY, FIRST, GRACE, RECLAIM, SECOND, Scene

CLOSE = plutus_data.encode(redeemers.Close().to_data())
# -- time


def test_ended_one_slot_before_the_grace_is_over(
    governed: Proceedings, judge: Judge, scene: Scene
) -> None:
    """The validity interval starts a second early, or nowhere."""
    told = noticed(governed)
    judge.refused(told.end_draft(slot=scene.harness.slot - 1), "mint")
    honest = told.end_draft()
    judge.refused(replace(honest, valid_from_slot=None), "mint")
    endless = replace(honest, valid_from_slot=None, valid_until_slot=scene.harness.slot + DAY)
    judge.refused(endless, "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("grace_ms", [0, 1, 7 * DAY * 1000 - 1, -1, -(10**15)])
def test_a_grace_of_less_than_seven_days(scene: Scene, judge: Judge, grace_ms: int) -> None:
    """Terms with a shorter one, or a negative one: seven days count."""
    told = scene.proceedings(cancel_grace_ms=grace_ms).notify("creator")
    end = over(told)
    assert end > scene.harness.slot + 7 * DAY - 1
    scene.harness.reach(end)
    judge.refused(told.end_draft(slot=end - 1), "mint")
    judge.accepted(told.end_draft(slot=end))


def test_the_terms_own_grace_is_longer(scene: Scene, judge: Judge) -> None:
    """Ten days are ten, and not seven."""
    told = scene.proceedings().notify("creator")
    assert told.terms.grace_ms == GRACE * 1000
    seven = over(told) - GRACE + 7 * DAY
    scene.harness.reach(seven)
    judge.refused(told.end_draft(slot=seven), "mint")
    scene.harness.reach(over(told))
    judge.accepted(told.end_draft())


def test_a_later_notice_does_not_put_off_the_end(scene: Scene, judge: Judge) -> None:
    """A notice can't be withdrawn: the first one counts, whatever is said afterwards."""
    told = scene.proceedings().notify("creator")
    scene.harness.reach(over(told) - 10)
    again = told.notify("quorum")
    scene.harness.reach(over(told))
    judge.refused(again.end_draft(which=1), "mint")
    judge.accepted(again.end_draft(which=0))


@pytest.mark.parametrize("creator", [NATIVE, PLUTUS], ids=["native script", "Plutus script"])
def test_home_one_slot_before_reclaiming(scene: Scene, judge: Judge, creator: object) -> None:
    """The word that all may go home gives no right that time hasn't given."""
    terms = {"creator": creator, "reclaim_after_posix_ms": posix_ms(RECLAIM)}
    told = scene.proceedings(**terms).notify("home")  # type: ignore[arg-type]
    scene.harness.reach(RECLAIM)
    judge.refused(told.end_draft(slot=RECLAIM - 1), "mint")
    judge.refused(replace(told.end_draft(), valid_from_slot=None), "mint")
    judge.accepted(told.end_draft(slot=RECLAIM))


def test_home_while_something_is_owed_for_ever(scene: Scene, judge: Judge) -> None:
    """`reclaim_after` is None: only when all is paid, then at any time."""
    told = scene.proceedings(creator=NATIVE).notify("home")
    scene.harness.reach(RECLAIM)
    judge.refused(told.end_draft(), "mint")
    opened = told.opened.attest(FIRST)[0].attest(SECOND)[0]
    paid = opened.release([0, 1, 2, 3])[0].release([4, 5])[0]
    judge.refused(Proceedings(paid).end_draft(), "mint")
    judge.accepted(Proceedings(paid.release([6])[0]).end_draft())


# -- which word


def test_home_and_a_notice_burnt_together(scene: Scene, judge: Judge) -> None:
    """`registry` would take the burnt notice for an end without grace, which `HOME` doesn't ask for."""
    creator = NATIVE
    told = scene.proceedings(creator=creator, reclaim_after_posix_ms=posix_ms(RECLAIM))
    draft = creator.consenting(scene.harness, told.notify_draft("creator"))
    both = told.notified(judge.accepted(draft)).notify("home")
    scene.harness.reach(RECLAIM)
    judge.refused(both.end_draft(slot=RECLAIM, which=1), "mint")
    alone = Proceedings(replace(both.opened, notices=both.opened.notices[1:]))
    judge.accepted(alone.end_draft(slot=RECLAIM))


def test_home_and_a_notice_once_the_grace_is_over(scene: Scene, judge: Judge) -> None:
    """Named by the notice both may be burnt, so that no deposit is lost."""
    creator = NATIVE
    told = scene.proceedings(creator=creator)
    draft = creator.consenting(scene.harness, told.notify_draft("creator"))
    both = told.notified(judge.accepted(draft)).notify("home")
    scene.harness.reach(over(both))
    judge.refused(both.end_draft(which=1), "mint")
    judge.accepted(both.end_draft(which=0))


def test_without_any_word(scene: Scene, judge: Judge) -> None:
    """Nobody gave notice: neither a stranger nor the quorum ends anything."""
    told = noticed(scene.proceedings(is_rotatable=True))
    silent = Proceedings(replace(told.opened, notices=()))
    close = replace(silent.opened.close_draft(slot=scene.harness.slot), required_signers=())
    judge.refused(close, "mint")
    judge.accepted(told.end_draft())


def test_the_board_in_place_of_the_notice(scene: Scene, judge: Judge) -> None:
    """The redeemer points to the board's token, as if it were a word of anybody's."""
    told = noticed(scene.proceedings(is_rotatable=True))
    honest = told.end_draft()
    assert told.opened.board is not None
    layout = scene.harness.guessed(honest).assembly.layout
    for utxo in (told.opened.board, told.opened.terms, told.opened.vaults[0]):
        place = layout.input_index(utxo.reference)
        judge.refused(with_redeemer(honest, "mint", (1,), place, place=1), "mint")
    judge.accepted(honest)


def test_no_notice_though_one_is_burnt(scene: Scene, judge: Judge) -> None:
    """The redeemer says that the creator signs, so that nothing need go home."""
    told = noticed(scene.proceedings())
    honest = told.end_draft()
    stolen = with_redeemer(replace(honest, outputs=()), "mint", (1,), -1, place=1)
    judge.refused(stolen, "mint")
    judge.accepted(honest)


def test_the_creators_key_beside_a_notice(scene: Scene, judge: Judge) -> None:
    """With the key `registry` asks for what the key always has to wait for: no end by notice."""
    told = noticed(scene.proceedings())
    key = scene.harness.key("creator").key_hash
    judge.refused(along(told.end_draft(), signers=(key,)), "mint")
    taken = replace(told.opened.close_draft(slot=scene.harness.slot), outputs=())
    judge.refused(taken, "mint")
    judge.accepted(told.end_draft())


def test_the_notice_of_another_distribution(scene: Scene, judge: Judge) -> None:
    """The attacker cancels their own distribution, and ends somebody else's with that."""
    victim = scene.proceedings()
    own = noticed(scene.proceedings(allowance_lovelace=1))
    stolen = replace(victim.opened, notices=own.opened.notices)
    judge.refused(Proceedings(stolen).end_draft(), "mint")
    judge.accepted(own.end_draft())


def test_terms_of_another_for_the_end(scene: Scene, judge: Judge) -> None:
    """`registry` burns the victim's, `board` is shown the attacker's terms, whose refund is theirs."""
    refund = Refund(scene.harness.address)
    told = noticed(scene.proceedings())
    own = scene.proceedings(refund=refund, reclaim_after_posix_ms=0)
    honest = told.end_draft()
    both = along(honest, spends=(Spend(own.opened.terms, CLOSE),))
    both = minting(both, own.opened.distribution.terms_token.asset_name, -1)
    layout = scene.harness.guessed(both).assembly.layout
    place = layout.input_index(own.opened.terms.reference)
    stolen = with_output(
        with_redeemer(both, "mint", (0,), place, place=1), HOME, address=refund.address
    )
    judge.refused(stolen, "mint")
    judge.accepted(honest)


# -- what comes along


def junk(scene: Scene, told: Proceedings) -> tuple[Utxo, DraftOutput, TransactionDraft]:
    """Lovelace of the attacker's at the distribution's address, whose own token opens the door."""
    policy = sorted_policy(scene.harness, "attacker", behind=True)
    address = told.opened.distribution.address
    output = DraftOutput(
        address=address,
        value=Value(5_000_000, {AssetId(policy.hash(), b"JUNK"): 1}),
        inline_datum=told.opened.vaults[0].output.inline_datum,
    )
    utxo = created(scene.harness, output, policy)
    draft = along(
        told.end_draft(),
        spends=(Spend(utxo, CLOSE),),
        mints=(Mint(policy.hash(), {b"JUNK": -1}),),
        scripts=(policy,),
    )
    return utxo, output, draft


def test_junk_at_the_address_goes_home_as_well(scene: Scene, judge: Judge) -> None:
    """What is spent at the script is counted, whoever sent it there: no harm, and no gain."""
    told = noticed(scene.proceedings())
    _, output, draft = junk(scene, told)
    short = settled(scene.harness, draft)
    judge.refused(short, "mint")
    judge.accepted(with_value(short, HOME, Value(output.value.lovelace)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("left", ["a vault", "the terms"])
def test_ended_in_part(scene: Scene, judge: Judge, kind: str, left: str) -> None:
    """A vault stays without its terms, or the terms without a vault."""
    told, honest = kinds_of_end(scene, kind)
    opened = told.opened
    utxo = opened.vaults[1] if left == "a vault" else opened.terms
    token = (
        opened.distribution.vault_token if left == "a vault" else opened.distribution.terms_token
    )
    kept = replace(honest, spends=tuple(s for s in honest.spends if s.utxo != utxo))
    kept = minting(kept, token.asset_name, 1)
    if left == "the terms":
        burn, end = (
            plutus_data.encode(action.to_data())
            for action in (redeemers.Burn(0), redeemers.End(0, 0))
        )
        mints = (replace(kept.mints[0], redeemer=burn), replace(kept.mints[1], redeemer=end))
        judge.refused_at_least(replace(kept, mints=mints), "mint")
    else:
        judge.refused_at_least(with_value(kept, HOME, -Value(utxo.output.value.lovelace)), "mint")
    judge.accepted(honest)


def test_boards_may_stay_behind(scene: Scene, judge: Judge) -> None:
    """Whoever ends may leave the board: its token vouches for what is over, its deposit is lost."""
    told = noticed(scene.proceedings(is_rotatable=True))
    without = Proceedings(replace(told.opened, board=None))
    judge.accepted(without.end_draft())


def test_open_proposals_do_not_end_with_their_distribution(scene: Scene, judge: Judge) -> None:
    """Its bond is somebody else's: it can't be swept home, and is retired in its time."""
    told = scene.proceedings().notify("creator")
    live = told.propose()
    scene.harness.reach(max(over(told), slot_of(live.proposal.forgotten_at_posix_ms)))
    honest = told.end_draft()
    swept = along(honest, spends=(Spend(live.utxo, CLOSE),))
    swept = minting(swept, live.proposal.token_name, -1, place=1)
    judge.refused(with_value(swept, HOME, Value(live.utxo.output.value.lovelace)), "mint")
    judge.accepted(honest)
    judge.accepted(told.retire_draft(live))


def test_the_key_ends_boards_and_notices_as_well(scene: Scene, judge: Judge) -> None:
    """With `board`'s End and no word: only the creator's key does, and nobody else's."""
    reclaim = posix_ms(RECLAIM)
    told = scene.proceedings(is_rotatable=True, reclaim_after_posix_ms=reclaim).notify("creator")
    scene.harness.reach(RECLAIM)
    honest = told.opened.close_draft(slot=RECLAIM)
    judge.refused(replace(honest, required_signers=()), "mint")
    judge.accepted(honest)


def test_board_tokens_burnt_without_the_terms(scene: Scene, judge: Judge) -> None:
    """The board alone is ended: the redeemer points to the attacker's terms, or to no terms at all."""
    told = noticed(scene.proceedings(is_rotatable=True))
    assert told.opened.board is not None
    honest = told.end_draft()
    own = scene.proceedings(reclaim_after_posix_ms=0)
    close = own.opened.close_draft(slot=scene.harness.slot)
    (name,) = (a.asset_name for a in told.opened.board.output.value.assets)
    policy = scene.harness.contract.board_policy
    references, _ = scene.harness.scripts.sources(board=True)

    def end(layout: object) -> bytes:
        place = layout.input_index(own.opened.terms.reference)  # type: ignore[attr-defined]
        return plutus_data.encode(redeemers.End(place).to_data())

    stolen = along(
        close,
        spends=(Spend(told.opened.board, CLOSE),),
        mints=(Mint(policy, {name: -1}, end),),
        references=references,
    )
    judge.refused(stolen, "mint")
    judge.accepted(honest)


# -- after the notice, before the end


def test_claims_and_attestations_go_on(governed: Proceedings, judge: Judge, scene: Scene) -> None:
    """Until the end itself: in the grace's last slot, and after it if nobody has ended."""
    told = noticed(governed)
    judge.accepted(told.opened.attest_draft(FIRST))
    opened = governed.opened.attest(FIRST)[0]
    judge.accepted(opened.release_draft([0]))
    assert scene.harness.slot >= over(told)


@pytest.mark.parametrize("kind", ["key", "native script", "Plutus script"])
def test_creators_of_every_kind_are_refunded(scene: Scene, judge: Judge, kind: str) -> None:
    """By a quorum's notice, without a word of theirs."""
    told = scene.proceedings(creator=creators(scene.harness)[kind]).notify("quorum")
    scene.harness.reach(over(told))
    honest = settled(scene.harness, told.end_draft())
    judge.refused(with_value(honest, HOME, Value(-1)), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(
    ("path", "value"), [((13,), 0), ((13, 0), b""), ((13, 1), 0)], ids=["none", "nowhere", "odd"]
)
def test_a_refund_that_no_output_can_have(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: int | bytes
) -> None:
    """The creator's own doing: no notice can end it, and nobody else gains; claims are paid."""
    told = opened_raw(scene, path, value).notify("creator")
    scene.harness.reach(over(told))
    judge.refused(told.end_draft(), "mint")
    judge.accepted(told.opened.attest(FIRST)[0].release_draft([0]))


def test_refund_address_is_read_from_these_terms(scene: Scene, judge: Judge) -> None:
    """Where there are no notices the creator's key may send it anywhere: the refund isn't its business."""
    proceedings = scene.proceedings(reclaim_after_posix_ms=0)
    draft = proceedings.opened.close_draft(slot=scene.harness.slot)
    anywhere = DraftOutput(address=Address.from_bech32(scene.harness.address.to_bech32()))
    judge.accepted(along(draft, outputs=(anywhere,)))
