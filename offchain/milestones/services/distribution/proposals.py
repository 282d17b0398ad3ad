"""Which proposal is meant."""

from __future__ import annotations

import re

from milestones.cardano.outputs import OutputReference
from milestones.errors import InvalidInput, NotFound
from milestones.services.distribution.on_chain import OnChain
from milestones.transactions.board_drafts import LiveProposal


def proposal_named(on_chain: OnChain, name: str) -> LiveProposal:
    """The proposal in the output `<transaction id>#<index>`, or the only one of a milestone.

    Raises `NotFound` where there is none, `InvalidInput` where the milestone has several.
    """
    if re.fullmatch(r"[0-9a-fA-F]{64}#\d+", name):
        reference = OutputReference.parse(name)
        found = [live for live in on_chain.proposals if live.utxo.reference == reference]
    else:
        milestone = name.encode(errors="replace")
        found = [live for live in on_chain.proposals if live.proposal.milestone == milestone]
    if len(found) == 1:
        return found[0]
    listed = [str(live.utxo.reference) for live in (found or on_chain.proposals)]
    if not found:
        raise NotFound(
            f"there is no proposal {name!r} in this distribution",
            hint="see those there are with `milestones proposal show`; one that was confirmed, stopped"
            " or retired is gone, and one just submitted waits for its block",
            details={"proposals": listed},
        )
    raise InvalidInput(
        f"milestone {name!r} has {len(found)} proposals",
        path="proposal",
        hint=f"name one by its output: {', '.join(listed)}",
        details={"proposals": listed},
    )
