"""Mutations of signatures, scripts, datums, redeemers, collateral and metadata."""

from __future__ import annotations

from typing import Any

import cbor2
from ledger_world import dumps, hash256, key_hash, script_hash
from mutations import (
    accepted,
    refused,
    sealed_with_body,
    sealed_with_signatures,
    sealed_with_witnesses,
)
from nacl.signing import SigningKey
from proposals import Proposal, value_of, with_lovelace
from proving_ground import ProvingGround, lock_of
from random_scripts import (
    FAILING_LOCKS,
    KEY_LOCKS,
    NATIVE_LOCKS,
    SPENDING_LOCKS,
    Code,
    Lock,
    native_lock,
)

STRANGER = SigningKey(b"\x99" * 32)
NEVER = native_lock([1, [[0, key_hash(STRANGER)]]], STRANGER)
UNUSED = native_lock([2, [[5, 99]]])


# -- signatures


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


# -- scripts


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
    for _, lock in p.needed_locks():
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


# -- redeemers and datums


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


# -- collateral


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


# -- metadata


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
