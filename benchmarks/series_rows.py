"""Rows of a long list that look like real ones, always the same for a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from milestones.cardano.bech32_blocks import encode_addresses

BLOCK: Final = 4_096
MILESTONES, TIMES = 12, 30
DAY_SECONDS: Final = 86_400
WITH_STAKING, REPEATED = 0.9, 0.05
"""Shares of the rows: addresses with a staking part, and people who have a row already."""
MEDIAN_AMOUNT, SPREAD = 50_000, 1.4
"""Of the log-normal amounts."""


class Row(NamedTuple):
    """A row of the list; the time in POSIX seconds."""

    address: str
    amount: int
    milestone: str
    vests: int


def rows(count: int, seed: int = 1, *, until: int = 1_735_689_600) -> Iterator[Row]:
    """So many real-looking rows for a test network, always the same for a seed.

    Nine in ten have a staking part, one in twenty is of a person who has a row already; amounts are
    log-normal, and there are 12 milestones and 30 times, a day apart up to `until` (POSIX seconds).
    """
    chance, people = random.Random(seed), 0  # noqa: S311 - nothing is secret here
    salt = seed.to_bytes(8, "big")
    for start in range(0, count, BLOCK):
        raws, kinds = [], []
        for _ in range(min(BLOCK, count - start)):
            person = people
            if people and chance.random() < REPEATED:
                person = chance.randrange(people)
            else:
                people += 1
            keys = blake2b(salt + person.to_bytes(8, "big"), digest_size=57).digest()
            is_base = keys[56] < 256 * WITH_STAKING
            raws.append(b"\x00" + keys[:56] if is_base else b"\x60" + keys[:28])
            amount = 1 + round(MEDIAN_AMOUNT * chance.lognormvariate(0, SPREAD))
            milestone = f"milestone-{chance.randrange(MILESTONES):02}"
            kinds.append((amount, milestone, until - DAY_SECONDS * chance.randrange(TIMES)))
        for address, kind in zip(encode_addresses(raws), kinds, strict=True):
            yield Row(address, *kind)


def write_table(path: Path, count: int, seed: int = 1, *, until: int = 1_735_689_600) -> int:
    """Writes `rows` as a spreadsheet saves them; returns what all amounts add up to."""
    total = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("address,amount,milestone,vests\n")
        for row in rows(count, seed, until=until):
            total += row.amount
            file.write(f"{row.address},{row.amount},{row.milestone},{row.vests}\n")
    return total
