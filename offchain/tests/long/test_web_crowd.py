"""Two hundred people at one server for a minute, and no answer is wrong. `make bench-serve` has the figures."""

from __future__ import annotations

from pathlib import Path

from tests.support.load import length
from tests.support.web_clients import crowd_at, demo


async def test_no_answer_is_wrong(tmp_path: Path) -> None:
    with demo(tmp_path) as url:
        clients, seconds = length(short=(4, 2.0), long=(200, 60.0))
        seen = await crowd_at(url, clients=clients, seconds=seconds)
    for line in seen.lines():
        print(line)  # noqa: T201
    assert sum(map(len, seen.seconds.values())) > clients
