"""Services that drip, flood, redirect, speak TLS or don't: one error, in bounded time, without secrets."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from milestones.clients import failures, http_requests, ogmios_connection
from milestones.clients.kupo_client import KupoClient
from milestones.clients.ogmios_client import OgmiosClient
from milestones.errors import InvalidConfiguration, InvalidInput, ServiceUnavailable

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(play: Play, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on a free port that answers each connection's first request by `play`."""

    async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readline() not in (b"\r\n", b""):
                pass
            await play(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(serve_client, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


def answering(status: str, body: bytes | str = b"", **headers: str) -> Play:
    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(data)}", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join((*lines, "", "")).encode() + data)

    return play


async def endlessly(writer: asyncio.StreamWriter, piece: bytes, seconds: float) -> None:
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(seconds)


async def drips_its_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nx-padding: ")
    await endlessly(writer, b"x", 0.05)


async def drips_its_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n[")
    await endlessly(writer, b" ", 0.05)


async def floods(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n[")
    await endlessly(writer, b" " * 65_536, 0)


async def floods_its_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nx: ")
    await endlessly(writer, b"x" * 65_536, 0)


async def cuts(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n[")


async def stays_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def asked_of_kupo(port: int, **options: Any) -> ServiceUnavailable:
    async with KupoClient(f"http://127.0.0.1:{port}", timeout_seconds=0.3, **options) as kupo:
        with pytest.raises(ServiceUnavailable) as caught:
            await kupo.matches("*")
    return caught.value


async def asked_of_ogmios(port: int, question: str = "health") -> ServiceUnavailable:
    async with OgmiosClient(f"ws://127.0.0.1:{port}", timeout_seconds=0.3) as ogmios:
        with pytest.raises(ServiceUnavailable) as caught:
            await getattr(ogmios, question)()
    return caught.value


@pytest.mark.parametrize(
    ("play", "reason", "may_pass"),
    [
        (drips_its_head, "no answer in time", True),
        (drips_its_body, "no answer in time", True),
        (stays_silent, "no answer in time", True),
        (floods, "more than 1000000 bytes", False),
        (floods_its_head, "", True),
        (cuts, "", True),
        (answering("200 OK", "<html>captive portal</html>"), "can't be read", True),
        (answering("200 OK", "[" * 100_000), "can't be read", False),
        (answering("200 OK", b"\xff\xfe\x00"), "can't be read", False),
        (answering("200 OK", "[NaN]"), "can't be read", False),
        (answering("200 OK", ""), "can't be read", True),
        (answering("302 Found", location="http://elsewhere.test/"), "elsewhere.test", False),
        (answering("301 Moved", location="https://127.0.0.1/x"), "sends elsewhere", False),
        (answering("401 Unauthorized"), "status 401", False),
        (answering("403 Forbidden", "<html>"), "status 403", False),
        (answering("404 Not Found", "<html>"), "status 404", False),
        (answering("400 Bad Request", "<html>"), "status 400", False),
        (answering("500 Oops"), "status 500", True),
        (answering("502 Bad Gateway", "<html>"), "status 502", True),
        (answering("503 Busy", retry_after="3600"), "status 503", True),
        (answering("429 Slow down", retry_after="9"), "status 429", True),
        (answering("204 No Content"), "status 204", False),
    ],
)
@pytest.mark.parametrize("asked", [asked_of_kupo, asked_of_ogmios])
async def test_what_goes_wrong_over_http_is_one_error(
    asked: Any, play: Play, reason: str, may_pass: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_requests, "MAX_ANSWER_BYTES", 1_000_000)
    monkeypatch.setattr(http_requests, "PAUSE_SECONDS", 0.0)
    if asked is asked_of_ogmios and reason in ("status 500", "status 503"):
        reason = "can't be read"
    async with listening(play) as port:
        error = await asked(port)
    assert reason in error.message
    assert error.may_pass is may_pass
    assert error.hint
    assert "Traceback" not in str(error.to_json())


async def test_a_refusal_in_kupos_own_words_is_about_what_was_asked() -> None:
    refuses = answering("400 Bad Request", '{"hint": "no such pattern"}')
    async with listening(refuses) as port, KupoClient(f"http://127.0.0.1:{port}") as kupo:
        with pytest.raises(InvalidInput, match="no such pattern"):
            await kupo.matches("*")


async def test_what_passes_is_asked_again_and_what_does_not_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_requests, "PAUSE_SECONDS", 0.0)
    plays: list[Play] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await plays.pop(0)(reader, writer)

    good = answering("200 OK", "[]")
    async with listening(play) as port, KupoClient(f"http://127.0.0.1:{port}") as kupo:
        for passing in (cuts, answering("502 Bad Gateway", "<html>"), answering("429 Busy")):
            plays[:] = [passing, passing, good]
            assert await kupo.matches("*") == []
            plays[:] = [passing, passing, passing, good]
            with pytest.raises(ServiceUnavailable):
                await kupo.matches("*")
            # What was cut off may have been asked besides whether it speaks TLS.
            assert plays == [good] or passing is cuts
        plays[:] = [answering("404 Not Found"), good]
        with pytest.raises(ServiceUnavailable):
            await kupo.matches("*")
        assert plays == [good]


async def test_what_a_service_asks_to_wait_is_known_to_the_caller() -> None:
    async with listening(answering("503 Busy", "<html>", retry_after="77")) as port:
        assert (await asked_of_kupo(port)).retry_after_seconds == 77
    date = "Fri, 31 Dec 2100 23:59:59 GMT"
    async with listening(answering("503 Busy", "<html>", retry_after=date)) as port:
        assert ((await asked_of_kupo(port)).retry_after_seconds or 0) > 1e9
    async with listening(answering("503 Busy", "<html>", retry_after="soon")) as port:
        assert (await asked_of_kupo(port)).retry_after_seconds is None


@pytest.mark.parametrize(
    ("play", "reason", "may_pass"),
    [
        (drips_its_head, "no answer in time", True),
        (stays_silent, "no answer in time", True),
        (floods_its_head, "", True),
        (cuts, "", True),
        (answering("200 OK", "<html>"), "status 200", False),
        (answering("404 Not Found", "<html>"), "status 404", False),
        (answering("401 Unauthorized"), "status 401", False),
        (answering("502 Bad Gateway", "<html>"), "status 502", True),
        (answering("429 Slow down", retry_after="9"), "status 429", True),
        (answering("400 Bad", "The plain HTTP request was sent to HTTPS port"), "TLS", False),
    ],
)
async def test_what_goes_wrong_in_a_handshake_is_one_error(
    play: Play, reason: str, may_pass: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ogmios_connection, "PAUSE_SECONDS", 0.0)
    async with listening(play) as port:
        error = await asked_of_ogmios(port, "tip")
    assert reason in error.message
    assert error.may_pass is may_pass


Frames = Callable[[ServerConnection, Any], Awaitable[None]]


async def drips_a_frame(socket: ServerConnection, _: Any) -> None:
    async def pieces() -> AsyncIterator[str]:
        while True:
            yield " "
            await asyncio.sleep(0.05)

    await socket.send(pieces())


async def never_ends_a_message(socket: ServerConnection, _: Any) -> None:
    async def pieces() -> AsyncIterator[str]:
        while True:
            yield " " * 65_536

    await socket.send(pieces())


async def answers_another_question(socket: ServerConnection, _: Any) -> None:
    while True:
        await socket.send('{"jsonrpc": "2.0", "id": 0, "result": 1}')
        await asyncio.sleep(0.01)


def sending(text: str) -> Frames:
    async def play(socket: ServerConnection, number: Any) -> None:
        await socket.send(text.replace("ID", json.dumps(number)))

    return play


@pytest.mark.parametrize(
    "frames",
    [
        drips_a_frame,
        never_ends_a_message,
        answers_another_question,
        sending("<html>"),
        sending("[" * 100_000),
        sending('{"id": ID, "result": NaN}'),
        sending('{"id": ID, "result": 1e999}'),
        sending('{"id": ID, "result": {"slot": -1, "id": "' + "ab" * 32 + '"}}'),
        sending('{"id": ID, "result": {"slot": 1' + "0" * 5000 + "}}"),
        sending('{"id": ID, "result": {"slot": 1' + "0" * 30 + ', "id": "' + "ab" * 32 + '"}}'),
        sending('{"id": ID, "result": {"slot": true, "id": "' + "ab" * 32 + '"}}'),
        sending('{"id": ID, "result": {"slot": 1, "id": "ab"}}'),
        sending('{"id": ID, "result": []}'),
        sending('{"id": ID}'),
        sending('{"id": ID, "error": "no"}'),
        sending('{"id": ID, "error": {"code": true}}'),
        sending('{"id": ID, "error": {"code": -32603, "message": ["x"], "data": {}}}'),
        sending('{"id": [], "result": 1}'),
        sending('{"id": {"a": 1}, "result": 1}'),
        sending("[]"),
        sending("null"),
        sending("1"),
    ],
)
async def test_what_goes_wrong_in_an_answer_is_one_error(
    frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ogmios_connection, "MAX_MESSAGE_BYTES", 1_000_000)

    async def serve_client(socket: ServerConnection) -> None:
        async for message in socket:
            await frames(socket, json.loads(message)["id"])

    async with serve(serve_client, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        error = await asked_of_ogmios(port, "network_tip")
    assert error.service == "Ogmios"
    assert error.hint


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed but itself, with its key."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    return made


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


@pytest.fixture(autouse=True)
def one_store_a_test() -> None:
    failures.trusted.cache_clear()


async def test_plain_to_a_port_that_speaks_tls_is_said(certificate: Path) -> None:
    async with listening(answering("200 OK"), tls=tls_of(certificate)) as port:
        errors = [
            await asked_of_kupo(port),
            await asked_of_ogmios(port),
            await asked_of_ogmios(port, "tip"),
        ]
    assert [error.reason for error in errors] == ["it speaks TLS there"] * 3
    assert f"https://127.0.0.1:{port}" in errors[0].hint
    assert f"wss://127.0.0.1:{port}" in errors[1].hint


async def test_tls_to_a_plain_port_is_said() -> None:

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        await answering("400 Bad Request", "<html>")(reader, writer)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with (
            KupoClient(f"https://127.0.0.1:{port}") as kupo,
            OgmiosClient(f"wss://127.0.0.1:{port}") as ogmios,
        ):
            for question in (kupo.health, ogmios.health, ogmios.tip):
                with pytest.raises(ServiceUnavailable, match="no TLS there") as caught:
                    await question()
                assert f"//127.0.0.1:{port}" in caught.value.hint
                assert not caught.value.may_pass


async def test_both_clients_trust_the_same_authorities(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(answering("404 Not Found"), tls=tls_of(certificate)) as port:

        async def reasons() -> list[str]:
            failures.trusted.cache_clear()
            found = []
            async with (
                KupoClient(f"https://127.0.0.1:{port}") as kupo,
                OgmiosClient(f"wss://127.0.0.1:{port}") as ogmios,
            ):
                for question in (kupo.health, ogmios.health, ogmios.tip):
                    with pytest.raises(ServiceUnavailable) as caught:
                        await question()
                    found.append(caught.value.reason)
            return found

        assert all("certificate is not trusted" in reason for reason in await reasons())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await reasons() == ["status 404"] * 3


async def test_a_store_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    async with KupoClient("https://127.0.0.1:1") as kupo:
        with pytest.raises(InvalidConfiguration, match="SSL_CERT_FILE"):
            await kupo.health()
    async with OgmiosClient("wss://127.0.0.1:1") as ogmios:
        with pytest.raises(InvalidConfiguration, match="SSL_CERT_FILE"):
            await ogmios.tip()


async def test_proxies_of_the_environment_are_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with listening(answering("200 OK", "[]")) as port:
        async with KupoClient(f"http://127.0.0.1:{port}") as kupo:
            assert await kupo.matches("*") == []
        assert "status 200" in (await asked_of_ogmios(port, "tip")).message


async def test_user_and_password_reach_the_service_and_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    heads = []

    play = answering("404 Not Found", '{"hint": "neither k3yk3y nor s3cret"}')

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        await play(reader, writer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(noting, "127.0.0.1", 0) as server:
        place = f"alice:s3cret@127.0.0.1:{server.sockets[0].getsockname()[1]}/p?apikey=k3yk3y"
        async with KupoClient(f"http://{place}") as kupo, OgmiosClient(f"ws://{place}") as ogmios:
            said = []
            for question in (kupo.health, ogmios.health, ogmios.tip):
                with pytest.raises(ServiceUnavailable) as caught:
                    await question()
                said.append(str(caught.value.to_json()) + repr(caught.value))
            said += [kupo.url, ogmios.url, repr(kupo.address), repr(ogmios.address)]
    assert len(heads) == 3
    assert all(b"Basic YWxpY2U6czNjcmV0" in head for head in heads)
    assert all(b"apikey=k3yk3y" in head.split(b"\r\n")[0] for head in heads)
    shown = " ".join(said) + caplog.text
    assert "***" in shown
    assert not any(secret in shown for secret in ("s3cret", "k3yk3y", "YWxpY2U6"))
