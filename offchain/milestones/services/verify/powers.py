"""What `verify` says of powers: which exist, whether any is in use, and what to do by when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from milestones.cardano.value import LOVELACE
from milestones.domain.posix_time import duration_in_words, in_words, to_posix_seconds
from milestones.protocol.distribution import Distribution
from milestones.protocol.terms import oracles_can_act
from milestones.services.distribution.in_use import (
    claims_repaid,
    notice_in_words,
    proposal_state,
    spare_lovelace,
    unpaid_leaves,
)
from milestones.services.distribution.on_chain import OnChain
from milestones.services.distribution.powers import Power, moment, powers_of
from milestones.services.distribution.state import DistributionState
from milestones.services.results import View
from milestones.services.verify.checks import WARNING, Check

NOW: Final = "now"


class PowerInUse(Power):
    """A power, and in words how it is used; empty where there is nothing to say."""

    in_use: str


class ToDo(View):
    """What somebody who waits for money should do. `by` is in POSIX seconds, None: no time is set."""

    by: int | None
    when: str
    what: str

    @classmethod
    def until(cls, posix_ms: int, what: str) -> ToDo:
        """Something with a time."""
        seconds = to_posix_seconds(posix_ms)
        return cls(by=seconds, when=f"before {in_words(seconds)}", what=what)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the powers is made of; `distribution` is None where the schedule isn't known."""

    state: DistributionState
    distribution: Distribution | None

    @property
    def on_chain(self) -> OnChain:
        """The distribution as the chain shows it."""
        return self.state.on_chain

    @property
    def now_posix_ms(self) -> int:
        """The chain's time."""
        return self.state.time.now_posix_ms

    @property
    def lovelace_per_utxo_byte(self) -> int:
        """The ledger's price of storage."""
        return self.state.lovelace_per_utxo_byte


def powers_in_use(seen: Seen) -> Iterator[PowerInUse]:
    """Each power of the terms, with what became of it."""
    uses = {
        "attest": _attested,
        "pay": _paid,
        "reclaim": _reclaim,
        "cancel": _cancel,
        "waive": _waive,
        "propose": _propose,
        "rotate": _rotate,
        "allowance": _allowance,
    }
    for power in powers_of(seen.on_chain.terms):
        use = uses.get(power.name)
        in_use = "" if use is None or seen.on_chain.closed else use(seen)
        yield PowerInUse(name=power.name, words=power.words, in_use=in_use)


def _attested(seen: Seen) -> str:
    count = len(seen.on_chain.attestations)
    return f"{count} {'milestone is' if count == 1 else 'milestones are'} attested"


def _paid(seen: Seen) -> str:
    return f"{len(seen.on_chain.claimed())} allocations are paid"


def _reclaim(seen: Seen) -> str:
    after = seen.on_chain.terms.reclaim_after_posix_ms
    return "possible now" if after is not None and after <= seen.now_posix_ms else ""


def _cancel(seen: Seen) -> str:
    return notice_in_words(seen.on_chain, seen.now_posix_ms) or "no notice was given"


def _waive(seen: Seen) -> str:
    after = seen.on_chain.terms.waiver_after_posix_ms
    possible = after is not None and after <= seen.now_posix_ms
    return "possible now" if possible else "not possible yet"


def _propose(seen: Seen) -> str:
    waiting = [live.proposal for live in seen.on_chain.proposals]
    listed = "; ".join(
        f"{each.milestone_identifier!r}, due {moment(each.due_at_posix_ms)}" for each in waiting
    )
    return f"proposed: {listed}" if waiting else "nothing is proposed"


def _rotate(seen: Seen) -> str:
    live = seen.on_chain.board
    if live is None:
        return "no board sits"
    count, board = live.board.sequence, live.board
    seats = f"{board.quorum_threshold} of {len(board.oracles)} oracles count"
    if not count:
        return f"never replaced: {seats}"
    return f"replaced {count} {'time' if count == 1 else 'times'}: now {seats}"


def _allowance(seen: Seen) -> str:
    repaid, distribution = (
        claims_repaid(seen.on_chain, seen.lovelace_per_utxo_byte),
        seen.distribution,
    )
    if distribution is None or not distribution.complete:
        return f"lasts for {repaid} more claims"
    left = len(distribution.allocations) - len(seen.on_chain.claimed())
    return f"lasts for {min(repaid or 0, left)} of {left} more claims"


