"""Mutations of what is at risk if scripts fail."""

from __future__ import annotations

from typing import Any

from mutations import (
    accepted,
    refused,
    sealed_with_body,
)
from proposals import Proposal, value_of, with_lovelace
from proving_ground import ProvingGround, lock_of
from random_scripts import (
    KEY_LOCKS,
    NATIVE_LOCKS,
    SPENDING_LOCKS,
)


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
