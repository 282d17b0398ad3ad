"""Mutations of what a transaction stands on: inputs, references, time, network."""

from __future__ import annotations

from mutations import (
    accepted,
    refused,
    sealed_with_body,
)
from proposals import Proposal
from proving_ground import ProvingGround
from random_scripts import (
    KEY_LOCKS,
)

from milestones.cardano.outputs import OutputReference

NOWHERE = OutputReference(b"\xee" * 32, 3)


@refused(3117)
def unknown_input(p: Proposal, _: ProvingGround) -> bytes:
    p.inputs.append(NOWHERE)
    return p.seal()


@refused(3117)
def unknown_reference(p: Proposal, _: ProvingGround) -> bytes:
    p.references.append(NOWHERE)
    return p.seal()


@refused(3117)
def unknown_collateral(p: Proposal, _: ProvingGround) -> bytes | None:
    if not 0 < len(p.collateral) < 3:
        return None
    p.collateral.append(NOWHERE)
    return p.seal()


@refused(3117)
def input_spent_before(p: Proposal, ground: ProvingGround) -> bytes | None:
    gone = ground.random.choice(ground.consumed) if ground.consumed else None
    if gone is None or gone in ground.spendable:
        return None
    p.inputs.append(gone)
    return p.seal()


@refused(3997)
def the_same_again(_: Proposal, ground: ProvingGround) -> bytes | None:
    before = ground.random.choice(ground.submitted)
    on_chain = ground.chain.place_of(before.id) or before.id in ground.chain.mempool
    return before.raw if on_chain and before.is_valid else None


@refused(3121)
def no_inputs(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.update({0: []}))


@refused(-32602)
def input_twice(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.update({0: [*body[0], body[0][0]]}))


@accepted
def inputs_in_another_order(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.update({0: body[0][::-1]}))


@refused(3118)
def too_late(p: Proposal, ground: ProvingGround) -> bytes:
    p.fields[3] = ground.slot
    return p.seal()


@refused(3118)
def too_early(p: Proposal, ground: ProvingGround) -> bytes:
    p.fields[8] = ground.slot + 1
    return p.seal()


@accepted
def in_the_last_slot(p: Proposal, ground: ProvingGround) -> bytes:
    p.fields[3] = ground.slot + 1
    return p.seal()


@accepted
def in_the_first_slot(p: Proposal, ground: ProvingGround) -> bytes:
    p.fields[8] = ground.slot
    return p.seal()


@refused(3130)
def time_beyond_the_horizon_for_scripts(p: Proposal, ground: ProvingGround) -> bytes | None:
    if not p.redeemers:
        return None
    p.fields[3] = ground.chain.environment().horizon_slot
    return p.seal()


@accepted
def time_beyond_the_horizon_without_scripts(p: Proposal, ground: ProvingGround) -> bytes | None:
    if p.redeemers or any(lock.before for _, lock in p.needed_locks()):
        return None
    p.fields[3] = ground.chain.environment().horizon_slot
    return p.seal()


@refused(3124)
def made_for_another_network(p: Proposal, _: ProvingGround) -> bytes:
    p.fields[15] = 1
    return p.seal()


@accepted
def made_for_this_network(p: Proposal, _: ProvingGround) -> bytes:
    p.fields[15] = 0
    return p.seal()


@refused(3119)
def too_long(p: Proposal, _: ProvingGround) -> bytes:
    p.auxiliary = {1: [bytes(64) for _ in range(250)]}
    return p.seal()


@refused(3166)
def too_many_reference_scripts(p: Proposal, ground: ProvingGround) -> bytes:
    p.references += [ref for ref in ground.large if ref not in p.references]
    return p.seal()


@accepted
def as_many_reference_scripts_as_may_be(p: Proposal, ground: ProvingGround) -> bytes:
    for ref in ground.large:
        size = len(ground.chain.utxo[ref].script.code)  # type: ignore[union-attr]
        if ref not in p.references and p.reference_bytes() + size <= 204_800:
            p.references.append(ref)
    return p.seal()


@accepted
def one_more_reference(p: Proposal, ground: ProvingGround) -> bytes:
    p.references.append(ground.random.choice([r for r in ground.large if r not in p.references]))
    return p.seal()


@refused(3004)
def spent_and_shown_to_version_3(p: Proposal, _: ProvingGround) -> bytes | None:
    if not any(lock.version == 3 for _, lock in p.needed_locks()):
        return None
    p.references.append(p.inputs[0])
    return p.seal()


@accepted
def spent_and_shown_to_nobody(p: Proposal, _: ProvingGround) -> bytes | None:
    if p.redeemers:
        return None
    p.references.append(p.inputs[0])
    return p.seal()


@refused(3997)
def certificate(p: Proposal, _: ProvingGround) -> bytes:
    p.fields[4] = [[0, [0, KEY_LOCKS[0].hash]]]
    return p.seal()


@refused(3997)
def withdrawal(p: Proposal, _: ProvingGround) -> bytes:
    p.fields[5] = {b"\xe0" + KEY_LOCKS[0].hash: 0}
    return p.seal()


@refused(3997)
def treasury_donation(p: Proposal, _: ProvingGround) -> bytes:
    p.fields[22] = 1
    return p.seal()
