"""What options that belong together mean together."""

from __future__ import annotations

from pathlib import Path

import pytest

from milestones.cardano.hashes import blake2b_256
from milestones.cli.options import anchor_of
from milestones.errors import InvalidInput
from milestones.protocol.anchors import Anchor

URL = "https://example.org/report"
EVIDENCE = b"e" * 32


def test_a_url_alone_is_where_the_evidence_is() -> None:
    assert anchor_of(URL, None, None, evidence_hash=EVIDENCE) == Anchor(URL, EVIDENCE)
    assert anchor_of(None, None, None, evidence_hash=EVIDENCE) is None


def test_a_document_of_its_own_comes_before_the_evidence(tmp_path: Path) -> None:
    document = tmp_path / "agreement.txt"
    document.write_bytes(b"agreed")
    known = blake2b_256(b"agreed")
    assert anchor_of(URL, None, document, evidence_hash=EVIDENCE) == Anchor(URL, known)
    assert anchor_of(URL, known.hex(), None, evidence_hash=EVIDENCE) == Anchor(URL, known)


def test_a_url_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="a URL and the document's hash"):
        anchor_of(URL, None, None)
    with pytest.raises(InvalidInput, match="a URL and the document's hash"):
        anchor_of(None, EVIDENCE.hex(), None)
