"""A committee's time locks: a transaction's validity is narrowed until its script can agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from milestones.cardano.native_script import Locks, NativeScript, can_agree, from_cbor
from milestones.cardano.outputs import Script
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.errors import InvalidInput, NotAllowedYet
from milestones.services.backend import ChainTime
from milestones.transactions.draft import TransactionDraft

SOONEST_SECONDS: Final = 300
"""A lock that closes sooner is taken for closed: nobody could sign before."""


def within_time_locks(draft: TransactionDraft, script: Script, time: ChainTime) -> TransactionDraft:
    """The draft with a validity in which every lock of the script holds that can hold now.

    A narrower validity never breaks a lock that a wider one keeps. Raises `NotAllowedYet` (`time_lock`)
    where no signatures would be enough, which says from or until when they are; `InvalidInput` about `payer`
    where they never are.
    """
    native = from_cbor(script.code)
    soon = time.slot + SOONEST_SECONDS * 1000 // time.clock.eras[-1].slot_length_ms
    locks = Locks.of(native)
    first, last = locks.narrowed(
        time.slot, soon, draft.valid_from_slot or None, draft.valid_until_slot
    )
    if not can_agree(native, first, last):
        raise _refusal(native, locks, time, soon)
    return replace(draft, valid_from_slot=first, valid_until_slot=last)


def _refusal(
    native: NativeScript, locks: Locks, time: ChainTime, soon: int
) -> NotAllowedYet | InvalidInput:
    opens = [slot for slot in _openings(native, locks) if slot > time.slot]
    if opens:
        return NotAllowedYet(
            "time_lock",
            f"the committee's script agrees to nothing before {_when(time, opens[0])}",
            hint="wait until then, and run the command again",
            details={"valid_from_slot": opens[0]},
        )
    closed = [slot for slot in locks.before if slot <= soon and can_agree(native, slot - 1, slot)]
    if closed:
        return NotAllowedYet(
            "time_lock",
            f"the committee's script agreed to transactions before {_when(time, closed[-1])} alone",
            hint="its time is over: what it holds needs another way out that its script leaves",
            details={"valid_until_slot": closed[-1]},
        )
    return InvalidInput(
        "no signatures are ever enough for this script",
        path="payer",
        hint="compare it with the committee's own file",
    )


def _openings(native: NativeScript, locks: Locks) -> Iterator[int]:
    """Slots from which on the script can agree that couldn't before, ascending."""
    for slot in locks.after:
        last = min((each for each in locks.before if each > slot), default=None)
        if can_agree(native, slot, last):
            yield slot


def _when(time: ChainTime, slot: int) -> str:
    """A slot, and its time: beyond what the node foresees, as if slots stayed as long as they are."""
    return f"slot {slot} ({in_words(to_posix_seconds(time.clock.start_of(slot)))})"
