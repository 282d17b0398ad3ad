"""Whatever is asked and whatever the wallet holds: nothing is lost, nothing is overpaid."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pycardano
from hypothesis import given, settings
from hypothesis import strategies as st

from milestones.cardano import cbor
from milestones.cardano.address import Address, script_credential
from milestones.cardano.cbor import Item
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference, Script, TransactionOutput, Utxo
from milestones.cardano.parameters import ExecutionUnits, ReferenceScriptPrice
from milestones.cardano.value import AssetId, Value
from milestones.errors import InsufficientFunds
from milestones.keys.key_files import SigningKey
from milestones.transactions.draft import DraftOutput, Mint, Spend, TransactionDraft
from milestones.transactions.hardware import hardware_faults
from milestones.transactions.signing import SignedTransaction, sign
from milestones.transactions.tx_builder import balance
from tests.support.mainnet_prices import MAINNET

KEY = SigningKey.from_bytes(bytes(32))
ADDRESS = KEY.address(0)
SCRIPT = Script("plutus:v3", cbor.encode_bytes(bytes(60)))
LOCKED = Address(0, script_credential(SCRIPT.hash()))
PARAMETERS = replace(
    MAINNET,
    # Small, so that random transactions come to both sides.
    min_fee_reference_scripts=ReferenceScriptPrice(50, Fraction(15), Fraction(6, 5)),
    max_value_size=120,
)
TOLERANCE_LOVELACE = 100

ASSETS = [AssetId(bytes([n]) * 28, name) for n in range(3) for name in (b"", b"zz", b"token")]
PLENTY = [Value(5_000_000), Value(10**10, dict.fromkeys(ASSETS, 10**6))]

assets = st.sampled_from(ASSETS)
tokens = st.dictionaries(assets, st.integers(1, 10**12), max_size=4)
lovelace = st.one_of(
    st.integers(1, 3_000_000),
    st.integers(3_000_000, 10**11),
    st.integers(2**32 - 2_000_000, 2**32 + 2_000_000),  # where its encoding grows by four bytes
)
values = st.builds(Value, lovelace, tokens)
small_values = st.builds(
    Value, st.integers(0, 5_000_000), st.dictionaries(assets, st.integers(1, 100), max_size=2)
)


def utxo(
    number: int, value: Value, address: Address = ADDRESS, script: Script | None = None
) -> Utxo:
    output = TransactionOutput(
        str(address),
        value,
        inline_datum=b"\x00" if address == LOCKED else None,
        script=script,
        script_hash=script.hash() if script else None,
    )
    return Utxo(OutputReference(bytes([number]) * 32, number), output)


@st.composite
def wallets(draw: st.DrawFn) -> list[Utxo]:
    held = draw(st.lists(values, min_size=1, max_size=8))
    held += draw(st.sampled_from([[], PLENTY, PLENTY[1:]]))
    places = draw(st.permutations(range(100, 100 + len(held))))
    return [utxo(place, value) for place, value in zip(places, held, strict=True)]


@st.composite
def drafts(draw: st.DrawFn) -> TransactionDraft:
    locked = draw(st.lists(small_values, max_size=2))
    minted = draw(st.dictionaries(st.binary(max_size=4), st.integers(1, 50), max_size=3))
    published = utxo(250, Value(20_000_000), LOCKED, SCRIPT)
    outputs = [
        DraftOutput(address=ADDRESS, value=value)
        for value in draw(st.lists(small_values, max_size=3))
    ]
    return TransactionDraft(
        spends=tuple(Spend(utxo(n, value, LOCKED), b"\x00") for n, value in enumerate(locked, 1)),
        mints=(Mint(SCRIPT.hash(), minted, b"\x01"),) if minted else (),
        outputs=tuple(outputs),
        reference_inputs=(published,) if locked or minted else (),
        required_signers=tuple(draw(st.lists(st.binary(min_size=28, max_size=28), max_size=1))),
        metadata=draw(st.dictionaries(st.integers(0, 2**40), st.just(b"\x61a"), max_size=2)),
    )


@st.composite
def units(draw: st.DrawFn) -> ExecutionUnits:
    return ExecutionUnits(draw(st.integers(0, 3_000_000)), draw(st.integers(0, 10**9)))


def signed(
    draft: TransactionDraft, wallet: list[Utxo], spent: ExecutionUnits
) -> SignedTransaction | None:
    """The transaction, or None where the wallet can't pay for it."""
    try:
        exact = balance(draft, parameters=PARAMETERS, wallet=wallet, change_address=ADDRESS)
        while exact.needs_evaluation:
            exact = exact.with_units(dict.fromkeys(exact.assembly.redeemers(), spent))
    except InsufficientFunds:
        return None
    strangers = len(exact.key_hashes - {KEY.key_hash})
    return sign(
        exact, [KEY, *(SigningKey.from_bytes(bytes([n + 1]) * 32) for n in range(strangers))]
    )


