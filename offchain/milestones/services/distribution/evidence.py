"""What people say of a moment and of evidence, checked before it is signed or sent."""

from __future__ import annotations

from typing import Final

from milestones.domain.plausibility import moment_problems
from milestones.domain.posix_time import to_posix_ms
from milestones.errors import InvalidInput
from milestones.services.backend import Network

EVIDENCE_BYTES: Final = 64
CLOCKS_DIFFER_MS: Final = 1_800_000
"""How far one clock may be ahead of another without a word: the newest block is up to minutes old."""


def checked_evidence(evidence_hash: bytes) -> bytes:
    """The evidence hash. Raises `InvalidInput` where it is too long for a hash."""
    if len(evidence_hash) > EVIDENCE_BYTES:
        raise InvalidInput(
            f"an evidence hash has at most {EVIDENCE_BYTES} bytes, not {len(evidence_hash)}",
            path="evidence_hash",
            hint="give a hash of the evidence, or the file itself with --evidence-file",
        )
    return evidence_hash


def checked_moment(timestamp: int, path: str, network: Network) -> int:
    """POSIX milliseconds of a moment in seconds. Raises `InvalidInput` about `path` where it can't be meant."""
    for problem in moment_problems(timestamp, path, network.magic):
        raise InvalidInput(problem.message, path=path, hint=problem.hint)
    return to_posix_ms(timestamp)


def doubts_about_moment(moment_posix_ms: int, now_posix_ms: int) -> tuple[str, ...]:
    """A warning where a milestone is said to be reached at a time that is still to come, by a clock's now."""
    if moment_posix_ms <= now_posix_ms + CLOCKS_DIFFER_MS:
        return ()
    return ("the milestone is said to be reached at a time that is still to come",)
