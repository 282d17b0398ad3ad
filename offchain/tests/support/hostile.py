"""Small changes that turn an honest draft into a hostile one, and the judgement over both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, Final

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import AssetId, Value
from milestones.devnet.ledger.failures import (
    TransactionRejected,
    TransactionScriptFailures,
    ValidationFailure,
    ValidationTagMismatch,
)
from milestones.testing.contract import ContractHarness
from milestones.transactions.draft import (
    DraftOutput,
    Layout,
    Mint,
    Redeemer,
    Spend,
    TransactionDraft,
)
from milestones.transactions.signing import SignedTransaction

SCRIPTS_REFUSED: Final = ValidationTagMismatch(declared_valid=True)
"""A submission's answer when every rule of phase 1 is kept and a script fails."""

Edit = Callable[[PlutusData], PlutusData]
Fake = Callable[[ContractHarness, Utxo], Utxo]


@dataclass(frozen=True)
class Judge:
    """Submits drafts to the embedded chain, guessing execution units: nobody asks the scripts before."""

    harness: ContractHarness

    def refused(self, draft: TransactionDraft, *purposes: str) -> None:
        """Nothing but the contract refuses it: the scripts of these purposes, "spend" or "mint".

        The answer to a submission shows that phase 1 passed, evaluation (with all the units that a
        transaction may have) which scripts ended with an error.
        """
        assert self._refusing(draft) == set(purposes)

    def refused_at_least(self, draft: TransactionDraft, *purposes: str) -> None:
        """As `refused`; scripts of other purposes may refuse it as well."""
        assert self._refusing(draft) >= set(purposes)

    def _refusing(self, draft: TransactionDraft) -> set[str]:
        signed = self.harness.signed(self.harness.guessed(draft))
        with pytest.raises(TransactionRejected) as submission:
            self.harness.chain.submit(signed.cbor)
        assert submission.value.failures == (SCRIPTS_REFUSED,), submission.value.failures
        with pytest.raises(TransactionRejected) as evaluation:
            self.harness.chain.evaluate(signed.cbor, {})
        (failed,) = evaluation.value.failures
        assert isinstance(failed, TransactionScriptFailures), failed
        for failure in failed.failures.values():
            assert isinstance(failure, ValidationFailure), failure
            assert "overspending" not in failure.error
        return {pointer.purpose for pointer in failed.failures}

    def accepted(self, draft: TransactionDraft) -> SignedTransaction:
        """Built in the same way, it is taken into a block."""
        return self.harness.submit(self.harness.signed(self.harness.guessed(draft)))


# -- outputs


def with_output(draft: TransactionDraft, place: int, **changes: Any) -> TransactionDraft:
    """One output changed."""
    outputs = list(draft.outputs)
    outputs[place] = replace(outputs[place], **changes)
    return replace(draft, outputs=tuple(outputs))


def with_value(draft: TransactionDraft, place: int, more: Value) -> TransactionDraft:
    """One output that holds more (less, where negative), whatever the ledger's minimum."""
    return with_output(draft, place, value=draft.outputs[place].value + more)


def without_output(draft: TransactionDraft, place: int) -> TransactionDraft:
    """One output taken away, those behind it move up."""
    return replace(draft, outputs=(*draft.outputs[:place], *draft.outputs[place + 1 :]))


def swapped(draft: TransactionDraft, first: int, second: int) -> TransactionDraft:
    """Two outputs in each other's place."""
    outputs = list(draft.outputs)
    outputs[first], outputs[second] = outputs[second], outputs[first]
    return replace(draft, outputs=tuple(outputs))


def settled(harness: ContractHarness, draft: TransactionDraft) -> TransactionDraft:
    """The draft with its outputs' lovelace as balancing makes it, so that they can be lowered."""
    outputs = harness.guessed(draft).assembly.outputs[: len(draft.outputs)]
    fixed = tuple(replace(output, min_ada="ignore") for output in outputs)
    return replace(draft, outputs=fixed)


# -- more of everything


def along(
    draft: TransactionDraft,
    *,
    spends: tuple[Spend, ...] = (),
    mints: tuple[Mint, ...] = (),
    outputs: tuple[DraftOutput, ...] = (),
    references: tuple[Utxo, ...] = (),
    scripts: tuple[Script, ...] = (),
    signers: tuple[bytes, ...] = (),
) -> TransactionDraft:
    """The draft with something beside it; new outputs follow the old ones."""
    return replace(
        draft,
        spends=(*draft.spends, *spends),
        mints=(*draft.mints, *mints),
        outputs=(*draft.outputs, *outputs),
        reference_inputs=(*draft.reference_inputs, *references),
        scripts=(*draft.scripts, *scripts),
        required_signers=(*draft.required_signers, *signers),
    )


