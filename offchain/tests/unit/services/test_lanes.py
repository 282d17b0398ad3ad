"""How a wallet is shared out among lanes: evenly, with nothing lost and nothing in two of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.value import AssetId, Value
from milestones.services.paying.lanes import LEAST_LOVELACE, Lanes

ADDRESS = Address(0, key_credential(b"\1" * 28)).to_bech32()


def output(number: int, lovelace: int, tokens: int = 0) -> Utxo:
    """An output of the wallet."""
    assets = {AssetId(b"\2" * 28, b"T"): tokens} if tokens else {}
    reference = OutputReference(number.to_bytes(32, "big"), 0)
    return Utxo(reference, TransactionOutput(ADDRESS, Value(lovelace, assets)))


@dataclass(frozen=True)
class Wallet:
    """As much of the funds as lanes look at."""

    utxos: tuple[Utxo, ...]


@dataclass(frozen=True)
class Context:
    """As much of what transactions are built with as lanes look at."""

    funds: Wallet
    built: tuple[Any, ...] = field(default=())

    def after(self, built: Any) -> Context:
        """Knows of one more transaction."""
        return replace(self, built=(*self.built, built))


@dataclass(frozen=True)
class Built:
    """A transaction that spends one output and leaves another."""

    spent: Utxo
    change: Utxo

    def wallet_after(self, wallet: list[Utxo]) -> tuple[Utxo, ...]:
        """The wallet after it."""
        return (*(each for each in wallet if each != self.spent), self.change)


def lanes(*utxos: Utxo, most: int = 8) -> Lanes:
    context: Any = Context(Wallet(utxos))
    return Lanes(context, most)


def wallets(found: Lanes) -> list[tuple[Utxo, ...]]:
    """What each lane can spend."""
    return [found.context(each).funds.utxos for each in found.numbers]


@pytest.mark.parametrize(
    ("count", "most", "expected"), [(1, 8, 1), (3, 8, 3), (20, 8, 8), (20, 1, 1), (0, 8, 1)]
)
def test_there_are_as_many_as_outputs_allow_and_each_output_is_in_one(
    count: int, most: int, expected: int
) -> None:
    every = [output(number, LEAST_LOVELACE + number) for number in range(count)]
    found = wallets(lanes(*every, most=most))
    assert len(found) == expected
    assert {each for wallet in found for each in wallet} == set(every)
    assert sum(map(len, found)) == count


def test_small_ones_and_those_with_tokens_make_no_lane_and_are_not_lost() -> None:
    large, small, tokens = output(1, 9_000_000), output(2, 1_000_000), output(3, 9_000_000, 5)
    other = output(4, 8_000_000)
    found = wallets(lanes(large, small, tokens, other))
    assert [set(each) for each in found] == [{large, small, tokens}, {other}]


def test_shares_are_even() -> None:
    sizes = [100, 10, 10, 10, 10, 10, 50]
    found = wallets(lanes(*(output(n, each * 1_000_000) for n, each in enumerate(sizes)), most=2))
    held = sorted(sum(u.output.value.lovelace for u in wallet) for wallet in found)
    assert held == [100_000_000, 100_000_000]


def test_a_lane_goes_on_with_its_own_change_and_all_know_of_it() -> None:
    found = lanes(output(1, 9_000_000), output(2, 8_000_000))
    built: Any = Built(output(1, 9_000_000), output(5, 7_000_000))
    found.go_on(0, built)
    assert wallets(found) == [(output(5, 7_000_000),), (output(2, 8_000_000),)]
    context: Any = found.context(1)
    assert context.built == (built,)


def test_merged_lanes_are_a_new_one_without_what_was_lost() -> None:
    found = lanes(*(output(number, 9_000_000) for number in range(3)))
    assert found.of_page(4) == 1
    assert found.merge(lost={1})
    assert found.numbers == (3,)
    assert found.of_page(4) == 3
    assert wallets(found) == [(output(0, 9_000_000), output(2, 9_000_000))]
    assert not found.merge()
