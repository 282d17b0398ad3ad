"""How quickly the embedded chain starts and takes transactions, and where the time goes.

Processes of its own answer over real sockets. Start-up is measured beside `python -c pass` in the same run, an
HTTP request beside a bare asyncio server, and the parts of a submission without any socket.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from figures import Block, Column, Table
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from websockets.asyncio.client import connect

from milestones.cardano import cbor, encoding
from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_224, blake2b_256
from milestones.cardano.outputs import OutputReference
from milestones.cardano.value import Value
from milestones.devnet.chain import Chain
from milestones.devnet.funds import fields, output, transaction
from milestones.devnet.ledger.rules import check
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.opening import ChainConfig, open_chain
from milestones.testing.processes import DevnetProcess

FUND_LOVELACE = 1_000_000_000_000
FEE_LOVELACE = 170_000
PAID_LOVELACE = 1_000_000
STARTS = 7
HISTORY = 10_000
"""Payments that a process finds in its directory when it starts."""

BURST, STREAM = 700, 4000
"""Transactions of a burst, which fit the mempool at once, and of a stream, which need blocks to pass."""

REQUESTS = 500
"""HTTP requests of each kind, one after the other over one connection."""

BARE_SERVER = """
import asyncio, json

BODY = json.dumps({"connection_status": "connected", "most_recent_checkpoint": 436000})
ANSWER = f"HTTP/1.1 200 OK\\r\\nContent-Length: {len(BODY)}\\r\\n\\r\\n{BODY}".encode()

async def answer(reader, writer):
    while await reader.readline():
        await reader.readuntil(b"\\r\\n\\r\\n")
        writer.write(ANSWER)

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
"""An HTTP server that does nothing but answer: what an answer costs on this machine."""

_KEY, _SECRET = crypto_sign_seed_keypair(b"\x07" * 32)
ADDRESS = Address(0, key_credential(blake2b_224(_KEY)))


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, how many of it, its unit, and the decimals that are shown."""

    what: str
    figure: float
    unit: str
    decimals: int = 0


# -- transactions


def payments(first: OutputReference, count: int) -> Iterator[bytes]:
    """Signed payments of one input and two outputs, each spending the change of the one before."""
    held, reference = FUND_LOVELACE, first
    for _ in range(count):
        held -= PAID_LOVELACE + FEE_LOVELACE
        outputs = [output(ADDRESS.to_bytes(), Value(amount)) for amount in (PAID_LOVELACE, held)]
        body = fields(
            {
                0: encoding.references((reference,)),
                1: encoding.array(outputs),
                2: encoding.integer(FEE_LOVELACE),
            }
        )
        digest = blake2b_256(body)
        witness = (_KEY, crypto_sign(digest, _SECRET)[:64])
        keys = encoding.array((encoding.array([cbor.encode_bytes(part) for part in witness]),))
        reference = OutputReference(digest, 1)
        yield transaction(body, fields({0: keys}))


def fund_of(chain: Chain) -> OutputReference:
    """Where the money is that the benchmark spends."""
    own = ADDRESS.to_bytes()
    return next(ref for ref, output in chain.utxo.items() if output.address.raw == own)


# -- processes


@contextmanager
def devnet(*arguments: str) -> Iterator[DevnetProcess]:
    """A chain as a process of its own, in which there is money to spend."""
    funds = {str(ADDRESS): FUND_LOVELACE}
    with (
        tempfile.TemporaryDirectory() as folder,
        DevnetProcess(Path(folder), *arguments, funds=funds) as process,
    ):
        yield process


@contextmanager
def process(*arguments: str) -> Iterator[dict[str, Any]]:
    """A Python of its own, until the end of the block; the line of JSON that it prints first."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline() if process.stdout else "")
    finally:
        process.terminate()
        process.communicate()


async def call(url: str, *requests: str) -> list[dict[str, Any]]:
    """Sends every request over one WebSocket without waiting, then reads as many answers."""
    async with connect(url, ping_interval=None, max_size=None, compression=None) as socket:

        async def send() -> None:
            for request in requests:
                await socket.send(request)

        sending = asyncio.ensure_future(send())
        answers = [json.loads(await socket.recv()) for _ in requests]
        await sending
        return answers


def request(method: str, **params: Any) -> str:
    """A request as text."""
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params})


# -- measurements


