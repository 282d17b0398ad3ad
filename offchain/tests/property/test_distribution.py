"""Distributions: leaves, ids, proofs, checks against the terms, claim files and deposits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycardano import (
    Address as PycardanoAddress,
)
from pycardano import (
    MultiAsset,
    RawCBOR,
    TransactionOutput,
)
from pycardano import (
    Value as PycardanoValue,
)

from milestones.cardano import encoding
from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.prices import min_lovelace
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.domain.merkle import root_of_proof
from milestones.domain.models import Allocation, MilestoneSchedule
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidInput, InvalidSchedule, NotFound
from milestones.protocol.claim_file import make_claim_file, open_claim_file, parse_claim_file
from milestones.protocol.datums import attestation_token_name
from milestones.protocol.deposits import estimated_deposits, payout_min_lovelace
from milestones.protocol.distribution import Distribution
from milestones.protocol.leaves import leaf_of
from milestones.protocol.validator_loader import Contract

PRICE = 4310
ALLOCATION = Allocation(
    beneficiary_address=Address(0, key_credential(b"k" * 28), key_credential(b"s" * 28)),
    token_amount=258,
    milestone_identifier="milestone-001",
    vesting_timestamp=1735689600,
)


def with_depth(schedule: MilestoneSchedule, depth: int | None) -> MilestoneSchedule:
    return schedule.model_copy(update={"page_depth": depth})


@st.composite
def paged(draw: st.DrawFn) -> MilestoneSchedule:
    """Schedules over one page or several."""
    schedule = draw(st.from_type(MilestoneSchedule))
    return with_depth(schedule, draw(st.sampled_from((None, 2, 3, 5))))


def test_every_byte_of_a_leaf() -> None:
    key, staking = b"k".hex() * 28, b"s".hex() * 28
    address = f"d8799fd8799f581c{key}ff" + f"d8799fd8799fd8799f581c{staking}ffffff" + "ff"
    preimage = f"9f{address}d879804d{b'milestone-001'.hex()}1b{1735689600000:016x}ff"
    digest = blake2b_224(bytes.fromhex("00" + preimage))
    assert leaf_of(ALLOCATION) == digest + bytes.fromhex("0000000000000102")


@pytest.mark.parametrize(
    "changes",
    [
        {"token_amount": 259},
        {"milestone_identifier": "milestone-002"},
        {"vesting_timestamp": 1735689601},
        {"beneficiary_address": Address(0, key_credential(b"k" * 28))},
        {"datum": b"\xd8\x79\x80"},
        {"datum_hash": b"h" * 32},
    ],
)
def test_a_leaf_binds_everything_of_its_allocation(changes: dict[str, Any]) -> None:
    assert leaf_of(ALLOCATION.model_copy(update=changes)) != leaf_of(ALLOCATION)


@given(paged())
def test_the_schedule_gives_the_same_distribution_again(
    contract: Contract, schedule: MilestoneSchedule
) -> None:
    distribution = Distribution.from_schedule(schedule, contract)
    written = distribution.schedule().model_dump(mode="json")
    again = Distribution.from_schedule(parse_schedule(written), contract)
    assert (again.id, again.address) == (distribution.id, distribution.address)
    assert again.allocations == distribution.allocations


@given(paged(), st.data())
def test_proofs_of_any_allocations_of_a_page(
    contract: Contract, schedule: MilestoneSchedule, data: st.DataObject
) -> None:
    distribution = Distribution.from_schedule(schedule, contract)
    chosen = data.draw(st.sets(st.sampled_from(range(len(distribution.allocations))), min_size=1))
    depth = distribution.terms.page_depth
    for page, indices in distribution.by_page(chosen).items():
        assert all(distribution.place(n) == (page, n - (page << depth)) for n in indices)
        leaves = {n - (page << depth): distribution.leaf(n) for n in indices}
        proof = distribution.proof(indices)
        assert root_of_proof(depth, leaves, proof) == distribution.terms.pages[page]


@given(paged())
def test_terms_and_schedule_that_belong_together_pass_the_check(
    contract: Contract, schedule: MilestoneSchedule
) -> None:
    distribution = Distribution.from_schedule(schedule, contract)
    checked = Distribution.check(distribution.terms, contract, schedule.beneficiary_allocations)
    assert (checked.id, checked.allocations) == (distribution.id, distribution.allocations)
    vaults = distribution.fresh_vaults()
    assert sum(vault.remaining for vault in vaults) == schedule.total_token_amount
    assert distribution.claimed(vaults) == frozenset()


@given(paged(), st.data())
def test_a_schedule_with_one_change_does_not(
    contract: Contract, schedule: MilestoneSchedule, data: st.DataObject
) -> None:
    distribution = Distribution.from_schedule(schedule, contract)
    allocations = list(schedule.beneficiary_allocations)
    place = data.draw(st.integers(0, len(allocations) - 1))
    allocations[place] = allocations[place].model_copy(
        update={"token_amount": allocations[place].token_amount + 1}
    )
    with pytest.raises(InvalidSchedule) as caught:
        Distribution.check(distribution.terms, contract, allocations)
    assert caught.value.details["pages"] == [place >> distribution.terms.page_depth]


@given(paged())
def test_a_schedule_that_is_too_short_or_too_long_is_refused(
    contract: Contract, schedule: MilestoneSchedule
) -> None:
    terms = Distribution.from_schedule(schedule, contract).terms
    allocations = tuple(schedule.beneficiary_allocations)
    with pytest.raises(InvalidSchedule, match="differ"):
        Distribution.check(terms, contract, allocations[:-1])
    room = len(terms.pages) << terms.page_depth
    with pytest.raises(InvalidSchedule, match=f"room for {room}"):
        Distribution.check(terms, contract, allocations * (room + 1))


@given(paged(), st.data())
def test_claimed_allocations_are_found_in_their_vaults(
    contract: Contract, schedule: MilestoneSchedule, data: st.DataObject
) -> None:
    distribution = Distribution.from_schedule(schedule, contract)
    paid = data.draw(st.sets(st.sampled_from(range(len(distribution.allocations)))))
    vaults = list(distribution.fresh_vaults())
    for page, indices in distribution.by_page(paid).items():
        vaults[page] = vaults[page].after([distribution.place(n)[1] for n in indices], 0)
    assert distribution.claimed(vaults) == paid


@pytest.mark.parametrize("amount", [0, -1, 1 << 62, 1 << 63])
def test_amounts_that_no_tree_can_hold_are_another_schedule(
    contract: Contract, amount: int
) -> None:
    distribution = two_pages(contract)
    wrong = ALLOCATION.model_copy(update={"token_amount": amount})
    with pytest.raises(InvalidSchedule, match="not the one that the terms promise"):
        Distribution.check(distribution.terms, contract, [wrong, wrong, ALLOCATION])


def two_pages(contract: Contract) -> Distribution:
    schedule = MilestoneSchedule.model_validate(
        {
            "token_policy_id": b"p" * 28,
            "token_name": b"",
            "beneficiary_allocations": (ALLOCATION,) * 3,
            "oracle_addresses": (ALLOCATION.beneficiary_address,),
            "quorum_threshold": 1,
            "creator": ALLOCATION.beneficiary_address,
            "irrevocable": True,
            "contract_metadata": {"created_at": 0, "network_magic": 42},
            "page_depth": 1,
        }
    )
    return Distribution.from_schedule(schedule, contract)


def test_allocations_that_do_not_exist_or_share_no_page(contract: Contract) -> None:
    distribution = two_pages(contract)
    with pytest.raises(NotFound, match="no allocation 3"):
        distribution.leaf(3)
    with pytest.raises(InvalidInput, match="one page"):
        distribution.proof([0, 2])
    with pytest.raises(InvalidInput, match="one page"):
        distribution.proof([])


def test_names_of_the_tokens(contract: Contract) -> None:
    distribution = two_pages(contract)
    assert distribution.terms_token == AssetId(contract.policy_id, b"TERM" + distribution.id)
    assert distribution.vault_token == AssetId(contract.policy_id, b"VALT" + distribution.id)
    digest = blake2b_224(distribution.id + "étape".encode())
    assert distribution.attestation_token("étape").asset_name == b"ATST" + digest
    assert attestation_token_name(distribution.id, b"x") != attestation_token_name(b"y" * 28, b"x")


def test_times_in_a_schedule_file_are_rounded_down_to_seconds(contract: Contract) -> None:
    distribution = two_pages(contract)
    odd = replace(distribution.terms, reclaim_after_posix_ms=1500)
    checked = Distribution.check(odd, contract, list(distribution.allocations.values()))
    assert checked.schedule().reclaim_after == 1


@given(paged(), st.data())
def test_a_claim_file_is_enough_for_its_own_allocations(
    contract: Contract, schedule: MilestoneSchedule, data: st.DataObject
) -> None:
    whole = Distribution.from_schedule(schedule, contract)
    mine = data.draw(st.sets(st.sampled_from(range(len(whole.allocations))), min_size=1))
    written = make_claim_file(whole, sorted(mine)).model_dump(mode="json")
    partial = open_claim_file(parse_claim_file(written), whole.terms, contract)
    assert set(partial.allocations) == mine
    assert (partial.id, partial.address, partial.complete) == (whole.id, whole.address, False)
    for indices in partial.by_page(mine).values():
        assert partial.proof(indices) == whole.proof(indices)
    known = partial.schedule().beneficiary_allocations
    assert [leaf_of(allocation) for allocation in known] == [whole.leaf(n) for n in sorted(mine)]
    strangers = set(whole.allocations) - mine
    if strangers:
        with pytest.raises(NotFound, match="not in this claim file"):
            partial.proof([min(strangers)])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token_amount": 259}, "does not lead to the root"),
        ({"token_amount": -1}, "outside 0 to"),
        ({"token_amount": 1 << 63}, "outside 0 to"),
        ({"beneficiary_index": 2}, "does not lead to the root"),
        ({"beneficiary_index": 4}, "no allocation 4"),
        ({"beneficiary_index": -1}, "no allocation -1"),
        ({"proof": "00" * 36}, "does not lead to the root"),
        ({"proof": "00" * 35}, "35 bytes"),
        ({"proof": ""}, "0 bytes"),
    ],
)
def test_a_claim_file_with_one_change_is_refused(
    contract: Contract, changes: dict[str, Any], words: str
) -> None:
    whole = two_pages(contract)
    raw = make_claim_file(whole, [0, 1]).model_dump(mode="json")
    assert open_claim_file(parse_claim_file(raw), whole.terms, contract).id == whole.id
    raw["allocations"][1].update(changes)
    with pytest.raises(InvalidSchedule, match=words) as caught:
        open_claim_file(parse_claim_file(raw), whole.terms, contract)
    assert caught.value.path == "allocations[1]"


def test_a_claim_file_of_another_distribution_is_refused(contract: Contract) -> None:
    whole = two_pages(contract)
    other = replace(whole.terms, quorum_threshold=1, reclaim_after_posix_ms=5)
    with pytest.raises(InvalidSchedule, match="another distribution"):
        open_claim_file(make_claim_file(whole, [0]), other, contract)


VALUES = st.builds(
    Value,
    st.integers(0, 1 << 50),
    st.dictionaries(
        st.builds(AssetId, st.sampled_from((b"p" * 28, b"q" * 28)), st.binary(max_size=32)),
        st.integers(1, 1 << 62),
        max_size=5,
    ),
)


@given(st.from_type(Address), VALUES, st.none() | st.binary(min_size=1, max_size=80))
def test_outputs_have_the_size_that_pycardano_gives_them(
    address: Address, value: Value, datum: bytes | None
) -> None:
    assets: dict[bytes, dict[bytes, int]] = {}
    for asset, quantity in value.assets.items():
        assets.setdefault(asset.policy_id, {})[asset.asset_name] = quantity
    theirs = TransactionOutput(
        PycardanoAddress.from_primitive(address.to_bytes()),
        PycardanoValue(value.lovelace, MultiAsset.from_primitive(assets)),
        datum=None if datum is None else RawCBOR(datum),
        post_alonzo=datum is not None,
    )
    assert len(encoding.output(address, value, inline_datum=datum)) == len(theirs.to_cbor())


@given(st.from_type(Address), VALUES, st.none() | st.binary(max_size=600))
def test_the_minimum_just_covers_the_output_that_holds_it(
    address: Address, value: Value, datum: bytes | None
) -> None:
    def encoded(lovelace: int) -> bytes:
        return encoding.output(address, Value(lovelace, value.assets), inline_datum=datum)

    def needed(least: int) -> int:
        return (160 + len(encoded(value.lovelace + least))) * PRICE

    least = min_lovelace(encoded, PRICE, held_lovelace=value.lovelace)
    assert least >= needed(least)
    assert least - 1 < needed(least - 1)


def test_an_enterprise_payout_of_ada_needs_what_the_ledger_asks() -> None:
    address = Address(0, key_credential(b"k" * 28))
    size = 1 + (2 + 29) + 5
    payout = Allocation(
        beneficiary_address=address,
        token_amount=5,
        milestone_identifier="milestone-001",
        vesting_timestamp=0,
    )
    assert payout_min_lovelace(payout, LOVELACE, PRICE) == (160 + size) * PRICE
    with_hash = payout.model_copy(update={"datum_hash": bytes(32)})
    assert payout_min_lovelace(with_hash, LOVELACE, PRICE) == (160 + size + 34) * PRICE


def test_deposits_name_every_output(contract: Contract) -> None:
    distribution = two_pages(contract)
    deposits = estimated_deposits(distribution, PRICE)
    assert len(deposits.vaults_lovelace) == 2
    assert deposits.opening_lovelace == deposits.terms_lovelace + sum(deposits.vaults_lovelace)
    assert set(deposits.attestations_lovelace) == {"milestone-001"}
    assert 1_500_000 < deposits.terms_lovelace < 2_800_000
    assert all(1_500_000 < vault < 2_000_000 for vault in deposits.vaults_lovelace)