def together(first: TransactionDraft, second: TransactionDraft) -> TransactionDraft:
    """Both in one transaction; what they mint under one policy is one mint, with the first's redeemer."""
    mints: dict[bytes, Mint] = {}
    for mint in (*first.mints, *second.mints):
        known = mints.get(mint.policy_id, Mint(mint.policy_id, {}, mint.redeemer))
        mints[mint.policy_id] = replace(known, assets=_sum(known.assets, mint.assets))
    references = dict.fromkeys((*first.reference_inputs, *second.reference_inputs))
    both = along(
        first, spends=second.spends, outputs=second.outputs, signers=second.required_signers
    )
    return replace(both, mints=tuple(mints.values()), reference_inputs=tuple(references))


def _sum(first: Any, second: Any) -> dict[bytes, int]:
    names = {*first, *second}
    return {name: first.get(name, 0) + second.get(name, 0) for name in names}


def minting(
    draft: TransactionDraft, name: bytes, quantity: int, *, place: int = 0
) -> TransactionDraft:
    """Mints more (less, where negative) of a token under the policy of one of the draft's mints."""
    mints = list(draft.mints)
    assets = _sum(mints[place].assets, {name: quantity})
    mints[place] = replace(mints[place], assets={n: q for n, q in assets.items() if q})
    return replace(draft, mints=tuple(mints))


# -- data


def replaced(data: PlutusData, path: tuple[int, ...], value: PlutusData | Edit) -> PlutusData:
    """Data with one place of it changed; the path goes through fields of constructors and lists."""
    if not path:
        return value(data) if callable(value) else value
    parts = list(data.fields if isinstance(data, Constr) else elements(data))
    parts[path[0]] = replaced(parts[path[0]], path[1:], value)
    return replace(data, fields=tuple(parts)) if isinstance(data, Constr) else tuple(parts)


def part(data: PlutusData, path: tuple[int, ...]) -> PlutusData:
    """One place of data."""
    for step in path:
        data = data.fields[step] if isinstance(data, Constr) else elements(data)[step]
    return data


def elements(data: PlutusData) -> tuple[PlutusData, ...]:
    """The elements of a list."""
    assert isinstance(data, tuple)
    return data


def case_name(value: object) -> str:
    """A name for a case that is the same in every process: functions by name, all else as it reads."""
    if isinstance(value, tuple):
        return f"({', '.join(case_name(element) for element in value)})"
    return value.__name__ if isinstance(value, FunctionType) else str(value)[:40]


def longer(data: PlutusData) -> PlutusData:
    """A constructor or list with one more element."""
    if isinstance(data, Constr):
        return replace(data, fields=(*data.fields, 0))
    return (*elements(data), 0)


def shorter(data: PlutusData) -> PlutusData:
    """A constructor or list without its last element."""
    if isinstance(data, Constr):
        return replace(data, fields=data.fields[:-1])
    return elements(data)[:-1]


def under(tag: int) -> Edit:
    """Puts the same fields under another constructor."""

    def edit(data: PlutusData) -> PlutusData:
        assert isinstance(data, Constr)
        return Constr(tag, data.fields)

    edit.__name__ = f"under_{tag}"
    return edit


def with_datum(
    draft: TransactionDraft, place: int, path: tuple[int, ...], value: PlutusData | Edit
) -> TransactionDraft:
    """An output's inline datum with one place of it changed."""
    raw = draft.outputs[place].inline_datum
    assert raw is not None
    changed = replaced(plutus_data.decode(raw), path, value)
    return with_output(draft, place, inline_datum=plutus_data.encode(changed))


def with_redeemer(
    draft: TransactionDraft,
    purpose: str,
    path: tuple[int, ...],
    value: PlutusData | Edit,
    *,
    place: int = 0,
) -> TransactionDraft:
    """The redeemer of the draft's first spend, or of one of its mints, with one place of it changed."""
    if purpose == "mint":
        mints = list(draft.mints)
        mints[place] = replace(mints[place], redeemer=_edited(mints[place].redeemer, path, value))
        return replace(draft, mints=tuple(mints))
    spend, *spends = draft.spends
    return replace(
        draft, spends=(replace(spend, redeemer=_edited(spend.redeemer, path, value)), *spends)
    )


