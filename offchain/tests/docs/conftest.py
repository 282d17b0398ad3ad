"""One loaded program for all pages that a worker reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .ready import ReadyProgram


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadyProgram]:
    """The program, ready to be forked."""
    with ReadyProgram(tmp_path_factory.mktemp("program")) as program:
        yield program
