"""`board` serves every registry, an attacker's too: what their tokens can't do beside genuine ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.outputs import Utxo
from milestones.protocol import redeemers
from milestones.testing.proceedings import SOON, Proceedings, posix_ms
from milestones.transactions.board_drafts import notify_draft
from milestones.transactions.draft import Layout, Mint, Spend, TransactionDraft
from tests.support.hostile import Judge, along, copy_at_home
from tests.support.scenes import FIRST, GOVERNED, RECLAIM, Scene


@dataclass(frozen=True)
class Foreign:
    """Terms under a native policy of the attacker's, and a notice of theirs: both at the attacker's home."""

    scene: Scene
    terms: Utxo
    notice: Utxo

    def ended(self) -> TransactionDraft:
        """The attacker, in whose power the terms are, ends what nobody else believes in."""
        (token,) = self.notice.output.value.assets

        def end(layout: Layout) -> bytes:
            place = layout.input_index(self.terms.reference)
            return plutus_data.encode(redeemers.End(place).to_data())

        references, _ = self.scene.harness.scripts.sources(board=True)
        return TransactionDraft(
            spends=(Spend(self.terms), Spend(self.notice)),
            mints=(Mint(token.policy_id, {token.asset_name: -1}, end),),
            reference_inputs=references,
            required_signers=(self.scene.harness.key("creator").key_hash,),
        )

    def beside(self, draft: TransactionDraft) -> TransactionDraft:
        """A genuine transaction, and the attacker's own end in it."""
        own = self.ended()
        references = tuple(u for u in own.reference_inputs if u not in draft.reference_inputs)
        return along(
            draft,
            spends=own.spends,
            mints=own.mints,
            references=references,
            signers=own.required_signers,
        )


@pytest.fixture
def foreign(scene: Scene) -> Foreign:
    """A copy of genuine terms under the attacker's policy, with a notice that names that policy."""
    genuine = scene.proceedings()
    copy = copy_at_home(scene.harness, genuine.opened.terms)
    (token,) = copy.output.value.assets
    fake = Proceedings(replace(genuine.opened, terms=copy))
    until = scene.harness.slot + SOON
    notice = replace(genuine.notice("creator"), registry=token.policy_id)
    draft = notify_draft(
        replace(notice, said_at_posix_ms=posix_ms(until)),
        genuine.terms,
        fake.referenced,
        sitting=genuine.opened.sitting,
        valid_until_slot=until,
    )
    return Foreign(scene, copy, scene.harness.send(draft).outputs[0])


def test_an_end_of_the_attackers_beside_an_attestation(
    scene: Scene, judge: Judge, foreign: Foreign
) -> None:
    """`board` agrees, since it is the attacker's own: `registry` wants nothing of `board`'s beside it."""
    honest = scene.opened.attest_draft(FIRST)
    judge.refused(foreign.beside(honest), "mint")
    judge.accepted(honest)
    judge.accepted(foreign.ended())


def test_an_end_of_the_attackers_beside_an_opening(
    scene: Scene, judge: Judge, foreign: Foreign
) -> None:
    """Where an opening is not rotatable, nothing of `board`'s is minted or burnt."""
    honest = scene.opening(**GOVERNED, allowance_lovelace=7)
    judge.refused(foreign.beside(honest), "mint")
    judge.accepted(honest)
    judge.accepted(foreign.ended())


def test_an_end_of_the_attackers_beside_a_closing_is_nobodys_loss(
    scene: Scene, judge: Judge, foreign: Foreign
) -> None:
    """The creator's key ends its own distribution, and the attacker theirs: neither gains by it."""
    scene.harness.reach(RECLAIM)
    judge.accepted(foreign.beside(scene.attested.close_draft(slot=RECLAIM)))


def test_a_foreign_notice_ends_nothing_genuine(
    scene: Scene, judge: Judge, foreign: Foreign
) -> None:
    """Burnt beside a closing that nobody signed, under the attacker's terms or the genuine ones."""
    scene.harness.reach(RECLAIM)
    close = replace(scene.attested.close_draft(slot=RECLAIM), required_signers=())
    stolen = replace(foreign.beside(close), required_signers=())
    judge.refused(stolen, "mint")
    judge.accepted(scene.attested.close_draft(slot=RECLAIM))
