"""Choosing what to pay and cutting it into transactions: pure, from states and vaults."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.value import Value
from milestones.domain.allocation_table import ColumnTable
from milestones.domain.claims import Standing, standing
from milestones.domain.models import Allocation
from milestones.domain.paging import Paging
from milestones.errors import ExceededLimit, InvalidInput, LimitsExceeded, NotFound
from milestones.protocol.datums import VaultState
from milestones.services.distribution.on_chain import LiveVault
from milestones.services.paying.plan import Selection, choose, must_agree, plan
from milestones.services.sending.building import LargestFit


def person(number: int) -> Address:
    """Somebody's address."""
    return Address(0, key_credential(bytes([number]) * 28))


ALL = Selection(everything=True)


def standing_of(
    milestones: str,
    selection: Selection = ALL,
    *,
    claimed: Collection[int] = (),
    attested: str = "",
    signed: str = "",
) -> Standing:
    """Of an allocation for each letter, which is its milestone; person n has allocation n."""
    allocations = {
        number: Allocation(
            beneficiary_address=person(number),
            token_amount=1,
            milestone_identifier=milestone,
            vesting_timestamp=0,
        )
        for number, milestone in enumerate(milestones)
    }
    return standing(
        selection.among(ColumnTable.of(allocations)),
        claimed=claimed,
        attested=attested,
        now_posix_ms=1,
        signed=signed,
    )


@dataclass(frozen=True)
class Shown:
    """As much of the chain's state as a plan looks at."""

    vaults: tuple[LiveVault, ...]
    milestones: str
    page_depth: int

    @property
    def terms(self) -> Shown:
        """Has the depth of the pages."""
        return self

    @property
    def paging(self) -> Paging:
        """How the schedule is cut."""
        return Paging(self.page_depth, len(self.vaults))

    def attested(self) -> frozenset[str]:
        """Milestones on the chain."""
        return frozenset(self.milestones)


def vault(page: int, number: int, claimed: int = 0) -> LiveVault:
    """A vault; `claimed` is its bitmap."""
    reference = OutputReference(bytes([number]) * 32, 0)
    utxo = Utxo(reference, TransactionOutput(person(0).to_bech32(), Value()))
    return LiveVault(utxo, VaultState(bytes(28), page, 1, bytes([claimed])))


def planned(
    claims: Standing, *vaults: LiveVault, attested: str = "", page_depth: int = 1
) -> list[tuple[int, tuple[int, ...], str | None]]:
    """(first byte of the vault's id, allocations, what is attested) of each transaction."""
    shown: Any = Shown(vaults, attested, page_depth)
    return [
        (batch.vault.utxo.reference.transaction_id[0], batch.indices, batch.attests)
        for batch in plan(claims.due, shown)
    ]


def test_a_page_is_a_transaction() -> None:
    claims = standing_of("aaaa", attested="a")
    assert planned(claims, vault(0, 7), vault(1, 8), attested="a") == [
        (7, (0, 1), None),
        (8, (2, 3), None),
    ]


def test_what_is_to_be_attested_takes_the_attested_along() -> None:
    claims = standing_of("abc", attested="a", signed="bc")
    assert planned(claims, vault(0, 7), attested="a", page_depth=2) == [
        (7, (0, 1), "b"),
        (7, (2,), "c"),
    ]


def test_a_milestone_is_attested_once_for_all_pages() -> None:
    claims = standing_of("abab", signed="ab")
    assert planned(claims, vault(0, 7), vault(1, 8)) == [
        (7, (0,), "a"),
        (7, (1,), "b"),
        (8, (2, 3), None),
    ]


def test_of_two_vaults_of_a_page_each_pays_what_it_has_not_paid() -> None:
    claims = standing_of("aa", attested="a")
    assert planned(claims, vault(0, 7, 0b01), vault(0, 8, 0b10), attested="a") == [
        (7, (1,), None),
        (8, (0,), None),
    ]


def test_a_vault_that_is_not_shown_is_missed() -> None:
    with pytest.raises(NotFound, match="vault of page 1"):
        planned(standing_of("aaa", attested="a"), vault(0, 7), attested="a")


def test_an_index_among_others_that_can_not_be_paid_refuses_all() -> None:
    chosen = choose(standing_of("ab", Selection(indices=(0, 1)), attested="a"), strict=True)
    assert (chosen.refused, chosen.payable) == (1, {})


def test_what_is_still_to_come_says_more_than_what_is_paid() -> None:
    chosen = choose(standing_of("ab", claimed=(0,), attested="a"), strict=False)
    assert chosen.refused == 1


def test_after_something_was_sent_the_rest_may_be_nothing() -> None:
    claims = standing_of("ab", Selection(indices=(0, 1)), attested="a")
    chosen = choose(claims, strict=True, ours={0})
    assert chosen.refused is None
    assert [each.indices for each in chosen.waiting] == [(1,)]


@pytest.mark.parametrize(
    ("selection", "indices"),
    [
        (Selection(beneficiary=person(2)), [2]),
        (Selection(milestone="a"), [0, 2]),
        (Selection(beneficiary=person(2), milestone="a"), [2]),
        (Selection(everything=True), [0, 1, 2]),
        (Selection(indices=(1, 2)), [1, 2]),
    ],
)
def test_a_kind_is_paid(selection: Selection, indices: list[int]) -> None:
    must_agree(selection)
    chosen = choose(standing_of("aba", selection, attested="ab"), strict=False)
    assert list(chosen.payable) == indices


def test_a_kind_that_contradicts_itself_is_nobody() -> None:
    nobody = Selection(beneficiary=person(0), milestone="b")
    with pytest.raises(NotFound):
        choose(standing_of("ab", nobody, attested="ab"), strict=False)


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(everything=True, indices=(0,)),
        Selection(everything=True, milestone="a"),
        Selection(everything=True, beneficiary=person(0)),
    ],
)
def test_what_is_asked_for_must_make_sense(selection: Selection) -> None:
    with pytest.raises(InvalidInput):
        must_agree(selection)


def searched(total: int, least: int, room: int, maximum: int | None) -> tuple[int, list[int]]:
    """The largest count that is found where `room` fit, and all that were tried on the way."""
    fit, tried = LargestFit(total, least=least), []
    while not fit.found:
        tried.append(fit.count)
        if fit.count <= room:
            fit.fits()
        else:
            size = None if maximum is None else 50 + 10 * fit.count
            limit = ExceededLimit("size", size, maximum or 1, "bytes")
            fit.too_much(LimitsExceeded((limit,), {}))
    return fit.largest, tried


@pytest.mark.parametrize("least", [0, 1])
@pytest.mark.parametrize("room", range(12))
def test_the_largest_number_that_fits_is_found(room: int, least: int) -> None:
    if room < least:
        with pytest.raises(LimitsExceeded):
            searched(10, least, room, 50 + 10 * room)
        return
    largest, tried = searched(10, least, room, 50 + 10 * room)
    assert largest == min(room, 10)
    assert len(tried) == len(set(tried)) <= 5


def test_a_limit_of_unknown_excess_is_searched_too() -> None:
    largest, tried = searched(100, 1, 37, None)
    assert largest == 37
    assert largest in tried
    assert len(tried) == len(set(tried))
