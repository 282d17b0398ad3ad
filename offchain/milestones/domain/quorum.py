"""Who has signed what, and whether they are enough.

Oracles sign bytes, not milestones: two oracles that name different moments or evidence for one milestone
don't add up. So a quorum counts, for each identical `signed_data`, the oracles that signed it, each once.
Whether a signature is genuine is decided by the chain alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from milestones.domain.models import OracleSignature, QuorumStatus


@dataclass(frozen=True, slots=True)
class QuorumState:
    """The statement that most oracles signed, and how far it is from the quorum.

    `signatures` holds one entry an oracle, all over `signed_data` (None while nobody has signed), in the
    order of the oracles' hashes.
    """

    signed_data: bytes | None
    signatures: tuple[OracleSignature, ...]
    quorum_threshold: int
    total_oracles: int

    @property
    def signature_count(self) -> int:
        """How many different oracles signed this statement."""
        return len(self.signatures)

    @property
    def missing(self) -> int:
        """How many more are needed; 0 once the quorum is met."""
        return max(0, self.quorum_threshold - self.signature_count)

    @property
    def quorum_status(self) -> QuorumStatus:
        """`met` or `pending`."""
        return "pending" if self.missing else "met"


def merge_signatures(
    known: Iterable[OracleSignature], new: Iterable[OracleSignature]
) -> tuple[OracleSignature, ...]:
    """All entries, one for each oracle and statement; of two the newer, which may correct the older."""
    merged = {(entry.signed_data, entry.oracle): entry for entry in (*known, *new)}
    return tuple(merged.values())


def quorum_state(
    signatures: Iterable[OracleSignature],
    *,
    quorum_threshold: int,
    total_oracles: int,
    oracles: Collection[bytes] | None = None,
) -> QuorumState:
    """The best-supported statement; of equally supported ones, the one that came first.

    `oracles` are the hashes (28 bytes) in the terms; entries of others are left out. Where it is None,
    everybody counts.
    """
    statements: dict[bytes, dict[bytes, OracleSignature]] = {}
    for entry in signatures:
        if oracles is None or entry.oracle in oracles:
            statements.setdefault(entry.signed_data, {})[entry.oracle] = entry
    if not statements:
        return QuorumState(None, (), quorum_threshold, total_oracles)
    best = max(statements, key=lambda statement: len(statements[statement]))
    entries = tuple(entry for _, entry in sorted(statements[best].items()))
    return QuorumState(best, entries, quorum_threshold, total_oracles)
