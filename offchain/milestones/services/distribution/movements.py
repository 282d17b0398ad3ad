"""What each transaction did to a distribution, out of the outputs that Kupo knows, spent or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from milestones.cardano.slots import Point
from milestones.cardano.value import AssetId
from milestones.clients.kupo_answers import Match
from milestones.protocol.datums import VaultState, terms_token_name, vault_token_name
from milestones.services.backend import Backend
from milestones.services.distribution.history import PastClaim, claims_by, vault_state
from milestones.services.distribution.on_chain import (
    OnChain,
    attestations_among,
    board_among,
    notices_among,
    proposals_among,
)

Event = Literal[
    "opening",
    "attestation",
    "proposal",
    "confirmation",
    "proposal_ended",
    "notice",
    "replacement",
    "claim",
    "closing",
]
"""`confirmation`: a proposal became an attestation. `proposal_ended`: stopped by oracles, or retired.
`replacement`: of the oracles. `closing`: deposits, and what nobody can claim any more, were taken back."""
Kind = Literal["terms", "vault", "attestation", "board", "proposal", "notice"]
LAST: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Held:
    """An output of the distribution: its kind, a vault's state, and the milestone (UTF-8) that it is about."""

    kind: Kind
    match: Match
    state: VaultState | None = None
    milestone: bytes = b""

    @property
    def lovelace(self) -> int:
        """All lovelace in it."""
        return self.match.output.value.lovelace

    @property
    def remaining(self) -> int:
        """What a vault holds for its allocations; 0 of all else."""
        return 0 if self.state is None else self.state.remaining


@dataclass(slots=True)
class Movement:
    """One transaction (32 bytes): what it made and what it spent of the distribution, and whom it paid."""

    transaction_id: bytes
    point: Point
    place: int = LAST
    made: list[Held] = field(default_factory=list)
    spent: list[Held] = field(default_factory=list)
    claims: list[PastClaim] = field(default_factory=list)
    closes: bool = False

    @property
    def lovelace_change(self) -> int:
        """By how much the distribution's lovelace grew."""
        return sum(each.lovelace for each in self.made) - sum(each.lovelace for each in self.spent)

    @property
    def token_change(self) -> int:
        """By how much what is held for allocations grew, in the token's smallest unit."""
        before = sum(each.remaining for each in self.spent)
        return sum(each.remaining for each in self.made) - before

    def events(self) -> Iterator[tuple[Event, bytes]]:
        """What happened, other than claims, and the milestone that it is about."""
        made = {(each.kind, each.milestone) for each in self.made}
        gone = {(each.kind, each.milestone) for each in self.spent}
        opens = ("terms", b"") in made
        if opens:
            yield "opening", b""
        for kind, milestone in sorted(made):
            if kind == "attestation":
                confirmed = ("proposal", milestone) in gone
                yield "confirmation" if confirmed else "attestation", milestone
            elif kind == "proposal":
                yield "proposal", milestone
            elif kind == "notice":
                yield "notice", b""
            elif kind == "board" and not opens and ("board", b"") in gone:
                yield "replacement", b""
        for kind, milestone in sorted(gone):
            if kind == "proposal" and ("attestation", milestone) not in made:
                yield "proposal_ended", milestone
        if self.closes or (not made and {kind for kind, _ in gone} - {"proposal"}):
            yield "closing", b""


async def movements_of(backend: Backend, on_chain: OnChain) -> list[Movement]:
    """Every transaction that Kupo remembers, oldest first."""
    matches = await backend.kupo.matches(on_chain.address.to_bech32())
    found: dict[bytes, Movement] = {}
    for each in _held(backend, on_chain, matches):
        match = each.match
        made = found.setdefault(
            match.reference.transaction_id,
            Movement(match.reference.transaction_id, match.created_at),
        )
        made.made.append(each)
        made.place = match.transaction_index
        spent = match.spent
        if spent is None or spent.transaction_id is None:
            continue
        by = found.setdefault(spent.transaction_id, Movement(spent.transaction_id, spent.point))
        by.spent.append(each)
        if each.state is not None:
            claims = claims_by(spent, each.state.page, on_chain.terms.paging)
            by.claims += claims or ()
            by.closes = by.closes or claims is None
    return sorted(found.values(), key=lambda each: (each.point, each.place))


def _held(backend: Backend, on_chain: OnChain, matches: Iterable[Match]) -> Iterator[Held]:
    """The outputs that are the distribution's; anybody can leave others at its address."""
    contract, distribution_id = backend.contract, on_chain.distribution_id
    terms = AssetId(contract.policy_id, terms_token_name(distribution_id))
    vault = AssetId(contract.policy_id, vault_token_name(distribution_id))
    for match in matches:
        value, alone = match.output.value, [match]
        policies = frozenset(value.policies())
        if value.quantity(terms) == 1:
            yield Held("terms", match)
        elif value.quantity(vault) == 1:
            yield Held("vault", match, vault_state(match))
        elif contract.policy_id in policies:
            for milestone in attestations_among(alone, distribution_id, contract):
                yield Held("attestation", match, milestone=milestone)
        elif contract.board_policy in policies:
            if board_among(alone, distribution_id, contract):
                yield Held("board", match)
            if notices_among(alone, distribution_id, contract):
                yield Held("notice", match)
            for live in proposals_among(alone, distribution_id, contract):
                yield Held("proposal", match, milestone=live.proposal.milestone)
