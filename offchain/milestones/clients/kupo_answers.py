"""Kupo's JSON, read into the ledger's vocabulary. Version 2.12.

Every function raises KeyError, TypeError or ValueError for an answer of another shape; the client turns
those into one error. Source: Kupo's OpenAPI description, version 2.12.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from milestones.cardano.outputs import (
    OutputReference,
    Script,
    ScriptLanguage,
    TransactionOutput,
    Utxo,
)
from milestones.cardano.slots import Point
from milestones.cardano.value import AssetId, Value
from milestones.clients.answers import (
    digest,
    natural,
    optional_natural,
    share,
    text,
)

_LANGUAGES: Final = frozenset(get_args(ScriptLanguage))
DatumType = Literal["inline", "hash"]


@dataclass(frozen=True, slots=True)
class KupoHealth:
    """What `GET /health` says. Slots are absolute; None where Kupo does not know yet.

    `connected` is about Kupo and the node. `network_synchronization` runs from 0 to 1. `indexes` is
    `installed`, or `deferred` while queries are slow.
    """

    connected: bool
    version: str
    checkpoint_slot: int | None
    node_tip_slot: int | None
    seconds_since_last_block: int | None
    network_synchronization: float | None
    indexes: str

    @property
    def slots_behind(self) -> int | None:
        """How far the index is behind the node's tip, in slots; None when not known."""
        if self.checkpoint_slot is None or self.node_tip_slot is None:
            return None
        return max(0, self.node_tip_slot - self.checkpoint_slot)

    @property
    def in_sync(self) -> bool:
        """Connected, and within a thousandth of the network's tip."""
        return self.connected and (self.network_synchronization or 0) >= 0.999


@dataclass(frozen=True, slots=True)
class Spent:
    """Where an output was spent: the block, the transaction (32 bytes), which input, and the redeemer's CBOR.

    `redeemer` is None for an output that no script locks; the transaction is None only in an index
    that an old Kupo began.
    """

    point: Point
    transaction_id: bytes | None
    input_index: int | None
    redeemer: bytes | None


@dataclass(frozen=True, slots=True)
class Match:
    """An output that the index knows, spent or not.

    `datum` is the CBOR of an inline datum, or of one that the index knows by its hash; None without
    `resolve_hashes`. `utxo.output.datum_hash` is set only where the output holds nothing but the hash.
    """

    utxo: Utxo
    created_at: Point
    transaction_index: int
    spent: Spent | None = None
    datum: bytes | None = None
    datum_hash: bytes | None = None
    datum_type: DatumType | None = None

    @property
    def reference(self) -> OutputReference:
        """Which output."""
        return self.utxo.reference

    @property
    def output(self) -> TransactionOutput:
        """What it holds."""
        return self.utxo.output


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Matches, and the newest block that the index had read then; None before the first block."""

    matches: tuple[Match, ...]
    checkpoint: Point | None


@dataclass(frozen=True, slots=True)
class TransactionMetadata:
    """The metadata of one transaction: its hash (32 bytes) and its CBOR."""

    hash: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class BlockMetadata:
    """Metadata in one block, in the order of its transactions.

    Compare `header_hash`: for a slot without a block, Kupo answers with the next block's metadata.
    """

    header_hash: bytes | None
    entries: tuple[TransactionMetadata, ...]


def health(answer: Any) -> KupoHealth:
    """The body of `GET /health`."""
    return KupoHealth(
        connected=answer["connection_status"] == "connected",
        version=text(answer["version"]),
        checkpoint_slot=optional_natural(answer["most_recent_checkpoint"]),
        node_tip_slot=optional_natural(answer["most_recent_node_tip"]),
        seconds_since_last_block=optional_natural(answer["seconds_since_last_block"]),
        network_synchronization=share(answer["network_synchronization"]),
        indexes=text(answer["configuration"]["indexes"]),
    )


def match(answer: Any) -> Match:
    """One entry of `GET /matches`. Addresses stay text: Byron's pass through."""
    datum_hash = digest(answer["datum_hash"]) if answer["datum_hash"] else None
    datum = bytes.fromhex(answer["datum"]) if answer.get("datum") else None
    kind = answer.get("datum_type")
    if kind not in (None, *get_args(DatumType)):
        raise ValueError(f"no kind of datum: {kind!r:.80}")
    reference = OutputReference(digest(answer["transaction_id"]), natural(answer["output_index"]))
    found = answer.get("script")
    output = TransactionOutput(
        address=text(answer["address"]),
        value=value(answer["value"]),
        datum_hash=datum_hash if kind == "hash" else None,
        inline_datum=datum if kind == "inline" else None,
        script_hash=digest(answer["script_hash"], 28) if answer["script_hash"] else None,
        script=None if found is None else script(found),
    )
    return Match(
        utxo=Utxo(reference, output),
        created_at=point(answer["created_at"]),
        transaction_index=natural(answer["transaction_index"]),
        spent=None if answer["spent_at"] is None else _spent(answer["spent_at"]),
        datum=datum,
        datum_hash=datum_hash,
        datum_type=kind,
    )


def point(answer: Any) -> Point:
    """`{slot_no, header_hash}`."""
    return Point(natural(answer["slot_no"]), digest(answer["header_hash"]))


def _spent(answer: Any) -> Spent:
    transaction_id, redeemer = answer.get("transaction_id"), answer.get("redeemer")
    return Spent(
        point=point(answer),
        transaction_id=None if transaction_id is None else digest(transaction_id),
        input_index=optional_natural(answer.get("input_index")),
        redeemer=None if redeemer is None else bytes.fromhex(redeemer),
    )


def script(answer: Any) -> Script | None:
    """A script's bytes; None for a language newer than this program."""
    if answer["language"] not in _LANGUAGES:
        return None
    return Script(answer["language"], bytes.fromhex(answer["script"]))


def value(answer: Any) -> Value:
    """`{coins, assets: {"policy.name": n}}`; the dot is absent for an empty name."""
    assets = {}
    for asset, quantity in answer.get("assets", {}).items():
        policy, _, name = asset.partition(".")
        assets[AssetId(digest(policy, 28), bytes.fromhex(name))] = natural(quantity)
    return Value(natural(answer["coins"]), assets)


def metadata(answer: Any) -> TransactionMetadata:
    """One entry of `GET /metadata`."""
    return TransactionMetadata(digest(answer["hash"]), bytes.fromhex(answer["raw"]))
