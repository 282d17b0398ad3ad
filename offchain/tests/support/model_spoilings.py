"""What an attacker does to an honest release: each change alone makes the contract refuse it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.plutus_data import PlutusData
from milestones.cardano.value import Value
from milestones.protocol import redeemers
from milestones.transactions.draft import Mint, Spend, TransactionDraft
from tests.support.hostile import (
    ALWAYS_TRUE,
    along,
    minting,
    settled,
    with_datum,
    with_output,
    with_redeemer,
    with_value,
    without_output,
)
from tests.support.model_stage import PAGE_SIZE, Play, Stage


@dataclass(frozen=True)
class Target:
    """A release to spoil: the draft, and what it is about."""

    stage: Stage
    play: Play
    draft: TransactionDraft
    leaves: tuple[int, ...]

    @property
    def attacker(self) -> Address:
        """Where loot goes."""
        return self.stage.harness.address

    def amount(self, quantity: int) -> Value:
        """So much of what is distributed."""
        return Value.of(self.play.token, quantity)


Spoiling = Callable[[Target], TransactionDraft]


def _redirected(target: Target) -> TransactionDraft:
    return with_output(target.draft, 1, address=target.attacker)


def _without_staking_part(target: Target) -> TransactionDraft:
    address = replace(target.draft.outputs[1].address, staking=None)
    return with_output(target.draft, 1, address=address)


def _one_more(target: Target) -> TransactionDraft:
    return with_value(target.draft, 1, target.amount(1))


def _one_less(target: Target) -> TransactionDraft:
    return with_value(target.draft, 1, target.amount(-1))


def _one_more_out_of_the_vault(target: Target) -> TransactionDraft:
    if target.draft.outputs[0].value.quantity(target.play.token) == 0:
        return _one_more(target)
    draft = settled(target.stage.harness, target.draft)
    draft = with_value(with_value(draft, 1, target.amount(1)), 0, target.amount(-1))
    return with_datum(draft, 0, (2,), _less_one)


def _less_one(data: PlutusData) -> PlutusData:
    assert isinstance(data, int)
    return data - 1


def _one_lovelace_out_of_the_vault(target: Target) -> TransactionDraft:
    return with_value(settled(target.stage.harness, target.draft), 0, Value(-1))


def _payout_missing(target: Target) -> TransactionDraft:
    return without_output(target.draft, 1)


def _payout_with_a_datum(target: Target) -> TransactionDraft:
    return with_output(target.draft, 1, inline_datum=plutus_data.encode(0))


def _dust_in_the_vault(target: Target) -> TransactionDraft:
    return with_value(target.draft, 0, Value(0, {target.stage.harness.token: 1}))


def _vault_taken_home(target: Target) -> TransactionDraft:
    return with_output(target.draft, 0, address=target.attacker)


def _vault_without_its_staking_part(target: Target) -> TransactionDraft:
    address = replace(target.draft.outputs[0].address, staking=None)
    return with_output(target.draft, 0, address=address)


def _less_left_than_said(target: Target) -> TransactionDraft:
    return with_datum(target.draft, 0, (2,), _less_one)


def _anothers_bit(target: Target) -> TransactionDraft:
    other = next(leaf for leaf in range(8) if leaf not in target.leaves)
    return with_datum(target.draft, 0, (3,), lambda bits: _flipped(bits, other))


def _own_bit_left_out(target: Target) -> TransactionDraft:
    return with_datum(target.draft, 0, (3,), lambda bits: _flipped(bits, target.leaves[0]))


def _flipped(bits: PlutusData, leaf: int) -> PlutusData:
    assert isinstance(bits, bytes)
    return bytes([bits[0] ^ 1 << leaf])


def _longer_bitmap(target: Target) -> TransactionDraft:
    return with_datum(target.draft, 0, (3,), _with_a_byte_more)


def _longer_proof(target: Target) -> TransactionDraft:
    return with_redeemer(target.draft, "spend", (2,), _with_a_sibling_more)


def _with_a_byte_more(bits: PlutusData) -> PlutusData:
    assert isinstance(bits, bytes)
    return b"\x00" + bits


def _with_a_sibling_more(proof: PlutusData) -> PlutusData:
    assert isinstance(proof, bytes)
    return proof + bytes(36)


def _aliased_leaf(target: Target) -> TransactionDraft:
    aliased = target.leaves[0] + PAGE_SIZE
    return with_redeemer(target.draft, "spend", (1, 0, 3), aliased)


def _earlier_vesting_time(target: Target) -> TransactionDraft:
    return with_redeemer(target.draft, "spend", (1, 0, 1), _less_one)


def _another_milestone(target: Target) -> TransactionDraft:
    return with_redeemer(target.draft, "spend", (1, 0, 0), b"milestone-003")


def _strangers_script_alongside(target: Target) -> TransactionDraft:
    spend = Spend(target.stage.stranger, plutus_data.encode(0))
    return along(target.draft, spends=(spend,), scripts=(ALWAYS_TRUE,))


def _vault_token_minted(target: Target) -> TransactionDraft:
    vault_token = target.play.distribution.vault_token
    if target.draft.mints:
        return minting(target.draft, vault_token.asset_name, 1)
    redeemer = plutus_data.encode(redeemers.Open().to_data())
    mint = Mint(vault_token.policy_id, {vault_token.asset_name: 1}, redeemer)
    references, scripts = target.stage.harness.scripts.sources(registry=True)
    return along(target.draft, mints=(mint,), references=references, scripts=scripts)


SPOILINGS: Final[tuple[Spoiling, ...]] = (
    _redirected,
    _without_staking_part,
    _one_more,
    _one_less,
    _one_more_out_of_the_vault,
    _one_lovelace_out_of_the_vault,
    _payout_missing,
    _payout_with_a_datum,
    _dust_in_the_vault,
    _vault_taken_home,
    _vault_without_its_staking_part,
    _less_left_than_said,
    _anothers_bit,
    _own_bit_left_out,
    _longer_bitmap,
    _longer_proof,
    _aliased_leaf,
    _earlier_vesting_time,
    _another_milestone,
    _strangers_script_alongside,
    _vault_token_minted,
)
"""Each makes a release that the contract refuses whatever else is so."""
