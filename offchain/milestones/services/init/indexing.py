"""What Kupo must watch, and from when on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from milestones.cardano.address import Address
from milestones.cardano.network import name_of
from milestones.errors import ServiceUnavailable
from milestones.keys.key_files import SigningKey
from milestones.services.backend import Backend
from milestones.services.init.report import NodeFacts
from milestones.services.sending.payer import account_pattern

SAFE_ZONE_SLOTS: Final = 129_600 - 3_600
"""How far back Kupo goes without a word that it is unsafe (36 hours), less an hour for the way there."""


def funds_patterns(
    key: SigningKey | None, payers: Sequence[Address], whole_accounts: bool
) -> list[str]:
    """The patterns of all whose funds are wanted."""
    keys = [] if key is None else [key.key_hash]
    found = [f"{each.hex()}/*" for each in (*keys, *(each.payment.hash for each in payers))]
    if whole_accounts:
        found += [account_pattern(each.staking) for each in payers if each.staking is not None]
    return found


async def index_what_is_missing(
    backend: Backend, funds: Iterable[str], facts: NodeFacts, since_slot: int | None
) -> tuple[tuple[str, ...], list[str], tuple[str, ...]]:
    """The patterns that were added, a warning for each that Kupo was slow to confirm, and notes."""
    versions = (backend.contract, *backend.versions)
    wanted = [f"{vault.hex()}/*" for vault in dict.fromkeys(each.vault_hash for each in versions)]
    wanted += dict.fromkeys(funds)
    if since_slot is None:
        wanted = [each for each in wanted if not await backend.kupo.patterns_including(each)]
    if not wanted:
        return (), [], ()
    start, notes = await _oldest_known(backend, _start(facts) if since_slot is None else since_slot)
    tip = facts.tip.slot if facts.tip else 0
    added, slow = [], []
    for pattern in wanted:
        try:
            await backend.kupo.add_pattern(
                pattern, start, beyond_safe_zone=tip - start > SAFE_ZONE_SLOTS
            )
        except ServiceUnavailable as error:
            slow.append(f"Kupo has not confirmed yet that it watches {pattern}: {error.reason}")
        added.append(pattern)
    return tuple(added), slow, notes


async def _oldest_known(backend: Backend, slot: int) -> tuple[int, tuple[str, ...]]:
    """The slot of Kupo's last block at or before `slot`, else that of its oldest block, with a note."""
    before = await backend.kupo.checkpoint_at(slot)
    known = [before] if before else await backend.kupo.checkpoints()
    oldest = known[-1].slot if known else slot
    if before or not known:
        return oldest, ()
    note = (
        f"Kupo knows no block before slot {oldest}: outputs that are older stay unknown to it. Where"
        " something that counts is older, start Kupo anew with an earlier --since"
    )
    return oldest, (note,)


def _start(facts: NodeFacts) -> int:
    tip = facts.tip.slot if facts.tip else 0
    return max(0, tip - SAFE_ZONE_SLOTS) if _is_public(facts.magic) else 0


def notes_on(indexed: Sequence[str], facts: NodeFacts, since_slot: int | None) -> Iterator[str]:
    """What somebody should know about patterns that Kupo reads anew."""
    if indexed and since_slot is None and _is_public(facts.magic):
        yield (
            f"Kupo reads the chain again from slot {_start(facts)}, a day and a half ago: outputs that"
            " are older stay unknown to it. Where a distribution, the published scripts or the wallet's"
            " funds are older, run `milestones init --since SLOT` with a slot before them"
        )


def _is_public(magic: int) -> bool:
    return name_of(magic) in ("mainnet", "preprod", "preview")
