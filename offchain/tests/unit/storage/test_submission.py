"""What is kept of a transaction: change, facts out of its bytes, and chains that spend each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.value import AssetId, Value
from milestones.errors import InvalidEncoding
from milestones.storage.submission import (
    ChangeOutput,
    StatusChange,
    Submission,
    TransactionFacts,
    chains_of,
    id_of,
)

Make = Callable[..., Submission]
QUANTITIES = st.integers(1, (1 << 64) - 1)
ASSETS = st.builds(AssetId, st.binary(min_size=28, max_size=28), st.binary(max_size=32))
UTXOS = st.builds(
    Utxo,
    st.builds(OutputReference, st.binary(min_size=32, max_size=32), st.integers(0, 65535)),
    st.builds(
        TransactionOutput,
        st.from_type(Address).map(Address.to_bech32),
        st.builds(Value, QUANTITIES, st.dictionaries(ASSETS, QUANTITIES, max_size=4)),
    ),
)


@given(UTXOS)
def test_change_comes_back_as_it_was(utxo: Utxo) -> None:
    change = ChangeOutput.of(utxo)
    assert ChangeOutput.model_validate_json(change.model_dump_json()).utxo() == utxo


def test_the_bytes_say_the_rest(submission: Make) -> None:
    one = submission()
    facts = TransactionFacts.read(one.transaction_cbor)
    assert facts.transaction_id == one.transaction_id == id_of(one.transaction_cbor)
    assert (facts.inputs, facts.fee_lovelace, facts.size) == (one.inputs, 1000, one.size)
    assert (facts.valid_until_slot, facts.memory, facts.cpu) == (None, 0, 0)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: b"\x84\xa2\x00" + tail))
def test_other_bytes_are_refused_and_nothing_else_happens(raw: bytes) -> None:
    assert id_of(raw) is None or len(id_of(raw) or "") == 64
    with suppress(InvalidEncoding):
        TransactionFacts.read(raw)


@st.composite
def histories(draw: st.DrawFn) -> list[Submission]:
    """Transactions of which each may spend outputs of some before it, in any order."""
    parents: list[list[int]] = []
    for number in range(draw(st.integers(0, 12))):
        earlier = st.sampled_from(range(number)) if number else st.nothing()
        parents.append(draw(st.lists(earlier, max_size=3, unique=True)) if number else [])
    names = [bytes([number]) * 32 for number in range(len(parents))]
    made = [
        Submission(
            transaction_id=names[number].hex(),
            command="deploy",
            transaction_cbor=b"",
            inputs=tuple(OutputReference(names[each], 0) for each in spent),
            fee_lovelace=0,
            size=0,
            history=(StatusChange(status="submitted", at_posix_ms=number),),
        )
        for number, spent in enumerate(parents)
    ]
    return draw(st.permutations(made))


def _ancestors(one: Submission, by_id: dict[str, Submission]) -> set[str]:
    found: set[str] = set()
    waiting = [one]
    while waiting:
        for reference in waiting.pop().inputs:
            parent = reference.transaction_id.hex()
            if parent in by_id and parent not in found:
                found.add(parent)
                waiting.append(by_id[parent])
    return found


@given(histories())
def test_chains_hold_everything_once_and_rest_on_their_last(submissions: list[Submission]) -> None:
    by_id = {each.transaction_id: each for each in submissions}
    chains = chains_of(submissions)
    assert sorted(each.transaction_id for chain in chains for each in chain) == sorted(by_id)
    spent = {r.transaction_id.hex() for each in submissions for r in each.inputs}
    assert {chain[-1].transaction_id for chain in chains} == by_id.keys() - spent
    for chain in chains:
        rests_on = _ancestors(chain[-1], by_id)
        names = [each.transaction_id for each in chain]
        assert set(names[:-1]) <= rests_on
        for place, each in enumerate(chain):
            assert not _ancestors(each, by_id) & set(names[place:])


@given(histories(), st.data())
def test_asking_about_the_newest_alone_finds_all_that_are_in_blocks(
    submissions: list[Submission], data: st.DataObject
) -> None:
    """Against a plain model: a block has some, and whatever these rest upon."""
    by_id = {each.transaction_id: each for each in submissions}
    in_block: set[str] = set()
    for name in data.draw(st.sets(st.sampled_from(sorted(by_id) or [""]), max_size=4)):
        if name:
            in_block |= {name} | _ancestors(by_id[name], by_id)
    found: set[str] = set()
    waiting = chains_of(submissions)
    while waiting:
        chain = waiting.pop()
        if chain[-1].transaction_id in in_block:
            found |= {each.transaction_id for each in chain}
        else:
            waiting += chains_of(chain[:-1])
    assert found == in_block


def test_a_chain_may_be_long(submission: Make) -> None:
    links = [submission(0)]
    for number in range(1, 3000):
        parent = OutputReference(bytes.fromhex(links[-1].transaction_id), 0)
        links.append(submission(number, inputs=(parent,)))
    assert chains_of(reversed(links)) == [tuple(links)]


def test_entries_that_say_they_spend_each_other_are_not_lost(submission: Make) -> None:
    one, two = submission(1), submission(2)
    circle = [
        each.model_copy(
            update={"inputs": (OutputReference(bytes.fromhex(other.transaction_id), 0),)}
        )
        for each, other in ((one, two), (two, one))
    ]
    assert sum(map(len, chains_of(circle))) == 2


@pytest.mark.parametrize("raw", ["84a100", "84a10081a0f5f6", "84a20080021903e8a10581f6f5f6"])
def test_half_a_transaction_is_no_transaction(raw: str) -> None:
    with pytest.raises(InvalidEncoding):
        TransactionFacts.read(bytes.fromhex(raw))
