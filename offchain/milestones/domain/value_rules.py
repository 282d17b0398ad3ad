"""The rules of single values in a schedule: addresses, amounts, milestones, times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from milestones.cardano.address import Address
from milestones.domain.posix_time import looks_like_milliseconds
from milestones.domain.reading import Problem

AMOUNT_LIMIT: Final = 1 << 63
MILESTONE_BYTES: Final = 64


def network_problems(address: Address, network_id: int, path: str) -> Iterator[Problem]:
    """An address that belongs to another network than the distribution."""
    if address.network_id != network_id:
        names = ("a test network", "mainnet")
        yield Problem(
            path,
            f"an address of {names[address.network_id]} in a distribution on {names[network_id]}",
            "give the address that belongs to the network, or correct the network's magic",
        )


def amount_problems(amount: int, path: str) -> Iterator[Problem]:
    """An amount that is none, or more than the ledger can hold."""
    if amount <= 0:
        yield Problem(
            path,
            f"an amount is greater than zero, not {amount}",
            "give the amount in the token's smallest unit, or leave the allocation out",
        )
    elif amount >= AMOUNT_LIMIT:
        yield Problem(
            path,
            f"{amount} is over 2^63 - 1, the ledger's limit",
            "give the amount in the token's smallest unit",
        )


def milestone_problems(identifier: str, path: str) -> Iterator[Problem]:
    """A milestone's identifier that is empty or too long."""
    length = len(identifier.encode())
    if not 1 <= length <= MILESTONE_BYTES:
        yield Problem(
            path,
            f"an identifier has 1 to {MILESTONE_BYTES} bytes of UTF-8, not {length}",
            "give a name that is not empty, or a shorter one",
        )


def moment_problems(posix_seconds: int, path: str) -> Iterator[Problem]:
    """A time before 1970, or in milliseconds."""
    if posix_seconds < 0:
        yield Problem(path, f"{posix_seconds} is before 1970", "give POSIX seconds")
    elif looks_like_milliseconds(posix_seconds):
        yield Problem(
            path,
            f"{posix_seconds} looks like milliseconds; this field is in seconds",
            f"write {posix_seconds // 1000}",
        )
