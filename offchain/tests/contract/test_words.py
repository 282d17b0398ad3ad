"""Every kind of transaction is said in words, by its bytes; what is changed in it shows, and is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
from cost_rows import planned

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import OutputReference, Script, Utxo
from milestones.cardano.plutus_data import Constr
from milestones.cardano.transaction import Transaction
from milestones.cardano.value import AssetId, Value
from milestones.errors import TransactionMismatch
from milestones.protocol.validator_loader import load_contract
from milestones.testing.cast import ADA
from milestones.testing.contract import ContractHarness, open_distribution
from milestones.transactions.assembly import Assembly
from milestones.transactions.draft import DraftOutput, Mint, Spend
from milestones.transactions.matching import Intent, differences, must_match
from milestones.transactions.tx_builder import BalancedTransaction
from milestones.transactions.words import TransactionInWords, in_words
from tests.support.every_kind import every_kind

CONTRACTS = (load_contract(),)
KINDS = {
    "publish": ({"publication", "change"}, ""),
    "release of 1, page depth 3": ({"vault", "payout", "change"}, "pays 1 of the allocations"),
    "release of 1 and attest 2 of 3": (
        {"vault", "payout", "attestation", "change"},
        "by 2 oracles' signatures",
    ),
    "attest 2 of 3": ({"attestation", "change"}, "attests that milestone 'milestone-001'"),
    "open, 1 page": ({"terms", "vault", "change"}, "2 of 3 oracles are a quorum"),
    "close vault, terms, 3 attestations": ({"refund"}, "ends the distribution"),
    "propose": ({"proposal", "change"}, "counts from"),
    "object, 1 signature": (
        {"bond", "change"},
        "which goes where the oracles that object have signed",
    ),
    "confirm": ({"attestation", "bond", "change"}, "confirms a proposal"),
    "retire": ({"bond", "change"}, "retires a proposal"),
    "waive": ({"attestation", "change"}, "by the creator's waiver"),
    "notify, by the creator's key": ({"notice", "change"}, "will be ENDED"),
    "end of 2 vaults by a notice": ({"refund"}, "ends the board's outputs"),
    "end of 2 vaults, home": ({"refund", "change"}, "goes to the address that the terms name"),
    "notify, that all may go home": ({"home", "change"}, "may go home"),
    "open, 1 page, rotatable": ({"terms", "vault", "board", "change"}, "makes the first board"),
    "rotate, 2 of 3 sign": ({"board", "change"}, "replaces the oracles"),
}


def words_of(kind: str) -> TransactionInWords:
    sent = dict(every_kind())[kind]
    return in_words(Transaction.read(sent.cbor), sent.inputs, CONTRACTS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_said_in_words(kind: str) -> None:
    roles, sentence = KINDS[kind]
    words = words_of(kind)
    assert {output.role for output in words.outputs} == roles
    assert any(sentence in each for each in words.summary) or not sentence
    assert {action.action for action in words.actions} & {"unknown"} == set()
    assert (words.network, words.missing, words.not_genuine) == ("testnet", (), ())
    assert all("lost" not in doubt for doubt in words.doubts)
    said = " ".join(words.summary)
    assert f"costs a fee of {words.fee_lovelace / 1_000_000:.6f} ADA" in said
    for output in words.outputs:
        assert f"{output.lovelace / 1_000_000:,.6f} ADA" in said, output.role
        verb = {"change": "returns", "payout": "output", "refund": "output", "bond": "pays"}
        assert any(
            each.startswith(verb.get(output.role, "locks"))
            and f"{output.lovelace / 1_000_000:,.6f} ADA" in each
            for each in words.summary
        ), output.role
    spent = sum(each.lovelace or 0 for each in words.inputs)
    assert spent == words.fee_lovelace + sum(each.lovelace for each in words.outputs)
    assert sum(each.lovelace for each in words.balances) == -words.fee_lovelace


def test_inputs_that_nobody_knows_are_shown_as_such() -> None:
    """The payout is recognised by the vault that goes on; whose the other outputs are is left open."""
    sent = dict(every_kind())["release of 1, page depth 3"]
    words = in_words(Transaction.read(sent.cbor), (), CONTRACTS)
    assert [output.role for output in words.outputs] == ["vault", "payout", "payment"]
    assert words.unknown_inputs > 0
    assert words.balances == ()
    assert any("if it isn't change" in each for each in words.summary)
    assert {each.address for each in words.inputs} == {None}


def test_without_the_contract_scripts_and_datums_are_shown_as_unknown() -> None:
    sent = dict(every_kind())["release of 1, page depth 3"]
    words = in_words(Transaction.read(sent.cbor), sent.inputs, ())
    assert [output.role for output in words.outputs] == ["unknown_script", "payment", "change"]
    assert words.outputs[0].datum == "unknown"
    assert {action.script for action in words.actions} == {"unknown"}
    assert any("runs a script that this program doesn't know" in each for each in words.summary)


@lru_cache(maxsize=1)
def release() -> BalancedTransaction:
    """A release, balanced and not sent: two allocations of one page."""
    harness = ContractHarness()
    harness.give(Value(1_000 * ADA))
    harness.publish()
    opened, _ = open_distribution(harness, planned(harness, 4, salt=0))
    opened, _ = opened.attest()
    return harness.balanced(opened.release_draft([0, 1]))


def with_output(assembly: Assembly, index: int, **changes: Any) -> Assembly:
    outputs = list(assembly.outputs)
    outputs[index] = replace(outputs[index], **changes)
    return replace(assembly, outputs=tuple(outputs))


def with_draft(assembly: Assembly, **changes: Any) -> Assembly:
    return replace(assembly, draft=replace(assembly.draft, **changes))


def elsewhere(assembly: Assembly) -> Assembly:
    """All outputs on another network."""
    changed = assembly
    for index, output in enumerate(assembly.outputs):
        address = Address(1, output.address.payment, output.address.staking)
        changed = with_output(changed, index, address=address)
    return changed


def with_redeemer(assembly: Assembly) -> Assembly:
    (spend,) = assembly.draft.spends
    return with_draft(assembly, spends=(Spend(spend.utxo, plutus_data.encode(Constr(1))),))


def with_thief(assembly: Assembly) -> Assembly:
    """A part of the change goes to somebody else."""
    changed = with_output(assembly, -1, value=assembly.outputs[-1].value - Value(2 * ADA))
    thief = DraftOutput(address=THIEF, value=Value(2 * ADA))
    return replace(changed, outputs=(*changed.outputs, thief))


def with_other_inputs(assembly: Assembly) -> Assembly:
    """Other outputs of the same transactions pay."""
    asked_for = {spend.utxo.reference for spend in assembly.draft.spends}
    inputs = tuple(
        utxo
        if utxo.reference in asked_for
        else Utxo(
            OutputReference(utxo.reference.transaction_id, utxo.reference.index + 1), utxo.output
        )
        for utxo in assembly.inputs
    )
    return replace(assembly, inputs=inputs)


THIEF = Address(0, key_credential(bytes(28)))
CHANGES: dict[str, tuple[Callable[[Assembly], Assembly], str]] = {
    "an output more": (with_thief, "outputs[4]"),
    "an amount": (
        lambda a: with_output(a, 1, value=a.outputs[1].value + Value(1)),
        "outputs[1].value",
    ),
    "a token's amount": (
        lambda a: with_output(
            a,
            1,
            value=Value(a.outputs[1].value.lovelace, dict.fromkeys(a.outputs[1].value.assets, 7)),
        ),
        "outputs[1].value",
    ),
    "an address": (lambda a: with_output(a, 2, address=THIEF), "outputs[2].address"),
    "what is spent": (with_other_inputs, "inputs["),
    "where change goes": (lambda a: with_output(a, 3, address=THIEF), "outputs[3].address"),
    "a datum": (lambda a: with_output(a, 0, inline_datum=b"\x80"), "outputs[0].inline_datum"),
    "a datum's hash": (lambda a: with_output(a, 1, datum_hash=bytes(32)), "outputs[1].datum_hash"),
    "a redeemer": (with_redeemer, "redeemers[spend"),
    "the deadline": (lambda a: with_draft(a, valid_until_slot=1 << 40), "valid_until_slot"),
    "the start": (lambda a: with_draft(a, valid_from_slot=None), "valid_from_slot"),
    "the network": (elsewhere, "outputs[0].network"),
    "the fee": (lambda a: replace(a, fee_lovelace=a.fee_lovelace + 10**6), "fee_lovelace"),
    "a signer": (lambda a: with_draft(a, required_signers=(bytes(28),)), "required_signers[0]"),
    "metadata": (lambda a: with_draft(a, metadata={674: b"\xa0"}), "metadata[674]"),
    "a script": (
        lambda a: with_draft(a, scripts=(Script("native", b"\x82\x04\x00"),)),
        "scripts[0]",
    ),
    "what is referred to": (
        lambda a: with_draft(a, reference_inputs=(*a.draft.reference_inputs, a.inputs[-1])),
        "reference_inputs[",
    ),
    "what is put at stake": (lambda a: replace(a, collateral=None), "collateral[0]"),
    "what is minted": (
        lambda a: with_draft(a, mints=(Mint(bytes(28), {b"x": 1}),)),
        "mint",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_since_it_was_built_shows_and_is_refused(change: str) -> None:
    balanced = release()
    alter, path = CHANGES[change]
    honest = Transaction.read(balanced.assembly.transaction([]))
    found = Transaction.read(alter(balanced.assembly).transaction([]))
    intent = Intent.of(balanced)
    assert differences(intent, honest) == ()
    assert differences(Intent.of_transaction(honest, 0), honest) == ()
    assert path in " ".join(each.path for each in differences(intent, found))
    with pytest.raises(TransactionMismatch, match="is not what was asked for"):
        must_match(intent, found)
    known = balanced.inputs
    before, after = (in_words(each, known, CONTRACTS) for each in (honest, found))
    assert replace(before, transaction_hash=after.transaction_hash) != after


def test_money_that_goes_astray_is_in_the_words() -> None:
    """To a stranger as a payment of nobody's rule; to the contract's address without its token as lost."""
    assembly = release().assembly
    stolen = in_words(
        Transaction.read(with_thief(assembly).transaction([])), release().inputs, CONTRACTS
    )
    assert any(THIEF.to_bech32() in each and "nobody's rule" in each for each in stolen.summary)
    vault = assembly.outputs[0]
    without = with_output(assembly, 0, value=Value(vault.value.lovelace))
    lost = in_words(Transaction.read(without.transaction([])), release().inputs, CONTRACTS)
    assert lost.outputs[0].role == "without_token"
    assert any("output 0 is lost" in each for each in lost.doubts)
    forged = with_output(assembly, 1, address=vault.address)
    assert in_words(Transaction.read(forged.transaction([])), release().inputs, CONTRACTS).outputs[
        1
    ].role in ("payout", "without_token")


@pytest.mark.parametrize("label", [b"PROP", b"CNCL", b"VALU", b""])
def test_a_token_is_what_its_own_policy_makes_it(label: bytes) -> None:
    """A name of board's under the registry's policy, or one that there isn't, means nothing."""
    assembly = release().assembly
    vault = assembly.outputs[0]
    asset = AssetId(CONTRACTS[0].policy_id, label + bytes(28))
    changed = with_output(assembly, 0, value=Value(vault.value.lovelace, {asset: 1}))
    words = in_words(Transaction.read(changed.transaction([])), release().inputs, CONTRACTS)
    assert (words.outputs[0].role, words.outputs[0].datum) == ("unknown", "unknown")
