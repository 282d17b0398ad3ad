"""The distribution that the attacks on the contract are tried on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from milestones.cardano.outputs import Script
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.domain.allocation_table import ColumnTable
from milestones.domain.merkle import SumTree, node_sum
from milestones.domain.models import Allocation
from milestones.protocol.distribution import Distribution
from milestones.protocol.leaves import page_trees
from milestones.protocol.terms import Terms
from milestones.testing.cast import ADA
from milestones.testing.contract import (
    FIRST_SLOT,
    ContractHarness,
    Opened,
    base_address,
    moment,
    opened_by,
    opening_draft,
    schedule,
)
from milestones.testing.proceedings import Proceedings, posix_ms
from milestones.transactions.contract_drafts import open_draft
from milestones.transactions.draft import Mint, TransactionDraft
from milestones.transactions.signing import SignedTransaction
from tests.support.creators import Creator
from tests.support.hostile import sorted_policy, with_value

FIRST, SECOND = "milestone-001", "milestone-002"
VESTED = FIRST_SLOT + 10_000
LATER = VESTED + 100
"""When the last allocation vests."""
RECLAIM = FIRST_SLOT + 100_000
DAY = 86_400
"""Slots."""
REVIEW, GRACE = 2 * DAY, 10 * DAY
"""Slots from a proposal until it is due, and from a notice until the end, under `GOVERNED` terms."""
WAIVER = FIRST_SLOT + 3 * DAY
BOND = 5 * ADA
GOVERNED: Mapping[str, object] = {
    "reclaim_after_posix_ms": None,
    "waiver_after_posix_ms": posix_ms(WAIVER),
    "cancel_by": frozenset({"creator", "quorum"}),
    "cancel_grace_ms": GRACE * 1000,
    "objectors": 2,
    "review_period_ms": REVIEW * 1000,
    "bond_lovelace": BOND,
}
"""Terms that allow whatever can be allowed, but reclaiming."""
AMOUNT = 3_000_000
MONEY = ("ours first", "ours last", "lovelace")
"""How the distributed asset stands to the contract's own tokens in a vault's value."""


@dataclass(frozen=True)
class Scene:
    """Two pages of four leaves; both milestones attested; everything vested, nothing claimed.

    | allocation | beneficiary | amount | milestone | vests |
    | 0 and 1, twins | twin | AMOUNT | FIRST | VESTED |
    | 2 | beneficiary-2 | AMOUNT + 2 | FIRST | LATER |
    | 3 | beneficiary-3 | AMOUNT + 3 | SECOND | VESTED |
    | 4, 5, 6 (page 1; its last leaf is empty) | beneficiary-4, 5, 6 | AMOUNT | FIRST | VESTED |

    `opened` knows of no attestation, `attested` of both. Vaults hold 3 ADA more than they must.
    """

    harness: ContractHarness
    opened: Opened
    attested: Opened
    token_policy: Script | None

    @property
    def token(self) -> AssetId:
        """What is distributed."""
        return self.opened.distribution.token

    def amount(self, quantity: int) -> Value:
        """So much of what is distributed."""
        return Value.of(self.token, quantity)

    def other(self, **terms: object) -> Distribution:
        """The same distribution, or one with other terms, whose allocations it then still shares."""
        return self.with_terms(replace(self.opened.distribution.terms, **terms))  # type: ignore[arg-type]

    def with_terms(self, terms: Terms) -> Distribution:
        """The same allocations under these terms."""
        known = self.opened.distribution
        nodes = {page: tree.node for page, tree in enumerate(self.trees())}
        return Distribution(terms, known.contract, known.allocations, nodes, complete=True)

    def trees(self) -> list[SumTree]:
        """The trees of both pages."""
        known = self.opened.distribution
        return page_trees(known.allocations.columns(), known.terms.page_depth)

    def opening(self, **terms: object) -> TransactionDraft:
        """Opens the same distribution again, or one with other terms."""
        return opening_draft(self.harness, self.other(**terms))

    def opening_of(self, distribution: Distribution) -> TransactionDraft:
        """Opens a distribution."""
        return opening_draft(self.harness, distribution)

    def opened_by(self, distribution: Distribution, sent: SignedTransaction) -> Opened:
        """What a transaction has opened."""
        return opened_by(self.harness, distribution, sent)

    def rotatable(self, **terms: object) -> Distribution:
        """One whose oracles can be replaced, named by a fresh output of the wallet."""
        named = self.harness.give(Value(20 * ADA))
        return self.other(rotatable=named.reference, **terms)

    def open(self, distribution: Distribution, creator: Creator | None = None) -> Opened:
        """Opens another distribution, of a creator who consents."""
        draft = opening_draft(self.harness, distribution)
        if creator is not None and creator.script is not None:
            draft = creator.consenting(self.harness, draft)
        return opened_by(self.harness, distribution, self.harness.send(draft))

    def proceedings(
        self, *, is_rotatable: bool = False, creator: Creator | None = None, **terms: object
    ) -> Proceedings:
        """Another distribution whose terms allow everything, but for what is asked for otherwise.

        Nothing of it can be reclaimed; both notices and proposals can be given; waivers come later.
        """
        known = {**GOVERNED, **terms}
        if creator is not None:
            known["creator"] = creator.credential
        made = self.rotatable(**known) if is_rotatable else self.other(**known)
        return Proceedings(self.open(made, creator))

    def grown(self, nodes: Mapping[tuple[int, int], bytes]) -> Opened:
        """A distribution of one page whose tree is what its creator says, attested for FIRST.

        `nodes` by (height, position) stand in place of page 0's own; allocations are page 0's.
        """
        depth, honest = self.opened.distribution.terms.page_depth, self.trees()[0]

        def node_at(height: int, position: int) -> bytes:
            return nodes.get((height, position), honest.node(height, position))

        root = node_at(depth, 0)
        known = self.other(pages=(root,), total_token_amount=node_sum(root))
        allocations = {leaf: known.allocations[leaf] for leaf in range(4)}
        crafted = Distribution(
            known.terms, known.contract, ColumnTable.of(allocations), {0: node_at}, complete=False
        )
        return self.open(crafted).attest(FIRST)[0]


def _token(harness: ContractHarness, money: str) -> tuple[AssetId, Script | None]:
    if money == "lovelace":
        return LOVELACE, None
    policy = sorted_policy(harness, "issuer", behind=money == "ours first")
    return AssetId(policy.hash(), b"GRANT"), policy


def _allocations(harness: ContractHarness) -> list[Allocation]:
    rows = [
        ("twin", 0, FIRST, VESTED),
        ("twin", 0, FIRST, VESTED),
        ("beneficiary-2", 2, FIRST, LATER),
        ("beneficiary-3", 3, SECOND, VESTED),
        *((f"beneficiary-{number}", 0, FIRST, VESTED) for number in (4, 5, 6)),
    ]
    return [
        Allocation(
            beneficiary_address=base_address(harness, name),
            token_amount=AMOUNT + more,
            milestone_identifier=milestone,
            vesting_timestamp=moment(slot),
        )
        for name, more, milestone, slot in rows
    ]


@cache
def scene_of(money: str) -> Scene:
    """The scene with one of `MONEY`. It is shared: undo what you do to it."""
    harness = ContractHarness()
    harness.give(Value(1_000_000 * ADA, {harness.token: 1_000}))
    harness.give(Value(10_000 * ADA))
    harness.publish()
    token, policy = _token(harness, money)
    if policy is not None:
        mint = Mint(token.policy_id, {token.asset_name: 10**9})
        harness.send(TransactionDraft(mints=(mint,), scripts=(policy,)))
    plan = schedule(harness, _allocations(harness), token=token, page_depth=2, reclaim_slot=RECLAIM)
    distribution = Distribution.from_schedule(plan, harness.contract)
    draft = open_draft(distribution, scripts=harness.scripts)
    for page in (1, 2):
        draft = with_value(draft, page, Value(3 * ADA))
    sent = harness.send(draft)
    opened = Opened(harness, distribution, sent.outputs[0], sent.outputs[1:3])
    attested = opened.attest(FIRST)[0].attest(SECOND)[0]
    harness.reach(LATER + 1_000)
    return Scene(harness, opened, attested, policy)
