"""Being paid without ADA: by the page's button, or by a telephone's wallet (CIP-99)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milestones.cardano.address import Address
from milestones.cardano.value import LOVELACE
from milestones.domain.claims import ClaimState
from milestones.domain.reading import AddressField, Record
from milestones.errors import InvalidAddress, MilestonesError, NotFound
from milestones.protocol.deposits import payout_min_lovelace
from milestones.services.calculate_distribution import AllocationStates
from milestones.services.results import View
from milestones.web.answers import RequestRefused, json_answer, status_of
from milestones.web.api.operation import Asked, Operation, bounded_body, serving_of
from milestones.web.codes import Code, claim_uri
from milestones.web.guard import CLAIM_PATH
from milestones.web.payments import Payment, Payments, PaymentStatus
from milestones.web.serving import Served, Serving

_LOG: Final = logging.getLogger(__name__)
MOST_CLAIM_BYTES: Final = 8_192


class PaymentWanted(Record):
    """Who wants to be paid all that is due: of one milestone, or of all."""

    beneficiary_address: AddressField
    milestone_identifier: Annotated[str, Field(max_length=64)] | None = None


class PaymentShown(View):
    """How a payment stands.

    `accepted` was written down now; `queued` before, or it is on its way; `paid` is in blocks; `too_early`,
    `closed`, `budget_spent` and `nothing_there` say why not. `token_amount` is in the token's smallest unit.
    """

    status: PaymentStatus
    token_amount: int
    beneficiary_indices: tuple[int, ...]
    queue_position: int | None
    transaction_hash: str | None


class ClaimCode(View):
    """What a telephone's wallet needs: the link, which a QR code can show, and its parts.

    After `valid_until` (POSIX seconds) it is worthless.
    """

    uri: str
    faucet_url: str
    code: str
    valid_until: int


def payments_of(serving: Serving) -> Payments:
    """The relay's payments. Raises `RequestRefused` (403) where there is no relay."""
    if serving.payments is None:
        raise RequestRefused(
            403,
            "this server pays nobody's claims",
            path="relay",
            hint="claim with a wallet that has ADA for the fee, or ask somebody who has",
        )
    return serving.payments


def _shown(payment: Payment) -> PaymentShown:
    return PaymentShown(
        status=payment.status,
        token_amount=sum(state.allocation.token_amount for state in payment.states),
        beneficiary_indices=tuple(state.index for state in payment.states),
        queue_position=payment.position,
        transaction_hash=payment.transaction_hash,
    )


async def _pay(asked: Asked) -> PaymentShown:
    body: PaymentWanted = asked.body
    payments = payments_of(asked.serving)
    whose = (asked.served, body.beneficiary_address, body.milestone_identifier)
    return _shown(await payments.ask(*whose))


async def _payment(asked: Asked) -> PaymentShown:
    wanted: PaymentWanted = asked.query
    payments = payments_of(asked.serving)
    whose = (asked.served, wanted.beneficiary_address, wanted.milestone_identifier)
    return _shown(await payments.look(*whose))


async def claim_code(asked: Asked) -> ClaimCode:
    """The link for an address. Raises `NotFound` where nothing is allocated to it."""
    wanted: PaymentWanted = asked.query
    serving, served, address = asked.serving, asked.served, wanted.beneficiary_address
    found = await payments_of(serving).look(served, address, wanted.milestone_identifier)
    if found.status == "nothing_there":
        raise NotFound(
            "nothing is allocated to this address",
            hint="give the address that the distribution pays",
        )
    name = await serving.name(served)
    code, until = serving.codes.new(name.distribution_id, address, wanted.milestone_identifier)
    faucet_url = f"{serving.base_url}{CLAIM_PATH}{served.key}"
    return ClaimCode(
        uri=claim_uri(faucet_url, code), faucet_url=faucet_url, code=code, valid_until=until
    )


# -- CIP-99

ANSWERS: Final = {
    400: ("invalidaddress", "missingcode", "invalidnetwork"),
    403: ("error",),
    404: ("notfound",),
    405: ("error",),
    409: ("alreadyclaimed",),
    410: ("expired",),
    425: ("tooearly",),
    429: ("ratelimited",),
    500: ("error",),
}
"""The errors by their HTTP status, in CIP-99's words where it has any; wallets bear others."""


def refusal(status: int, word: str | None = None) -> Response:
    """An error as CIP-99 has it; what it has no word for is a 500."""
    status = status if status in ANSWERS else 500
    return json_answer({"code": status, "status": word or ANSWERS[status][0]}, status)


