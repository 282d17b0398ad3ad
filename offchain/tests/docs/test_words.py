"""Pages begin in short sentences, and keep to the project's words."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, get_args

import pytest

from milestones.domain.models import TransactionStatus

from .pages import PROJECT, page_names, prose, read

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


GLOSSARY: Final = read("docs/glossary.md")


def test_the_glossarys_classes_are_in_the_code() -> None:
    """Each `LikeThis`, as a class or a type of that name."""
    package = PROJECT / "offchain" / "milestones"
    source = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    names = set(re.findall(r"`([A-Z]\w+)`", GLOSSARY))
    assert len(names) > 5
    missing = {
        name for name in names if not re.search(rf"^(?:class )?{name}\b[(:= ]", source, re.M)
    }
    assert not missing


def test_the_glossary_has_every_status_of_a_transaction() -> None:
    """In the row of `TransactionStatus`."""
    (row,) = (line for line in GLOSSARY.splitlines() if line.startswith("| `TransactionStatus`"))
    assert {f"`{status}`" in row for status in get_args(TransactionStatus)} == {True}


def test_the_glossary_explains_each_word_once() -> None:
    """A word with two rows would have two meanings."""
    heads = [line.split("|")[1] for line in GLOSSARY.splitlines() if line.startswith("| ")]
    words = Counter(word for head in heads for word in re.findall(r"\*\*([^*]+)\*\*", head))
    assert [word for word, count in words.items() if count > 1] == []
    assert {"release", "publish", "announce", "milestone", "slot"} <= set(words)
