"""Mutations of scripts, redeemers and datums."""

from __future__ import annotations

from typing import Any

import cbor2
from nacl.signing import SigningKey

from tests.support.mutations import (
    STRANGER,
    UNUSED,
    accepted,
    refused,
    sealed_with_body,
    sealed_with_signatures,
    sealed_with_witnesses,
)
from tests.support.proposals import Proposal
from tests.support.proving_ground import ProvingGround, lock_of
from tests.support.random_scripts import (
    FAILING_LOCKS,
    KEY_LOCKS,
    SPENDING_LOCKS,
    Code,
    Lock,
    native_lock,
)
from tests.support.raw_transactions import dumps, hash256, key_hash, script_hash

NEVER = native_lock([1, [[0, key_hash(STRANGER)]]], STRANGER)


@refused(3102)
def script_missing(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.scripts:
        return None
    del p.scripts[0]
    return p.seal()


@refused(3104)
def script_that_nothing_needs(p: Proposal, _: ProvingGround) -> bytes:
    p.scripts.append(UNUSED)
    return p.seal()


@refused(3104)
def script_that_a_reference_brings_too(p: Proposal, _: ProvingGround) -> bytes | None:
    brought = p.brought_scripts()
    for _where, lock in p.needed_locks():
        if lock.hash in brought:
            p.scripts.append(lock)
            return p.seal()
    return None


@accepted
def script_by_reference_instead(p: Proposal, ground: ProvingGround) -> bytes | None:
    if not p.scripts:
        return None
    p.references.append(ground.library[p.scripts.pop().hash])
    return p.seal()


@refused(3103)
def native_script_without_its_signature(p: Proposal, _: ProvingGround) -> bytes:
    p.mint[NEVER.hash] = {b"": 1}
    p.scripts.append(NEVER)
    return p.seal()


@accepted
def native_script_with_its_signature(p: Proposal, _: ProvingGround) -> bytes:
    p.mint[NEVER.hash] = {b"": 1}
    p.scripts.append(NEVER)
    p.keys.append(STRANGER)
    return p.seal()


@refused(3103)
def native_script_before_its_time(p: Proposal, _: ProvingGround) -> bytes | None:
    if not any(lock.after for _, lock in p.needed_locks()):
        return None
    del p.fields[8]
    return p.seal()


@refused(3103)
def native_script_after_its_time(p: Proposal, _: ProvingGround) -> bytes | None:
    if not any(lock.before for _, lock in p.needed_locks()):
        return None
    del p.fields[3]
    return p.seal()


@refused(3116)
def malformed_script(p: Proposal, _: ProvingGround) -> bytes | None:
    """Its hash is what mints, so that nothing but its form is wrong."""
    if not p.collateral:
        return None
    code = b"\x45abcde"
    bad = Lock(script_hash(3, code), 3, code)
    p.scripts.append(bad)
    p.mint[bad.hash] = {b"": 1}
    p.redeemers[bad.hash] = [b"\x00", [2000, 400_000]]
    return p.seal()


@refused(3136)
def script_that_fails(p: Proposal, _: ProvingGround) -> bytes | None:
    """A policy that never agrees."""
    if not p.is_valid or not p.collateral:
        return None
    failing = FAILING_LOCKS[1]
    p.mint[failing.hash] = {b"": 1}
    if failing.hash not in p.brought_scripts():
        p.scripts.append(failing)
    p.redeemers[failing.hash] = [b"\x00", [2000, 400_000]]
    return p.seal()


@refused(3136)
def declared_to_fail_but_passes(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.is_valid:
        return None
    p.is_valid = False
    return p.seal()


@refused(3136)
def declared_to_pass_but_fails(p: Proposal, _: ProvingGround) -> bytes | None:
    if p.is_valid:
        return None
    p.is_valid = True
    return p.seal()


@refused(3109)
def redeemer_missing(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.redeemers:
        return None
    del p.redeemers[next(iter(p.redeemers))]
    return p.seal()


@refused(3110)
def redeemer_that_points_to_nothing(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.collateral:
        return None
    return _with_more_redeemers(p, {(1, 77): [0, [0, 0]]})


@refused(3110)
def redeemer_for_a_key(p: Proposal, _: ProvingGround) -> bytes | None:
    for index, ref in enumerate(sorted(p.inputs)):
        if p.collateral and lock_of(p.utxo[ref]).version is None:
            return _with_more_redeemers(p, {(0, index): [0, [0, 0]]})
    return None


def _with_more_redeemers(p: Proposal, more: dict[tuple[int, int], Any]) -> bytes:
    def step(witnesses: dict[int, Any]) -> None:
        witnesses[5] = p.written_redeemers({**p.pointers(), **more})

    return sealed_with_witnesses(p, step)


@accepted
def redeemers_as_an_array(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.redeemers:
        return None

    def step(witnesses: dict[int, Any]) -> None:
        rows = [[*pointer, *entry] for pointer, entry in p.pointers().items()]
        witnesses[5] = Code(p.form.write(rows))

    return sealed_with_witnesses(p, step)


@refused(3134)
def more_units_than_there_are(p: Proposal, _: ProvingGround) -> bytes | None:
    for entry in p.redeemers.values():
        entry[1][0] = 16_500_001
        return p.seal()
    return None


@refused(3136)
def units_one_step_short(p: Proposal, ground: ProvingGround) -> bytes | None:
    if not p.is_valid:
        return None
    which = ground.random.randrange(2)
    for subject, lock in p.needed_locks():
        if lock.units:
            p.redeemers[subject][1][which] -= 1
            return p.seal()
    return None


@accepted
def units_to_spare(p: Proposal, _: ProvingGround) -> bytes | None:
    for entry in p.redeemers.values():
        entry[1][0] += 1000
        return p.seal()
    return None


@refused(3111)
def datum_missing(p: Proposal, _: ProvingGround) -> bytes | None:
    for ref in p.inputs:
        digest = p.utxo[ref].datum_hash
        if lock_of(p.utxo[ref]).is_plutus and digest is not None:
            p.datums = [datum for datum in p.datums if hash256(datum) != digest]
            return p.seal()
    return None


@refused(3112)
def datum_of_nothing(p: Proposal, _: ProvingGround) -> bytes:
    p.datums.append(dumps(b"nothing has this"))
    return p.seal()


@accepted
def datum_of_an_output(p: Proposal, _: ProvingGround) -> bytes:
    p.datums.append(dumps(b"shown"))
    p.outputs.append([b"\x60" + KEY_LOCKS[0].hash, 2_000_000, hash256(dumps(b"shown"))])
    return p.seal()


@refused(3114)
def script_without_its_datum(p: Proposal, ground: ProvingGround) -> bytes | None:
    """An output of version 2 that has none."""
    for ref, output in ground.spendable.items():
        lock = lock_of(output)
        if lock.version == 2 and output.resolved_datum_hash is None and p.collateral:
            p.inputs.append(ref)
            if lock.hash not in p.brought_scripts() and lock not in p.scripts:
                p.scripts.append(lock)
            p.redeemers[ref] = [b"\x00", [2000, 400_000]]
            return p.seal()
    return None


@refused(3113)
def script_integrity_hash_of_something_else(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.redeemers and not p.datums:
        return None
    return sealed_with_body(p, lambda body: body.update({11: bytes(32)}))


@refused(3113)
def script_integrity_hash_missing(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.redeemers and not p.datums:
        return None
    return sealed_with_body(p, lambda body: body.pop(11))


@refused(3113)
def script_integrity_hash_of_nothing(p: Proposal, _: ProvingGround) -> bytes | None:
    if p.redeemers or p.datums:
        return None
    return sealed_with_body(p, lambda body: body.update({11: bytes(32)}))


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


@refused(-32602)
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
