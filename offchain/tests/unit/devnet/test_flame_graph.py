"""Flame graphs: frames are as wide as their units, and nothing in a name can write on the picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from milestones.devnet.control.flame_graph import NARROWEST, flame_graph

SVG = "{http://www.w3.org/2000/svg}"


def row(units: int, *frames: str) -> dict[str, Any]:
    return {"frames": list(frames), "cpu": units, "memory": 2 * units}


def frames(drawn: str) -> dict[str, ET.Element]:
    """The elements of frames by their tooltips' first words."""
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    found = {}
    for each in root.findall(f"{SVG}svg"):
        title = each.find(f"{SVG}title")
        if title is not None:
            found[(title.text or "").rpartition(": ")[0]] = each
    return found


def test_frames_stand_below_their_callers_and_are_as_wide_as_their_units() -> None:
    rows = [row(50, "spend 0"), row(30, "spend 0", "i_1", "addInteger"), row(20, "mint 0", "“a”")]
    found = frames(flame_graph(rows, "cpu", "x"))
    places = {
        name: (each.get("x"), each.get("width"), each.get("class")) for name, each in found.items()
    }
    assert places == {
        "spend 0": ("0.000%", "80.000%", "script"),
        "mint 0": ("80.000%", "20.000%", "script"),
        "i_1": ("0.000%", "30.000%", "function"),
        "addInteger": ("0.000%", "30.000%", "builtin"),
        "“a”": ("80.000%", "20.000%", "check"),
    }
    tops = {name: int(each.get("y", "")) for name, each in found.items()}
    assert tops["spend 0"] == tops["mint 0"] < tops["i_1"] == tops["“a”"] < tops["addInteger"]


def test_it_says_what_it_is_to_who_cannot_see_it() -> None:
    root = ET.fromstring(flame_graph([row(1_234, "spend 0")], "memory", "m"))  # noqa: S314
    assert root.get("role") == "img"
    texts = {each.get("id"): each.text for each in root if each.get("id")}
    named = (root.get("aria-labelledby") or "").split()
    title, description = (texts[each] or "" for each in named)
    assert title == "Flame graph: 2,468 units of memory"
    assert "wide" in description


@pytest.mark.parametrize(
    "name", ["</text><script>alert(1)</script>", 'a"b&c', "\x00\x1b\ufffe", "\u202ex"]
)
def test_nothing_in_a_name_can_write_on_the_picture(name: str) -> None:
    drawn = flame_graph([row(9, name, f"“{name}”")], "cpu", "x")
    assert len(frames(drawn)) == 2
    assert not re.search("<script|\x00|\x1b|\u202e", drawn)


def test_what_is_too_narrow_to_be_seen_is_left_out() -> None:
    many = [row(1, "spend 0", f"i_{number}") for number in range(int(2 / NARROWEST))]
    assert len(frames(flame_graph(many, "cpu", "x"))) == 1


def test_a_graph_of_nothing() -> None:
    assert frames(flame_graph([], "cpu", "x")) == {}
    assert frames(flame_graph([row(0, "spend 0")], "cpu", "x")) == {}


def test_deep_stacks_are_drawn_without_recursion() -> None:
    deep = [f"i_{number}" for number in range(3_000)]
    assert len(frames(flame_graph([row(5, *deep)], "cpu", "x"))) == 3_000