def start_up() -> Iterator[Row]:
    """From the process' start to the first answered query, beside a Python that does nothing."""
    idle, first_answer, busy = [], [], []
    for _ in range(STARTS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        idle.append(time.perf_counter() - started)
        busy_before, started = _children_busy_s(), time.perf_counter()
        with devnet() as ready:
            asyncio.run(call(ready.ogmios_url, request("queryNetwork/tip")))
            first_answer.append(time.perf_counter() - started)
        busy.append(_children_busy_s() - busy_before)
    yield Row("`python -c pass`", _ms(idle), "ms")
    yield Row("start of the process to the first answered query", _ms(first_answer), "ms")
    yield Row("processor time of such a process, its end included", _ms(busy), "ms")


def restart() -> Iterator[Row]:
    """From the process' start to the first answered query, on a history that it wrote before."""
    with tempfile.TemporaryDirectory() as directory:
        state_dir, funds = Path(directory), {str(ADDRESS): FUND_LOVELACE}
        config = ChainConfig(funds=funds, production="by hand", state_dir=state_dir)
        chain, store = open_chain(config)
        for number, raw in enumerate(payments(fund_of(chain), HISTORY), start=1):
            chain.submit(raw)
            if number % 350 == 0 or number == HISTORY:
                chain.mine()
        if store is not None:
            store.close()
        took = []
        for _ in range(3):
            started = time.perf_counter()
            with devnet("--state-dir", directory) as ready:
                asyncio.run(call(ready.ogmios_url, request("queryNetwork/tip")))
                took.append(time.perf_counter() - started)
    yield Row(
        f"start on {HISTORY} payments without a snapshot to the first answered query",
        _ms(took),
        "ms",
    )


def latency() -> Iterator[Row]:
    """One HTTP request after the other to Kupo's interface, beside a server that does nothing."""
    with process("-c", BARE_SERVER) as bare:
        bare_us = _request_us(bare["port"], "/")
    with devnet() as ready:
        port = urlsplit(ready.kupo_url).port or 0
        health_us = _request_us(port, "/health")
        matches_us = _request_us(port, f"/matches/{ADDRESS}")
    yield Row("an HTTP request to a bare asyncio server", bare_us, "µs")
    yield Row("an HTTP request to Kupo's `/health`", health_us, "µs")
    yield Row("`/health`, times the bare server's", health_us / bare_us, "times", 1)
    yield Row("an HTTP request to Kupo's `/matches` of an address", matches_us, "µs")
    yield Row("`/matches`, times the bare server's", matches_us / bare_us, "times", 1)


def _request_us(port: int, path: str) -> float:
    """The median time from a request to the end of its answer's body, over one connection."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    took = []
    with (
        socket.create_connection(("127.0.0.1", port)) as connection,
        connection.makefile("rb") as answers,
    ):
        for _ in range(REQUESTS):
            started = time.perf_counter()
            connection.sendall(request)
            _read_answer(answers)
            took.append(time.perf_counter() - started)
    return statistics.median(took) * 1e6


def _read_answer(answers: BinaryIO) -> None:
    if b" 200 " not in answers.readline():
        raise SystemExit("a request was not answered with 200")
    length = 0
    while (line := answers.readline()) != b"\r\n":
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    answers.read(length)


def submissions(count: int, what: str, *arguments: str) -> Row:
    """Transactions a second over one WebSocket, all of them accepted."""
    with devnet(*arguments) as ready:
        where = request("queryLedgerState/utxo", addresses=[str(ADDRESS)])
        ((found,),) = (each["result"] for each in asyncio.run(call(ready.ogmios_url, where)))
        first = OutputReference(bytes.fromhex(found["transaction"]["id"]), found["index"])
        requests = [
            request("submitTransaction", transaction={"cbor": raw.hex()})
            for raw in payments(first, count)
        ]
        started = time.perf_counter()
        answers = asyncio.run(call(ready.ogmios_url, *requests))
        took_s = time.perf_counter() - started
    refused = [each for each in answers if "error" in each]
    if refused:
        raise SystemExit(f"a payment was refused: {refused[0]}")
    return Row(what, count / took_s, "transactions/s")


def parts() -> Iterator[Row]:
    """Processor time of one submission inside the chain, without a socket."""
    config = ChainConfig(funds={str(ADDRESS): FUND_LOVELACE}, production="by hand")
    chain, _ = open_chain(config)
    raws = list(payments(fund_of(chain), BURST))
    yield Row("decoding the transaction", _each_us(raws, decode_transaction), "µs")
    signed = [_signed_message(raw) for raw in raws]
    yield Row("Ed25519, in libsodium", _each_us(signed, _verify), "µs")
    first = decode_transaction(raws[0])
    again = [first] * BURST
    environment = chain.environment()
    whole = _each_us(again, lambda each: check(each, chain.utxo, environment))
    yield Row("all rules, the signature among them", whole, "µs")
    yield Row("submission as a whole, the mempool too", _each_us(raws, chain.submit), "µs")
    yield Row("a block of what fits, for each transaction in it", _block_us(chain), "µs")


def _block_us(chain: Chain) -> float:
    busy = _busy_s(chain.mine)
    return busy * 1e6 / len(chain.tip.inclusions)


def _signed_message(raw: bytes) -> bytes:
    transaction = decode_transaction(raw)
    (witness,) = transaction.witnesses.keys
    return witness.signature + transaction.id


def _verify(message: bytes) -> None:
    crypto_sign_open(message, _KEY)


def _each_us(items: list[Any], work: Callable[[Any], Any]) -> float:
    return _busy_s(lambda: [work(each) for each in items]) * 1e6 / len(items)


def _busy_s(work: Callable[[], Any]) -> float:
    """Processor time, which other work on the machine hardly changes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def _children_busy_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ms(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1000


def measure() -> list[Row]:
    """All figures."""
    return [
        *start_up(),
        *restart(),
        *latency(),
        submissions(BURST, f"{BURST} payments into an empty mempool", "--manual-blocks"),
        submissions(STREAM, f"{STREAM} payments, a block every 0.1 s", "--block-interval", "0.1"),
        submissions(STREAM, f"{STREAM} payments, blocks at once, the default"),
        *parts(),
    ]


def chain(*, smallest: bool = False) -> list[Block]:
    """All figures as a table; of ten payments only, for a test."""
    rows = [submissions(10, "10 payments")] if smallest else measure()
    cells = [(row.what, f"{row.figure:,.{row.decimals}f} {row.unit}") for row in rows]
    return [Table([Column("measured", None), Column("", None)], cells)]
