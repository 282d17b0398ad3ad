"""How a page is made of a template: what every page is given, and what becomes of texts of others.

Names, descriptions and addresses come from the chain and from links, and whoever wrote them may mean harm.
They are escaped, every character is seen, writing from right to left stays within its own words, and none
is longer than `MOST_CHARACTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from milestones.cardano.address import Address
from milestones.cardano.value import AssetId
from milestones.errors import MilestonesError
from milestones.look.figures import ada, amount, short, token_unit
from milestones.look.pages import templates
from milestones.protocol.series import SeriesMark
from milestones.services.backend import select_version
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.registered_token import RegisteredToken
from milestones.web.api.operation import serving_of
from milestones.web.serving import Served, Serving

MOST_CHARACTERS: Final = 1_000
"""Of any text that a page shows."""
_COMPONENTS: Final = ("parts.html", "look/components.html")


def bounded(text: str) -> str:
    """A text of others, no longer than it may be."""
    left = len(text) - MOST_CHARACTERS
    return f"{text[:MOST_CHARACTERS]}… ({left:,} more characters)" if left > 0 else text


def sentence(text: str) -> str:
    """A message of the program as a sentence: with a capital, unless it begins with a name, and an end."""
    begins = text.partition(" ")[0].strip(",:;").isalpha()
    start = text[:1].upper() if begins else text[:1]
    return f"{start}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")


@cache
def environment() -> Environment:
    """The templates of the pages."""
    made = templates("milestones.web.pages", report="milestones.services.report")
    visible: Callable[[Any], Any] = made.finalize or (lambda value: value)
    made.finalize = lambda value: visible(bounded(value) if type(value) is str else value)
    made.filters["sentence"] = sentence
    made.auto_reload = False
    return made


def component(name: str, *given: Any) -> Any:
    """A component of the look or of these pages, such as a table's cell; what it is given is escaped."""
    return _components()[name](*given)


@cache
def _components() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for each in _COMPONENTS:
        found |= vars(environment().get_template(each).module)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """An amount of a distribution's token as people read it."""

    units: int
    amount: str
    unit: str

    @property
    def whole(self) -> str:
        """Amount and token."""
        return f"{self.amount} {self.unit}"


@dataclass(frozen=True, slots=True)
class Token:
    """What is distributed, and what it is registered with."""

    policy_id: bytes
    name: bytes
    registered: RegisteredToken | None = None

    @classmethod
    async def of_asset(cls, serving: Serving, token: AssetId) -> Token:
        """With what it is registered with."""
        return cls(*token, await serving.registered(token))

    @property
    def unit(self) -> str:
        """Its registered ticker, else its name where that is a text, else the beginning of it."""
        ticker = None if self.registered is None else self.registered.ticker
        return ticker or token_unit(self.policy_id, self.name)

    def of(self, units: int) -> Quantity:
        """So much of it, with its decimals where they are registered, else in its smallest unit."""
        decimals = None if self.registered is None else self.registered.decimals
        shown = amount(units, decimals) if self.policy_id else ada(units).removesuffix(" ADA")
        return Quantity(units=units, amount=shown, unit=self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A distribution that a page is about, and the request. What is costly to find out is not asked here."""

    request: Request
    serving: Serving
    served: Served
    on_chain: OnChain
    token: Token

    @classmethod
    async def of(cls, request: Request) -> Shown:
        """The one that the path names. Raises `NotFound`."""
        serving = serving_of(request)
        served = serving.served(request.path_params["distribution"])
        backend = select_version(serving.backend, served.address.payment.hash)
        on_chain = await serving.kept.get(
            ("on_chain", served), lambda: read_on_chain(backend, served.contract_address)
        )
        return cls(
            request=request,
            serving=serving,
            served=served,
            on_chain=on_chain,
            token=await Token.of_asset(serving, on_chain.terms.token),
        )

    @property
    def place(self) -> str:
        """Its page's path."""
        return f"/d/{self.served.key}"

    @property
    def action(self) -> str:
        """Its path in the API."""
        return f"/api/v1/distributions/{self.served.key}"

    def page(self, template: str, **given: Any) -> Response:
        """One of its pages."""
        places = [
            (self.place, "Overview"),
            (f"{self.place}/claim", "Claim"),
            (f"{self.place}/oracles", "Oracles"),
        ]
        if self.serving.settings.offers_creator_pages:
            places.append((f"{self.place}/creator", "Creator"))
        return page(
            self.request,
            template,
            name=name_of(self.on_chain.terms.metadata.description, self.on_chain.address),
            place=self.place,
            action=self.action,
            places=places,
            **given,
        )


def name_of(description: str, address: Address) -> str:
    """What a distribution is called: the beginning of its description, else where it is.

    One of a series is called as that is, and by its number.
    """
    mark = SeriesMark.parse(description)
    if mark is not None:
        about = mark.about or f"Series {short(mark.series.hex())}"
        description = f"{about[:60]}, part {mark.part} of {mark.of}"
    words = " ".join(description[:MOST_CHARACTERS].split())
    if words:
        return words if len(words) <= 80 else f"{words[:79]}…"
    return f"Distribution {short(address.to_bech32())}"


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    places: Sequence[tuple[str, str]] = (),
    **given: Any,
) -> Response:
    """A page; `places` are where one can go from it."""
    serving = serving_of(request)
    network = serving.backend.network
    token, _ = serving.tokens.new()
    text = (
        environment()
        .get_template(template)
        .render(
            request_token=token,
            scripts=serving.scripts,
            here=request.url.path,
            places=places,
            stylesheet_path="/static/look.css",
            network_id=network.network_id,
            network_name="main network" if network.network_id else f"test network {network.name}",
            **given,
        )
    )
    return HTMLResponse(text.encode("utf-8", "backslashreplace"), status)


def refusal(request: Request, error: MilestonesError, status: int) -> Response:
    """What a person sees instead of the page that was asked for."""
    return page(request, "refusal.html", status=status, error=error)
