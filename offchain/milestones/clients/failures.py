"""Why a service can't be used: what a failed connection or a status means, and whether it may pass."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Final

import httpx

from milestones.clients.service_address import OGMIOS, ServiceAddress
from milestones.errors import InvalidConfiguration, ServiceUnavailable

PASSING_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 531)})
"""Of a service that is busy or starts, or of a gateway in front of it: the same request may pass later."""
MAX_SHOWN: Final = 300
_TLS_ALERT: Final = re.compile(r"\\x15\\x03|\x15\x03")
_WANTS_TLS: Final = re.compile("HTTP request.{0,40}HTTPS", re.IGNORECASE | re.DOTALL)
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER", "PACKET_LENGTH", "HTTP_REQUEST")


def start_hint(address: ServiceAddress) -> str:
    """How to start the service, and where its address is set."""
    service = address.service
    what = "Ogmios and the node" if service == OGMIOS else service.name
    hint = (
        f"start {what} (`docker compose up -d` in infra/, or `milestones devnet`), "
        f"or correct `{service.setting}` ({service.setting.upper()})"
    )
    if address.port is None and not address.secure:
        hint += (
            f"; it names no port, which means 80: {service.name} usually listens at {service.port}"
        )
    return hint


def unavailable(
    address: ServiceAddress,
    reason: str,
    *,
    hint: str = "",
    may_pass: bool = False,
    retry_after_seconds: float | None = None,
) -> ServiceUnavailable:
    """The error about the service at an address; what it says of others is freed from secrets."""
    return ServiceUnavailable(
        address.service.name,
        str(address),
        address.hide(reason),
        hint=address.hide(hint) or start_hint(address),
        may_pass=may_pass,
        retry_after_seconds=retry_after_seconds,
    )


def connection_failure(address: ServiceAddress, error: BaseException) -> ServiceUnavailable:
    """What an exception of a client library, or of the system, means."""
    chain = list(_causes(error))
    words = " ".join(str(each) for each in chain)
    if not address.secure and (_TLS_ALERT.search(words) or _WANTS_TLS.search(words)):
        return _wants_tls(address)
    for each in chain:
        if isinstance(each, ssl.SSLError) and not isinstance(each, _UNFINISHED):
            return _tls_failure(address, each)
    if any(isinstance(each, _TIMEOUTS) for each in chain):
        reason = "no answer in time"
    elif any(isinstance(each, ConnectionRefusedError) for each in chain):
        reason = "connection refused"
    elif any(isinstance(each, socket.gaierror) for each in chain):
        reason = f"its host {address.host} is not known"
    else:
        reason = " ".join(str(error).split())[:MAX_SHOWN] or type(error).__name__
    return unavailable(address, reason, may_pass=True)


async def cut_failure(address: ServiceAddress, error: BaseException) -> ServiceUnavailable:
    """As `connection_failure`, where the service hung up: perhaps it had expected TLS."""
    failure = connection_failure(address, error)
    if address.secure or not failure.may_pass:
        return failure
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection(address.host, address.port or 80, ssl=anybody),
            PROBE_SECONDS,
        )
    except (OSError, asyncio.TimeoutError):
        return failure
    writer.transport.abort()
    return _wants_tls(address)


PROBE_SECONDS: Final = 2.0
"""How long a service may take to show that it speaks TLS."""
_UNFINISHED: Final = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
_TIMEOUTS: Final = (TimeoutError, asyncio.TimeoutError, httpx.TimeoutException)


def _tls_failure(address: ServiceAddress, error: ssl.SSLError) -> ServiceUnavailable:
    setting = address.service.setting
    if isinstance(error, ssl.SSLCertVerificationError):
        return unavailable(
            address,
            f"its certificate is not trusted: {error.verify_message or error}",
            hint="name the file of your authority's certificates in SSL_CERT_FILE, or correct the host"
            f" in `{setting}`",
        )
    if any(name in str(error) for name in _NO_TLS):
        return unavailable(
            address,
            "it speaks no TLS there",
            hint=f"write {address.with_tls(False)} in `{setting}`, if that is what you mean",
        )
    return unavailable(address, f"TLS failed: {error}"[:MAX_SHOWN], may_pass=True)


def status_failure(
    address: ServiceAddress, status: int, headers: Mapping[str, str], body: str, *, said: str = ""
) -> ServiceUnavailable:
    """What an answer with another status than the expected means. `said` is the service's own reason."""
    if not address.secure and _WANTS_TLS.search(body):
        return _wants_tls(address)
    reason = f"status {status}" + (f": {said[:MAX_SHOWN]}" if said else "")
    if 300 <= status < 400 and headers.get("location"):
        reason += f", which sends elsewhere: {headers['location'][:MAX_SHOWN]}"
    return unavailable(
        address,
        reason,
        hint=_hint_on(address, status),
        may_pass=status in PASSING_STATUSES,
        retry_after_seconds=retry_after(headers),
    )


def _hint_on(address: ServiceAddress, status: int) -> str:
    name = address.service.name
    setting = f"`{address.service.setting}` ({address.service.setting.upper()})"
    if 300 <= status < 400:
        return f"write the address that is meant in {setting}: redirections are not followed"
    if status in (401, 403):
        return f"write user and password, or the query with your key, in {setting}"
    if status in (404, 405, 406):
        return (
            f"check that {name} listens there; the path before which a gateway has put it belongs in"
            f" {setting}"
        )
    if status in PASSING_STATUSES:
        return (
            f"try again soon; if it lasts, look at {name} and at the gateway before it, or correct"
            f" {setting}"
        )
    return ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """What a service asks to wait for, in seconds, out of its `Retry-After`; None where it doesn't say."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


@cache
def trusted() -> ssl.SSLContext:
    """The one store of trusted authorities: the system's, or what SSL_CERT_FILE and SSL_CERT_DIR name.

    Where the system has none, it is the one that comes with the HTTP client. Raises `InvalidConfiguration`
    where a variable names nothing: OpenSSL would say no word of it.
    """
    paths = ssl.get_default_verify_paths()
    for variable in (paths.openssl_cafile_env, paths.openssl_capath_env):
        named = os.environ.get(variable)
        if named and not all(Path(each).exists() for each in named.split(os.pathsep)):
            raise InvalidConfiguration(
                f"there is no {named}", path=variable, hint="correct the variable, or unset it"
            )
    if paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())):
        return ssl.create_default_context()
    return httpx.create_ssl_context(trust_env=False)


def _wants_tls(address: ServiceAddress) -> ServiceUnavailable:
    return unavailable(
        address,
        "it speaks TLS there",
        hint=f"write {address.with_tls(True)} in `{address.service.setting}`",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        yield each
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
