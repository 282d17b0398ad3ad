"""Profiles of the contract's own transactions add up to what each of them declared, long after it was sent."""

from __future__ import annotations

from milestones.cardano.parameters import RedeemerPointer
from tests.support.profiles import sums
from tests.support.scenes import RECLAIM, VESTED, Scene


def test_every_transaction_of_a_distributions_life_costs_what_it_declares(scene: Scene) -> None:
    """Opening, attesting, releasing and closing; their inputs are spent since."""
    harness = scene.harness
    harness.reach(VESTED)
    paid, _ = scene.attested.release([0, 1])
    harness.reach(RECLAIM)
    harness.send(paid.close_draft(slot=RECLAIM))
    seen: list[RedeemerPointer] = []
    for block in harness.chain.blocks:
        for each in block.inclusions:
            for script in harness.chain.profile(each.transaction, {}):
                assert script.result.succeeded
                assert sums(script.profile) == [script.redeemer.units] * 4
                seen.append(script.redeemer.pointer)
    assert [each.purpose for each in seen].count("mint") >= 4
    assert [each.purpose for each in seen].count("spend") >= 4
    assert len(harness.chain.utxo) < sum(
        len(each.produced) for block in harness.chain.blocks for each in block.inclusions
    )
