"""What a view comes to at some width, and names that several of them show."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from rich.console import Console

from milestones.cardano.address import Address, key_credential
from milestones.cli.output import print_view

NAME = "addr_test1" + "q" * 98
GRANT: dict[str, Any] = {"token_policy_id": bytes(28), "token_name": b"GRANT"}
ADDRESS = Address(0, key_credential(bytes(28)), None)


def in_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()


def printed(parts: Any, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_view(console, parts)
    written = console.file
    assert isinstance(written, io.StringIO)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"
