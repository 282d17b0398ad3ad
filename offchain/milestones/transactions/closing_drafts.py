"""The draft that ends a distribution: everything of it leaves the chain in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from milestones.cardano.outputs import Utxo
from milestones.cardano.value import Value
from milestones.protocol import redeemers
from milestones.protocol.redeemers import NOWHERE
from milestones.protocol.terms import Terms
from milestones.transactions.contract_drafts import PublishedScripts, creator_signers
from milestones.transactions.draft import DraftOutput, Layout, Mint, Spend, TransactionDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is left of a distribution. `board_utxos` hold tokens of `board`: boards and notices."""

    terms: Utxo
    vaults: Sequence[Utxo]
    attestations: Sequence[Utxo] = ()
    board_utxos: Sequence[Utxo] = ()

    def all(self) -> tuple[Utxo, ...]:
        """Every output that is spent."""
        return (self.terms, *self.vaults, *self.attestations, *self.board_utxos)


def close_draft(
    terms: Terms,
    remains: Remains,
    *,
    scripts: PublishedScripts,
    notice: Utxo | None = None,
    valid_from_slot: int | None = None,
) -> TransactionDraft:
    """Spends what is left, and burns every token of ours in it.

    Without `notice` the creator's key signs, and what was held beside becomes change. With one (of
    `board_utxos`), a notice whose grace is over or the word that all may go home, nobody has to sign, and
    everything goes to the terms' refund in output 0. `valid_from_slot` must start at or after
    `reclaim_after` where a vault has something left, or after the notice's grace.
    """
    spent, contract = remains.all(), scripts.contract
    close = redeemers.encoded(redeemers.Close())

    def burn(layout: Layout) -> bytes:
        place = layout.input_index(remains.terms.reference)
        return redeemers.encoded(redeemers.Burn(place))

    def end(layout: Layout) -> bytes:
        place = layout.input_index(remains.terms.reference)
        at = NOWHERE if notice is None else layout.input_index(notice.reference)
        return redeemers.encoded(redeemers.End(place, at))

    mints = [Mint(contract.policy_id, _burnt(spent, contract.policy_id), burn)]
    if remains.board_utxos:
        mints.append(Mint(contract.board_policy, _burnt(spent, contract.board_policy), end))
    reference_inputs, witnesses = scripts.sources(
        vault=True, registry=True, board=bool(remains.board_utxos)
    )
    return TransactionDraft(
        spends=tuple(Spend(utxo, close) for utxo in spent),
        mints=tuple(mints),
        outputs=() if notice is None else (_home(terms, spent),),
        reference_inputs=reference_inputs,
        scripts=witnesses,
        required_signers=creator_signers(terms.creator) if notice is None else (),
        valid_from_slot=valid_from_slot,
    )


def _home(terms: Terms, spent: Iterable[Utxo]) -> DraftOutput:
    held = sum((utxo.output.value for utxo in spent), Value())
    amount = 0 if not terms.token.policy_id else held.quantity(terms.token)
    return DraftOutput(
        address=terms.refund.address,
        value=Value(held.lovelace) + Value.of(terms.token, amount),
        inline_datum=terms.refund.datum.inline,
        datum_hash=terms.refund.datum.hash,
    )


def _burnt(utxos: Iterable[Utxo], policy_id: bytes) -> dict[bytes, int]:
    burnt: dict[bytes, int] = {}
    for utxo in utxos:
        for asset, quantity in utxo.output.value.assets.items():
            if asset.policy_id == policy_id:
                burnt[asset.asset_name] = burnt.get(asset.asset_name, 0) - quantity
    return burnt
