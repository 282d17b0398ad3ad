"""The checks before a signature of what `board` rules: notices, waivers, proposals, replaced oracles."""

from __future__ import annotations

from milestones.cardano.address import Address
from milestones.domain.models import Canceller
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.errors import InvalidEncoding, NotAllowedYet, NotFound
from milestones.protocol.datums import Proposal
from milestones.protocol.terms import Terms
from milestones.services.backend import ChainTime
from milestones.services.distribution.on_chain import LiveBoard, OnChain
from milestones.transactions.board_drafts import LiveProposal

_WHO: dict[Canceller, str] = {
    "creator": "the creator's key alone",
    "quorum": "a quorum of the oracles",
}


def must_let_cancel(terms: Terms, by: Canceller) -> None:
    """The terms let them give notice."""
    if by in terms.cancel_by:
        return
    others = " or ".join(_WHO[each] for each in sorted(terms.cancel_by)) or "nobody"
    raise NotAllowedYet(
        "cancel_by",
        f"the terms don't let {_WHO[by]} give notice: {others} can",
        hint="give the oracles' signatures with --signatures"
        if "quorum" in terms.cancel_by
        else "see what the terms allow with `milestones verify`",
        details={"cancel_by": sorted(terms.cancel_by)},
    )


def must_not_be_cancelled(on_chain: OnChain) -> None:
    """One notice is enough for an opening: a second would end nothing sooner."""
    live, ends_at = on_chain.notice, on_chain.ends_at_posix_ms
    given = sum(not each.notice.is_home for each in on_chain.notices)
    if live is None or ends_at is None or given < len(on_chain.terms_utxos):
        return
    raise NotAllowedYet(
        "cancelled",
        f"notice was given already, in {live.utxo.reference}: anybody can end the distribution from"
        f" {in_words(to_posix_seconds(ends_at))} on",
        hint="end it then with `milestones close`",
        details={"notice": str(live.utxo.reference), "ends_at": to_posix_seconds(ends_at)},
    )


def must_be_over(ends_at_posix_ms: int, time: ChainTime) -> None:
    """The grace of a notice is over."""
    if time.now_posix_ms < ends_at_posix_ms:
        raise NotAllowedYet(
            "grace",
            f"notice was given, and its grace lasts until {_until(ends_at_posix_ms, time)}",
            hint="wait until the chain's time has passed it; until then claims are paid as before",
            details={"ends_at": _seconds(ends_at_posix_ms), "now": time.now},
        )


def must_be_waivable(terms: Terms, time: ChainTime) -> int:
    """The time from which the creator alone can attest has come; it is returned, POSIX milliseconds."""
    waiver_after = terms.waiver_after_posix_ms
    if waiver_after is None:
        raise NotAllowedYet(
            "waiver_after",
            "the terms never let the creator attest without the oracles",
            hint="collect the oracles' signatures, and attest with them",
        )
    if time.now_posix_ms < waiver_after:
        raise NotAllowedYet(
            "waiver_after",
            f"the creator alone can attest only from {_until(waiver_after, time)}",
            hint="wait until the chain's time has passed it, or collect the oracles' signatures",
            details={"waiver_after": _seconds(waiver_after), "now": time.now},
        )
    return waiver_after


def must_take_proposals(terms: Terms) -> None:
    """The terms allow that milestones are proposed."""
    if not terms.objectors:
        raise NotAllowedYet(
            "objectors",
            "the terms of this distribution allow no proposals",
            hint="a milestone is attested with the oracles' signatures: `milestones attest`",
        )


def must_be_due(proposal: Proposal, time: ChainTime) -> None:
    """The period in which oracles can stop it is over, and nobody did."""
    due_at = proposal.due_at_posix_ms
    if time.now_posix_ms < due_at:
        raise NotAllowedYet(
            "review_period",
            f"the proposal can be confirmed only from {_until(due_at, time)}",
            hint="wait until the chain's time has passed it; until then oracles can object",
            details={"due_at": _seconds(due_at), "now": time.now},
        )


def must_be_forgotten(proposal: Proposal, time: ChainTime) -> None:
    """Nobody has confirmed it for as long again as it took to be due."""
    moment = proposal.forgotten_at_posix_ms
    if time.now_posix_ms < moment:
        raise NotAllowedYet(
            "forgotten",
            f"the proposal can be retired only from {_until(moment, time)}",
            hint="wait until the chain's time has passed it, or confirm it where it is due",
            details={"forgotten_at": _seconds(moment), "now": time.now},
        )


def must_be_rotatable(on_chain: OnChain) -> LiveBoard:
    """The board that sits. Raises `NotAllowedYet` (`rotatable`) where the terms know none."""
    if on_chain.terms.rotatable is None:
        raise NotAllowedYet(
            "rotatable",
            "the terms of this distribution never let the oracles be replaced",
            hint="only terms that were registered as rotatable do",
        )
    if on_chain.board is None:
        raise NotFound(
            "the board of this distribution can't be found",
            hint="run `milestones init`: Kupo may not have indexed the contract from its beginning",
        )
    return on_chain.board


def _until(moment_posix_ms: int, time: ChainTime) -> str:
    when, now = in_words(_seconds(moment_posix_ms)), in_words(time.now)
    return f"{when}; the chain's time is {now}"


def _seconds(posix_ms: int) -> int:
    """POSIX seconds, rounded up: what is said to be possible then is."""
    return -(-posix_ms // 1000)


def bond_return(live: LiveProposal, network_id: int) -> Address:
    """Where its bond returns. Raises `NotAllowedYet` (`return_to`) where no output could ever be there."""
    try:
        return live.proposal.return_address(network_id)
    except InvalidEncoding as error:
        raise NotAllowedYet(
            "return_to",
            f"whoever proposed wrote no address that a bond can return to: {error.reason}",
            hint="only an objection, which names an address of its own, can take it off the chain",
        ) from None
