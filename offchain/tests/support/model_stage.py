"""Three distributions, not yet opened, that the stateful model plays with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, Credential
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.domain.models import Allocation
from milestones.keys.key_files import SigningKey
from milestones.protocol.datums import VaultState
from milestones.protocol.distribution import Distribution
from milestones.testing.cast import ADA
from milestones.testing.contract import (
    FIRST_SLOT,
    ContractHarness,
    base_address,
    moment,
    oracles,
    schedule,
)
from milestones.transactions.draft import DraftOutput, Mint, Spend, TransactionDraft
from tests.support.creators import NATIVE, PLUTUS, UNIT, Creator, key_creator
from tests.support.hostile import ALWAYS_TRUE, along, created, native_policy
from tests.support.payout_model import Account, Covenant, Promise

FIRST, SECOND = "milestone-001", "milestone-002"
EARLY, LATE = FIRST_SLOT + 10_000, FIRST_SLOT + 20_000
MOMENTS: Final = (EARLY - 1, EARLY, LATE - 1, LATE, LATE + 4_999, LATE + 5_000)
"""Slots between which it makes a difference what time it is."""
PAGE_SIZE: Final = 4
POOL: Final = 6
"""How many keys there are of which boards are made; the first three of their names sit at first."""
DAY: Final = 86_400
BOND: Final = 4 * ADA
DATUM: Final = plutus_data.encode((7, b"for a script"))


@dataclass(frozen=True)
class Play:
    """A distribution of the stage: who created it, what it promises, and the same as an account.

    `named` is the output that its terms name if they are rotatable, `holds` what its creator's script
    guards.
    """

    creator: Creator
    distribution: Distribution
    account: Account
    named: Utxo | None
    holds: tuple[Utxo, ...]

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

    def consenting(self, harness: ContractHarness, draft: TransactionDraft) -> TransactionDraft:
        """The draft with the creator's consent."""
        script = self.creator.script
        if script is None:
            return along(draft, signers=(self.creator.credential.hash,))
        held = next(utxo for utxo in self.holds if utxo.reference in harness.chain.utxo)
        redeemer = None if script.language == "native" else UNIT
        return along(draft, spends=(Spend(held, redeemer),), scripts=(script,))


@dataclass(frozen=True)
class Stage:
    """A chain with money on it, and plays. It is shared: undo what you do to it."""

    harness: ContractHarness
    plays: tuple[Play, ...]
    stranger: Utxo

    def keys(self, numbers: Iterable[int]) -> list[SigningKey]:
        """The oracles of these numbers."""
        pool = oracles(self.harness, POOL)
        return [pool[number] for number in numbers]


_ROWS: Final = {
    # Twins on the first page, seven leaves on two pages; bob's payout carries a datum.
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
WITH_DATUM: Final = ("bob", "gus", "kim")
_GRACE: Final = 7 * DAY
_COVENANTS: Final = {
    "after": Covenant(
        reclaim_slot=LATE + 5_000,
        allowance=300_000,
        cancel_by=frozenset({"creator", "quorum"}),
        grace_slots=_GRACE,
        objectors=2,
        review_slots=DAY,
        bond=BOND,
        is_rotatable=True,
    ),
    "lovelace": Covenant(
        is_key=False,
        waiver_slot=LATE,
        allowance=200_000,
        cancel_by=frozenset({"quorum"}),
        grace_slots=_GRACE + DAY,
        objectors=1,
        review_slots=2 * DAY,
        bond=BOND,
    ),
    "before": Covenant(
        is_key=False,
        reclaim_slot=LATE,
        waiver_slot=EARLY,
        cancel_by=frozenset({"creator"}),
        grace_slots=_GRACE,
        is_rotatable=True,
    ),
}


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
    rows, covenant = _ROWS[side], _COVENANTS[side]
    creator = {"after": key_creator(harness), "lovelace": NATIVE, "before": PLUTUS}[side]
    named = _kept(harness, Address(0, harness.address.payment), 1) if covenant.is_rotatable else ()
    plan = schedule(
        harness,
        [_allocation(harness, *row) for row in rows],
        token=_token(harness, side),
        page_depth=2,
        reclaim_slot=covenant.reclaim_slot,
    )
    plan = plan.model_copy(update=_terms(harness, side, covenant, creator, named))
    promises = tuple(Promise(name, m * ADA, stone, slot) for name, m, stone, slot in rows)
    pool = [key.key_hash for key in oracles(harness, POOL)]
    seats = tuple(sorted(pool.index(key.key_hash) for key in oracles(harness, 3)))
    account = Account(promises, PAGE_SIZE, plan.quorum_threshold, covenant, seats)
    holds = () if creator.script is None else _kept(harness, Address(0, creator.credential), 30)
    distribution = Distribution.from_schedule(plan, harness.contract)
    return Play(creator, distribution, account, named[0] if named else None, holds)


def _terms(
    harness: ContractHarness,
    side: str,
    covenant: Covenant,
    creator: Creator,
    named: Sequence[Utxo],
) -> dict[str, object]:
    waiver = covenant.waiver_slot
    return {
        "creator": Address(0, creator.credential),
        "allowance_lovelace": covenant.allowance,
        "refund_address": base_address(harness, f"treasury-{side}"),
        "refund_datum": DATUM,
        "cancel_by": tuple(sorted(covenant.cancel_by)),
        "cancel_grace_seconds": covenant.grace_slots,
        "waiver_after": None if waiver is None else moment(waiver),
        "objectors": covenant.objectors,
        "review_period_seconds": covenant.review_slots,
        "review_bond_lovelace": covenant.bond,
        "rotatable": str(named[0].reference) if named else None,
    }


def _kept(harness: ContractHarness, address: Address, count: int) -> tuple[Utxo, ...]:
    """Outputs that the wallet doesn't know of."""
    output = DraftOutput(address=address, value=Value(3 * ADA))
    sent = harness.send(TransactionDraft(outputs=(output,) * count))
    kept = sent.outputs[:count]
    harness.wallet = tuple(utxo for utxo in harness.wallet if utxo not in kept)
    return kept


def _allocation(
    harness: ContractHarness, name: str, millions: int, milestone: str, slot: int
) -> Allocation:
    return Allocation(
        beneficiary_address=base_address(harness, name),
        token_amount=millions * ADA,
        milestone_identifier=milestone,
        vesting_timestamp=moment(slot) if slot else 0,
        datum=DATUM if name in WITH_DATUM else None,
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


def forgetful(vault: Utxo, leaves: Sequence[int]) -> Utxo:
    """A vault whose datum has forgotten that it paid these leaves."""
    state = VaultState.decode(vault.output.inline_datum or b"")
    bits = int.from_bytes(state.claimed, "big") & ~sum(1 << leaf for leaf in leaves)
    forgotten = replace(state, claimed=bits.to_bytes(len(state.claimed), "big"))
    return replace(vault, output=replace(vault.output, inline_datum=forgotten.encode()))
