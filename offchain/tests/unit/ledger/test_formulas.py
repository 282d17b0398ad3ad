"""Prices and hashes, against pycardano's where it is right and against worked examples elsewhere."""

from __future__ import annotations

import cbor2
import pycardano
import pytest

from milestones.cardano.parameters import ExecutionUnits
from milestones.cardano.value import AssetId, Value
from milestones.devnet.blocks import included
from milestones.devnet.ledger.fees import (
    execution_fee,
    minimum_fee,
    reference_script_fee,
    reference_scripts_size,
)
from milestones.devnet.ledger.parameters import Parameters
from milestones.devnet.ledger.resolved_transaction import resolve
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.ledger.utxo import value_size
from milestones.devnet.ledger.utxow import language_views, script_integrity_hash
from tests.support.raw_transactions import (
    ALICE,
    MODELS,
    YES_MINT,
    YES_SPEND,
    YES_V3,
    Draft,
    key_address,
    minting,
    payment,
    reference,
    script_ref,
    spending,
    wire,
)


@pytest.mark.parametrize(
    ("size", "fee"),
    [
        (0, 0),
        (1, 15),
        (25_600, 384_000),
        (25_601, 384_018),
        (51_200, 844_800),
        (51_201, 844_821),
        (204_800, 6_335_648),
    ],
)
def test_reference_scripts_get_dearer_by_the_tier(size: int, fee: int) -> None:
    """15 lovelace a byte for the first 25,600, then 18, then 21.6 rounded down, …"""
    assert reference_script_fee(size, Parameters()) == fee


def test_execution_is_priced_together_and_rounded_up_once() -> None:
    assert execution_fee(ExecutionUnits(1, 1), Parameters()) == 1
    assert execution_fee(ExecutionUnits(10_000, 0), Parameters()) == 577
    assert execution_fee(ExecutionUnits(10_000, 1), Parameters()) == 578


def test_every_output_brings_its_script_even_if_it_is_the_same() -> None:
    draft = payment()
    output = {0: key_address(ALICE), 1: 3_000_000, 3: script_ref(3, YES_V3)}
    draft.add_input(reference("spent"), output)
    draft.add_input(reference("one"), output, 18)
    draft.add_input(reference("two"), output, 18)
    resolved = resolve(decode_transaction(draft.seal()), draft.known(), draft.environment)
    assert reference_scripts_size(resolved) == 18
    both = payment()
    both.add_input(reference("both"), output)
    both.body[18] = [both.body[0][-1]]
    resolved = resolve(decode_transaction(both.seal()), both.known(), both.environment)
    assert reference_scripts_size(resolved) == 6


def test_a_worked_example_of_the_fee() -> None:
    """A payment of n bytes, its validity flag not counted, costs 44 n + 155,381."""
    draft = payment()
    raw = draft.seal()
    resolved = resolve(decode_transaction(raw), draft.known(), draft.environment)
    assert minimum_fee(resolved) == 44 * (len(raw) - 1) + 155_381


def pycardano_integrity(draft: Draft) -> bytes:
    witnesses = pycardano.TransactionWitnessSet.from_cbor(cbor2.dumps(draft.witnesses))
    models = {n - 1: dict(enumerate(MODELS[n])) for n in draft.languages}
    return bytes(
        pycardano.utils.script_data_hash(
            witnesses.redeemer, list(witnesses.plutus_data or []), pycardano.CostModels(models)
        ).payload
    )


@pytest.mark.parametrize(
    "draft", [spending(3, YES_V3), minting(3, YES_V3), spending(2, YES_SPEND), minting(2, YES_MINT)]
)
def test_the_script_integrity_hash_is_pycardanos(draft: Draft) -> None:
    resolved = resolve(decode_transaction(draft.seal()), draft.known(), draft.environment)
    assert script_integrity_hash(resolved) == pycardano_integrity(draft)


@pytest.mark.parametrize("versions", [{1}, {2}, {3}, {2, 3}])
def test_language_views_are_pycardanos(versions: set[int]) -> None:
    models = Parameters().cost_models
    theirs = pycardano.CostModels({n - 1: dict(enumerate(MODELS[n])) for n in versions})
    ours = language_views({f"plutus:v{n}" for n in versions}, models)
    assert ours.hex() == theirs.to_cbor_hex()


def test_version_1_comes_last_because_its_key_is_longer() -> None:
    """Where the versions mix, pycardano puts it first; the ledger's order is by length of the key."""
    models = {f"plutus:v{n}": (n,) for n in (1, 2, 3)}
    views = language_views(models.keys(), models)
    assert views.hex() == "a3" + "018102" + "028103" + "4100" + "439f01ff"


@pytest.mark.parametrize("count", [0, 1, 23, 24, 60])
def test_the_size_of_a_value(count: int) -> None:
    """The ledger writes long maps with indefinite length, which takes as much as a longer head."""
    tokens = {AssetId(bytes(28), bytes((n,))): 5 for n in range(count)}
    wire = [1_000_000, {bytes(28): {bytes((n,)): 5 for n in range(count)}}] if count else 1_000_000
    assert value_size(Value(1_000_000, tokens)) == len(cbor2.dumps(wire))


def test_a_block_counts_a_script_once_that_is_spent_and_referenced() -> None:
    draft = payment()
    (source,) = draft.utxo
    draft.utxo[source] = {0: key_address(ALICE), 1: 10_000_000, 3: script_ref(3, YES_V3)}
    draft.body[18] = [wire(source)]
    transaction = decode_transaction(draft.seal())
    assert included(draft.known(), transaction).reference_scripts_size == len(YES_V3)
