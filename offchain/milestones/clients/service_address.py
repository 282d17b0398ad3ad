"""The address of a service: read once, shown without secrets, and made into URLs from its parts."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from milestones.errors import InvalidConfiguration

MAX_ADDRESS_LENGTH: Final = 2048
HIDDEN: Final = "***"
MIN_SECRET_LENGTH: Final = 4
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_LABELS: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_NOT_PRINTED: Final = re.compile(r"[\s\x00-\x20\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d<>"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that has an address: its name, its schemes without and with TLS, and its usual port."""

    name: str
    plain: str
    secure: str
    port: int

    @property
    def setting(self) -> str:
        """The configuration's name of its address."""
        return f"{self.name.lower()}_url"

    @property
    def example(self) -> str:
        """How its address looks."""
        return f"{self.plain}://localhost:{self.port}"


OGMIOS: Final = Service("Ogmios", "ws", "wss", 1337)
KUPO: Final = Service("Kupo", "http", "https", 1442)


@dataclass(frozen=True, slots=True, repr=False)
class ServiceAddress:
    """Where a service listens. `str` and `repr` show `***` for user, password and the query's values.

    `host` is in lower case, without the brackets of IPv6. `port` is None where none was given: then it is
    80, with TLS 443. `path` is the prefix of every path, empty or starting with a slash. `query` is added
    to every URL; hosted services take an API key there.
    """

    service: Service
    secure: bool
    host: str
    port: int | None = None
    path: str = ""
    user: str | None = None
    password: str = ""
    query: str = ""

    @classmethod
    def parse(cls, text: str | ServiceAddress, service: Service) -> ServiceAddress:
        """Reads an address as people write it. White space around it is cut off; capitals don't matter.

        One that was read is taken as it is. Raises `InvalidConfiguration`, named after the setting and
        without the address' secrets.
        """
        if isinstance(text, ServiceAddress):
            return text
        if not isinstance(text, str):
            raise InvalidConfiguration(
                "what is given is not an address, which is a text",
                path=service.setting,
                hint=f"write an address such as {service.example}",
            )
        try:
            return _parsed(text, service)
        except _Refused as error:
            raise InvalidConfiguration(
                f"{shown(text)!r:.200} {error}",
                path=service.setting,
                hint=error.hint or f"write an address such as {service.example}",
            ) from None

    def __str__(self) -> str:
        user = "" if self.user is None else f"{HIDDEN}@"
        return f"{self._scheme}://{user}{self._place}{_hidden_query(self.query)}"

    def __repr__(self) -> str:
        return f"ServiceAddress({str(self)!r})"

    @property
    def _scheme(self) -> str:
        return self.service.secure if self.secure else self.service.plain

    @property
    def _place(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host + ("" if self.port is None else f":{self.port}") + self.path

    @property
    def websocket_url(self) -> str:
        """The WebSocket's URL, without user and password: they are in `headers`."""
        scheme = "wss" if self.secure else "ws"
        return f"{scheme}://{self._place}" + (f"?{self.query}" if self.query else "")

    def http_url(self, path: str) -> str:
        """The URL of an HTTP request for `path`, which begins with a slash and may have a query."""
        scheme = "https" if self.secure else "http"
        url = f"{scheme}://{self._place.rstrip('/')}{path}"
        return url + (f"{'&' if '?' in path else '?'}{self.query}" if self.query else "")

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries: user and password, where there are any (RFC 7617)."""
        if self.user is None:
            return {}
        return {"Authorization": f"Basic {self._credentials}"}

    @property
    def _credentials(self) -> str:
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def hide(self, text: str) -> str:
        """`text` (somebody else's words) without this address' secrets."""
        secrets = {unquote(each.partition("=")[2]) for each in self.query.split("&")}
        secrets |= {each.partition("=")[2] for each in self.query.split("&")}
        if self.query and "=" not in self.query:
            secrets.add(self.query)
        if self.user is not None:
            secrets |= {self.password, self._credentials}
        for secret in sorted(secrets, key=len, reverse=True):
            # What is shorter stands in half of all texts by chance.
            if len(secret) >= MIN_SECRET_LENGTH:
                text = text.replace(secret, HIDDEN)
        return text

    def with_tls(self, secure: bool) -> str:
        """How the address is shown with or without TLS, for a hint."""
        return f"{self.service.secure if secure else self.service.plain}://{self._place}"


def shown(text: str) -> str:
    """An address as it may be shown, also where it is none: without user, password and values of a query.

    A fragment is hidden as well: it may be the rest of a password.
    """
    found = _SCHEME.match(text)
    scheme = found[0] if found else ""
    _, at, place = text[len(scheme) :].rpartition("@")
    place, mark, query = place.partition("?")
    place, sharp, _ = place.partition("#")
    host, colon, port = place.partition(":")
    if colon and re.match(r"[^0-9\[:]", port) and not re.match("[^/]*:", port):
        # Nobody's port: perhaps the password of somebody who has left out the host.
        place = f"{host}:{HIDDEN}"
    return (
        f"{scheme}{HIDDEN + at if at else ''}{place}"
        f"{_hidden_query(query) if mark else ''}{'#' + HIDDEN if sharp else ''}"
    )


def _hidden_query(query: str) -> str:
    if not query:
        return ""
    entries = (each.partition("=") for each in query.split("&"))
    return "?" + "&".join(f"{name}={HIDDEN}" if sign else HIDDEN for name, sign, _ in entries)


class _Refused(Exception):
    """Why a text is no address; it may not repeat what stands before the @, or in the query."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


def _parsed(given: str, service: Service) -> ServiceAddress:
    text = re.sub(rf"^{_NOT_PRINTED.pattern}|{_NOT_PRINTED.pattern}$", "", given)
    _check_characters(text, service)
    secure = _is_secure(text, service)
    try:
        parts = urlsplit(text)
        port = _port(parts, service)
        host = parts.hostname or ""
    except ValueError as error:
        raise _Refused(
            "has a host that can't be read", "write an IPv6 address in brackets"
        ) from error
    if "#" in text:
        raise _Refused(
            "has a fragment (#), which no service sees",
            "leave it out; in a user's name or password write %23",
        )
    return ServiceAddress(
        service=service,
        secure=secure,
        host=_host(host),
        port=port,
        path="" if parts.path.strip("/") == "" else parts.path,
        user=None if parts.username is None else _decoded(parts.username),
        password=_decoded(parts.password or ""),
        query=parts.query,
    )


def _check_characters(text: str, service: Service) -> None:
    if not text:
        raise _Refused("is empty", f"set it, such as {service.example}, or leave it out")
    if len(text) > MAX_ADDRESS_LENGTH:
        raise _Refused(f"is longer than {MAX_ADDRESS_LENGTH} characters")
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        raise _Refused("has quotes or brackets around it", "leave them out")
    if _NOT_PRINTED.search(text):
        raise _Refused("has white space or characters in it that can't be seen", "take them out")
    if "\\" in text:
        raise _Refused("has a backslash in it", "write / instead")


def _is_secure(text: str, service: Service) -> bool:
    schemes = (service.plain, service.secure)
    starts = f"is not an address that starts with {service.plain}:// or {service.secure}://"
    found = _SCHEME.match(text)
    if found is None:
        if re.match(r"[A-Za-z]+:/?[^/0-9]", text):
            raise _Refused(f"{starts}: two slashes follow the colon")
        place = shown(text.lstrip("/:"))
        raise _Refused(starts, f"did you mean {service.plain}://{place}?")
    scheme = found[1].lower()
    if scheme in schemes:
        return scheme == service.secure
    related = {"ws": service.plain, "http": service.plain, "wss": service.secure}
    near = related | {"https": service.secure, "tcp": service.plain}
    meant = near.get(scheme) or next(
        iter(get_close_matches(scheme, schemes, n=1, cutoff=0.5)), None
    )
    rest = shown(text[found.end() :])
    raise _Refused(starts, f"did you mean {meant}://{rest}?" if meant else "")


def _port(parts: SplitResult, service: Service) -> int | None:
    place = parts.netloc.rpartition("@")[2]
    host, colon, digits = place.rpartition(":")
    if not colon or place.endswith("]"):
        return None
    if ":" in host and not host.endswith("]"):
        raise _Refused("has too many colons", "write an IPv6 address in brackets: [::1]")
    hint = f"give a port from 1 to 65535; {service.name} usually listens at {service.port}"
    if not digits:
        raise _Refused("has a colon and no port behind it", hint)
    if not re.fullmatch(r"[0-9]+", digits):
        raise _Refused(
            "has a port that is no number",
            f"{hint}; in a user's name or password write %2F for /, %3F for ? and %40 for @",
        )
    if not 1 <= int(digits[:10]) <= 65535:
        raise _Refused(f"has a port out of range: {digits[:10]}", hint)
    return int(digits)


def _host(host: str) -> str:
    if not host:
        raise _Refused("names no host")
    if any(sign in host for sign in "${}%"):
        raise _Refused("has a variable in it that nobody has filled in", "write the host itself")
    if ":" in host:
        return str(ipaddress.ip_address(host))
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise _Refused("has a host that is no name") from None
    if not _LABELS.fullmatch(name) or len(name) > 253:
        raise _Refused("has a host that is no name")
    if re.fullmatch(r"[0-9.]+", name) and name.count(".") >= 3:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            raise _Refused("has a host that is no IPv4 address") from None
    return name


def _decoded(text: str) -> str:
    """What is percent-encoded, as it is meant (UTF-8)."""
    try:
        found = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _Refused("has a user or password that is not UTF-8") from None
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in found):
        raise _Refused("has a control character in its user or password")
    return found
