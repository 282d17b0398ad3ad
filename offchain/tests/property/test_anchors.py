"""Anchors in metadata: what was written is read, and what others write there is none."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano import cbor
from milestones.cardano.encoding import integer, mapping
from milestones.errors import InvalidInput
from milestones.protocol.anchors import LABEL, Anchor, anchors_in, metadata_of

HASH = bytes(range(32))
URLS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Z", "C"), exclude_characters="/"),
    min_size=1,
    max_size=30,
).map("ipfs://".__add__)
ANCHORS = st.builds(Anchor, URLS, st.binary(min_size=32, max_size=32))


def whole(metadata: dict[int, bytes]) -> bytes:
    return mapping((integer(label), content) for label, content in metadata.items())


@given(st.lists(ANCHORS, min_size=1, max_size=16))
def test_what_is_written_is_read(anchors: list[Anchor]) -> None:
    metadata = whole(metadata_of(anchors))
    assert anchors_in(metadata) == tuple(anchors)
    for chunks, _ in cbor2.loads(metadata)[LABEL][1:]:
        assert all(len(chunk.encode()) <= 64 for chunk in chunks)


def test_the_bytes_of_one() -> None:
    url = "https://example.org/" + "a" * 60
    (content,) = metadata_of([Anchor(url, HASH)]).values()
    assert cbor2.loads(content) == [1, [[url[:64], url[64:]], HASH]]
    assert metadata_of([]) == {}


@given(st.binary(max_size=60))
def test_what_others_write_is_no_anchor(junk: bytes) -> None:
    assert anchors_in(junk) == ()
    assert anchors_in(whole({LABEL: cbor.encode_bytes(junk)})) == ()


@pytest.mark.parametrize(
    "content",
    [
        [2, [["ipfs://x"], HASH]],
        [1, [["ipfs://x"], HASH[:31]]],
        [1, [["ipfs://x"]]],
        [1, [["no url"], HASH]],
        [1, [["ipfs://" + "x" * 130], HASH]],
        [1, ["ipfs://x", HASH]],
        {},
        [],
        "text",
        -1,
    ],
)
def test_what_looks_like_one_and_isnt(content: object) -> None:
    assert anchors_in(cbor2.dumps({LABEL: content})) == ()


@pytest.mark.parametrize(
    ("url", "digest", "path"),
    [
        ("example.org", HASH, "anchor"),
        ("https://a b", HASH, "anchor"),
        ("https://", HASH, "anchor"),
        ("https://" + "é" * 61, HASH, "anchor"),
        ("https://x", HASH[:31], "anchor_hash"),
    ],
)
def test_what_cant_be_an_anchor(url: str, digest: bytes, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Anchor(url, digest)
    assert refused.value.path == path
