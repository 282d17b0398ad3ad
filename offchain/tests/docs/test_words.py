"""Pages begin in short sentences, and keep to the project's words."""

from __future__ import annotations

import re
from typing import Final

import pytest

from .pages import page_names, prose, read

MOST_WORDS: Final = 29
_NO_PROSE: Final = ("#", "|", "<!--", "- ", "* ", "> ", "1. ", "```")
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def first_paragraph(page: str) -> str:
    """The first prose of a page: no heading, table, list, comment or block. Code counts as one word."""
    text = re.sub(r"`[^`\n]+`", "code", read(page))
    text = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line for line in paragraph.splitlines() if not line.startswith("<!--")]
        if lines and not lines[0].startswith(_NO_PROSE):
            return _LINK.sub(r"\1", " ".join(lines))
        if lines and lines[0].startswith("# ") and len(lines) > 1:
            return _LINK.sub(r"\1", " ".join(lines[1:]))
    return ""


def sentences(paragraph: str) -> list[list[str]]:
    """The words of each sentence; what follows a colon or a semicolon is still the same sentence."""
    found = re.split(r"(?<=[.!?])[*_)\"']*\s+", paragraph)
    return [re.findall(r"[\w'.,:/<>-]*\w[\w'<>-]*", sentence) for sentence in found]


@pytest.mark.parametrize("page", page_names())
def test_a_page_begins_in_short_sentences(page: str) -> None:
    """Under 30 words each: whoever opens a page knows at once whether it is the right one."""
    paragraph = first_paragraph(page)
    assert paragraph
    long = [" ".join(words) for words in sentences(paragraph) if len(words) > MOST_WORDS]
    assert not long


def test_a_long_sentence_is_found() -> None:
    """Thirty words are too many; a colon makes no two sentences of one."""
    (words,) = sentences(f"One: {'word ' * 28}end.")
    assert len(words) == MOST_WORDS + 1
    assert [len(each) for each in sentences("Two `x`, at least. And [three] more?")] == [4, 3]


AVOIDED: Final[dict[str, str]] = {
    r"\b(?:tell|tells|told|telling)\b": "say, report",
    r"\bcontract releases?\b": "contract version",
    r"\bschedules? (?:is|are|was) published\b": "announced",
    r"\bpublish(?:es|ing)? (?:a|the|no|its|their) (?:large )?schedules?\b": "announce",
}
"""What these pages don't say, and what they say instead; CONTRIBUTING lists it for people."""


@pytest.mark.parametrize("page", page_names())
def test_one_word_has_one_meaning(page: str) -> None:
    """The glossary has the words. The page for contributors names those that are avoided."""
    if page == "CONTRIBUTING.md":
        return
    text = " ".join(prose(page).split())
    found = {
        f"{match[0]!r}: {instead}"
        for pattern, instead in AVOIDED.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    }
    assert not found
