"""`/d/<address>/claim`: what is mine, now and later and why, and how it is claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from milestones.cardano.address import Address
from milestones.domain.claims import ClaimStatus
from milestones.errors import InvalidInput, MilestonesError, NotFound
from milestones.services.calculate_distribution import (
    AllocationStates,
    CalculatedAllocation,
    DistributionCalculated,
)
from milestones.web.api.operation import Asked
from milestones.web.api.paying import PaymentWanted, claim_code
from milestones.web.pages.rendering import Quantity, Shown, Token, component

CLAIM_WORDS: Final[Mapping[ClaimStatus, tuple[str, str]]] = {
    "claimable": ("ready", "claimable"),
    "claimed": ("done", "paid"),
    "vesting": ("waiting", "vesting"),
    "milestone_not_attested": ("waiting", "waits for oracles"),
    "unpayable": ("attention", "can't be paid"),
    "closed": ("ended", "closed"),
}
"""A status as it is shown: its kind, and its word."""
URGENT_SECONDS: Final = 60 * 86_400
"""How long before something is taken away it is said in colour."""
MOST_ADDRESSES: Final = 60
"""Of a wallet; more don't fit into what is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """What one address has; `rows` are its allocations for a table."""

    address: str
    claimable: Quantity
    rows: list[list[Any]]


async def claim(request: Request) -> Response:
    """The page: of nobody, of an address that somebody looks at, or of a wallet's addresses."""
    shown = await Shown.of(request)
    asked = request.query_params.getlist("address")
    problem: MilestonesError | None = None
    found: list[DistributionCalculated] = []
    if asked:
        try:
            addresses = read_addresses(asked)
            found = mine_of(await shown.serving.allocations(shown.served), addresses)
        except (InvalidInput, NotFound) as error:
            problem = error
    token = shown.token
    sums = [sum(getattr(each, f"{kind}_amount") for each in found) for kind in _KINDS]
    claimable, later, paid = (token.of(units) for units in sums)
    ends = [each.claim_until for each in found if each.claim_until is not None]
    until = min(ends) if ends and (claimable.units or later.units) else None
    headline, lead = _words(claimable, later, paid) if found else _INVITATION
    return shown.page(
        "claim.html",
        headline=headline,
        lead=lead,
        asked=_shown(asked, found),
        problem=problem,
        mine=[_mine(each, token) for each in found],
        warnings=dict.fromkeys(words for each in found for words in each.warnings),
        claimable=claimable,
        later=later,
        paid=paid,
        claim_until=until,
        is_urgent=until is not None and until - found[0].now < URGENT_SECONDS,
        relay=shown.serving.payments is not None,
        telephones=[await _telephone(shown, each) for each in found if each.claimable_amount]
        if shown.serving.payments is not None
        else [],
    )


_KINDS: Final = ("claimable", "later", "claimed")
_INVITATION: Final = (
    "What is mine?",
    "Connect a wallet or give an address: this page says what it can claim now, what later, and why.",
)


def _shown(asked: list[str], found: list[DistributionCalculated]) -> str:
    """The one address that was asked for, as people write it; what is none stays as it was typed."""
    if len(asked) != 1:
        return ""
    return found[0].beneficiary_address.to_bech32() if found else asked[0]


def read_addresses(asked: Sequence[str]) -> list[Address]:
    """Addresses as people write them, or as wallets do, each once. Raises `InvalidInput`."""
    if len(asked) > MOST_ADDRESSES:
        raise InvalidInput(
            f"{len(asked)} addresses are too many",
            path="address",
            hint=f"give up to {MOST_ADDRESSES}",
        )
    return list(dict.fromkeys(map(_read, asked)))


def mine_of(known: AllocationStates, addresses: Sequence[Address]) -> list[DistributionCalculated]:
    """What these addresses have. Raises `NotFound` where none has anything, and `InvalidAddress`."""
    found, missing = [], None
    for address in addresses:
        try:
            found.append(known.of_beneficiary(address))
        except NotFound as error:
            missing = missing or error
    if missing is not None and not found:
        raise missing if len(addresses) == 1 else _nothing_of(addresses)
    return found


def _nothing_of(addresses: Sequence[Address]) -> NotFound:
    return NotFound(
        f"none of the wallet's {len(addresses)} addresses has an allocation in this distribution",
        hint="connect the wallet, or the account, whose address was given to whoever opened it",
    )


def _read(text: str) -> Address:
    """As people write it, or as wallets do, in hexadecimal. Raises `InvalidAddress`."""
    text = text.strip()
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return Address.from_bech32(text)
    return Address.from_bytes(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telephone:
    """A claim link for a telephone's wallet (CIP-99), and the QR code of it as SVG."""

    address: str
    uri: str
    drawing: Markup
    valid_until: int


async def _telephone(shown: Shown, found: DistributionCalculated) -> Telephone:
    wanted = PaymentWanted(beneficiary_address=found.beneficiary_address)
    code = await claim_code(Asked(shown.serving, shown.request.path_params, wanted))
    drawing = segno.make(code.uri, error="l").svg_inline(
        border=2, omitsize=True, svgclass=None, lineclass=None
    )
    return Telephone(
        address=found.beneficiary_address.to_bech32(),
        uri=code.uri,
        drawing=Markup(drawing),  # noqa: S704 - made by the library, of numbers alone
        valid_until=code.valid_until,
    )


def _words(claimable: Quantity, later: Quantity, paid: Quantity) -> tuple[str, str]:
    """Headline and sentence of what somebody has."""
    if claimable.units:
        more = f" Another {later.whole} may follow later." if later.units else ""
        return f"{claimable.whole} can be claimed now", f"Nothing stands before it.{more}"
    if later.units:
        return (
            "Nothing can be claimed now",
            f"{later.whole} may follow later: see what each waits for.",
        )
    if paid.units:
        return f"All is paid: {paid.whole}", "Nothing is left to claim here."
    return "Nothing is left to claim", "The distribution has come to its end."


def _mine(found: DistributionCalculated, token: Token) -> Mine:
    return Mine(
        address=found.beneficiary_address.to_bech32(),
        claimable=token.of(found.claimable_amount),
        rows=[_row(each, token) for each in found.allocations],
    )


def _why(each: CalculatedAllocation) -> str:
    """The reason as a sentence's beginning; of what is claimable, what came together."""
    words = "vested and attested" if each.reason == "claimable" else each.reason
    return f"{words[:1].upper()}{words[1:]}"


def _row(each: CalculatedAllocation, token: Token) -> list[Any]:
    kind, word = CLAIM_WORDS[each.status]
    return [
        each.milestone_identifier,
        token.of(each.token_amount).amount,
        component("status", kind, word),
        _why(each),
        component("time", each.vesting_timestamp, "day"),
    ]
