"""What a person reads on the terminal while a chain runs, as exactly as it can be said beforehand."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable

import pytest

from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from milestones.devnet.terminal import TerminalLog
from tests.support.devnet_clients import ALICE_ADDRESS, Ogmios, payment_on


class Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, _text: str) -> int:
        raise OSError


@pytest.fixture
async def devnet(start: Callable[[DevnetConfig], Awaitable[Devnet]]) -> Devnet:
    funds = {ALICE_ADDRESS: 10**9}
    config = DevnetConfig(chain=ChainConfig(funds=funds, manual_clock=True), block_interval_s=None)
    return await start(config)


async def test_what_happens_is_a_line_each(devnet: Devnet) -> None:
    chain, stream = devnet.chain, io.StringIO()
    shown = TerminalLog(chain, stream)
    chain.listeners.append(shown.chain_changed)
    Devnet.observers.append(shown)
    try:
        chain.mine()
        raw = payment_on(chain).seal()
        paid = chain.submit(raw)
        chain.mine()
        chain.mine(3)
        chain.advance(3_600_000)
        chain.rollback(5)
        ogmios = await Ogmios.connect(devnet)
        await ogmios.send("submitTransaction", {"transaction": {"cbor": raw.hex()}})
        assert "error" in await ogmios.receive()
        await ogmios.socket.close()
    finally:
        Devnet.observers.remove(shown)
    lines = stream.getvalue().splitlines()
    expected = [
        r"block     2, slot [\d,]+: 1 transaction",
        f"          {paid.hex()}",
        r"            2 outputs, fee 0\.\d{6} ADA",
        r"blocks    3 without a transaction, up to 5",
        r"time      it is \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ now, slot [\d,]+",
        r"rollback  5 blocks taken away: the tip is block 1",
        r"rejected  \d+: \w.*",
    ]
    assert len(lines) == len(expected), lines
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), line
        assert line.startswith("rejected") or len(line) <= 80


async def test_a_terminal_that_is_gone_stops_nothing(devnet: Devnet) -> None:
    chain = devnet.chain
    chain.listeners.append(TerminalLog(chain, Gone()).chain_changed)
    paid = chain.submit(payment_on(chain).seal())
    chain.mine()
    assert chain.place_of(paid) is not None
