"""How a server is set up: what it serves, on which port, to whom, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from milestones.errors import InvalidConfiguration
from milestones.protocol.distribution import ContractAddress
from milestones.services.paying.budget import Budget
from milestones.services.sending.payer import PaidBy

DEFAULT_PORT: Final = 8420
MOST_DISTRIBUTIONS: Final = 50
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """Who pays for those without ADA, and within which budget."""

    key: PaidBy
    budget: Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """What `milestones serve` is told. Made checked: raises `InvalidConfiguration` about the setting.

    `public_url` is where people find it, behind a proxy that ends TLS (`https://claims.example.org`); with
    it the server is public, and `trusted_proxies` say whose request it is. `allowed_origins` are other front
    ends that may use the API. `creator_pages`: whether notice and close are offered; None: unless it is
    public. `relay` pays for those without ADA. `requests_per_second` is for each address that asks, None for
    no bound; `concurrent_builds` are transactions that are built at a time.
    """

    distributions: tuple[ContractAddress, ...]
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    allowed_origins: frozenset[str] = frozenset()
    creator_pages: bool | None = None
    relay: RelaySettings | None = None
    requests_per_second: int | None = None
    concurrent_builds: int = 4

    def __post_init__(self) -> None:
        if not 1 <= len(self.distributions) <= MOST_DISTRIBUTIONS:
            raise InvalidConfiguration(
                f"1 to {MOST_DISTRIBUTIONS} distributions can be served, not {len(self.distributions)}",
                path="distribution",
                hint="name each with --distribution and its contract address, or a series with --series",
            )
        if self.public_url is not None:
            _must_be_origin(self.public_url, "public_url")
        for origin in self.allowed_origins:
            _must_be_origin(origin, "allow_origin")
        if self.public_url is None and self.host not in LOOPBACK:
            raise InvalidConfiguration(
                f"others can reach {self.host}, and no name is given by which they do",
                path="public_url",
                hint="give --public-url https://… of the proxy in front, or leave --host out: then only"
                " this machine's own browser is answered",
            )

    @property
    def is_public(self) -> bool:
        """Whether others than this machine's user are served."""
        return self.public_url is not None

    @property
    def offers_creator_pages(self) -> bool:
        """Whether notice and close are offered."""
        return not self.is_public if self.creator_pages is None else self.creator_pages

    @property
    def rate(self) -> int | None:
        """Requests a second of one address; None: any number."""
        if self.requests_per_second is None and self.is_public:
            return 20
        return self.requests_per_second


def _must_be_origin(text: str, path: str) -> None:
    try:
        parts = urlsplit(text)
        whole = f"{parts.scheme}://{parts.netloc}"
        # Reading the port may refuse it.
        fine = parts.port is None or parts.port > 0
    except ValueError:
        fine, whole = False, ""
    secure = text.startswith("https://") or text.partition("://")[2].partition(":")[0] in LOOPBACK
    if not fine or whole != text or text.lower() != text or "@" in text or not secure:
        raise InvalidConfiguration(
            f"{text[:80]!r} is no origin that can be trusted",
            path=path,
            hint="give https:// and a host in lower case, with no path and no / at the end; http:// is for"
            " localhost alone",
        )
