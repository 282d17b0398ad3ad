"""How the powers of an open distribution are used: notices, proposals, boards, and what allowances are left."""

from __future__ import annotations

from typing import Literal

from milestones.cardano.value import LOVELACE
from milestones.domain.posix_time import about, to_posix_seconds
from milestones.protocol.datums import Proposal
from milestones.protocol.deposits import vault_min_lovelace
from milestones.protocol.distribution import Distribution
from milestones.services.distribution.on_chain import LiveNotice, LiveVault, OnChain
from milestones.services.distribution.powers import moment

ProposalState = Literal["under_review", "due", "forgotten"]
"""Oracles can object; anybody can confirm it (and they can still object); anybody can retire it too."""


def proposal_state(proposal: Proposal, now_posix_ms: int) -> ProposalState:
    """How a proposal stands at the chain's time."""
    if now_posix_ms < proposal.due_at_posix_ms:
        return "under_review"
    return "due" if now_posix_ms < proposal.forgotten_at_posix_ms else "forgotten"


def given_by(live: LiveNotice) -> Literal["creator", "quorum"] | None:
    """Who gave a notice; None of the word that everything may go home, which anybody can say."""
    if live.notice.is_home:
        return None
    return "quorum" if live.notice.signers else "creator"


def spare_lovelace(on_chain: OnChain, vault: LiveVault, lovelace_per_utxo_byte: int) -> int:
    """What a vault holds beyond what it owes and what its output must hold; negative where it lacks."""
    held, owed = vault.utxo.output.value.lovelace, 0
    if on_chain.terms.token == LOVELACE:
        owed = vault.state.remaining
    return held - owed - vault_min_lovelace(vault.utxo.output, lovelace_per_utxo_byte)


def unpaid_leaves(on_chain: OnChain, vault: LiveVault, distribution: Distribution | None) -> int:
    """How many allocations of its page a vault has not paid; where they aren't known, how many it may have."""
    paging, paid = on_chain.terms.paging, vault.state.claimed_leaves()
    if distribution is None or not distribution.complete:
        return paging.page_size - len(paid)
    page, known = vault.state.page, distribution.allocations
    leaves = (leaf for leaf in range(paging.page_size) if leaf not in paid)
    return sum(paging.index_of(page, leaf) in known for leaf in leaves)


def claims_repaid(on_chain: OnChain, lovelace_per_utxo_byte: int) -> int | None:
    """For how many more claims the allowance lasts in full, all vaults together; None where it is off."""
    allowance = on_chain.terms.allowance_lovelace
    if not allowance:
        return None
    return sum(
        max(0, spare_lovelace(on_chain, vault, lovelace_per_utxo_byte)) // allowance
        for vault in on_chain.vaults
    )


def notice_in_words(on_chain: OnChain, now_posix_ms: int) -> str | None:
    """What a notice means for whoever waits for money; None where nobody has given any."""
    live, ends_at = on_chain.notice, on_chain.ends_at_posix_ms
    if live is None or ends_at is None:
        return None
    who = "the creator" if given_by(live) == "creator" else "a quorum of the oracles"
    said = f"{who} gave notice on {moment(live.notice.said_at_posix_ms)}"
    if now_posix_ms >= ends_at:
        return (
            f"{said}, and its grace is over since {moment(ends_at)}: anybody can end the distribution"
            " at any moment. It can't be withdrawn and doesn't expire"
        )
    left = about(to_posix_seconds(ends_at - now_posix_ms))
    return (
        f"{said}: claim before {moment(ends_at)}, in {left}. From then on anybody can end the"
        " distribution, at any time. The notice can't be withdrawn and doesn't expire"
    )
