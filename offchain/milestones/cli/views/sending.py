"""What the commands that send something say on a terminal: what happened, to whom, until when, at what cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import RenderableType

from milestones.cli.views.figures import (
    ada,
    counted,
    happened,
    heading,
    labelled,
    moment,
    more,
    of_token,
    short,
    table,
    whole,
)
from milestones.services.attest import MilestoneAttested
from milestones.services.cancel import NoticeGiven
from milestones.services.close import Closed
from milestones.services.deploy import Deployed
from milestones.services.oracle import OraclesReplaced
from milestones.services.proposal import (
    ProposalConfirmed,
    ProposalEnded,
    ProposalsShown,
    ProposalStopped,
    ProposalSubmitted,
)
from milestones.services.publish_script import Published
from milestones.services.sending.reports import SentResult

SHOWN: Final = 8
"""How many of a list are shown."""
NOT_SENT: Final = ("dry_run", "waiting_for_signatures")
STATES: Final = {
    "under_review": "oracles can object",
    "due": "anybody can confirm it",
    "forgotten": "it can be taken back",
}


def identifier(status: str, transaction_hash: str) -> str:
    """A transaction's id; empty for a dry run's, which nobody will ever see again."""
    return "" if status == "dry_run" else transaction_hash


def waiting(result: SentResult) -> Iterator[RenderableType]:
    """The files that wait to be signed, by whom and until when."""
    for each in result.handed_out:
        until = "" if each.valid_until is None else f", before {moment(each.valid_until)}"
        signatures = counted(each.signature_count, "signature")
        keys = counted(len(each.to_sign), "key")
        yield f"It needs {signatures} of {keys}{until}."
        yield from labelled(
            ("to be signed", each.file), *(("by", key) for key in each.to_sign[:SHOWN])
        )
        yield from more(len(each.to_sign), SHOWN, "key")


def deployed(result: Deployed) -> Iterator[RenderableType]:
    """What is locked and what it cost; name and transactions to be copied.

    Who can do what was said before it was signed, and is said here where nothing was.
    """
    token = (result.token_policy_id, result.token_name)
    promised = of_token(result.total_token_amount, *token)
    payments = counted(result.allocation_count, "payment")
    yield heading(f"{happened(result.status, 'Open')}: {promised} for {payments}")
    yield ""
    if result.status in NOT_SENT:
        yield from (f"- {power.words}" for power in result.powers)
        yield ""
    yield (
        f"Deposits {ada(result.deposits.total_lovelace)}, which come back when it is closed; fees"
        f" {ada(result.fee_estimate)}."
    )
    if result.private:
        yield "The schedule is private: every beneficiary needs a file, see `claim-file`."
    yield from waiting(result)
    yield from labelled(
        ("address", result.contract_name),
        *(
            (each.role, identifier(result.status, each.transaction_hash))
            for each in result.transactions
        ),
    )


def published(result: Published) -> Iterator[RenderableType]:
    """Where the scripts are, and what that took."""
    if result.status == "already_published":
        yield heading("They are published already: nothing was sent")
    else:
        yield heading(f"{happened(result.status, 'Published')}: the contract's scripts")
    yield ""
    yield from labelled(
        ("vault", result.vault.reference),
        ("registry", result.registry.reference),
        ("board", result.board.reference),
    )
    if result.transaction_hash is None:
        return
    yield ""
    yield (
        f"They hold {ada(result.deposits_lovelace or 0)}, which nobody ever gets back; fee"
        f" {ada(result.fee_estimate or 0)}."
    )
    yield from waiting(result)
    yield from labelled(("transaction", identifier(result.status, result.transaction_hash)))


def attested(result: MilestoneAttested) -> Iterator[RenderableType]:
    """Which milestone counts, by whose word."""
    yield heading(f"{happened(result.status, 'Attested')}: {result.milestone_identifier}")
    yield ""
    yield f"Reached {moment(result.verification_timestamp)}."
    yield from _signed_by(result.signers, "The creator waived the oracles' signatures.")
    for each in result.refused_oracles:
        yield f"{short(str(each))}: the chain refuses its signature; it was left out."
    yield "What it unlocks is paid from when it vests on, by anybody: `submit-release`."
    yield from _deposit(result.deposit_lovelace, result.fee_estimate)
    yield from waiting(result)
    yield from labelled(
        ("address", str(result.contract_address)),
        ("evidence", result.evidence_hash.hex()),
        ("transaction", identifier(result.status, result.transaction_hash)),
    )


def notice_given(result: NoticeGiven) -> Iterator[RenderableType]:
    """From when on anybody can end it, and where what is left goes."""
    ends = moment(result.ends_at)
    yield heading(f"{happened(result.status, 'Notice is given')}: from {ends} on it can be ended")
    yield ""
    yield f"Said {moment(result.said_at)}; it can't be withdrawn and doesn't expire."
    yield from _signed_by(result.signers, "The creator gave it.")
    yield (
        "Until then milestones are attested and claims are paid as before. Then what is left goes to the"
        " refund address, by whoever calls `close`."
    )
    yield from _deposit(result.deposit_lovelace, result.fee_estimate)
    yield from waiting(result)
    yield from labelled(
        ("address", str(result.contract_address)),
        ("refund", str(result.refund_address)),
        ("evidence", result.evidence_hash.hex()),
        ("transaction", identifier(result.status, result.transaction_hash)),
    )


def closed(result: Closed) -> Iterator[RenderableType]:
    """What returns, and to whom."""
    token = (result.token_policy_id, result.token_name)
    unpaid = "all was paid"
    if result.tokens_returned:
        unpaid = f"{of_token(result.tokens_returned, *token)} go back unpaid"
    yield heading(f"{happened(result.status, 'Closed')}: {unpaid}")
    yield ""
    whose = "the creator" if result.refund_address is None else "the refund address of the terms"
    back = f"{ada(result.deposits_returned_lovelace)} of deposits"
    yield f"{back} go back to {whose}; fee {ada(result.fee_estimate)}."
    yield f"{counted(result.attestations_burnt, 'attestation')} burnt."
    if result.attestations_left:
        left = counted(len(result.attestations_left), "output")
        yield f"{left} had no room, and what they hold is lost."
    yield from waiting(result)
    yield from labelled(
        ("address", str(result.contract_address)),
        ("refund", result.refund_address or ""),
        *(
            (each.purpose, identifier(each.status, each.transaction_hash))
            for each in result.transactions
        ),
    )


def replaced(result: OraclesReplaced) -> Iterator[RenderableType]:
    """Who sits from now on."""
    board = counted(len(result.oracles), "oracle")
    yield heading(
        f"{happened(result.status, 'Replaced')}: {board} sit from now on, and"
        f" {result.quorum_threshold} are a quorum"
    )
    yield ""
    yield from labelled(*(("oracle", str(each)) for each in result.oracles[:SHOWN]))
    yield from more(len(result.oracles), SHOWN, "oracle")
    yield ""
    yield from _signed_by(result.signers, "")
    yield f"It is board {result.sequence}; fee {ada(result.fee_estimate)}."
    yield from waiting(result)
    yield from labelled(
        ("address", str(result.contract_address)),
        ("transaction", identifier(result.status, result.transaction_hash)),
    )


def proposed(result: ProposalSubmitted) -> Iterator[RenderableType]:
    """What is proposed, and what follows when."""
    yield heading(f"{happened(result.status, 'Proposed')}: {result.milestone_identifier}")
    yield ""
    yield (f"Until {moment(result.due_at)} oracles can object; then anybody can confirm it.")
    yield f"From {moment(result.forgotten_at)} on anybody can take it back instead."
    yield f"Bond {ada(result.bond_lovelace)}; fee {ada(result.fee_estimate)}."
    yield from waiting(result)
    yield from labelled(
        ("proposal", result.proposal),
        ("bond back to", result.return_to),
        ("evidence", result.evidence_hash.hex()),
        ("address", str(result.contract_address)),
    )


def proposal_ended(result: ProposalEnded) -> Iterator[RenderableType]:
    """What became of a proposal, and where its bond goes."""
    done, follows = "Retired", "It counts for nothing any more."
    if isinstance(result, ProposalConfirmed):
        done, follows = "Confirmed", "It is attested: what it unlocks is paid once it vests."
    elif isinstance(result, ProposalStopped):
        done, follows = "Stopped", "It counts for nothing; the same can be proposed again."
    yield heading(f"{happened(result.status, done)}: {result.milestone_identifier}")
    yield ""
    yield (follows)
    if isinstance(result, ProposalConfirmed):
        yield f"Reached {moment(result.verification_timestamp)}."
        yield from _deposit(result.deposit_lovelace, result.fee_estimate)
    else:
        yield f"Fee {ada(result.fee_estimate)}."
    if isinstance(result, ProposalStopped):
        yield from _signed_by(result.signers, "")
    yield f"Its bond of {ada(result.bond_lovelace)} goes to the address below."
    yield from waiting(result)
    yield from labelled(
        ("proposal", result.proposal),
        ("bond to", result.bond_to),
        ("address", str(result.contract_address)),
        ("transaction", identifier(result.status, result.transaction_hash)),
    )


def proposals(result: ProposalsShown) -> Iterator[RenderableType]:
    """Each proposal with its dates, and its output to be copied."""
    ended = " of a distribution that is closed" if result.closed else ""
    yield heading(f"{counted(len(result.proposals), 'proposal')}{ended}")
    yield whole(str(result.contract_address))
    yield f"now: {moment(result.now)}"
    if not result.objections_needed:
        yield "The terms allow none."
    for each in result.proposals[:SHOWN]:
        yield ""
        yield (
            f"{each.milestone_identifier}: {'attested already' if each.attested else STATES[each.state]}"
        )
        yield table(
            ("", ""),
            (
                ("  can be stopped until", f"{moment(each.due_at)}, by {result.objections_needed}"),
                ("  can be retired from", moment(each.forgotten_at)),
                ("  bond", f"{ada(each.bond_lovelace)}, back to {short(each.return_to or '?')}"),
            ),
            header=False,
        )
        yield from labelled(("  output", each.proposal))
    yield from more(len(result.proposals), SHOWN, "proposal")


def _signed_by(signers: Iterable[object], nobody: str) -> Iterator[RenderableType]:
    names = [short(str(each)) for each in signers]
    if names:
        shown = ", ".join(names[:SHOWN])
        rest = "" if len(names) <= SHOWN else f" and {len(names) - SHOWN:,} more"
        yield f"Signed by {counted(len(names), 'oracle')}: {shown}{rest}."
    elif nobody:
        yield (nobody)


def _deposit(deposit_lovelace: int, fee_lovelace: int) -> Iterator[RenderableType]:
    yield (f"Deposit {ada(deposit_lovelace)}, back when all is closed; fee {ada(fee_lovelace)}.")
