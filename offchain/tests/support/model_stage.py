"""Three distributions, not yet opened, that the stateful model plays with; and hostile changes to releases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, Credential
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.plutus_data import PlutusData
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.domain.models import Allocation
from milestones.protocol import redeemers
from milestones.protocol.distribution import Distribution
from milestones.testing.cast import ADA
from milestones.testing.contract import FIRST_SLOT, ContractHarness, base_address, moment, schedule
from milestones.transactions.draft import DraftOutput, Mint, Spend, TransactionDraft
from tests.support.hostile import (
    ALWAYS_TRUE,
    along,
    created,
    minting,
    native_policy,
    settled,
    with_datum,
    with_output,
    with_redeemer,
    with_value,
    without_output,
)
from tests.support.payout_model import Account, Promise

FIRST, SECOND = "milestone-001", "milestone-002"
EARLY, LATE = FIRST_SLOT + 10_000, FIRST_SLOT + 20_000
MOMENTS: Final = (EARLY - 1, EARLY, LATE - 1, LATE, LATE + 4_999, LATE + 5_000)
"""Slots between which it makes a difference what time it is."""
PAGE_SIZE: Final = 4


@dataclass(frozen=True)
class Play:
    """A distribution of the stage: who created it, what it promises, and the same as an account."""

    creator: str
    distribution: Distribution
    account: Account

    @property
    def token(self) -> AssetId:
        """What it distributes."""
        return self.distribution.token

    def address(self, beneficiary: str) -> Address:
        """Where a beneficiary is paid."""
        return self.distribution.allocations[self._index(beneficiary)].beneficiary_address

    def _index(self, beneficiary: str) -> int:
        names = [promise.beneficiary for promise in self.account.promises]
        return names.index(beneficiary)


@dataclass(frozen=True)
class Stage:
    """A chain with money on it, and plays. It is shared: undo what you do to it."""

    harness: ContractHarness
    plays: tuple[Play, ...]
    stranger: Utxo


_ROWS: Final = {
    # Twins on the first page, seven leaves on two pages.
    "after": (
        ("ann", 3, FIRST, EARLY),
        ("ann", 3, FIRST, EARLY),
        ("bob", 4, FIRST, LATE),
        ("cid", 5, SECOND, EARLY),
        ("dan", 6, SECOND, LATE),
        ("eve", 3, FIRST, 0),
        ("eve", 7, SECOND, 0),
    ),
    "lovelace": (
        ("fay", 2, FIRST, EARLY),
        ("gus", 3, SECOND, LATE),
        ("hal", 2, FIRST, EARLY),
        ("hal", 2, FIRST, EARLY),
    ),
    "before": (("ida", 1, SECOND, EARLY), ("jon", 2, FIRST, LATE), ("kim", 3, FIRST, 0)),
}
"""Beneficiary, millions, milestone and slot, by how the token sorts beside the contract's own."""

_RECLAIM: Final = {"after": LATE + 5_000, "lovelace": None, "before": LATE}


@lru_cache(maxsize=1)
def stage() -> Stage:
    """The stage, always the same."""
    harness = ContractHarness()
    harness.give(Value(1_000_000 * ADA, {harness.token: 1_000}))
    harness.give(Value(10_000 * ADA))
    harness.publish()
    plays = tuple(_play(harness, side) for side in _ROWS)
    script = Address(0, Credential("script", ALWAYS_TRUE.hash()))
    output = DraftOutput(address=script, inline_datum=plutus_data.encode(0))
    return Stage(harness, plays, created(harness, output))


def _play(harness: ContractHarness, side: str) -> Play:
    rows, reclaim_slot, creator = _ROWS[side], _RECLAIM[side], f"creator-{side}"
    plan = schedule(
        harness,
        [_allocation(harness, *row) for row in rows],
        token=_token(harness, side),
        page_depth=2,
        reclaim_slot=reclaim_slot,
        creator=creator,
    )
    promises = tuple(Promise(name, m * ADA, stone, slot) for name, m, stone, slot in rows)
    account = Account(promises, PAGE_SIZE, plan.quorum_threshold, reclaim_slot)
    return Play(creator, Distribution.from_schedule(plan, harness.contract), account)


def _allocation(
    harness: ContractHarness, name: str, millions: int, milestone: str, slot: int
) -> Allocation:
    return Allocation(
        beneficiary_address=base_address(harness, name),
        token_amount=millions * ADA,
        milestone_identifier=milestone,
        vesting_timestamp=moment(slot) if slot else 0,
    )


def _token(harness: ContractHarness, side: str) -> AssetId:
    if side == "lovelace":
        return LOVELACE
    policy = _policy(harness, after=side == "after")
    mint = Mint(policy.hash(), {b"GRANT": 10**9})
    harness.send(TransactionDraft(mints=(mint,), scripts=(policy,)))
    return AssetId(policy.hash(), b"GRANT")


def _policy(harness: ContractHarness, *, after: bool) -> Script:
    policies = (native_policy(harness, f"issuer-{number}") for number in range(1000))
    ours = harness.contract.policy_id
    return next(policy for policy in policies if (policy.hash() > ours) == after)


# -- what an attacker does to a release that pays `indices`


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
