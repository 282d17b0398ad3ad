"""The scripts under purposes that they have no business with, and company that this chain refuses.

The embedded chain takes no votes and no proposals; certificates and withdrawals it takes, but for scripts that
are registered. So the compiled scripts are shown the script context of a genuine transaction, changed to what
the ledger would show them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.plutus_data import Constr, PlutusData, PlutusMap
from milestones.devnet.ledger.plutus import evaluate
from milestones.devnet.ledger.resolved_transaction import resolve
from milestones.devnet.ledger.script_context import TransactionInfo
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.transactions.draft import Spend, TransactionDraft
from tests.support.hostile import Judge, case_name, elements, replaced
from tests.support.scenes import AMOUNT, FIRST, RECLAIM, Scene

PURPOSE = (2,)
"""Where a script context says what the script is asked about."""
OUTPUTS, CERTIFICATES, WITHDRAWALS, REDEEMERS, VOTES, PROPOSALS = 2, 5, 6, 9, 12, 13
"""Fields of a transaction in a script context."""
VALUE, DATUM = 1, 2
"""Fields of an output there."""


@dataclass(frozen=True)
class Shown:
    """What a script of a genuine transaction is shown."""

    scene: Scene
    script: Script
    context: PlutusData

    def agrees(self, context: PlutusData) -> bool:
        """Whether the script accepts a context, with all the units a transaction may have."""
        parameters = self.scene.harness.chain.parameters
        run = evaluate(
            self.script,
            [plutus_data.encode(context)],
            parameters.cost_models["plutus:v3"],
            parameters.max_transaction_units,
            parameters.protocol_version[0],
        )
        assert run.failure != "budget"
        return run.succeeded


def shown(scene: Scene, draft: TransactionDraft, purpose: str) -> Shown:
    """The context of a draft's only script of this purpose."""
    chain = scene.harness.chain
    transaction = decode_transaction(scene.harness.balanced(draft).unsigned())
    resolved = resolve(transaction, chain.utxo, chain.environment())
    (needed,) = (each for each in resolved.scripts_needed if each.pointer.purpose == purpose)
    (redeemer,) = (r for r in transaction.witnesses.redeemers if r.pointer == needed.pointer)
    (context,) = TransactionInfo(resolved, 3).arguments(needed, redeemer)
    return Shown(scene, resolved.scripts[needed.script_hash], plutus_data.decode(context))


def genuine(scene: Scene, action: str) -> Shown:
    """A transaction of each kind, as its script sees it."""
    if action == "release":
        return shown(scene, scene.attested.release_draft([0]), "spend")
    if action == "attest":
        return shown(scene, scene.opened.attest_draft(FIRST), "mint")
    if action == "open":
        return shown(scene, scene.opening(), "mint")
    if action == "propose":
        return shown(scene, scene.proceedings().propose_draft(), "mint")
    scene.harness.reach(RECLAIM)
    return shown(scene, scene.attested.close_draft(slot=RECLAIM), "mint")


def purposes(scene: Scene) -> dict[str, Constr]:
    """Every purpose that a script can be run for, about the contract's own hashes. (`ScriptInfo`)"""
    contract = scene.harness.contract
    vault, registry = (Constr(1, (h,)) for h in (contract.vault_hash, contract.policy_id))
    reference = scene.attested.vaults[0].reference
    spent = Constr(0, (reference.transaction_id, reference.index))
    certificate = Constr(0, (vault, Constr(1)))
    return {
        "mint the vault's hash": Constr(0, (contract.vault_hash,)),
        "mint": Constr(0, (contract.policy_id,)),
        "spend without datum": Constr(1, (spent, Constr(1))),
        "spend": Constr(1, (spent, Constr(0, (0,)))),
        "withdraw as vault": Constr(2, (vault,)),
        "withdraw as registry": Constr(2, (registry,)),
        "publish": Constr(3, (0, certificate)),
        "vote": Constr(4, (Constr(1, (vault,)),)),
        "propose": Constr(5, (0, Constr(0, (0, registry, Constr(6))))),
    }


OWN = {"spend": ("spend", "spend without datum"), "mint": ("mint", "mint the vault's hash")}
"""What each script is for: there, its own actions decide."""
ACTIONS = {
    "release": "spend",
    "open": "mint",
    "attest": "mint",
    "close": "mint",
    "propose": "mint",
}
NAMES = (
    "mint the vault's hash",
    "mint",
    "spend without datum",
    "spend",
    "withdraw as vault",
    "withdraw as registry",
    "publish",
    "vote",
    "propose",
)


@pytest.mark.parametrize(
    ("action", "name"),
    [(action, name) for action, own in ACTIONS.items() for name in NAMES if name not in OWN[own]],
)
def test_another_purpose(scene: Scene, action: str, name: str) -> None:
    """A genuine transaction and redeemer, but the script is asked about something else."""
    seen = genuine(scene, action)
    assert not seen.agrees(replaced(seen.context, PURPOSE, purposes(scene)[name]))
    assert seen.agrees(seen.context)


