"""File names never escape, never collide, and stay readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.storage.files import file_name


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("milestone-001", "milestone-001"),
        ("Phase 1", "%50hase%201"),
        ("../../etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
        (".hidden", "%2ehidden"),
        ("a\0b", "a%00b"),
        ("nul", "%6eul"),
        ("com1", "%63om1"),
        ("größe", "gr%c3%b6%c3%9fe"),
        ("100%", "100%25"),
        ("", "%"),
    ],
)
def test_names(identifier: str, name: str) -> None:
    assert file_name(identifier) == name


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


@given(TEXT, TEXT)
def test_different_identifiers_differ_also_without_case(one: str, other: str) -> None:
    assert (file_name(one).casefold() == file_name(other).casefold()) == (one == other)


@given(TEXT)
def test_every_name_is_short_and_plain(identifier: str) -> None:
    name = file_name(identifier)
    assert 0 < len(name) <= 160
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_%")


def test_long_names_that_begin_alike_differ() -> None:
    assert file_name("a" * 500) != file_name("a" * 501)
    assert len(file_name("a" * 500)) < 160