def _edited(redeemer: Redeemer | None, path: tuple[int, ...], value: PlutusData | Edit) -> Redeemer:
    assert redeemer is not None

    def edited(layout: Layout) -> bytes:
        raw = redeemer(layout) if callable(redeemer) else redeemer
        return plutus_data.encode(replaced(plutus_data.decode(raw), path, value))

    return edited


# -- what strangers have


def native_policy(harness: ContractHarness, name: str) -> Script:
    """A native script that asks for the signature of the key of this name, as policy or as lock."""
    return Script("native", b"\x82\x00\x58\x1c" + harness.key(name).key_hash)


def sorted_policy(harness: ContractHarness, name: str, *, behind: bool) -> Script:
    """A native policy whose tokens stand behind the contract's own in every value, or before them."""
    for number in range(1000):
        policy = native_policy(harness, f"{name}-{number}")
        if (policy.hash() > harness.contract.policy_id) == behind:
            return policy
    raise AssertionError("a thousand policies on one side")


ALWAYS_TRUE: Final = Script("plutus:v3", bytes.fromhex("450101002499"))
"""A Plutus script of somebody else's, `(lam context (con unit ()))`: it agrees to everything."""


def created(harness: ContractHarness, output: DraftOutput, *signed_policies: Script) -> Utxo:
    """An output that anybody can make; its tokens, of these native policies, are minted."""
    policies = {script.hash() for script in signed_policies}
    minted = {
        policy: {a.asset_name: n for a, n in output.value.assets.items() if a.policy_id == policy}
        for policy in policies
    }
    mints = tuple(Mint(policy, assets) for policy, assets in minted.items())
    draft = TransactionDraft(outputs=(output,), mints=mints, scripts=signed_policies)
    return harness.send(draft).outputs[0]


def foreign_copy(harness: ContractHarness, utxo: Utxo) -> Utxo:
    """The same output, with a token of the same name under a policy of the attacker's."""
    policy = native_policy(harness, "attacker")
    return created(harness, _copy(utxo, _renamed(harness, utxo, policy)), policy)


def unstaked_copy(harness: ContractHarness, utxo: Utxo) -> Utxo:
    """As `foreign_copy`, under the contract's script but no distribution's staking part."""
    policy = native_policy(harness, "attacker")
    copy = _copy(utxo, _renamed(harness, utxo, policy))
    return created(harness, replace(copy, address=replace(copy.address, staking=None)), policy)


def copy_at_home(harness: ContractHarness, utxo: Utxo) -> Utxo:
    """As `foreign_copy`, at the attacker's own address."""
    policy = native_policy(harness, "attacker")
    copy = _copy(utxo, _renamed(harness, utxo, policy))
    return created(harness, replace(copy, address=harness.key("attacker").address(0)), policy)


def _ours(harness: ContractHarness) -> set[bytes]:
    return {harness.contract.policy_id, harness.contract.board_policy}


def _renamed(harness: ContractHarness, utxo: Utxo, policy: Script) -> Value:
    """What an output holds, its tokens of ours being of another policy."""
    ours = _ours(harness)
    tokens = {
        AssetId(policy.hash(), asset.asset_name) if asset.policy_id in ours else asset: quantity
        for asset, quantity in utxo.output.value.assets.items()
    }
    return Value(utxo.output.value.lovelace, tokens)


def bare_copy(harness: ContractHarness, utxo: Utxo) -> Utxo:
    """The same output without the contract's token."""
    ours = _ours(harness)
    held = utxo.output.value
    tokens = {asset: n for asset, n in held.assets.items() if asset.policy_id not in ours}
    return created(harness, _copy(utxo, Value(held.lovelace, tokens)))


def _copy(utxo: Utxo, value: Value) -> DraftOutput:
    return DraftOutput(
        address=Address.from_bech32(utxo.output.address),
        value=value,
        inline_datum=utxo.output.inline_datum,
    )


def exchanged(draft: TransactionDraft, old: Utxo, new: Utxo) -> TransactionDraft:
    """Another UTxO referenced or spent in place of one of the draft's."""
    spends = tuple(replace(each, utxo=new) if each.utxo == old else each for each in draft.spends)
    references = tuple(new if each == old else each for each in draft.reference_inputs)
    return replace(draft, spends=spends, reference_inputs=references)