COMPANY = {
    "withdrawal": Constr(2, (Constr(1, (bytes(28),)),)),
    "certificate": Constr(3, (0, Constr(0, (Constr(1, (bytes(28),)), Constr(1))))),
    "vote": Constr(4, (Constr(1, (Constr(1, (bytes(28),)),)),)),
    "proposal": Constr(5, (0, Constr(0, (0, Constr(1, (bytes(28),)), Constr(6))))),
}


@pytest.mark.parametrize("purpose", COMPANY.values(), ids=COMPANY)
@pytest.mark.parametrize("attesting", [None, FIRST], ids=["release", "release and attest"])
def test_foreign_script_beside_a_release(
    scene: Scene, purpose: Constr, attesting: str | None
) -> None:
    """Another contract runs for a withdrawal, certificate, vote or proposal."""
    world = scene.attested if attesting is None else scene.opened
    seen = shown(scene, world.release_draft([0], attesting=attesting), "spend")

    def beside(redeemers: PlutusData) -> PlutusData:
        assert isinstance(redeemers, PlutusMap)
        return PlutusMap((*redeemers.pairs, (purpose, 0)))

    assert not seen.agrees(replaced(seen.context, (0, REDEEMERS), beside))
    assert seen.agrees(seen.context)


def test_withdrawal_by_a_key_beside_a_release_is_nobodys_loss(scene: Scene) -> None:
    """Rewards of the payer's own stake key, which no script guards."""
    seen = shown(scene, scene.attested.release_draft([0]), "spend")
    rewards = PlutusMap(((Constr(0, (bytes(28),)), 5),))
    assert seen.agrees(replaced(seen.context, (0, WITHDRAWALS), rewards))


@pytest.mark.parametrize("amount", [-AMOUNT, -1, 0])
def test_payout_of_nothing_or_less(scene: Scene, amount: int) -> None:
    """A payout that takes, which no ledger has; the vault's value and datum agree with it."""
    seen = shown(scene, scene.attested.release_draft([0]), "spend")
    policy = scene.token.policy_id
    whole = scene.opened.distribution.terms.page_amount(0)

    def paying(quantity: int) -> PlutusData:
        vault, payout = ((0, OUTPUTS, place, VALUE) for place in (0, 1))
        context = replaced(seen.context, payout, lambda value: holding(value, policy, quantity))
        left = whole - quantity
        context = replaced(context, vault, lambda value: holding(value, policy, left))
        return replaced(context, (0, OUTPUTS, 0, DATUM, 0, 2), left)

    assert not seen.agrees(paying(amount))
    assert paying(AMOUNT) == seen.context
    assert seen.agrees(seen.context)


def holding(value: PlutusData, policy: bytes, quantity: int) -> PlutusData:
    """A value with another quantity of what it holds under this policy."""
    assert isinstance(value, PlutusMap)
    entries = []
    for key, assets in value.pairs:
        assert isinstance(assets, PlutusMap)
        ((name, held),) = assets.pairs
        entries.append((key, PlutusMap(((name, quantity if key == policy else held),))))
    return PlutusMap(tuple(entries))


@pytest.mark.parametrize("which", ["vault", "registry"])
@pytest.mark.parametrize(
    "redeemer", [Constr(0, (0, (), b"")), Constr(1), Constr(0), Constr(2, (0,)), 0], ids=case_name
)
def test_published_scripts_can_never_be_spent(
    scene: Scene, judge: Judge, which: str, redeemer: PlutusData
) -> None:
    """Whoever could spend the reference scripts would stop everybody, or make them dearer."""
    scripts, honest = scene.harness.scripts, scene.attested.release_draft([0])
    target: Utxo | None = getattr(scripts, which)
    assert target is not None
    spend = Spend(target, plutus_data.encode(redeemer))
    bare = TransactionDraft(spends=(spend,), scripts=(scene.harness.contract.vault_script,))
    if which == "vault":
        bare = replace(bare, scripts=())
    judge.refused(bare, "spend")
    judge.accepted(honest)


def test_the_context_is_the_one_meant(scene: Scene) -> None:
    """The places that these tests change are what they are named for."""
    seen = shown(scene, scene.attested.release_draft([0]), "spend")
    fields = seen.context.fields if isinstance(seen.context, Constr) else ()
    (transaction,) = (f for f in fields[:1] if isinstance(f, Constr))
    assert len(transaction.fields) == 16
    assert elements(transaction.fields[CERTIFICATES]) == ()
    assert transaction.fields[WITHDRAWALS] == PlutusMap()
    assert isinstance(transaction.fields[REDEEMERS], PlutusMap)
    assert (transaction.fields[VOTES], transaction.fields[PROPOSALS]) == (PlutusMap(), ())
