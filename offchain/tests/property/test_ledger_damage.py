"""Damaged transactions: whatever comes, the ledger answers with one of its own failures or accepts."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from milestones.cardano.value import Value
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.rules import check, effects
from milestones.devnet.ledger.transaction import Transaction, decode_transaction
from milestones.devnet.ogmios.failures import PRIORITY, rpc_failure
from milestones.devnet.ogmios.rpc import RpcFailure
from tests.support.raw_transactions import (
    YES_MINT,
    YES_SPEND,
    YES_V3,
    Draft,
    minting,
    payment,
    spending,
)

DRAFTS = (payment(), spending(3, YES_V3), spending(2, YES_SPEND, "hash"), minting(1, YES_MINT))
SEALED = tuple((draft, draft.seal()) for draft in DRAFTS)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Draft, bytes]:
    draft, raw = draw(st.sampled_from(SEALED))
    data = bytearray(raw)
    for _ in range(draw(st.integers(1, 3))):
        position = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(("set", "insert", "remove"))):
            case "set":
                data[position] = draw(st.integers(0, 255))
            case "insert":
                data[position:position] = draw(st.binary(min_size=1, max_size=9))
            case _:
                del data[position : position + draw(st.integers(1, 9))]
    return draft, bytes(data)


def judge(draft: Draft, raw: bytes) -> Transaction | RpcFailure:
    try:
        transaction = decode_transaction(raw)
        check(transaction, draft.known(), draft.environment)
    except TransactionRejected as rejected:
        return rpc_failure(rejected)
    return transaction


@given(damaged())
def test_damage_is_told_and_never_waved_through(case: tuple[Draft, bytes]) -> None:
    draft, raw = case
    verdict = judge(draft, raw)
    if isinstance(verdict, RpcFailure):
        assert verdict.rpc_code in PRIORITY
        assert verdict.message
    else:
        # What is signed is the body: only the rest can have changed.
        assert verdict.id in {decode_transaction(sealed).id for _, sealed in SEALED}


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x84\xa0\xa0\xf5\xf6")
@example(b"\x9f" * 10_000)
@example(b"\xd8\x18" * 5_000)
def test_noise_is_refused(raw: bytes) -> None:
    verdict = judge(payment(), raw)
    assert isinstance(verdict, RpcFailure)
    assert verdict.rpc_code == -32602


@given(st.lists(st.integers(1_000_000, 50_000_000), min_size=1, max_size=8), st.integers(0, 10**6))
def test_value_is_conserved_in_effect(amounts: list[int], fee: int) -> None:
    draft = payment()
    draft.utxo[next(iter(draft.utxo))][1] = sum(amounts) + 10_000_000
    draft.body[1] = [[draft.utxo[next(iter(draft.utxo))][0], amount] for amount in amounts]
    draft.fee = 200_000 + fee
    transaction = judge(draft, draft.seal())
    assert isinstance(transaction, Transaction), transaction
    spent, created = effects(transaction)
    known = draft.known()
    taken = sum((known[ref].value for ref in spent), Value())
    given_back = sum((output.value for output in created.values()), Value())
    assert taken == given_back + Value(draft.fee)
