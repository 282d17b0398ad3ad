"""How Kupo is started: patterns only at the first start."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def kupo(tmp_path: Path) -> Path:
    """A program that prints the arguments it was started with."""
    program = tmp_path / "kupo"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program


def started(infra: Path, kupo: Path, workdir: Path) -> list[str]:
    """The arguments that Kupo gets."""
    shell = [found, "sh"] if (found := shutil.which("busybox")) else ["sh"]
    done = subprocess.run(
        [*shell, str(infra / "kupo-start.sh"), "--host", "0.0.0.0"],  # noqa: S104 - as in its container
        env={
            "PATH": "/usr/bin:/bin",
            "KUPO_PROGRAM": str(kupo),
            "KUPO_WORKDIR": str(workdir),
            "KUPO_SINCE": "origin",
            "KUPO_MATCH": "c0ffee/*  addr_test1xyz ",
        },
        cwd=workdir,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_first_start_names_the_patterns(infra: Path, kupo: Path, tmp_path: Path) -> None:
    """Each of them, as it is written: no file name takes the place of a star."""
    (tmp_path / "c0ffee").mkdir()
    (tmp_path / "c0ffee" / "file").touch()
    common = ["--host", "0.0.0.0", "--since", "origin"]  # noqa: S104
    patterns = ["--match", "c0ffee/*", "--match", "addr_test1xyz"]
    assert started(infra, kupo, tmp_path) == [*common, *patterns]


def test_a_later_start_names_none(infra: Path, kupo: Path, tmp_path: Path) -> None:
    """Kupo refuses patterns other than those in its database, where `init` may have added some."""
    (tmp_path / "kupo.sqlite3").touch()
    assert started(infra, kupo, tmp_path) == ["--host", "0.0.0.0", "--since", "origin"]  # noqa: S104
