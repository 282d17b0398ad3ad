"""Closing: every UTxO of a distribution is spent, its tokens burnt; what they held becomes change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from milestones.cardano import plutus_data
from milestones.cardano.outputs import Utxo
from milestones.protocol import redeemers
from milestones.protocol.terms import Terms
from milestones.transactions.draft import Layout, Mint, Spend, TransactionDraft
from milestones.transactions.open import creator_signers
from milestones.transactions.published_scripts import PublishedScripts


def close_draft(
    terms: Terms,
    *,
    terms_utxo: Utxo,
    vaults: Sequence[Utxo],
    attestations: Sequence[Utxo] = (),
    scripts: PublishedScripts,
    valid_from_slot: int | None = None,
) -> TransactionDraft:
    """Spends the terms, all vaults and the attestations, and burns every token of ours they hold.

    `valid_from_slot` must start at or after `reclaim_after` where a vault has something left. A creator
    that is a script must be spent from in the same transaction: the caller adds that input.
    """
    spent = (terms_utxo, *vaults, *attestations)
    policy_id = scripts.contract.policy_id
    close = plutus_data.encode(redeemers.Close().to_data())

    def burn(layout: Layout) -> bytes:
        place = layout.input_index(terms_utxo.reference)
        return plutus_data.encode(redeemers.Burn(place).to_data())

    reference_inputs, witnesses = scripts.sources(vault=True, registry=True)
    return TransactionDraft(
        spends=tuple(Spend(utxo, close) for utxo in spent),
        mints=(Mint(policy_id, _burnt(spent, policy_id), burn),),
        reference_inputs=reference_inputs,
        scripts=witnesses,
        required_signers=creator_signers(terms.creator),
        valid_from_slot=valid_from_slot,
    )


def _burnt(utxos: Iterable[Utxo], policy_id: bytes) -> dict[bytes, int]:
    burnt: dict[bytes, int] = {}
    for utxo in utxos:
        for asset, quantity in utxo.output.value.assets.items():
            if asset.policy_id == policy_id:
                burnt[asset.asset_name] = burnt.get(asset.asset_name, 0) - quantity
    return burnt