def power_checks(seen: Seen) -> Iterator[Check]:
    """What is wrong with a power, or has to be known because it is in use."""
    on_chain = seen.on_chain
    if on_chain.closed:
        return
    yield from _lacking_checks(seen)
    if on_chain.terms.rotatable is not None:
        yield _board_check(on_chain)
    notice = notice_in_words(on_chain, seen.now_posix_ms)
    if notice is not None:
        yield Check(name="notice", outcome=WARNING, detail=notice)
    if any(live.notice.is_home for live in on_chain.notices):
        detail = "everything may go home: anybody can end it once all is paid, or can be taken back"
        yield Check(name="notice", outcome=WARNING, detail=detail)
    for live in on_chain.proposals:
        state, proposal = proposal_state(live.proposal, seen.now_posix_ms), live.proposal
        due = moment(proposal.due_at_posix_ms)
        detail = f"{proposal.milestone_identifier!r} is proposed as reached: "
        detail += (
            f"oracles can object until {due}" if state == "under_review" else f"due since {due}"
        )
        yield Check(name="proposal", outcome=WARNING, detail=detail)


def _lacking_checks(seen: Seen) -> Iterator[Check]:
    """Lovelace that whoever pays out has to add, or isn't repaid: no beneficiary has less for it."""
    on_chain, price, known = seen.on_chain, seen.lovelace_per_utxo_byte, seen.distribution
    owing = [vault for vault in on_chain.vaults if vault.state.remaining]
    lacking = sum(max(0, -spare_lovelace(on_chain, vault, price)) for vault in owing)
    if lacking and on_chain.terms.token != LOVELACE:
        detail = (
            f"the vaults lack {lacking} lovelace of what outputs must hold today: whoever pays out adds"
            " them"
        )
        yield Check(name="deposits", outcome=WARNING, detail=detail)
    repaid = claims_repaid(on_chain, price)
    if repaid is None or known is None or not known.complete:
        return
    left = sum(unpaid_leaves(on_chain, vault, known) for vault in on_chain.vaults)
    if repaid < left:
        detail = (
            f"the allowance lasts for {repaid} of {left} more claims: nobody is repaid for the rest"
        )
        yield Check(name="allowance", outcome=WARNING, detail=detail)


def _board_check(on_chain: OnChain) -> Check:
    if on_chain.board is None:
        return Check.of("board", False, "no board is at the address: nobody can attest anything")
    board = on_chain.board.board
    detail = f"board {board.sequence}: {board.quorum_threshold} of {len(board.oracles)} must sign"
    return Check.of("board", oracles_can_act(board.oracles, board.quorum_threshold), detail)


def to_do(seen: Seen) -> tuple[ToDo, ...]:
    """What a beneficiary should do by when, the most pressing first."""
    return tuple(sorted(_to_do(seen), key=_urgency))


def _urgency(each: ToDo) -> tuple[int, int]:
    if each.by is not None:
        return 1, each.by
    return (0 if each.when == NOW else 2), 0


def _to_do(seen: Seen) -> Iterator[ToDo]:
    on_chain, terms = seen.on_chain, seen.on_chain.terms
    if on_chain.closed or not on_chain.remaining:
        return
    ends_at, reclaim_after = on_chain.ends_at_posix_ms, terms.reclaim_after_posix_ms
    claim = "claim what is due"
    if ends_at is not None and ends_at <= seen.now_posix_ms:
        yield ToDo(by=None, when=NOW, what=f"{claim}: anybody can end it, because of a notice")
    elif ends_at is not None:
        what = f"{claim}, and have attested what is reached: after a notice anybody can end it then"
        yield ToDo.until(ends_at, what)
    elif terms.cancel_by:
        often = duration_in_words(to_posix_seconds(terms.grace_ms))
        what = f"look whether notice was given; {claim} within {often} of one"
        yield ToDo(by=None, when=f"every {often}", what=what)
    if reclaim_after is not None and reclaim_after <= seen.now_posix_ms:
        yield ToDo(by=None, when=NOW, what=f"{claim}: the rest can be taken back at any moment")
    elif reclaim_after is not None:
        what = f"{claim}, and have attested what is reached: the rest can be taken back then"
        yield ToDo.until(reclaim_after, what)
    for live in on_chain.proposals:
        proposal = live.proposal
        name = proposal.milestone_identifier
        if proposal_state(proposal, seen.now_posix_ms) == "under_review":
            what = f"milestone {name!r}: an oracle that knows better has to object"
            yield ToDo.until(proposal.due_at_posix_ms, what)
        else:
            what = f"milestone {name!r}: have the proposal confirmed, which anybody can do"
            yield ToDo(by=None, when=NOW, what=what)
    if ends_at is None and reclaim_after is None and not terms.cancel_by:
        yield ToDo(by=None, when="at any time", what=f"{claim}: nobody can take it away")
