"""Whatever a client sends, it gets an answer of the right form, and nothing breaks."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milestones.devnet.chain import Chain
from milestones.devnet.interface import Faults
from milestones.devnet.kupo.app import KupoApp
from milestones.devnet.kupo.index import Index, Watch
from milestones.devnet.kupo.patterns import parse_pattern
from milestones.devnet.ogmios.queries import PREFIX
from milestones.devnet.ogmios.session import _METHODS, Session
from milestones.devnet.opening import ChainConfig, open_chain
from tests.support.devnet_clients import ALICE_ADDRESS, payment_on

METHODS = [*_METHODS, f"{PREFIX}utxo", f"{PREFIX}eraSummaries", f"{PREFIX}x", "x", ""]
NAMES = st.sampled_from(
    [
        *("points", "point", "slot", "id", "era", "transaction", "cbor", "additionalUtxo", "index"),
        *("addresses", "outputReferences", "fields", "address", "value", "ada", "lovelace"),
        *("datum", "datumHash", "script", "language", "json", "clause", "from", "atLeast", "extra"),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            *("origin", "shelley", "all", "any", "some", "signature", "before", "plutus:v3"),
            *("native", "00" * 28, "00" * 32, ALICE_ADDRESS, "84a0a0f5f6", "9f" * 600, "0"),
        ]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=4),
    max_leaves=10,
)
REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": st.sampled_from(METHODS)},
    optional={"params": st.dictionaries(NAMES, VALUES, max_size=4), "id": VALUES},
)


def new_chain() -> Chain:
    chain, _ = open_chain(ChainConfig(funds={ALICE_ADDRESS: 1_000_000_000}, manual_clock=True))
    chain.submit(payment_on(chain).seal())
    return chain


@pytest.mark.parametrize("version", ["6.14.0", "7.0.0"])
async def test_ogmios_answers_or_waits(version: str) -> None:
    chain = new_chain()

    async def converse(messages: list[str | bytes]) -> None:
        answers: list[Any] = []

        async def keep(text: str) -> None:
            answers.append(json.loads(text))

        session = Session(chain, version, keep)
        for message in messages:
            await session.receive(message)
        await session.chain_changed()
        assert len(answers) <= len(messages)
        for answer in answers:
            assert answer["jsonrpc"] == "2.0"
            assert ("result" in answer) != ("error" in answer)

    conversations: list[list[str | bytes]] = []

    @given(
        st.lists(
            REQUESTS.map(json.dumps) | VALUES.map(json.dumps) | st.binary(max_size=40), max_size=6
        )
    )
    @settings(max_examples=300, deadline=None)
    def collect(messages: list[str | bytes]) -> None:
        conversations.append(messages)

    collect()
    for messages in conversations:
        await converse(messages)


SEGMENTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(
        [
            *("matches", "patterns", "datums", "scripts", "checkpoints", "metadata", "health"),
            *("v1", "*", "*%2F*", ALICE_ADDRESS, "00" * 32, "3600", "-1", "%00", "%ff", "{7}"),
            *("99999999999999999999", "00" * 28 + ".*"),
        ]
    ),
)
PARAMETERS = st.sampled_from(
    [
        *("unspent", "spent", "resolve_hashes", "strict", "order=oldest_first", "x=1", "&", "="),
        *("created_after=1", "created_before=3600", "spent_after=0", "policy_id=" + "00" * 28),
        *("transaction_id=" + "00" * 32, "output_index=1", "asset_name=", "created_after=%ff"),
    ]
)


async def test_kupo_never_fails() -> None:
    chain = new_chain()
    index = Index(chain, [Watch(parse_pattern("*"), -1)])
    app = KupoApp(chain, index, Faults("kupo"), lambda: None)
    calls: list[tuple[str, str, bytes]] = []

    @given(
        method=st.sampled_from(["GET", "GET", "PUT", "DELETE", "POST"]),
        segments=st.lists(SEGMENTS, max_size=4),
        parameters=st.lists(PARAMETERS, max_size=3),
        body=st.binary(max_size=20) | VALUES.map(lambda value: json.dumps(value).encode()),
    )
    @settings(max_examples=300, deadline=None)
    def collect(method: str, segments: list[str], parameters: list[str], body: bytes) -> None:
        path = "/".join(quote(each, safe="%*{}") for each in segments).lstrip("/")
        calls.append((method, f"/{path}?{'&'.join(parameters)}", body))

    collect()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://kupo") as client:
        for method, url, body in calls:
            asking = asyncio.ensure_future(client.request(method, url, content=body))
            while not (await asyncio.wait({asking}, timeout=0.05))[0]:
                chain.mine()  # metadata past the tip wait for the next block
            answer = await asking
            assert answer.status_code in (200, 400, 404, 406, 500), (method, url, body)
            if answer.status_code >= 400:
                assert set(answer.json()) <= {"hint", "details"}
