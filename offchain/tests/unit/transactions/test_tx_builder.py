"""Built transactions, read back by pycardano: an encoder and a reader that share no code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pycardano
import pytest
from nacl.signing import VerifyKey

from milestones.cardano import cbor
from milestones.cardano.address import Address, key_credential, script_credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters, RedeemerPointer
from milestones.cardano.value import AssetId, Value
from milestones.errors import InsufficientFunds, InsufficientTokens, InvalidInput, LimitsExceeded
from milestones.keys.key_files import SigningKey
from milestones.transactions import fees
from milestones.transactions.draft import DraftOutput, Layout, Mint, Spend, TransactionDraft
from milestones.transactions.signing import sign
from milestones.transactions.tx_builder import BalancedTransaction, balance

MakeUtxo = Callable[..., Utxo]
Build = Callable[..., BalancedTransaction]

UNIT = b"\xd8\x79\x80"
SCRIPT = Script("plutus:v3", cbor.encode_bytes(bytes(range(200))))
LOCKED = Address(0, script_credential(SCRIPT.hash()))
TOKEN = AssetId(bytes([7] * 28), b"token")
SPEND_0, MINT_0 = RedeemerPointer("spend", 0), RedeemerPointer("mint", 0)
LITTLE = ExecutionUnits(1000, 100_000)


@pytest.fixture
def build(parameters: ProtocolParameters, address: Address) -> Build:
    """Balances a draft against a wallet."""

    def build(draft: TransactionDraft, *wallet: Utxo, **options: Any) -> BalancedTransaction:
        arguments: dict[str, Any] = {"parameters": parameters, "change_address": address, **options}
        return balance(draft, wallet=wallet, **arguments)

    return build


@pytest.fixture
def pay(address: Address) -> TransactionDraft:
    """Pays 2 ADA."""
    return TransactionDraft(outputs=(DraftOutput(address=address, value=Value(2_000_000)),))


@pytest.fixture
def rich_draft(make_utxo: MakeUtxo, key: SigningKey) -> TransactionDraft:
    """Spends, mints, references, bounds, metadata, a required signer: every field that there is."""
    locked = make_utxo(2_000_000, address=LOCKED, inline_datum=UNIT)
    published = make_utxo(9_000_000, address=LOCKED, script=SCRIPT, script_hash=SCRIPT.hash())
    policy = SCRIPT.hash()
    return TransactionDraft(
        spends=(Spend(locked, lambda layout: bytes([layout.input_index(locked.reference)])),),
        mints=(Mint(policy, {b"new": 5, b"a": 1}, b"\x07"),),
        outputs=(
            DraftOutput(
                address=LOCKED, value=Value(0, {AssetId(policy, b"new"): 5}), inline_datum=UNIT
            ),
            DraftOutput(address=LOCKED, datum_hash=bytes(32)),
            DraftOutput(address=LOCKED, script=SCRIPT),
        ),
        reference_inputs=(published,),
        valid_from_slot=100,
        valid_until_slot=200,
        required_signers=(bytes([9] * 28), key.key_hash),
        metadata={1296649285: b"\x81\x01", 674: b"\xa0"},
    )


def test_pycardano_reads_every_field_as_it_was_meant(
    build: Build, rich_draft: TransactionDraft, make_utxo: MakeUtxo, key: SigningKey
) -> None:
    wallet = make_utxo(5_000_000), make_utxo(80_000_000)
    balanced = build(rich_draft, *wallet, units={SPEND_0: LITTLE, MINT_0: LITTLE})
    signed = sign(balanced, [key])
    read = pycardano.Transaction.from_cbor(signed.cbor)
    body = read.transaction_body
    assert body.hash() == signed.id == blake2b_256(balanced.assembly.body())
    assert [(i.transaction_id.payload, i.index) for i in body.inputs] == [
        (utxo.reference.transaction_id, utxo.reference.index) for utxo in signed.inputs
    ]
    assert (body.validity_start, body.ttl, body.network_id) == (100, 200, None)
    assert body.fee == signed.fee_lovelace
    assert [signer.payload for signer in body.required_signers] == sorted(
        rich_draft.required_signers
    )
    assert [i.transaction_id.payload for i in body.reference_inputs] == [
        rich_draft.reference_inputs[0].reference.transaction_id
    ]
    assert body.mint.to_primitive() == {SCRIPT.hash(): {b"new": 5, b"a": 1}}
    assert body.auxiliary_data_hash == read.auxiliary_data.hash()
    assert dict(read.auxiliary_data.data.data) == {1296649285: [1], 674: {}}
    first, hashed, published, change = body.outputs
    assert first.datum.to_cbor() == UNIT
    assert hashed.datum_hash.payload == bytes(32)
    assert pycardano.plutus_script_hash(published.script).payload == SCRIPT.hash()
    assert str(change.address) == str(wallet[0].output.address)
    assert change.amount.multi_asset.to_primitive() == {SCRIPT.hash(): {b"a": 1}}
    redeemers = {
        (each.tag.value, each.index): (value.data, value.ex_units.mem)
        for each, value in read.transaction_witness_set.redeemer.items()
    }
    assert redeemers == {(0, 0): (0, 1000), (1, 0): (7, 1000)}
    (witness,) = read.transaction_witness_set.vkey_witnesses
    VerifyKey(witness.vkey.payload).verify(signed.id, witness.signature)


def test_the_script_data_hash_is_pycardanos_for_the_same_redeemers(
    build: Build,
    rich_draft: TransactionDraft,
    make_utxo: MakeUtxo,
    parameters: ProtocolParameters,
    key: SigningKey,
) -> None:
    balanced = build(rich_draft, make_utxo(80_000_000), units={SPEND_0: LITTLE, MINT_0: LITTLE})
    read = pycardano.Transaction.from_cbor(sign(balanced, [key]).cbor)
    costs = dict(enumerate(parameters.cost_models["plutus:v3"]))
    theirs = pycardano.script_data_hash(
        read.transaction_witness_set.redeemer, [], {2: list(costs.values())}
    )
    assert read.transaction_body.script_data_hash == theirs


def test_the_fee_is_the_ledgers_minimum_for_the_signed_bytes(
    build: Build,
    rich_draft: TransactionDraft,
    make_utxo: MakeUtxo,
    parameters: ProtocolParameters,
    key: SigningKey,
) -> None:
    other = SigningKey.generate()
    draft = replace(rich_draft, required_signers=(key.key_hash, other.key_hash))
    units = {SPEND_0: ExecutionUnits(500_000, 200_000_000), MINT_0: LITTLE}
    signed = sign(build(draft, make_utxo(80_000_000), units=units), [key, other])
    assert signed.size == len(signed.cbor)
    assert signed.fee_lovelace == fees.minimum_fee_lovelace(
        size=len(signed.cbor) - 1,
        units=ExecutionUnits(501_000, 200_100_000),
        reference_scripts_size=len(SCRIPT.code),
        parameters=parameters,
    )


def test_value_is_conserved_and_outputs_keep_their_places(
    build: Build, rich_draft: TransactionDraft, make_utxo: MakeUtxo, key: SigningKey
) -> None:
    wallet = make_utxo(80_000_000, {TOKEN: 12})
    signed = sign(build(rich_draft, wallet), [key])
    spent = sum((utxo.output.value for utxo in signed.inputs), rich_draft.minted())
    made = sum((utxo.output.value for utxo in signed.outputs), Value(signed.fee_lovelace))
    assert spent == made
    assert [u.output.inline_datum for u in signed.outputs[:1]] == [UNIT]
    assert signed.change == signed.outputs[3:]
    assert signed.change[0].output.value.quantity(TOKEN) == 12
    assert signed.wallet_after([wallet]) == signed.change


def test_units_make_the_fee_exact_and_keep_the_inputs(
    build: Build, rich_draft: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    guess = build(rich_draft, make_utxo(3_000_000), make_utxo(80_000_000))
    assert guess.needs_evaluation
    exact = guess.with_units({SPEND_0: LITTLE, MINT_0: LITTLE})
    assert not exact.needs_evaluation
    assert exact.assembly.inputs == guess.assembly.inputs
    assert exact.fee_lovelace == exact.minimum_fee_lovelace
    assert exact.fee_lovelace + 1_400_000 < guess.fee_lovelace
    with pytest.raises(InvalidInput, match="mint 0"):
        guess.with_units({SPEND_0: LITTLE})


def test_a_wallet_too_poor_for_the_guess_can_still_be_evaluated(
    build: Build, rich_draft: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    guess = build(rich_draft, make_utxo(4_300_000))
    assert guess.needs_evaluation
    exact = guess.with_units({SPEND_0: LITTLE, MINT_0: LITTLE})
    assert exact.fee_lovelace == exact.minimum_fee_lovelace


def test_units_that_the_inputs_cannot_pay_for_bring_another_input_and_another_evaluation(
    build: Build, run_script: TransactionDraft, make_utxo: MakeUtxo, address: Address
) -> None:
    pays = replace(run_script, outputs=(DraftOutput(address=address, value=Value(3_000_000)),))
    guess = build(pays, make_utxo(2_100_000), make_utxo(1_100_000))
    assert len(guess.wallet_inputs) == 1
    costly = ExecutionUnits(2_000_000, 1_000_000_000)
    more = guess.with_units({SPEND_0: costly})
    assert more.needs_evaluation
    assert len(more.wallet_inputs) == 2
    exact = more.with_units({SPEND_0: costly})
    assert not exact.needs_evaluation
    assert exact.fee_lovelace == exact.minimum_fee_lovelace
    with pytest.raises(InsufficientFunds):
        more.with_units({SPEND_0: ExecutionUnits(16_000_000, 9_000_000_000)})


def test_redeemers_point_at_the_sorted_inputs(
    build: Build, make_utxo: MakeUtxo, address: Address
) -> None:
    seen: list[Layout] = []

    def redeemer(layout: Layout) -> bytes:
        seen.append(layout)
        return UNIT

    before, locked = make_utxo(50_000_000), make_utxo(2_000_000, address=LOCKED, inline_datum=UNIT)
    draft = TransactionDraft(spends=(Spend(locked, redeemer),), scripts=(SCRIPT,))
    balanced = build(draft, before, include=(before,))
    assert balanced.assembly.redeemers().keys() == {RedeemerPointer("spend", 1)}
    assert seen[-1].inputs == (before.reference, locked.reference)
    assert balanced.assembly.layout == seen[-1]


def test_a_native_scripts_keys_are_paid_for(
    build: Build, make_utxo: MakeUtxo, key: SigningKey
) -> None:
    other = SigningKey.generate()
    signatures = [b"\x82\x00\x58\x1c" + digest for digest in (key.key_hash, other.key_hash)]
    both = Script("native", b"\x82\x01\x82" + b"".join(signatures))
    draft = TransactionDraft(mints=(Mint(both.hash(), {b"coin": 10}),), scripts=(both,))
    balanced = build(draft, make_utxo(50_000_000))
    assert balanced.key_hashes == {key.key_hash, other.key_hash}
    assert not balanced.needs_evaluation
    signed = sign(balanced, [key, other])
    assert signed.collateral_lovelace == 0
    assert signed.fee_lovelace == 155_381 + 44 * (len(signed.cbor) - 1)
    read = pycardano.Transaction.from_cbor(signed.cbor).transaction_witness_set
    assert read.native_scripts[0].hash().payload == both.hash()


def test_without_signers_named_the_ledgers_own_are_expected(
    build: Build, pay: TransactionDraft, make_utxo: MakeUtxo, key: SigningKey
) -> None:
    assert build(pay, make_utxo(50_000_000)).key_hashes == {key.key_hash}
    more = build(pay, make_utxo(50_000_000), signers=[bytes(28), bytes([1] * 28)])
    assert more.key_hashes == {bytes(28), bytes([1] * 28)}


# ---------------------------------------------------------------- choosing inputs


def test_the_most_pure_ada_pays_and_tokens_stay(
    build: Build, pay: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    small, rich = make_utxo(5_000_000), make_utxo(90_000_000, {TOKEN: 1})
    large = make_utxo(50_000_000)
    assert build(pay, small, rich, large).wallet_inputs == (large,)


def test_the_largest_holder_brings_a_missing_token(
    build: Build, make_utxo: MakeUtxo, address: Address
) -> None:
    few, many = make_utxo(2_000_000, {TOKEN: 4}), make_utxo(2_000_000, {TOKEN: 40})
    draft = TransactionDraft(outputs=(DraftOutput(address=address, value=Value(0, {TOKEN: 30})),))
    balanced = build(draft, make_utxo(9_000_000), few, many)
    assert many in balanced.wallet_inputs
    assert few not in balanced.wallet_inputs
    assert balanced.assembly.outputs[-1].value.quantity(TOKEN) == 10


def test_outputs_with_scripts_and_those_the_draft_names_do_not_pay(
    build: Build, pay: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    published = make_utxo(90_000_000, script=SCRIPT, script_hash=SCRIPT.hash())
    referenced, plain = make_utxo(80_000_000), make_utxo(10_000_000)
    draft = replace(pay, reference_inputs=(referenced,))
    assert build(draft, published, referenced, plain).wallet_inputs == (plain,)


def test_a_remainder_too_small_for_change_brings_another_input(
    build: Build, pay: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    balanced = build(pay, make_utxo(2_500_000), make_utxo(2_400_000))
    assert len(balanced.wallet_inputs) == 2


def test_lack_of_ada_says_what_is_needed_and_that_much_suffices(
    build: Build, pay: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    with pytest.raises(InsufficientFunds) as caught:
        build(pay, make_utxo(1_000_000))
    assert caught.value.available_lovelace == 1_000_000
    missing = caught.value.required_lovelace - 1_000_000
    build(pay, make_utxo(1_000_000), make_utxo(missing))
    with pytest.raises(InsufficientFunds):
        build(
            pay, make_utxo(1_000_000), make_utxo(missing - 2_000)
        )  # the advice errs by some bytes at most
    with pytest.raises(InsufficientFunds) as caught:
        build(pay)
    assert caught.value.available_lovelace == 0
    build(pay, make_utxo(caught.value.required_lovelace))


def test_lack_of_a_token_names_it(build: Build, make_utxo: MakeUtxo, address: Address) -> None:
    draft = TransactionDraft(outputs=(DraftOutput(address=address, value=Value(0, {TOKEN: 30})),))
    with pytest.raises(InsufficientTokens) as caught:
        build(draft, make_utxo(50_000_000, {TOKEN: 12}))
    assert (caught.value.required, caught.value.available) == (30, 12)
    assert str(TOKEN) in caught.value.message
    assert caught.value.exit_code == 6


# ---------------------------------------------------------------- collateral


@pytest.fixture
def run_script(make_utxo: MakeUtxo) -> TransactionDraft:
    """Runs a script."""
    locked = make_utxo(2_000_000, address=LOCKED, inline_datum=UNIT)
    return TransactionDraft(spends=(Spend(locked, UNIT),), scripts=(SCRIPT,))


def test_a_small_output_is_collateral_without_return(
    build: Build, run_script: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    small, tokens = make_utxo(4_000_000), make_utxo(3_000_000, {TOKEN: 1})
    wallet = make_utxo(60_000_000), make_utxo(5_000_000), small, make_utxo(100_000), tokens
    balanced = build(run_script, *wallet).with_units(
        dict.fromkeys(build(run_script, *wallet).assembly.redeemers(), LITTLE)
    )
    collateral = balanced.assembly.collateral
    assert collateral is not None
    assert (collateral.inputs, collateral.change) == ((small,), None)
    assert collateral.at_stake_lovelace == 4_000_000


def test_a_large_output_is_collateral_with_a_return_of_exactly_the_rest(
    build: Build, run_script: TransactionDraft, make_utxo: MakeUtxo, key: SigningKey
) -> None:
    wallet = make_utxo(60_000_000, {TOKEN: 3})
    balanced = build(run_script, wallet, include=(wallet,))
    body = pycardano.Transaction.from_cbor(sign(balanced, [key]).cbor).transaction_body
    required = -(-balanced.fee_lovelace * 150 // 100)
    assert body.total_collateral == required
    assert body.collateral_return.amount.coin == 60_000_000 - required
    assert body.collateral_return.amount.multi_asset.to_primitive() == {
        TOKEN.policy_id: {TOKEN.asset_name: 3}
    }


def test_several_outputs_together_are_collateral_up_to_the_limit(
    build: Build, run_script: TransactionDraft, make_utxo: MakeUtxo, parameters: ProtocolParameters
) -> None:
    tokens = [make_utxo(1_200_000, {TOKEN: 1}) for _ in range(4)]
    dear = replace(parameters, collateral_percentage=1000)
    balanced = build(run_script, *tokens, parameters=dear)
    assert balanced.assembly.collateral is not None
    assert len(balanced.assembly.collateral.inputs) == 3
    with pytest.raises(InsufficientFunds, match="collateral"):
        build(run_script, *tokens, parameters=replace(dear, max_collateral_inputs=2))


def test_a_script_locked_output_is_no_collateral(
    build: Build, run_script: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    with pytest.raises(InsufficientFunds, match="collateral"):
        build(run_script, make_utxo(5_000_000, address=LOCKED))


# ---------------------------------------------------------------- change and limits


def test_change_with_many_tokens_is_split_below_the_limit(
    build: Build, pay: TransactionDraft, make_utxo: MakeUtxo, parameters: ProtocolParameters
) -> None:
    tokens = {AssetId(bytes([7] * 28), n.to_bytes(32, "big")): 2**62 for n in range(300)}
    balanced = build(pay, make_utxo(900_000_000, tokens))
    change = balanced.assembly.outputs[1:]
    assert len(change) == 3
    assert sum((output.value for output in change), Value()).assets == tokens
    for output in change:
        assert output.value.lovelace >= fees.min_lovelace(output, parameters)


def test_a_transaction_over_the_limits_says_which_and_what_each_script_takes(
    build: Build, run_script: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    draft = replace(run_script, metadata={1: cbor.encode_bytes(bytes(17_000))})
    locked = run_script.spends[0].utxo
    too_much = {RedeemerPointer("spend", 1): ExecutionUnits(20_000_000, 1)}
    wallet = make_utxo(60_000_000)
    assert locked.reference < wallet.reference
    with pytest.raises(LimitsExceeded) as caught:
        build(draft, wallet, units={SPEND_0: ExecutionUnits(20_000_000, 1), **too_much})
    assert [limit.limit for limit in caught.value.exceeded] == [
        "transaction size",
        "execution memory",
    ]
    assert caught.value.budgets["spend 0"] == {
        "script": SCRIPT.hash().hex(),
        "memory": 20_000_000,
        "cpu": 1,
    }
    assert build(draft, wallet, within_limits=False).size > 17_000


def test_a_value_over_the_limit_is_named(
    build: Build, make_utxo: MakeUtxo, address: Address
) -> None:
    tokens = {AssetId(bytes([7] * 28), n.to_bytes(32, "big")): 2**62 for n in range(120)}
    draft = TransactionDraft(outputs=(DraftOutput(address=address, value=Value(0, tokens)),))
    with pytest.raises(LimitsExceeded, match="value of output 0"):
        build(draft, make_utxo(900_000_000, tokens))


def test_missing_keys_leave_signatures_out(
    build: Build, pay: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    signed = sign(build(pay, make_utxo(50_000_000)), [])
    assert not pycardano.Transaction.from_cbor(signed.cbor).transaction_witness_set.vkey_witnesses


def test_an_address_of_another_key_is_expected_to_sign(
    build: Build, pay: TransactionDraft, make_utxo: MakeUtxo
) -> None:
    stranger = Address(0, key_credential(bytes([5] * 28)))
    balanced = build(pay, make_utxo(50_000_000, address=stranger))
    assert balanced.key_hashes == {bytes([5] * 28)}
