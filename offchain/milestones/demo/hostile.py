"""Transactions that the program would never build, pushed past its checks for the chain to judge."""

from __future__ import annotations

from dataclasses import replace

from milestones.cardano.address import Address
from milestones.cardano.value import Value
from milestones.errors import ChainRejected
from milestones.keys.key_files import SigningKey
from milestones.protocol.distribution import Distribution
from milestones.protocol.redeemers import OracleWitness
from milestones.services.backend import Backend, chain_time
from milestones.services.distribution.on_chain import OpenDistribution
from milestones.services.sending.funds import funds_of
from milestones.services.sending.payer import Payer
from milestones.services.sending.published_scripts import require_published
from milestones.transactions.board_drafts import LiveProposal, Referenced, confirm_draft
from milestones.transactions.closing_drafts import Remains, close_draft
from milestones.transactions.contract_drafts import ReleaseSources, release_draft
from milestones.transactions.draft import DraftOutput, TransactionDraft
from milestones.transactions.signing import sign
from milestones.transactions.tx_builder import balance


async def push(backend: Backend, draft: TransactionDraft, key: SigningKey) -> ChainRejected:
    """Submits a draft as it is, with guessed execution units, and returns the chain's refusal.

    Raises `AssertionError` where the chain accepts it: the story would be a lie.
    """
    funds = await funds_of(backend, Payer.of(key))
    parameters = await backend.ogmios.protocol_parameters()
    balanced = balance(
        draft, parameters=parameters, wallet=funds.utxos, change_address=funds.change_address
    )
    signed = sign(balanced, [key])
    try:
        await backend.ogmios.submit(signed.cbor)
    except ChainRejected as refusal:
        return refusal
    raise AssertionError(f"the chain accepted a hostile transaction: {signed.id.hex()}")


def forged(witness: OracleWitness) -> OracleWitness:
    """The oracle's own key, and a signature with one bit flipped."""
    first = bytes((witness.signature[0] ^ 1,))
    return replace(witness, signature=first + witness.signature[1:])


async def honest_release(
    backend: Backend,
    on_chain: OpenDistribution,
    distribution: Distribution,
    index: int,
    *,
    valid_from_slot: int | None = None,
) -> TransactionDraft:
    """A release of one allocation, by the book but for the time, which is now unless given."""
    time = await chain_time(backend)
    page, leaf = distribution.place(index)
    vault = on_chain.vault_paying(page, [leaf])
    if vault is None:
        raise AssertionError(f"allocation {index} can't be paid any more")
    attestations = {
        milestone.decode(): live[0].utxo for milestone, live in on_chain.attestations.items()
    }
    return release_draft(
        distribution,
        [index],
        ReleaseSources(
            vault=vault.utxo,
            terms=on_chain.terms_utxo,
            scripts=await require_published(backend),
            attestations=attestations,
        ),
        valid_from_slot=time.slot if valid_from_slot is None else valid_from_slot,
    )


async def hasty_confirmation(
    backend: Backend, on_chain: OpenDistribution, live: LiveProposal
) -> TransactionDraft:
    """A proposal's confirmation, by the book but for the time, which is now."""
    scripts = await require_published(backend)
    return confirm_draft(
        live,
        Referenced(terms=on_chain.terms_utxo, scripts=scripts),
        sitting=on_chain.sitting,
        valid_from_slot=(await chain_time(backend)).slot,
    )


async def ending(backend: Backend, on_chain: OpenDistribution) -> TransactionDraft:
    """The end after a notice, by the book but for the time, which is now."""
    (notice,) = on_chain.notices
    board = () if on_chain.board is None else (on_chain.board.utxo,)
    remains = Remains(
        terms=on_chain.terms_utxo,
        vaults=[vault.utxo for vault in on_chain.vaults],
        attestations=[live.utxo for group in on_chain.attestations.values() for live in group],
        board_utxos=(notice.utxo, *board),
    )
    return close_draft(
        on_chain.terms,
        remains,
        scripts=await require_published(backend),
        notice=notice.utxo,
        valid_from_slot=(await chain_time(backend)).slot,
    )


def sent_to(ended: TransactionDraft, thief: Address) -> TransactionDraft:
    """The same end, what is left to somebody else."""
    refund, *others = ended.outputs
    return replace(ended, outputs=(replace(refund, address=thief), *others))


def redirected(release: TransactionDraft, thief: Address) -> TransactionDraft:
    """The same release, its payout to somebody else."""
    vault, payout, *others = release.outputs
    return replace(release, outputs=(vault, replace(payout, address=thief), *others))


def underpaid(release: TransactionDraft, thief: Address) -> TransactionDraft:
    """The same release, one token less in the payout and in the thief's pocket instead."""
    vault, payout, *others = release.outputs
    ((asset, quantity),) = payout.value.assets.items()
    less = replace(payout, value=Value(payout.value.lovelace, {asset: quantity - 1}))
    pocket = DraftOutput(address=thief, value=Value(0, {asset: 1}))
    return replace(release, outputs=(vault, less, *others, pocket))
