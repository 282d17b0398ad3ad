"""What scripts are shown: random transactions, against another evaluator's own script contexts.

That evaluator judges whole transactions, over contexts that it makes by itself. Where it has no
objection, a script whose cost depends on every byte of its context must cost the same both ways.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.cardano.plutus_data import Constr, PlutusMap, encode
from milestones.devnet.ledger.rules import evaluate
from milestones.devnet.ledger.transaction import PURPOSES, decode_transaction
from tests.support import native_evaluator
from tests.support.random_scripts import (
    FINGERPRINT_MINT,
    FINGERPRINT_SPEND,
    FINGERPRINT_V3,
    WEIGH_MINT,
    WEIGH_SPEND,
)
from tests.support.raw_transactions import (
    ALICE,
    MODELS,
    SYSTEM_START_MS,
    YES_V3,
    Draft,
    Raw,
    dumps,
    inline,
    key_address,
    key_hash,
    minting,
    reference,
    script_ref,
    spending,
)

hashes = st.binary(min_size=28, max_size=28)
addresses = st.one_of(
    st.builds(lambda kind, a: bytes((kind,)) + a, st.sampled_from((0x60, 0x70)), hashes),
    st.builds(
        lambda kind, a, b: bytes((kind,)) + a + b,
        st.sampled_from((0x00, 0x10, 0x20, 0x30)),
        hashes,
        hashes,
    ),
)
quantities = st.integers(1, 2**63 - 1)
bundles = st.dictionaries(
    hashes, st.dictionaries(st.binary(max_size=32), quantities, min_size=1, max_size=3), max_size=3
)
plutus_data = st.recursive(
    st.one_of(st.integers(-(2**80), 2**80), st.binary(max_size=70)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.builds(Constr, st.integers(0, 200), st.lists(inner, max_size=3).map(tuple)),
        st.builds(PlutusMap, st.lists(st.tuples(inner, inner), max_size=2).map(tuple)),
    ),
    max_leaves=6,
)
data = plutus_data.map(lambda value: Raw(encode(value)))


keys = st.builds(lambda digest: [0, digest], hashes)
coins = st.integers(0, 10**12)
dreps = st.one_of(keys, st.builds(lambda digest: [1, digest], hashes), st.sampled_from(([2], [3])))


def certificates(version: int) -> st.SearchStrategy[list[Any]]:
    """Of keys; what is Conway's own is shown to version 3 alone."""
    shapes: list[tuple[Any, ...]] = [(0, keys), (1, keys), (2, keys, hashes)]
    if version == 3:
        shapes += [(9, keys, dreps), (10, keys, hashes, dreps)]
        shapes += [(11, keys, hashes, coins), (12, keys, dreps, coins)]
        shapes += [(13, keys, hashes, dreps, coins), (17, keys, coins)]
        shapes += [(16, keys, coins, st.none()), (18, keys, st.none())]
    return st.one_of(
        *(st.tuples(st.just(kind), *parts).map(list) for kind, *parts in shapes),
    )


@st.composite
def outputs(draw: st.DrawFn, *, datums: bool) -> Any:
    value = [draw(st.integers(2_000_000, 10**12)), draw(bundles)]
    output: dict[int, Any] = {0: draw(addresses), 1: value if value[1] else value[0]}
    kind = draw(st.sampled_from(("none", "hash", "inline") if datums else ("none", "hash")))
    if kind == "hash":
        output[2] = [0, draw(st.binary(min_size=32, max_size=32))]
    elif kind == "inline":
        output[2] = inline(draw(data))
    return output


@st.composite
def drafts(draw: st.DrawFn, version: int) -> Draft:
    datums = version > 1
    if draw(st.booleans()):
        draft = minting(version, {1: WEIGH_MINT, 2: FINGERPRINT_MINT, 3: FINGERPRINT_V3}[version])
    else:
        script = {1: WEIGH_SPEND, 2: FINGERPRINT_SPEND, 3: FINGERPRINT_V3}[version]
        draft = spending(version, script, "inline" if datums else "hash")
    draft.balanced = False
    pointers = draft.witnesses[5]
    for number, output in enumerate(draw(st.lists(outputs(datums=datums), max_size=3))):
        payment = b"\x60" + output[0][1:29]
        draft.add_input(reference("more", number), {**output, 0: payment + output[0][29:]})
        draft.utxo[reference("more", number)][0] = b"\x60" + key_hash(ALICE)
    draft.body[1] = [*draft.body[1], *draw(st.lists(outputs(datums=datums), max_size=3))]
    draft.body[0] = draw(st.permutations(draft.body[0]))
    draft.witnesses[5] = {
        (tag, _index(draft, tag, index)): entry for (tag, index), entry in pointers.items()
    }
    draft.witnesses[5] = {k: [draw(data), v[1]] for k, v in draft.witnesses[5].items()}
    if version > 1:
        for number, output in enumerate(draw(st.lists(outputs(datums=True), max_size=2))):
            draft.add_input(reference("shown", number), output, 18)
    for bound in draw(st.sets(st.sampled_from((3, 8)))):
        draft.body[bound] = draw(st.integers(0, 10**8))
    if signers := draw(st.lists(hashes, unique=True, max_size=3)):
        draft.body[14] = signers
    if chosen := draw(st.lists(certificates(version), max_size=3, unique_by=dumps)):
        draft.body[4] = chosen
    owners = st.builds(lambda digest: b"\xe0" + digest, hashes)
    if withdrawals := draw(st.dictionaries(owners, st.integers(0, 10**12), max_size=3)):
        draft.body[5] = withdrawals
    if extra := draw(st.lists(data, max_size=2, unique=True)):
        known = draft.witnesses.get(4, [])
        draft.witnesses[4] = [*known, *(datum for datum in extra if datum not in known)]
    return draft


