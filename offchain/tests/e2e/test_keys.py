"""Key files: made where they are missing, shown where they are there, never written over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from milestones.cardano.address import Address
from milestones.keys.key_files import SigningKey
from milestones.testing.processes import CommandResult


@dataclass(frozen=True)
class Alone:
    """The program in an empty folder, without any service."""

    folder: Path

    def __call__(self, *arguments: str, **variables: str) -> CommandResult:
        command = [sys.executable, "-m", "milestones", *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def alone(tmp_path: Path) -> Alone:
    return Alone(tmp_path)


def test_new_keys_are_made_for_their_owner_alone_and_shown_again(alone: Alone) -> None:
    made = alone("keys", "--generate", "ada.skey", "ben.skey").json
    assert made["generated"] == ["ada", "ben"]
    ada = SigningKey.load(alone.folder / "ada.skey")
    assert made["addresses"]["ada"] == ada.address(0).to_bech32()
    assert (alone.folder / "ada.skey").stat().st_mode & 0o077 == 0
    again = alone("keys", "--generate", "ada.skey", "ben.skey").json
    assert {**again, "elapsed_ms": 0} == {**made, "generated": [], "elapsed_ms": 0}
    on_mainnet = alone("--network", "mainnet", "keys", "ada.skey").json["addresses"]["ada"]
    assert Address.from_bech32(on_mainnet).network_id == 1


def test_a_key_that_is_not_there_is_not_made_unless_it_is_asked_for(alone: Alone) -> None:
    refused = alone("keys", "ada.skey")
    assert (refused.exit_code, refused.error["code"]) == (2, "invalid_key_file")
    assert "ada.skey" in refused.stderr
    assert not (alone.folder / "ada.skey").exists()


def test_nothing_is_made_where_one_of_the_files_is_no_key(alone: Alone) -> None:
    (alone.folder / "ben.skey").write_text(json.dumps({"type": "x"}))
    refused = alone("keys", "--generate", "ada.skey", "ben.skey")
    assert refused.exit_code == 2
    assert "ben.skey" in refused.stderr
    assert not (alone.folder / "ada.skey").exists()


def test_two_files_of_one_name_are_refused(alone: Alone) -> None:
    refused = alone("keys", "--generate", "a/ada.skey", "b/ada.skey")
    assert (refused.exit_code, refused.error["code"]) == (2, "invalid_input")


@pytest.mark.parametrize("blueprint", ["missing.json", "broken.json"])
def test_no_blueprint_is_needed(alone: Alone, blueprint: str) -> None:
    """Keys are made, and the version is said, before anything else is set up."""
    (alone.folder / "broken.json").write_text("{")
    configured = {"MILESTONES_BLUEPRINT": blueprint}
    assert alone("keys", "--generate", "ada.skey", **configured).json["generated"] == ["ada"]
    assert alone("--version", **configured).exit_code == 0
