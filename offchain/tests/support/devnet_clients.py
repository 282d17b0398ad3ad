"""Plain clients for tests of the embedded chain's interfaces: they send what they are told to."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import cbor2
import httpx
from websockets.asyncio.client import ClientConnection, connect

from milestones.cardano.outputs import OutputReference
from milestones.devnet.chain import Chain
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.server import Devnet
from tests.support.raw_transactions import ALICE, BOB, Draft, key_address

ALICE_ADDRESS = str(decode_address(key_address(ALICE)))
BOB_ADDRESS = str(decode_address(key_address(BOB)))
ALICE_FUNDS = {ALICE_ADDRESS: 1_000_000_000}
"""1,000 ADA, as a chain is started with."""


class Ogmios:
    """One WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    @classmethod
    async def connect(cls, devnet: Devnet) -> Ogmios:
        """Opens a connection."""
        return cls(await connect(devnet.ogmios_url, ping_interval=None, max_size=None))

    async def send(self, method: str, params: dict[str, Any] | None = None, id: Any = None) -> None:  # noqa: A002
        """Sends a request."""
        request: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "id": id}
        if params is not None:
            request["params"] = params
        await self.socket.send(json.dumps(request))

    async def receive(self) -> dict[str, Any]:
        """The next answer."""
        answer: dict[str, Any] = json.loads(await self.socket.recv())
        return answer

    async def call(self, method: str, **params: Any) -> Any:
        """The result of a request; an error is returned whole."""
        await self.send(method, params or None)
        answer = await self.receive()
        return answer.get("result", answer)

    async def raw(self, message: str | bytes) -> dict[str, Any]:
        """The answer to any message at all."""
        await self.socket.send(message)
        return await self.receive()


def text_of(html: str) -> str:
    """What a page says, in one line: an identifier in one piece, a word for each cell."""
    parts = re.sub("</?(?:span|b)[^>]*>", "", html)
    return " ".join(unescape(re.sub("<[^>]*>", " ", parts)).split())


def http(devnet: Devnet, *, kupo: bool = False, control: bool = False) -> httpx.AsyncClient:
    """A client of Ogmios' HTTP interface, of Kupo's, or of the control interface."""
    base = devnet.kupo_url if kupo else devnet.ogmios_url.replace("ws:", "http:")
    if control:
        assert devnet.control_url is not None
        base = devnet.control_url
    return httpx.AsyncClient(base_url=base, timeout=10)


def outputs_of_alice(chain: Chain) -> dict[OutputReference, Output]:
    """What Alice can spend once the mempool is in a block, the richest first."""
    own = {
        reference: output
        for reference, output in chain.mempool.utxo.items()
        if output.address.raw == key_address(ALICE)
    }
    return dict(sorted(own.items(), key=lambda entry: -entry[1].value.lovelace))


def payment_on(chain: Chain, lovelace: int = 2_000_000) -> Draft:
    """Alice pays Bob out of her richest output on this chain, and keeps the change."""
    draft = Draft()
    source, output = next(iter(outputs_of_alice(chain).items()))
    draft.add_input(source, cbor2.loads(output.raw))
    draft.body[1] = [[key_address(BOB), lovelace]]
    return draft


def all_lovelace(chain: Chain) -> int:
    """All there is, wherever it is: in outputs, deposits, reward accounts, reserves and fees that were paid."""
    fees = sum(each.transaction.body.fee for block in chain.blocks for each in block.inclusions)
    held = sum(output.value.lovelace for output in chain.utxo.values())
    staked = chain.staking.deposits_lovelace() + chain.staking.rewards_lovelace()
    return held + staked + chain.reserves_lovelace + fees
