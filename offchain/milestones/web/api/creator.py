"""What a creator does: notice that a distribution will be ended, and its closing. Only where it is offered."""

from __future__ import annotations

from typing import Final

from milestones.services.cancel import NoticeGiven, cancel
from milestones.services.close import Closed, close
from milestones.services.sending.payer import Payer
from milestones.web.answers import RequestRefused
from milestones.web.api.operation import Asked
from milestones.web.api.oracles import Evidence, NoticeBuilt
from milestones.web.api.wallets import Built, WalletPays, building


class NoticeWanted(WalletPays):
    """A notice by the creator's key: the wallet's `acting_address`. `said_at` in POSIX seconds."""

    evidence_hash: Evidence = b""
    said_at: int | None = None


class ClosingBuilt(Built):
    """The closing, and the word before it, where one is still to be said."""

    report: Closed


def _must_be_offered(asked: Asked) -> None:
    if not asked.serving.settings.offers_creator_pages:
        raise RequestRefused(
            403,
            "this server offers neither notice nor closing",
            path="creator",
            hint="whoever runs it can, with --creator-pages; or use `milestones cancel` and `close`",
        )


async def _cancel(asked: Asked, payer: Payer) -> NoticeGiven:
    _must_be_offered(asked)
    body: NoticeWanted = asked.body
    return await cancel(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        key=payer,
        evidence_hash=body.evidence_hash,
        said_at_timestamp=body.said_at,
        dry_run=True,
    )


async def _close(asked: Asked, payer: Payer) -> Closed:
    _must_be_offered(asked)
    return await close(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        key=payer,
        dry_run=True,
    )


OPERATIONS: Final = (
    building(
        path="/cancel",
        name="cancel",
        summary="Build the notice that the creator's key gives.",
        service=_cancel,
        answer=NoticeBuilt,
        body=NoticeWanted,
    ),
    building(
        path="/close",
        name="close",
        summary="Build the closing: what nobody can claim any more returns.",
        service=_close,
        answer=ClosingBuilt,
        body=WalletPays,
    ),
)
