"""The last line: whatever goes wrong, and whatever the terminal can show, a result or an error is printed."""

from __future__ import annotations

import io
import json
import sys

import pytest

from milestones.cli import app as edge
from milestones.cli.output import print_json


def test_a_fault_of_the_program_is_an_object_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_arguments: list[str], **_options: object) -> None:
        raise KeyError("result")

    monkeypatch.setattr(edge, "app", broken)
    monkeypatch.setattr(sys, "argv", ["milestones", "--json"])
    with pytest.raises(SystemExit) as ended:
        edge.main()
    printed = capsys.readouterr()
    assert ended.value.code == 1
    assert json.loads(printed.out)["error"]["code"] == "unexpected"
    assert "KeyError: 'result'" in json.loads(printed.out)["error"]["message"]
    assert "Traceback" in printed.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("text", ["étape → 1", "\udcff.json"])
def test_json_comes_out_in_any_encoding(
    monkeypatch: pytest.MonkeyPatch, encoding: str, text: str
) -> None:
    """A result that can't be printed would look like a payment that was not made."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    print_json({"milestone_identifier": text})
    out.seek(0)
    assert json.load(out) == {"milestone_identifier": text}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (["check-status", "--json"], ["--json", "check-status"]),
        (["keys", "a.skey", "--full", "--json"], ["--full", "--json", "keys", "a.skey"]),
        (["--json", "keys", "--", "--json"], ["--json", "keys", "--", "--json"]),
        (["keys", "a.skey"], ["keys", "a.skey"]),
        (["list", "--format", "csv", "--closed"], ["--format", "csv", "list", "--closed"]),
        (["list", "--format=json"], ["--format=json", "list"]),
        (["report", "--format", "html", "--json"], ["--json", "report", "--format", "html"]),
        (["list", "--", "--format", "csv"], ["list", "--", "--format", "csv"]),
        (["list", "--format"], ["list", "--format"]),
    ],
)
def test_how_to_print_may_be_said_anywhere(typed: list[str], read: list[str]) -> None:
    assert edge.reordered(typed) == read
