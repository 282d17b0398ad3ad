"""Addresses of services, as people write them: taken as they are meant, or refused without a secret shown."""

from __future__ import annotations

import base64

import pytest

from milestones.clients.service_address import KUPO, OGMIOS, ServiceAddress, shown
from milestones.errors import InvalidConfiguration


def ogmios(text: str) -> ServiceAddress:
    return ServiceAddress.parse(text, OGMIOS)


def kupo(text: str) -> ServiceAddress:
    return ServiceAddress.parse(text, KUPO)


@pytest.mark.parametrize(
    "text",
    [
        "ws://host.test:1337",
        "ws://host.test:1337/",
        "ws://host.test:1337//",
        "ws://host.test:1337\r",
        "ws://host.test:1337\r\n",
        "\tws://host.test:1337 ",
        "\ufeffws://host.test:1337\u200b",
        "WS://host.test:1337",
        "wS://HOST.Test:1337",
        "ws://host.test:01337",
    ],
)
def test_ways_to_write_the_same_address(text: str) -> None:
    address = ogmios(text)
    assert address == ogmios("ws://host.test:1337")
    assert address.websocket_url == "ws://host.test:1337"
    assert address.http_url("/health") == "http://host.test:1337/health"
    assert str(address) == "ws://host.test:1337"


@pytest.mark.parametrize(
    ("text", "websocket", "health"),
    [
        ("ws://host", "ws://host", "http://host/health"),
        ("wss://host", "wss://host", "https://host/health"),
        ("wss://host:8443/ogmios", "wss://host:8443/ogmios", "https://host:8443/ogmios/health"),
        ("wss://host/ogmios/", "wss://host/ogmios/", "https://host/ogmios/health"),
        ("ws://[::1]:1337", "ws://[::1]:1337", "http://[::1]:1337/health"),
        ("ws://[0:0::1]", "ws://[::1]", "http://[::1]/health"),
        ("ws://h:1?apikey=1", "ws://h:1?apikey=1", "http://h:1/health?apikey=1"),
        ("ws://h:1/p?a=1&b=2", "ws://h:1/p?a=1&b=2", "http://h:1/p/health?a=1&b=2"),
        ("ws://b\u00fccher.test", "ws://xn--bcher-kva.test", "http://xn--bcher-kva.test/health"),
        ("ws://cardano_node:1337", "ws://cardano_node:1337", "http://cardano_node:1337/health"),
        ("ws://127.0.0.1:65535", "ws://127.0.0.1:65535", "http://127.0.0.1:65535/health"),
    ],
)
def test_urls_are_built_from_the_parts(text: str, websocket: str, health: str) -> None:
    address = ogmios(text)
    assert (address.websocket_url, address.http_url("/health")) == (websocket, health)


def test_a_query_is_added_to_a_paths_own() -> None:
    address = kupo("https://host/kupo/?apikey=abcdef")
    url = address.http_url("/matches/addr?unspent")
    assert url == "https://host/kupo/matches/addr?unspent&apikey=abcdef"


@pytest.mark.parametrize(
    ("text", "user", "password"),
    [
        ("http://alice:s3cret@host", "alice", "s3cret"),
        ("http://alice:p%40s%2Fs%3A%23%C3%A9@host", "alice", "p@s/s:#\u00e9"),
        ("http://alice:p@ss@host", "alice", "p@ss"),
        ("http://alice@host", "alice", ""),
        ("http://:s3cret@host", "", "s3cret"),
    ],
)
def test_user_and_password_leave_in_a_header_and_are_never_shown(
    text: str, user: str, password: str
) -> None:
    address = kupo(text)
    assert address.http_url("/health") == "http://host/health"
    sent = base64.b64decode(address.headers["Authorization"].removeprefix("Basic "))
    assert sent.decode() == f"{user}:{password}"
    assert str(address) == "http://***@host"
    assert repr(address) == "ServiceAddress('http://***@host')"
    assert not password or password not in f"{address} {address!r}"


def test_without_user_there_is_no_header() -> None:
    assert kupo("http://host").headers == {}


def test_a_querys_values_are_never_shown() -> None:
    address = kupo("http://host?apikey=k3y&token=t0ken&flag")
    assert str(address) == "http://host?apikey=***&token=***&***"


