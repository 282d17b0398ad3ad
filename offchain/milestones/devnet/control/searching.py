"""What somebody looks for on the pages: where it leads, and what is known of an address or a token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote

from milestones.cardano import base58, bech32
from milestones.cardano.outputs import OutputReference
from milestones.cardano.value import AssetId, Value
from milestones.devnet.blocks import Block, Inclusion
from milestones.devnet.chain import Chain
from milestones.devnet.ledger.addresses import LedgerAddress, decode_address
from milestones.devnet.ledger.outputs import Output
from milestones.errors import InvalidEncoding, NotFound

LOOKED_THROUGH: Final = 20_000
"""Newest transactions that are looked through for those about an address or a token."""
SHOWN: Final = 50
"""How many of them, and how many outputs, a page lists."""
_HINT: Final = (
    "look for a transaction's id, an address, a token (policy, name or policy.name), or a block's"
    " height"
)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of an address or a token.

    `held` are the unspent outputs with it, of which `shown` are listed; `value` is all that they hold, and
    `transactions` are the newest that made or spent one.
    """

    held_count: int
    shown: tuple[tuple[OutputReference, Output], ...]
    value: Value
    holders: tuple[tuple[LedgerAddress, int], ...]
    transactions: tuple[tuple[Block, Inclusion], ...]


def path_of(chain: Chain, words: str) -> str:
    """The page of what is looked for. Raises `NotFound` where there is no such thing."""
    wanted = words.strip()
    if wanted.replace(",", "").isdecimal() and len(wanted) < 19:
        height = int(wanted.replace(",", ""))
        if chain.at_height(height) is not None:
            return f"/block/{height}"
    digest = _hexadecimal(wanted)
    if len(digest) == 32:
        if chain.transaction(digest) is not None:
            return f"/transaction/{digest.hex()}"
        block = next((each for each in chain.blocks if each.header_hash == digest), None)
        if block is not None:
            return f"/block/{block.height}"
    if _raw_address(wanted) is not None:
        return f"/address/{quote(wanted)}"
    if tokens_named(chain, wanted):
        return f"/token/{quote(wanted, safe='')}"
    raise NotFound(f"nothing here is named {wanted[:80]!r}", hint=_HINT)


def of_address(chain: Chain, text: str) -> Found:
    """What an address holds, and held. Raises `NotFound` for what is none."""
    raw = _raw_address(text)
    if raw is None:
        raise NotFound(f"{text[:80]!r} is no address", hint=_HINT)
    return _found(chain, lambda output: output.address.raw == raw)


def tokens_named(chain: Chain, words: str) -> frozenset[AssetId]:
    """The tokens that unspent outputs hold by this policy, name, or both with a dot between (hexadecimal)."""
    policy, dot, name = words.partition(".")
    held = {asset for output in chain.utxo.values() for asset in output.value.assets}
    wanted, raw = words.encode(), _hexadecimal(policy)
    if dot and len(raw) == 28:
        exact = AssetId(raw, _hexadecimal(name))
        return frozenset({exact} & held)
    if len(raw) == 28:
        return frozenset(asset for asset in held if asset.policy_id == raw)
    return frozenset(asset for asset in held if wanted and asset.asset_name == wanted)


def of_tokens(chain: Chain, tokens: frozenset[AssetId]) -> Found:
    """Who holds any of these tokens."""
    return _found(chain, lambda output: not tokens.isdisjoint(output.value.assets), tokens)


def _found(
    chain: Chain, is_wanted: Callable[[Output], bool], tokens: frozenset[AssetId] = frozenset()
) -> Found:
    held = [(reference, output) for reference, output in chain.utxo.items() if is_wanted(output)]
    holders: Counter[LedgerAddress] = Counter()
    for _, output in held:
        holders[output.address] += sum(output.value.quantity(token) for token in tokens)
    return Found(
        len(held),
        tuple(reversed(held[-SHOWN:])),
        sum((output.value for _, output in held), Value()),
        tuple(holders.most_common(SHOWN)) if tokens else (),
        tuple(islice(_about(chain, is_wanted), SHOWN)),
    )


def _about(chain: Chain, is_wanted: Callable[[Output], bool]) -> Iterator[tuple[Block, Inclusion]]:
    for block, each in islice(chain.latest_transactions(), LOOKED_THROUGH):
        spent = [output for ref in each.spent if (output := chain.output(ref)) is not None]
        if any(map(is_wanted, (*each.produced.values(), *spent))):
            yield block, each


def _hexadecimal(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _raw_address(text: str) -> bytes | None:
    """The bytes of a payment address, of Byron or since; None for any other text."""
    try:
        raw = bech32.decode(text)[1] if text.startswith("addr") else base58.decode(text)
        return decode_address(raw).raw
    except InvalidEncoding:
        return None
