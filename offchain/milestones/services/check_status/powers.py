"""What `check-status` shows of boards, proposals and notices."""

from __future__ import annotations

from collections.abc import Iterator

from milestones.cardano.address import Address
from milestones.domain.posix_time import to_posix_seconds
from milestones.errors import InvalidEncoding
from milestones.protocol.datums import Proposal
from milestones.services.check_status.report import BoardStatus, NoticeStatus, ProposalStatus
from milestones.services.distribution.in_use import given_by, proposal_state
from milestones.services.distribution.on_chain import OnChain


def board_status(on_chain: OnChain) -> BoardStatus | None:
    """The board that sits; None where the oracles can't be replaced, or all is over."""
    live = on_chain.board
    if live is None:
        return None
    return BoardStatus(
        sequence=live.board.sequence,
        quorum_threshold=live.board.quorum_threshold,
        oracles=live.board.oracles,
        reference=str(live.utxo.reference),
    )


def proposal_statuses(on_chain: OnChain, now_posix_ms: int) -> Iterator[ProposalStatus]:
    """The proposals that wait, oldest first."""
    for live in on_chain.proposals:
        proposal = live.proposal
        yield ProposalStatus(
            milestone_identifier=proposal.milestone_identifier,
            state=proposal_state(proposal, now_posix_ms),
            said_at=to_posix_seconds(proposal.said_at_posix_ms),
            due_at=to_posix_seconds(proposal.due_at_posix_ms),
            forgotten_at=to_posix_seconds(proposal.forgotten_at_posix_ms),
            evidence_hash=proposal.evidence_hash,
            bond_lovelace=live.utxo.output.value.lovelace,
            return_address=_return_address(proposal, on_chain.terms.network_id),
            reference=str(live.utxo.reference),
        )


def _return_address(proposal: Proposal, network_id: int) -> Address | None:
    try:
        return proposal.return_address(network_id)
    except InvalidEncoding:
        return None


def notice_statuses(on_chain: OnChain) -> Iterator[NoticeStatus]:
    """The notices, earliest first."""
    for live in on_chain.notices:
        notice, is_home = live.notice, live.notice.is_home
        ends_at = notice.said_at_posix_ms + on_chain.terms.grace_ms
        yield NoticeStatus(
            given_by=given_by(live),
            said_at=None if is_home else to_posix_seconds(notice.said_at_posix_ms),
            ends_at=None if is_home else to_posix_seconds(ends_at),
            evidence_hash=notice.evidence_hash,
            signers=notice.signers,
            reference=str(live.utxo.reference),
        )
