"""Anchors: documents that a transaction names by URL and hash, as governance actions do (CIP-100).

Under label 1296649281 of a transaction's metadata stands `[version, [[chunks of the URL], hash], ...]`: texts
of at most 64 bytes, and the document's blake2b-256. It is a label of its own, because an announced schedule is
read as a whole, and notices, proposals and attestations have none. Nothing here fetches a URL: whoever has
the document compares its hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.encoding import array, integer
from milestones.errors import InvalidEncoding, InvalidInput
from milestones.protocol.schedule_metadata import content_of

LABEL: Final = 1296649281
"""ASCII `MILA`."""
VERSION: Final = 1
CHUNK: Final = 64
"""The ledger's limit for a text in metadata, in bytes of UTF-8."""
URL_BYTES: Final = 128
"""The ledger's limit for the URL of an anchor in governance: what fits here fits there."""
HASH_BYTES: Final = 32
MOST_ANCHORS: Final = 16
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://)?[^\s/\x00-\x1f\x7f][^\s\x00-\x1f\x7f]*")


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a document is said to be, and its blake2b-256 (32 bytes). Checked; raises `InvalidInput`."""

    url: str
    hash: bytes

    def __post_init__(self) -> None:
        if _URL.fullmatch(self.url) is None:
            raise InvalidInput(
                f"{self.url[:80]!r} is not a URL",
                path="anchor",
                hint="write it with its scheme, such as https://… or ipfs://…",
            )
        length = len(self.url.encode(errors="replace"))
        if length > URL_BYTES:
            raise InvalidInput(
                f"a URL has at most {URL_BYTES} bytes here, as in governance, not {length}",
                path="anchor",
                hint="give a shorter one, such as the ipfs:// address of the document",
            )
        if len(self.hash) != HASH_BYTES:
            raise InvalidInput(
                f"the hash of a document has {HASH_BYTES} bytes, not {len(self.hash)}",
                path="anchor_hash",
                hint="give blake2b-256 in 64 hexadecimal digits, or the document itself",
            )


def metadata_of(anchors: Sequence[Anchor]) -> dict[int, bytes]:
    """What a transaction's metadata gets, CBOR by label; nothing where there is no anchor."""
    if not anchors:
        return {}
    return {LABEL: array((integer(VERSION), *(_encoded(anchor) for anchor in anchors)))}


def _encoded(anchor: Anchor) -> bytes:
    chunks = [_text(chunk) for chunk in _chunks(anchor.url)]
    return array((array(chunks), cbor.encode_bytes(anchor.hash)))


def _text(chunk: str) -> bytes:
    raw = chunk.encode()
    return cbor.head(cbor.TEXT, len(raw)) + raw


def _chunks(text: str) -> Iterator[str]:
    """Pieces of at most `CHUNK` bytes; no character is cut."""
    piece = ""
    for character in text:
        if len((piece + character).encode()) > CHUNK:
            yield piece
            piece = ""
        piece += character
    yield piece


def anchors_in(metadata: bytes) -> tuple[Anchor, ...]:
    """The anchors in a transaction's metadata, in any form the ledger knows.

    Others may have written anything there: what can't be read is none. Of more than 16 the first count.
    """
    try:
        version, *entries = content_of(metadata, LABEL).array()
        if version.unsigned() != VERSION:
            return ()
        return tuple(_decoded(entry) for entry in entries[:MOST_ANCHORS])
    except (InvalidInput, ValueError):
        return ()


def _decoded(entry: cbor.Item) -> Anchor:
    fields = entry.array()
    if len(fields) != 2:
        raise InvalidEncoding("an anchor has a URL and a hash")
    url = "".join(chunk.text() for chunk in fields[0].array())
    return Anchor(url, fields[1].bytes(HASH_BYTES))
