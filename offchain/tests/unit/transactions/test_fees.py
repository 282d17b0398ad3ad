"""The ledger's amounts, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters, ReferenceScriptPrice
from milestones.cardano.value import AssetId, Value
from milestones.errors import InvalidInput
from milestones.transactions import fees
from milestones.transactions.draft import DraftOutput

PRICE = ReferenceScriptPrice(25_600, Fraction(15), Fraction(6, 5))
PLAIN = DraftOutput(address=Address(0, key_credential(bytes(28))))


@pytest.mark.parametrize(
    ("size", "fee"),
    [
        (0, 0),
        (1, 15),
        (25_600, 384_000),
        (25_601, 384_018),
        (51_200, 384_000 + 460_800),
        (51_201, 384_000 + 460_800 + 21),  # 21.6, rounded down
        (80_000, 384_000 + 460_800 + 552_960 + 82_944),
    ],
)
def test_reference_scripts_cost_more_tier_by_tier(size: int, fee: int) -> None:
    assert fees.reference_scripts_fee_lovelace(size, PRICE) == fee


def test_the_minimum_fee_adds_bytes_execution_and_reference_scripts(
    parameters: ProtocolParameters,
) -> None:
    fee = fees.minimum_fee_lovelace(
        size=1000,
        units=ExecutionUnits(1_000_001, 300_000_001),
        reference_scripts_size=2000,
        parameters=parameters,
    )
    # 57,700.0577 + 21,630.0000721 is rounded up as a sum, not term by term
    assert fee == 155_381 + 44_000 + 79_331 + 30_000


def test_a_plain_output_takes_the_minimum_known_from_mainnet(
    parameters: ProtocolParameters,
) -> None:
    # 82 581d <29 bytes> 1a <4 bytes>: 37 bytes, and 160 more
    assert len(PLAIN.with_lovelace(1_000_000).encoded()) == 37
    assert fees.min_lovelace(PLAIN, parameters) == (160 + 37) * 4310 == 849_070


def test_the_minimum_counts_the_bytes_of_its_own_amount(parameters: ProtocolParameters) -> None:
    for price in (1, 100, 4310, 40_000_000):
        dear = replace(parameters, lovelace_per_utxo_byte=price)
        least = fees.min_lovelace(PLAIN, dear)
        assert least == (160 + len(PLAIN.with_lovelace(least).encoded())) * price
        smaller = len(PLAIN.with_lovelace(least - 1).encoded())
        assert least - 1 < (160 + smaller) * price


def test_min_ada_raises_adds_or_ignores(parameters: ProtocolParameters) -> None:
    def settled(**fields: Any) -> int:
        output = replace(PLAIN, **fields)
        return fees.with_min_ada(output, parameters).value.lovelace

    assert settled(value=Value(5)) == 849_070
    assert settled(value=Value(2_000_000)) == 2_000_000
    assert settled(value=Value(2_000_000), min_ada="add") == 2_849_070
    assert settled(value=Value(5), min_ada="ignore") == 5
    # 4,294 ADA need nine bytes, four more than the deposit alone
    assert settled(value=Value(2**32 - 1), min_ada="add") == 2**32 - 1 + 849_070 + 4 * 4310


def test_tokens_datum_and_script_raise_the_minimum_by_their_bytes(
    parameters: ProtocolParameters,
) -> None:
    token = AssetId(bytes(28), b"name")
    for richer in (
        replace(PLAIN, value=Value(0, {token: 1})),
        replace(PLAIN, inline_datum=b"\xd8\x79\x80"),
        replace(PLAIN, datum_hash=bytes(32)),
        replace(PLAIN, script=Script("plutus:v3", bytes(100))),
        replace(PLAIN, script=Script("native", b"\x82\x00\x58\x1c" + bytes(28))),
    ):
        grown = len(richer.with_lovelace(10**6).encoded()) - 37
        assert grown > 0
        assert fees.min_lovelace(richer, parameters) == 849_070 + grown * 4310


def test_collateral_is_rounded_up(parameters: ProtocolParameters) -> None:
    assert fees.required_collateral_lovelace(200_000, parameters) == 300_000
    assert fees.required_collateral_lovelace(200_001, parameters) == 300_002


def test_a_reference_script_counts_once_per_distinct_input(
    make_utxo: Callable[..., Utxo],
) -> None:
    script = Script("plutus:v3", bytes(100))
    first = make_utxo(1, script=script, script_hash=script.hash())
    second = make_utxo(1, script=script, script_hash=script.hash())
    assert fees.reference_scripts_size([first, first, second, make_utxo(1)]) == 200


def test_a_script_whose_bytes_are_unknown_is_named(
    make_utxo: Callable[..., Utxo],
) -> None:
    utxo = make_utxo(1, script_hash=bytes(28))
    with pytest.raises(InvalidInput, match=str(utxo.reference)):
        fees.reference_scripts_size([utxo])
