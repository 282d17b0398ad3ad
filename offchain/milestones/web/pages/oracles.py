"""`/d/<address>/oracles`: which milestones wait for oracles, what is proposed, and what they say in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from milestones.cardano.address import Address, key_credential
from milestones.domain.posix_time import duration_in_words
from milestones.errors import NotFound
from milestones.look.figures import ada, counted
from milestones.services.check_status.report import MilestoneStatus, ProposalStatus
from milestones.services.distribution.datum import TermsView, terms_view
from milestones.services.distribution.in_use import ProposalState
from milestones.services.oracle.collected import SignaturesCollected
from milestones.services.verify.anchors import named_documents
from milestones.web.pages.distribution import part_of
from milestones.web.pages.rendering import Shown, component
from milestones.web.pages.statements import collected, statements_of

PROPOSAL_WORDS: Final[Mapping[ProposalState, tuple[str, str]]] = {
    "under_review": ("waiting", "oracles can object"),
    "due": ("ready", "can be confirmed"),
    "forgotten": ("attention", "forgotten: can be confirmed or taken back"),
}
"""A proposal's state as it is shown: its kind, and its word."""


async def oracles(request: Request) -> Response:
    """All milestones, proposals and open statements."""
    shown = await Shown.of(request)
    status = await shown.serving.status(shown.served)
    found = await collected(shown)
    terms = terms_view(shown.on_chain.terms)
    part = part_of(request, "milestones", len(status.milestones))
    is_open = not status.contract_state.closed
    others = [each for each in found.statements if each.kind in ("notice", "rotation")]
    return shown.page(
        "oracles.html",
        quorum_words=_quorum_words(found),
        warnings=found.warnings,
        part=part,
        milestones=[_milestone_row(shown, each) for each in part.of(status.milestones)],
        proposals=[_proposal_row(shown, each) for each in status.proposals],
        proposal_words=_proposal_words(terms),
        may_propose=is_open and terms.objectors > 0,
        may_notice=is_open and "quorum" in terms.cancel_by,
        may_rotate=is_open and terms.rotatable is not None,
        quorum=found.quorum_threshold,
        sitting=Markup("\n".join(map(str, found.oracles))),  # noqa: S704 - addresses have no signs
        rows=min(len(found.oracles) + 2, MOST_ROWS),
        others=[
            [each.statement, f"{len(each.signers)} of {each.signatures_needed}", link]
            for each in others
            for link in [_link(shown, "statement", "Look", signed_data=each.signed_data.hex())]
        ],
        oracles=[
            [f"Oracle {number}", component("identifier", each.to_bech32(), None, 14)]
            for number, each in enumerate(found.oracles, 1)
        ],
    )


async def milestone(request: Request) -> Response:
    """One milestone: who has said what, and what an oracle can sign. Raises `NotFound`."""
    shown = await Shown.of(request)
    wanted = request.query_params.get("identifier", "")
    status = await shown.serving.status(shown.served)
    found = [each for each in status.milestones if each.milestone_identifier == wanted]
    if not found:
        raise NotFound(
            f"no allocation of this distribution waits for milestone {wanted[:100]!r}",
            hint="choose one of the distribution's page",
        )
    (each,) = found
    kind, word = milestone_words(each)
    signed = await collected(shown)
    return shown.page(
        "milestone.html",
        milestone=each,
        kind=kind,
        word=word,
        lead=_quorum_words(signed),
        open=not status.contract_state.closed,
        attestations=[
            (one, [_oracle(shown, signer) for signer in one.signers])
            for one in status.attestations
            if one.milestone_identifier == wanted
        ],
        statements=statements_of(
            signed,
            [
                one
                for one in signed.statements
                if one.kind == "milestone" and one.milestone_identifier == wanted
            ],
        ),
        now=component("minute", status.now),
    )


