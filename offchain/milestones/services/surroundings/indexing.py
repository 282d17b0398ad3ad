"""What Kupo is told to watch, and from when on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from milestones.cardano.network import name_of
from milestones.errors import ServiceUnavailable
from milestones.services.backend import Backend
from milestones.services.surroundings.asking import NodeFacts
from milestones.transactions.wallet import SigningKey

SAFE_ZONE_SLOTS: Final = 129_600 - 3_600
"""How far back Kupo goes without being told that it is unsafe (36 hours), less an hour for the way there."""


async def index_what_is_missing(
    backend: Backend, key: SigningKey | None, facts: NodeFacts, since_slot: int | None
) -> tuple[tuple[str, ...], list[str]]:
    """The patterns that were added, and a warning for each that Kupo was slow to confirm."""
    releases = (backend.contract, *backend.releases)
    wanted = [f"{vault.hex()}/*" for vault in dict.fromkeys(each.vault_hash for each in releases)]
    if key is not None:
        wanted.append(f"{key.key_hash.hex()}/*")
    start = _start(facts) if since_slot is None else since_slot
    tip = facts.tip.slot if facts.tip else 0
    added, slow = [], []
    for pattern in wanted:
        if since_slot is None and await backend.kupo.patterns_including(pattern):
            continue
        try:
            await backend.kupo.add_pattern(
                pattern, start, beyond_safe_zone=tip - start > SAFE_ZONE_SLOTS
            )
        except ServiceUnavailable as error:
            slow.append(f"Kupo has not confirmed yet that it watches {pattern}: {error.reason}")
        added.append(pattern)
    return tuple(added), slow


def _start(facts: NodeFacts) -> int:
    tip = facts.tip.slot if facts.tip else 0
    return max(0, tip - SAFE_ZONE_SLOTS) if _is_public(facts.magic) else 0


def notes_on(indexed: Sequence[str], facts: NodeFacts, since_slot: int | None) -> Iterator[str]:
    if indexed and since_slot is None and _is_public(facts.magic):
        yield (
            f"Kupo reads the chain again from slot {_start(facts)}, a day and a half ago: outputs that"
            " are older stay unknown to it. Where a distribution, the published scripts or the wallet's"
            " funds are older, run `milestones init --since SLOT` with a slot before them"
        )


def _is_public(magic: int) -> bool:
    return name_of(magic) in ("mainnet", "preprod", "preview")
