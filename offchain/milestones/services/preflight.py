"""Every check before a signature. Each raises an error that names the rule; nothing is asked here."""

from __future__ import annotations

from collections.abc import Iterable

from milestones.domain.claims import ClaimState
from milestones.errors import InvalidInput, MilestonesError, NotAllowedYet
from milestones.protocol.terms import Terms
from milestones.services.backend import ChainTime
from milestones.services.on_chain import OnChain
from milestones.transactions.wallet import SigningKey


def must_be_open(on_chain: OnChain) -> None:
    """A distribution that was closed pays nothing any more."""
    if on_chain.closed:
        raise NotAllowedYet(
            "closed",
            "this distribution was closed: its tokens and deposits went back to the creator",
            details={"contract_address": on_chain.address.to_bech32()},
        )


def must_all_be_claimable(states: Iterable[ClaimState], shortfall: Iterable[str] = ()) -> None:
    """Every one of these allocations can be paid now. `shortfall` says how the quorums stand."""
    for state in states:
        if not state.claimable:
            raise why_not(state, shortfall)


def why_not(state: ClaimState, shortfall: Iterable[str] = ()) -> MilestonesError:
    """The rule that keeps this allocation from being paid now."""
    name = f"allocation {state.index}"
    details = {"beneficiary_index": state.index, "status": state.status}
    if state.status == "claimed":
        return NotAllowedYet("claimed", f"{name} is already claimed", details=details)
    if state.status == "vesting":
        return NotAllowedYet(
            "vesting",
            f"{name} is not vested yet: {state.reason}",
            hint="wait until the chain's time has passed it",
            details={**details, "vesting_timestamp": state.allocation.vesting_timestamp},
        )
    milestone = state.allocation.milestone_identifier
    told = "; ".join(shortfall)
    return NotAllowedYet(
        "quorum",
        f"{name} waits for milestone {milestone!r}, which has no quorum of oracles"
        + (f" ({told})" if told else ""),
        hint="commit the missing oracle signatures with `milestones commit-milestone`",
        details={**details, "milestone_identifier": milestone},
    )


def must_match(state: ClaimState, *, beneficiary: object, milestone: str | None) -> None:
    """An allocation that was named by its index is the one that the other flags describe."""
    allocation = state.allocation
    if beneficiary is not None and allocation.beneficiary_address != beneficiary:
        raise InvalidInput(
            f"allocation {state.index} belongs to {allocation.beneficiary_address},"
            f" not to {beneficiary}",
            path="beneficiary_address",
            hint="run calculate-distribution to see a beneficiary's allocations",
        )
    if milestone is not None and allocation.milestone_identifier != milestone:
        raise InvalidInput(
            f"allocation {state.index} is for milestone {allocation.milestone_identifier!r},"
            f" not for {milestone!r}",
            path="milestone_identifier",
            hint="run calculate-distribution to see which allocation is for which milestone",
        )


def must_be_the_creator(terms: Terms, key: SigningKey) -> None:
    """The key that signs is the one that the terms name as creator."""
    if terms.creator.kind == "script":
        raise InvalidInput(
            "the creator is a script: it consents by an input that it spends, which this program"
            " doesn't build",
            path="signing_key_path",
            hint="build the transaction with the script's own wallet",
        )
    if terms.creator.hash != key.key_hash:
        raise InvalidInput(
            f"the creator's key hash is {terms.creator.hash.hex()}, the given key's is"
            f" {key.key_hash.hex()}",
            path="signing_key_path",
            hint="sign with the creator's key",
        )


def must_be_closable(on_chain: OnChain, time: ChainTime) -> None:
    """Everything is paid out, or the time has come from which the creator may take the rest."""
    if not on_chain.remaining:
        return
    reclaim_after = on_chain.terms.reclaim_after_posix_ms
    details = {"remaining_token_amount": on_chain.remaining}
    if reclaim_after is None:
        raise NotAllowedYet(
            "irrevocable",
            f"{on_chain.remaining} tokens are not claimed yet, and this distribution is"
            " irrevocable: nobody can ever take them back",
            hint="pay out what is claimable with `milestones submit-release --all`",
            details=details,
        )
    if time.now_posix_ms < reclaim_after:
        raise NotAllowedYet(
            "reclaim_after",
            f"{on_chain.remaining} tokens are not claimed yet, and can be taken back only from"
            f" {reclaim_after // 1000} (POSIX seconds) on; the chain's time is {time.now}",
            hint="wait, or pay out what is claimable with `milestones submit-release --all`",
            details={**details, "reclaim_after": reclaim_after // 1000, "now": time.now},
        )