def refused(error: MilestonesError) -> Response:
    """An error of the program as CIP-99 has it: what is wrong, too much asked for, or nothing more."""
    alike = {503: 429, 408: 400, 413: 400, 414: 400}
    status = status_of(error)
    return refusal(alike.get(status, status))


class ClaimRefused(Exception):
    """Why a claim by a code is refused: CIP-99's status, and its word where the status has several."""

    def __init__(self, status: int, word: str | None = None) -> None:
        super().__init__(word or status)
        self.status, self.word = status, word


async def _claim(request: Request) -> Response:
    """The endpoint that wallets call: `{"address", "code"}`, and whatever else the link had."""
    serving = serving_of(request)
    try:
        served = serving.served(request.path_params["distribution"])
        payments = payments_of(serving)
        address, text = await _given(request)
        name = await serving.name(served)
        if address.network_id != name.address.network_id:
            raise ClaimRefused(400, "invalidnetwork")
        code = serving.codes.read(name.distribution_id, text)
        if code is None:
            raise ClaimRefused(404)
        if code.until < serving.codes.clock():
            raise ClaimRefused(410)
        beneficiary = await _beneficiary(serving, served, code, address)
        known = await serving.allocations(served)
        milestone = code.milestone_among(known.distribution.allocations.milestones())
        return _answer(known, await payments.ask(served, beneficiary, milestone))
    except ClaimRefused as error:
        return refusal(error.status, error.word)
    except NotFound:
        return refusal(404)
    except MilestonesError as error:
        _LOG.info("a claim by code: %s", error.message)
        return refused(error)


async def _given(request: Request) -> tuple[Address, str]:
    """The address and the code in the body; all else that a link may have is passed over."""
    raw = await bounded_body(request, MOST_CLAIM_BYTES)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    given = value if isinstance(value, dict) else {}
    code, address = given.get("code"), given.get("address")
    if not isinstance(code, str) or not code:
        raise ClaimRefused(400, "missingcode")
    try:
        return Address.from_bech32(address if isinstance(address, str) else ""), code
    except InvalidAddress:
        raise ClaimRefused(400, "invalidaddress") from None


async def _beneficiary(serving: Serving, served: Served, code: Code, address: Address) -> Address:
    """The address that a code is for, if who asks is the same person: a wallet has many addresses."""
    allocations = (await serving.allocations(served)).distribution.allocations
    for part in (address.payment, address.staking):
        for index in () if part is None else allocations.with_payment(part.hash):
            found = allocations[index].beneficiary_address
            if code.is_of(found):
                return found
    raise ClaimRefused(409)


def _answer(known: AllocationStates, payment: Payment) -> Response:
    refusals = {
        "nothing_there": 404,
        "closed": 410,
        "too_early": 425,
        "budget_spent": 429,
    }
    if payment.status in refusals:
        return refusal(refusals[payment.status])
    lovelaces, tokens = _amounts(known, payment.states)
    said: dict[str, Any] = {"lovelaces": str(lovelaces), "tokens": tokens}
    if payment.status == "paid":
        said |= {"code": 202, "status": "claimed", "tx_hash": payment.transaction_hash or ""}
    else:
        code = 200 if payment.status == "accepted" else 201
        word = "accepted" if code == 200 else "queued"
        said |= {"code": code, "status": word, "queue_position": payment.position or 1}
    return json_answer(said, said["code"])


def _amounts(known: AllocationStates, states: Iterable[ClaimState]) -> tuple[int, dict[str, str]]:
    """What allocations bring: lovelace, and tokens as CIP-99 names them."""
    token, price = known.distribution.token, known.state.lovelace_per_utxo_byte
    lovelaces = amount = 0
    for state in states:
        if token == LOVELACE:
            lovelaces += state.allocation.token_amount
        else:
            amount += state.allocation.token_amount
            lovelaces += payout_min_lovelace(state.allocation, token, price)
    return lovelaces, {str(token): str(amount)} if amount else {}


CLAIM_ROUTE: Final = Route(CLAIM_PATH + "{distribution}", _claim, methods=["POST"])

OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/distributions/{distribution}/payment",
        name="pay",
        summary="Ask the server's relay to pay what is due to an address, within its budget.",
        perform=_pay,
        answer=PaymentShown,
        body=PaymentWanted,
    ),
    Operation(
        path="/distributions/{distribution}/payment",
        name="payment",
        summary="How the payment to an address stands.",
        perform=_payment,
        answer=PaymentShown,
        query=PaymentWanted,
    ),
    Operation(
        path="/distributions/{distribution}/claim-code",
        name="claim_code",
        summary="A link by which a telephone's wallet claims (CIP-99).",
        perform=claim_code,
        answer=ClaimCode,
        query=PaymentWanted,
    ),
)
