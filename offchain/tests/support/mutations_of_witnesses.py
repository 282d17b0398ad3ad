"""Mutations of signatures and auxiliary data."""

from __future__ import annotations

from typing import Any

import cbor2
from ledger_world import key_hash
from mutations import (
    STRANGER,
    UNUSED,
    accepted,
    refused,
    sealed_with_body,
    sealed_with_signatures,
)
from nacl.signing import SigningKey
from proposals import Proposal
from proving_ground import ProvingGround, lock_of
from random_scripts import (
    SPENDING_LOCKS,
)


def _signer_of_inputs(p: Proposal) -> SigningKey | None:
    """Whose signature an input, collateral or the body itself asks for."""
    guarded = [p.utxo[ref] for ref in (*p.inputs, *p.collateral)]
    for output in guarded:
        lock = lock_of(output)
        if lock.version is None:
            return lock.keys[0]
    return None


@refused(3101)
def signature_missing(p: Proposal, _: ProvingGround) -> bytes | None:
    signer = _signer_of_inputs(p)
    if signer is None or any(signer in lock.keys for _, lock in p.needed_locks()):
        return None
    p.keys.remove(signer)
    return p.seal()


@refused(3101)
def signed_by_a_stranger_instead(p: Proposal, _: ProvingGround) -> bytes | None:
    signer = _signer_of_inputs(p)
    if signer is None or any(signer in lock.keys for _, lock in p.needed_locks()):
        return None
    p.keys[p.keys.index(signer)] = STRANGER
    return p.seal()


@refused(3101)
def required_signer_who_does_not_sign(p: Proposal, _: ProvingGround) -> bytes:
    p.fields[14] = [*p.fields.get(14, []), key_hash(STRANGER)]
    return p.seal()


@accepted
def required_signer_who_signs(p: Proposal, _: ProvingGround) -> bytes:
    p.fields[14] = [*p.fields.get(14, []), key_hash(STRANGER)]
    p.keys.append(STRANGER)
    return p.seal()


@accepted
def signature_that_nobody_asks_for(p: Proposal, _: ProvingGround) -> bytes:
    p.keys.append(STRANGER)
    return p.seal()


@refused(3100)
def signature_damaged(p: Proposal, ground: ProvingGround) -> bytes:
    bit = ground.random.randrange(512)

    def step(witnesses: dict[int, Any]) -> None:
        key, signature = witnesses[0][0]
        damaged = int.from_bytes(signature, "big") ^ 1 << bit
        witnesses[0][0] = [key, damaged.to_bytes(64, "big")]

    return sealed_with_signatures(p, step)


@refused(3100)
def signature_of_another_transaction(p: Proposal, _: ProvingGround) -> bytes:
    def step(witnesses: dict[int, Any]) -> None:
        witnesses[0][0] = [p.keys[0].verify_key.encode(), p.keys[0].sign(bytes(32)).signature]

    return sealed_with_signatures(p, step)


@refused(3100)
def signature_by_a_key_of_small_order(p: Proposal, _: ProvingGround) -> bytes:
    """Key and nonce are the neutral element: the equation holds for any message, libsodium says no."""
    neutral = b"\x01" + bytes(31)

    def step(witnesses: dict[int, Any]) -> None:
        witnesses[0] = [*witnesses[0], [neutral, neutral + bytes(32)]]

    return sealed_with_signatures(p, step)


@refused(3105)
def metadata_hash_missing(p: Proposal, _: ProvingGround) -> bytes:
    p.auxiliary = p.auxiliary or {1: "one"}
    return sealed_with_body(p, lambda body: body.pop(7))


@refused(3106)
def metadata_missing(p: Proposal, _: ProvingGround) -> bytes:
    p.auxiliary = None
    return sealed_with_body(p, lambda body: body.update({7: bytes(32)}))


@refused(3107)
def metadata_hash_of_something_else(p: Proposal, _: ProvingGround) -> bytes:
    p.auxiliary = p.auxiliary or {1: "one"}
    return sealed_with_body(p, lambda body: body.update({7: bytes(32)}))


@refused(3108)
def metadata_with_a_long_text(p: Proposal, _: ProvingGround) -> bytes:
    p.auxiliary = {1: ["é" * 33]}
    return p.seal()


@accepted
def metadata_with_the_longest_text(p: Proposal, _: ProvingGround) -> bytes:
    p.auxiliary = {1: ["é" * 32, bytes(64)]}
    return p.seal()


@refused(3108)
def auxiliary_script_malformed(p: Proposal, ground: ProvingGround) -> bytes:
    p.auxiliary = cbor2.CBORTag(259, {0: {1: 1}, ground.random.choice((2, 3, 4)): [b"\x43abc"]})
    return p.seal()


@accepted
def auxiliary_scripts_that_nothing_runs(p: Proposal, _: ProvingGround) -> bytes:
    v1, v2, v3 = (next(x for x in SPENDING_LOCKS if x.version == n).code for n in (1, 2, 3))
    p.auxiliary = cbor2.CBORTag(259, {1: [UNUSED.witness], 2: [v1], 3: [v2], 4: [v3]})
    return p.seal()