def _index(draft: Draft, tag: int, index: int) -> int:
    """Where the script's input has moved to."""
    if tag == 1:
        return index
    locked = reference("locked")
    return sorted(tuple(each) for each in draft.body[0]).index(
        (locked.transaction_id, locked.index)
    )


def evaluated_as_a_whole(draft: Draft) -> dict[RedeemerPointer, ExecutionUnits]:
    """The library's own verdict on the whole transaction."""
    raw = draft.seal()
    body = decode_transaction(raw).body
    refs = (*body.inputs, *body.reference_inputs)
    answer = native_evaluator.on_deep_stack(
        lambda: native_evaluator.call(
            "eval_phase_two",
            raw.hex().encode(),
            cbor2.dumps([[ref.transaction_id, ref.index] for ref in refs]).hex().encode(),
            dumps([draft.utxo[ref] for ref in refs]).hex().encode(),
            cbor2.dumps({n - 1: list(model) for n, model in MODELS.items()}).hex().encode(),
            native_evaluator.Budget(10**9, 10**12),
            native_evaluator.SlotConfig(1000, 0, SYSTEM_START_MS),
        )
    )
    assert answer["status"] == "SUCCESS", answer["error"]
    redeemers = cbor2.loads(bytes.fromhex(answer["redeemer_cbor"]))
    return {RedeemerPointer(PURPOSES[t], i): ExecutionUnits(*units) for t, i, _, units in redeemers}


def check_agreement(draft: Draft) -> None:
    ours = evaluate(decode_transaction(draft.seal()), draft.known(), draft.environment)
    assert dict(ours) == evaluated_as_a_whole(draft)


@given(drafts(3))
def test_version_3(draft: Draft) -> None:
    check_agreement(draft)


@given(drafts(2))
def test_version_2(draft: Draft) -> None:
    check_agreement(draft)


@given(drafts(1))
def test_version_1(draft: Draft) -> None:
    """Version 1 can't hash its context; the scripts weigh it."""
    check_agreement(draft)


def test_the_fingerprint_tells_contexts_apart() -> None:
    """One slot later, one lovelace more: other units."""
    base, later, richer = (spending(3, FINGERPRINT_V3) for _ in range(3))
    base.body[8], later.body[8], richer.body[8] = 10, 11, 10
    richer.fee += 1
    seen = {tuple(dict(_units(draft)).values()) for draft in (base, later, richer)}
    assert len(seen) == 3


def test_a_reference_script_is_shown_by_its_hash() -> None:
    """The library refuses an unneeded one; shown or not must make a difference."""
    plain, carrying = spending(3, FINGERPRINT_V3), spending(3, FINGERPRINT_V3)
    plain.add_input(reference("script"), {0: key_address(ALICE), 1: 2_000_000}, 18)
    output = {0: key_address(ALICE), 1: 2_000_000, 3: script_ref(3, YES_V3)}
    carrying.add_input(reference("script"), output, 18)
    assert _units(plain) != _units(carrying)


def test_a_needed_reference_script_is_shown_as_the_library_shows_it() -> None:
    draft = spending(3, FINGERPRINT_V3)
    output = {0: key_address(ALICE), 1: 3_000_000, 3: script_ref(3, FINGERPRINT_V3)}
    draft.add_input(reference("script"), output, 18)
    del draft.witnesses[7]
    check_agreement(draft)


@pytest.mark.parametrize("kind", [7, 8])
def test_the_library_shows_no_deposit_of_a_plain_registration_as_protocol_9_did(kind: int) -> None:
    draft = spending(3, FINGERPRINT_V3)
    draft.balanced = False
    draft.body[4] = [[kind, [0, key_hash(ALICE)], 2_000_000]]
    library = evaluated_as_a_whole(draft)
    assert dict(_units(draft)) != library
    bootstrap = draft.environment.parameters.with_changes(protocol_version=(9, 0))
    draft.environment = replace(draft.environment, parameters=bootstrap)
    assert dict(_units(draft)) == library


def _units(draft: Draft) -> list[tuple[RedeemerPointer, ExecutionUnits]]:
    return evaluate(decode_transaction(draft.seal()), draft.known(), draft.environment)
