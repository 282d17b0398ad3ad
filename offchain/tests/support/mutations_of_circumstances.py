"""Mutations of what a transaction stands on: inputs, references, time, network."""

from __future__ import annotations

from typing import Any

from milestones.cardano.outputs import OutputReference
from tests.support.mutations import accepted, refused, sealed_with_body
from tests.support.proposals import Proposal, value_of, with_lovelace
from tests.support.proving_ground import ProvingGround, lock_of
from tests.support.random_scripts import KEY_LOCKS, NATIVE_LOCKS, SPENDING_LOCKS

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
        size = len(ground.chain.utxo[ref].script.code)
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
def a_pool_retires(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.update({4: [[4, KEY_LOCKS[0].hash, 9]]}))


@refused(3997)
def treasury_donation(p: Proposal, _: ProvingGround) -> bytes:
    p.fields[22] = 1
    return p.seal()


@refused(3132)
def collateral_missing(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.collateral:
        return None
    p.collateral = []
    p.fields.pop(16, None)
    p.fields.pop(17, None)
    return p.seal()


@refused(3131)
def collateral_of_too_many_outputs(p: Proposal, ground: ProvingGround) -> bytes | None:
    if not p.collateral:
        return None
    p.fields.pop(17, None)
    there = [ref for ref in ground.held_by(KEY_LOCKS) if ref not in p.collateral]
    plain = [ref for ref in there if not p.utxo[ref].value.assets]
    p.collateral += plain[: 4 - len(p.collateral)]
    if len(p.collateral) < 4:
        return None
    p.keys += [k for ref in p.collateral for k in lock_of(p.utxo[ref]).keys if k not in p.keys]
    p.keys = list(dict.fromkeys(p.keys))
    return p.seal()


@refused(3129)
def collateral_locked_by_a_script(p: Proposal, ground: ProvingGround) -> bytes | None:
    there = ground.held_by((*NATIVE_LOCKS, *SPENDING_LOCKS))
    plain = [ref for ref in there if not p.utxo[ref].value.assets]
    if not 0 < len(p.collateral) < 3 or not plain:
        return None
    p.fields.pop(17, None)
    p.collateral.append(plain[0])
    return p.seal()


@refused(3133)
def collateral_with_tokens(p: Proposal, ground: ProvingGround) -> bytes | None:
    there = [ref for ref in ground.held_by(KEY_LOCKS) if p.utxo[ref].value.assets]
    if not 0 < len(p.collateral) < 3 or not there or there[0] in p.collateral:
        return None
    p.fields.pop(17, None)
    p.collateral.append(there[0])
    p.keys = list(dict.fromkeys((*p.keys, *lock_of(p.utxo[there[0]]).keys)))
    return p.seal()


@refused(3135)
def collateral_other_than_declared(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.collateral:
        return None
    p.fields[17] = _at_risk(p) - 1
    return p.seal()


@accepted
def collateral_as_declared(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.collateral:
        return None
    p.fields[17] = _at_risk(p)
    return p.seal()


def _at_risk(p: Proposal) -> int:
    held = sum(p.utxo[ref].value.lovelace for ref in p.collateral)
    return held - (value_of(p.fields[16])[0] if 16 in p.fields else 0)


@refused(3128)
def collateral_one_lovelace_short(p: Proposal, _: ProvingGround) -> bytes | None:
    return _with_collateral_for_the_fee(p, -1)


@accepted
def collateral_of_exactly_what_is_needed(p: Proposal, _: ProvingGround) -> bytes | None:
    return _with_collateral_for_the_fee(p, 0)


def _with_collateral_for_the_fee(p: Proposal, more: int) -> bytes | None:
    """Gives back all but one and a half times the fee, rounded up."""
    if 16 not in p.fields:
        return None
    held = sum(p.utxo[ref].value.lovelace for ref in p.collateral)
    p.fields.pop(17, None)

    def step(body: dict[int, Any]) -> None:
        least = -(-body[2] * 150 // 100)
        body[16] = with_lovelace(body[16], held - least - more)

    return sealed_with_body(p, step)


@refused(3125)
def collateral_return_too_poor(p: Proposal, _: ProvingGround) -> bytes | None:
    if 16 not in p.fields or value_of(p.fields[16])[1]:
        return None
    back = value_of(p.fields[16])[0] - 800_000
    p.fields[16] = with_lovelace(p.fields[16], 800_000)
    if 17 in p.fields:
        p.fields[17] += back
    return p.seal()


@refused(3124)
def collateral_return_on_another_network(p: Proposal, _: ProvingGround) -> bytes | None:
    if 16 not in p.fields:
        return None
    p.fields[16][0] = bytes((p.fields[16][0][0] | 1,)) + p.fields[16][0][1:]
    return p.seal()
