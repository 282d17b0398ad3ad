"""Claims: built for a wallet, signed by it, sent, and followed into a block."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from milestones.domain.reading import AddressField
from milestones.errors import InvalidInput
from milestones.protocol.claim_file import ClaimFile, parse_claim_file
from milestones.services.sending.payer import Payer
from milestones.services.submit_release import ReleaseReport, Selection, submit_release
from milestones.web.api.operation import Asked
from milestones.web.api.wallets import Built, WalletPays, building

MOST_INDICES: Final = 200


class ClaimWanted(WalletPays):
    """What is claimed: all that an address can, or allocations by their numbers. The wallet pays the fee.

    `claim_file` is the beneficiary's file of a private distribution.
    """

    beneficiary_address: AddressField | None = None
    beneficiary_indices: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...], Field(max_length=MOST_INDICES)
    ] = ()
    claim_file: dict[str, Any] | None = None


class ClaimBuilt(Built):
    """Transactions that pay what was asked for, and what they pay."""

    report: ReleaseReport


def claim_file_in(given: dict[str, Any] | None) -> ClaimFile | None:
    """A claim file that came with a request. Raises `InvalidInput` about `claim_file`."""
    if given is None:
        return None
    try:
        return parse_claim_file(given)
    except InvalidInput as error:
        raise error.inside("claim_file") from None


def selection_of(body: ClaimWanted) -> Selection:
    """What is to be paid. Raises `InvalidInput` where nothing says so."""
    if body.beneficiary_address is None and not body.beneficiary_indices:
        raise InvalidInput(
            "nothing says which allocations to pay",
            path="beneficiary_address",
            hint="give the beneficiary's address, or allocations under beneficiary_indices",
        )
    return Selection(
        indices=tuple(sorted(set(body.beneficiary_indices))),
        beneficiary=body.beneficiary_address,
    )


async def _claim(asked: Asked, payer: Payer) -> ReleaseReport:
    body: ClaimWanted = asked.body
    selection, claims = selection_of(body), claim_file_in(body.claim_file)
    return await submit_release(
        asked.serving.backend,
        contract_address=asked.served.contract_address,
        key=payer,
        selection=selection,
        claim_file=claims,
        dry_run=True,
    )


OPERATIONS: Final = (
    building(
        path="/claim",
        name="claim",
        summary="Build a claim that the wallet signs and pays for.",
        service=_claim,
        answer=ClaimBuilt,
        body=ClaimWanted,
    ),
)