async def proposal(request: Request) -> Response:
    """One proposal, and what can be done about it. Raises `NotFound` for one that waits no more."""
    shown = await Shown.of(request)
    wanted = request.query_params.get("reference", "")
    status = await shown.serving.status(shown.served)
    found = [each for each in status.proposals if each.reference == wanted]
    if not found:
        raise NotFound(
            "this proposal doesn't wait any more",
            hint="it was confirmed, stopped or taken back: see what happened on the distribution's page",
        )
    signed = await collected(shown)
    documents = await shown.serving.kept.get(
        ("documents", shown.served),
        lambda: named_documents(shown.serving.backend, shown.on_chain, {}),
    )
    kind, word = PROPOSAL_WORDS[found[0].state]
    transaction = wanted.partition("#")[0]
    return shown.page(
        "proposal.html",
        proposal=found[0],
        kind=kind,
        word=word,
        lead=_proposal_words(terms_view(shown.on_chain.terms)),
        documents=[
            each
            for each in documents
            if each.named_by == "proposal" and each.transaction_hash == transaction and each.url
        ],
        statements=statements_of(
            signed,
            [one for one in signed.statements if one.proposal == wanted],
        ),
    )


async def propose(request: Request) -> Response:
    """A form for a proposal."""
    shown = await Shown.of(request)
    status = await shown.serving.status(shown.served)
    terms = terms_view(shown.on_chain.terms)
    choices = [each.milestone_identifier for each in status.milestones if not each.attested]
    return shown.page(
        "propose.html",
        proposal_words=_proposal_words(terms),
        bond_words=_bond_words(terms),
        choices=choices[:MOST_CHOICES],
        chosen=request.query_params.get("identifier", ""),
    )


MOST_ROWS: Final = 14
"""Of a field for addresses, before it scrolls."""
MOST_CHOICES: Final = 1_000


def milestone_words(each: MilestoneStatus) -> tuple[str, str]:
    """How a milestone stands: its kind, and its word."""
    if each.attested:
        return "done", "attested"
    if each.verified:
        return "ready", "signed by a quorum, not yet on the chain"
    if each.signature_count:
        return "waiting", "waits for more oracles"
    return "waiting", "no oracle has signed yet"


def _milestone_row(shown: Shown, each: MilestoneStatus) -> list[Any]:
    can = "Look" if each.attested else "Put it on the chain" if each.verified else "Look or sign"
    return [
        each.milestone_identifier,
        component("status", *milestone_words(each)),
        f"{each.signature_count} of {each.quorum_threshold}",
        _link(shown, "milestone", can, identifier=each.milestone_identifier),
    ]


def _proposal_row(shown: Shown, each: ProposalStatus) -> list[Any]:
    can = "Look or object" if each.state == "under_review" else "Look or confirm"
    return [
        each.milestone_identifier,
        component("status", *PROPOSAL_WORDS[each.state]),
        component("time", each.due_at),
        ada(each.bond_lovelace),
        _link(shown, "proposal", can, reference=each.reference),
    ]


def _oracle(shown: Shown, key_hash: bytes) -> str:
    return str(Address(shown.on_chain.terms.network_id, key_credential(key_hash)))


def _link(shown: Shown, page: str, word: str, **query: str) -> Any:
    return component("link", f"{shown.place}/oracles/{page}?{urlencode(query)}", word)


def _quorum_words(found: SignaturesCollected) -> str:
    total = counted(len(found.oracles), "oracle")
    return f"{found.quorum_threshold} of {total} together say that a milestone is reached."


def _proposal_words(terms: TermsView) -> str:
    if not terms.objectors:
        return "Here only oracles say that a milestone is reached."
    period = duration_in_words(max(terms.review_period_ms, SHORTEST_REVIEW_MS) // 1000)
    some = counted(terms.objectors, "oracle objects", "oracles object")
    return (
        f"Anybody can say that a milestone is reached. Unless {some} within {period},"
        " anybody can confirm it, and it counts as reached."
    )


SHORTEST_REVIEW_MS: Final = 86_400_000
"""The chain takes a shorter period of review for a day."""


def _bond_words(terms: TermsView) -> str:
    if not terms.bond_lovelace:
        return "No bond is asked for, but for the ADA that an output has to hold."
    return (
        f"It takes a bond of {ada(terms.bond_lovelace)}, which returns when the proposal is confirmed."
        " Oracles who object say where it goes instead."
    )
