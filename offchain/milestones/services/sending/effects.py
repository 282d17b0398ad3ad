"""What a transaction would bring about, read from its bytes, and whether somebody else has already.

The chain takes a second attestation, a second opening, a second publication, and each costs a deposit and a
fee. So before such a transaction is sent, or sent again, its effect is looked for: a token that it mints, or
a script that it publishes, in an output of another transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.address import Address
from milestones.cardano.encoding import LANGUAGE_TAGS
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference, Script, TransactionOutput
from milestones.cardano.value import AssetId
from milestones.clients.kupo_answers import Match
from milestones.clients.mempool import Mempool
from milestones.errors import InvalidAddress, InvalidEncoding, NotAllowedYet
from milestones.services.backend import Backend
from milestones.storage.submission import Purpose

MANY_AT_ONCE: Final[frozenset[Purpose | None]] = frozenset({"notice", "home", "proposal", None})
"""Purposes whose tokens may be there more than once. What counts is what has come since one looked."""
FOR_EVER: Final[frozenset[Purpose | None]] = frozenset({"opening"})
"""Purposes whose effect counts also when it is gone: terms that were closed must not be opened again."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a transaction (its id: 32 bytes) would bring about that the chain would take twice.

    `minted` are its new tokens, `published` addresses (Bech32) with the hashes of scripts that stand there.
    """

    transaction_id: bytes
    purpose: Purpose | None
    minted: frozenset[AssetId] = frozenset()
    published: frozenset[tuple[str, bytes]] = frozenset()

    @classmethod
    def of(cls, transaction_cbor: bytes, purpose: Purpose | None) -> Effect:
        """Of a whole transaction, or one without witnesses; nothing where it can't be read."""
        try:
            body, *_ = cbor.read(transaction_cbor).array()
            fields = {key.unsigned(): value for key, value in body.entries()}
            minted = frozenset(_minted(fields[9])) if 9 in fields else frozenset()
            published = frozenset(_published(fields[1])) if 1 in fields else frozenset()
        except (InvalidEncoding, InvalidAddress):
            return cls(bytes(32), purpose)
        return cls(blake2b_256(body.raw), purpose, minted, published)

    @property
    def names(self) -> list[str]:
        """By which one process keeps it from others, while it looks and sends."""
        tokens = [f"token {each}" for each in self.minted]
        return tokens + [f"script {digest.hex()} at {place}" for place, digest in self.published]

    def is_in(self, output: TransactionOutput) -> bool:
        """Whether an output shows it."""
        return any(output.value.quantity(asset) for asset in self.minted) or (
            output.script_hash is not None
            and (output.address, output.script_hash) in self.published
        )


async def effect_there(
    backend: Backend,
    effect: Effect,
    mempool: Mempool,
    *,
    since_slot: int,
    ours: Collection[bytes] = (),
) -> OutputReference | None:
    """Another transaction's output that shows the effect; None where nobody was faster.

    `mempool` is one that was looked at just now; the index must have read all that the node had then.
    Of what may be there more than once only what came after `since_slot` counts, and is not of `ours`:
    transactions (32 bytes each) that were known when it was built.
    """
    for match in (*await _indexed(backend, effect), *mempool.applied((), effect.is_in)):
        made_by = match.reference.transaction_id
        known = made_by in ours or match.created_at.slot <= since_slot
        if made_by != effect.transaction_id and not (known and effect.purpose in MANY_AT_ONCE):
            return match.reference
    return None


def done_by_another(there: OutputReference) -> NotAllowedYet:
    """The error where what a transaction would do is done already, and will be looked at again."""
    return NotAllowedYet(
        "under_way",
        f"somebody else has just done the same, in {there}",
        hint="run the command again: it goes on with what is there",
        details={"transaction_hash": there.transaction_id.hex()},
    )


async def _indexed(backend: Backend, effect: Effect) -> list[Match]:
    found: list[Match] = []
    for asset in sorted(effect.minted, key=str):
        pattern = f"{asset.policy_id.hex()}.{asset.asset_name.hex()}"
        unspent = effect.purpose not in FOR_EVER
        found += await backend.kupo.matches(pattern, unspent=unspent, resolve_hashes=False)
    for place in sorted({place for place, _ in effect.published}):
        found += await backend.kupo.matches(place, unspent=True, resolve_hashes=False)
    return [match for match in found if effect.is_in(match.output)]


def _minted(item: cbor.Item) -> Iterator[AssetId]:
    for policy, tokens in item.entries():
        for name, quantity in tokens.entries():
            if quantity.integer() > 0:
                yield AssetId(policy.bytes(28), name.bytes())


def _published(outputs: cbor.Item) -> Iterator[tuple[str, bytes]]:
    """The scripts that outputs carry, as this program writes them: in maps, and Plutus V3."""
    for output in outputs.array():
        fields = {key.unsigned(): each for key, each in output.entries()} if _is_map(output) else {}
        if 3 in fields:
            language, code = cbor.read(fields[3].untagged(24).bytes()).array()
            if language.unsigned() == LANGUAGE_TAGS["plutus:v3"]:
                place = Address.from_bytes(fields[0].bytes()).to_bech32()
                yield place, Script("plutus:v3", code.bytes()).hash()


def _is_map(item: cbor.Item) -> bool:
    return item.kind == cbor.MAP