def least_fee(
    transaction: SignedTransaction, runs: int, spent: ExecutionUnits, scripts: int
) -> int:
    """The ledger's formula, written down once more: 50-byte tiers of 15 and then 18 lovelace."""
    execution = Fraction(577 * spent.memory * runs, 10_000) + Fraction(
        721 * spent.cpu * runs, 10**7
    )
    references = min(scripts, 50) * 15 + max(0, scripts - 50) * 18
    return 155_381 + 44 * (len(transaction.cbor) - 1) - (-execution // 1) + references


@settings(max_examples=150, deadline=None)
@given(drafts(), wallets(), units(), st.sampled_from([None, 0, 1, 2**40]))
def test_devices_and_wallets_that_encode_it_anew_sign_the_same_id(
    draft: TransactionDraft, wallet: list[Utxo], spent: ExecutionUnits, slot: int | None
) -> None:
    """Canonical in all parts, and without the fields that some of them drop: 8 of 0, and 15."""
    draft = replace(draft, valid_from_slot=slot)
    transaction = signed(draft, wallet, spent)
    if transaction is None:
        return
    assert hardware_faults(transaction.cbor) == ()
    body = pycardano.Transaction.from_cbor(transaction.cbor).transaction_body
    assert (body.validity_start, body.network_id) == (slot or None, None)


@settings(max_examples=150, deadline=None)
@given(drafts(), wallets(), units())
def test_a_balanced_transaction_keeps_every_rule_of_amounts(
    draft: TransactionDraft, wallet: list[Utxo], spent: ExecutionUnits
) -> None:
    transaction = signed(draft, wallet, spent)
    if transaction is None:
        return
    runs = draft.script_runs()
    made = sum((each.output.value for each in transaction.outputs), Value(transaction.fee_lovelace))
    assert sum((each.output.value for each in transaction.inputs), draft.minted()) == made

    least = least_fee(transaction, runs, spent, len(SCRIPT.code) if runs else 0)
    grows_there = any(
        abs(each.output.value.lovelace - 2**32) < 10_000 for each in transaction.change
    )
    assert least <= transaction.fee_lovelace
    assert transaction.fee_lovelace <= least + TOLERANCE_LOVELACE or grows_there

    references = [each.reference for each in transaction.inputs]
    assert references == sorted(set(references))

    read = pycardano.Transaction.from_cbor(transaction.cbor).transaction_body
    assert blake2b_256(cbor.read(transaction.cbor).array()[0].raw) == transaction.id
    raw_outputs = outputs_of(transaction.cbor)
    for output, raw in zip(transaction.outputs, raw_outputs, strict=True):
        assert output.output.value.lovelace >= (160 + len(raw.raw)) * 4310
        assert all(quantity > 0 for quantity in output.output.value.assets.values())
    for raw in raw_outputs[len(draft.outputs) :]:
        assert len(raw.array()[1].raw) <= 120
    check_collateral(read, wallet, transaction, runs)


def outputs_of(transaction: bytes) -> tuple[Item, ...]:
    """The outputs as they stand in the transaction."""
    body = cbor.read(transaction).array()[0]
    return {key.integer(): value for key, value in body.pairs()}[1].array()


def check_collateral(
    body: pycardano.TransactionBody, wallet: list[Utxo], transaction: SignedTransaction, runs: int
) -> None:
    if not runs:
        assert body.collateral is None
        return
    by_reference = {each.reference: each.output.value for each in wallet}
    pledged = [
        by_reference[OutputReference(each.transaction_id.payload, each.index)]
        for each in body.collateral
    ]
    assert 1 <= len(pledged) <= 3
    total = sum(pledged, Value())
    returned = Value()
    if body.collateral_return is not None:
        amount = body.collateral_return.amount
        held = {
            AssetId(policy.payload, name.payload): quantity
            for policy, names in (amount.multi_asset or {}).items()
            for name, quantity in names.items()
        }
        returned = Value(amount.coin, held)
        assert body.total_collateral == (total - returned).lovelace
    at_stake = total - returned
    assert not at_stake.assets
    assert at_stake.lovelace * 100 >= transaction.fee_lovelace * 150
    assert at_stake.lovelace == transaction.collateral_lovelace


@settings(max_examples=40, deadline=None)
@given(wallets(), st.integers(1, 4))
def test_transactions_chain_on_their_own_change(wallet: list[Utxo], length: int) -> None:
    before = sum((each.output.value for each in wallet), Value())
    held, fees = tuple(wallet), 0
    draft = TransactionDraft(outputs=(DraftOutput(address=LOCKED, value=Value(1_500_000)),))
    paid = 0
    for _ in range(length):
        transaction = signed(draft, list(held), ExecutionUnits(0, 0))
        if transaction is None:
            break
        held = transaction.wallet_after(held)
        fees, paid = fees + transaction.fee_lovelace, paid + 1_500_000
    after = sum((each.output.value for each in held), Value(fees + paid))
    assert after == before
