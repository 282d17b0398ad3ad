"""A milestone's identifier, as somebody writes it."""

from __future__ import annotations

import pytest

from milestones.domain.models import MilestoneIdentifier
from milestones.errors import InvalidInput


@pytest.mark.parametrize("text", ["m", "milestone-001", "é" * 32, "m" * 64])
def test_an_identifier_keeps_its_text_and_knows_its_bytes(text: str) -> None:
    identifier = MilestoneIdentifier.parse(text)
    assert (identifier.text, identifier.raw, str(identifier)) == (text, text.encode(), text)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "not 0"), ("é" * 33, "1 to 64 bytes of UTF-8, not 66"), ("\ud800", "not valid Unicode")],
)
def test_what_is_no_identifier_is_refused_by_its_path(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        MilestoneIdentifier.parse(text, "milestone")
    assert caught.value.path == "milestone"
    assert caught.value.hint == "write the identifier as it stands in the schedule"