@pytest.mark.parametrize(
    "said", ["no k3yk3y there", "Basic YWxpY2U6czNjcmV0", "for s3cret", "k%33yk3y"]
)
def test_what_others_say_is_freed_from_secrets(said: str) -> None:
    address = kupo("http://alice:s3cret@host?apikey=k%33yk3y")
    hidden = address.hide(f"<{said}>")
    assert "***" in hidden
    assert not any(secret in hidden for secret in ("k3yk3y", "YWxp", "s3cret", "k%33y"))


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        ("", "is empty", "ws://localhost:1337"),
        (" \r\n", "is empty", "leave it out"),
        ('"ws://host:1337"', "quotes", "leave them out"),
        ("'ws://host:1337'", "quotes", "leave them out"),
        ("<ws://host:1337>", "brackets", "leave them out"),
        ("\u201cws://host:1337\u201d", "quotes", "leave them out"),
        ("ws://ho st:1337", "white space", "take them out"),
        ("ws://host:13\n37", "white space", "take them out"),
        ("ws://ho\u200bst:1337", "can't be seen", "take them out"),
        ("ws:\\\\host:1337", "backslash", "write /"),
        ("localhost:1337", "starts with ws://", "did you mean ws://localhost:1337?"),
        ("//localhost:1337", "starts with ws://", "did you mean ws://localhost:1337?"),
        ("127.0.0.1", "starts with ws://", "did you mean ws://127.0.0.1?"),
        ("ws:host:1337", "two slashes", ""),
        ("ws:/host:1337", "two slashes", ""),
        ("http://host:1337", "starts with ws://", "did you mean ws://host:1337?"),
        ("https://host/ogmios", "starts with ws://", "did you mean wss://host/ogmios?"),
        ("wsss://host", "starts with ws://", "did you mean wss://host?"),
        ("unix:///run/ogmios.sock", "starts with ws://", ""),
        ("ws://", "names no host", ""),
        ("ws://:1337", "names no host", ""),
        ("ws:///path", "names no host", ""),
        ("ws://host:", "no port", "1337"),
        ("ws://host:0", "out of range", "65535"),
        ("ws://host:65536", "out of range", "65535"),
        ("ws://host:-1", "no number", "65535"),
        ("ws://host:1e3", "no number", "65535"),
        ("ws://host:\u0661\u0663", "no number", "65535"),
        ("ws://::1:1337", "too many colons", "brackets"),
        ("ws://[::1", "can't be read", "brackets"),
        ("ws://[::g]:1", "can't be read", "brackets"),
        ("ws://${OGMIOS_HOST}:1337", "variable", "the host itself"),
        ("ws://$HOST:1337", "variable", "the host itself"),
        ("ws://%HOST%:1337", "variable", "the host itself"),
        ("ws://300.1.1.1:1337", "IPv4", ""),
        ("ws://-host:1337", "no name", ""),
        ("ws://a..b:1337", "no name", ""),
        ("ws://host:1337#a", "fragment", "%23"),
        ("ws://host:1337/#", "fragment", "%23"),
        ("ws://a:%ff@host", "UTF-8", ""),
        ("ws://a:%0d%0a@host", "control character", ""),
        ("ws://" + "a" * 3000, "longer than", ""),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_settings_name(
    text: str, reason: str, hint: str
) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        ogmios(text)
    assert caught.value.path == "ogmios_url"
    assert reason in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ws://host:1442", "http://host:1442"),
        ("wss://host", "https://host"),
        ("htpp://host", "http://host"),
        ("htps://host", "https://host"),
        ("tcp://host:1442", "http://host:1442"),
        ("host:1442", "http://host:1442"),
    ],
)
def test_kupos_scheme_is_brought_to_mind(text: str, meant: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        kupo(text)
    assert caught.value.hint == f"did you mean {meant}?"


@pytest.mark.parametrize(
    "text",
    [
        "http://alice:s3cret@host:0",
        "http://alice:s3cret@host:x",
        "http://alice:s3cret@ho st",
        "http://alice:s3c/ret@host",
        "http://alice:s3c?ret@host",
        "http://alice:s3c#ret@host",
        "http://alice:s3cret",
        "ws://alice:s3cret@host",
        "alice:s3cret@host",
        "htp://alice:s3cret@host?apikey=s3cret",
        "http://host:0?apikey=s3cret",
        "http://host:0?s3cret",
        "http://host#s3cret",
        "'http://alice:s3cret@host'",
    ],
)
def test_a_refusal_shows_no_secret(text: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        kupo(text)
    said = str(caught.value.to_json())
    assert "s3c" not in said
    assert "ret" not in said.replace("secret", "")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "value", [None, 1337, ["ws://host"], {"url": "ws://host"}, True, b"ws://host"]
)
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidConfiguration, match="not an address"):
        ServiceAddress.parse(value, OGMIOS)  # type: ignore[arg-type]


def test_an_address_that_was_read_is_taken_as_it_is() -> None:
    address = ogmios("ws://host")
    assert ServiceAddress.parse(address, OGMIOS) is address


def test_shown_keeps_what_is_no_secret() -> None:
    assert shown("ws://host:1337/path") == "ws://host:1337/path"
    assert shown("ws://[::1]:1337") == "ws://[::1]:1337"
