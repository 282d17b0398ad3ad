"""`/d/<address>/creator`: what is held, who can end it and when; notice and closing, to be signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from milestones.domain.posix_time import duration_in_words
from milestones.errors import NotFound
from milestones.look.figures import ada, counted
from milestones.services.check_status import StatusReport
from milestones.services.check_status.report import NoticeStatus
from milestones.services.distribution.datum import TermsView, terms_view
from milestones.web.api.operation import Asked
from milestones.web.api.transactions import SignedInPartShown, signed_in_part
from milestones.web.pages.rendering import Shown, component

SHORTEST_GRACE_MS = 7 * 86_400_000
"""The chain takes a shorter grace for seven days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Whether it can be closed now, in words. `keys` are hashes, hexadecimal; none: anybody can."""

    possible: bool
    words: str
    keys: tuple[str, ...] = ()


async def creator(request: Request) -> Response:
    """The page. Raises `NotFound` where the server doesn't offer it."""
    shown = await _offered(request)
    status = await shown.serving.status(shown.served)
    past, terms = await shown.serving.history(shown.served), terms_view(shown.on_chain.terms)
    state, held = status.contract_state, status.contract_state.remaining_token_amount
    is_key = terms.creator.type == "key"
    keys = (terms.creator.hash.hex(),) if is_key else ()
    return shown.page(
        "creator.html",
        closed=state.closed,
        lead=_lead(shown, status),
        held=shown.token.of(held),
        total=shown.token.of(state.total_token_amount),
        deposits=ada(past.held_lovelace - (held if not terms.token_policy_id else 0)),
        creator=terms.creator,
        refund=terms.refund.address.to_bech32(),
        reclaim=_reclaim(state.reclaim_after),
        notices=[_notice(each) for each in status.notices],
        may_notice="creator" in terms.cancel_by and not status.notices,
        may_cancel=bool(terms.cancel_by),
        by_quorum="quorum" in terms.cancel_by,
        grace=duration_in_words(max(terms.cancel_grace_ms, SHORTEST_GRACE_MS) // 1000),
        closing=_closing(status, terms, keys),
        keys=keys,
    )


async def signing(request: Request) -> Response:
    """A transaction that a committee signs: what it does, and who has signed. Raises `NotFound`."""
    shown = await _offered(request)
    path = {**request.path_params, "transaction_hash": request.query_params.get("hash", "")}
    found = await signed_in_part(Asked(shown.serving, path))
    return shown.page(
        "signing.html",
        headline=_signing_headline(found),
        found=found,
        # Of numbers alone, and longer than a text of others may be.
        transaction=Markup(found.transaction_cbor.hex()),  # noqa: S704
    )


def _signing_headline(found: SignedInPartShown) -> str:
    if found.complete:
        return "Enough have signed"
    if found.missing_count is None:
        return "More signatures are needed"
    return f"{counted(found.missing_count, 'more signature is', 'more signatures are')} needed"


async def _offered(request: Request) -> Shown:
    shown = await Shown.of(request)
    if not shown.serving.settings.offers_creator_pages:
        raise NotFound(
            "this server doesn't offer notice and closing",
            hint="whoever runs it can, with --creator-pages; or use `milestones cancel` and `close`",
        )
    return shown


def _lead(shown: Shown, status: StatusReport) -> str:
    state = status.contract_state
    if state.closed:
        return "It has come to its end: nothing is left to do."
    if not state.remaining_token_amount:
        return "Everything is paid. What is left are its deposits."
    left = shown.token.of(state.remaining_token_amount).whole
    return (
        f"{left} are not paid yet. Whatever is done here, claims that are due go on until the end."
    )


def _reclaim(after: int | None) -> Any:
    if after is None:
        return "never"
    return component("time", after)


def _notice(each: NoticeStatus) -> list[Any]:
    """Who gave it, when, and from when on anybody can end it."""
    if each.said_at is None or each.ends_at is None:
        return ["Everything may go home", "", "once all is paid, or can be taken back"]
    who = {"creator": "The creator", "quorum": "A quorum of the oracles"}[
        each.given_by or "creator"
    ]
    return [who, component("time", each.said_at), component("time", each.ends_at)]


def _closing(status: StatusReport, terms: TermsView, keys: Sequence[str]) -> Closing:
    state, now = status.contract_state, status.now
    ends = [each.ends_at for each in status.notices if each.ends_at is not None]
    whose = "The creator's key closes it" if keys else "Anybody can close it"
    if ends and min(ends) <= now:
        return Closing(
            possible=True,
            words="A notice's grace is over: anybody can end it, and what is left goes to"
            f" {terms.refund.address}.",
        )
    if not state.remaining_token_amount:
        return Closing(
            possible=True,
            words=f"Everything is paid. {whose}, and its deposits return.",
            keys=tuple(keys),
        )
    if state.reclaim_after is not None and state.reclaim_after <= now:
        return Closing(
            possible=True,
            words=f"{whose} now, and everything that is not claimed returns, whether it was reached or"
            " not.",
            keys=tuple(keys),
        )
    return Closing(
        possible=False,
        words="It can't be closed yet: what was promised is not paid, and no time has come at which it"
        " can be taken back.",
    )
