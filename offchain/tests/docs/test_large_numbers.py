"""What the developers' page says to readers in JavaScript, tried in Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from milestones.cli.output import print_json

from .pages import blocks

PAGE = "docs/guides/developer.md"
FILE = "whole_numbers.mjs"
CHECK = """
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";
import { parse } from "./whole_numbers.mjs";
const text = readFileSync("result.json", "utf8");
assert.notEqual(String(JSON.parse(text).token_amount), "9223372036854775807");
const read = parse(text);
assert.equal(read.token_amount, 9223372036854775807n);
assert.equal(read.negative, -9223372036854775808n);
assert.deepEqual(read.several, [1, 9007199254740991, 9007199254740993n]);
assert.equal(read.share, 0.12345678901234567);
assert.equal(read.large, 1e30);
assert.equal(read.text, 'about 9223372036854775807 of "GRANT", \\\\ 12345678901234567890');
assert.equal(read.missing, null);
"""


def test_no_digit_is_lost_the_way_the_page_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And some would be without it: amounts reach 2^63 - 1, which is no JavaScript number."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed: the page's snippet is not tried")
    (snippet,) = (block for block in blocks(PAGE) if block.saved_as == FILE)
    (tmp_path / FILE).write_text(snippet.text, encoding="utf-8")
    value = {
        "token_amount": (1 << 63) - 1,
        "negative": -(1 << 63),
        "several": [1, (1 << 53) - 1, (1 << 53) + 1],
        "share": 0.12345678901234567,
        "large": 1e30,
        "text": 'about 9223372036854775807 of "GRANT", \\ 12345678901234567890',
        "missing": None,
    }
    print_json(value)
    printed = capsys.readouterr().out
    assert json.loads(printed) == value
    (tmp_path / "result.json").write_text(printed, encoding="utf-8")
    (tmp_path / "check.mjs").write_text(CHECK, encoding="utf-8")
    done = subprocess.run(
        [node, "check.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
